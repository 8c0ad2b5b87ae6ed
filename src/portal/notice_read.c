/* Notices as their reader sees them. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "portal/notice.h"
#include "store/portal_store.h"

int notice_unread(struct db *db, const char *account, int64_t *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_NOTICE_UNREAD, DB_ARGS(DB_TEXT(account)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    int64_t n = r == 1 ? db_col_int(rows, 0) : 0;
    db_rows_free(&rows);
    if (r < 0)
        return -1;
    *ret = n;
    return 0;
}

/* A kind or a param that this version no longer knows is no reason to show nothing of the others. */
static int put_text(json_t *o, const char *name, enum notice_kind kind, bool body, const json_t *params,
                    enum lang lang, struct err *err)
{
    struct buf out;
    struct err ignored;
    buf_init(&out);
    if (notice_text(kind, body, params, lang, &out, &ignored) != 0)
        buf_reset(&out);
    const char *s = buf_cstr(&out);
    int rc = s && json_object_set_new(o, name, json_string(s)) == 0 ? 0 : err_set(err, ERR_MEMORY, "notices");
    buf_done(&out);
    return rc;
}

static int put_notice(json_t *list, struct db_rows *rows, enum lang lang, struct err *err)
{
    struct err ignored;
    const char *text = db_col_text(rows, 3);
    const enum notice_kind kind = notice_kind_from_name(db_col_text(rows, 1));
    json_t *params = json_parse(text, strlen(text), &ignored);
    json_t *o = json_pack("{s:s,s:s,s:s,s:I,s:b}", "id", db_col_text(rows, 0), "kind", db_col_text(rows, 1),
                          "application", db_col_text(rows, 2), "created_at", (json_int_t)db_col_int(rows, 4),
                          "read", db_col_int(rows, 5) != 0);
    int rc = -1;
    if (!o || json_array_append_new(list, o) != 0)
        err_set(err, ERR_MEMORY, "notices");
    else if (put_text(o, "title", kind, false, params, lang, err) == 0)
        rc = put_text(o, "body", kind, true, params, lang, err);
    json_decref(params);
    return rc;
}

int notice_list(struct db *db, const char *account, enum lang lang, int64_t before, const char *before_id,
                int64_t limit, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r = -1;
    if (!list)
        err_set(err, ERR_MEMORY, "notices");
    else if (db_query(db, PSQL_NOTICE_LIST,
                      DB_ARGS(DB_TEXT(account), DB_INT(before), DB_TEXT(before_id), DB_INT(limit)), &rows,
                      err) == 0)
        while ((r = db_next(rows, err)) == 1)
            if (put_notice(list, rows, lang, err) != 0) {
                r = -1;
                break;
            }
    db_rows_free(&rows);
    if (r == 0)
        *ret = list;
    else
        json_decref(list);
    return r;
}

int notice_read(struct db *db, int64_t now, const char *account, const char *id_or_all, struct err *err)
{
    if (strcmp(id_or_all, "all") == 0)
        return db_exec(db, PSQL_NOTICE_READ_ALL, DB_ARGS(DB_TEXT(account), DB_INT(now)), NULL, err);
    return db_exec(db, PSQL_NOTICE_READ, DB_ARGS(DB_TEXT(id_or_all), DB_TEXT(account), DB_INT(now)), NULL,
                   err);
}

int notice_application(struct db *db, const char *account, const char *id, char ret_application[41],
                       struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_NOTICE_GET, DB_ARGS(DB_TEXT(id), DB_TEXT(account)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        snprintf(ret_application, 41, "%s", db_col_text(rows, 0));
    db_rows_free(&rows);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "notice %s: this account has none of this id", id);
    return r == 1 ? 0 : -1;
}
