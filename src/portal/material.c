/* Materials: stored when chosen, listed, served, removed, purged. */
#include "portal/material.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "domain/plain_text.h"
#include "portal/material_type.h"
#include "portal/promise.h"

#define NAME_CHARACTERS 100
#define PURGE_ROUND     16 /* a call: each may be 10 MB, which is overwritten while others wait to write */
#define KEEP_DAYS       180
#define DAY_MS          INT64_C(86400000)

const struct material_kind material_kinds[] = {
#define X(name, required, zh, en, hint_zh, hint_en) {name, required, {zh, en}, {hint_zh, hint_en}},
#include "portal/material_kind.def"
#undef X
};
const size_t material_n_kinds = sizeof(material_kinds) / sizeof(material_kinds[0]);

const struct material_kind *material_kind(const char *name)
{
    for (size_t i = 0; i < material_n_kinds; i++)
        if (strcmp(name, material_kinds[i].name) == 0)
            return &material_kinds[i];
    return NULL;
}

/* The code point of a well-formed character of n bytes. */
static uint32_t decode(const char *s, size_t n)
{
    static const uint8_t MASK[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (uint8_t)s[0] & MASK[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((uint8_t)s[i] & 0x3f);
    return c;
}

void material_clean_name(const char *name, char ret[256])
{
    size_t used = 0, chars = 0;
    for (const char *p = name; *p; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    while (*name == ' ' || *name == '.')
        name++;
    for (size_t n; *name && chars < NAME_CHARACTERS; name += n) {
        bool good = (n = utf8_char_len(name, strlen(name))) > 0;
        n = good ? n : 1;
        if (!good || plain_text_forbidden(decode(name, n)) || memchr("\"<>|:*?", *name, 7))
            continue;
        if (used + n > 251)
            break;
        memcpy(ret + used, name, n);
        used += n;
        chars++;
    }
    while (used > 0 && ret[used - 1] == ' ')
        used--;
    ret[used] = '\0';
    if (used == 0)
        snprintf(ret, 256, "file");
}

/* ---- reading */

static void from_row(struct db_rows *rows, struct material *ret)
{
    snprintf(ret->id, sizeof(ret->id), "%s", db_col_text(rows, 0));
    snprintf(ret->application, sizeof(ret->application), "%s", db_col_text(rows, 1));
    snprintf(ret->kind, sizeof(ret->kind), "%s", db_col_text(rows, 2));
    snprintf(ret->name, sizeof(ret->name), "%s", db_col_text(rows, 3));
    snprintf(ret->media_type, sizeof(ret->media_type), "%s", db_col_text(rows, 4));
    ret->size = db_col_int(rows, 5);
    snprintf(ret->sha256, sizeof(ret->sha256), "%s", db_col_text(rows, 6));
    ret->added_at = db_col_int(rows, 7);
    ret->purged_at = db_col_int(rows, 8);
}

static json_t *to_json(const struct material *m)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:b}", "id", m->id, "kind", m->kind, "name", m->name,
                     "media_type", m->media_type, "sha256", m->sha256, "size", (json_int_t)m->size,
                     "added_at", (json_int_t)m->added_at, "purged", m->purged_at != 0);
}

int material_list(struct db *db, const char *application, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r = list ? 1 : err_set(err, ERR_MEMORY, "materials of %s", application);
    if (r == 1 && db_query(db, PSQL_MATERIALS_OF, DB_ARGS(DB_TEXT(application)), &rows, err) != 0)
        r = -1;
    while (r == 1 && (r = db_next(rows, err)) == 1) {
        struct material m = {0};
        from_row(rows, &m);
        if (json_array_append_new(list, to_json(&m)) != 0)
            r = err_set(err, ERR_MEMORY, "materials of %s", application);
    }
    db_rows_free(&rows);
    if (r != 0) {
        json_decref(list);
        return -1;
    }
    *ret = list;
    return 0;
}

