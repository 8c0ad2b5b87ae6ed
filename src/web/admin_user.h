/* Users on the administrator's pages: rows, roles as check boxes, invitations. */
#ifndef CASTATION_WEB_ADMIN_USER_H
#define CASTATION_WEB_ADMIN_USER_H

#include "web/web.h"

/* {id, url, name, email, mobile, roles: [{title}], state, state_kind, totp, created, last_login, staff} */
int admin_user_row(struct web_call *c, const struct account_user *u, json_t **ret, struct err *err);
/* ctx.roles_fields: [{name: "role_operator", label, checked, error}] */
int admin_put_roles(struct web_call *c, unsigned int checked, struct err *err);
unsigned int admin_posted_roles(const struct web_call *c);
void admin_role_names(unsigned int roles, char *ret, size_t cap); /* "operator, finance" */
/* A link by mail with which the user sets a first password. */
int admin_invite(struct web_call *c, const struct account_user *u, struct err *err);

#endif
