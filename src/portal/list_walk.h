/* What the files of the lists share: a walk over an index, newest first, that gathers a page of rows. */
#ifndef CASTATION_PORTAL_LIST_WALK_H
#define CASTATION_PORTAL_LIST_WALK_H

#include <jansson.h>

#include "portal/list.h"
#include "portal/list_text.h"

#define LIST_SCAN_MAX 20000 /* candidates of a search that are looked at for one page */

struct list_at {
    int64_t at; /* created_at, or promise_due */
    char id[41];
};

struct list_walk {
    struct db *db;
    const struct list_query *query;
    const struct list_text *text; /* NULL: no search */
    struct list_at from;          /* begins after this one */
    json_t *rows;
    int64_t limit, scanned;
    struct list_at last; /* the last that was taken, or looked at */
    bool more;           /* there is more behind `last` */
};

/* Read the query's cursor and limit; `list` names the list, so that no other takes its cursors. The caller
 * ends with json_decref(walk->rows). */
int list_begin(struct list_walk *walk, const char *list, struct err *err);
/* The page; takes walk->rows. */
int list_answer(struct list_walk *walk, const char *list, json_t **ret, struct err *err);

/* A row of LIST_COLUMNS as JSON. */
int list_row(struct list_walk *walk, struct db_rows *rows, json_t **ret, struct err *err);
/* Look at a row of LIST_COLUMNS that `by` (its time) leads to: take it when it fits. 1: go on, 0: the page is
 * full. */
int list_take(struct list_walk *walk, struct db_rows *rows, int64_t by, struct err *err);

/* Rows of the text, by the rarest way to them. */
int list_search(struct list_walk *walk, struct err *err);
/* Walk one of PSQL_LIST_ALL, _STATE, _OWNER ("" = ALL has no parameter). */
int list_walk_index(struct list_walk *walk, int statement, const char *parameter, struct err *err);

#endif