static int read_content(struct db *db, const char *id, struct buf *content, struct err *err)
{
    struct db_rows *rows = NULL;
    size_t len = 0;
    if (db_query(db, PSQL_MATERIAL_CONTENT, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        const void *data = db_col_blob(rows, 0, &len);
        r = buf_put(content, data, len, err);
    }
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

int material_get(struct db *db, const char *application, const char *id, struct material *ret,
                 struct buf *content, struct err *err)
{
    struct db_rows *rows = NULL;
    struct material m = {0};
    if (db_query(db, PSQL_MATERIAL_GET, DB_ARGS(DB_TEXT(id), DB_TEXT(application)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        from_row(rows, &m);
    db_rows_free(&rows);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "material %s of %s", id, application);
    if (r < 0 || (content && read_content(db, id, content, err) != 0))
        return -1;
    *ret = m;
    return 0;
}

/* ---- writing */

/* Draft or returned; and the application counts one change more, so that whoever looks at it sees another
 * version. */
static int touch(const struct act *act, const char *application, struct err *err)
{
    int64_t changes = 0;
    struct portal_application row;
    if (db_exec(act->db, PSQL_MATERIAL_TOUCH, DB_ARGS(DB_TEXT(application), DB_INT(act->now)), &changes,
                err) != 0)
        return -1;
    if (changes == 1)
        return 0;
    if (portal_application_get(act->db, application, &row, err) != 0)
        return -1;
    return err_set(err, ERR_WRONG_STATE, "application %s is %s: its materials stand", application, row.state);
}

/* *ret_id the one with the same bytes, or "": the same file chosen twice is one. */
static int look_among(const struct act *act, const char *application, const char *kind, const char *sha256,
                      char ret_id[UUID_SIZE], struct err *err)
{
    json_t *list = NULL;
    const json_t *m;
    size_t i, n = 0;
    if (material_list(act->db, application, &list, err) != 0)
        return -1;
    ret_id[0] = '\0';
    json_array_foreach(list, i, m)
    {
        if (strcmp(json_string_value(json_object_get(m, "kind")), kind) != 0)
            continue;
        n++;
        if (strcmp(json_string_value(json_object_get(m, "sha256")), sha256) == 0)
            snprintf(ret_id, UUID_SIZE, "%s", json_string_value(json_object_get(m, "id")));
    }
    json_decref(list);
    if (!*ret_id && n >= MATERIALS_A_KIND)
        return err_set(err, ERR_EXISTS, "there are %d files of this kind; remove one first",
                       MATERIALS_A_KIND);
    return 0;
}

int material_look(const void *data, size_t len, struct material_file *ret, struct err *err)
{
    struct material_file file = {.data = data, .len = len};
    if (material_type(data, len, &file.media_type, err) != 0)
        return -1;
    sha256_hex(data, len, file.sha256);
    *ret = file;
    return 0;
}

int material_add(const struct act *act, const char *application, const char *kind, const char *name,
                 const struct material_file *file, char ret_id[UUID_SIZE], struct err *err)
{
    char cleaned[256];
    if (!material_kind(kind))
        return err_set(err, ERR_FIELD, "there is no kind of material of this name");
    if (touch(act, application, err) != 0 ||
        look_among(act, application, kind, file->sha256, ret_id, err) != 0)
        return -1;
    if (*ret_id)
        return 0;
    uuid7(ret_id);
    material_clean_name(name, cleaned);
    if (db_exec(act->db, PSQL_MATERIAL_INSERT,
                DB_ARGS(DB_TEXT(ret_id), DB_TEXT(application), DB_TEXT(kind), DB_TEXT(cleaned),
                        DB_TEXT(file->media_type), DB_INT(file->len), DB_TEXT(file->sha256),
                        DB_TEXT(act->who), DB_INT(act->now)),
                NULL, err) != 0)
        return -1;
    return db_exec(act->db, PSQL_MATERIAL_CONTENT_INSERT,
                   DB_ARGS(DB_TEXT(ret_id), DB_BLOB(file->data, file->len)), NULL, err);
}

int material_remove(const struct act *act, const char *application, const char *id, struct err *err)
{
    struct material m;
    if (material_get(act->db, application, id, &m, NULL, err) != 0 || touch(act, application, err) != 0)
        return -1;
    if (db_exec(act->db, PSQL_MATERIAL_CONTENT_DELETE, DB_ARGS(DB_TEXT(id)), NULL, err) != 0)
        return -1;
    return db_exec(act->db, PSQL_MATERIAL_DELETE, DB_ARGS(DB_TEXT(id), DB_TEXT(application)), NULL, err);
}

/* ---- purging */

static int purge_one(struct db *db, int64_t now, const char *id, struct err *err)
{
    if (db_exec(db, PSQL_MATERIAL_CONTENT_DELETE, DB_ARGS(DB_TEXT(id)), NULL, err) != 0)
        return -1;
    return db_exec(db, PSQL_MATERIAL_PURGED, DB_ARGS(DB_TEXT(id), DB_INT(now)), NULL, err);
}

int material_purge(struct db *db, int64_t now, struct err *err)
{
    char ids[PURGE_ROUND][UUID_SIZE];
    struct db_rows *rows = NULL;
    int64_t days = 0;
    size_t n = 0;
    if (setting_int(db, "materials_keep_days", KEEP_DAYS, &days, err) != 0)
        return -1;
    if (db_query(db, PSQL_MATERIAL_OVER, DB_ARGS(DB_INT(now - days * DAY_MS), DB_INT(PURGE_ROUND)), &rows,
                 err) != 0)
        return -1;
    int r = 0;
    while (n < PURGE_ROUND && (r = db_next(rows, err)) == 1)
        snprintf(ids[n++], UUID_SIZE, "%s", db_col_text(rows, 0));
    db_rows_free(&rows);
    for (size_t i = 0; r >= 0 && i < n; i++)
        if (purge_one(db, now, ids[i], err) != 0)
            return -1;
    return r < 0 ? -1 : 0;
}
