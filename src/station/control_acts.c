/* What the operator has done: stock, retry, letters. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "domain/plain_text.h"
#include "station/control.h"

#define LETTER_UNKNOWN "letter-unknown"

/* ---- stock_add ---- */

static const struct json_field stock_fields[] = {
    {"serial", JSON_FIELD_STR, true, SERIAL_SIZE - 1},
    {"product", JSON_FIELD_STR, true, PRODUCT_SIZE - 1},
    {"lot", JSON_FIELD_STR, false, 64},
    {"box", JSON_FIELD_STR, false, 64},
};

/* A serial number is what the device says of itself: printable ASCII without blanks (PKCS#11 2.40,
 * CK_TOKEN_INFO). */
static bool serial_ok(const char *s)
{
    for (const char *p = s; *p != '\0'; p++)
        if (*p < '!' || *p > '~')
            return false;
    return *s != '\0';
}

static int stock_row_check(const json_t *row, const char *path, struct err *fail)
{
    static const char *const texts[] = {"lot", "box"};
    if (json_check(row, path, stock_fields, sizeof stock_fields / sizeof stock_fields[0], fail) < 0)
        return -1;
    if (!serial_ok(json_str(row, "serial")))
        return err_set(fail, ERR_FIELD, "%s.serial: must be printable ASCII without blanks", path);
    if (product_find(json_str(row, "product")) == NULL)
        return err_set(fail, ERR_FIELD, "%s.product: \"%s\" is no product of this bench", path,
                       json_str(row, "product"));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (*json_str(row, texts[i]) != '\0' && plain_text_check(json_str(row, texts[i]), 64, fail) < 0)
            return err_prepend(fail, "%s.%s", path, texts[i]);
    return 0;
}

/* Every row is looked at before the first is written: all of them go in, or none. */
static int stock_check(struct station *st, const json_t *rows, struct err *fail, struct err *err)
{
    char path[32];
    int rc = CALL_DONE;
    json_t *seen = json_object();
    for (size_t i = 0; i < json_array_size(rows) && rc == CALL_DONE; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *serial = json_str(row, "serial");
        struct token_row there = {0};
        struct err why;
        snprintf(path, sizeof path, "rows[%zu]", i);
        if (stock_row_check(row, path, fail) < 0)
            rc = CALL_REFUSED;
        else if (json_object_get(seen, serial) != NULL)
            rc = call_refused(fail, ERR_CONFLICT, "%s: token %s stands in the list twice; nothing was added",
                              path, serial);
        else if (token_get(st->db, serial, &there, &why) == 0)
            rc = call_refused(fail, ERR_CONFLICT,
                              "%s: token %s is in the records already (%s); nothing was added", path, serial,
                              token_state_name(there.state));
        else if (why.code != ERR_NOT_FOUND)
            rc = (*err = why, -1);
        else if (json_object_set_new(seen, serial, json_true()) < 0)
            rc = err_set(err, ERR_MEMORY, "stock");
        token_row_done(&there);
    }
    json_decref(seen);
    return rc;
}

static int stock_insert(struct station *st, const json_t *row, const char *actor, struct err *err)
{
    struct token_row token = {.state = TOKEN_STOCK};
    snprintf(token.serial, sizeof token.serial, "%s", json_str(row, "serial"));
    snprintf(token.product, sizeof token.product, "%s", json_str(row, "product"));
    snprintf(token.lot, sizeof token.lot, "%s", json_str(row, "lot"));
    snprintf(token.box, sizeof token.box, "%s", json_str(row, "box"));
    if (token_insert(st->db, &token, err) < 0 ||
        audit_add(st->db, actor, "stock_add", token.serial, err, "%s, lot %s, box %s", token.product,
                  token.lot, token.box) < 0)
        return -1;
    return control_token_changed(st, token.serial, err);
}

CONTROL_HANDLER(act_stock_add)
{
    const json_t *rows = json_object_get(call->arguments, "rows");
    int rc = stock_check(st, rows, fail, err);
    if (rc != CALL_DONE)
        return rc;
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (stock_insert(st, json_array_get(rows, i), call->actor, err) < 0)
            return -1;
    *ret = json_pack("{s:I}", "added", (json_int_t)json_array_size(rows));
    return *ret != NULL ? CALL_DONE : err_set(err, ERR_MEMORY, "an answer");
}

/* ---- retry ---- */

