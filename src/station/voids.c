/* Voiding: committed first, then the vault is asked what it signed and told that it is void; only then may
 * the application be tried again. */
#include "station/steps.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define VOID_RETRY_MS 5000

static int certificate_void(struct station *st, const char *serial, const char *reason, struct err *err)
{
    char now[CLOCK_UTC_SIZE];
    clock_utc_text(clock_utc_ms(), now);
    return db_exec(st->db, SQL_CERTIFICATE_STATE,
                   DB_ARGS(DB_TEXT(serial), DB_TEXT("void"), DB_TEXT(reason), DB_TEXT(now)), NULL, err);
}

int void_job(struct station *st, struct job *job, const char *reason, struct err *err)
{
    char id[UUID_SIZE], now[CLOCK_UTC_SIZE], serial[2 * SERIAL_NUMBER_MAX + 1] = "",
                                                                            hash[SHA256_HEX_SIZE] = "";
    const bool asked =
        job->step == STEP_RESERVE && job->row.attempt > 0; /* a reservation that we may not know of */
    if (job->row.kind != JOB_MAKE || (job->row.serial_number.len == 0 && !asked))
        return 0;
    uuid7(id);
    clock_utc_text(clock_utc_ms(), now);
    if (job->row.serial_number.len > 0)
        hex_encode(job->row.serial_number.data, job->row.serial_number.len, serial);
    if (job->row.tbs.len > 0)
        sha256_hex(job->row.tbs.data, job->row.tbs.len, hash);
    if (serial[0] != '\0' && certificate_void(st, serial, reason, err) < 0)
        return -1;
    return db_exec(st->db, SQL_VOID_INSERT,
                   DB_ARGS(DB_TEXT(id), DB_TEXT(job->row.id), DB_TEXT(job->row.application),
                           DB_INT(job->row.generation), DB_TEXT(job->row.token), DB_TEXT(serial),
                           DB_TEXT(hash), DB_TEXT(reason), DB_TEXT(now)),
                   NULL, err) < 0 ||
                   audit_add(st->db, "castationd", "void", job->row.application, err,
                             "token %s, serial number %s: %s", job->row.token,
                             serial[0] ? serial : "(none known)", reason) < 0
               ? -1
               : 0;
}

