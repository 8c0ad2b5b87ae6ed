#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "domain/plain_text.h"
#include "portal/api.h"
#include "portal/certificate.h"

#define COUNT(a)       (sizeof(a) / sizeof((a)[0]))
#define GENERATION_MAX ((size_t)1 << 53)

/* ---- what bodies and answers hold
 * ------------------------------------------------------------------------------ */

static const struct json_field CLAIM[] = {
    {"station", JSON_FIELD_STR, false, 64},
    {"max", JSON_FIELD_INT, true, CLAIM_MAX},
    {"profiles", JSON_FIELD_ARRAY, true, CLAIM_PROFILES_MAX},
};
static const struct json_field HELD[] = {
    {"generation", JSON_FIELD_INT, true, GENERATION_MAX},
};
static const struct json_field REPORT[] = {
    {"generation", JSON_FIELD_INT, true, GENERATION_MAX},
    {"token_serial", JSON_FIELD_STR, true, 64},
    {"certificate", JSON_FIELD_STR, true, CERTIFICATE_PEM_MAX},
    {"certificate_serial", JSON_FIELD_STR, true, 64},
    {"key_id", JSON_FIELD_STR, true, 128},
    {"product", JSON_FIELD_STR, true, 32},
};
static const struct json_field FAULT[] = {
    {"generation", JSON_FIELD_INT, true, GENERATION_MAX},
    {"code", JSON_FIELD_STR, true, FAULT_CODE_MAX},
    {"detail", JSON_FIELD_STR, true, FAULT_DETAIL_MAX},
};
static const struct json_field VOIDED[] = {
    {"generation", JSON_FIELD_INT, true, GENERATION_MAX},
    {"certificate_serial", JSON_FIELD_STR, true, 64},
    {"reason", JSON_FIELD_STR, true, VOID_REASON_MAX},
};
static const struct json_field CLAIMS_ANSWER[] = {{"claims", JSON_FIELD_ARRAY, true, CLAIM_MAX}};
static const struct json_field LEASE_ANSWER[] = {{"lease_seconds", JSON_FIELD_INT, true, 0}};
static const struct json_field STATE_ANSWER[] = {{"state", JSON_FIELD_STR, true, 0}};
static const struct json_field HEALTH_ANSWER[] = {
    {"status", JSON_FIELD_STR, true, 0},
    {"version", JSON_FIELD_STR, true, 0},
    {"time", JSON_FIELD_STR, true, 0},
};

/* ---- checks of single values
 * ----------------------------------------------------------------------------------- */

static int check_text(const json_t *body, const char *name, size_t max, struct err *err)
{
    if (plain_text_check(json_str(body, name), max, err) != 0)
        return err_prepend(err, "%s", name);
    return 0;
}

static int check_set(const json_t *body, const char *name, const char *set, const char *what, struct err *err)
{
    const char *s = json_str(body, name);
    if (*s && strspn(s, set) == strlen(s))
        return 0;
    return err_set(err, ERR_FIELD, "%s: it must be %s", name, what);
}

static int take_held(const struct api_call *call, struct act_held *ret, struct err *err)
{
    ret->station = call->station;
    ret->application = call->application;
    ret->generation = json_int(call->body, "generation");
    return ret->generation >= 1 ? 0 : err_set(err, ERR_FIELD, "generation: it must be at least 1");
}

/* ---- runs
 * ------------------------------------------------------------------------------------------------------ */

static int answer(json_t *json, json_t **ret, struct err *err)
{
    *ret = json;
    return json ? 0 : err_set(err, ERR_MEMORY, "answer");
}

static int answer_state(enum application_state state, json_t **ret, struct err *err)
{
    return answer(json_pack("{s:s}", "state", application_state_name(state)), ret, err);
}

static int run_health(struct api_call *call, json_t **ret, struct err *err)
{
    char now[CLOCK_UTC_SIZE];
    clock_utc_text(call->act.now, now);
    return answer(json_pack("{s:s,s:s,s:s}", "status", "ok", "version", CASTATION_VERSION, "time", now), ret,
                  err);
}

static int take_profiles(const json_t *body, const char **profiles, size_t *ret_n, struct err *err)
{
    const json_t *list = json_object_get(body, "profiles");
    *ret_n = json_array_size(list);
    if (*ret_n == 0)
        return err_set(err, ERR_FIELD, "profiles: name at least one");
    for (size_t i = 0; i < *ret_n; i++) {
        profiles[i] = json_string_value(json_array_get(list, i));
        if (!profiles[i] || !plain_id_ok(profiles[i], 32))
            return err_set(err, ERR_FIELD,
                           "profiles: element %zu must be 1 to 32 letters, digits and hyphens", i);
    }
    return 0;
}

