/* One-time links by mail. */
#include <string.h>

#include "portal/account_row.h"

static const struct {
    const char *name;
    int64_t ms;
} LINKS[ACCOUNT_LINK_COUNT] = {
    [ACCOUNT_LINK_EMAIL] = {"email", ACCOUNT_DAY_MS},
    [ACCOUNT_LINK_RESET] = {"reset", INT64_C(1800000)},
    [ACCOUNT_LINK_INVITATION] = {"invitation", 7 * ACCOUNT_DAY_MS},
};

int account_link_new(struct db *db, int64_t now, enum account_link purpose, const char *user,
                     char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    char hash[SHA256_HEX_SIZE];
    if (account_link_end(db, purpose, user, err) != 0)
        return -1;
    account_token_new(ret_token, hash);
    return db_exec(db, PSQL_LINK_INSERT,
                   DB_ARGS(DB_TEXT(hash), DB_TEXT(LINKS[purpose].name), DB_TEXT(user), DB_INT(now),
                           DB_INT(now + LINKS[purpose].ms)),
                   NULL, err);
}

int account_link_end(struct db *db, enum account_link purpose, const char *user, struct err *err)
{
    return db_exec(db, PSQL_LINK_END, DB_ARGS(DB_TEXT(user), DB_TEXT(LINKS[purpose].name)), NULL, err);
}

int account_link_end_all(struct db *db, const char *user, struct err *err)
{
    return db_exec(db, PSQL_LINK_END_ALL, DB_ARGS(DB_TEXT(user)), NULL, err);
}

int account_link_take(struct db *db, int64_t now, enum account_link purpose, const char *token, bool use,
                      struct account_user *ret_user, struct err *err)
{
    char hash[SHA256_HEX_SIZE];
    struct db_rows *rows = NULL;
    int64_t changes = 0;
    sha256_hex(token, strlen(token), hash);
    if (db_query(db, PSQL_LINK_FIND, DB_ARGS(DB_TEXT(hash), DB_TEXT(LINKS[purpose].name), DB_INT(now)), &rows,
                 err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        account_read(rows, ret_user);
    db_rows_free(&rows);
    if (r < 0)
        return -1;
    if (r == 1 && use && db_exec(db, PSQL_LINK_USE, DB_ARGS(DB_TEXT(hash), DB_INT(now)), &changes, err) != 0)
        return -1;
    if (r == 0 || (use && changes != 1))
        return err_set(err, ERR_NOT_FOUND, "the link was used, or is too old");
    return 0;
}
