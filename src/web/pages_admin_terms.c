/* The terms: versions, who agreed to which, and a new version. Old ones are kept as they were. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "web/admin.h"
#include "web/input.h"

#define TERMS_MAX 20000 /* characters of one language */

static const struct web_input INPUTS[] = {
    {.name = "zh",
     .label = TEXT_ADMIN_TERMS_ZH,
     .kind = INPUT_TEXTAREA,
     .required = true,
     .maxlength = TERMS_MAX},
    {.name = "en",
     .label = TEXT_ADMIN_TERMS_EN,
     .kind = INPUT_TEXTAREA,
     .required = true,
     .maxlength = TERMS_MAX},
};

/* ---- reading ---- */

static int put_versions(struct web_call *c, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list;
    int r;
    if (admin_list(c, "versions", &list, err) != 0 ||
        db_query(c->db, PSQL_TERMS_LIST, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1) {
        char url[64], at[20], last[20];
        snprintf(url, sizeof(url), "/admin/terms?version=%" PRId64, db_col_int(rows, 0));
        web_time_text(db_col_int(rows, 1), at);
        web_time_text(db_col_int(rows, 4), last);
        if (admin_append(list,
                         json_pack("{s:I,s:s,s:s,s:s,s:I,s:s}", "version", (json_int_t)db_col_int(rows, 0),
                                   "url", url, "published", at, "by", db_col_text(rows, 2), "agreed",
                                   (json_int_t)db_col_int(rows, 3), "last", last),
                         err) != 0) {
            r = -1;
            break;
        }
    }
    db_rows_free(&rows);
    return r;
}

static int newest(struct web_call *c, int64_t *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(c->db, PSQL_TERMS_NEWEST, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    *ret = r == 1 ? db_col_int(rows, 0) : 0;
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

struct terms {
    char *zh, *en; /* "" when there is no such version */
};

static void terms_done(struct terms *t)
{
    free(t->zh);
    free(t->en);
}

static int read_terms(struct web_call *c, int64_t version, struct terms *t, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(c->db, PSQL_TERMS_GET, DB_ARGS(DB_INT(version)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    t->zh = strdup(r == 1 ? db_col_text(rows, 1) : "");
    t->en = strdup(r == 1 ? db_col_text(rows, 2) : "");
    db_rows_free(&rows);
    if (!t->zh || !t->en)
        r = err_set(err, ERR_MEMORY, "terms");
    return r < 0 ? -1 : 0;
}

/* Who agreed to a version. */
static int put_agreements(struct web_call *c, int64_t version, struct err *err)
{
    struct db_rows *rows = NULL;
    struct admin_after after, last = {0};
    char filter[48];
    json_t *list;
    size_t n = 0;
    int r;
    admin_after(c, &after);
    if (admin_list(c, "agreements", &list, err) != 0 ||
        db_query(c->db, PSQL_TERMS_AGREED,
                 DB_ARGS(DB_INT(version), DB_INT(after.at), DB_TEXT(after.id), DB_INT(ADMIN_PAGE + 1)), &rows,
                 err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1 && n++ < ADMIN_PAGE) {
        char at[20], url[64];
        last.at = db_col_int(rows, 4);
        snprintf(last.id, sizeof(last.id), "%s", db_col_text(rows, 0));
        web_time_text(last.at, at);
        snprintf(url, sizeof(url), "/applications/%s", last.id);
        if (admin_append(list,
                         json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "application", last.id, "url", url, "email",
                                   db_col_text(rows, 1), "name", db_col_text(rows, 2), "address",
                                   db_col_text(rows, 3), "at", at),
                         err) != 0) {
            r = -1;
            break;
        }
    }
    db_rows_free(&rows);
    snprintf(filter, sizeof(filter), "version=%" PRId64, version);
    return r < 0 ? -1 : admin_pager(c, "/admin/terms", filter, &last, n > ADMIN_PAGE, err);
}

/* One version, whole, with its agreements. */
static int show_version(struct web_call *c, int64_t version, struct err *err)
{
    struct terms t = {0};
    int rc = read_terms(c, version, &t, err);
    if (rc == 0 && !*t.zh)
        rc = err_set(err, ERR_NOT_FOUND, "terms: there is no such version");
    if (rc == 0)
        rc = web_set_int(c, "version", version, err);
    if (rc == 0)
        rc = web_set_text(c, "zh", t.zh, err);
    if (rc == 0)
        rc = web_set_text(c, "en", t.en, err);
    terms_done(&t);
    if (rc != 0 || put_agreements(c, version, err) != 0)
        return -1;
    return web_render(c, "admin_terms_version", 200, err);
}

static int show(struct web_call *c, unsigned int status, struct err *err)
{
    struct terms t = {0};
    json_t *values = NULL;
    int64_t version;
    int rc = newest(c, &version, err);
    if (rc == 0)
        rc = read_terms(c, version, &t, err);
    if (rc == 0 && !(values = json_pack("{s:s,s:s}", "zh", t.zh, "en", t.en)))
        rc = err_set(err, ERR_MEMORY, "terms");
    if (rc == 0)
        rc = web_put_inputs(c, "fields", INPUTS, sizeof(INPUTS) / sizeof(INPUTS[0]), values, err);
    json_decref(values);
    terms_done(&t);
    if (rc != 0 || put_versions(c, err) != 0 ||
        web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR), err) != 0)
        return -1;
    return web_render(c, "admin_terms", status, err);
}

int page_admin_terms(struct web_call *c, struct err *err)
{
    int64_t version;
    const char *asked = web_query(c, "version");
    if (!*asked)
        return show(c, 200, err);
    if (!admin_number(asked, 1, INT32_MAX, &version))
        return err_set(err, ERR_NOT_FOUND, "terms: there is no such version");
    return show_version(c, version, err);
}

/* ---- a new version ---- */

static int check(struct web_call *c, const char *field, struct err *err)
{
    const char *value = web_field(c, field);
    const size_t chars = utf8_chars(value);
    if (strspn(value, " \r\n\t") == strlen(value))
        return web_error(c, field, TEXT_ADMIN_TERMS_EMPTY, err);
    return chars > TERMS_MAX ? web_error(c, field, TEXT_ADMIN_TERMS_LONG, err) : 0;
}

/* As browsers send it, with CRLF, or not: kept with LF. */
static char *with_lf(const char *value)
{
    char *copy = strdup(value), *to = copy;
    for (const char *from = value; copy && *from; from++)
        if (*from != '\r')
            *to++ = *from;
    if (copy)
        *to = '\0';
    return copy;
}

static int publish(struct web_call *c, int64_t version, const char *zh, const char *en, struct err *err)
{
    char was[24], is[24];
    snprintf(was, sizeof(was), "%" PRId64, version - 1);
    snprintf(is, sizeof(is), "%" PRId64, version);
    if (db_exec(c->db, PSQL_TERMS_INSERT,
                DB_ARGS(DB_INT(version), DB_TEXT(zh), DB_TEXT(en), DB_INT(c->now), DB_TEXT(c->user.email)),
                NULL, err) != 0)
        return -1;
    return admin_audit(c, "terms", "terms", was, is, err);
}

int page_admin_terms_post(struct web_call *c, struct err *err)
{
    int64_t version;
    struct terms t = {0}, old = {0};
    if (check(c, "zh", err) != 0 || check(c, "en", err) != 0)
        return -1;
    int rc = newest(c, &version, err);
    if (rc == 0)
        rc = read_terms(c, version, &old, err);
    t.zh = with_lf(web_field(c, "zh"));
    t.en = with_lf(web_field(c, "en"));
    if (rc == 0 && (!t.zh || !t.en))
        rc = err_set(err, ERR_MEMORY, "terms");
    if (rc == 0 && strcmp(t.zh, old.zh) == 0 && strcmp(t.en, old.en) == 0)
        rc = web_error(c, "zh", TEXT_ADMIN_TERMS_SAME, err);
    if (rc == 0 && !web_has_errors(c))
        rc = publish(c, version + 1, t.zh, t.en, err);
    terms_done(&t);
    terms_done(&old);
    if (rc != 0)
        return -1;
    return web_has_errors(c) ? show(c, 422, err)
                             : admin_done(c, TEXT_ADMIN_TERMS_PUBLISHED, "/admin/terms", err);
}
