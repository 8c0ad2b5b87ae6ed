/* One user: roles, disabling, the second factor, another invitation. */
#include <stdio.h>
#include <string.h>

#include "web/admin.h"
#include "web/admin_user.h"
#include "web/staff.h"

static int show(struct web_call *c, const struct account_user *u, unsigned int status, struct err *err)
{
    struct account_organisation o = {0};
    json_t *row = NULL;
    const bool self = strcmp(u->id, c->user.id) == 0;
    if (admin_user_row(c, u, &row, err) != 0 || web_set(c, "person", row, err) != 0 ||
        (u->organisation[0] && account_organisation_get(c->db, u->organisation, &o, err) != 0) ||
        web_set_text(c, "organisation_name", o.name, err) != 0 ||
        admin_put_roles(c, c->post && *web_field(c, "action") == 'r' ? admin_posted_roles(c) : u->roles,
                        err) != 0 ||
        web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR) && !self, err) != 0 ||
        web_set_bool(c, "self", self, err) != 0 || web_set_bool(c, "disabled", u->disabled, err) != 0 ||
        web_set_bool(c, "invited", !u->has_password && !u->disabled, err) != 0)
        return -1;
    return web_render(c, "admin_user", status, err);
}

int page_admin_user(struct web_call *c, struct err *err)
{
    struct account_user u;
    if (account_by_id(c->db, c->param, &u, err) != 0)
        return -1;
    return show(c, &u, 200, err);
}

/* ---- what may be done to one ---- */

static int set_roles(struct web_call *c, const struct account_user *u, struct err *err)
{
    char before[256], after[256];
    const unsigned int roles = admin_posted_roles(c);
    if (roles == 0 || !(u->roles & ROLE_STAFF))
        return web_error(c, "roles", TEXT_ADMIN_USER_ROLES_BAD, err);
    admin_role_names(u->roles, before, sizeof(before));
    admin_role_names(roles, after, sizeof(after));
    if (account_set_roles(c->db, u->id, roles, err) != 0)
        return -1;
    return admin_audit(c, "user.roles", u->email, before, after, err);
}

static int set_disabled(struct web_call *c, const struct account_user *u, bool disabled, struct err *err)
{
    static const char *const WORDS[] = {"enabled", "disabled"};
    if (account_set_disabled(c->db, u->id, disabled, err) != 0)
        return -1;
    return admin_audit(c, disabled ? "user.disable" : "user.enable", u->email, WORDS[u->disabled],
                       WORDS[disabled], err);
}

static int disable(struct web_call *c, const struct account_user *u, struct err *err)
{
    return set_disabled(c, u, true, err);
}

static int enable(struct web_call *c, const struct account_user *u, struct err *err)
{
    return set_disabled(c, u, false, err);
}

static int reset_totp(struct web_call *c, const struct account_user *u, struct err *err)
{
    if (account_totp_set(c->db, u->id, NULL, err) != 0 || account_session_end_all(c->db, u->id, "", err) != 0)
        return -1;
    return admin_audit(c, "user.totp_reset", u->email, u->has_totp ? "set" : "none", "none", err);
}

static int invite_again(struct web_call *c, const struct account_user *u, struct err *err)
{
    if (u->has_password || u->disabled)
        return web_error(c, "invite", TEXT_ADMIN_USER_INVITE_BAD, err);
    if (admin_invite(c, u, err) != 0)
        return -1;
    return admin_audit(c, "user.invite", u->email, "", "invited again", err);
}

static const struct {
    const char *name;
    int (*run)(struct web_call *c, const struct account_user *u, struct err *err);
    enum text_id said;
} ACTIONS[] = {
    {"roles", set_roles, TEXT_ADMIN_SAVED},
    {"disable", disable, TEXT_ADMIN_USER_IS_DISABLED},
    {"enable", enable, TEXT_ADMIN_USER_IS_ENABLED},
    {"totp", reset_totp, TEXT_ADMIN_USER_TOTP_GONE},
    {"invite", invite_again, TEXT_ADMIN_USER_INVITED},
};

int page_admin_user_post(struct web_call *c, struct err *err)
{
    struct account_user u;
    char path[80];
    const char *action = web_field(c, "action");
    size_t i = 0;
    if (account_by_id(c->db, c->param, &u, err) != 0)
        return -1;
    if (strcmp(u.id, c->user.id) == 0) /* nobody locks oneself out */
        return err_set(err, ERR_REFUSED, "an administrator's own account");
    while (i < sizeof(ACTIONS) / sizeof(ACTIONS[0]) && strcmp(ACTIONS[i].name, action) != 0)
        i++;
    if (i == sizeof(ACTIONS) / sizeof(ACTIONS[0]))
        return err_set(err, ERR_FIELD, "action: there is no such");
    if (ACTIONS[i].run(c, &u, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show(c, &u, 422, err);
    snprintf(path, sizeof(path), "/admin/users/%s", u.id);
    return admin_done(c, ACTIONS[i].said, path, err);
}
