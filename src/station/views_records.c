/* Jobs, tokens and stock as the command line sees them. Reading only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "station/control.h"

struct list {
    struct station *st;
    json_t *array;
};

static int list_add(struct list *list, json_t *value, struct err *err)
{
    return json_array_append_new(list->array, value) < 0 ? err_set(err, ERR_MEMORY, "an answer") : 0;
}

/* {name: list}. Takes the list; rc is of what filled it. */
static int list_answer(struct list *list, const char *name, int rc, json_t **ret, struct err *err)
{
    if (rc < 0) {
        json_decref(list->array);
        return -1;
    }
    *ret = json_pack("{s:o}", name, list->array);
    return *ret != NULL ? CALL_DONE : err_set(err, ERR_MEMORY, "an answer");
}

static int set(json_t *o, const char *name, json_t *value)
{
    return o == NULL ? (json_decref(value), -1) : json_object_set_new(o, name, value);
}

static json_t *hex_json(const void *data, size_t len)
{
    char *hex = malloc(2 * len + 1);
    if (hex == NULL)
        return NULL;
    hex_encode(data, len, hex);
    json_t *value = json_string(hex);
    free(hex);
    return value;
}

/* ---- jobs ---- */

/* NULL: out of memory. */
static json_t *job_json(const struct job_row *row)
{
    json_t *o =
        CONTROL_OBJECT({"job", row->id}, {"kind", row->kind == JOB_RECYCLE ? "recycle" : "make"},
                       {"application", row->application}, {"organisation", row->organisation},
                       {"profile", row->profile}, {"state", job_state_name(row->state)}, {"step", row->step},
                       {"bay", row->bay}, {"token", row->token}, {"created_at", row->created_at},
                       {"updated_at", row->updated_at}, {"code", row->code}, {"detail", row->detail});
    if (set(o, "attempt", json_integer(row->attempt)) < 0 ||
        set(o, "generation", json_integer(row->generation)) < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static int each_job(struct job_row *row, void *arg, struct err *err)
{
    return list_add(arg, job_json(row), err);
}

CONTROL_HANDLER(view_jobs)
{
    const char *state = json_str(call->arguments, "state");
    if (*state != '\0' && job_state_from_name(state) == JOB_STATE_COUNT)
        return call_refused(fail, ERR_FIELD, "state: \"%s\" is no state of a job", state);
    struct list list = {st, json_array()};
    int rc = job_each(st->db, SQL_JOB_LIST, DB_ARGS(DB_TEXT(state), DB_INT(control_limit(call))), each_job,
                      &list, err);
    return list_answer(&list, "jobs", rc, ret, err);
}

static json_t *journal_json(struct db_rows *rows)
{
    const char *text = db_col_text(rows, 5);
    struct err not_json;
    json_t *evidence = json_parse(text, strlen(text), &not_json);
    json_t *o = CONTROL_OBJECT({"at", db_col_text(rows, 1)}, {"step", db_col_text(rows, 2)},
                               {"phase", db_col_text(rows, 4)});
    if (evidence == NULL)
        evidence = control_text(text);
    if (set(o, "seq", json_integer(db_col_int(rows, 0))) < 0 ||
        set(o, "attempt", json_integer(db_col_int(rows, 3))) < 0 ||
        json_object_set(o, "evidence", evidence) < 0) {
        json_decref(o);
        o = NULL;
    }
    json_decref(evidence);
    return o;
}

static int journal_list(struct station *st, const char *job, struct list *list, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_JOURNAL_LIST, DB_ARGS(DB_TEXT(job)), &rows, err) < 0)
        return -1;
    int got = 0;
    while (json_array_size(list->array) < CONTROL_LIST_MAX && (got = db_next(rows, err)) == 1)
        if (list_add(list, journal_json(rows), err) < 0) {
            got = -1;
            break;
        }
    db_rows_free(&rows);
    return got < 0 ? -1 : 0;
}

