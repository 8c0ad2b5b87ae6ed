/* An organisation's page: what it is, who its users are; inviting and disabling them. */
#include <stdio.h>
#include <string.h>

#include "web/account_web.h"

#define USERS_MAX 200

static const struct web_input INVITE[] = {
    {.name = "email",
     .label = TEXT_ORGANISATION_INVITE_EMAIL,
     .kind = INPUT_EMAIL,
     .required = true,
     .maxlength = ACCOUNT_EMAIL_MAX},
};

/* ---- the page */

struct listing {
    struct web_call *c;
    json_t *users;
};

/* What can be done with it: an invitation withdrawn or sent again, a user disabled or let back. Nothing with
 * oneself. */
static const char *state_of(const struct account_user *u)
{
    return u->disabled ? "disabled" : !u->email_checked ? "invited" : "active";
}

static int put_user(const struct account_user *u, void *arg, struct err *err)
{
    struct listing *l = arg;
    char login[20];
    web_time_text(u->last_login_at, login);
    const char *state = state_of(u);
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b}", "id", u->id, "email", u->email,
                  "name", u->name, "mobile", u->mobile, "last_login", login, "has_totp", u->has_totp,
                  "invited", strcmp(state, "invited") == 0, "active", strcmp(state, "active") == 0,
                  "disabled", u->disabled, "oneself", strcmp(u->id, l->c->user.id) == 0);
    return json_array_append_new(l->users, row) == 0 ? 0 : err_set(err, ERR_MEMORY, "users");
}

static int put_organisation(struct web_call *c, struct err *err)
{
    struct account_organisation o;
    if (account_organisation_get(c->db, c->user.organisation, &o, err) != 0)
        return -1;
    enum text_id kind =
        o.kind == ORGANISATION_ENTERPRISE ? TEXT_ORGANISATION_ENTERPRISE : TEXT_ORGANISATION_INSTITUTION;
    return web_set(c, "organisation",
                   json_pack("{s:s, s:s, s:s, s:b}", "name", o.name, "kind", text(kind, c->lang),
                             "identifier", o.identifier, "internal",
                             strcmp(o.identifier_kind, "INTERNAL") == 0),
                   err) == 0 &&
                   web_set_time(c, "since", o.created_at, err) == 0
               ? 0
               : -1;
}

static int show(struct web_call *c, unsigned int status, struct err *err)
{
    struct listing l = {.c = c, .users = json_array()};
    int rc = l.users ? account_list(c->db, c->user.organisation, "", USERS_MAX, put_user, &l, err)
                     : err_set(err, ERR_MEMORY, "users");
    if (rc != 0) {
        json_decref(l.users);
        return -1;
    }
    if (web_set(c, "users", l.users, err) != 0 || put_organisation(c, err) != 0 ||
        web_put_inputs(c, "fields", INVITE, 1, NULL, err) != 0)
        return -1;
    return web_render(c, "organisation", status, err);
}

int page_organisation(struct web_call *c, struct err *err)
{
    return show(c, 200, err);
}

/* ---- inviting */

static int invite_new(struct web_call *c, const char *email, const char *organisation, struct err *err)
{
    char id[UUID_SIZE];
    const struct account_new a = {.email = email,
                                  .name = "",
                                  .mobile = "",
                                  .organisation = c->user.organisation,
                                  .roles = ROLE_APPLICANT,
                                  .lang = c->lang};
    if (account_new(c->db, c->now, &a, id, err) != 0)
        return -1;
    return account_invite(c, id, organisation, err);
}

/* An address that has an account elsewhere is told so by mail only: this page says the same in both cases. */
static int invite_known(struct web_call *c, const struct account_user *u, const char *organisation,
                        struct err *err)
{
    const struct account_word words[] = {{"organisation", organisation}};
    if (!u->email_checked && u->has_password && !u->disabled)
        return account_forget_unchecked(c->db, u->id, err) == 0 ? invite_new(c, u->email, organisation, err)
                                                                : -1;
    if (strcmp(u->organisation, c->user.organisation) == 0 && !u->has_password)
        return account_invite(c, u->id, organisation, err);
    return account_mail(c, ACCOUNT_MAIL_INVITED_EXISTS, u->email, u->lang, "/login", words, 1, err);
}

static int count_user(const struct account_user *u, void *arg, struct err *err)
{
    (void)u;
    (void)err;
    ++*(int *)arg;
    return 0;
}

