#include "portal/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "portal/portal.h"

#define KEY_MAX  64
#define WHO_SIZE 80

static void add_headers(struct server_answer *answer, const char *type)
{
    server_answer_header(answer, "Content-Type", type);
    server_answer_header(answer, "Cache-Control", "no-store");
    server_answer_header(answer, "X-Content-Type-Options", "nosniff");
}

static void refuse(enum problem problem, const char *detail, struct server_answer *answer, void *arg)
{
    struct err err;
    (void)arg;
    answer->status = problem_status(problem);
    buf_reset(&answer->body);
    if (problem_json(problem, detail, &answer->body, &err) != 0)
        answer->status = problem_status(PROBLEM_INTERNAL);
    add_headers(answer, "application/problem+json");
    if (answer->status == 401)
        server_answer_header(answer, "WWW-Authenticate", "ClientCertificate");
    if (answer->status == 503)
        server_answer_header(answer, "Retry-After", "2");
}

/* The portal's own trouble: said shortly to the caller, wholly to the log. */
static void refuse_err(const struct err *err, const char *station, struct server_answer *answer)
{
    log_err(err, "station API: %s", station);
    refuse(problem_of(err->code), err_sentence(err->code, LANG_EN), answer, NULL);
}

/* ---- checks before the body is looked at
 * ----------------------------------------------------------------------- */

static enum problem check_media_type(const struct server_request *request, const char **detail)
{
    static const char JSON[] = "application/json";
    bool many;
    const char *type = server_header(request, "Content-Type", &many);
    *detail = "the Content-Type must be application/json, once";
    if (!type || strncasecmp(type, JSON, strlen(JSON)) != 0)
        return PROBLEM_MEDIA_TYPE;
    type += strlen(JSON);
    type += strspn(type, " \t");
    if (*type == '\0')
        return PROBLEM_NONE;
    if (*type++ != ';')
        return PROBLEM_MEDIA_TYPE;
    type += strspn(type, " \t");
    *detail = "JSON is UTF-8: no other charset or parameter";
    return strcasecmp(type, "charset=utf-8") == 0 ? PROBLEM_NONE : PROBLEM_MEDIA_TYPE;
}

static enum problem check_key(const struct server_request *request, const char **ret_key, const char **detail)
{
    static const char SET[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    bool many;
    *ret_key = server_header(request, "Idempotency-Key", &many);
    *detail = "send one Idempotency-Key of 1 to 64 letters, digits and hyphens";
    size_t len = *ret_key ? strlen(*ret_key) : 0;
    return len >= 1 && len <= KEY_MAX && strspn(*ret_key, SET) == len ? PROBLEM_NONE : PROBLEM_KEY_MISSING;
}

/* ---- routes
 * ---------------------------------------------------------------------------------------------------- */

static void send_read(struct api_call *call, const struct api_route *route, struct server_answer *answer)
{
    struct err err;
    json_t *json = NULL;
    char *text = NULL;
    call->act.now = clock_utc_ms();
    if (route->run(call, &json, &err) == 0)
        text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text || buf_put_str(&answer->body, text, &err) != 0) {
        refuse(PROBLEM_INTERNAL, "the answer could not be made", answer, NULL);
    } else {
        answer->status = 200;
        add_headers(answer, "application/json");
    }
    free(text);
}

/* Method, path and body: with the key, what makes two requests the same. */
static int hash_request(const struct server_request *request, char ret[SHA256_HEX_SIZE], struct err *err)
{
    struct buf b;
    buf_init(&b);
    int rc = buf_printf(&b, err, "%s\n%s\n", request->method, request->path);
    if (rc == 0)
        rc = buf_put(&b, request->body->data, request->body->len, err);
    if (rc == 0)
        sha256_hex(b.data, b.len, ret);
    buf_done(&b);
    return rc;
}

static void send_write(struct api_call *call, const struct api_route *route,
                       const struct server_request *request, const char *key, struct server_answer *answer)
{
    struct err err;
    char hash[SHA256_HEX_SIZE];
    const struct api_write write = {.route = route, .key = key, .request_sha256 = hash};
    json_t *body = json_parse(request->body->data, request->body->len, &err);
    if (!body || json_check(body, "", route->fields, route->n_fields, &err) != 0) {
        refuse(problem_of(err.code), err.text, answer, NULL);
        goto out;
    }
    call->body = body;
    if (hash_request(request, hash, &err) != 0 ||
        api_write(call, &write, &answer->status, &answer->body, &err) != 0) {
        refuse_err(&err, call->station, answer);
        goto out;
    }
    add_headers(answer, answer->status == 200 ? "application/json" : "application/problem+json");
    if (answer->status == 503)
        server_answer_header(answer, "Retry-After", "2");
out:
    json_decref(body);
}

static void dispatch(struct api_call *call, const struct server_request *request,
                     struct server_answer *answer)
{
    const struct api_route *route = NULL;
    const char *key = NULL, *detail = "the station API has no such path";
    enum problem problem = api_find(request->method, request->path, &route, call->application);
    if (problem == PROBLEM_METHOD) {
        detail = "see Allow for the method that the path takes";
        server_answer_header(answer, "Allow", route->method);
    }
    if (problem == PROBLEM_NONE && request->has_query) {
        problem = PROBLEM_REQUEST;
        detail = "the station API takes no query";
    }
    if (problem == PROBLEM_NONE && route->fields)
        problem = check_media_type(request, &detail);
    if (problem == PROBLEM_NONE && route->fields)
        problem = check_key(request, &key, &detail);
    if (problem != PROBLEM_NONE)
        refuse(problem, detail, answer, NULL);
    else if (route->fields)
        send_write(call, route, request, key, answer);
    else
        send_read(call, route, answer);
}

static void handle(const struct server_request *request, struct server_answer *answer, void *arg)
{
    struct portal *p = arg;
    struct err err;
    char station[65], detail[ERR_TEXT_SIZE], who[WHO_SIZE];
    size_t len = 0;
    struct db *db;
    if (portal_db(p, &db, &err) != 0) {
        refuse_err(&err, "?", answer);
        return;
    }
    const void *der = server_peer_certificate(request, &len);
    enum problem problem = portal_authenticate(p, db, der, len, station, detail);
    if (problem != PROBLEM_NONE) {
        log_info("station API: refused: %s: %s", problem_code(problem), detail);
        refuse(problem, detail, answer, NULL);
        return;
    }
    snprintf(who, sizeof(who), "station:%s", station);
    struct api_call call = {.conf = &p->conf, .act = {.db = db, .who = who}, .station = station};
    dispatch(&call, request, answer);
}

void api_site(struct portal *p, struct server_site *ret)
{
    *ret = (struct server_site){.name = "station API", .handle = handle, .refuse = refuse, .arg = p};
}
