/* applications, application: what is recorded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "portal/caportal.h"

struct listing {
    const struct caportal *c;
    json_t *json; /* NULL: print lines */
};

static const char *title_of(const struct caportal *c, const char *state)
{
    return application_state_title(application_state_from_name(state), c->lang);
}

static int put_line(const struct portal_application *a, void *arg, struct err *err)
{
    const struct listing *l = arg;
    char updated[CLOCK_UTC_SIZE];
    clock_utc_text(a->updated_at, updated);
    if (!l->json) {
        printf("%-24s %-16s %-16s %s  %s  %s%s%s\n", a->id, a->state, *a->profile ? a->profile : "-", updated,
               title_of(l->c, a->state), *a->organisation ? a->organisation : "-",
               a->fault_code[0] ? "  " : "", a->fault_code);
        return 0;
    }
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:s,s:s}", "id", a->id, "state", a->state, "state_title",
                  title_of(l->c, a->state), "organisation", a->organisation, "identifier", a->identifier,
                  "profile", a->profile, "generation", (json_int_t)a->generation, "station", a->station,
                  "fault_code", a->fault_code, "updated_at", updated);
    return json_array_append_new(l->json, o) == 0 ? 0 : err_set(err, ERR_MEMORY, "applications");
}

static int refuse_state(const char *state, struct err *err)
{
    char names[APPLICATION_STATE_COUNT * 20] = "";
    size_t n = 0;
    for (enum application_state s = 0; s < APPLICATION_STATE_COUNT; s++)
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", s ? ", " : "", application_state_name(s));
    return err_set(err, ERR_USAGE, "--state: '%.20s' is none of %s", state, names);
}

static int take_limit(const struct caportal *c, int64_t *ret, struct err *err)
{
    char *end = NULL;
    *ret = CAPORTAL_LINES_MAX;
    if (!c->limit)
        return 0;
    long long n = strtoll(c->limit, &end, 10);
    if (end == c->limit || *end || n < 1 || n > CAPORTAL_LINES_MAX)
        return err_set(err, ERR_USAGE, "--limit: '%.20s' is not 1 to %lld", c->limit,
                       (long long)CAPORTAL_LINES_MAX);
    *ret = n;
    return 0;
}

int caportal_applications(struct caportal *c, struct err *err)
{
    const char *state = c->state ? c->state : "", *after = c->after ? c->after : "";
    struct listing l = {.c = c};
    struct db *db = NULL;
    int64_t limit;
    if (*state && application_state_from_name(state) == APPLICATION_STATE_COUNT)
        return refuse_state(state, err);
    if (take_limit(c, &limit, err) != 0)
        return -1;
    l.json = c->given & OPTION_JSON ? json_array() : NULL;
    int rc = caportal_db(c, &db, err);
    if (rc == 0)
        rc = portal_application_list(db, after, state, limit, put_line, &l, err);
    db_close(&db);
    if (rc == 0 && l.json)
        return caportal_print_json(l.json, err);
    json_decref(l.json);
    return rc;
}

static void print_text(const char *name, const char *value, const char *in_words)
{
    if (*value)
        printf("%-16s %s%s%s\n", name, value, *in_words ? "  " : "", in_words);
}

static void print_list(const json_t *whole, const char *list, const char *const *fields)
{
    const json_t *rows = json_object_get(whole, list);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        printf("%s%s", i == 0 ? list : "", i == 0 ? "\n" : "");
        for (const char *const *f = fields; *f; f++) {
            const json_t *v = json_object_get(json_array_get(rows, i), *f);
            if (json_is_integer(v))
                printf("  %lld", (long long)json_integer_value(v));
            else if (json_is_string(v) && *json_string_value(v))
                printf("  %s", json_string_value(v));
        }
        putchar('\n');
    }
}

int caportal_application(struct caportal *c, struct err *err)
{
    static const char *const TEXTS[] = {"id",
                                        "state",
                                        "organisation",
                                        "identifier",
                                        "profile",
                                        "created_at",
                                        "submitted_at",
                                        "promise_due",
                                        "paper_number",
                                        "approved_at",
                                        "first_reviewer",
                                        "final_reviewer",
                                        "station",
                                        "lease_until",
                                        "fault_code",
                                        "fault_detail",
                                        "delivery_method",
                                        "carrier",
                                        "tracking_number",
                                        "handed_over_at",
                                        NULL};
    static const char *const CERTIFICATE[] = {"serial",  "generation",  "station",   "token_serial",
                                              "product", "recorded_at", "voided_at", NULL};
    static const char *const ORDER[] = {"id", "state", "fen", "method", "reference", "paid_at", NULL};
    static const char *const REVIEW[] = {"at", "reviewer", "stage", "decision", "note", NULL};
    static const char *const VOIDED[] = {"serial", "generation", "station", "recorded_at", "reason", NULL};
    static const char *const EVENT[] = {"at", "who", "what", "from", "to", "detail", "note", NULL};
    struct db *db = NULL;
    json_t *whole = NULL;
    int rc = caportal_db(c, &db, err);
    if (rc == 0)
        rc = portal_application_json(db, c->words[0], &whole, err);
    db_close(&db);
    if (rc != 0)
        return -1;
    if (c->given & OPTION_JSON)
        return caportal_print_json(whole, err);
    for (const char *const *name = TEXTS; *name; name++)
        print_text(*name, json_str(whole, *name),
                   strcmp(*name, "state") == 0 ? title_of(c, json_str(whole, *name)) : "");
    print_list(whole, "orders", ORDER);
    print_list(whole, "reviews", REVIEW);
    print_list(whole, "certificates", CERTIFICATE);
    print_list(whole, "voided", VOIDED);
    print_list(whole, "events", EVENT);
    json_decref(whole);
    return 0;
}
