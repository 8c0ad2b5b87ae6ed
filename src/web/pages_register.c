/* Registering an organisation with its first user. */
#include <stdio.h>
#include <string.h>

#include "domain/plain_text.h"
#include "domain/uscc.h"
#include "web/account_web.h"

#define ORGANISATION_NAME_MAX 64 /* code points: it becomes a certificate's */
#define UNCHECKED_MAX         16

static const struct web_input ORGANISATION[] = {
    {.name = "kind", .label = TEXT_REGISTER_KIND, .kind = INPUT_RADIO, .required = true, .options = "kinds"},
    {.name = "organisation",
     .label = TEXT_REGISTER_ORGANISATION,
     .kind = INPUT_TEXT,
     .required = true,
     .help = TEXT_REGISTER_ORGANISATION_HELP,
     .autocomplete = "organization",
     .maxlength = ORGANISATION_NAME_MAX},
    {.name = "uscc",
     .label = TEXT_REGISTER_USCC,
     .kind = INPUT_TEXT,
     .help = TEXT_REGISTER_USCC_HELP,
     .maxlength = 24},
};
static const struct web_input PERSON[] = {
    {.name = "name",
     .label = TEXT_ACCOUNT_NAME,
     .kind = INPUT_TEXT,
     .required = true,
     .autocomplete = "name",
     .maxlength = ACCOUNT_NAME_MAX},
    {.name = "mobile",
     .label = TEXT_ACCOUNT_MOBILE,
     .kind = INPUT_TEL,
     .required = true,
     .autocomplete = "tel",
     .maxlength = 20},
    {.name = "email",
     .label = TEXT_ACCOUNT_EMAIL,
     .kind = INPUT_EMAIL,
     .required = true,
     .help = TEXT_REGISTER_EMAIL_HELP,
     .autocomplete = "username",
     .maxlength = ACCOUNT_EMAIL_MAX},
};
static const struct web_input PASSWORDS[] = {
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

struct registration {
    enum organisation_kind kind;
    char uscc[USCC_LENGTH + 1], email[ACCOUNT_EMAIL_MAX + 1], hash[192];
    const char *organisation, *name, *mobile;
};

static int show(struct web_call *c, unsigned int status, struct err *err)
{
    if (web_add_option(c, "kinds", "enterprise", text(TEXT_ORGANISATION_ENTERPRISE, c->lang), err) != 0 ||
        web_add_option(c, "kinds", "institution", text(TEXT_ORGANISATION_INSTITUTION, c->lang), err) != 0 ||
        web_put_inputs(c, "organisation_fields", ORGANISATION, sizeof(ORGANISATION) / sizeof(ORGANISATION[0]),
                       NULL, err) != 0 ||
        web_put_inputs(c, "person_fields", PERSON, sizeof(PERSON) / sizeof(PERSON[0]), NULL, err) != 0 ||
        web_put_inputs(c, "password_fields", PASSWORDS, sizeof(PASSWORDS) / sizeof(PASSWORDS[0]), NULL,
                       err) != 0)
        return -1;
    return web_render(c, "register", status, err);
}

int page_register(struct web_call *c, struct err *err)
{
    return web_inside(c) ? web_redirect(c, err, "/workbench") : show(c, 200, err);
}

/* ---- what was typed */

/* Without spaces and in capitals, as it stands on the licence. */
static bool read_uscc(const char *typed, char ret[USCC_LENGTH + 1])
{
    size_t n = 0;
    for (; *typed; typed++) {
        if (*typed == ' ')
            continue;
        if (n == USCC_LENGTH)
            return false;
        ret[n++] = (char)(*typed >= 'a' && *typed <= 'z' ? *typed - 'a' + 'A' : *typed);
    }
    ret[n] = '\0';
    return true;
}

static int check_organisation(struct web_call *c, struct registration *r, struct err *err)
{
    struct err why;
    r->kind = organisation_kind_from_name(web_field(c, "kind"));
    r->organisation = web_field(c, "organisation");
    if (r->kind == ORGANISATION_KIND_COUNT && web_error(c, "kind", TEXT_REGISTER_KIND_MISSING, err) != 0)
        return -1;
    if (plain_text_check(r->organisation, ORGANISATION_NAME_MAX, &why) != 0 &&
        web_error(c, "organisation", TEXT_REGISTER_ORGANISATION_BAD, err) != 0)
        return -1;
    bool readable = read_uscc(web_field(c, "uscc"), r->uscc);
    if (readable && !r->uscc[0])
        return r->kind == ORGANISATION_ENTERPRISE ? web_error(c, "uscc", TEXT_REGISTER_USCC_MISSING, err) : 0;
    return readable && uscc_check(r->uscc, &why) == 0 ? 0 : web_error(c, "uscc", TEXT_REGISTER_USCC_BAD, err);
}

static int check_person(struct web_call *c, struct registration *r, struct err *err)
{
    struct err why;
    r->name = web_field(c, "name");
    r->mobile = web_field(c, "mobile");
    if (plain_text_check(r->name, ACCOUNT_NAME_MAX, &why) != 0 &&
        web_error(c, "name", TEXT_ACCOUNT_NAME_BAD, err) != 0)
        return -1;
    if ((!*r->mobile || account_mobile_check(r->mobile, &why) != 0) &&
        web_error(c, "mobile", TEXT_ACCOUNT_MOBILE_BAD, err) != 0)
        return -1;
    if (account_email(web_field(c, "email"), r->email, &why) != 0) {
        r->email[0] = '\0';
        return web_error(c, "email", TEXT_ACCOUNT_EMAIL_BAD, err);
    }
    return 0;
}

static int read_form(struct web_call *c, struct registration *r, struct err *err)
{
    struct account_user u = {0};
    struct buf password;
    if (check_organisation(c, r, err) != 0 || check_person(c, r, err) != 0)
        return -1;
    snprintf(u.email, sizeof(u.email), "%s", r->email);
    snprintf(u.name, sizeof(u.name), "%s", r->name);
    int rc = web_secret(c, "password", &password, err);
    if (rc == 0)
        rc = web_check_new_password(c, &u, &password, err);
    buf_done(&password);
    return rc;
}

/* Only once the try was counted: who registers again and again keeps nobody from logging in. */
static int hash_password(struct web_call *c, struct registration *r, struct err *err)
{
    struct buf password;
    int rc = web_secret(c, "password", &password, err);
    if (rc == 0)
        rc = account_password_hash(&password, r->hash, err);
    buf_done(&password);
    return rc;
}

/* ---- what it leads to: always the same page, and a mail */

/* *ret_free: nobody has this address; a registration of it that was never confirmed makes room. */
static int free_email(struct web_call *c, const struct registration *r, bool *ret_free, struct err *err)
{
    struct account_user u;
    struct account_organisation o = {0};
    *ret_free = true;
    if (account_by_email(c->db, r->email, &u, err) != 0)
        return err->code == ERR_NOT_FOUND ? 0 : -1;
    if (!u.email_checked && u.has_password && !u.disabled)
        return account_forget_unchecked(c->db, u.id, err);
    *ret_free = false;
    if (u.has_password || u.disabled)
        return account_mail(c, ACCOUNT_MAIL_EXISTS, u.email, u.lang, "/login", NULL, 0, err);
    if (*u.organisation && account_organisation_get(c->db, u.organisation, &o, err) != 0)
        return -1;
    return account_invite(c, u.id, *o.name ? o.name : text(TEXT_SITE_NAME, u.lang), err);
}

struct id_list {
    char ids[UNCHECKED_MAX][UUID_SIZE];
    size_t n;
};

static int put_id(const struct account_user *u, void *arg, struct err *err)
{
    struct id_list *list = arg;
    (void)err;
    if (list->n < UNCHECKED_MAX)
        memcpy(list->ids[list->n++], u->id, UUID_SIZE);
    return 0;
}

/* Likewise of the USCC: only an organisation somebody of which has confirmed an address keeps it. */
static int free_uscc(struct web_call *c, const struct registration *r, bool *ret_free, struct err *err)
{
    char id[UUID_SIZE];
    bool any = false;
    struct id_list list = {.n = 0};
    *ret_free = true;
    if (!*r->uscc)
        return 0;
    if (account_organisation_by_uscc(c->db, r->uscc, id, err) != 0)
        return -1;
    if (!id[0])
        return 0;
    if (account_any_checked(c->db, id, &any, err) != 0)
        return -1;
    if (!any && account_list(c->db, id, "", UNCHECKED_MAX, put_id, &list, err) != 0)
        return -1;
    for (size_t i = 0; i < list.n; i++)
        if (account_forget_unchecked(c->db, list.ids[i], err) != 0)
            return -1;
    if (!any && account_organisation_by_uscc(c->db, r->uscc, id, err) != 0)
        return -1;
    *ret_free = !any && !id[0];
    const struct account_word words[] = {{"uscc", r->uscc}};
    return *ret_free ? 0
                     : account_mail(c, ACCOUNT_MAIL_USCC_TAKEN, r->email, c->lang, "/login", words, 1, err);
}

static int add(struct web_call *c, const struct registration *r, struct err *err)
{
    char organisation[UUID_SIZE], id[UUID_SIZE], token[ACCOUNT_TOKEN_SIZE], path[ACCOUNT_TOKEN_SIZE + 8];
    const struct account_new a = {.email = r->email,
                                  .name = r->name,
                                  .mobile = r->mobile,
                                  .organisation = organisation,
                                  .roles = ROLE_APPLICANT,
                                  .lang = c->lang};
    if (account_organisation_new(c->db, c->now, r->kind, r->organisation, r->uscc, organisation, err) != 0 ||
        account_new(c->db, c->now, &a, id, err) != 0 || account_password_set(c->db, id, r->hash, err) != 0 ||
        account_link_new(c->db, c->now, ACCOUNT_LINK_EMAIL, id, token, err) != 0 ||
        account_note(c, r->email, "register", c->address, err) != 0)
        return -1;
    snprintf(path, sizeof(path), "/email/%s", token);
    int rc = account_mail(c, ACCOUNT_MAIL_CHECK, r->email, c->lang, path, NULL, 0, err);
    explicit_bzero(token, sizeof(token));
    explicit_bzero(path, sizeof(path));
    return rc;
}

static int enter(struct web_call *c, const struct registration *r, struct err *err)
{
    bool is_free = false;
    if (free_email(c, r, &is_free, err) != 0)
        return -1;
    if (is_free && free_uscc(c, r, &is_free, err) != 0)
        return -1;
    return is_free ? add(c, r, err) : 0;
}

int page_register_post(struct web_call *c, struct err *err)
{
    struct registration r = {0};
    struct web_try t;
    if (read_form(c, &r, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show(c, 422, err);
    if (web_try_begin(c, "register", r.email, &t, err) != 0)
        return -1;
    if (t.wait_ms > 0)
        return web_try_later(c, &t, "email", err) == 0 ? show(c, 429, err) : -1;
    if (hash_password(c, &r, err) != 0 || db_begin(c->db, err) != 0)
        return -1;
    if (enter(c, &r, err) != 0 || db_commit(c->db, err) != 0) {
        db_rollback(c->db);
        return -1;
    }
    return web_redirect(c, err, "/register/sent");
}

int page_register_sent(struct web_call *c, struct err *err)
{
    return web_say(c, "REGISTER_SENT_TITLE", "info", TEXT_REGISTER_SENT, TEXT_REGISTER_SENT_NOTE, 200, err);
}
