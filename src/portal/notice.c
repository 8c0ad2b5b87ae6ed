#include "portal/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "portal/notice_params.h"
#include "store/portal_store.h"

static const struct {
    const char *name, *title[LANG_COUNT], *body[LANG_COUNT];
} KINDS[NOTICE_KIND_COUNT] = {
#define X(kind, name, title_zh, title_en, body_zh, body_en)                                                  \
    [kind] = {name, {title_zh, title_en}, {body_zh, body_en}},
#include "portal/notice_kind.def"
#undef X
};

enum notice_when { NOTICE_ALWAYS, NOTICE_IF_SUBMITTED, NOTICE_IF_REFUND };

static const struct {
    enum application_event event;
    unsigned int audience;
    enum notice_when when;
    enum notice_kind kind;
} RULES[] = {
#define X(event, audience, when, kind) {event, audience, when, kind},
#include "portal/notice_rule.def"
#undef X
};

const char *notice_kind_name(enum notice_kind kind)
{
    return (unsigned int)kind < NOTICE_KIND_COUNT ? KINDS[kind].name : "unknown";
}

enum notice_kind notice_kind_from_name(const char *name)
{
    enum notice_kind k = 0;
    while (k < NOTICE_KIND_COUNT && strcmp(KINDS[k].name, name) != 0)
        k++;
    return k;
}

/* ---- texts ---- */

/* "{name}" at s: its length and the value; 0 when no name stands there. */
static size_t param_at(const char *s, const json_t *params, const char **ret_value, char ret_name[32])
{
    size_t n = strspn(s + 1, "abcdefghijklmnopqrstuvwxyz_");
    if (n == 0 || n >= 32 || s[1 + n] != '}')
        return 0;
    memcpy(ret_name, s + 1, n);
    ret_name[n] = '\0';
    *ret_value = json_string_value(json_object_get(params, ret_name));
    return n + 2;
}

int notice_text(enum notice_kind kind, bool body, const json_t *params, enum lang lang, struct buf *out,
                struct err *err)
{
    if ((unsigned int)kind >= NOTICE_KIND_COUNT)
        return err_set(err, ERR_FIELD, "notice: there is no such kind");
    const enum lang l = lang == LANG_ZH ? LANG_ZH : LANG_EN;
    const char *s = body ? KINDS[kind].body[l] : KINDS[kind].title[l];
    while (*s) {
        char name[32];
        const char *value = NULL;
        size_t plain = strcspn(s, "{");
        if (buf_put(out, s, plain, err) != 0)
            return -1;
        s += plain;
        size_t n = *s ? param_at(s, params, &value, name) : 0;
        if (*s && (n == 0 || !value))
            return err_set(err, ERR_FIELD, "notice %s: {%s} has no value", KINDS[kind].name, n ? name : "");
        if (value && buf_put_str(out, value, err) != 0)
            return -1;
        s += n;
    }
    return 0;
}

/* ---- to one account ---- */

static int put_line(struct buf *out, const char *a, const char *b, const char *end, struct err *err)
{
    return buf_printf(out, err, "%s%s%s", a, b, end);
}

/* Its mail: title, body, link, footer. The site's address is the mailer's to fill in. */
static int mail_of(struct db *db, int64_t now, const struct account_user *to, enum notice_kind kind,
                   const json_t *params, struct err *err)
{
    struct buf title, body;
    char link[80];
    int rc = -1;
    buf_init(&title);
    buf_init(&body);
    const char *url = json_string_value(json_object_get(params, "url"));
    snprintf(link, sizeof(link), "{site}%s", url ? url : "/notices");
    if (notice_text(kind, false, params, to->lang, &title, err) == 0 && buf_cstr(&title) &&
        put_line(&body, buf_cstr(&title), "\n", "\n", err) == 0 &&
        notice_text(kind, true, params, to->lang, &body, err) == 0 &&
        put_line(&body, "\n\n", text(TEXT_MAIL_LINK, to->lang), "", err) == 0 &&
        put_line(&body, link, "\n\n", text(TEXT_MAIL_FOOTER, to->lang), err) == 0 &&
        buf_put_str(&body, "\n", err) == 0 && buf_cstr(&body))
        rc = mail_put(db, now, to->email, buf_cstr(&title), buf_cstr(&body), KINDS[kind].name, err);
    buf_done(&title);
    buf_done(&body);
    return rc;
}

/* params: borrowed. */
static int tell(struct db *db, int64_t now, const struct account_user *to, enum notice_kind kind,
                const char *application, const json_t *params, struct err *err)
{
    char id[UUID_SIZE];
    char *text = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return err_set(err, ERR_MEMORY, "notice %s", notice_kind_name(kind));
    uuid7(id);
    int rc = db_exec(db, PSQL_NOTICE_INSERT,
                     DB_ARGS(DB_TEXT(id), DB_TEXT(to->id),
                             DB_TEXT(application && *application ? application : NULL),
                             DB_TEXT(notice_kind_name(kind)), DB_TEXT(text), DB_INT(now)),
                     NULL, err);
    free(text);
    if (rc == 0 && to->email_checked)
        rc = mail_of(db, now, to, kind, params, err);
    return rc;
}