static int retry_open(struct station *st, struct job *job, const char *actor, struct err *fail,
                      struct err *err)
{
    if (job->row.state == JOB_MADE) {
        st->portal.outbox_at = st->portal.outbox_after = 0;
        return CALL_DONE;
    }
    if (job->row.state == JOB_QUEUED)
        return call_refused(fail, ERR_WRONG_STATE,
                            "job %s is queued: it begins as soon as a bay has a usable token", job->row.id);
    if (job->row.state != JOB_WAITING)
        return call_refused(fail, ERR_WRONG_STATE, "job %s is at %s in %s: there is nothing to retry",
                            job->row.id, job->row.step, job->row.bay);
    if (job->wait == WAIT_TOKEN)
        return call_refused(
            fail, ERR_TOKEN_ABSENT,
            "job %s waits for its token: plug %s in again; if it is lost or broken, castation quarantine it",
            job->row.id, job->row.token);
    job->row.tries = 0;
    job->wait_until = 0;
    if (job->wait == WAIT_LEASE)
        job->renew_at = 0;
    if (job_save(st, job, err) < 0)
        return -1;
    return audit_add(st->db, actor, "retry", job->row.id, err, "application %s at %s", job->row.application,
                     job->row.step);
}

static int retry_closed(const struct job_row *row, struct err *fail)
{
    if (row->state == JOB_DONE)
        return call_refused(fail, ERR_WRONG_STATE, "job %s is done: token %s", row->id, row->token);
    if (row->kind == JOB_RECYCLE)
        return call_refused(fail, ERR_WRONG_STATE, "job %s is %s: castation recycle %s begins anew", row->id,
                            job_state_name(row->state), row->token);
    return call_refused(
        fail, ERR_WRONG_STATE,
        "job %s is %s: a new attempt is the portal's: caportal retry %s, then this station claims it again",
        row->id, job_state_name(row->state), row->application);
}

CONTROL_HANDLER(act_retry)
{
    struct job_row row = {0};
    struct err why;
    const char *id = json_str(call->arguments, "job");
    if (job_get(st->db, id, &row, &why) < 0 &&
        (why.code != ERR_NOT_FOUND || job_latest(st->db, id, &row, &why) < 0))
        return call_not_read(&why, fail, err);
    struct job *job = job_by_id(st, row.id);
    int rc = job != NULL ? retry_open(st, job, call->actor, fail, err) : retry_closed(&row, fail);
    job_row_done(&row);
    return rc == CALL_DONE ? call_done(ret, err) : rc;
}

/* ---- letter ---- */

static const struct {
    const char *state, *reason;
} not_printable[] = {
    {"none", "it has no sealed PIN"},
    {"printing",
     "printing was broken off, and nobody knows what is on paper: the token needs a new PIN: castation "
     "recycle it, and have the application made anew"},
    {"printed", "its letter was printed before"},
};

static int letter_allowed(const struct station *st, const struct token_row *token, struct err *fail)
{
    if (token->state != TOKEN_DELIVERABLE)
        return err_set(fail, ERR_LETTER, "token %s is %s: only a deliverable token has a letter",
                       token->serial, token_state_name(token->state));
    for (size_t i = 0; i < sizeof not_printable / sizeof not_printable[0]; i++)
        if (strcmp(token->letter, not_printable[i].state) == 0)
            return err_set(fail, ERR_LETTER, "token %s: %s", token->serial, not_printable[i].reason);
    if (strcmp(token->letter, "sealed") != 0 || strcmp(token->sealed_state, "set") != 0)
        return err_set(fail, ERR_LETTER, "token %s: its PIN is %s, its letter %s", token->serial,
                       token->sealed_state, token->letter);
    if (st->vault.fd < 0)
        return err_set(fail, ERR_UNREACHABLE, "vault: %s", st->vault.detail);
    if (st->vault.state == VAULT_LOCKED)
        return err_set(fail, ERR_HSM_LOCKED, "%s", st->vault.detail);
    return 0;
}

static void ask_letter(struct station *st, const struct control_call *call, const struct token_row *token,
                       const struct job_row *job, int fd)
{
    struct effect *e = vault_ask(st, VAULT_VERB_LETTER, ASK_LETTER, token->serial);
    struct vault_pending *p = st->vault.pending;
    p->client = call->client;
    p->client_serial = call->client_serial;
    p->client_id = call->id;
    struct vault_letter_req req = {.pin_version = (uint32_t)token->pin_version};
    snprintf(req.job, sizeof req.job, "%s", job->id);
    snprintf(req.serial, sizeof req.serial, "%s", token->serial);
    snprintf(req.application, sizeof req.application, "%s", job->application);
    snprintf(req.organisation, sizeof req.organisation, "%s", job->organisation);
    bytes_set(req.sealed, token->sealed_pin.data, token->sealed_pin.len);
    vault_letter_req_put(&e->msg, &req);
    msg_put_fd(&e->msg, fd);
    e->fd = fd;
    snprintf(e->point, sizeof e->point, "letter.after_intent");
}

/* "printing" is committed before the vault hears of it: a letter that may be on paper is never printed again.
 */