int void_pending(struct station *st, const char *application, bool *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_VOID_PENDING, DB_ARGS(DB_TEXT(application)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    *ret = got == 1 && db_col_int(rows, 0) > 0;
    db_rows_free(&rows);
    return got < 0 ? -1 : 0;
}

/* As both vault and portal take it: what a device or a portal once said stands in it. */
static void reason_plain(char dst[VOID_REASON_SIZE], const char *reason)
{
    text_cut(dst, VOID_REASON_SIZE, reason[0] != '\0' ? reason : "no reason given");
    for (char *p = dst; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
}

static void ask_void(struct station *st)
{
    const struct void_row *v = &st->voiding;
    struct vault_void_req req = {0};
    struct err err;
    size_t len = 0;
    uint8_t serial[SERIAL_NUMBER_MAX];
    if (v->serial_number[0] != '\0' && hex_decode(v->serial_number, serial, sizeof serial, &len, &err) == 0)
        bytes_set(req.serial_number, serial, len);
    struct effect *e = vault_ask(st, VAULT_VERB_VOID, ASK_VOID, v->id);
    snprintf(req.job, sizeof req.job, "%s", v->job);
    snprintf(req.reason, sizeof req.reason, "%s", v->reason);
    vault_void_req_put(&e->msg, &req);
}

static void ask_void_lookup(struct station *st)
{
    const struct void_row *v = &st->voiding;
    struct vault_lookup_req req = {0};
    struct err err;
    size_t len = 0;
    uint8_t hash[SHA256_SIZE];
    if (hex_decode(v->tbs_sha256, hash, sizeof hash, &len, &err) == 0)
        bytes_set(req.tbs_sha256, hash, len);
    struct effect *e = vault_ask(st, VAULT_VERB_LOOKUP, ASK_VOID_LOOKUP, v->id);
    vault_lookup_req_put(&e->msg, &req);
}

/* The next one that is open, into st->voiding: 1, 0 = none, -1. */
static int void_next(struct station *st, struct err *err)
{
    struct void_row *v = &st->voiding;
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_VOID_OPEN, DB_ARGS(DB_TEXT(st->void_after)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    if (got == 1) {
        memset(v, 0, sizeof *v);
        snprintf(v->id, sizeof v->id, "%s", db_col_text(rows, 0));
        snprintf(v->job, sizeof v->job, "%s", db_col_text(rows, 1));
        snprintf(v->application, sizeof v->application, "%s", db_col_text(rows, 2));
        v->generation = db_col_int(rows, 3);
        snprintf(v->token, sizeof v->token, "%s", db_col_text(rows, 4));
        snprintf(v->serial_number, sizeof v->serial_number, "%s", db_col_text(rows, 5));
        snprintf(v->tbs_sha256, sizeof v->tbs_sha256, "%s", db_col_text(rows, 6));
        reason_plain(v->reason, db_col_text(rows, 7));
    }
    db_rows_free(&rows);
    return got;
}

int voids_tick(struct station *st, int64_t now, struct err *err)
{
    struct void_row *v = &st->voiding;
    if (v->id[0] != '\0' || !vault_is_open(st) || st->void_at > now)
        return 0;
    int got = void_next(st, err);
    if (got == 0 && st->void_after[0] != '\0') { /* the refused ones again */
        st->void_after[0] = '\0';
        st->void_at = now + VOID_RETRY_MS;
    }
    if (got != 1)
        return got;
    if (v->tbs_sha256[0] != '\0')
        ask_void_lookup(st);
    else
        ask_void(st);
    return 0;
}

/* The vault signed it after all, or at least once: the certificate is recorded, void. */
static int lookup_taken(struct station *st, struct msg_in *reply, struct err *fail, struct err *err)
{
    struct void_row *v = &st->voiding;
    struct vault_lookup_rep rep;
    char now[CLOCK_UTC_SIZE];
    vault_lookup_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return 1;
    clock_utc_text(clock_utc_ms(), now);
    v->was_signed = rep.found == VAULT_SIGNED || (rep.found == VAULT_VOID && rep.certificate.len > 0);
    if (v->was_signed && db_exec(st->db, SQL_CERTIFICATE_FOUND,
                                 DB_ARGS(DB_TEXT(v->serial_number),
                                         DB_BLOB(rep.certificate.data, rep.certificate.len), DB_TEXT(now)),
                                 NULL, err) < 0)
        return -1;
    ask_void(st);
    return 0;
}

static int void_done(struct station *st, struct err *err)
{
    struct void_row *v = &st->voiding;
    char now[CLOCK_UTC_SIZE];
    clock_utc_text(clock_utc_ms(), now);
    if (db_exec(st->db, SQL_VOID_DONE,
                DB_ARGS(DB_TEXT(v->id), DB_TEXT(v->was_signed ? "signed" : "never signed"), DB_TEXT(now)),
                NULL, err) < 0)
        return -1;
    int rc = 0;
    if (v->was_signed) {
        json_t *body = json_pack("{s:I s:s s:s}", "generation", (json_int_t)v->generation,
                                 "certificate_serial", v->serial_number, "reason", v->reason);
        rc = outbox_add(st, v->job, "void", v->application, body, err);
        json_decref(body);
    }
    log_info("%s: serial number %s is void (%s)", v->application, v->serial_number,
             v->was_signed ? "it was signed" : "never signed");
    memset(v, 0, sizeof *v);
    return rc;
}

/* The vault is asked again later, and meanwhile for the others: one that it refuses does not keep them. */
static int void_refused(struct station *st, const struct err *why, struct err *err)
{
    struct void_row *v = &st->voiding;
    char now[CLOCK_UTC_SIZE];
    int64_t changes = 0;
    int rc = 0;
    if (outcome_class(why->code) == CLASS_WAIT) {
        log_err(why, "%s: voiding %s", v->application, v->serial_number);
        st->void_at = clock_mono_ms() + VOID_RETRY_MS;
    } else {
        clock_utc_text(clock_utc_ms(), now);
        rc = db_exec(st->db, SQL_VOID_REFUSED, DB_ARGS(DB_TEXT(v->id), DB_TEXT(why->text), DB_TEXT(now)),
                     &changes, err);
        snprintf(st->void_after, sizeof st->void_after, "%s", v->id);
    }
    if (rc == 0 && changes == 1)
        rc = alert(
            st, "void-refused", v->application, err,
            "%s waits: the vault refuses to void its certificate %s: %s; is its log the one that belongs to "
            "this station?",
            v->application, v->serial_number[0] ? v->serial_number : "(number not known)", why->text);
    memset(v, 0, sizeof *v);
    return rc;
}

/* The tombstone stands. Had the vault signed after the look-up, the certificate is fetched before this one is
 * done. */
static int void_acknowledged(struct station *st, struct msg_in *reply, struct err *fail, struct err *err)
{
    struct void_row *v = &st->voiding;
    struct vault_void_rep rep;
    vault_void_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return 1;
    if (rep.voided != VAULT_VOIDED_CERTIFICATE || v->was_signed || v->tbs_sha256[0] == '\0')
        return void_done(st, err);
    ask_void_lookup(st);
    return 0;
}

int void_reply(struct station *st, const char *id, bool lookup, struct msg_in *reply, const struct err *fail,
               struct err *err)
{
    struct void_row *v = &st->voiding;
    struct err why = {0};
    if (strcmp(v->id, id) != 0)
        return 0;
    int rc = fail != NULL ? 1 : 0;
    if (fail != NULL)
        why = *fail;
    else if (lookup)
        rc = lookup_taken(st, reply, &why, err);
    else
        rc = void_acknowledged(st, reply, &why, err);
    return rc == 1 ? void_refused(st, &why, err) : rc;
}
