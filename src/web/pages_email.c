/* The check of an e-mail address: a button, since programs that look at mails open links; and the password,
 * since who registers with another's address must not be let in by him. */
#include "web/account_web.h"

static const struct web_input CHECK[] = {
    {.name = "password",
     .label = TEXT_ACCOUNT_PASSWORD,
     .kind = INPUT_PASSWORD,
     .required = true,
     .help = TEXT_EMAIL_CHECK_PASSWORD_HELP,
     .autocomplete = "current-password"},
};

static int show_check(struct web_call *c, const struct account_user *u, unsigned int status, struct err *err)
{
    struct account_organisation o = {0};
    if (*u->organisation && account_organisation_get(c->db, u->organisation, &o, err) != 0)
        return -1;
    if (web_put_inputs(c, "fields", CHECK, 1, NULL, err) != 0 ||
        web_set_text(c, "email", u->email, err) != 0 || web_set_text(c, "organisation", o.name, err) != 0 ||
        web_set_text(c, "name", u->name, err) != 0)
        return -1;
    return web_render(c, "email_check", status, err);
}

int page_email_check(struct web_call *c, struct err *err)
{
    struct account_user u;
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_EMAIL, c->param, false, &u, err) != 0)
        return web_link_over(c, TEXT_LINK_OVER_NOTE, err);
    return show_check(c, &u, 200, err);
}

static int confirm(struct web_call *c, const struct web_try *t, char ret_token[ACCOUNT_TOKEN_SIZE],
                   struct err *err)
{
    struct account_user u;
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_EMAIL, c->param, true, &u, err) != 0 ||
        account_set_email_checked(c->db, u.id, err) != 0 ||
        account_note(c, u.email, "email.checked", "", err) != 0)
        return -1;
    return web_try_right(c, t, err) == 0 ? web_enter(c, &u, true, "login", ret_token, err) : -1;
}

int page_email_check_post(struct web_call *c, struct err *err)
{
    char token[ACCOUNT_TOKEN_SIZE];
    struct account_user u;
    struct web_try t;
    bool right = false;
    if (account_link_take(c->db, c->now, ACCOUNT_LINK_EMAIL, c->param, false, &u, err) != 0)
        return web_link_over(c, TEXT_LINK_OVER_NOTE, err);
    if (web_try_begin(c, "login", u.email, &t, err) != 0)
        return -1;
    if (t.wait_ms > 0)
        return web_try_later(c, &t, "password", err) == 0 ? show_check(c, &u, 429, err) : -1;
    if (web_password_right(c, u.id, "password", &right, err) != 0)
        return -1;
    if (!right)
        return web_error(c, "password", TEXT_PASSWORD_WRONG, err) == 0 ? show_check(c, &u, 422, err) : -1;
    if (db_begin(c->db, err) != 0)
        return -1;
    if (confirm(c, &t, token, err) != 0 || db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return web_link_over(c, TEXT_LINK_OVER_NOTE, err);
    }
    return web_flash(c, TEXT_EMAIL_CHECKED, err) == 0 ? web_go_on(c, &u, true, token, "", err) : -1;
}
