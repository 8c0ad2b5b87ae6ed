/* user add, list, disable, enable, password, totp: accounts from the command line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/tty.h"
#include "portal/account.h"
#include "portal/caportal.h"

#define ROLES_MAX 256

/* ---- what the verbs share ---- */

/* A transaction of the verb. */
struct change {
    const struct caportal *c;
    struct db *db;
    int64_t now;
};

static int change_begin(struct change *ch, struct caportal *c, struct err *err)
{
    *ch = (struct change){.c = c};
    if (caportal_db(c, &ch->db, err) != 0 || db_begin(ch->db, err) != 0)
        return -1;
    ch->now = clock_utc_ms();
    return 0;
}

/* `what` happened to whom, for the audit. */
static int change_done(struct change *ch, const char *what, const char *email, const char *detail,
                       struct err *err)
{
    if (account_audit(ch->db, ch->now, ch->c->who, what, email, detail, err) != 0)
        return -1;
    return db_commit(ch->db, err);
}

static void change_end(struct change *ch)
{
    if (ch->db)
        db_rollback(ch->db);
    db_close(&ch->db);
}

/* ---- passwords ---- */

/* Its first line. */
static int password_from_file(const char *path, struct buf *ret, struct err *err)
{
    if (file_check_owner(path, true, err) != 0 || file_read(path, ACCOUNT_PASSWORD_MAX + 2, ret, err) != 0)
        return -1;
    const uint8_t *end = ret->len > 0 ? memchr(ret->data, '\n', ret->len) : NULL;
    if (end)
        ret->len = (size_t)(end - ret->data);
    if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
        ret->len--;
    return 0;
}

static int password_from_terminal(const struct caportal *c, struct buf *ret, struct err *err)
{
    struct buf again;
    buf_init_secret(&again);
    int rc = tty_secret(text(TEXT_CAPORTAL_ASK_PASSWORD, c->lang), ret, ACCOUNT_PASSWORD_MAX, err);
    if (rc == 0)
        rc = tty_secret(text(TEXT_CAPORTAL_ASK_AGAIN, c->lang), &again, ACCOUNT_PASSWORD_MAX, err);
    if (rc == 0 && (again.len != ret->len || (ret->len > 0 && memcmp(again.data, ret->data, ret->len) != 0)))
        rc = err_set(err, ERR_REFUSED, "the two passwords differ");
    buf_done(&again);
    return rc;
}

static int hash_password(const struct caportal *c, const struct account_user *u, char ret[192],
                         struct err *err)
{
    struct buf password;
    buf_init_secret(&password);
    int rc = c->password_file ? password_from_file(c->password_file, &password, err)
                              : password_from_terminal(c, &password, err);
    if (rc == 0 && account_password_check_rules(u, &password, err) != 0)
        rc = c->password_file ? err_prepend(err, "%s", c->password_file) : -1;
    if (rc == 0)
        rc = account_password_hash(&password, ret, err);
    buf_done(&password);
    return rc;
}

/* ---- add ---- */

static int read_roles(const char *list, unsigned int *ret, struct err *err)
{
    char names[ROLES_MAX], *save = NULL;
    *ret = 0;
    if (strlen(list) >= sizeof(names))
        return err_set(err, ERR_TOO_LARGE, "--role: too long");
    snprintf(names, sizeof(names), "%s", list);
    for (const char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        unsigned int role = role_from_name(name);
        if (!role)
            return err_set(err, ERR_USAGE,
                           "--role: %s is none of applicant, first_reviewer, final_reviewer, operator, "
                           "finance, auditor, administrator",
                           name);
        *ret |= role;
    }
    return 0;
}

/* Anybody can register with anybody's USCC: nobody is put beside one who never confirmed his address. */
static int refuse_unconfirmed(const struct change *ch, const char *uscc, const char *organisation,
                              struct err *err)
{
    bool any = false;
    if (account_any_checked(ch->db, organisation, &any, err) != 0)
        return -1;
    return any ? 0
               : err_set(err, ERR_REFUSED,
                         "--uscc %s: it belongs to a registration that was never confirmed, which ends a day "
                         "after it was made: try again then",
                         uscc);
}

/* The organisation with this USCC, or a new one. "" for staff. */
static int find_organisation(const struct change *ch, char ret[UUID_SIZE], struct err *err)
{
    const struct caportal *c = ch->c;
    const char *uscc = c->uscc ? c->uscc : "";
    ret[0] = '\0';
    if (!c->organisation && !c->organisation_kind && !c->uscc)
        return 0;
    if (!c->organisation || !c->organisation_kind)
        return err_set(err, ERR_USAGE, "--organisation-kind and --organisation go together");
    if (*uscc && account_organisation_by_uscc(ch->db, uscc, ret, err) != 0)
        return -1;
    if (*ret)
        return refuse_unconfirmed(ch, uscc, ret, err);
    enum organisation_kind kind = organisation_kind_from_name(c->organisation_kind);
    if (kind == ORGANISATION_KIND_COUNT)
        return err_set(err, ERR_USAGE, "--organisation-kind: enterprise or institution");
    return account_organisation_new(ch->db, ch->now, kind, c->organisation, uscc, ret, err);
}

