/* What was decided, read back. */
#include <string.h>

#include "base/json.h"
#include "portal/workflow.h"

int review_reasons(struct db *db, const char *id, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *reasons = NULL;
    if (db_query(db, PSQL_REVIEW_REASONS, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        reasons = json_parse(db_col_text(rows, 0), strlen(db_col_text(rows, 0)), err);
    else if (r == 0 && !(reasons = json_object()))
        err_set(err, ERR_MEMORY, "reasons");
    db_rows_free(&rows);
    if (!reasons)
        return -1;
    *ret = reasons;
    return 0;
}

static json_t *review_json(struct db_rows *rows)
{
    struct err ignored;
    const char *reasons = db_col_text(rows, 5);
    json_t *why = json_parse(reasons, strlen(reasons), &ignored);
    return json_pack("{s:s,s:s,s:s,s:I,s:s,s:o,s:b}", "stage", db_col_text(rows, 0), "decision",
                     db_col_text(rows, 1), "reviewer", db_col_text(rows, 2), "at",
                     (json_int_t)db_col_int(rows, 3), "note", db_col_text(rows, 4), "reasons",
                     why ? why : json_object(), "void", db_col_int(rows, 6) != 0);
}

int reviews_of(struct db *db, const char *id, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r = list ? 0 : err_set(err, ERR_MEMORY, "reviews");
    if (r == 0 && (r = db_query(db, PSQL_REVIEWS_OF, DB_ARGS(DB_TEXT(id)), &rows, err)) == 0)
        while ((r = db_next(rows, err)) == 1)
            if (json_array_append_new(list, review_json(rows)) != 0) {
                r = err_set(err, ERR_MEMORY, "reviews");
                break;
            }
    db_rows_free(&rows);
    if (r < 0) {
        json_decref(list);
        return -1;
    }
    *ret = list;
    return 0;
}
