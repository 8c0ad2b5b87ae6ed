#include "store/station_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"

static const char *const job_state_names[JOB_STATE_COUNT] = {
#define X(state, name, zh, en) [state] = name,
#include "store/job_state.def"
#undef X
};

static const char *const job_kind_names[] = {[JOB_MAKE] = "make", [JOB_RECYCLE] = "recycle"};

const char *job_state_name(enum job_state s)
{
    return s < JOB_STATE_COUNT ? job_state_names[s] : "?";
}

enum job_state job_state_from_name(const char *name)
{
    int i = 0;
    while (i < JOB_STATE_COUNT && strcmp(job_state_names[i], name) != 0)
        i++;
    return (enum job_state)i;
}

int blob_set(struct blob *b, const void *data, size_t len, struct err *err)
{
    uint8_t *copy = NULL;
    if (len > 0) {
        copy = malloc(len);
        if (copy == NULL)
            return err_set(err, ERR_MEMORY, "%zu bytes", len);
        memcpy(copy, data, len);
    }
    free(b->data);
    b->data = copy;
    b->len = len;
    return 0;
}

void blob_done(struct blob *b)
{
    free(b->data);
    b->data = NULL;
    b->len = 0;
}

static int column_blob(struct db_rows *rows, int col, struct blob *b, struct err *err)
{
    size_t len = 0;
    const void *data = db_col_blob(rows, col, &len);
    return blob_set(b, data, len, err);
}

static void column_text(struct db_rows *rows, int col, char *dst, size_t cap)
{
    snprintf(dst, cap, "%s", db_col_text(rows, col));
}
#define COLUMN_TEXT(rows, col, field) column_text(rows, col, field, sizeof(field))

static void now_text(char ret[CLOCK_UTC_SIZE])
{
    clock_utc_text(clock_utc_ms(), ret);
}

/* ---- jobs ---- */

void job_row_done(struct job_row *row)
{
    struct blob *blobs[] = {&row->document,      &row->approval, &row->signature,
                            &row->key_id,        &row->spki,     &row->csr,
                            &row->serial_number, &row->tbs,      &row->certificate};
    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++)
        blob_done(blobs[i]);
}

#define BLOB_VALUE(b) DB_BLOB((b).data, (b).len)

int job_insert(struct db *db, const struct job_row *r, struct err *err)
{
    return db_exec(
        db, SQL_JOB_INSERT,
        DB_ARGS(DB_TEXT(r->id), DB_TEXT(job_kind_names[r->kind]), DB_TEXT(r->application),
                DB_INT(r->generation),
                DB_BLOB(r->document.data ? r->document.data : (const uint8_t *)"", r->document.len),
                DB_BLOB(r->approval.data ? r->approval.data : (const uint8_t *)"", r->approval.len),
                DB_BLOB(r->signature.data ? r->signature.data : (const uint8_t *)"", r->signature.len),
                DB_TEXT(r->organisation), DB_TEXT(r->identifier), DB_TEXT(r->profile), DB_TEXT(r->delivery),
                DB_TEXT(job_state_name(r->state)), DB_TEXT(r->step), DB_INT(r->attempt), DB_INT(r->tries),
                DB_INT(r->tokens_used), DB_TEXT(r->bay), DB_TEXT(r->token), DB_INT(r->so_try),
                BLOB_VALUE(r->key_id), BLOB_VALUE(r->spki), BLOB_VALUE(r->csr), BLOB_VALUE(r->serial_number),
                BLOB_VALUE(r->tbs), BLOB_VALUE(r->certificate), DB_INT(r->sign_attempted),
                DB_INT(r->lease_boot_ms), DB_TEXT(r->lease_boot_id), DB_TEXT(r->code), DB_TEXT(r->detail),
                DB_TEXT(r->created_at), DB_TEXT(r->updated_at)),
        NULL, err);
}