/* Into a new file of the caller's own; what is there is never overwritten. */
static int set_totp(const struct change *ch, const char *id, struct err *err)
{
    char line[ACCOUNT_TOTP_SIZE + 1];
    if (!ch->c->totp_file)
        return 0;
    account_totp_new(line);
    int rc = account_totp_set(ch->db, id, line, err);
    line[ACCOUNT_TOTP_SIZE - 1] = '\n';
    if (rc == 0)
        rc = file_create(ch->c->totp_file, line, ACCOUNT_TOTP_SIZE, 0600, err);
    OPENSSL_cleanse(line, sizeof(line));
    return rc;
}

static int add(const struct change *ch, const char *hash, char ret_email[ACCOUNT_EMAIL_MAX + 1],
               struct err *err)
{
    char organisation[UUID_SIZE], id[UUID_SIZE];
    struct account_new a = {.email = ret_email,
                            .name = ch->c->names[0],
                            .mobile = "",
                            .organisation = organisation,
                            .lang = LANG_ZH,
                            .email_checked = true};
    if (read_roles(ch->c->role, &a.roles, err) != 0 || find_organisation(ch, organisation, err) != 0 ||
        account_new(ch->db, ch->now, &a, id, err) != 0 || account_password_set(ch->db, id, hash, err) != 0)
        return -1;
    return set_totp(ch, id, err);
}

int caportal_user_add(struct caportal *c, struct err *err)
{
    struct change ch;
    struct account_user u = {0};
    char hash[192];
    int rc = -1;
    if (account_email(c->words[0], u.email, err) != 0)
        return -1;
    snprintf(u.name, sizeof(u.name), "%s", c->names[0]);
    if (hash_password(c, &u, hash, err) != 0)
        return -1;
    if (change_begin(&ch, c, err) == 0 && add(&ch, hash, u.email, err) == 0) {
        rc = change_done(&ch, "user.new", u.email, c->role, err);
        if (rc != 0 && c->totp_file)
            unlink(c->totp_file);
    }
    change_end(&ch);
    if (rc == 0)
        caportal_say(c, stdout, TEXT_CAPORTAL_USER_ADDED, u.email);
    return rc;
}

/* ---- disable, enable, password, totp ---- */

static int set_disabled(struct caportal *c, bool disabled, struct err *err)
{
    struct change ch;
    struct account_user u;
    int rc = -1;
    if (change_begin(&ch, c, err) == 0 && account_by_email(ch.db, c->words[0], &u, err) == 0 &&
        account_set_disabled(ch.db, u.id, disabled, err) == 0)
        rc = change_done(&ch, disabled ? "user.disable" : "user.enable", u.email, "", err);
    change_end(&ch);
    if (rc == 0)
        caportal_say(c, stdout, disabled ? TEXT_CAPORTAL_USER_DISABLED : TEXT_CAPORTAL_USER_ENABLED, u.email);
    return rc;
}

int caportal_user_disable(struct caportal *c, struct err *err)
{
    return set_disabled(c, true, err);
}

int caportal_user_enable(struct caportal *c, struct err *err)
{
    return set_disabled(c, false, err);
}

/* The password is asked for and hashed before the transaction: nobody waits for it. */
int caportal_user_password(struct caportal *c, struct err *err)
{
    struct change ch = {0};
    struct account_user u;
    char hash[192];
    int rc = -1;
    if (caportal_db(c, &ch.db, err) != 0 || account_by_email(ch.db, c->words[0], &u, err) != 0)
        goto out;
    db_close(&ch.db);
    if (hash_password(c, &u, hash, err) == 0 && change_begin(&ch, c, err) == 0 &&
        account_password_set(ch.db, u.id, hash, err) == 0)
        rc = change_done(&ch, "password.set", u.email, "", err);
out:
    change_end(&ch);
    if (rc == 0)
        caportal_say(c, stdout, TEXT_CAPORTAL_USER_PASSWORD, u.email);
    return rc;
}

int caportal_user_totp(struct caportal *c, struct err *err)
{
    struct change ch;
    struct account_user u;
    int rc = -1;
    if (change_begin(&ch, c, err) == 0 && account_by_email(ch.db, c->words[0], &u, err) == 0 &&
        account_session_end_all(ch.db, u.id, "", err) == 0 && set_totp(&ch, u.id, err) == 0) {
        rc = change_done(&ch, "totp.set", u.email, "", err);
        if (rc != 0)
            unlink(c->totp_file);
    }
    change_end(&ch);
    if (rc == 0)
        caportal_say(c, stdout, TEXT_CAPORTAL_USER_TOTP, u.email, c->totp_file);
    return rc;
}
