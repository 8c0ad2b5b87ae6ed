#include "portal/list_walk.h"

#include <stdio.h>
#include <string.h>

#include "portal/promise.h"

/* LIST_COLUMNS in their order. */
static const struct {
    const char *name;
    bool integer;
} COLUMNS[] = {{"id", false},           {"state", false},           {"organisation", false},
               {"identifier", false},   {"profile", false},         {"created_at", true},
               {"submitted_at", true},  {"promise_due", true},      {"promise_stopped_at", true},
               {"paper_number", false}, {"delivery_method", false}, {"first_reviewer", false},
               {"fault_code", false},   {"fault_detail", false},    {"updated_at", true},
               {"owner", false},        {"carrier", false},         {"tracking_number", false},
               {"token_serial", false}};
enum { COL_ID = 0, COL_STATE = 1, COL_ORGANISATION = 2, COL_IDENTIFIER = 3, COL_CREATED = 5, COL_DUE = 7 };
enum { COL_OWNER = 15 };

int list_row(struct list_walk *walk, struct db_rows *rows, json_t **ret, struct err *err)
{
    bool provisional = false, memory = true;
    int64_t due = db_col_int(rows, COL_DUE);
    if (due > 0 && promise_is_provisional(walk->db, due, &provisional, err) != 0)
        return -1;
    json_t *row = json_object();
    for (int i = 0; memory && i < (int)(sizeof(COLUMNS) / sizeof(COLUMNS[0])); i++)
        memory = json_object_set_new(row, COLUMNS[i].name,
                                     COLUMNS[i].integer ? json_integer(db_col_int(rows, i))
                                                        : json_string(db_col_text(rows, i))) == 0;
    if (!memory || json_object_set_new(row, "provisional", json_boolean(provisional)) != 0) {
        json_decref(row);
        return err_set(err, ERR_MEMORY, "list of applications");
    }
    *ret = row;
    return 0;
}

static bool outside(const struct list_walk *walk, struct db_rows *rows)
{
    const struct list_query *q = walk->query;
    int64_t at = db_col_int(rows, COL_CREATED);
    return (q->state[0] && strcmp(q->state, db_col_text(rows, COL_STATE)) != 0) ||
           (q->owner[0] && strcmp(q->owner, db_col_text(rows, COL_OWNER)) != 0) || at < q->from ||
           (q->to > 0 && at >= q->to);
}

/* The tokens come last: they are asked for only when nothing else has it. */
static int has_text(struct list_walk *walk, struct db_rows *rows, bool *ret, struct err *err)
{
    struct db_rows *tokens = NULL;
    int r = 0;
    *ret = !walk->text || list_text_in(walk->text, db_col_text(rows, COL_ORGANISATION)) ||
           list_text_in(walk->text, db_col_text(rows, COL_IDENTIFIER)) ||
           list_text_in(walk->text, db_col_text(rows, COL_ID));
    if (*ret)
        return 0;
    if (db_query(walk->db, PSQL_LIST_TOKENS, DB_ARGS(DB_TEXT(db_col_text(rows, COL_ID))), &tokens, err) != 0)
        return -1;
    while (!*ret && (r = db_next(tokens, err)) == 1)
        *ret = list_text_in(walk->text, db_col_text(tokens, 0));
    db_rows_free(&tokens);
    return r < 0 ? -1 : 0;
}

int list_take(struct list_walk *walk, struct db_rows *rows, int64_t by, struct err *err)
{
    json_t *row = NULL;
    bool fits = !outside(walk, rows);
    if (fits && has_text(walk, rows, &fits, err) != 0)
        return -1;
    if (fits && json_array_size(walk->rows) == (size_t)walk->limit) {
        walk->more = true;
        return 0;
    }
    if (fits && list_row(walk, rows, &row, err) != 0)
        return -1;
    if (fits && json_array_append_new(walk->rows, row) != 0)
        return err_set(err, ERR_MEMORY, "list of applications");
    /* Once the page is full, `last` stays its last row: what follows it may come again, nothing is left out.
     */
    if (fits || json_array_size(walk->rows) < (size_t)walk->limit) {
        walk->last.at = by;
        snprintf(walk->last.id, sizeof(walk->last.id), "%s", db_col_text(rows, COL_ID));
    }
    return 1;
}
