/* What is due by the clock. */
#include <inttypes.h>

#include "base/log.h"
#include "portal/mailer.h"
#include "portal/material.h"
#include "portal/notice.h"
#include "portal/promise.h"
#include "portal/workflow.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  INT64_C(86400000)
#define AT_ONCE 50 /* applications of one transaction */

/* Rows that one transaction deletes: whoever else wants to write waits for it. */
#define PURGED_AT_ONCE 2000

/* Whose promise runs in a state, and who is warned. */
static const struct {
    enum application_state state;
    unsigned int role;
    enum notice_kind kind;
} PROMISES[] = {
    {APPLICATION_FIRST_REVIEW, ROLE_FIRST_REVIEWER, NOTICE_PROMISE_FIRST},
    {APPLICATION_FINAL_REVIEW, ROLE_FINAL_REVIEWER, NOTICE_PROMISE_FINAL},
    {APPLICATION_APPROVED, ROLE_OPERATOR, NOTICE_PROMISE_MAKING},
    {APPLICATION_CLAIMED, ROLE_OPERATOR, NOTICE_PROMISE_MAKING},
    {APPLICATION_FAILED, ROLE_OPERATOR, NOTICE_PROMISE_MAKING},
};

struct ids {
    char ids[AT_ONCE][41];
    size_t n;
};

static int read_ids(struct db *db, enum portal_sql statement, const struct db_value *args, size_t n_args,
                    struct ids *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    int r = db_query(db, (int)statement, args, n_args, &rows, err);
    ret->n = 0;
    while (r == 0 && ret->n < AT_ONCE && (r = db_next(rows, err)) == 1) {
        snprintf(ret->ids[ret->n++], sizeof(ret->ids[0]), "%s", db_col_text(rows, 0));
        r = 0;
    }
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

/* Told once: whoever sets the mark tells. */
static int tell_once(struct db *db, int64_t now, const struct ids *ids, unsigned int audience,
                     enum notice_kind kind, struct err *err)
{
    for (size_t i = 0; i < ids->n; i++) {
        int64_t changes = 0;
        if (db_exec(db, PSQL_CHORE_WARNED, DB_ARGS(DB_TEXT(ids->ids[i]), DB_INT(now)), &changes, err) != 0)
            return -1;
        if (changes == 1 && notice_about(db, now, ids->ids[i], audience, kind, NULL, err) != 0)
            return -1;
    }
    return 0;
}

static int warn_of_promises(struct portal *p, struct db *db, int64_t now, struct err *err)
{
    struct ids ids;
    int64_t hours;
    (void)p;
    if (setting_int(db, "promise_warn_hours", 24, &hours, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(PROMISES) / sizeof(PROMISES[0]); i++)
        if (read_ids(db, PSQL_CHORE_PROMISES,
                     DB_ARGS(DB_TEXT(application_state_name(PROMISES[i].state)),
                             DB_INT(now + hours * HOUR_MS), DB_INT(AT_ONCE)),
                     &ids, err) != 0 ||
            tell_once(db, now, &ids, PROMISES[i].role, PROMISES[i].kind, err) != 0)
            return -1;
    return 0;
}

static int ask_for_papers(struct portal *p, struct db *db, int64_t now, struct err *err)
{
    struct ids ids;
    int64_t days;
    (void)p;
    if (setting_int(db, "paper_days", 15, &days, err) != 0 ||
        read_ids(db, PSQL_CHORE_PAPERS, DB_ARGS(DB_INT(now - days * DAY_MS), DB_INT(AT_ONCE)), &ids, err) !=
            0)
        return -1;
    return tell_once(db, now, &ids, ROLE_APPLICANT, NOTICE_PAPER_OVERDUE, err);
}

/* What nobody goes on with ends, so that what was uploaded to it is purged like that of any other. */
static int withdraw_idle(struct portal *p, struct db *db, int64_t now, struct err *err)
{
    static const enum application_state IDLE[] = {APPLICATION_DRAFT, APPLICATION_AWAITING_PAYMENT,
                                                  APPLICATION_RETURNED};
    const struct act act = {.db = db, .now = now, .who = "portal"};
    struct ids ids;
    int64_t days;
    (void)p;
    if (setting_int(db, "idle_days", 180, &days, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(IDLE) / sizeof(IDLE[0]); i++) {
        if (read_ids(db, PSQL_CHORE_IDLE,
                     DB_ARGS(DB_TEXT(application_state_name(IDLE[i])), DB_INT(now - days * DAY_MS),
                             DB_INT(AT_ONCE)),
                     &ids, err) != 0)
            return -1;
        for (size_t n = 0; n < ids.n; n++)
            if (act_withdraw(&act, ids.ids[n], text(TEXT_NOTICE_IDLE, LANG_ZH), err) != 0)
                return -1;
    }
    return 0;
}

/* ---- purges ---- */

static int purge_old(struct db *db, int64_t now, const char *setting, int64_t days, enum portal_sql statement,
                     struct err *err)
{
    if (setting_int(db, setting, days, &days, err) != 0)
        return -1;
    return db_exec(db, (int)statement, DB_ARGS(DB_INT(now - days * DAY_MS), DB_INT(PURGED_AT_ONCE)), NULL,
                   err);
}

static int purge_messages(struct portal *p, struct db *db, int64_t now, struct err *err)
{
    (void)p;
    if (purge_old(db, now, "notices_keep_days", 365, PSQL_NOTICE_PURGE, err) != 0)
        return -1;
    return purge_old(db, now, "mail_keep_days", 30, PSQL_MAIL_PURGE, err);
}

static int purge_accounts(struct portal *p, struct db *db, int64_t now, struct err *err)
{
    (void)p;
    return account_purge(db, now, err);
}

static int purge_materials(struct portal *p, struct db *db, int64_t now, struct err *err)
{
    (void)p;
    return material_purge(db, now, err);
}

static int purge_answers(struct portal *p, struct db *db, int64_t now, struct err *err)
{
    return db_exec(db, PSQL_ANSWER_PURGE, DB_ARGS(DB_INT(now - p->conf.keep_answers_days * DAY_MS)), NULL,
                   err);
}

/* Each in a transaction of its own: one that fails keeps none of the others. */
static const struct {
    const char *name;
    bool hourly;
    int (*run)(struct portal *p, struct db *db, int64_t now, struct err *err);
} CHORES[] = {
    {"promises about to be broken", false, warn_of_promises},
    {"papers that did not arrive", false, ask_for_papers},
    {"applications that nobody goes on with", true, withdraw_idle},
    {"old notices and mails", false, purge_messages},
    {"old sessions and links", false, purge_accounts},
    {"old materials", false, purge_materials},
    {"old answers to stations", true, purge_answers},
};

int portal_chores(struct portal *p, struct db *db, int64_t now, struct err *err)
{
    const bool hourly = now - p->purged_at >= HOUR_MS;
    int result = 0;
    for (size_t i = 0; i < sizeof(CHORES) / sizeof(CHORES[0]); i++) {
        struct err why;
        if (CHORES[i].hourly && !hourly)
            continue;
        if (db_begin(db, &why) == 0 && CHORES[i].run(p, db, now, &why) == 0 && db_commit(db, &why) == 0)
            continue;
        if (db_in_transaction(db))
            db_rollback(db);
        result = -1;
        *err = why;
        err_prepend(err, "%s", CHORES[i].name);
        log_err(err, "chore");
    }
    if (hourly)
        p->purged_at = now;
    return result;
}
