#include "device/sign.h"

#include <string.h>

#include <openssl/ecdsa.h>

#include "base/hex.h"
#include "device/ckr.h"

#define SIGNATURE_MAX 512 /* RSA-4096 */

const EVP_MD *sign_digest(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) == 384 ? EVP_sha384() : EVP_sha256();
}

/* ---- on the token
 * ------------------------------------------------------------------------------------------------- */

static int sign_final(const struct session *s, const void *data, size_t len, uint8_t ret[SIGNATURE_MAX],
                      size_t *ret_len, struct err *err)
{
    CK_ULONG n = SIGNATURE_MAX;
    CK_RV rv = s->calls->C_Sign(s->handle, (unsigned char *)(uintptr_t)data, len, ret, &n);
    if (rv != CKR_OK || n > SIGNATURE_MAX)
        return ckr_fail(err, rv, "C_Sign");
    *ret_len = n;
    return 0;
}

static CK_RV sign_init(const struct session *s, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    return s->calls->C_SignInit(s->handle, &mechanism, key);
}

/* DigestInfo of SHA-256 (RFC 8017 section 9.2, note 1), before the 32 bytes of the hash. */
static const uint8_t DIGEST_INFO[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

/* Not every module hashes (openCryptoki's software token does not): then we do. */
static int sign_rsa(const struct session *s, CK_OBJECT_HANDLE key, const void *data, size_t len,
                    uint8_t ret[SIGNATURE_MAX], size_t *ret_len, struct err *err)
{
    CK_RV rv = sign_init(s, CKM_SHA256_RSA_PKCS, key);
    if (rv == CKR_OK)
        return sign_final(s, data, len, ret, ret_len, err);
    if (rv != CKR_MECHANISM_INVALID)
        return ckr_fail(err, rv, "C_SignInit (CKM_SHA256_RSA_PKCS)");
    rv = sign_init(s, CKM_RSA_PKCS, key);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_SignInit (CKM_RSA_PKCS)");
    uint8_t info[sizeof(DIGEST_INFO) + SHA256_SIZE];
    memcpy(info, DIGEST_INFO, sizeof(DIGEST_INFO));
    sha256(data, len, info + sizeof(DIGEST_INFO));
    return sign_final(s, info, sizeof(info), ret, ret_len, err);
}

/* r and s, each as long as the field, side by side (PKCS#11 v2.40 section 2.3.1) → ECDSA-Sig-Value. */
static int ecdsa_der(const uint8_t *raw, size_t len, uint8_t ret[SIGNATURE_MAX], size_t *ret_len,
                     struct err *err)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)(len / 2), NULL), *s = BN_bin2bn(raw + len / 2, (int)(len / 2), NULL);
    int n = 0;
    if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
        r = s = NULL;
        unsigned char *der = NULL;
        n = i2d_ECDSA_SIG(sig, &der);
        if (n > 0 && n <= SIGNATURE_MAX)
            memcpy(ret, der, (size_t)n);
        OPENSSL_free(der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    if (n <= 0 || n > SIGNATURE_MAX)
        return err_set(err, ERR_INTERNAL, "an ECDSA signature cannot be encoded");
    *ret_len = (size_t)n;
    return 0;
}

static int sign_ec(const struct session *s, CK_OBJECT_HANDLE private_key, EVP_PKEY *key, const EVP_MD *md,
                   const void *data, size_t len, uint8_t ret[SIGNATURE_MAX], size_t *ret_len, struct err *err)
{
    uint8_t hash[EVP_MAX_MD_SIZE], raw[SIGNATURE_MAX];
    unsigned int hash_len = 0;
    size_t raw_len = 0, field = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
    if (!EVP_Digest(len > 0 ? data : "", len, hash, &hash_len, md, NULL))
        return err_set(err, ERR_INTERNAL, "hashing failed");
    CK_RV rv = sign_init(s, CKM_ECDSA, private_key);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_SignInit (CKM_ECDSA)");
    if (sign_final(s, hash, hash_len, raw, &raw_len, err) != 0)
        return -1;
    if (raw_len != 2 * field)
        return err_set(err, ERR_TOKEN_FAILED, "C_Sign: an ECDSA signature of %zu bytes, %zu are right",
                       raw_len, 2 * field);
    return ecdsa_der(raw, raw_len, ret, ret_len, err);
}

/* ---- verified before it goes out
 * ---------------------------------------------------------------------------------- */

static int verify(EVP_PKEY *key, const EVP_MD *md, const void *data, size_t len, const void *signature,
                  size_t signature_len, struct err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) > 0 &&
               EVP_DigestVerify(ctx, signature, signature_len, data, len) == 1;
    EVP_MD_CTX_free(ctx);
    return good ? 0
                : err_set(err, ERR_TOKEN_MISMATCH,
                          "the token's signature does not verify with its public key");
}

int sign_data(const struct session *s, CK_OBJECT_HANDLE private_key, EVP_PKEY *key, const EVP_MD *md,
              const void *data, size_t len, struct buf *ret, struct err *err)
{
    uint8_t signature[SIGNATURE_MAX];
    size_t n = 0;
    bool rsa = EVP_PKEY_is_a(key, "RSA");
    if (rsa && !EVP_MD_is_a(md, "SHA256"))
        return err_set(err, ERR_INTERNAL, "RSA signatures are made with SHA-256 only");
    int rc = rsa ? sign_rsa(s, private_key, data, len, signature, &n, err)
                 : sign_ec(s, private_key, key, md, data, len, signature, &n, err);
    if (rc != 0 || verify(key, md, data, len, signature, n, err) != 0)
        return -1;
    return buf_put(ret, signature, n, err);
}
