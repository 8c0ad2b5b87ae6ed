#include <stdio.h>
#include <stdlib.h>

#include "portal/list_walk.h"

/* Counted first to here: whatever is as rare as this is found at once. */
#define COUNT_FEW 256
/* Where nothing is that rare, to here: behind it all are as common as another. */
#define COUNT_MANY 20000

struct counted {
    const char *gram;
    int64_t n;
};

static int count(struct list_walk *walk, int statement, const char *of, int64_t most, int64_t *ret,
                 struct err *err)
{
    const struct list_query *q = walk->query;
    struct db_rows *rows = NULL;
    if (db_query(walk->db, statement,
                 DB_ARGS(DB_TEXT(of), DB_INT(q->from), DB_INT(q->to > 0 ? q->to : INT64_MAX), DB_INT(most)),
                 &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        *ret = db_col_int(rows, 0);
    db_rows_free(&rows);
    return r == 1 ? 0 : -1;
}

static int by_count(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    return x->n < y->n ? -1 : x->n > y->n;
}

static int count_all(struct list_walk *walk, int64_t most, struct counted *ret, struct err *err)
{
    for (size_t i = 0; i < walk->text->n_grams; i++) {
        ret[i].gram = walk->text->gram[i];
        if (count(walk, PSQL_LIST_GRAM_COUNT, ret[i].gram, most, &ret[i].n, err) != 0)
            return -1;
    }
    qsort(ret, walk->text->n_grams, sizeof(*ret), by_count);
    return 0;
}

static int take_by_id(struct list_walk *walk, const char *id, int64_t at, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(walk->db, PSQL_LIST_ROW, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        r = list_take(walk, rows, at, err);
    else if (r == 0)
        r = 1; /* the index may name one that is gone */
    db_rows_free(&rows);
    return r;
}

static int walk_gram(struct list_walk *walk, const struct counted *rarest, struct err *err)
{
    size_t n = walk->text->n_grams;
    const char *g[4];
    struct db_rows *rows = NULL;
    int r;
    for (size_t i = 0; i < 4; i++)
        g[i] = rarest[i < n ? i : n - 1].gram;
    if (db_query(walk->db, PSQL_LIST_GRAM,
                 DB_ARGS(DB_INT(walk->from.at), DB_TEXT(walk->from.id), DB_INT(walk->query->from),
                         DB_INT(LIST_SCAN_MAX), DB_TEXT(g[0]), DB_TEXT(g[1]), DB_TEXT(g[2]), DB_TEXT(g[3])),
                 &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1) {
        bool room = json_array_size(walk->rows) < (size_t)walk->limit;
        walk->scanned++;
        if (db_col_int(rows, 2)) {
            if ((r = take_by_id(walk, db_col_text(rows, 1), db_col_int(rows, 0), err)) != 1)
                break;
        } else if (room) {
            walk->last.at = db_col_int(rows, 0);
            snprintf(walk->last.id, sizeof(walk->last.id), "%s", db_col_text(rows, 1));
        }
    }
    db_rows_free(&rows);
    if (walk->scanned == LIST_SCAN_MAX)
        walk->more = true;
    return r < 0 ? -1 : 0;
}

/* ---- a whole identifier, number or token's serial: no pair of digits is rare, but these have indexes ----
 */

static void capitals(const char *text, char *ret)
{
    for (; *text; text++)
        *ret++ = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
    *ret = '\0';
}

/* The ids that it is, as a JSON array. */
static int whole(struct list_walk *walk, int statement, json_t **ret, struct err *err)
{
    const struct list_text *t = walk->text;
    char upper[sizeof(t->typed)];
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r;
    capitals(t->typed, upper);
    if (!list || db_query(walk->db, statement, DB_ARGS(DB_TEXT(t->typed), DB_TEXT(upper), DB_TEXT(t->folded)),
                          &rows, err) != 0) {
        json_decref(list);
        return -1;
    }
    while ((r = db_next(rows, err)) == 1)
        json_array_append_new(list, json_string(db_col_text(rows, 0)));
    db_rows_free(&rows);
    if (r < 0) {
        json_decref(list);
        return -1;
    }
    *ret = list;
    return 0;
}

static int take_all(struct list_walk *walk, const json_t *ids, struct err *err)
{
    int r = 1;
    for (size_t i = json_array_size(ids); r == 1 && i > 0; i--) /* the latest was recorded last */
        r = take_by_id(walk, json_string_value(json_array_get(ids, i - 1)), 0, err);
    walk->more = false; /* there are no more of one token */
    return r < 0 ? -1 : 0;
}

static int search_whole(struct list_walk *walk, bool *ret_found, struct err *err)
{
    static const int STATEMENTS[] = {PSQL_LIST_WHOLE_NUMBER, PSQL_LIST_WHOLE_TOKEN,
                                     PSQL_LIST_WHOLE_IDENTIFIER};
    json_t *found = NULL;
    int rc = 0;
    *ret_found = false;
    for (size_t i = 0; rc == 0 && !*ret_found && i < sizeof(STATEMENTS) / sizeof(STATEMENTS[0]); i++) {
        if (whole(walk, STATEMENTS[i], &found, err) != 0)
            return -1;
        *ret_found = json_array_size(found) > 0;
        if (*ret_found && STATEMENTS[i] == PSQL_LIST_WHOLE_IDENTIFIER)
            rc =
                list_walk_index(walk, PSQL_LIST_IDENTIFIER, json_string_value(json_array_get(found, 0)), err);
        else if (*ret_found)
            rc = take_all(walk, found, err);
        json_decref(found);
    }
    return rc;
}

int list_search(struct list_walk *walk, struct err *err)
{
    struct counted counted[LIST_GRAMS_MAX];
    const char *state = walk->query->state;
    int64_t in_state = INT64_MAX;
    bool found;
    if (search_whole(walk, &found, err) != 0)
        return -1;
    if (found)
        return 0;
    if (count_all(walk, COUNT_FEW, counted, err) != 0)
        return -1;
    if (counted[0].n == COUNT_FEW && count_all(walk, COUNT_MANY, counted, err) != 0)
        return -1;
    if (counted[0].n == 0)
        return 0;
    if (state[0] && count(walk, PSQL_LIST_STATE_COUNT, state, counted[0].n, &in_state, err) != 0)
        return -1;
    return in_state < counted[0].n ? list_walk_index(walk, PSQL_LIST_STATE, state, err)
                                   : walk_gram(walk, counted, err);
}