int job_update(struct db *db, struct job_row *r, struct err *err)
{
    now_text(r->updated_at);
    return db_exec(db, SQL_JOB_UPDATE,
                   DB_ARGS(DB_TEXT(r->id), DB_TEXT(job_state_name(r->state)), DB_TEXT(r->step),
                           DB_INT(r->attempt), DB_INT(r->tries), DB_INT(r->tokens_used), DB_TEXT(r->bay),
                           DB_TEXT(r->token), DB_INT(r->so_try), BLOB_VALUE(r->key_id), BLOB_VALUE(r->spki),
                           BLOB_VALUE(r->csr), BLOB_VALUE(r->serial_number), BLOB_VALUE(r->tbs),
                           BLOB_VALUE(r->certificate), DB_INT(r->sign_attempted), DB_INT(r->lease_boot_ms),
                           DB_TEXT(r->lease_boot_id), DB_TEXT(r->code), DB_TEXT(r->detail),
                           DB_TEXT(r->updated_at)),
                   NULL, err);
}

static int job_from_row(struct db_rows *rows, struct job_row *ret, struct err *err)
{
    struct job_row r = {0};
    COLUMN_TEXT(rows, 0, r.id);
    r.kind = strcmp(db_col_text(rows, 1), job_kind_names[JOB_RECYCLE]) == 0 ? JOB_RECYCLE : JOB_MAKE;
    COLUMN_TEXT(rows, 2, r.application);
    r.generation = db_col_int(rows, 3);
    COLUMN_TEXT(rows, 7, r.organisation);
    COLUMN_TEXT(rows, 8, r.identifier);
    COLUMN_TEXT(rows, 9, r.profile);
    COLUMN_TEXT(rows, 10, r.delivery);
    r.state = job_state_from_name(db_col_text(rows, 11));
    COLUMN_TEXT(rows, 12, r.step);
    r.attempt = db_col_int(rows, 13);
    r.tries = db_col_int(rows, 14);
    r.tokens_used = db_col_int(rows, 15);
    COLUMN_TEXT(rows, 16, r.bay);
    COLUMN_TEXT(rows, 17, r.token);
    r.so_try = db_col_int(rows, 18);
    r.sign_attempted = db_col_int(rows, 25) != 0;
    r.lease_boot_ms = db_col_int(rows, 26);
    COLUMN_TEXT(rows, 27, r.lease_boot_id);
    COLUMN_TEXT(rows, 28, r.code);
    COLUMN_TEXT(rows, 29, r.detail);
    COLUMN_TEXT(rows, 30, r.created_at);
    COLUMN_TEXT(rows, 31, r.updated_at);
    if (column_blob(rows, 4, &r.document, err) < 0 || column_blob(rows, 5, &r.approval, err) < 0 ||
        column_blob(rows, 6, &r.signature, err) < 0 || column_blob(rows, 19, &r.key_id, err) < 0 ||
        column_blob(rows, 20, &r.spki, err) < 0 || column_blob(rows, 21, &r.csr, err) < 0 ||
        column_blob(rows, 22, &r.serial_number, err) < 0 || column_blob(rows, 23, &r.tbs, err) < 0 ||
        column_blob(rows, 24, &r.certificate, err) < 0) {
        job_row_done(&r);
        return -1;
    }
    *ret = r;
    return 0;
}

int job_each(struct db *db, enum station_sql statement, const struct db_value *args, size_t n,
             int (*each)(struct job_row *row, void *arg, struct err *err), void *arg, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, (int)statement, args, n, &rows, err) < 0)
        return -1;
    int got = 0;
    while ((got = db_next(rows, err)) == 1) {
        struct job_row row;
        if (job_from_row(rows, &row, err) < 0) {
            got = -1;
            break;
        }
        int kept = each(&row, arg, err);
        job_row_done(&row);
        if (kept < 0) {
            got = -1;
            break;
        }
    }
    db_rows_free(&rows);
    return got;
}

