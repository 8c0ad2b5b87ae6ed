/* Invariant 4: a token that began a job ends made, wiped (with its SO PIN's state known), scrapped or
 * quarantined: never forgotten. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check.h"

/* Every token that any record names is among the tokens. */
static int each_named(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)arg;
    char state[16];
    bool found = false;
    const char *token = db_col_text(rows, 0);
    if (check_text(c->station, CHECK_TOKEN, token, state, sizeof state, &found, err) < 0)
        return -1;
    if (!found)
        violation(c, "token %s stands in %s and is in no record of its own", token, db_col_text(rows, 1));
    return 0;
}

struct token {
    const char *serial, *state, *job, *so_kind;
    int64_t so_changing_to, open_jobs, held;
    bool has_objects;
};

static bool is(const struct token *t, const char *state)
{
    return strcmp(t->state, state) == 0;
}

static void check_state(struct check *c, const struct token *t)
{
    static const char *const known[] = {"stock", "in_job",      "made",    "deliverable",
                                        "wiped", "quarantined", "scrapped"};
    size_t i = 0;
    while (i < sizeof known / sizeof known[0] && !is(t, known[i]))
        i++;
    if (i == sizeof known / sizeof known[0])
        violation(c, "token %s is in state \"%s\", which there is not", t->serial, t->state);
    if ((is(t, "in_job") || is(t, "made")) && t->open_jobs == 0)
        violation(c, "token %s is %s, and no open job has it (its last: %s)", t->serial, t->state, t->job);
    if (!is(t, "in_job") && !is(t, "made") && !is(t, "quarantined") && t->open_jobs > 0)
        violation(c, "token %s is %s, and an open job has it", t->serial, t->state);
    if (t->open_jobs > 1)
        violation(c, "token %s is in %lld open jobs", t->serial, (long long)t->open_jobs);
    if (is(t, "stock") && t->held > 0)
        violation(c, "token %s is in stock and has held a certificate", t->serial);
}

static void check_so_pin(struct check *c, const struct token *t)
{
    if (t->so_changing_to != 0 && t->open_jobs == 0 && !is(t, "quarantined") && !is(t, "scrapped"))
        violation(c, "token %s is %s, and nobody knows its SO PIN: it was changing from %s to derived(%lld)",
                  t->serial, t->state, t->so_kind, (long long)t->so_changing_to);
}

static void check_objects(struct check *c, const struct token *t)
{
    if (t->has_objects && (is(t, "wiped") || is(t, "stock")))
        violation(c, "token %s is %s, and holds keys or certificates", t->serial, t->state);
}

static bool holds_objects(const json_t *device)
{
    return json_array_size(json_object_get(device, "certificates")) +
               json_array_size(json_object_get(device, "keys")) >
           0;
}

enum column { SERIAL, STATE, JOB, SO_KIND, SO_CHANGING_TO };

static int each_token(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)arg;
    struct token t = {
        .serial = db_col_text(rows, SERIAL),
        .state = db_col_text(rows, STATE),
        .job = db_col_text(rows, JOB),
        .so_kind = db_col_text(rows, SO_KIND),
        .so_changing_to = db_col_int(rows, SO_CHANGING_TO),
    };
    if (check_count(c->station, CHECK_TOKEN_JOBS, t.serial, &t.open_jobs, err) < 0 ||
        check_count(c->station, CHECK_TOKEN_HELD, t.serial, &t.held, err) < 0)
        return -1;
    t.has_objects = holds_objects(device_find(c, t.serial));
    check_state(c, &t);
    check_so_pin(c, &t);
    check_objects(c, &t);
    return 0;
}

/* A token in a folder that holds a key was in a job: it must be in the records. */
static int devices_are_known(struct check *c, struct err *err)
{
    const char *serial = NULL;
    json_t *device = NULL;
    char state[16];
    bool found = false;
    json_object_foreach(c->devices, serial, device)
    {
        if (check_text(c->station, CHECK_TOKEN, serial, state, sizeof state, &found, err) < 0)
            return -1;
        if (!found && holds_objects(device))
            violation(c, "token %s in %s holds keys or certificates and is in no record", serial,
                      json_str(device, "folder"));
    }
    return 0;
}

int check_forgotten(struct check *c, struct err *err)
{
    if (check_rows(c->station, CHECK_NAMED_TOKENS, DB_NO_ARGS, each_named, c, NULL, err) < 0 ||
        check_rows(c->station, CHECK_TOKENS, DB_NO_ARGS, each_token, c, NULL, err) < 0)
        return -1;
    return devices_are_known(c, err);
}
