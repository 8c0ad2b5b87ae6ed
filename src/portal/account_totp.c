/* The second factor: TOTP (RFC 6238) over HOTP (RFC 4226). */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "portal/account_row.h"

#define SECRET_BYTES 20
#define STEP_MS      30000
#define DIGITS       6
#define MODULUS      1000000u

static const char BASE32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648, section 6 */

void account_totp_new(char ret_secret[ACCOUNT_TOTP_SIZE])
{
    uint8_t bytes[ACCOUNT_TOTP_SIZE - 1]; /* 5 bits of each: 32 characters, 160 bits */
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        ret_secret[i] = BASE32[bytes[i] & 31];
    ret_secret[sizeof(bytes)] = '\0';
    OPENSSL_cleanse(bytes, sizeof(bytes));
}

static bool decode(const char *secret, uint8_t ret[SECRET_BYTES])
{
    uint32_t bits = 0, have = 0;
    size_t n = 0;
    if (strlen(secret) != ACCOUNT_TOTP_SIZE - 1)
        return false;
    for (; *secret; secret++) {
        const char *at = strchr(BASE32, *secret);
        if (!at)
            return false;
        bits = bits << 5 | (uint32_t)(at - BASE32);
        have += 5;
        if (have >= 8) {
            have -= 8;
            ret[n++] = (uint8_t)(bits >> have);
        }
    }
    return true;
}

/* RFC 4226, section 5.3. */
static bool code_of(const uint8_t key[SECRET_BYTES], int64_t step, char ret[DIGITS + 1])
{
    uint8_t counter[8], mac[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    for (size_t i = 0; i < sizeof(counter); i++)
        counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
    if (!HMAC(EVP_sha1(), key, SECRET_BYTES, counter, sizeof(counter), mac, &len) || len != SECRET_BYTES)
        return false;
    size_t at = mac[len - 1] & 15;
    uint32_t number = ((uint32_t)mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
                      (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    snprintf(ret, DIGITS + 1, "%06u", number % MODULUS);
    OPENSSL_cleanse(mac, sizeof(mac));
    return true;
}

bool account_totp_matches(const char *secret, const char *code, int64_t now, int64_t after_step,
                          int64_t *ret_step)
{
    uint8_t key[SECRET_BYTES];
    char right[DIGITS + 1];
    bool found = false;
    if (strlen(code) != DIGITS || !decode(secret, key))
        return false;
    for (int64_t step = now / STEP_MS - 1; step <= now / STEP_MS + 1; step++) {
        bool equal = code_of(key, step, right) && CRYPTO_memcmp(right, code, DIGITS) == 0;
        if (equal && step > after_step && !found) {
            *ret_step = step;
            found = true;
        }
    }
    OPENSSL_cleanse(key, sizeof(key));
    OPENSSL_cleanse(right, sizeof(right));
    return found;
}

int account_totp_set(struct db *db, const char *id, const char *secret, struct err *err)
{
    uint8_t key[SECRET_BYTES];
    if (secret && !decode(secret, key))
        return err_set(err, ERR_FIELD, "secret: %d characters of base32", ACCOUNT_TOTP_SIZE - 1);
    OPENSSL_cleanse(key, sizeof(key));
    return account_change(db, PSQL_ACCOUNT_TOTP_SET, DB_ARGS(DB_TEXT(id), DB_TEXT(secret), DB_INT(0)), id,
                          err);
}

int account_totp_right(struct db *db, const char *id, const char *code, int64_t now, bool *ret_right,
                       struct err *err)
{
    char secret[ACCOUNT_TOTP_SIZE] = "";
    struct db_rows *rows = NULL;
    int64_t used = 0, step = 0, changes = 0;
    if (db_query(db, PSQL_ACCOUNT_TOTP_GET, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        ACCOUNT_KEEP(rows, 0, secret);
        used = db_col_int(rows, 1);
    }
    db_rows_free(&rows);
    bool right = r == 1 && account_totp_matches(secret, code, now, used, &step);
    OPENSSL_cleanse(secret, sizeof(secret));
    if (r < 0 ||
        (right && db_exec(db, PSQL_ACCOUNT_TOTP_USE, DB_ARGS(DB_TEXT(id), DB_INT(step)), &changes, err) != 0))
        return -1;
    *ret_right = right && changes == 1;
    return 0;
}
