/* Users: making, finding, changing them. */
#include "portal/account.h"

#include <stdio.h>
#include <string.h>

#include "domain/plain_text.h"
#include "portal/account_row.h"

#define UNCHECKED_AT_ONCE 64

/* ---- rows */

void account_keep(struct db_rows *rows, int col, char *field, size_t size)
{
    const char *s = db_col_text(rows, col);
    size_t len = strnlen(s, size - 1);
    memcpy(field, s, len);
    field[len] = '\0';
}

void account_read(struct db_rows *rows, struct account_user *u)
{
    memset(u, 0, sizeof(*u));
    ACCOUNT_KEEP(rows, 0, u->id);
    ACCOUNT_KEEP(rows, 1, u->email);
    ACCOUNT_KEEP(rows, 2, u->name);
    ACCOUNT_KEEP(rows, 3, u->mobile);
    ACCOUNT_KEEP(rows, 4, u->organisation);
    u->roles = (unsigned int)db_col_int(rows, 5);
    u->lang = strcmp(db_col_text(rows, 6), "en") == 0 ? LANG_EN : LANG_ZH;
    u->email_checked = db_col_int(rows, 7) != 0;
    u->disabled = db_col_int(rows, 8) != 0;
    u->has_totp = db_col_int(rows, 9) != 0;
    u->has_password = db_col_int(rows, 10) != 0;
    u->created_at = db_col_int(rows, 11);
    u->last_login_at = db_col_int(rows, 12);
}

int account_change(struct db *db, int statement, const struct db_value *args, size_t n, const char *id,
                   struct err *err)
{
    int64_t changes = 0;
    if (db_exec(db, statement, args, n, &changes, err) != 0)
        return -1;
    return changes == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "account %.40s", id);
}

static int get_one(struct db *db, int statement, const char *key, struct account_user *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, statement, DB_ARGS(DB_TEXT(key)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        account_read(rows, ret);
    db_rows_free(&rows);
    if (r < 0)
        return -1;
    return r == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "account %.64s", key);
}

int account_by_id(struct db *db, const char *id, struct account_user *ret, struct err *err)
{
    return get_one(db, PSQL_ACCOUNT_GET, id, ret, err);
}

int account_by_email(struct db *db, const char *email, struct account_user *ret, struct err *err)
{
    char lower[ACCOUNT_EMAIL_MAX + 1];
    if (account_email(email, lower, err) != 0)
        return err_set(err, ERR_NOT_FOUND, "account: it is no e-mail address");
    return get_one(db, PSQL_ACCOUNT_BY_EMAIL, lower, ret, err);
}

static int read_list(struct db *db, int statement, const struct db_value *args, size_t n,
                     int (*each)(const struct account_user *u, void *arg, struct err *err), void *arg,
                     struct err *err)
{
    struct db_rows *rows = NULL;
    struct account_user u = {0};
    int r = 1, rc = db_query(db, statement, args, n, &rows, err);
    while (rc == 0 && (r = db_next(rows, err)) == 1) {
        account_read(rows, &u);
        rc = each(&u, arg, err);
    }
    db_rows_free(&rows);
    return r < 0 ? -1 : rc;
}

int account_list(struct db *db, const char *organisation, const char *after, int64_t limit,
                 int (*each)(const struct account_user *u, void *arg, struct err *err), void *arg,
                 struct err *err)
{
    if (!*organisation)
        return read_list(db, PSQL_ACCOUNTS_OF_STAFF, DB_ARGS(DB_TEXT(after), DB_INT(limit)), each, arg, err);
    return read_list(db, PSQL_ACCOUNTS_OF, DB_ARGS(DB_TEXT(organisation), DB_TEXT(after), DB_INT(limit)),
                     each, arg, err);
}

int account_list_all(struct db *db, const char *after, int64_t limit,
                     int (*each)(const struct account_user *u, void *arg, struct err *err), void *arg,
                     struct err *err)
{
    return read_list(db, PSQL_ACCOUNTS_ALL, DB_ARGS(DB_TEXT(after), DB_INT(limit)), each, arg, err);
}

/* ---- making */

static int check_roles(unsigned int roles, const char *organisation, struct err *err)
{
    if (roles == 0 || (roles & ~(ROLE_APPLICANT | (unsigned int)ROLE_STAFF)) != 0)
        return err_set(err, ERR_REFUSED, "an account has at least one of the known roles");
    if ((roles & ROLE_APPLICANT) && (roles & ROLE_STAFF))
        return err_set(err, ERR_REFUSED, "an applicant holds no role of the operating organisation");
    if ((roles & ROLE_APPLICANT) && !*organisation)
        return err_set(err, ERR_REFUSED, "an applicant belongs to an organisation");
    if ((roles & ROLE_STAFF) && *organisation)
        return err_set(err, ERR_REFUSED, "an organisation's user can be an applicant only");
    return 0;
}

/* An invited user's name is not known before the invitation is accepted. */
static int check_name(const char *name, bool may_be_empty, struct err *err)
{
    if (!*name && may_be_empty)
        return 0;
    return plain_text_check(name, ACCOUNT_NAME_MAX, err) == 0 ? 0 : err_prepend(err, "name");
}

