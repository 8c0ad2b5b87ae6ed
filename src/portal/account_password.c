/* Passwords: argon2id (RFC 9106), in a bounded number of slots. */
#include <string.h>

#include <argon2.h>

#include "portal/account_row.h"
#include "portal/account_slots.h"

#define PASSES       3
#define MEMORY_KIB   65536
#define LANES        1
#define SALT_BYTES   16
#define HASH_BYTES   32
#define ENCODED_SIZE 192
#define WAIT_MS      5000

/* Of a random password that nobody has: what an unknown account's password is compared with. */
static const char NOBODY[] = "$argon2id$v=19$m=65536,t=3,p=1$+XnkLNIegC2ygLLGNW8VNQ"
                             "$6CTsagL98aQ031fBkkk1g6zmRBuX5IijzDYhkjWkikE";

int account_password_hash(const struct buf *password, char ret[ENCODED_SIZE], struct err *err)
{
    uint8_t salt[SALT_BYTES];
    random_bytes(salt, sizeof(salt));
    if (account_slot_take(WAIT_MS, err) != 0)
        return -1;
    int rc = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password->data, password->len, salt,
                                   sizeof(salt), HASH_BYTES, ret, ENCODED_SIZE);
    account_slot_give();
    return rc == ARGON2_OK ? 0 : err_set(err, ERR_MEMORY, "argon2id: %s", argon2_error_message(rc));
}

int account_password_set(struct db *db, const char *id, const char *hash, struct err *err)
{
    if (account_change(db, PSQL_ACCOUNT_PASSWORD_SET, DB_ARGS(DB_TEXT(id), DB_TEXT(hash)), id, err) != 0 ||
        account_session_end_all(db, id, "", err) != 0)
        return -1;
    return account_link_end(db, ACCOUNT_LINK_RESET, id, err) == 0 &&
                   account_link_end(db, ACCOUNT_LINK_INVITATION, id, err) == 0
               ? 0
               : -1;
}

static int stored_hash(struct db *db, const char *id, char ret[ENCODED_SIZE], struct err *err)
{
    struct db_rows *rows = NULL;
    ret[0] = '\0';
    if (db_query(db, PSQL_ACCOUNT_PASSWORD_GET, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        account_keep(rows, 0, ret, ENCODED_SIZE);
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

int account_password_right(struct db *db, const char *id, const struct buf *password, bool *ret_right,
                           struct err *err)
{
    char hash[ENCODED_SIZE];
    if (stored_hash(db, id, hash, err) != 0 || account_slot_take(WAIT_MS, err) != 0)
        return -1;
    int rc = argon2id_verify(hash[0] ? hash : NOBODY, password->data, password->len);
    account_slot_give();
    if (rc == ARGON2_MEMORY_ALLOCATION_ERROR)
        return err_set(err, ERR_MEMORY, "argon2id: %s", argon2_error_message(rc));
    *ret_right = rc == ARGON2_OK && hash[0];
    return 0;
}
