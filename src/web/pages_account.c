/* One's own account: name, mobile, language; the password. */
#include <string.h>

#include "domain/plain_text.h"
#include "web/account_web.h"

static const struct web_input PROFILE[] = {
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
    {.name = "lang",
     .label = TEXT_ACCOUNT_LANGUAGE,
     .kind = INPUT_SELECT,
     .required = true,
     .help = TEXT_ACCOUNT_LANGUAGE_HELP,
     .options = "languages"},
};
static const struct web_input PASSWORD[] = {
    {.name = "old",
     .label = TEXT_PASSWORD_OLD,
     .kind = INPUT_PASSWORD,
     .required = true,
     .autocomplete = "current-password"},
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

/* ---- the profile */

static int put_roles(struct web_call *c, struct err *err)
{
    json_t *titles = json_array();
    for (unsigned int bit = 1; titles && bit <= ROLE_ADMINISTRATOR; bit <<= 1)
        if (web_is(c, bit))
            json_array_append_new(titles, json_string(role_title(bit, c->lang)));
    return web_set(c, "role_titles", titles, err);
}

static int put_facts(struct web_call *c, struct err *err)
{
    struct account_organisation o = {0};
    if (*c->user.organisation && account_organisation_get(c->db, c->user.organisation, &o, err) != 0)
        return -1;
    return put_roles(c, err) == 0 && web_set_text(c, "email", c->user.email, err) == 0 &&
                   web_set_text(c, "organisation", o.name, err) == 0 &&
                   web_set_bool(c, "has_totp", c->user.has_totp, err) == 0 &&
                   web_set_time(c, "last_login", c->user.last_login_at, err) == 0
               ? 0
               : -1;
}

static int show(struct web_call *c, unsigned int status, struct err *err)
{
    json_t *values = json_pack("{s:s, s:s, s:s}", "name", c->user.name, "mobile", c->user.mobile, "lang",
                               c->user.lang == LANG_EN ? "en" : "zh");
    int rc = values ? 0 : err_set(err, ERR_MEMORY, "account");
    if (rc == 0)
        rc = web_add_option(c, "languages", "zh", text(TEXT_LANGUAGE_ZH, c->lang), err);
    if (rc == 0)
        rc = web_add_option(c, "languages", "en", text(TEXT_LANGUAGE_EN, c->lang), err);
    if (rc == 0)
        rc = web_put_inputs(c, "fields", PROFILE, sizeof(PROFILE) / sizeof(PROFILE[0]), values, err);
    json_decref(values);
    return rc == 0 && put_facts(c, err) == 0 ? web_render(c, "account", status, err) : -1;
}

int page_account(struct web_call *c, struct err *err)
{
    return show(c, 200, err);
}

int page_account_post(struct web_call *c, struct err *err)
{
    struct err why;
    const char *name = web_field(c, "name"), *mobile = web_field(c, "mobile"), *lang = web_field(c, "lang");
    if (plain_text_check(name, ACCOUNT_NAME_MAX, &why) != 0 &&
        web_error(c, "name", TEXT_ACCOUNT_NAME_BAD, err) != 0)
        return -1;
    if (account_mobile_check(mobile, &why) != 0 && web_error(c, "mobile", TEXT_ACCOUNT_MOBILE_BAD, err) != 0)
        return -1;
    if (strcmp(lang, "zh") != 0 && strcmp(lang, "en") != 0 &&
        web_error(c, "lang", TEXT_ACCOUNT_LANGUAGE_BAD, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show(c, 422, err);
    if (account_set_profile(c->db, c->user.id, name, mobile, *lang == 'e' ? LANG_EN : LANG_ZH, err) != 0 ||
        account_note(c, c->user.email, "profile", "", err) != 0 || web_flash(c, TEXT_ACCOUNT_SAVED, err) != 0)
        return -1;
    return web_redirect(c, err, "/account");
}

/* ---- the password */

static int show_password(struct web_call *c, unsigned int status, struct err *err)
{
    if (web_put_inputs(c, "fields", PASSWORD, sizeof(PASSWORD) / sizeof(PASSWORD[0]), NULL, err) != 0 ||
        web_set_text(c, "email", c->user.email, err) != 0)
        return -1;
    return web_render(c, "password", status, err);
}

int page_password(struct web_call *c, struct err *err)
{
    return show_password(c, 200, err);
}

/* It ends every session, and this one goes on as a new one. */
static int change(struct web_call *c, const struct web_try *t, const char *hash,
                  char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    if (web_try_right(c, t, err) != 0 || account_password_set(c->db, c->user.id, hash, err) != 0 ||
        account_session_new(c->db, c->now, c->user.id, true, c->address, ret_token, err) != 0 ||
        account_note(c, c->user.email, "password.set", "", err) != 0)
        return -1;
    return account_mail(c, ACCOUNT_MAIL_PASSWORD, c->user.email, c->user.lang, "/password/forgot", NULL, 0,
                        err);
}

static int check_old(struct web_call *c, struct web_try *t, struct err *err)
{
    bool right = false;
    if (web_try_begin(c, "login", c->user.email, t, err) != 0)
        return -1;
    if (t->wait_ms > 0)
        return web_try_later(c, t, "old", err);
    if (web_password_right(c, c->user.id, "old", &right, err) != 0)
        return -1;
    return right ? 0 : web_error(c, "old", TEXT_PASSWORD_WRONG, err);
}

int page_password_post(struct web_call *c, struct err *err)
{
    char hash[192], token[ACCOUNT_TOKEN_SIZE];
    struct web_try t;
    if (check_old(c, &t, err) != 0 || web_hash_new_password(c, &c->user, hash, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show_password(c, t.wait_ms > 0 ? 429 : 422, err);
    if (db_begin(c->db, err) != 0)
        return -1;
    if (change(c, &t, hash, token, err) != 0 || db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return -1;
    }
    return web_flash(c, TEXT_PASSWORD_CHANGED, err) == 0
               ? web_go_on(c, &c->user, true, token, "/account", err)
               : -1;
}
