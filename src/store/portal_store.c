#include "store/portal_store.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define KEEP(rows, col, field) keep(rows, col, field, sizeof(field))

static void keep(struct db_rows *rows, int col, char *field, size_t size)
{
    const char *s = db_col_text(rows, col);
    size_t len = strnlen(s, size - 1);
    memcpy(field, s, len);
    field[len] = '\0';
}

/* ---- applications
 * -------------------------------------------------------------------------------------------- */

static void read_application(struct db_rows *rows, struct portal_application *a)
{
    KEEP(rows, 0, a->id);
    KEEP(rows, 1, a->state);
    KEEP(rows, 2, a->content_sha256);
    KEEP(rows, 3, a->organisation);
    KEEP(rows, 4, a->identifier);
    KEEP(rows, 5, a->profile);
    KEEP(rows, 6, a->approval_id);
    KEEP(rows, 7, a->first_reviewer);
    KEEP(rows, 8, a->final_reviewer);
    a->approved_at = db_col_int(rows, 9);
    a->generation = db_col_int(rows, 10);
    KEEP(rows, 11, a->station);
    a->lease_until = db_col_int(rows, 12);
    KEEP(rows, 13, a->fault_code);
    KEEP(rows, 14, a->fault_detail);
    a->updated_at = db_col_int(rows, 15);
    KEEP(rows, 17, a->owner);
    KEEP(rows, 18, a->created_by);
    a->created_at = db_col_int(rows, 19);
    a->form_version = db_col_int(rows, 20);
    a->submitted_at = db_col_int(rows, 21);
    a->validity_days = db_col_int(rows, 22);
    KEEP(rows, 23, a->delivery_method);
    a->promise_due = db_col_int(rows, 24);
    a->promise_days = db_col_int(rows, 25);
    a->promise_stopped_at = db_col_int(rows, 26);
    KEEP(rows, 27, a->paper_number);
    KEEP(rows, 28, a->carrier);
    KEEP(rows, 29, a->tracking_number);
    a->handed_over_at = db_col_int(rows, 30);
}

int portal_application_get(struct db *db, const char *id, struct portal_application *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_APPLICATION_GET, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        read_application(rows, ret);
    db_rows_free(&rows);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "application %s: there is none of this id", id);
    return r == 1 ? 0 : -1;
}

int portal_application_list(struct db *db, const char *after, const char *state, int64_t limit,
                            int (*each)(const struct portal_application *row, void *arg, struct err *err),
                            void *arg, struct err *err)
{
    struct db_rows *rows = NULL;
    struct portal_application a;
    int r, rc = 0;
    if (db_query(db, PSQL_APPLICATION_LIST, DB_ARGS(DB_TEXT(after), DB_TEXT(state), DB_INT(limit)), &rows,
                 err) != 0)
        return -1;
    while (rc == 0 && (r = db_next(rows, err)) != 0) {
        if (r == 1)
            read_application(rows, &a);
        rc = r == 1 ? each(&a, arg, err) : -1;
    }
    db_rows_free(&rows);
    return rc;
}

