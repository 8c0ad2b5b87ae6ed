#include "device/pin.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/file.h"
#include "base/hex.h"

#define DISTINCT_MIN     5
#define DRAWS_MAX        1000
#define SEALING_BITS     3072
#define KEY_FILE_MAX     16384
#define TOKEN_RANDOM_MAX 256

/* ---- policy
 * ------------------------------------------------------------------------------------------------------- */

int pin_length(const struct pin_bounds *bounds, size_t n, size_t *ret, struct err *err)
{
    uint32_t low = 1, high = USER_PIN_MAX;
    for (size_t i = 0; i < n; i++) {
        if (bounds[i].low > low)
            low = bounds[i].low;
        if (bounds[i].high != 0 && bounds[i].high < high)
            high = bounds[i].high;
    }
    if (low > high)
        return err_set(err, ERR_REFUSED, "no PIN length suits both policy and token: at least %u, at most %u",
                       low, high);
    *ret = PIN_LENGTH < low ? low : PIN_LENGTH > high ? high : PIN_LENGTH;
    return 0;
}

static bool has_run(const char *pin, size_t len)
{
    for (size_t i = 2; i < len; i++) {
        int a = pin[i - 1] - pin[i - 2], b = pin[i] - pin[i - 1];
        if (a == b && a >= -1 && a <= 1)
            return true;
    }
    return false;
}

static bool is_repetition(const char *pin, size_t len)
{
    for (size_t period = 1; period <= len / 2; period++)
        if (memcmp(pin, pin + period, len - period) == 0)
            return true;
    return false;
}

static size_t distinct(const char *pin, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += memchr(pin, pin[i], i) == NULL;
    return n;
}

bool pin_is_trivial(const char *pin, size_t len)
{
    return distinct(pin, len) < DISTINCT_MIN || has_run(pin, len) || is_repetition(pin, len);
}

/* ---- making
 * ------------------------------------------------------------------------------------------------------- */

/* pool = counter u32, the kernel's bytes, the token's bytes; each block is SHA-256 over it with the next
 * counter. */
struct source {
    struct buf pool, block;
    uint32_t counter;
    size_t used;
};

static int source_init(struct source *s, const void *token_random, size_t n, struct err *err)
{
    static const uint8_t zero[sizeof(s->counter)] = {0};
    memset(s, 0, sizeof(*s));
    buf_init_secret(&s->pool);
    buf_init_secret(&s->block);
    if (n > TOKEN_RANDOM_MAX)
        return err_set(err, ERR_INTERNAL, "%zu random bytes of a token, at most %d are mixed in", n,
                       TOKEN_RANDOM_MAX);
    size_t own = n < PIN_RANDOM_MIN ? PIN_RANDOM_MIN : n;
    if (buf_put(&s->pool, zero, sizeof(zero), err) != 0 || buf_reserve(&s->pool, own, err) != 0)
        return -1;
    random_bytes(s->pool.data + s->pool.len, own);
    s->pool.len += own;
    s->used = SHA256_SIZE;
    return buf_put(&s->pool, token_random, n, err) != 0 || buf_reserve(&s->block, SHA256_SIZE, err) != 0 ? -1
                                                                                                         : 0;
}

static void source_done(struct source *s)
{
    buf_done(&s->pool);
    buf_done(&s->block);
}

static uint8_t source_byte(struct source *s)
{
    if (s->used == SHA256_SIZE) {
        s->counter++;
        memcpy(s->pool.data, &s->counter, sizeof(s->counter));
        sha256(s->pool.data, s->pool.len, s->block.data);
        s->used = 0;
    }
    return s->block.data[s->used++];
}

/* An index below n, each as likely: bytes of the uneven end are thrown away. */
static size_t source_index(struct source *s, size_t n)
{
    size_t even = 256 - 256 % n;
    uint8_t byte;
    do
        byte = source_byte(s);
    while (byte >= even);
    return byte % n;
}

int pin_make(const char *alphabet, size_t length, const void *token_random, size_t n, struct buf *ret,
             struct err *err)
{
    size_t letters = strlen(alphabet);
    if (letters < DISTINCT_MIN || letters > 256 || length < DISTINCT_MIN || length > USER_PIN_MAX)
        return err_set(err, ERR_REFUSED, "no PIN of %zu characters out of %zu can be made", length, letters);
    struct source s;
    int rc = source_init(&s, token_random, n, err);
    if (rc == 0)
        rc = buf_reserve(ret, length, err);
    char *pin = (char *)ret->data + ret->len;
    for (int draws = 0; rc == 0; draws++) {
        for (size_t i = 0; i < length; i++)
            pin[i] = alphabet[source_index(&s, letters)];
        if (!pin_is_trivial(pin, length)) {
            ret->len += length;
            break;
        }
        if (draws == DRAWS_MAX)
            rc = err_set(err, ERR_REFUSED, "every PIN out of this alphabet is trivial");
    }
    source_done(&s);
    return rc;
}

/* ---- sealing
 * ------------------------------------------------------------------------------------------------------ */

static EVP_PKEY *read_key(const char *path, struct err *err)
{
    struct buf pem;
    buf_init(&pem);
    EVP_PKEY *key = NULL;
    if (file_check_owner(path, false, err) == 0 && file_read(path, KEY_FILE_MAX, &pem, err) == 0) {
        BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
        key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
        if (!key || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < SEALING_BITS) {
            err_set(err, ERR_CONFIG, "%s: no RSA public key of %d bits or more in PEM", path, SEALING_BITS);
            EVP_PKEY_free(key);
            key = NULL;
        }
    } else if (err->code != ERR_PERMISSION) {
        err->code = ERR_CONFIG;
    }
    buf_done(&pem);
    return key;
}

static int encrypt(EVP_PKEY *key, const struct buf *plain, uint8_t *ret, size_t *ret_len, struct err *err)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    size_t len = SEALED_MAX;
    int good = ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
               EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_get_size(key) <= SEALED_MAX &&
               EVP_PKEY_encrypt(ctx, ret, &len, plain->data, plain->len) > 0;
    EVP_PKEY_CTX_free(ctx);
    if (!good)
        return err_set(err, ERR_INTERNAL, "RSA-OAEP encryption failed");
    *ret_len = len;
    return 0;
}

int pin_seal(const char *key_path, const struct sealed_pin *who, const struct buf *pin, uint8_t *ret,
             size_t *ret_len, struct err *err)
{
    struct buf plain;
    buf_init_secret(&plain);
    EVP_PKEY *key = read_key(key_path, err);
    int rc =
        key && sealed_pin_encode(who, pin, &plain, err) == 0 ? encrypt(key, &plain, ret, ret_len, err) : -1;
    EVP_PKEY_free(key);
    buf_done(&plain);
    return rc == 0 ? 0 : err_prepend(err, "seal the user PIN");
}