static int run_claim(struct api_call *call, json_t **ret, struct err *err)
{
    const char *profiles[CLAIM_PROFILES_MAX], *station = json_str(call->body, "station");
    struct act_claim claim = {.station = call->station,
                              .max = json_int(call->body, "max"),
                              .profiles = profiles,
                              .lease_seconds = call->conf->lease_seconds};
    json_t *claims = NULL;
    if (*station && strcmp(station, call->station) != 0)
        return err_set(err, ERR_FIELD, "station: the client certificate is that of %s", call->station);
    if (claim.max < 1)
        return err_set(err, ERR_FIELD, "max: it must be 1 to %d", CLAIM_MAX);
    if (take_profiles(call->body, profiles, &claim.n_profiles, err) != 0 ||
        act_claim(&call->act, &claim, &claims, err) != 0)
        return -1;
    call->unchanged = json_array_size(claims) == 0;
    return answer(json_pack("{s:o}", "claims", claims), ret, err);
}

/* How much is left of a lending's lease, in whole seconds; 0 when it is no longer this station's. */
static int left_of_lease(const struct api_call *call, const char *id, int64_t generation, int64_t *ret,
                         struct err *err)
{
    struct portal_application row;
    if (portal_application_get(call->act.db, id, &row, err) != 0)
        return -1;
    bool ours = application_state_from_name(row.state) == APPLICATION_CLAIMED &&
                row.generation == generation && strcmp(row.station, call->station) == 0;
    *ret = ours && row.lease_until > call->act.now ? (row.lease_until - call->act.now) / 1000 : 0;
    return 0;
}

/* A claim whose lease is over meanwhile is not told again: it is there for the next claim, in the next
 * generation. */
static int refresh_claim(struct api_call *call, json_t *stored, struct err *err)
{
    json_t *claims = json_object_get(stored, "claims");
    for (size_t i = json_array_size(claims); i-- > 0;) {
        json_t *claim = json_array_get(claims, i);
        int64_t left;
        if (left_of_lease(call, json_str(json_object_get(claim, "application"), "id"),
                          json_int(claim, "generation"), &left, err) != 0)
            return -1;
        if (left < 1)
            json_array_remove(claims, i);
        else if (json_object_set_new(claim, "lease_seconds", json_integer(left)) != 0)
            return err_set(err, ERR_MEMORY, "answer");
    }
    return 0;
}

static int run_renew(struct api_call *call, json_t **ret, struct err *err)
{
    struct act_held held;
    int64_t seconds = call->conf->lease_seconds;
    if (take_held(call, &held, err) != 0 || act_renew(&call->act, &held, seconds, err) != 0)
        return -1;
    return answer(json_pack("{s:I}", "lease_seconds", (json_int_t)seconds), ret, err);
}

static int refresh_renew(struct api_call *call, json_t *stored, struct err *err)
{
    int64_t left;
    if (left_of_lease(call, call->application, json_int(call->body, "generation"), &left, err) != 0)
        return -1;
    if (json_object_set_new(stored, "lease_seconds", json_integer(left)) != 0)
        return err_set(err, ERR_MEMORY, "answer");
    return 0;
}

static int run_report(struct api_call *call, json_t **ret, struct err *err)
{
    static const char HEX[] = "0123456789abcdefABCDEF";
    const json_t *b = call->body;
    struct act_held held;
    const struct act_report report = {.token_serial = json_str(b, "token_serial"),
                                      .product = json_str(b, "product"),
                                      .key_id = json_str(b, "key_id"),
                                      .certificate = json_str(b, "certificate"),
                                      .certificate_serial = json_str(b, "certificate_serial")};
    if (take_held(call, &held, err) != 0 || check_text(b, "token_serial", 64, err) != 0 ||
        check_text(b, "product", 32, err) != 0 || check_set(b, "key_id", HEX, "hexadecimal", err) != 0 ||
        act_report(&call->act, &held, &report, err) != 0)
        return -1;
    return answer_state(APPLICATION_MADE, ret, err);
}

