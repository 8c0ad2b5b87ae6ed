/* A forgotten password: the link by mail, and the new password. */
#include <stdio.h>
#include <string.h>

#include "web/account_web.h"

static const struct web_input FORGOT[] = {
    {.name = "email",
     .label = TEXT_ACCOUNT_EMAIL,
     .kind = INPUT_EMAIL,
     .required = true,
     .autocomplete = "username",
     .maxlength = ACCOUNT_EMAIL_MAX},
};
static const struct web_input RESET[] = {
    {.name = "password",
     .label = TEXT_PASSWORD_NEW,
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

/* ---- the link */

static int show_forgot(struct web_call *c, unsigned int status, struct err *err)
{
    return web_put_inputs(c, "fields", FORGOT, 1, NULL, err) == 0 ? web_render(c, "forgot", status, err) : -1;
}

int page_forgot(struct web_call *c, struct err *err)
{
    if (strcmp(web_query(c, "sent"), "1") == 0)
        return web_say(c, "FORGOT_TITLE", "info", TEXT_FORGOT_SENT, TEXT_FORGOT_SENT_NOTE, 200, err);
    return show_forgot(c, 200, err);
}

/* Who was invited and never came has no password to reset: the invitation goes out again. */
static int send_link(struct web_call *c, const struct account_user *u, struct err *err)
{
    char token[ACCOUNT_TOKEN_SIZE], path[ACCOUNT_TOKEN_SIZE + 24];
    struct account_organisation o = {0};
    if (!u->has_password) {
        if (*u->organisation && account_organisation_get(c->db, u->organisation, &o, err) != 0)
            return -1;
        return account_invite(c, u->id, *o.name ? o.name : text(TEXT_SITE_NAME, u->lang), err);
    }
    if (account_link_new(c->db, c->now, ACCOUNT_LINK_RESET, u->id, token, err) != 0 ||
        account_audit(c->db, c->now, "", "password.forgotten", u->email, c->address, err) != 0)
        return -1;
    snprintf(path, sizeof(path), "/password/reset/%s", token);
    int rc = account_mail(c, ACCOUNT_MAIL_RESET, u->email, u->lang, path, NULL, 0, err);
    explicit_bzero(token, sizeof(token));
    explicit_bzero(path, sizeof(path));
    return rc;
}

/* In one transaction whether there is an account or not, so that the time it takes tells nothing. */
static int answer_forgot(struct web_call *c, const char *email, struct err *err)
{
    struct account_user u;
    if (account_by_email(c->db, email, &u, err) != 0)
        return err->code == ERR_NOT_FOUND
                   ? account_audit(c->db, c->now, "", "password.forgotten", "", c->address, err)
                   : -1;
    return u.disabled ? 0 : send_link(c, &u, err);
}

int page_forgot_post(struct web_call *c, struct err *err)
{
    char email[ACCOUNT_EMAIL_MAX + 1];
    struct web_try t;
    struct err why;
    if (account_email(web_field(c, "email"), email, &why) != 0)
        return web_error(c, "email", TEXT_ACCOUNT_EMAIL_BAD, err) == 0 ? show_forgot(c, 422, err) : -1;
    if (web_try_begin(c, "forgot", email, &t, err) != 0)
        return -1;
    if (t.wait_ms > 0)
        return web_try_later(c, &t, "email", err) == 0 ? show_forgot(c, 429, err) : -1;
    if (db_begin(c->db, err) != 0)
        return -1;
    if (answer_forgot(c, email, err) != 0 || db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return -1;
    }
    return web_redirect(c, err, "/password/forgot?sent=1");
}

/* ---- the new password */

static int show_reset(struct web_call *c, const struct account_user *u, unsigned int status, struct err *err)
{
    if (web_put_inputs(c, "fields", RESET, 2, NULL, err) != 0 || web_set_text(c, "email", u->email, err) != 0)
        return -1;
    return web_render(c, "reset", status, err);
}

int page_reset(struct web_call *c, struct err *err)
{
    struct account_user u;
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_RESET, c->param, false, &u, err) != 0)
        return web_link_over(c, TEXT_LINK_OVER_NOTE, err);
    return show_reset(c, &u, 200, err);
}

/* Who had the link has the mailbox: the address is checked with it. */
static int set_password(struct web_call *c, const char *hash, struct err *err)
{
    struct account_user u;
    char key[ACCOUNT_EMAIL_MAX + 32];
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_RESET, c->param, true, &u, err) != 0 ||
        account_password_set(c->db, u.id, hash, err) != 0 ||
        account_set_email_checked(c->db, u.id, err) != 0 ||
        account_note(c, u.email, "password.set", "reset", err) != 0)
        return -1;
    snprintf(key, sizeof(key), "login:account:%s", u.email);
    return account_throttle_clear(c->db, key, err) == 0
               ? account_mail(c, ACCOUNT_MAIL_PASSWORD, u.email, u.lang, "/password/forgot", NULL, 0, err)
               : -1;
}

int page_reset_post(struct web_call *c, struct err *err)
{
    struct account_user u;
    char hash[192];
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_RESET, c->param, false, &u, err) != 0)
        return web_link_over(c, TEXT_LINK_OVER_NOTE, err);
    if (web_hash_new_password(c, &u, hash, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show_reset(c, &u, 422, err);
    if (db_begin(c->db, err) != 0)
        return -1;
    if (set_password(c, hash, err) != 0 || db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return web_link_over(c, TEXT_LINK_OVER_NOTE, err);
    }
    return web_flash(c, TEXT_RESET_DONE, err) == 0 ? web_redirect(c, err, "/login") : -1;
}