int portal_application_counts(struct db *db, void (*each)(const char *state, int64_t n, void *arg), void *arg,
                              struct err *err)
{
    struct db_rows *rows = NULL;
    int r;
    if (db_query(db, PSQL_APPLICATION_COUNTS, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        each(db_col_text(rows, 0), db_col_int(rows, 1), arg);
    db_rows_free(&rows);
    return r;
}

/* ---- certificates
 * -------------------------------------------------------------------------------------------- */

int portal_certificate_by_serial(struct db *db, const char *serial, bool *ret_found,
                                 struct portal_certificate *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_CERTIFICATE_BY_SERIAL, DB_ARGS(DB_TEXT(serial)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        KEEP(rows, 0, ret->serial);
        KEEP(rows, 1, ret->application);
        ret->generation = db_col_int(rows, 2);
        KEEP(rows, 3, ret->station);
        KEEP(rows, 4, ret->token_serial);
        KEEP(rows, 5, ret->product);
        KEEP(rows, 6, ret->key_id);
        KEEP(rows, 8, ret->sha256);
        ret->not_before = db_col_int(rows, 9);
        ret->not_after = db_col_int(rows, 10);
        ret->recorded_at = db_col_int(rows, 11);
        ret->voided_at = db_col_int(rows, 12);
    }
    db_rows_free(&rows);
    if (r >= 0)
        *ret_found = r == 1;
    return r >= 0 ? 0 : -1;
}

/* ---- events
 * -------------------------------------------------------------------------------------------------- */

int portal_event_add(struct db *db, int64_t now, const struct portal_event *e, struct err *err)
{
    char id[UUID_SIZE];
    uuid7(id);
    return db_exec(db, PSQL_EVENT_INSERT,
                   DB_ARGS(DB_TEXT(id), DB_TEXT(e->application), DB_INT(now), DB_TEXT(e->who),
                           DB_TEXT(e->what), DB_TEXT(e->from_state), DB_TEXT(e->to_state), DB_INT(e->alert),
                           DB_TEXT(e->detail ? e->detail : ""), DB_TEXT(e->note ? e->note : "")),
                   NULL, err);
}

/* ---- stations
 * ------------------------------------------------------------------------------------------------ */

int portal_station_list(struct db *db,
                        int (*each)(const struct portal_station *row, void *arg, struct err *err), void *arg,
                        struct err *err)
{
    struct db_rows *rows = NULL;
    struct portal_station s;
    int r, rc = 0;
    if (db_query(db, PSQL_STATION_LIST, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    while (rc == 0 && (r = db_next(rows, err)) != 0) {
        if (r == 1) {
            KEEP(rows, 0, s.sha256);
            KEEP(rows, 1, s.name);
            KEEP(rows, 2, s.serial);
            s.not_before = db_col_int(rows, 3);
            s.not_after = db_col_int(rows, 4);
            s.enrolled_at = db_col_int(rows, 5);
            KEEP(rows, 6, s.enrolled_by);
            s.revoked_at = db_col_int(rows, 7);
            KEEP(rows, 8, s.revoked_by);
        }
        rc = r == 1 ? each(&s, arg, err) : -1;
    }
    db_rows_free(&rows);
    return rc;
}

/* ---- one application whole
 * ----------------------------------------------------------------------------------- */

/* A column of a list as a JSON field. */
enum field_kind { FIELD_END, FIELD_TEXT, FIELD_INT, FIELD_TIME, FIELD_FLAG };
struct field {
    int col;
    enum field_kind kind;
    const char *name;
};

static const struct field LENDING[] = {{0, FIELD_INT, "generation"},  {1, FIELD_TEXT, "station"},
                                       {2, FIELD_TIME, "claimed_at"}, {3, FIELD_TIME, "ended_at"},
                                       {4, FIELD_TEXT, "outcome"},    {0, FIELD_END, NULL}};
static const struct field CERTIFICATE[] = {{0, FIELD_TEXT, "serial"},
                                           {2, FIELD_INT, "generation"},
                                           {3, FIELD_TEXT, "station"},
                                           {4, FIELD_TEXT, "token_serial"},
                                           {5, FIELD_TEXT, "product"},
                                           {6, FIELD_TEXT, "key_id"},
                                           {7, FIELD_TEXT, "certificate"},
                                           {8, FIELD_TEXT, "sha256"},
                                           {9, FIELD_TIME, "not_before"},
                                           {10, FIELD_TIME, "not_after"},
                                           {11, FIELD_TIME, "recorded_at"},
                                           {12, FIELD_TIME, "voided_at"},
                                           {0, FIELD_END, NULL}};
static const struct field VOIDED[] = {{0, FIELD_TEXT, "serial"},      {1, FIELD_INT, "generation"},
                                      {2, FIELD_TEXT, "station"},     {3, FIELD_TEXT, "reason"},
                                      {4, FIELD_TIME, "recorded_at"}, {0, FIELD_END, NULL}};
static const struct field ORDER[] = {
    {0, FIELD_TEXT, "id"},           {2, FIELD_TEXT, "state"},        {3, FIELD_INT, "fen"},
    {4, FIELD_TIME, "created_at"},   {5, FIELD_TEXT, "method"},       {6, FIELD_TEXT, "reference"},
    {7, FIELD_TIME, "paid_at"},      {8, FIELD_TEXT, "confirmed_by"}, {10, FIELD_TEXT, "refund_reference"},
    {11, FIELD_TIME, "refunded_at"}, {12, FIELD_TEXT, "refunded_by"}, {0, FIELD_END, NULL}};
static const struct field REVIEW[] = {
    {0, FIELD_TEXT, "stage"}, {1, FIELD_TEXT, "decision"}, {2, FIELD_TEXT, "reviewer"}, {3, FIELD_TIME, "at"},
    {4, FIELD_TEXT, "note"},  {6, FIELD_FLAG, "void"},     {0, FIELD_END, NULL}};
static const struct field EVENT[] = {
    {0, FIELD_TIME, "at"},     {1, FIELD_TEXT, "who"},  {2, FIELD_TEXT, "what"},
    {3, FIELD_TEXT, "from"},   {4, FIELD_TEXT, "to"},   {5, FIELD_FLAG, "alert"},
    {6, FIELD_TEXT, "detail"}, {7, FIELD_TEXT, "note"}, {0, FIELD_END, NULL}};
static const struct field APPLICATION[] = {{0, FIELD_TEXT, "id"},
                                           {1, FIELD_TEXT, "state"},
                                           {2, FIELD_TEXT, "content_sha256"},
                                           {3, FIELD_TEXT, "organisation"},
                                           {4, FIELD_TEXT, "identifier"},
                                           {5, FIELD_TEXT, "profile"},
                                           {6, FIELD_TEXT, "approval_id"},
                                           {7, FIELD_TEXT, "first_reviewer"},
                                           {8, FIELD_TEXT, "final_reviewer"},
                                           {9, FIELD_TIME, "approved_at"},
                                           {10, FIELD_INT, "generation"},
                                           {11, FIELD_TEXT, "station"},
                                           {12, FIELD_TIME, "lease_until"},
                                           {13, FIELD_TEXT, "fault_code"},
                                           {14, FIELD_TEXT, "fault_detail"},
                                           {15, FIELD_TIME, "updated_at"},
                                           {17, FIELD_TEXT, "owner"},
                                           {19, FIELD_TIME, "created_at"},
                                           {21, FIELD_TIME, "submitted_at"},
                                           {22, FIELD_INT, "validity_days"},
                                           {23, FIELD_TEXT, "delivery_method"},
                                           {24, FIELD_TIME, "promise_due"},
                                           {26, FIELD_TIME, "promise_stopped_at"},
                                           {27, FIELD_TEXT, "paper_number"},
                                           {28, FIELD_TEXT, "carrier"},
                                           {29, FIELD_TEXT, "tracking_number"},
                                           {30, FIELD_TIME, "handed_over_at"},
                                           {0, FIELD_END, NULL}};

static json_t *value_of(struct db_rows *rows, const struct field *f)
{
    char at[CLOCK_UTC_SIZE];
    if (db_col_null(rows, f->col) || (f->kind == FIELD_TIME && db_col_int(rows, f->col) == 0))
        return json_null();
    switch (f->kind) {
    case FIELD_INT:
        return json_integer(db_col_int(rows, f->col));
    case FIELD_FLAG:
        return json_boolean(db_col_int(rows, f->col) != 0);
    case FIELD_TIME:
        clock_utc_text(db_col_int(rows, f->col), at);
        return json_string(at);
    case FIELD_TEXT:
    case FIELD_END:
        break;
    }
    return json_string(db_col_text(rows, f->col));
}

static json_t *object_of(struct db_rows *rows, const struct field *fields)
{
    json_t *object = json_object();
    for (const struct field *f = fields; object && f->kind != FIELD_END; f++)
        if (json_object_set_new(object, f->name, value_of(rows, f)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static int put_list(struct db *db, json_t *whole, const char *name, enum portal_sql statement, const char *id,
                    const struct field *fields, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r = -1;
    if (db_query(db, (int)statement, DB_ARGS(DB_TEXT(id)), &rows, err) == 0)
        while ((r = db_next(rows, err)) == 1)
            if (json_array_append_new(list, object_of(rows, fields)) != 0) {
                r = err_set(err, ERR_MEMORY, "application %s: %s", id, name);
                break;
            }
    db_rows_free(&rows);
    if (json_object_set_new(whole, name, list) != 0 && r == 0)
        r = err_set(err, ERR_MEMORY, "application %s: %s", id, name);
    return r;
}

static int put_application(struct db *db, const char *id, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *whole = NULL;
    if (db_query(db, PSQL_APPLICATION_GET, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        const char *document = db_col_text(rows, 16);
        whole = object_of(rows, APPLICATION);
        json_object_set_new(whole, "document", *document ? json_loads(document, 0, NULL) : json_null());
    }
    db_rows_free(&rows);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "application %s: there is none of this id", id);
    if (r == 1 && !whole)
        return err_set(err, ERR_MEMORY, "application %s", id);
    *ret = whole;
    return r == 1 ? 0 : -1;
}

int portal_application_json(struct db *db, const char *id, json_t **ret, struct err *err)
{
    static const struct {
        const char *name;
        enum portal_sql statement;
        const struct field *fields;
    } LISTS[] = {{"orders", PSQL_ORDERS_OF, ORDER},       {"reviews", PSQL_REVIEWS_OF, REVIEW},
                 {"lendings", PSQL_LENDINGS_OF, LENDING}, {"certificates", PSQL_CERTIFICATES_OF, CERTIFICATE},
                 {"voided", PSQL_VOIDED_OF, VOIDED},      {"events", PSQL_EVENTS_OF, EVENT}};
    json_t *whole = NULL;
    if (put_application(db, id, &whole, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(LISTS) / sizeof(LISTS[0]); i++)
        if (put_list(db, whole, LISTS[i].name, LISTS[i].statement, id, LISTS[i].fields, err) != 0) {
            json_decref(whole);
            return -1;
        }
    *ret = whole;
    return 0;
}
