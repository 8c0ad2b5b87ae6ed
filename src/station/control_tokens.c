/* What the operator has done with single tokens: quarantine, unquarantine, recycle. */
#include <stdio.h>
#include <string.h>

#include "domain/plain_text.h"
#include "station/control.h"

#define REASON_CHARACTERS_MAX 64 /* it goes into the vault's log, when a certificate is voided for it */

int control_token_changed(struct station *st, const char *serial, struct err *err)
{
    for (size_t i = 0; i < st->n_bays; i++) {
        struct bay *bay = &st->bays[i];
        const bool judged = bay->state == BAY_IDLE || bay->state == BAY_FINISHED || bay->state == BAY_REFUSED;
        if (bay->present && bay->job == NULL && judged && strcmp(bay->serial, serial) == 0)
            return bay_judge(st, bay, err);
    }
    return 0;
}

/* ---- voiding what a token carries ---- */

struct live { /* a certificate or reservation that is not void */
    char serial_number[2 * SERIAL_NUMBER_MAX + 1], tbs_sha256[SHA256_HEX_SIZE], job[UUID_SIZE],
        application[41];
    int64_t generation;
};
#define LIVE_MAX 8 /* a token has one; more would be a fault of ours, and the rest goes in the next round */

static int live_read(struct station *st, const char *token, struct live *ret, size_t *ret_n, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_CERTIFICATE_LIVE, DB_ARGS(DB_TEXT(token)), &rows, err) < 0)
        return -1;
    int got = 0;
    size_t n = 0;
    while (n < LIVE_MAX && (got = db_next(rows, err)) == 1) {
        struct live *l = &ret[n++];
        snprintf(l->serial_number, sizeof l->serial_number, "%s", db_col_text(rows, 0));
        snprintf(l->tbs_sha256, sizeof l->tbs_sha256, "%s", db_col_text(rows, 1));
        snprintf(l->job, sizeof l->job, "%s", db_col_text(rows, 2));
        snprintf(l->application, sizeof l->application, "%s", db_col_text(rows, 3));
        l->generation = db_col_int(rows, 4);
    }
    db_rows_free(&rows);
    *ret_n = n;
    return got < 0 ? -1 : 0;
}

static int void_one(struct station *st, const char *token, const struct live *l, const char *reason,
                    struct err *err)
{
    char id[UUID_SIZE], at[CLOCK_UTC_SIZE];
    uuid7(id);
    clock_utc_text(clock_utc_ms(), at);
    if (db_exec(st->db, SQL_VOID_INSERT,
                DB_ARGS(DB_TEXT(id), DB_TEXT(l->job), DB_TEXT(l->application), DB_INT(l->generation),
                        DB_TEXT(token), DB_TEXT(l->serial_number), DB_TEXT(l->tbs_sha256), DB_TEXT(reason),
                        DB_TEXT(at)),
                NULL, err) < 0)
        return -1;
    return db_exec(st->db, SQL_CERTIFICATE_STATE,
                   DB_ARGS(DB_TEXT(l->serial_number), DB_TEXT("void"), DB_TEXT(reason), DB_TEXT(at)), NULL,
                   err);
}

