#include "web/admin_user.h"

#include <stdio.h>
#include <string.h>

#include "portal/form.h"
#include "web/account_web.h"
#include "web/admin.h"

static const unsigned int ROLES[] = {
#define X(role, bit, name, zh, en) role,
#include "portal/role.def"
#undef X
};
#define N_ROLES (sizeof(ROLES) / sizeof(ROLES[0]))

/* ---- rows ---- */

static enum text_id state_of(const struct account_user *u, const char **ret_kind)
{
    if (u->disabled) {
        *ret_kind = "bad";
        return TEXT_ADMIN_USER_DISABLED;
    }
    *ret_kind = u->has_password ? "good" : "waiting";
    return u->has_password ? TEXT_ADMIN_USER_ENABLED : TEXT_ADMIN_USER_WAITS;
}

int admin_user_row(struct web_call *c, const struct account_user *u, json_t **ret, struct err *err)
{
    char url[80], created[20], last[20], mobile[80];
    const char *kind;
    const enum text_id state = state_of(u, &kind);
    json_t *roles = json_array();
    snprintf(url, sizeof(url), "/admin/users/%s", u->id);
    web_time_text(u->created_at, created);
    web_time_text(u->last_login_at, last);
    form_mask("agent_mobile", u->mobile, mobile, sizeof(mobile));
    int rc = roles ? 0 : err_set(err, ERR_MEMORY, "users");
    for (size_t i = 0; rc == 0 && i < N_ROLES; i++)
        if (u->roles & ROLES[i])
            rc = admin_append(roles, json_pack("{s:s}", "title", role_title(ROLES[i], c->lang)), err);
    json_t *row = json_pack("{s:s,s:s,s:s,s:s,s:s,s:O,s:s,s:s,s:b,s:s,s:s,s:b}", "id", u->id, "url", url,
                            "name", u->name, "email", u->email, "mobile", mobile, "roles", roles, "state",
                            text(state, c->lang), "state_kind", kind, "totp", u->has_totp, "created", created,
                            "last_login", last, "staff", (u->roles & ROLE_STAFF) != 0);
    json_decref(roles);
    if (rc == 0 && !row)
        rc = err_set(err, ERR_MEMORY, "users");
    if (rc != 0) {
        json_decref(row);
        return -1;
    }
    *ret = row;
    return 0;
}

/* ---- roles ---- */

static void field_of(unsigned int role, char ret[48])
{
    snprintf(ret, 48, "role_%s", role_name(role));
}

int admin_put_roles(struct web_call *c, unsigned int checked, struct err *err)
{
    json_t *list;
    char field[48];
    int rc = admin_list(c, "roles_fields", &list, err);
    for (size_t i = 0; rc == 0 && i < N_ROLES; i++) {
        if (!(ROLES[i] & ROLE_STAFF))
            continue;
        field_of(ROLES[i], field);
        rc = admin_append(list,
                          json_pack("{s:s,s:s,s:b}", "name", field, "label", role_title(ROLES[i], c->lang),
                                    "checked", (checked & ROLES[i]) != 0),
                          err);
    }
    return rc;
}

unsigned int admin_posted_roles(const struct web_call *c)
{
    unsigned int roles = 0;
    char field[48];
    for (size_t i = 0; c->post && i < N_ROLES; i++) {
        field_of(ROLES[i], field);
        if ((ROLES[i] & ROLE_STAFF) && web_has_field(c, field))
            roles |= ROLES[i];
    }
    return roles;
}

void admin_role_names(unsigned int roles, char *ret, size_t cap)
{
    size_t n = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < N_ROLES && n < cap; i++)
        if (roles & ROLES[i]) {
            int len = snprintf(ret + n, cap - n, "%s%s", n ? ", " : "", role_name(ROLES[i]));
            n += len > 0 ? (size_t)len : 0;
        }
}

int admin_invite(struct web_call *c, const struct account_user *u, struct err *err)
{
    return account_invite(c, u->id, text(TEXT_ADMIN_OPERATING, u->lang), err);
}
