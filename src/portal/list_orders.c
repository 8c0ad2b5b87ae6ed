#include "portal/list_walk.h"

#include <stdio.h>

#define MANY "orders"

static json_t *order_row(struct db_rows *rows)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:s,s:I,s:s}", "id", db_col_text(rows, 0), "application",
                     db_col_text(rows, 1), "state", db_col_text(rows, 2), "fen",
                     (json_int_t)db_col_int(rows, 3), "created_at", (json_int_t)db_col_int(rows, 4), "method",
                     db_col_text(rows, 5), "reference", db_col_text(rows, 6), "paid_at",
                     (json_int_t)db_col_int(rows, 7), "organisation", db_col_text(rows, 8));
}

static int take(struct list_walk *walk, struct db_rows *rows, struct err *err)
{
    if (json_array_size(walk->rows) == (size_t)walk->limit) {
        walk->more = true;
        return 0;
    }
    if (json_array_append_new(walk->rows, order_row(rows)) != 0)
        return err_set(err, ERR_MEMORY, MANY);
    walk->last.at = db_col_int(rows, 4);
    snprintf(walk->last.id, sizeof(walk->last.id), "%s", db_col_text(rows, 0));
    return 1;
}

int list_orders(struct db *db, const char *state, const char *cursor, int64_t limit, json_t **ret,
                struct err *err)
{
    const struct list_query query = {
        .owner = "", .state = state, .text = "", .cursor = cursor, .limit = limit};
    struct list_walk walk = {.db = db, .query = &query, .from = {.at = INT64_MAX}};
    struct db_rows *rows = NULL;
    int r = 0;
    if (list_begin(&walk, MANY, err) != 0)
        return -1;
    int rc =
        db_query(db, PSQL_LIST_ORDERS,
                 DB_ARGS(DB_INT(walk.from.at), DB_TEXT(walk.from.id), DB_INT(walk.limit + 1), DB_TEXT(state)),
                 &rows, err);
    while (rc == 0 && (r = db_next(rows, err)) == 1)
        if ((r = take(&walk, rows, err)) != 1)
            break;
    db_rows_free(&rows);
    rc = rc != 0 || r < 0 ? -1 : list_answer(&walk, MANY, ret, err);
    json_decref(walk.rows);
    return rc;
}

int list_alerts(struct db *db, int64_t limit, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r = list ? db_query(db, PSQL_LIST_ALERTS, DB_ARGS(DB_INT(limit)), &rows, err)
                 : err_set(err, ERR_MEMORY, "alerts");
    while (r == 0 && (r = db_next(rows, err)) == 1)
        r = json_array_append_new(list, json_pack("{s:I,s:s,s:s,s:s,s:s,s:s}", "at",
                                                  (json_int_t)db_col_int(rows, 0), "application",
                                                  db_col_text(rows, 1), "what", db_col_text(rows, 2),
                                                  "detail", db_col_text(rows, 3), "organisation",
                                                  db_col_text(rows, 4), "state", db_col_text(rows, 5))) == 0
                ? 0
                : err_set(err, ERR_MEMORY, "alerts");
    db_rows_free(&rows);
    if (r < 0)
        json_decref(list);
    else
        *ret = list;
    return r < 0 ? -1 : 0;
}