/* Before a token leaves the hands that may deliver it, its certificate is on its way to the next CRL. */
static int void_token(struct station *st, const char *token, const char *actor, const char *reason,
                      struct err *err)
{
    struct live live[LIVE_MAX];
    size_t n = 0;
    if (live_read(st, token, live, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (void_one(st, token, &live[i], reason, err) < 0 ||
            audit_add(st->db, actor, "void", token, err, "certificate %s of application %s: %s",
                      live[i].serial_number, live[i].application, reason) < 0)
            return -1;
    return 0;
}

/* ---- quarantine ---- */

/* In a job: only one that waits for a token that is gone can be told that it will not come back. */
static int quarantine_in_job(struct station *st, const struct token_row *token, const char *reason,
                             struct err *fail, struct err *err)
{
    struct job *job = job_by_token(st, token->serial);
    struct err why;
    if (job == NULL || job->wait != WAIT_TOKEN || job->bay != NULL)
        return call_refused(fail, ERR_TOKEN_IN_USE, "token %s: job %s is at work on it", token->serial,
                            token->job);
    err_set(&why, ERR_TOKEN_FAILED, "quarantined by the operator: %s", reason);
    return job_apply(st, job, job_next_action(st, job, CLASS_TOKEN), &why, err);
}

static int quarantine(struct station *st, struct token_row *token, const char *actor, const char *reason,
                      struct err *fail, struct err *err)
{
    int rc = CALL_DONE;
    if (token->state == TOKEN_MADE)
        return call_refused(fail, ERR_TOKEN_IN_USE,
                            "token %s: its report waits for the portal; then it can be quarantined",
                            token->serial);
    if (token->state == TOKEN_IN_JOB)
        rc = quarantine_in_job(st, token, reason, fail, err);
    else if (!token_may(token->state, TOKEN_QUARANTINED))
        return call_refused(fail, ERR_WRONG_STATE, "token %s is %s%s%s", token->serial,
                            token_state_name(token->state), token->reason[0] ? ": " : "", token->reason);
    else if (void_token(st, token->serial, actor, reason, err) < 0 ||
             token_move(st->db, token, TOKEN_QUARANTINED, reason, err) < 0)
        return -1;
    if (rc != CALL_DONE)
        return rc;
    if (audit_add(st->db, actor, "quarantine", token->serial, err, "%s", reason) < 0)
        return -1;
    return control_token_changed(st, token->serial, err);
}

CONTROL_HANDLER(act_quarantine)
{
    struct token_row token = {0};
    struct err why;
    const char *reason = json_str(call->arguments, "reason");
    if (plain_text_check(reason, REASON_CHARACTERS_MAX, fail) < 0) {
        err_prepend(fail, "reason");
        return CALL_REFUSED;
    }
    if (token_get(st->db, json_str(call->arguments, "serial"), &token, &why) < 0)
        return call_not_read(&why, fail, err);
    int rc = quarantine(st, &token, call->actor, reason, fail, err);
    token_row_done(&token);
    return rc == CALL_DONE ? call_done(ret, err) : rc;
}

/* ---- unquarantine ---- */

/* Reserved is enough: then there is a key on it, and perhaps a certificate that nobody knows of yet. */
static int held_certificate(struct station *st, const char *token, bool *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_CERTIFICATE_HELD, DB_ARGS(DB_TEXT(token)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    *ret = got == 1 && db_col_int(rows, 0) > 0;
    db_rows_free(&rows);
    return got < 0 ? -1 : 0;
}

static int unquarantine(struct station *st, struct token_row *token, const char *actor, struct err *fail,
                        struct err *err)
{
    bool held = false;
    if (token->state != TOKEN_QUARANTINED)
        return call_refused(fail, ERR_WRONG_STATE, "token %s is %s, not quarantined", token->serial,
                            token_state_name(token->state));
    if (job_by_token(st, token->serial) != NULL)
        return call_refused(fail, ERR_TOKEN_IN_USE, "token %s is being recycled", token->serial);
    if (held_certificate(st, token->serial, &held, err) < 0)
        return -1;
    if (held || token->so_changing_to != 0)
        return call_refused(fail, ERR_WRONG_STATE,
                            "token %s %s: only castation recycle makes it usable again", token->serial,
                            held ? "has held the key of a certificate"
                                 : "was changing its SO PIN, and nobody knows which it has");
    if (token_move(st->db, token, TOKEN_STOCK, "", err) < 0 ||
        audit_add(st->db, actor, "unquarantine", token->serial, err, "back in stock") < 0)
        return -1;
    return control_token_changed(st, token->serial, err);
}

CONTROL_HANDLER(act_unquarantine)
{
    struct token_row token = {0};
    struct err why;
    if (token_get(st->db, json_str(call->arguments, "serial"), &token, &why) < 0)
        return call_not_read(&why, fail, err);
    int rc = unquarantine(st, &token, call->actor, fail, err);
    token_row_done(&token);
    return rc == CALL_DONE ? call_done(ret, err) : rc;
}

/* ---- recycle ---- */

static int recycle_allowed(struct station *st, const struct token_row *token, struct err *fail)
{
    const struct job *job = job_by_token(st, token->serial);
    if (job != NULL)
        return err_set(fail, ERR_TOKEN_IN_USE, "token %s: job %s has it", token->serial, job->row.id);
    if (token->state == TOKEN_QUARANTINED || token->state == TOKEN_DELIVERABLE)
        return 0;
    if (token->state == TOKEN_STOCK || token->state == TOKEN_WIPED)
        return err_set(fail, ERR_WRONG_STATE,
                       "token %s is in stock: if it is not blank, castation quarantine it first",
                       token->serial);
    return err_set(fail, ERR_WRONG_STATE, "token %s is %s", token->serial, token_state_name(token->state));
}

/* An SO PIN that was changing is found out by the job: new, then old, as anywhere. */
static int recycle_job(struct station *st, const char *serial, char ret_job[UUID_SIZE], struct err *err)
{
    struct job *job = NULL;
    struct job_row row = {.kind = JOB_RECYCLE, .generation = 1, .state = JOB_QUEUED};
    uuid7(row.id);
    memcpy(ret_job, row.id, UUID_SIZE);
    snprintf(row.application, sizeof row.application, "%s", row.id);
    snprintf(row.step, sizeof row.step, "%s", step_rules[STEP_INITIALISE].name);
    snprintf(row.token, sizeof row.token, "%s", serial);
    clock_utc_text(clock_utc_ms(), row.created_at);
    memcpy(row.updated_at, row.created_at, sizeof row.updated_at);
    return job_insert(st->db, &row, err) < 0 ? -1 : job_open(st, &row, &job, err);
}

int recycle_begin(struct station *st, const char *serial, const char *actor, char ret_job[UUID_SIZE],
                  struct err *fail, struct err *err)
{
    struct token_row token = {0};
    struct err why;
    int rc = -1;
    if (token_get(st->db, serial, &token, &why) < 0)
        return call_not_read(&why, fail, err);
    if (recycle_allowed(st, &token, fail) < 0) {
        rc = CALL_REFUSED;
        goto out;
    }
    if (void_token(st, serial, actor, "the token is recycled", err) < 0 ||
        (token.state != TOKEN_QUARANTINED &&
         token_move(st->db, &token, TOKEN_QUARANTINED, "it is being recycled", err) < 0) ||
        recycle_job(st, serial, ret_job, err) < 0 ||
        audit_add(st->db, actor, "recycle", serial, err, "job %s", ret_job) < 0)
        goto out;
    rc = control_token_changed(st, serial, err);
out:
    token_row_done(&token);
    return rc;
}

CONTROL_HANDLER(act_recycle)
{
    char job[UUID_SIZE];
    int rc = recycle_begin(st, json_str(call->arguments, "serial"), call->actor, job, fail, err);
    if (rc != CALL_DONE)
        return rc;
    *ret = json_pack("{s:s}", "job", job);
    return *ret != NULL ? CALL_DONE : err_set(err, ERR_MEMORY, "an answer");
}