int account_new(struct db *db, int64_t now, const struct account_new *a, char ret_id[UUID_SIZE],
                struct err *err)
{
    char id[UUID_SIZE], email[ACCOUNT_EMAIL_MAX + 1];
    if (account_email(a->email, email, err) != 0 || check_name(a->name, !a->email_checked, err) != 0 ||
        account_mobile_check(a->mobile, err) != 0 || check_roles(a->roles, a->organisation, err) != 0)
        return -1;
    uuid7(id);
    if (db_exec(db, PSQL_ACCOUNT_INSERT,
                DB_ARGS(DB_TEXT(id), DB_TEXT(email), DB_TEXT(a->name), DB_TEXT(a->mobile),
                        DB_TEXT(*a->organisation ? a->organisation : NULL), DB_INT(a->roles),
                        DB_TEXT(a->lang == LANG_EN ? "en" : "zh"), DB_INT(a->email_checked), DB_INT(now)),
                NULL, err) != 0)
        return err->code == ERR_CONFLICT ? err_set(err, ERR_EXISTS, "%s has an account", email) : -1;
    memcpy(ret_id, id, UUID_SIZE);
    return 0;
}

/* ---- changing */

int account_set_roles(struct db *db, const char *id, unsigned int roles, struct err *err)
{
    struct account_user u = {0};
    if (account_by_id(db, id, &u, err) != 0 || check_roles(roles, u.organisation, err) != 0)
        return -1;
    return account_change(db, PSQL_ACCOUNT_ROLES, DB_ARGS(DB_TEXT(id), DB_INT(roles)), id, err);
}

int account_set_disabled(struct db *db, const char *id, bool disabled, struct err *err)
{
    if (account_change(db, PSQL_ACCOUNT_DISABLED, DB_ARGS(DB_TEXT(id), DB_INT(disabled)), id, err) != 0)
        return -1;
    if (!disabled)
        return 0;
    return account_session_end_all(db, id, "", err) == 0 && account_link_end_all(db, id, err) == 0 ? 0 : -1;
}

int account_set_profile(struct db *db, const char *id, const char *name, const char *mobile, enum lang lang,
                        struct err *err)
{
    if (check_name(name, false, err) != 0 || account_mobile_check(mobile, err) != 0)
        return -1;
    return account_change(
        db, PSQL_ACCOUNT_PROFILE,
        DB_ARGS(DB_TEXT(id), DB_TEXT(name), DB_TEXT(mobile), DB_TEXT(lang == LANG_EN ? "en" : "zh")), id,
        err);
}

int account_set_email_checked(struct db *db, const char *id, struct err *err)
{
    return account_change(db, PSQL_ACCOUNT_CHECKED, DB_ARGS(DB_TEXT(id)), id, err);
}

int account_logged_in(struct db *db, int64_t now, const char *id, struct err *err)
{
    return account_change(db, PSQL_ACCOUNT_LOGGED_IN, DB_ARGS(DB_TEXT(id), DB_INT(now)), id, err);
}

/* ---- registrations that nobody confirmed */

int account_any_checked(struct db *db, const char *organisation, bool *ret_any, struct err *err)
{
    struct account_user u = {0};
    if (get_one(db, PSQL_ACCOUNT_CHECKED_OF, organisation, &u, err) == 0)
        *ret_any = true;
    else if (err->code == ERR_NOT_FOUND)
        *ret_any = false;
    else
        return -1;
    return 0;
}

int account_forget_unchecked(struct db *db, const char *id, struct err *err)
{
    struct account_user u = {0};
    if (account_by_id(db, id, &u, err) != 0)
        return -1;
    if (u.email_checked || u.last_login_at > 0)
        return err_set(err, ERR_REFUSED, "account %s is in use", id);
    if (account_link_end_all(db, id, err) != 0 || account_session_end_all(db, id, "", err) != 0 ||
        db_exec(db, PSQL_ACCOUNT_DELETE_NOTICES, DB_ARGS(DB_TEXT(id)), NULL, err) != 0 ||
        account_change(db, PSQL_ACCOUNT_DELETE_UNCHECKED, DB_ARGS(DB_TEXT(id)), id, err) != 0)
        return -1;
    return *u.organisation
               ? db_exec(db, PSQL_ORGANISATION_DELETE_EMPTY, DB_ARGS(DB_TEXT(u.organisation)), NULL, err)
               : 0;
}

/* A few at a time: it is called every minute. */
static int purge_unchecked(struct db *db, int64_t before, struct err *err)
{
    char ids[UNCHECKED_AT_ONCE][UUID_SIZE];
    struct db_rows *rows = NULL;
    size_t n = 0;
    int r = 0;
    if (db_query(db, PSQL_ACCOUNT_UNCHECKED, DB_ARGS(DB_INT(before), DB_INT(UNCHECKED_AT_ONCE)), &rows,
                 err) != 0)
        return -1;
    while (n < UNCHECKED_AT_ONCE && (r = db_next(rows, err)) == 1)
        account_keep(rows, 0, ids[n++], UUID_SIZE);
    db_rows_free(&rows);
    for (size_t i = 0; r >= 0 && i < n; i++)
        if (account_forget_unchecked(db, ids[i], err) != 0 && err->code != ERR_REFUSED)
            r = -1;
    return r < 0 ? -1 : 0;
}

int account_purge(struct db *db, int64_t now, struct err *err)
{
    if (db_exec(db, PSQL_SESSION_PURGE,
                DB_ARGS(DB_INT(now - ACCOUNT_IDLE_MS), DB_INT(now - ACCOUNT_ABSOLUTE_MS)), NULL, err) != 0 ||
        db_exec(db, PSQL_LINK_PURGE, DB_ARGS(DB_INT(now)), NULL, err) != 0 ||
        db_exec(db, PSQL_THROTTLE_PURGE, DB_ARGS(DB_INT(now - ACCOUNT_DAY_MS)), NULL, err) != 0)
        return -1;
    return purge_unchecked(db, now - ACCOUNT_DAY_MS, err);
}