static json_t *job_whole_json(const struct job_row *row)
{
    json_t *o = job_json(row);
    if (set(o, "identifier", control_text(row->identifier)) < 0 ||
        set(o, "delivery", control_text(row->delivery)) < 0 ||
        set(o, "cka_id", hex_json(row->key_id.data, row->key_id.len)) < 0 ||
        set(o, "certificate_serial", hex_json(row->serial_number.data, row->serial_number.len)) < 0 ||
        set(o, "tokens_used", json_integer(row->tokens_used)) < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* By its own id, or the latest of an application. */
static int job_read(struct station *st, const char *id, struct job_row *ret, struct err *fail,
                    struct err *err)
{
    struct err why;
    if (job_get(st->db, id, ret, &why) == 0)
        return CALL_DONE;
    if (why.code == ERR_NOT_FOUND && job_latest(st->db, id, ret, &why) == 0)
        return CALL_DONE;
    return call_not_read(&why, fail, err);
}

CONTROL_HANDLER(view_job)
{
    struct job_row row = {0};
    struct list journal = {st, NULL};
    int rc = job_read(st, json_str(call->arguments, "job"), &row, fail, err);
    if (rc != CALL_DONE)
        return rc;
    journal.array = json_array();
    rc = journal_list(st, row.id, &journal, err);
    rc = list_answer(&journal, "journal", rc, ret, err);
    if (rc == CALL_DONE && set(*ret, "job", job_whole_json(&row)) < 0) {
        json_decref(*ret);
        *ret = NULL;
        rc = err_set(err, ERR_MEMORY, "an answer");
    }
    job_row_done(&row);
    return rc;
}

/* ---- tokens ---- */

/* The state of a token's SO PIN in words; never the PIN. */
static json_t *so_pin_json(const struct token_row *row)
{
    char now[40], text[96];
    if (strcmp(row->so_kind, "derived") == 0)
        snprintf(now, sizeof now, "derived(%lld)", (long long)row->so_version);
    else
        snprintf(now, sizeof now, "%s", row->so_kind);
    if (row->so_changing_to != 0)
        snprintf(text, sizeof text, "changing(%s→derived(%lld))", now, (long long)row->so_changing_to);
    else
        snprintf(text, sizeof text, "%s", now);
    return control_text(text);
}

enum brief_column {
    KIND,
    APPLICATION,
    ORGANISATION,
    PROFILE,
    IDENTIFIER,
    DELIVERY,
    TOKEN,
    SERIAL_NUMBER,
    KEY_ID,
    CERTIFICATE
};

static int pem_member(json_t *o, const void *der, size_t len)
{
    struct err why;
    struct buf pem;
    buf_init(&pem);
    if (len > 0 && cert_to_pem(der, len, &pem, &why) < 0)
        buf_reset(&pem); /* no certificate: shown as none */
    int rc = set(o, "certificate", json_stringn(pem.len > 0 ? (const char *)pem.data : "", pem.len));
    buf_done(&pem);
    return rc;
}

/* What the job that the token belongs to adds. A token that only failed in that job, or was wiped, carries
 * nothing of it any more: the job's row names another token then, or the job is one that wiped it. */
static int job_members(struct db_rows *rows, bool mine, bool whole, json_t *o)
{
    static const struct {
        const char *name;
        enum brief_column column;
        bool whole;
    } texts[] = {{"application", APPLICATION, false},
                 {"organisation", ORGANISATION, false},
                 {"profile", PROFILE, true},
                 {"identifier", IDENTIFIER, true},
                 {"delivery", DELIVERY, true}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if ((whole || !texts[i].whole) &&
            set(o, texts[i].name, control_text(mine ? db_col_text(rows, (int)texts[i].column) : "")) < 0)
            return -1;
    size_t len = 0;
    const void *data = mine ? db_col_blob(rows, SERIAL_NUMBER, &len) : NULL;
    if (set(o, "certificate_serial", hex_json(data, len)) < 0)
        return -1;
    if (!whole)
        return 0;
    len = 0;
    data = mine ? db_col_blob(rows, KEY_ID, &len) : NULL;
    if (set(o, "key_id", hex_json(data, len)) < 0)
        return -1;
    len = 0;
    data = mine ? db_col_blob(rows, CERTIFICATE, &len) : NULL;
    return pem_member(o, data, len);
}

static int add_job(struct station *st, const struct token_row *row, bool whole, json_t *o, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_JOB_BRIEF, DB_ARGS(DB_TEXT(row->job)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    bool mine = got == 1 && strcmp(db_col_text(rows, KIND), "make") == 0 &&
                strcmp(db_col_text(rows, TOKEN), row->serial) == 0;
    if (got >= 0 && job_members(rows, mine, whole, o) < 0)
        got = err_set(err, ERR_MEMORY, "an answer");
    db_rows_free(&rows);
    return got < 0 ? -1 : 0;
}

/* NULL with *err. */
static json_t *token_json(struct station *st, const struct token_row *row, bool whole, struct err *err)
{
    json_t *o = CONTROL_OBJECT({"serial", row->serial}, {"product", row->product},
                               {"state", token_state_name(row->state)}, {"lot", row->lot}, {"box", row->box},
                               {"job", row->job}, {"label", row->label}, {"letter", row->letter},
                               {"updated_at", row->updated_at}, {"reason", row->reason});
    int rc = set(o, "so_pin", so_pin_json(row)) < 0 ? err_set(err, ERR_MEMORY, "an answer") : 0;
    if (rc == 0)
        rc = add_job(st, row, whole, o, err);
    if (rc < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static int each_token(struct token_row *row, void *arg, struct err *err)
{
    struct list *list = arg;
    json_t *o = token_json(list->st, row, false, err);
    return o != NULL ? list_add(list, o, err) : -1;
}

CONTROL_HANDLER(view_tokens)
{
    const char *state = json_str(call->arguments, "state");
    if (*state != '\0' && token_state_from_name(state) == TOKEN_STATE_COUNT)
        return call_refused(fail, ERR_FIELD, "state: \"%s\" is no state of a token", state);
    struct list list = {st, json_array()};
    int rc = token_each(st->db, state, control_limit(call), each_token, &list, err);
    return list_answer(&list, "tokens", rc, ret, err);
}

static const char *module_of(const struct station *st, const struct token_row *row)
{
    const struct product *product = product_find(row->product);
    if (st->conf.rack.module[0] != '\0' && strcmp(row->product, st->conf.rack.product) == 0)
        return st->conf.rack.module;
    return product != NULL ? product->module : "";
}

CONTROL_HANDLER(view_token)
{
    struct token_row row = {0};
    struct err why;
    if (token_get(st->db, json_str(call->arguments, "serial"), &row, &why) < 0)
        return call_not_read(&why, fail, err);
    json_t *o = token_json(st, &row, true, err);
    int rc = o != NULL ? CALL_DONE : -1;
    if (rc == CALL_DONE && (set(o, "module", control_text(module_of(st, &row))) < 0 ||
                            set(o, "environment", control_text(row.environment)) < 0 ||
                            (*ret = json_pack("{s:O}", "token", o)) == NULL))
        rc = err_set(err, ERR_MEMORY, "an answer");
    json_decref(o);
    token_row_done(&row);
    return rc;
}

/* ---- stock ---- */

static int each_stock(struct token_row *row, void *arg, struct err *err)
{
    return list_add(arg,
                    CONTROL_OBJECT({"serial", row->serial}, {"product", row->product}, {"lot", row->lot},
                                   {"box", row->box}, {"state", token_state_name(row->state)},
                                   {"added_at", row->added_at}),
                    err);
}

/* What a job may take: tokens never used, and wiped ones. */
CONTROL_HANDLER(view_stock)
{
    (void)fail;
    struct list list = {st, json_array()};
    int64_t limit = control_limit(call);
    int rc = token_each(st->db, token_state_name(TOKEN_STOCK), limit, each_stock, &list, err);
    int64_t left = limit - (int64_t)json_array_size(list.array);
    if (rc == 0 && left > 0)
        rc = token_each(st->db, token_state_name(TOKEN_WIPED), left, each_stock, &list, err);
    rc = list_answer(&list, "stock", rc, ret, err);
    if (rc == CALL_DONE && set(*ret, "policy", json_string(st->conf.stock_policy)) < 0)
        rc = err_set(err, ERR_MEMORY, "an answer");
    return rc;
}
