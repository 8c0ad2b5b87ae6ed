#include "portal/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/list_walk.h"

/* ---- cursors: "<time>.<id>.<tag>". The tag ties it to its list: one of other filters, or one that was
 * edited, would show a page that looks right and is not. It keeps no secret: whatever it names, filters and
 * roles hold. */

#define TAG_SIZE 9

static void tag(const char *list, const struct list_query *q, const struct list_at *at, char ret[TAG_SIZE])
{
    char text[1024], hex[SHA256_HEX_SIZE];
    int n = snprintf(text, sizeof(text), "%s\n%s\n%s\n%s\n%lld\n%lld\n%lld\n%s", list, q->owner, q->state,
                     q->text, (long long)q->from, (long long)q->to, (long long)at->at, at->id);
    sha256_hex(text, n < 0 || (size_t)n >= sizeof(text) ? sizeof(text) - 1 : (size_t)n, hex);
    memcpy(ret, hex, TAG_SIZE - 1);
    ret[TAG_SIZE - 1] = '\0';
}

static json_t *cursor_new(const char *list, const struct list_query *q, const struct list_at *at)
{
    char check[TAG_SIZE];
    tag(list, q, at, check);
    return json_sprintf("%lld.%s.%s", (long long)at->at, at->id, check);
}

static int cursor_read(const char *list, const struct list_query *q, struct list_at *ret, struct err *err)
{
    char check[TAG_SIZE], *end;
    size_t digits = strspn(q->cursor, "0123456789");
    const char *id = q->cursor + digits + 1;
    if (digits == 0 || digits > 15 || q->cursor[digits] != '.')
        goto wrong;
    size_t len = strcspn(id, ".");
    if (len == 0 || len >= sizeof(ret->id) || id[len] != '.')
        goto wrong;
    ret->at = strtoll(q->cursor, &end, 10);
    memcpy(ret->id, id, len);
    ret->id[len] = '\0';
    tag(list, q, ret, check);
    if (strcmp(check, id + len + 1) == 0)
        return 0;
wrong:
    return err_set(err, ERR_FIELD, "cursor: it is not one that this list gave");
}

int list_answer(struct list_walk *walk, const char *list, json_t **ret, struct err *err)
{
    size_t n = json_array_size(walk->rows);
    json_t *next = walk->more ? cursor_new(list, walk->query, &walk->last) : json_string("");
    *ret = json_pack("{s:o,s:o,s:b}", "rows", walk->rows, "next", next, "partial",
                     walk->more && n < (size_t)walk->limit);
    walk->rows = NULL;
    return *ret ? 0 : err_set(err, ERR_MEMORY, "list of applications");
}

int list_begin(struct list_walk *walk, const char *list, struct err *err)
{
    walk->limit = walk->query->limit > 0 ? walk->query->limit : LIST_PAGE;
    if (walk->query->cursor[0] && cursor_read(list, walk->query, &walk->from, err) != 0)
        return -1;
    walk->rows = json_array();
    return walk->rows ? 0 : err_set(err, ERR_MEMORY, "list of applications");
}

/* ---- newest first ---- */

int list_walk_index(struct list_walk *walk, int statement, const char *parameter, struct err *err)
{
    const struct db_value args[] = {
        DB_INT(walk->from.at), DB_TEXT(walk->from.id), DB_INT(walk->query->from),
        /* one more than the page tells whether there is another */
        DB_INT(walk->text || walk->query->owner[0] ? LIST_SCAN_MAX : walk->limit + 1), DB_TEXT(parameter)};
    struct db_rows *rows = NULL;
    int r;
    if (db_query(walk->db, statement, args, parameter[0] ? 5 : 4, &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1) {
        walk->scanned++;
        if ((r = list_take(walk, rows, db_col_int(rows, 5), err)) != 1)
            break;
    }
    db_rows_free(&rows);
    if (walk->scanned == LIST_SCAN_MAX)
        walk->more = true;
    return r < 0 ? -1 : 0;
}

int list_applications(struct db *db, const struct list_query *query, json_t **ret, struct err *err)
{
    struct list_text text;
    struct list_walk walk = {.db = db,
                             .query = query,
                             .text = query->text[0] ? &text : NULL,
                             .from = {.at = query->to > 0 ? query->to : INT64_MAX}};
    int rc;
    if ((walk.text && list_text_parse(query->text, &text, err) != 0) ||
        list_begin(&walk, "applications", err) != 0)
        return -1;
    if (query->owner[0])
        rc = list_walk_index(&walk, PSQL_LIST_OWNER, query->owner, err);
    else if (walk.text)
        rc = list_search(&walk, err);
    else
        rc = list_walk_index(&walk, query->state[0] ? PSQL_LIST_STATE : PSQL_LIST_ALL, query->state, err);
    if (rc == 0)
        rc = list_answer(&walk, "applications", ret, err);
    json_decref(walk.rows);
    return rc;
}

/* ---- queues ---- */

/* `latest`: 0 for those that no promise runs for, otherwise INT64_MAX. */
static int queue_part(struct list_walk *walk, int64_t latest, struct err *err)
{
    struct db_rows *rows = NULL;
    int r;
    if (db_query(walk->db, PSQL_LIST_QUEUE,
                 DB_ARGS(DB_TEXT(walk->query->state), DB_INT(walk->from.at), DB_TEXT(walk->from.id),
                         DB_INT(walk->limit + 1), DB_INT(latest)),
                 &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        if ((r = list_take(walk, rows, db_col_int(rows, 7), err)) != 1)
            break;
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

/* Those with a promise, then those without: nobody waits by the clock for them yet. */
int list_queue(struct db *db, const char *state, const char *cursor, int64_t limit, json_t **ret,
               struct err *err)
{
    const struct list_query query = {
        .owner = "", .state = state, .text = "", .cursor = cursor, .limit = limit};
    struct list_walk walk = {.db = db, .query = &query, .from = {.at = 1}};
    if (list_begin(&walk, "queue", err) != 0)
        return -1;
    int rc = walk.from.at > 0 ? queue_part(&walk, INT64_MAX, err) : 0;
    if (rc == 0 && !walk.more) {
        if (walk.from.at > 0)
            walk.from = (struct list_at){0};
        rc = queue_part(&walk, 0, err);
    }
    if (rc == 0)
        rc = list_answer(&walk, "queue", ret, err);
    json_decref(walk.rows);
    return rc;
}
