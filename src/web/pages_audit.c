/* The audit log: what people saw or changed that is no event of an application. */
#include <stdio.h>
#include <string.h>

#include "web/admin.h"
#include "web/input.h"
#include "web/staff.h"

static int put_rows(struct web_call *c, enum portal_sql statement, const char *key, struct admin_after *last,
                    bool *ret_more, struct err *err)
{
    struct db_rows *rows = NULL;
    struct admin_after after;
    json_t *list;
    size_t n = 0;
    int r;
    admin_after(c, &after);
    if (admin_list(c, "entries", &list, err) != 0 ||
        db_query(c->db, (int)statement,
                 DB_ARGS(DB_INT(after.at), DB_TEXT(after.id), DB_INT(ADMIN_PAGE + 1), DB_TEXT(key)), &rows,
                 err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1 && n++ < ADMIN_PAGE) {
        char at[20];
        last->at = db_col_int(rows, 1);
        snprintf(last->id, sizeof(last->id), "%s", db_col_text(rows, 0));
        web_time_text(last->at, at);
        if (admin_append(list,
                         json_pack("{s:s,s:s,s:s,s:s,s:s}", "at", at, "who", db_col_text(rows, 2), "what",
                                   db_col_text(rows, 3), "subject", db_col_text(rows, 4), "detail",
                                   db_col_text(rows, 5)),
                         err) != 0) {
            r = -1;
            break;
        }
    }
    db_rows_free(&rows);
    *ret_more = n > ADMIN_PAGE;
    return r < 0 ? -1 : 0;
}

/* "subject=…" or "who=…", percent-encoded, for the pager's addresses. */
static int put_pager(struct web_call *c, const char *name, const char *key, const struct admin_after *last,
                     bool more, struct err *err)
{
    struct buf url;
    buf_init(&url);
    int rc = buf_put_str(&url, "/audit", err);
    if (rc == 0)
        rc = staff_url_add(&url, name, key, err);
    const char *whole = buf_cstr(&url);
    if (rc == 0 && !whole)
        rc = err_set(err, ERR_MEMORY, "audit");
    if (rc == 0) {
        const char *query = strchr(whole, '?');
        rc = admin_pager(c, "/audit", query ? query + 1 : "", last, more, err);
    }
    buf_done(&url);
    return rc;
}

int page_audit(struct web_call *c, struct err *err)
{
    struct admin_after last = {0};
    bool more = false;
    char subject[130], who[130];
    snprintf(subject, sizeof(subject), "%.120s", web_query(c, "subject"));
    snprintf(who, sizeof(who), "%.120s", web_query(c, "who"));
    const char *key = *subject ? subject : who, *name = *subject ? "subject" : "who";
    const enum portal_sql statement = *subject ? PSQL_AUDIT_OF : *who ? PSQL_AUDIT_BY : PSQL_AUDIT_LIST;
    if (put_rows(c, statement, key, &last, &more, err) != 0 ||
        put_pager(c, name, key, &last, more, err) != 0 || web_set_text(c, "subject", subject, err) != 0 ||
        web_set_text(c, "who_asked", who, err) != 0)
        return -1;
    return web_render(c, "audit", 200, err);
}