static int job_take(struct job_row *row, void *arg, struct err *err)
{
    (void)err;
    struct job_row *dst = arg;
    job_row_done(dst);
    *dst = *row;
    memset(row, 0, sizeof *row);
    return 0;
}

static int job_one(struct db *db, enum station_sql statement, const char *key, struct job_row *ret,
                   struct err *err)
{
    struct job_row row = {0};
    if (job_each(db, statement, DB_ARGS(DB_TEXT(key)), job_take, &row, err) < 0) {
        job_row_done(&row);
        return -1;
    }
    if (row.id[0] == '\0') {
        job_row_done(&row);
        return err_set(err, ERR_NOT_FOUND, "job %s", key);
    }
    *ret = row;
    return 0;
}

int job_get(struct db *db, const char *id, struct job_row *ret, struct err *err)
{
    return job_one(db, SQL_JOB_GET, id, ret, err);
}

int job_latest(struct db *db, const char *application, struct job_row *ret, struct err *err)
{
    return job_one(db, SQL_JOB_LATEST, application, ret, err);
}

/* ---- tokens ---- */

void token_row_done(struct token_row *row)
{
    blob_done(&row->sealed_pin);
}

static int token_write(struct db *db, enum station_sql statement, struct token_row *r, struct err *err)
{
    now_text(r->updated_at);
    if (r->added_at[0] == '\0')
        memcpy(r->added_at, r->updated_at, sizeof r->added_at);
    int64_t changes = 0;
    if (db_exec(db, (int)statement,
                DB_ARGS(DB_TEXT(r->serial), DB_TEXT(r->product), DB_TEXT(token_state_name(r->state)),
                        DB_TEXT(r->lot), DB_TEXT(r->box), r->job[0] ? DB_TEXT(r->job) : DB_NULL,
                        DB_TEXT(r->so_kind), DB_INT(r->so_version), DB_INT(r->so_changing_to),
                        DB_INT(r->pin_version), BLOB_VALUE(r->sealed_pin), DB_TEXT(r->sealed_state),
                        DB_TEXT(r->letter), DB_TEXT(r->label), DB_TEXT(r->environment), DB_TEXT(r->reason),
                        DB_TEXT(r->added_at), DB_TEXT(r->updated_at)),
                &changes, err) < 0)
        return err_prepend(err, "token %s", r->serial);
    return changes == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "token %s", r->serial);
}

int token_insert(struct db *db, struct token_row *row, struct err *err)
{
    if (row->so_kind[0] == '\0')
        snprintf(row->so_kind, sizeof row->so_kind, "factory");
    if (row->sealed_state[0] == '\0')
        snprintf(row->sealed_state, sizeof row->sealed_state, "none");
    if (row->letter[0] == '\0')
        snprintf(row->letter, sizeof row->letter, "none");
    return token_write(db, SQL_TOKEN_INSERT, row, err);
}

int token_update(struct db *db, struct token_row *row, struct err *err)
{
    return token_write(db, SQL_TOKEN_UPDATE, row, err);
}

int token_move(struct db *db, struct token_row *row, enum token_state to, const char *reason, struct err *err)
{
    if (row->state != to && !token_may(row->state, to))
        return err_set(err, ERR_WRONG_STATE, "token %s: it is %s and cannot become %s", row->serial,
                       token_state_name(row->state), token_state_name(to));
    row->state = to;
    snprintf(row->reason, sizeof row->reason, "%s", reason);
    return token_update(db, row, err);
}

