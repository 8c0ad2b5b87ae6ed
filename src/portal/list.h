/* Lists of applications: filters, searching, keyset paging. A page costs the same wherever it is. */
#ifndef CASTATION_PORTAL_LIST_H
#define CASTATION_PORTAL_LIST_H

#include <jansson.h>

#include "store/portal_store.h"

#define LIST_PAGE 50

struct list_query {
    const char *owner; /* "" = all */
    const char *state; /* "" = all */
    const char
        *text; /* name, identifier, number or token serial, any part of at least 2 characters; "" = all */
    int64_t from, to;   /* created in [from, to); 0 = open */
    const char *cursor; /* "" = the first page; otherwise what the last answer gave */
    int64_t limit;
};
/* Newest first. *ret: {"rows": [{id, state, organisation, identifier, profile, created_at, submitted_at,
 * promise_due, provisional, token_serial, …}], "next": cursor or "", "partial": the search stopped looking
 * before the page was full (of a text that everybody has and nobody in this state: "next" goes on)}.
 * ERR_FIELD: "cursor: …", one that no list of these filters gave; "text: …", a single character or more
 * than 64. */
int list_applications(struct db *db, const struct list_query *query, json_t **ret, struct err *err);

/* The review queue of a state: promise due first, then those that no promise runs for. Same shape. */
int list_queue(struct db *db, const char *state, const char *cursor, int64_t limit, json_t **ret,
               struct err *err);

/* Orders of a state, newest first, same shape: [{id, application, state, fen, created_at, method, reference,
 * paid_at, organisation}]. */
int list_orders(struct db *db, const char *state, const char *cursor, int64_t limit, json_t **ret,
                struct err *err);
/* The latest events that an operator has to know: [{at, application, what, detail, organisation, state}]. */
int list_alerts(struct db *db, int64_t limit, json_t **ret, struct err *err);

/* Keep the search index of one application up to date: name, identifier, number, token serials. In the
 * transaction that changes one of them. What it held of a former name stays and finds nothing. */
int list_index(struct db *db, const char *application, struct err *err);

#endif
