/* The outbox: what waits, what failed and why, what went out. A mail's text is never shown: it may have a
 * link that is somebody's alone. */
#include <stdio.h>
#include <string.h>

#include "portal/mail_conf.h"
#include "web/admin.h"

static const struct {
    const char *name;
    enum text_id title;
} TABS[] = {
    {"waiting", TEXT_ADMIN_MAIL_WAITING},
    {"failed", TEXT_ADMIN_MAIL_FAILED},
    {"sent", TEXT_ADMIN_MAIL_SENT},
};
#define N_TABS (sizeof(TABS) / sizeof(TABS[0]))

static const char *tab_asked(const char *name)
{
    for (size_t i = 0; i < N_TABS; i++)
        if (strcmp(TABS[i].name, name) == 0)
            return TABS[i].name;
    return TABS[0].name;
}

static int put_tabs(struct web_call *c, const char *now, struct err *err)
{
    json_t *list;
    if (admin_list(c, "tabs", &list, err) != 0)
        return -1;
    for (size_t i = 0; i < N_TABS; i++) {
        char url[64];
        snprintf(url, sizeof(url), "/admin/mail?show=%s", TABS[i].name);
        if (admin_append(list,
                         json_pack("{s:s,s:s,s:b}", "url", url, "title", text(TABS[i].title, c->lang), "now",
                                   strcmp(TABS[i].name, now) == 0),
                         err) != 0)
            return -1;
    }
    return 0;
}

static json_t *mail_row(struct db_rows *rows)
{
    char created[20], next[20], sent[20], given_up[20];
    web_time_text(db_col_int(rows, 4), created);
    web_time_text(db_col_int(rows, 5), next);
    web_time_text(db_col_int(rows, 7), sent);
    web_time_text(db_col_int(rows, 8), given_up);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:s,s:s}", "id", db_col_text(rows, 0), "recipient",
                     db_col_text(rows, 1), "subject", db_col_text(rows, 2), "kind", db_col_text(rows, 3),
                     "created", created, "next", next, "tries", (json_int_t)db_col_int(rows, 6), "sent", sent,
                     "given_up", given_up, "why", db_col_text(rows, 9));
}

static int put_mails(struct web_call *c, const char *tab, struct err *err)
{
    struct db_rows *rows = NULL;
    struct admin_after after, last = {0};
    char filter[32];
    json_t *list;
    size_t n = 0;
    int r;
    admin_after(c, &after);
    if (admin_list(c, "mails", &list, err) != 0 ||
        db_query(c->db, PSQL_MAIL_LIST,
                 DB_ARGS(DB_TEXT(tab), DB_INT(after.at), DB_TEXT(after.id), DB_INT(ADMIN_PAGE + 1)), &rows,
                 err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1 && n++ < ADMIN_PAGE) {
        last.at = db_col_int(rows, 4);
        snprintf(last.id, sizeof(last.id), "%s", db_col_text(rows, 0));
        if (admin_append(list, mail_row(rows), err) != 0) {
            r = -1;
            break;
        }
    }
    db_rows_free(&rows);
    snprintf(filter, sizeof(filter), "show=%s", tab);
    return r < 0 ? -1 : admin_pager(c, "/admin/mail", filter, &last, n > ADMIN_PAGE, err);
}

static int put_counts(struct web_call *c, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(c->db, PSQL_MAIL_COUNTS, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    int64_t waiting = r == 1 ? db_col_int(rows, 0) : 0, failed = r == 1 ? db_col_int(rows, 1) : 0;
    db_rows_free(&rows);
    if (r < 0 || web_set_int(c, "n_waiting", waiting, err) != 0)
        return -1;
    return web_set_int(c, "n_failed", failed, err);
}

int page_admin_mail(struct web_call *c, struct err *err)
{
    const char *tab = tab_asked(web_query(c, "show"));
    const struct portal_conf *conf = &c->portal->conf;
    if (put_tabs(c, tab, err) != 0 || put_mails(c, tab, err) != 0 || put_counts(c, err) != 0 ||
        web_set_text(c, "tab", tab, err) != 0 ||
        web_set_text(c, "way", conf->mail.url[0] ? conf->mail.url : conf->mail.folder, err) != 0 ||
        web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR), err) != 0)
        return -1;
    return web_render(c, "admin_mail", 200, err);
}

int page_admin_mail_post(struct web_call *c, struct err *err)
{
    int64_t changes = 0;
    const char *id = web_field(c, "id");
    if (db_exec(c->db, PSQL_MAIL_AGAIN, DB_ARGS(DB_TEXT(id), DB_INT(c->now)), &changes, err) != 0)
        return -1;
    if (changes == 0)
        return err_set(err, ERR_NOT_FOUND, "mail: there is none that waits");
    if (admin_audit(c, "mail.again", id, "", "due now", err) != 0)
        return -1;
    return admin_done(c, TEXT_ADMIN_MAIL_IS_DUE, "/admin/mail", err);
}