static int token_from_row(struct db_rows *rows, struct token_row *ret, struct err *err)
{
    struct token_row r = {0};
    COLUMN_TEXT(rows, 0, r.serial);
    COLUMN_TEXT(rows, 1, r.product);
    r.state = token_state_from_name(db_col_text(rows, 2));
    COLUMN_TEXT(rows, 3, r.lot);
    COLUMN_TEXT(rows, 4, r.box);
    COLUMN_TEXT(rows, 5, r.job);
    COLUMN_TEXT(rows, 6, r.so_kind);
    r.so_version = db_col_int(rows, 7);
    r.so_changing_to = db_col_int(rows, 8);
    r.pin_version = db_col_int(rows, 9);
    COLUMN_TEXT(rows, 11, r.sealed_state);
    COLUMN_TEXT(rows, 12, r.letter);
    COLUMN_TEXT(rows, 13, r.label);
    COLUMN_TEXT(rows, 14, r.environment);
    COLUMN_TEXT(rows, 15, r.reason);
    COLUMN_TEXT(rows, 16, r.added_at);
    COLUMN_TEXT(rows, 17, r.updated_at);
    if (column_blob(rows, 10, &r.sealed_pin, err) < 0)
        return -1;
    *ret = r;
    return 0;
}

static int token_rows(struct db *db, enum station_sql statement, const struct db_value *args, size_t n,
                      int (*each)(struct token_row *row, void *arg, struct err *err), void *arg,
                      struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, (int)statement, args, n, &rows, err) < 0)
        return -1;
    int got = 0;
    while ((got = db_next(rows, err)) == 1) {
        struct token_row row;
        if (token_from_row(rows, &row, err) < 0) {
            got = -1;
            break;
        }
        int kept = each(&row, arg, err);
        token_row_done(&row);
        if (kept < 0) {
            got = -1;
            break;
        }
    }
    db_rows_free(&rows);
    return got;
}

int token_each(struct db *db, const char *state, int64_t limit,
               int (*each)(struct token_row *row, void *arg, struct err *err), void *arg, struct err *err)
{
    return token_rows(db, SQL_TOKEN_LIST, DB_ARGS(DB_TEXT(state), DB_INT(limit)), each, arg, err);
}

static int token_take(struct token_row *row, void *arg, struct err *err)
{
    (void)err;
    struct token_row *dst = arg;
    token_row_done(dst);
    *dst = *row;
    memset(row, 0, sizeof *row);
    return 0;
}

int token_get(struct db *db, const char *serial, struct token_row *ret, struct err *err)
{
    struct token_row row = {0};
    if (token_rows(db, SQL_TOKEN_GET, DB_ARGS(DB_TEXT(serial)), token_take, &row, err) < 0) {
        token_row_done(&row);
        return -1;
    }
    if (row.serial[0] == '\0') {
        token_row_done(&row);
        return err_set(err, ERR_NOT_FOUND, "token %s", serial);
    }
    *ret = row;
    return 0;
}

/* ---- journal ---- */

