/* Log-in: e-mail and password, then the second factor; log-out. */
#include <string.h>

#include "web/account_web.h"

static const struct web_input LOGIN[] = {
    {.name = "email",
     .label = TEXT_ACCOUNT_EMAIL,
     .kind = INPUT_EMAIL,
     .required = true,
     .autocomplete = "username",
     .maxlength = ACCOUNT_EMAIL_MAX},
    {.name = "password",
     .label = TEXT_ACCOUNT_PASSWORD,
     .kind = INPUT_PASSWORD,
     .required = true,
     .autocomplete = "current-password"},
};
static const struct web_input CODE[] = {
    {.name = "code",
     .label = TEXT_LOGIN_CODE,
     .kind = INPUT_TEXT,
     .required = true,
     .help = TEXT_LOGIN_CODE_HELP,
     .autocomplete = "one-time-code",
     .maxlength = 8},
};

/* ---- the password ---- */

static int show_login(struct web_call *c, unsigned int status, struct err *err)
{
    if (web_put_inputs(c, "fields", LOGIN, sizeof(LOGIN) / sizeof(LOGIN[0]), NULL, err) != 0 ||
        web_set_text(c, "next", web_next(c), err) != 0)
        return -1;
    return web_render(c, "login", status, err);
}

int page_login(struct web_call *c, struct err *err)
{
    if (web_inside(c))
        return web_redirect(c, err, "%s", *web_next(c) ? web_next(c) : "/workbench");
    return show_login(c, 200, err);
}

/* Whose password is tried; id "" when there is nobody who could log in. The subject of the throttle is the
 * address as typed, whether it has an account or not. */
static int find_user(struct web_call *c, char ret_subject[ACCOUNT_EMAIL_MAX + 1], struct account_user *ret,
                     struct err *err)
{
    memset(ret, 0, sizeof(*ret));
    if (account_email(web_field(c, "email"), ret_subject, err) != 0) {
        ret_subject[0] = '\0';
        return 0;
    }
    if (account_by_email(c->db, ret_subject, ret, err) != 0)
        return err->code == ERR_NOT_FOUND ? 0 : -1;
    return 0;
}

/* What was typed at an e-mail's place may be a password: only an account's address is kept. */
static int refuse(struct web_call *c, const struct account_user *u, struct err *err)
{
    if (db_begin(c->db, err) != 0)
        return -1;
    if (account_audit(c->db, c->now, "", "login.failed", u->email, c->address, err) != 0 ||
        db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return -1;
    }
    return web_error(c, "password", TEXT_LOGIN_WRONG, err) == 0 ? show_login(c, 422, err) : -1;
}

static int let_in(struct web_call *c, const struct account_user *u, const struct web_try *t, struct err *err)
{
    char token[ACCOUNT_TOKEN_SIZE];
    bool complete = !u->has_totp;
    if (db_begin(c->db, err) != 0)
        return -1;
    if (web_try_right(c, t, err) != 0 || web_enter(c, u, complete, "login", token, err) != 0 ||
        db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return -1;
    }
    return web_go_on(c, u, complete, token, web_next(c), err);
}

int page_login_post(struct web_call *c, struct err *err)
{
    char subject[ACCOUNT_EMAIL_MAX + 1];
    struct account_user u;
    struct web_try t;
    bool right = false;
    if (find_user(c, subject, &u, err) != 0 || web_try_begin(c, "login", subject, &t, err) != 0)
        return -1;
    if (t.wait_ms > 0)
        return web_try_later(c, &t, "password", err) == 0 ? show_login(c, 429, err) : -1;
    if (web_password_right(c, u.id, "password", &right, err) != 0)
        return -1;
    if (!right || u.disabled)
        return refuse(c, &u, err);
    /* Only who knows the password is told this. */
    if (!u.email_checked)
        return web_error(c, "email", TEXT_LOGIN_UNCHECKED, err) == 0 ? show_login(c, 422, err) : -1;
    return let_in(c, &u, &t, err);
}

/* ---- the second factor ---- */

static int show_code(struct web_call *c, unsigned int status, struct err *err)
{
    if (web_put_inputs(c, "fields", CODE, sizeof(CODE) / sizeof(CODE[0]), NULL, err) != 0 ||
        web_set_text(c, "next", web_next(c), err) != 0)
        return -1;
    return web_render(c, "login_code", status, err);
}

int page_login_code(struct web_call *c, struct err *err)
{
    if (web_inside(c))
        return web_redirect(c, err, "%s", *web_next(c) ? web_next(c) : "/workbench");
    return web_half_way(c) ? show_code(c, 200, err) : web_redirect(c, err, "/login");
}

static int check_code(struct web_call *c, const struct web_try *t, bool *ret_right,
                      char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    char code[8];
    web_code(c, "code", code);
    if (account_totp_right(c->db, c->user.id, code, c->now, ret_right, err) != 0)
        return -1;
    if (!*ret_right)
        return account_audit(c->db, c->now, "", "login.failed", c->user.email, c->address, err);
    return web_try_right(c, t, err) == 0 ? web_enter(c, &c->user, true, "login", ret_token, err) : -1;
}

int page_login_code_post(struct web_call *c, struct err *err)
{
    char token[ACCOUNT_TOKEN_SIZE];
    struct web_try t;
    bool right = false;
    if (!web_half_way(c))
        return page_login_code(c, err);
    if (web_try_begin(c, "code", c->user.email, &t, err) != 0)
        return -1;
    if (t.wait_ms > 0)
        return web_try_later(c, &t, "code", err) == 0 ? show_code(c, 429, err) : -1;
    if (db_begin(c->db, err) != 0)
        return -1;
    if (check_code(c, &t, &right, token, err) != 0 || db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return -1;
    }
    if (!right)
        return web_error(c, "code", TEXT_LOGIN_CODE_WRONG, err) == 0 ? show_code(c, 422, err) : -1;
    return web_go_on(c, &c->user, true, token, web_next(c), err);
}

/* ---- out ---- */

int page_logout_post(struct web_call *c, struct err *err)
{
    if (account_session_end(c->db, c->session.sha256, err) != 0 ||
        account_note(c, c->user.email, "logout", c->address, err) != 0 || web_session_end(c, err) != 0 ||
        web_flash(c, TEXT_LOGGED_OUT, err) != 0)
        return -1;
    return web_redirect(c, err, "/login");
}
