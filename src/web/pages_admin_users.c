/* Users of the operating organisation: the list, and a new one by invitation. */
#include <stdio.h>
#include <string.h>

#include "domain/plain_text.h"
#include "web/admin.h"
#include "web/admin_user.h"
#include "web/input.h"
#include "web/staff.h"

static const struct web_input INPUTS[] = {
    {.name = "name", .label = TEXT_ADMIN_USER_NAME, .kind = INPUT_TEXT, .required = true, .maxlength = 64},
    {.name = "email",
     .label = TEXT_ADMIN_USER_EMAIL,
     .kind = INPUT_EMAIL,
     .required = true,
     .help = TEXT_ADMIN_USER_EMAIL_HELP,
     .maxlength = 64},
    {.name = "mobile", .label = TEXT_ADMIN_USER_MOBILE, .kind = INPUT_TEL, .maxlength = 20},
    {.name = "lang", .label = TEXT_ADMIN_USER_LANG, .kind = INPUT_SELECT, .options = "langs"},
};

/* ---- the list ---- */

struct listing {
    struct web_call *c;
    json_t *rows;
    size_t n;
    char last[ACCOUNT_EMAIL_MAX + 1];
};

static int put_user(const struct account_user *u, void *arg, struct err *err)
{
    struct listing *l = arg;
    json_t *row = NULL;
    if (l->n++ >= ADMIN_PAGE)
        return 0;
    snprintf(l->last, sizeof(l->last), "%s", u->email);
    if (admin_user_row(l->c, u, &row, err) != 0)
        return -1;
    return admin_append(l->rows, row, err);
}

static int list_users(struct web_call *c, struct err *err)
{
    struct listing l = {.c = c};
    struct account_user found;
    struct err absent;
    char next[256] = "";
    const char *email = web_query(c, "email"), *after = web_query(c, "after");
    int rc = admin_list(c, "users", &l.rows, err);
    if (rc == 0 && *email) {
        if (account_by_email(c->db, email, &found, &absent) == 0)
            rc = put_user(&found, &l, err);
        else if (absent.code != ERR_NOT_FOUND) {
            *err = absent;
            rc = -1;
        }
    } else if (rc == 0)
        rc = account_list(c->db, "", after, ADMIN_PAGE + 1, put_user, &l, err);
    if (rc != 0)
        return -1;
    if (l.n > ADMIN_PAGE)
        snprintf(next, sizeof(next), "/admin/users?after=%s", l.last);
    if (web_set_text(c, "next_url", next, err) != 0 || web_set_text(c, "search_email", email, err) != 0)
        return -1;
    return web_set_text(c, "first_url", *after ? "/admin/users" : "", err);
}

static int show(struct web_call *c, unsigned int status, struct err *err)
{
    if (web_add_option(c, "langs", "zh", "中文", err) != 0 ||
        web_add_option(c, "langs", "en", "English", err) != 0 ||
        web_put_inputs(c, "fields", INPUTS, sizeof(INPUTS) / sizeof(INPUTS[0]), NULL, err) != 0 ||
        admin_put_roles(c, admin_posted_roles(c), err) != 0 || list_users(c, err) != 0 ||
        web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR), err) != 0)
        return -1;
    return web_render(c, "admin_users", status, err);
}

int page_admin_users(struct web_call *c, struct err *err)
{
    return show(c, 200, err);
}

/* ---- a new one ---- */

static int check(struct web_call *c, const char *name, const char *email, const char *mobile,
                 unsigned int roles, struct err *err)
{
    struct err why;
    char kept[ACCOUNT_EMAIL_MAX + 1];
    int rc = 0;
    if (plain_text_check(name, ACCOUNT_NAME_MAX, &why) != 0)
        rc = web_error(c, "name", TEXT_ADMIN_USER_NAME_BAD, err);
    if (rc == 0 && account_email(email, kept, &why) != 0)
        rc = web_error(c, "email", TEXT_ADMIN_USER_EMAIL_BAD, err);
    if (rc == 0 && account_mobile_check(mobile, &why) != 0)
        rc = web_error(c, "mobile", TEXT_ADMIN_USER_MOBILE_BAD, err);
    if (rc == 0 && roles == 0)
        rc = web_error(c, "roles", TEXT_ADMIN_USER_ROLES_BAD, err);
    return rc;
}

static int invite_new(struct web_call *c, const struct account_new *a, const char *id, struct err *err)
{
    struct account_user u;
    char roles[256];
    admin_role_names(a->roles, roles, sizeof(roles));
    if (account_by_id(c->db, id, &u, err) != 0 || admin_invite(c, &u, err) != 0 ||
        admin_audit(c, "user.new", u.email, "", roles, err) != 0)
        return -1;
    return admin_done(c, TEXT_ADMIN_USER_INVITED, "/admin/users", err);
}

int page_admin_users_post(struct web_call *c, struct err *err)
{
    char name[512], email[256], mobile[64], id[UUID_SIZE];
    staff_field(c, "name", name, sizeof(name));
    staff_field(c, "email", email, sizeof(email));
    staff_field(c, "mobile", mobile, sizeof(mobile));
    const struct account_new a = {.email = email,
                                  .name = name,
                                  .mobile = mobile,
                                  .organisation = "",
                                  .roles = admin_posted_roles(c),
                                  .lang = strcmp(web_field(c, "lang"), "en") == 0 ? LANG_EN : LANG_ZH};
    if (check(c, name, email, mobile, a.roles, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show(c, 422, err);
    if (account_new(c->db, c->now, &a, id, err) == 0)
        return invite_new(c, &a, id, err);
    if (err->code != ERR_EXISTS && err->code != ERR_FIELD)
        return -1;
    enum text_id why = err->code == ERR_EXISTS ? TEXT_ADMIN_USER_EXISTS : TEXT_ADMIN_USER_EMAIL_BAD;
    if (staff_undo(c, err) != 0 || web_error(c, "email", why, err) != 0)
        return -1;
    return show(c, 422, err);
}