static uint32_t code_point(const unsigned char *s, size_t len)
{
    static const unsigned char FIRST[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = s[0] & FIRST[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (s[i] & 0x3f);
    return c;
}

/* What a station says about a fault is kept for people to read. It is not refused for a stray character in it
 * (the station would only send it again): what no terminal or page should get becomes '?'. */
static void clean(const json_t *body, const char *name, char *dst, size_t cap)
{
    const char *s = json_str(body, name);
    size_t n = 0, left = strlen(s);
    while (left > 0) {
        size_t len = utf8_char_len(s, left);
        bool forbidden = len == 0 || plain_text_forbidden(code_point((const unsigned char *)s, len));
        size_t put = forbidden ? 1 : len;
        if (n + put >= cap)
            break;
        memcpy(dst + n, forbidden ? "?" : s, put);
        n += put;
        s += len > 0 ? len : 1;
        left -= len > 0 ? len : 1;
    }
    dst[n] = '\0';
}

static int run_fail(struct api_call *call, json_t **ret, struct err *err)
{
    struct act_held held;
    char detail[FAULT_DETAIL_MAX + 1];
    clean(call->body, "detail", detail, sizeof(detail));
    if (take_held(call, &held, err) != 0 ||
        check_set(call->body, "code", "abcdefghijklmnopqrstuvwxyz0123456789-", "of a to z, 0 to 9 and '-'",
                  err) != 0 ||
        act_fail(&call->act, &held, json_str(call->body, "code"), detail, err) != 0)
        return -1;
    return answer_state(APPLICATION_FAILED, ret, err);
}

static int run_void(struct api_call *call, json_t **ret, struct err *err)
{
    struct act_held held;
    enum application_state state;
    char reason[VOID_REASON_MAX + 1];
    clean(call->body, "reason", reason, sizeof(reason));
    if (take_held(call, &held, err) != 0 ||
        act_void(&call->act, &held, json_str(call->body, "certificate_serial"), reason, &state, err) != 0)
        return -1;
    return answer_state(state, ret, err);
}

static int run_give_back(struct api_call *call, json_t **ret, struct err *err)
{
    struct act_held held;
    if (take_held(call, &held, err) != 0 || act_give_back(&call->act, &held, err) != 0)
        return -1;
    return answer_state(APPLICATION_APPROVED, ret, err);
}

/* ---- the table
 * ------------------------------------------------------------------------------------------------- */

#define BODY(fields)     (fields), COUNT(fields)
#define NO_BODY          NULL, 0
#define APPLICATION_PATH "/v1/applications/{id}/"
const struct api_route api_routes[] = {
    {"GET", "/v1/health", "health", NO_BODY, BODY(HEALTH_ANSWER), run_health, NULL},
    {"POST", "/v1/claim", "claim", BODY(CLAIM), BODY(CLAIMS_ANSWER), run_claim, refresh_claim},
    {"POST", APPLICATION_PATH "renew", "renew", BODY(HELD), BODY(LEASE_ANSWER), run_renew, refresh_renew},
    {"POST", APPLICATION_PATH "report", "report", BODY(REPORT), BODY(STATE_ANSWER), run_report, NULL},
    {"POST", APPLICATION_PATH "fail", "fail", BODY(FAULT), BODY(STATE_ANSWER), run_fail, NULL},
    {"POST", APPLICATION_PATH "void", "void", BODY(VOIDED), BODY(STATE_ANSWER), run_void, NULL},
    {"POST", APPLICATION_PATH "give_back", "give_back", BODY(HELD), BODY(STATE_ANSWER), run_give_back, NULL},
};
const size_t api_n_routes = COUNT(api_routes);

/* Does the path fit the pattern? Its "{id}" into *ret_id. */
static bool fits(const char *pattern, const char *path, char ret_id[41])
{
    const char *brace = strstr(pattern, "{id}");
    char id[41] = "";
    if (!brace) {
        ret_id[0] = '\0';
        return strcmp(pattern, path) == 0;
    }
    size_t prefix = (size_t)(brace - pattern), len;
    if (strncmp(pattern, path, prefix) != 0)
        return false;
    len = strcspn(path + prefix, "/");
    if (len >= sizeof(id) || strcmp(path + prefix + len, brace + strlen("{id}")) != 0)
        return false;
    memcpy(id, path + prefix, len);
    if (!plain_id_ok(id, sizeof(id) - 1))
        return false;
    memcpy(ret_id, id, sizeof(id));
    return true;
}

enum problem api_find(const char *method, const char *path, const struct api_route **ret, char ret_id[41])
{
    enum problem problem = PROBLEM_ROUTE;
    for (size_t i = 0; i < api_n_routes; i++)
        if (fits(api_routes[i].path, path, ret_id)) {
            *ret = &api_routes[i];
            if (strcmp(api_routes[i].method, method) == 0)
                return PROBLEM_NONE;
            problem = PROBLEM_METHOD;
        }
    return problem;
}

static json_t *fields_json(const struct json_field *fields, size_t n)
{
    static const char *const TYPES[] = {[JSON_FIELD_STR] = "string",
                                        [JSON_FIELD_INT] = "integer",
                                        [JSON_FIELD_BOOL] = "boolean",
                                        [JSON_FIELD_OBJECT] = "object",
                                        [JSON_FIELD_ARRAY] = "array"};
    json_t *object = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(object, fields[i].name,
                            json_pack("{s:s,s:b,s:I}", "type", TYPES[fields[i].kind], "required",
                                      (int)fields[i].required, "max", (json_int_t)fields[i].max));
    return object;
}

json_t *api_table_json(void)
{
    json_t *routes = json_array(), *problems = json_array();
    for (size_t i = 0; i < api_n_routes; i++) {
        const struct api_route *r = &api_routes[i];
        json_array_append_new(routes, json_pack("{s:s,s:s,s:s,s:o,s:o}", "method", r->method, "path", r->path,
                                                "operation", r->operation, "body",
                                                r->fields ? fields_json(r->fields, r->n_fields) : json_null(),
                                                "answer", fields_json(r->answer, r->n_answer)));
    }
    for (enum problem p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++)
        json_array_append_new(problems, json_pack("{s:s,s:i,s:s}", "code", problem_code(p), "status",
                                                  (int)problem_status(p), "title", problem_title(p)));
    return json_pack("{s:s,s:o,s:o}", "version", CASTATION_VERSION, "routes", routes, "problems", problems);
}