static int check_invitation(struct web_call *c, char ret_email[ACCOUNT_EMAIL_MAX + 1],
                            struct account_user *ret_user, struct err *err)
{
    struct err why;
    int n = 0;
    memset(ret_user, 0, sizeof(*ret_user));
    if (account_email(web_field(c, "email"), ret_email, &why) != 0)
        return web_error(c, "email", TEXT_ACCOUNT_EMAIL_BAD, err);
    if (account_by_email(c->db, ret_email, ret_user, err) != 0 && err->code != ERR_NOT_FOUND)
        return -1;
    if (ret_user->has_password && strcmp(ret_user->organisation, c->user.organisation) == 0)
        return web_error(c, "email", TEXT_ORGANISATION_IS_USER, err);
    if (account_list(c->db, c->user.organisation, "", USERS_MAX, count_user, &n, err) != 0)
        return -1;
    return n < USERS_MAX ? 0 : web_error(c, "email", TEXT_ORGANISATION_FULL, err);
}

/* As many mails to one address as anyone may cause; this page's transaction is the caller's. */
static int mails_due(struct web_call *c, const char *email, bool *ret_due, struct err *err)
{
    char key[ACCOUNT_EMAIL_MAX + 32];
    int64_t wait_ms = 0;
    snprintf(key, sizeof(key), "invite:account:%s", email);
    if (account_throttle_wait(c->db, c->now, key, &wait_ms, err) != 0)
        return -1;
    *ret_due = wait_ms == 0;
    return *ret_due ? account_throttle_fail(c->db, c->now, key, err) : 0;
}

static int invite(struct web_call *c, struct err *err)
{
    char email[ACCOUNT_EMAIL_MAX + 1];
    struct account_user u;
    struct account_organisation o;
    bool due = false;
    if (check_invitation(c, email, &u, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show(c, 422, err);
    if (account_organisation_get(c->db, c->user.organisation, &o, err) != 0 ||
        mails_due(c, email, &due, err) != 0)
        return -1;
    if (due && (*u.id ? invite_known(c, &u, o.name, err) : invite_new(c, email, o.name, err)) != 0)
        return -1;
    if (account_audit(c->db, c->now, c->act.who, "user.invite", email, "", err) != 0 ||
        web_flash(c, TEXT_ORGANISATION_INVITED, err) != 0)
        return -1;
    return web_redirect(c, err, "/organisation");
}

/* ---- what is done to a user */

static int withdraw(struct web_call *c, const struct account_user *u, struct err *err)
{
    return account_forget_unchecked(c->db, u->id, err);
}

static int disable(struct web_call *c, const struct account_user *u, struct err *err)
{
    return account_set_disabled(c->db, u->id, true, err);
}

static int enable(struct web_call *c, const struct account_user *u, struct err *err)
{
    return account_set_disabled(c->db, u->id, false, err);
}

static const struct {
    const char *name, *from, *what;
    int (*run)(struct web_call *c, const struct account_user *u, struct err *err);
    enum text_id done;
} ACTS[] = {
    {"withdraw", "invited", "invitation.withdrawn", withdraw, TEXT_ORGANISATION_WITHDRAWN},
    {"disable", "active", "user.disable", disable, TEXT_ORGANISATION_DISABLED},
    {"enable", "disabled", "user.enable", enable, TEXT_ORGANISATION_ENABLED},
};

/* Of one's own organisation; whoever else's is not there. */
static int find_user(struct web_call *c, struct account_user *ret, struct err *err)
{
    if (account_by_id(c->db, web_field(c, "user"), ret, err) != 0)
        return -1;
    if (strcmp(ret->organisation, c->user.organisation) != 0)
        return err_set(err, ERR_NOT_FOUND, "account of another organisation");
    if (strcmp(ret->id, c->user.id) == 0)
        return err_set(err, ERR_REFUSED, "nobody disables himself");
    return 0;
}

int page_organisation_post(struct web_call *c, struct err *err)
{
    struct account_user u;
    size_t i = 0;
    const char *action = web_field(c, "action");
    if (strcmp(action, "invite") == 0)
        return invite(c, err);
    while (i < sizeof(ACTS) / sizeof(ACTS[0]) && strcmp(ACTS[i].name, action) != 0)
        i++;
    if (i == sizeof(ACTS) / sizeof(ACTS[0]))
        return err_set(err, ERR_FIELD, "action: unknown");
    if (find_user(c, &u, err) != 0)
        return -1;
    /* A second click, or a colleague's: it is as it should be. */
    if (strcmp(state_of(&u), ACTS[i].from) != 0)
        return web_redirect(c, err, "/organisation");
    if (ACTS[i].run(c, &u, err) != 0 ||
        account_audit(c->db, c->now, c->act.who, ACTS[i].what, u.email, "", err) != 0 ||
        web_flash(c, ACTS[i].done, err) != 0)
        return -1;
    return web_redirect(c, err, "/organisation");
}