int notice_to(struct db *db, int64_t now, const struct account_user *to, enum notice_kind kind,
              const char *application, json_t *params, struct err *err)
{
    if (!params)
        return err_set(err, ERR_MEMORY, "notice %s", notice_kind_name(kind));
    int rc = tell(db, now, to, kind, application, params, err);
    json_decref(params);
    return rc;
}

/* ---- to many: what is told may differ by language ---- */

struct told {
    struct db *db;
    int64_t now;
    enum notice_kind kind;
    const char *application;
    const json_t *params[LANG_COUNT];
};

static int tell_rows(const struct told *t, struct db_rows *rows, struct err *err)
{
    int r;
    while ((r = db_next(rows, err)) == 1) {
        struct account_user to = {.lang = strncmp(db_col_text(rows, 2), "en", 2) == 0 ? LANG_EN : LANG_ZH,
                                  .email_checked = db_col_int(rows, 3) != 0};
        snprintf(to.id, sizeof(to.id), "%s", db_col_text(rows, 0));
        snprintf(to.email, sizeof(to.email), "%s", db_col_text(rows, 1));
        if (tell(t->db, t->now, &to, t->kind, t->application, t->params[to.lang], err) != 0)
            return -1;
    }
    return r;
}

static int tell_staff(const struct told *t, unsigned int roles, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(t->db, PSQL_NOTICE_STAFF, DB_ARGS(DB_INT(roles & ROLE_STAFF)), &rows, err) != 0)
        return -1;
    int rc = tell_rows(t, rows, err);
    db_rows_free(&rows);
    return rc;
}

static int tell_organisation(const struct told *t, const char *organisation, struct err *err)
{
    struct db_rows *rows = NULL;
    if (!*organisation) /* an import's: nobody has an account */
        return 0;
    if (db_query(t->db, PSQL_NOTICE_MEMBERS, DB_ARGS(DB_TEXT(organisation)), &rows, err) != 0)
        return -1;
    int rc = tell_rows(t, rows, err);
    db_rows_free(&rows);
    return rc;
}

int notice_to_roles(struct db *db, int64_t now, unsigned int roles, enum notice_kind kind,
                    const char *application, const json_t *params, struct err *err)
{
    const struct told t = {db, now, kind, application, {params, params}};
    return tell_staff(&t, roles, err);
}

int notice_to_organisation(struct db *db, int64_t now, const char *organisation, enum notice_kind kind,
                           const char *application, const json_t *params, struct err *err)
{
    const struct told t = {db, now, kind, application, {params, params}};
    return tell_organisation(&t, organisation, err);
}

/* ---- about an application ---- */

struct about {
    json_t *params[LANG_COUNT];
    struct notice_facts facts;
};

static void about_done(struct about *a)
{
    for (size_t l = 0; l < LANG_COUNT; l++)
        json_decref(a->params[l]);
}

static int about_read(struct db *db, const char *application, const json_t *more, struct about *a,
                      struct err *err)
{
    for (size_t l = 0; l < LANG_COUNT; l++) {
        if (notice_params(db, application, (enum lang)l, &a->params[l], &a->facts, err) != 0)
            return -1;
        if (more && json_object_update(a->params[l], (json_t *)(uintptr_t)more) != 0)
            return err_set(err, ERR_MEMORY, "notice about %s", application);
    }
    return 0;
}

static int about_tell(struct db *db, int64_t now, const char *application, const struct about *a,
                      unsigned int audience, enum notice_kind kind, struct err *err)
{
    const struct told t = {db, now, kind, application, {a->params[LANG_ZH], a->params[LANG_EN]}};
    if (audience & ROLE_APPLICANT)
        return tell_organisation(&t, a->facts.owner, err);
    return tell_staff(&t, audience, err);
}

int notice_about(struct db *db, int64_t now, const char *application, unsigned int audience,
                 enum notice_kind kind, const json_t *params, struct err *err)
{
    struct about a = {0};
    int rc = about_read(db, application, params, &a, err);
    if (rc == 0)
        rc = about_tell(db, now, application, &a, audience, kind, err);
    about_done(&a);
    return rc;
}

static bool applies(enum notice_when when, const struct notice_facts *facts)
{
    const bool holds[] = {
        [NOTICE_ALWAYS] = true, [NOTICE_IF_SUBMITTED] = facts->submitted, [NOTICE_IF_REFUND] = facts->refund};
    return holds[when];
}

int notice_of_event(struct db *db, int64_t now, const char *application, enum application_event event,
                    const json_t *params, struct err *err)
{
    struct about a = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(RULES) / sizeof(RULES[0]); i++) {
        if (RULES[i].event != event)
            continue;
        if (!a.params[0])
            rc = about_read(db, application, params, &a, err);
        if (rc == 0 && applies(RULES[i].when, &a.facts))
            rc = about_tell(db, now, application, &a, RULES[i].audience, RULES[i].kind, err);
    }
    about_done(&a);
    return rc;
}
