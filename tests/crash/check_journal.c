/* The logs are whole; every act in the journal has its outcome, or its job is open; a done job has done all
 * steps in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "store/station_store.h"

static const char *const steps[] = {
#define X(step, name, zh, en, actor, zone, lease, recovery) name,
#include "job/steps.def"
#undef X
};
#define STEPS (sizeof steps / sizeof steps[0])

/* ---- chains ---- */

int check_chains(struct check *c, struct err *err)
{
    struct db *db = NULL;
    struct err why;
    int64_t count = 0;
    if (db_open(&db, c->station_path, &station_schema, DB_READ_ONLY, err) < 0)
        return -1;
    if (audit_verify(db, &count, &why) < 0)
        violation(c, "the station's audit log: %s", why.text);
    db_close(&db);
    if (c->vault_fault[0] != '\0')
        violation(c, "the vault's log: %s", c->vault_fault);
    return 0;
}

/* ---- one job's journal ---- */

struct entry {
    int64_t seq, attempt;
    size_t step; /* STEPS: none of ours */
    char phase[8];
};

struct journal {
    struct entry *items;
    size_t n;
};

static int each_entry(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    c->seen.journal++;
    struct journal *j = arg;
    struct entry *longer = realloc(j->items, (j->n + 1) * sizeof *longer), *e = NULL;
    if (longer == NULL)
        return err_set(err, ERR_MEMORY, "a journal");
    j->items = longer;
    e = &longer[j->n++];
    e->seq = db_col_int(rows, 0);
    e->attempt = db_col_int(rows, 2);
    e->step = 0;
    while (e->step < STEPS && strcmp(steps[e->step], db_col_text(rows, 1)) != 0)
        e->step++;
    snprintf(e->phase, sizeof e->phase, "%s", db_col_text(rows, 3));
    return 0;
}

static bool is(const struct entry *e, const char *phase)
{
    return strcmp(e->phase, phase) == 0;
}

static size_t step_of(const char *name)
{
    size_t i = 0;
    while (i < STEPS && strcmp(steps[i], name) != 0)
        i++;
    return i;
}

struct subject {
    const char *id, *kind, *application, *state;
};

static void intents_have_outcomes(struct check *c, const struct subject *s, const struct journal *j)
{
    const struct entry *open = NULL;
    for (size_t i = 0; i < j->n; i++) {
        const struct entry *e = &j->items[i];
        if (e->step == STEPS)
            violation(c, "job %s: journal entry %lld is of no known step", s->id, (long long)e->seq);
        if (is(e, "intent") && open != NULL)
            violation(c, "job %s (%s): the intent %lld (%s) has no outcome, and another follows it", s->id,
                      s->application, (long long)open->seq, open->step < STEPS ? steps[open->step] : "?");
        if (is(e, "intent"))
            open = e;
        else if (open != NULL && open->step == e->step)
            open = NULL;
        else if (open != NULL)
            violation(c, "job %s (%s): journal entry %lld is an outcome of %s, under way was %s", s->id,
                      s->application, (long long)e->seq, e->step < STEPS ? steps[e->step] : "?",
                      open->step < STEPS ? steps[open->step] : "?");
    }
    if (open != NULL && !check_job_is_open(s->state))
        violation(c, "job %s (%s) is %s, and the intent %lld (%s) has no outcome", s->id, s->application,
                  s->state, (long long)open->seq, open->step < STEPS ? steps[open->step] : "?");
}

static size_t last_done(const struct journal *j, size_t step)
{
    size_t at = j->n;
    for (size_t i = 0; i < j->n; i++)
        if (j->items[i].step == step && is(&j->items[i], "done"))
            at = i;
    return at;
}

/* From the last initialisation on (what came before it is gone from the token) each step is done after the
 * one before. */
static void steps_are_done(struct check *c, const struct subject *s, const struct journal *j)
{
    const size_t first = step_of("initialise");
    size_t at = last_done(j, first);
    if (at == j->n || last_done(j, step_of("check")) > at) {
        violation(c, "job %s (%s) is done, and initialise is not done after check", s->id, s->application);
        return;
    }
    for (size_t step = first + 1; step < STEPS; step++) {
        while (at < j->n && !(j->items[at].step == step && is(&j->items[at], "done")))
            at++;
        if (at == j->n) {
            violation(c, "job %s (%s) is done, and %s is not done after %s", s->id, s->application,
                      steps[step], steps[step - 1]);
            return;
        }
    }
}

static int each_job(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)arg;
    const struct subject s = {db_col_text(rows, 0), db_col_text(rows, 1), db_col_text(rows, 2),
                              db_col_text(rows, 3)};
    struct journal j = {0};
    c->seen.jobs++;
    int rc = check_rows(c->station, CHECK_JOURNAL, DB_ARGS(DB_TEXT(s.id)), each_entry, c, &j, err);
    if (rc == 0) {
        intents_have_outcomes(c, &s, &j);
        if (strcmp(s.state, "done") == 0 && strcmp(s.kind, "make") == 0)
            steps_are_done(c, &s, &j);
        else if (strcmp(s.state, "done") == 0 && last_done(&j, step_of("initialise")) == j.n)
            violation(c, "job %s wiped a token, and initialise is not done", s.id);
    }
    free(j.items);
    return rc;
}

static int each_alone(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)arg;
    (void)err;
    if (db_col_int(rows, 0) > 0)
        violation(c, "%lld journal entries, the first of them %lld, are of no job",
                  (long long)db_col_int(rows, 0), (long long)db_col_int(rows, 1));
    return 0;
}

int check_journal(struct check *c, struct err *err)
{
    if (check_rows(c->station, CHECK_JOBS, DB_NO_ARGS, each_job, c, NULL, err) < 0)
        return -1;
    return check_rows(c->station, CHECK_JOURNAL_ALONE, DB_NO_ARGS, each_alone, c, NULL, err);
}
