/* Sessions: only the SHA-256 of a token is kept, so that a stolen database logs nobody in. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "portal/account_row.h"

#define TOKEN_BYTES   32
#define SEEN_EVERY_MS 60000

/* base64url without padding (RFC 4648, section 5). */
static void base64url(const uint8_t bytes[TOKEN_BYTES], char ret[ACCOUNT_TOKEN_SIZE])
{
    unsigned char text[ACCOUNT_TOKEN_SIZE + 1];
    EVP_EncodeBlock(text, bytes, TOKEN_BYTES);
    for (size_t i = 0; i < ACCOUNT_TOKEN_SIZE - 1; i++)
        ret[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    ret[ACCOUNT_TOKEN_SIZE - 1] = '\0';
    OPENSSL_cleanse(text, sizeof(text));
}

void account_token_new(char ret_token[ACCOUNT_TOKEN_SIZE], char ret_sha256[SHA256_HEX_SIZE])
{
    uint8_t bytes[TOKEN_BYTES];
    random_bytes(bytes, sizeof(bytes));
    base64url(bytes, ret_token);
    sha256_hex(ret_token, ACCOUNT_TOKEN_SIZE - 1, ret_sha256);
    OPENSSL_cleanse(bytes, sizeof(bytes));
}

int account_session_new(struct db *db, int64_t now, const char *user, bool second_factor, const char *address,
                        char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    char hash[SHA256_HEX_SIZE];
    account_token_new(ret_token, hash);
    return db_exec(
        db, PSQL_SESSION_INSERT,
        DB_ARGS(DB_TEXT(hash), DB_TEXT(user), DB_INT(second_factor), DB_INT(now), DB_TEXT(address)), NULL,
        err);
}

static void read_session(struct db_rows *rows, struct account_session *s)
{
    memset(s, 0, sizeof(*s));
    ACCOUNT_KEEP(rows, 0, s->user);
    ACCOUNT_KEEP(rows, ACCOUNT_N_COLUMNS, s->sha256);
    s->second_factor = db_col_int(rows, ACCOUNT_N_COLUMNS + 1) != 0;
    s->created_at = db_col_int(rows, ACCOUNT_N_COLUMNS + 2);
    s->seen_at = db_col_int(rows, ACCOUNT_N_COLUMNS + 3);
    ACCOUNT_KEEP(rows, ACCOUNT_N_COLUMNS + 4, s->address);
}

int account_session_find(struct db *db, int64_t now, const char *token, struct account_session *ret,
                         struct account_user *ret_user, struct err *err)
{
    char hash[SHA256_HEX_SIZE];
    struct db_rows *rows = NULL;
    struct err ignored;
    if (strlen(token) != ACCOUNT_TOKEN_SIZE - 1)
        return err_set(err, ERR_NOT_FOUND, "session");
    sha256_hex(token, ACCOUNT_TOKEN_SIZE - 1, hash);
    if (db_query(db, PSQL_SESSION_FIND,
                 DB_ARGS(DB_TEXT(hash), DB_INT(now - ACCOUNT_IDLE_MS), DB_INT(now - ACCOUNT_ABSOLUTE_MS)),
                 &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        account_read(rows, ret_user);
        read_session(rows, ret);
    }
    db_rows_free(&rows);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "session");
    if (r < 0)
        return -1;
    /* A mark that could not be made, because the database is busy, costs nobody the page. */
    if (now - ret->seen_at >= SEEN_EVERY_MS)
        db_exec(db, PSQL_SESSION_SEEN, DB_ARGS(DB_TEXT(hash), DB_INT(now)), NULL, &ignored);
    return 0;
}

int account_session_owner(struct db *db, const char *token, char ret_user[UUID_SIZE], struct err *err)
{
    char hash[SHA256_HEX_SIZE];
    struct db_rows *rows = NULL;
    *ret_user = '\0';
    sha256_hex(token, strlen(token), hash);
    if (db_query(db, PSQL_SESSION_OWNER, DB_ARGS(DB_TEXT(hash)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        strncat(ret_user, db_col_text(rows, 0), UUID_SIZE - 1);
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

int account_session_end(struct db *db, const char *sha256, struct err *err)
{
    return db_exec(db, PSQL_SESSION_END, DB_ARGS(DB_TEXT(sha256)), NULL, err);
}

int account_session_end_all(struct db *db, const char *user, const char *but_sha256, struct err *err)
{
    return db_exec(db, PSQL_SESSION_END_ALL, DB_ARGS(DB_TEXT(user), DB_TEXT(but_sha256)), NULL, err);
}
