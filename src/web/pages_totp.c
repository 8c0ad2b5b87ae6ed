/* Setting the second factor up. A secret is proposed with the form and comes back with it: it is the
 * account's only when a code of it was right. */
#include <stdio.h>
#include <string.h>

#include "web/account_web.h"

#define GROUP 4

static const struct web_input CODE = {.name = "code",
                                      .label = TEXT_TOTP_CODE,
                                      .kind = INPUT_TEXT,
                                      .required = true,
                                      .help = TEXT_TOTP_CODE_HELP,
                                      .autocomplete = "one-time-code",
                                      .maxlength = 8};
static const struct web_input PRESENT = {.name = "present",
                                         .label = TEXT_TOTP_PRESENT,
                                         .kind = INPUT_TEXT,
                                         .required = true,
                                         .help = TEXT_TOTP_PRESENT_HELP,
                                         .maxlength = 8};
static const struct web_input PASSWORD = {.name = "password",
                                          .label = TEXT_ACCOUNT_PASSWORD,
                                          .kind = INPUT_PASSWORD,
                                          .required = true,
                                          .help = TEXT_TOTP_PASSWORD_HELP,
                                          .autocomplete = "current-password"};

/* Staff that has just logged in for the first time, and sees nothing else before it is set. */
static bool must(const struct web_call *c)
{
    return web_is(c, ROLE_STAFF) && !c->user.has_totp;
}

/* What shows that it is the account's owner who asks; NULL: the password was given a moment ago. */
static const struct web_input *proof(const struct web_call *c)
{
    if (c->user.has_totp)
        return &PRESENT;
    return must(c) ? NULL : &PASSWORD;
}

/* ---- the page */

/* RFC 3986: what is unreserved stays. */
static int put_encoded(struct buf *b, const char *s, struct err *err)
{
    static const char PLAIN[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *s; s++)
        if (buf_printf(b, err, strchr(PLAIN, *s) ? "%c" : "%%%02X", (unsigned char)*s) != 0)
            return -1;
    return 0;
}

static int put_uri(struct web_call *c, const char *secret, struct err *err)
{
    const char *issuer = text(TEXT_SITE_NAME, c->lang);
    struct buf uri;
    buf_init_secret(&uri);
    int rc = buf_put_str(&uri, "otpauth://totp/", err);
    if (rc == 0)
        rc = put_encoded(&uri, c->user.email, err);
    if (rc == 0)
        rc = buf_printf(&uri, err, "?secret=%s&issuer=", secret);
    if (rc == 0)
        rc = put_encoded(&uri, issuer, err);
    if (rc == 0 && !buf_cstr(&uri))
        rc = err_set(err, ERR_MEMORY, "otpauth");
    if (rc == 0)
        rc = web_set_text(c, "uri", buf_cstr(&uri), err) == 0 ? web_put_qr(c, buf_cstr(&uri), err) : -1;
    buf_done(&uri);
    return rc;
}

static int put_secret(struct web_call *c, const char *secret, struct err *err)
{
    char groups[ACCOUNT_TOTP_SIZE + ACCOUNT_TOTP_SIZE / GROUP];
    size_t n = 0;
    for (size_t i = 0; secret[i]; i++) {
        if (i > 0 && i % GROUP == 0)
            groups[n++] = ' ';
        groups[n++] = secret[i];
    }
    groups[n] = '\0';
    int rc = web_set_text(c, "secret", secret, err) == 0 ? web_set_text(c, "groups", groups, err) : -1;
    explicit_bzero(groups, sizeof(groups));
    return rc == 0 ? put_uri(c, secret, err) : -1;
}

static int show(struct web_call *c, const char *secret, unsigned int status, struct err *err)
{
    struct web_input inputs[2];
    size_t n = 0;
    if (proof(c))
        inputs[n++] = *proof(c);
    inputs[n++] = CODE;
    if (put_secret(c, secret, err) != 0 || web_put_inputs(c, "fields", inputs, n, NULL, err) != 0 ||
        web_set_bool(c, "has_totp", c->user.has_totp, err) != 0 || web_set_bool(c, "must", must(c), err) != 0)
        return -1;
    return web_render(c, "totp", status, err);
}

