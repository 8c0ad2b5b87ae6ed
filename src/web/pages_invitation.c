/* Accepting an invitation: name and password. */
#include <string.h>

#include "domain/plain_text.h"
#include "web/account_web.h"

static const struct web_input FIELDS[] = {
    {.name = "name",
     .label = TEXT_ACCOUNT_NAME,
     .kind = INPUT_TEXT,
     .required = true,
     .autocomplete = "name",
     .maxlength = ACCOUNT_NAME_MAX},
    {.name = "mobile",
     .label = TEXT_ACCOUNT_MOBILE,
     .kind = INPUT_TEL,
     .autocomplete = "tel",
     .maxlength = 20},
    {.name = "password",
     .label = TEXT_ACCOUNT_PASSWORD,
     .kind = INPUT_PASSWORD,
     .required = true,
     .help = TEXT_PASSWORD_HELP,
     .autocomplete = "new-password"},
    {.name = "password_again",
     .label = TEXT_PASSWORD_AGAIN,
     .kind = INPUT_PASSWORD,
     .required = true,
     .autocomplete = "new-password"},
};

static int show(struct web_call *c, const struct account_user *u, unsigned int status, struct err *err)
{
    struct account_organisation o = {0};
    json_t *values = json_pack("{s:s, s:s}", "name", u->name, "mobile", u->mobile);
    int rc = values ? 0 : err_set(err, ERR_MEMORY, "invitation");
    if (rc == 0 && *u->organisation)
        rc = account_organisation_get(c->db, u->organisation, &o, err);
    if (rc == 0)
        rc = web_put_inputs(c, "fields", FIELDS, sizeof(FIELDS) / sizeof(FIELDS[0]), values, err);
    json_decref(values);
    if (rc != 0 || web_set_text(c, "email", u->email, err) != 0 ||
        web_set_text(c, "organisation", *o.name ? o.name : text(TEXT_SITE_NAME, c->lang), err) != 0)
        return -1;
    return web_render(c, "invitation", status, err);
}

int page_invitation(struct web_call *c, struct err *err)
{
    struct account_user u;
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_INVITATION, c->param, false, &u, err) != 0)
        return web_link_over(c, TEXT_INVITATION_OVER_NOTE, err);
    return show(c, &u, 200, err);
}

static int check(struct web_call *c, struct account_user *u, char ret_hash[192], struct err *err)
{
    struct err why;
    const char *name = web_field(c, "name");
    if (plain_text_check(name, ACCOUNT_NAME_MAX, &why) != 0) {
        if (web_error(c, "name", TEXT_ACCOUNT_NAME_BAD, err) != 0)
            return -1;
    } else {
        memcpy(u->name, name, strlen(name) + 1); /* for the password's rules */
    }
    if (account_mobile_check(web_field(c, "mobile"), &why) != 0 &&
        web_error(c, "mobile", TEXT_ACCOUNT_MOBILE_BAD, err) != 0)
        return -1;
    return web_hash_new_password(c, u, ret_hash, err);
}

static int accept(struct web_call *c, const char *hash, bool *ret_complete,
                  char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    struct account_user u;
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_INVITATION, c->param, true, &u, err) != 0 ||
        account_set_profile(c->db, u.id, web_field(c, "name"), web_field(c, "mobile"), c->lang, err) != 0 ||
        account_password_set(c->db, u.id, hash, err) != 0 ||
        account_set_email_checked(c->db, u.id, err) != 0 ||
        account_note(c, u.email, "invitation.accepted", "", err) != 0)
        return -1;
    *ret_complete = !u.has_totp;
    return web_enter(c, &u, *ret_complete, "login", ret_token, err);
}

int page_invitation_post(struct web_call *c, struct err *err)
{
    struct account_user u;
    char hash[192], token[ACCOUNT_TOKEN_SIZE];
    bool complete = false;
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_INVITATION, c->param, false, &u, err) != 0)
        return web_link_over(c, TEXT_INVITATION_OVER_NOTE, err);
    if (check(c, &u, hash, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show(c, &u, 422, err);
    if (db_begin(c->db, err) != 0)
        return -1;
    if (accept(c, hash, &complete, token, err) != 0 || db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return web_link_over(c, TEXT_INVITATION_OVER_NOTE, err);
    }
    return web_flash(c, TEXT_INVITATION_ACCEPTED, err) == 0 ? web_go_on(c, &u, complete, token, "", err) : -1;
}