CONTROL_HANDLER(act_letter)
{
    (void)ret;
    struct token_row token = {0};
    struct job_row job = {0};
    struct err why;
    int rc = CALL_REFUSED, fd = -1;
    if (call->message->n_fds != 1)
        return call_refused(fail, ERR_USAGE, "letter takes one descriptor, where the vault writes");
    if (token_get(st->db, json_str(call->arguments, "serial"), &token, &why) < 0)
        return call_not_read(&why, fail, err);
    if (letter_allowed(st, &token, fail) < 0)
        goto out;
    if (job_get(st->db, token.job, &job, &why) < 0) {
        rc = call_not_read(&why, fail, err);
        goto out;
    }
    snprintf(token.letter, sizeof token.letter, "printing");
    rc = -1;
    if (token_update(st->db, &token, err) < 0 ||
        audit_add(st->db, call->actor, "letter", token.serial, err, "application %s: printing begins",
                  job.application) < 0)
        goto out;
    fd = msg_take_fd(call->message);
    ask_letter(st, call, &token, &job, fd);
    rc = CALL_LATER;
out:
    token_row_done(&token);
    job_row_done(&job);
    return rc;
}

/* What the vault answers before it has opened the sealed PIN. Whatever else went wrong, the letter may be on
 * paper. */
static bool nothing_written(enum err_code code)
{
    static const enum err_code before[] = {ERR_LETTER,   ERR_REFUSED,  ERR_HSM_LOCKED, ERR_HSM_PIN,
                                           ERR_HSM_GONE, ERR_HSM,      ERR_FIELD,      ERR_CA_ABSENT,
                                           ERR_PROTOCOL, ERR_NOT_FOUND};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        if (before[i] == code)
            return true;
    return false;
}

static int letter_unknown(struct station *st, const char *serial, const char *why, struct err *err)
{
    return alert(st, LETTER_UNKNOWN, serial, err,
                 "token %s: nobody knows whether its letter was written (%s): destroy what was printed; the "
                 "token needs a new "
                 "PIN",
                 serial, why);
}

static int letter_outcome(struct station *st, struct token_row *token, const struct err *fail,
                          struct err *err)
{
    const bool printed = fail == NULL, untouched = fail != NULL && nothing_written(fail->code);
    if (!printed && !untouched)
        return letter_unknown(st, token->serial, fail->text, err);
    snprintf(token->letter, sizeof token->letter, "%s", printed ? "printed" : "sealed");
    if (token_update(st->db, token, err) < 0)
        return -1;
    return audit_add(st->db, "castationd", "letter", token->serial, err, "%s%s",
                     printed ? "printed" : "not printed: ", printed ? "" : fail->text);
}

static json_t *letter_answer(struct station *st, const struct token_row *token, struct err *err)
{
    struct job_row job = {0};
    if (job_get(st->db, token->job, &job, err) < 0)
        return NULL;
    json_t *o = CONTROL_OBJECT({"application", job.application}, {"organisation", job.organisation});
    if (o == NULL)
        err_set(err, ERR_MEMORY, "an answer");
    job_row_done(&job);
    return o;
}

int control_letter_reply(struct station *st, const struct vault_pending *p, const struct err *fail,
                         struct err *err)
{
    struct token_row token = {0};
    if (token_get(st->db, p->key, &token, err) < 0)
        return -1;
    json_t *result = NULL;
    int rc = letter_outcome(st, &token, fail, err);
    if (rc == 0 && fail == NULL && (result = letter_answer(st, &token, err)) == NULL)
        rc = -1;
    token_row_done(&token);
    if (rc < 0)
        return -1;
    struct effect *e = effect_new(st, EFFECT_REPLY);
    e->client = p->client;
    e->client_id = p->client_id;
    e->client_serial = p->client_serial;
    e->result = result;
    if (fail != NULL)
        e->error = *fail;
    return 0;
}

/* At every start it would be said again, until the token has a new PIN: once is enough. */
static int letter_recover(struct station *st, const char *serial, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_AUDIT_SAID, DB_ARGS(DB_TEXT(LETTER_UNKNOWN), DB_TEXT(serial)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    const bool said = got == 1 && db_col_int(rows, 0) > 0;
    db_rows_free(&rows);
    if (got < 0 || said)
        return got < 0 ? -1 : 0;
    return letter_unknown(st, serial, "castationd ended while it was printed", err);
}

int control_recover(struct station *st, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_TOKEN_PRINTING, DB_NO_ARGS, &rows, err) < 0)
        return -1;
    int got = 0;
    while ((got = db_next(rows, err)) == 1)
        if (letter_recover(st, db_col_text(rows, 0), err) < 0) {
            got = -1;
            break;
        }
    db_rows_free(&rows);
    return got;
}