int page_totp(struct web_call *c, struct err *err)
{
    char secret[ACCOUNT_TOTP_SIZE];
    account_totp_new(secret);
    int rc = show(c, secret, 200, err);
    explicit_bzero(secret, sizeof(secret));
    return rc;
}

/* ---- setting it */

/* In the transaction: of a right proof, the present code's step is consumed. */
static int prove(struct web_call *c, struct err *err)
{
    char code[8];
    bool right = false;
    if (!c->user.has_totp)
        return 0;
    web_code(c, "present", code);
    if (account_totp_right(c->db, c->user.id, code, c->now, &right, err) != 0)
        return -1;
    return right ? 0 : web_error(c, "present", TEXT_LOGIN_CODE_WRONG, err);
}

/* The first code of the new secret, and it is used with it. */
static int set(struct web_call *c, const char *secret, struct err *err)
{
    char code[8];
    int64_t step;
    bool right = false;
    web_code(c, "code", code);
    if (!account_totp_matches(secret, code, c->now, 0, &step))
        return web_error(c, "code", TEXT_LOGIN_CODE_WRONG, err);
    if (account_totp_set(c->db, c->user.id, secret, err) != 0 ||
        account_totp_right(c->db, c->user.id, code, c->now, &right, err) != 0)
        return -1;
    return right ? 0 : err_set(err, ERR_CONFLICT, "the code was used meanwhile");
}

static int change(struct web_call *c, const struct web_try *t, const char *secret,
                  char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    if (prove(c, err) != 0 || web_has_errors(c))
        return web_has_errors(c) ? 0 : -1;
    if (set(c, secret, err) != 0 || web_has_errors(c))
        return web_has_errors(c) ? 0 : -1;
    if (web_try_right(c, t, err) != 0 || account_session_end_all(c->db, c->user.id, "", err) != 0 ||
        account_session_new(c->db, c->now, c->user.id, true, c->address, ret_token, err) != 0 ||
        account_note(c, c->user.email, "totp.set", "", err) != 0)
        return -1;
    return account_mail(c, ACCOUNT_MAIL_TOTP, c->user.email, c->user.lang, "/account", NULL, 0, err);
}

/* A wrong code leaves nothing behind but the count of the try. */
static int change_whole(struct web_call *c, const struct web_try *t, const char *secret,
                        char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    if (db_begin(c->db, err) != 0)
        return -1;
    if (change(c, t, secret, ret_token, err) == 0 && !web_has_errors(c))
        return db_commit(c->db, err);
    db_rollback(c->db);
    return web_has_errors(c) ? 0 : -1;
}

static int check_password(struct web_call *c, struct err *err)
{
    bool right = false;
    if (proof(c) != &PASSWORD)
        return 0;
    if (web_password_right(c, c->user.id, "password", &right, err) != 0)
        return -1;
    return right ? 0 : web_error(c, "password", TEXT_PASSWORD_WRONG, err);
}

int page_totp_post(struct web_call *c, struct err *err)
{
    char token[ACCOUNT_TOKEN_SIZE];
    const char *secret = web_field(c, "secret");
    struct web_try t;
    if (strlen(secret) != ACCOUNT_TOTP_SIZE - 1 ||
        strspn(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != strlen(secret))
        return page_totp(c, err);
    if (web_try_begin(c, "code", c->user.email, &t, err) != 0)
        return -1;
    if (t.wait_ms > 0)
        return web_try_later(c, &t, "code", err) == 0 ? show(c, secret, 429, err) : -1;
    if (check_password(c, err) != 0 || (!web_has_errors(c) && change_whole(c, &t, secret, token, err) != 0))
        return -1;
    if (web_has_errors(c))
        return show(c, secret, 422, err);
    bool first = must(c);
    c->user.has_totp = true;
    if (web_flash(c, TEXT_TOTP_DONE, err) != 0)
        return -1;
    return web_go_on(c, &c->user, true, token, first ? "" : "/account", err);
}