int journal_add(struct db *db, const char *job, const char *step, int64_t attempt, const char *phase,
                json_t *evidence, struct err *err)
{
    char at[CLOCK_UTC_SIZE];
    now_text(at);
    char *text = evidence != NULL ? json_dumps(evidence, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    int rc = db_exec(db, SQL_JOURNAL_INSERT,
                     DB_ARGS(DB_TEXT(job), DB_TEXT(step), DB_INT(attempt), DB_TEXT(phase), DB_TEXT(at),
                             DB_TEXT(text != NULL ? text : "{}")),
                     NULL, err);
    free(text);
    return rc;
}

int journal_last(struct db *db, const char *job, struct journal_last *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, SQL_JOURNAL_LAST, DB_ARGS(DB_TEXT(job)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    if (got == 1) {
        COLUMN_TEXT(rows, 0, ret->step);
        ret->attempt = db_col_int(rows, 1);
        COLUMN_TEXT(rows, 2, ret->phase);
    }
    db_rows_free(&rows);
    if (got == 0)
        return err_set(err, ERR_NOT_FOUND, "job %s has no journal", job);
    return got == 1 ? 0 : -1;
}

/* ---- audit ---- */

struct audit_record {
    int64_t seq;
    const char *at, *actor, *act, *subject, *detail;
};

static int audit_hash(const uint8_t previous[SHA256_SIZE], const struct audit_record *r,
                      uint8_t ret[SHA256_SIZE], struct err *err)
{
    struct buf b;
    buf_init(&b);
    json_t *o = json_pack("{s:I s:s s:s s:s s:s s:s}", "seq", (json_int_t)r->seq, "at", r->at, "actor",
                          r->actor, "act", r->act, "subject", r->subject, "detail", r->detail);
    int rc = o != NULL ? json_canonical(o, &b, err) : err_set(err, ERR_MEMORY, "audit record");
    if (rc == 0)
        chain_next(previous, b.data, b.len, ret);
    json_decref(o);
    buf_done(&b);
    return rc;
}

int audit_add(struct db *db, const char *actor, const char *act, const char *subject, struct err *err,
              const char *detail_fmt, ...)
{
    char detail[512], at[CLOCK_UTC_SIZE];
    va_list ap;
    va_start(ap, detail_fmt);
    vsnprintf(detail, sizeof detail, detail_fmt, ap);
    va_end(ap);
    for (size_t n = strlen(detail); n > 0 && !utf8_valid(detail, n); n--)
        detail[n - 1] = '\0'; /* cut by vsnprintf within a character */
    now_text(at);

    uint8_t previous[SHA256_SIZE] = {0}, hash[SHA256_SIZE];
    int64_t seq = 1;
    struct db_rows *rows = NULL;
    if (db_query(db, SQL_AUDIT_LAST, DB_NO_ARGS, &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    if (got == 1) {
        size_t len = 0;
        const void *last = db_col_blob(rows, 1, &len);
        seq = db_col_int(rows, 0) + 1;
        if (len == SHA256_SIZE)
            memcpy(previous, last, len);
    }
    db_rows_free(&rows);
    if (got < 0)
        return -1;
    const struct audit_record r = {seq, at, actor, act, subject, detail};
    if (audit_hash(previous, &r, hash, err) < 0)
        return -1;
    return db_exec(db, SQL_AUDIT_INSERT,
                   DB_ARGS(DB_INT(seq), DB_TEXT(at), DB_TEXT(actor), DB_TEXT(act), DB_TEXT(subject),
                           DB_TEXT(detail), DB_BLOB(hash, sizeof hash)),
                   NULL, err);
}

int audit_verify(struct db *db, int64_t *ret_count, struct err *err)
{
    uint8_t previous[SHA256_SIZE] = {0};
    int64_t count = 0;
    struct db_rows *rows = NULL;
    if (db_query(db, SQL_AUDIT_ALL, DB_NO_ARGS, &rows, err) < 0)
        return -1;
    int got = 0;
    while ((got = db_next(rows, err)) == 1) {
        const struct audit_record r = {db_col_int(rows, 0),  db_col_text(rows, 1), db_col_text(rows, 2),
                                       db_col_text(rows, 3), db_col_text(rows, 4), db_col_text(rows, 5)};
        uint8_t hash[SHA256_SIZE];
        size_t len = 0;
        const void *stored = db_col_blob(rows, 6, &len);
        if (r.seq != count + 1) {
            got = err_set(err, ERR_AUDIT, "record %lld is missing; the next is %lld", (long long)(count + 1),
                          (long long)r.seq);
            break;
        }
        if (audit_hash(previous, &r, hash, err) < 0) {
            got = -1;
            break;
        }
        if (len != SHA256_SIZE || memcmp(stored, hash, SHA256_SIZE) != 0) {
            got = err_set(err, ERR_AUDIT, "record %lld (%s %s %s) does not fit the chain", (long long)r.seq,
                          r.at, r.act, r.subject);
            break;
        }
        memcpy(previous, hash, sizeof previous);
        count++;
    }
    db_rows_free(&rows);
    *ret_count = count;
    return got;
}
