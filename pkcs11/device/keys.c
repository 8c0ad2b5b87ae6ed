#include "device/keys.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "device/ckr.h"

/* ---- key types
 * ---------------------------------------------------------------------------------------------------- */

struct kind {
    CK_MECHANISM_TYPE mechanism;
    CK_ULONG bits;      /* RSA */
    const char *group;  /* EC: OpenSSL's name */
    uint8_t params[10]; /* EC: CKA_EC_PARAMS, the curve's OID in DER (RFC 5480 section 2.1.1.1) */
    size_t params_len;
};

static const struct kind KINDS[KEY_TYPE_COUNT] = {
    [KEY_P256] = {CKM_EC_KEY_PAIR_GEN,
                  0,
                  SN_X9_62_prime256v1,
                  {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
                  10},
    [KEY_P384] = {CKM_EC_KEY_PAIR_GEN, 0, SN_secp384r1, {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7},
    [KEY_RSA2048] = {CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, NULL, {0}, 0},
    [KEY_RSA3072] = {CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, NULL, {0}, 0},
    [KEY_RSA4096] = {CKM_RSA_PKCS_KEY_PAIR_GEN, 4096, NULL, {0}, 0},
};

static const struct kind *kind_of(enum key_type type)
{
    if ((unsigned int)type >= KEY_TYPE_COUNT)
        return NULL;
    const struct kind *k = &KINDS[type];
    return k->bits != 0 || k->group ? k : NULL;
}

/* ---- making
 * ------------------------------------------------------------------------------------------------------- */

static const CK_BBOOL YES = CK_TRUE, NO = CK_FALSE;
static const uint8_t F4[] = {0x01, 0x00, 0x01};

#define SET(type, value) ATTRIBUTE(type, &(value), sizeof(value))

static int generate(const struct session *s, const struct kind *k, const void *id, size_t id_len,
                    const char *label, struct key_pair *ret, struct err *err)
{
    CK_ATTRIBUTE public_key[] = {
        SET(CKA_TOKEN, YES),
        SET(CKA_PRIVATE, NO),
        SET(CKA_VERIFY, YES),
        SET(CKA_ENCRYPT, NO),
        SET(CKA_WRAP, NO),
        ATTRIBUTE(CKA_ID, id, id_len),
        ATTRIBUTE(CKA_LABEL, label, strlen(label)),
        ATTRIBUTE(CKA_EC_PARAMS, k->params, k->params_len), /* for RSA replaced below */
        SET(CKA_PUBLIC_EXPONENT, F4),
    };
    CK_ULONG n = COUNT_OF(public_key) - 1;
    if (!k->group) {
        public_key[n - 1] = (CK_ATTRIBUTE)SET(CKA_MODULUS_BITS, k->bits);
        n++;
    }
    CK_ATTRIBUTE private_key[] = {
        SET(CKA_TOKEN, YES),
        SET(CKA_PRIVATE, YES),
        SET(CKA_SENSITIVE, YES),
        SET(CKA_EXTRACTABLE, NO),
        SET(CKA_SIGN, YES),
        SET(CKA_SIGN_RECOVER, NO),
        SET(CKA_DECRYPT, NO),
        SET(CKA_UNWRAP, NO),
        SET(CKA_DERIVE, NO),
        ATTRIBUTE(CKA_ID, id, id_len),
        ATTRIBUTE(CKA_LABEL, label, strlen(label)),
    };
    CK_MECHANISM mechanism = {k->mechanism, NULL, 0};
    CK_RV rv = s->calls->C_GenerateKeyPair(s->handle, &mechanism, public_key, n, private_key,
                                           COUNT_OF(private_key), &ret->public_key, &ret->private_key);
    return rv == CKR_OK ? 0 : ckr_fail(err, rv, "C_GenerateKeyPair");
}

int keys_generate(const struct session *s, enum key_type type, const void *id, size_t id_len,
                  const char *label, struct key_pair *ret, struct err *err)
{
    const struct kind *k = kind_of(type);
    if (!k || id_len == 0)
        return err_set(err, ERR_FIELD, !k ? "unknown key type %u" : "type %u: an empty key id",
                       (unsigned int)type);
    CK_OBJECT_HANDLE there[8];
    size_t n = 0;
    CK_ATTRIBUTE match[] = {ATTRIBUTE(CKA_ID, id, id_len)};
    if (objects_find(s, match, 1, there, COUNT_OF(there), &n, err) != 0)
        return -1;
    if (n > 0)
        return err_set(err, ERR_EXISTS, "%zu objects have this key id already", n);
    return generate(s, k, id, id_len, label, ret, err);
}

/* ---- finding
 * ------------------------------------------------------------------------------------------------------ */

static int find_one(const struct session *s, CK_OBJECT_CLASS class, const char *name, const void *id,
                    size_t id_len, CK_OBJECT_HANDLE *ret, struct err *err)
{
    size_t n = 0;
    if (objects_find_id(s, class, id, id_len, ret, 1, &n, err) != 0)
        return err_prepend(err, "%s key", name);
    return n == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "the token holds no %s key with this id", name);
}

int keys_find(const struct session *s, const void *id, size_t id_len, struct key_pair *ret, struct err *err)
{
    if (find_one(s, CKO_PUBLIC_KEY, "public", id, id_len, &ret->public_key, err) != 0)
        return -1;
    return find_one(s, CKO_PRIVATE_KEY, "private", id, id_len, &ret->private_key, err);
}

/* ---- reading out
 * -------------------------------------------------------------------------------------------------- */

static EVP_PKEY *key_from(const char *algorithm, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(const struct buf *modulus, const struct buf *exponent)
{
    BIGNUM *n = BN_bin2bn(modulus->data, (int)modulus->len, NULL);
    BIGNUM *e = BN_bin2bn(exponent->data, (int)exponent->len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (n && e && build && !BN_is_zero(n) && !BN_is_zero(e) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        key = key_from("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return key;
}

static const char *group_of(const struct buf *params)
{
    for (enum key_type t = KEY_NONE; t < KEY_TYPE_COUNT; t++)
        if (KINDS[t].group && KINDS[t].params_len == params->len &&
            memcmp(KINDS[t].params, params->data, params->len) == 0)
            return KINDS[t].group;
    return NULL;
}

/* CKA_EC_POINT is the point wrapped in an OCTET STRING (PKCS#11 v2.40 section 2.3.3); some modules leave the
 * wrapping out. A bare uncompressed point begins with 04 as well, but then its length would not fit. */
static void unwrap_point(const struct buf *value, const uint8_t **ret, size_t *ret_len)
{
    const uint8_t *p = value->data;
    *ret = p;
    *ret_len = value->len;
    if (value->len > 2 && p[0] == 0x04 && p[1] < 0x80 && p[1] == value->len - 2) {
        *ret = p + 2;
        *ret_len = value->len - 2;
    } else if (value->len > 3 && p[0] == 0x04 && p[1] == 0x81 && p[2] == value->len - 3) {
        *ret = p + 3;
        *ret_len = value->len - 3;
    }
}

static EVP_PKEY *ec_key(const struct buf *curve, const struct buf *wrapped)
{
    const char *group = group_of(curve);
    const uint8_t *point;
    size_t len;
    unwrap_point(wrapped, &point, &len);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (group && len > 0 && build &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len))
        key = key_from("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

int keys_public(const struct session *s, CK_OBJECT_HANDLE public_key, EVP_PKEY **ret, struct err *err)
{
    struct buf type, first, second;
    buf_init(&type);
    buf_init(&first);
    buf_init(&second);
    int rc = -1;
    CK_KEY_TYPE kind = (CK_KEY_TYPE)-1;
    if (objects_read(s, public_key, CKA_KEY_TYPE, &type, err) != 0)
        goto out;
    if (type.len == sizeof(kind))
        memcpy(&kind, type.data, sizeof(kind));
    bool rsa = kind == CKK_RSA;
    if (objects_read(s, public_key, rsa ? CKA_MODULUS : CKA_EC_PARAMS, &first, err) != 0 ||
        objects_read(s, public_key, rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT, &second, err) != 0)
        goto out;
    EVP_PKEY *key = rsa ? rsa_key(&first, &second) : kind == CKK_EC ? ec_key(&first, &second) : NULL;
    if (!key) {
        err_set(err, ERR_WEAK_KEY, "what the token calls its public key is none: %s",
                rsa ? "no modulus or exponent" : "an unknown curve, or a point that is not on it");
        goto out;
    }
    *ret = key;
    rc = 0;
out:
    buf_done(&type);
    buf_done(&first);
    buf_done(&second);
    return rc;
}

int keys_check_type(EVP_PKEY *key, enum key_type type, struct err *err)
{
    const struct kind *k = kind_of(type);
    char group[32] = "";
    if (!k)
        return err_set(err, ERR_FIELD, "unknown key type %u", (unsigned int)type);
    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
    bool same = k->group ? strcmp(group, k->group) == 0
                         : EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == (int)k->bits;
    return same ? 0
                : err_set(err, ERR_WEAK_KEY, "asked for %s, the token made %s of %d bits",
                          key_type_name(type), EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

int keys_spki(EVP_PKEY *key, struct buf *ret, struct err *err)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    if (len <= 0)
        return err_set(err, ERR_INTERNAL, "the public key cannot be encoded");
    int rc = buf_put(ret, der, (size_t)len, err);
    OPENSSL_free(der);
    return rc;
}

int keys_hash(EVP_PKEY *key, uint8_t ret[KEY_HASH_SIZE], struct err *err)
{
    X509_PUBKEY *spki = NULL;
    const unsigned char *bits = NULL;
    int len = 0, good = 0;
    if (X509_PUBKEY_set(&spki, key) && X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, spki))
        good = EVP_Digest(bits, (size_t)len, ret, NULL, EVP_sha1(), NULL);
    X509_PUBKEY_free(spki);
    return good ? 0 : err_set(err, ERR_INTERNAL, "the public key cannot be hashed");
}

/* ---- attributes
 * --------------------------------------------------------------------------------------------------- */

static const struct {
    CK_ATTRIBUTE_TYPE type;
    uint32_t bit;
} FLAGS[] = {
    {CKA_LOCAL, KEY_LOCAL},
    {CKA_SENSITIVE, KEY_SENSITIVE},
    {CKA_ALWAYS_SENSITIVE, KEY_ALWAYS_SENSITIVE},
    {CKA_NEVER_EXTRACTABLE, KEY_NEVER_EXTRACTABLE},
    {CKA_EXTRACTABLE, KEY_EXTRACTABLE},
    {CKA_PRIVATE, KEY_PRIVATE},
    {CKA_DECRYPT, KEY_CAN_DECRYPT},
};

int keys_attributes(const struct session *s, CK_OBJECT_HANDLE private_key, uint32_t *ret, struct err *err)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < COUNT_OF(FLAGS); i++) {
        bool set = false;
        if (objects_flag(s, private_key, FLAGS[i].type, &set, err) != 0)
            return -1;
        if (set)
            bits |= FLAGS[i].bit;
    }
    *ret = bits;
    return 0;
}

int keys_set(const struct session *s, const struct key_pair *pair, CK_ATTRIBUTE_TYPE type, const void *data,
             size_t len, bool *ret_refused, struct err *err)
{
    *ret_refused = false;
    const CK_OBJECT_HANDLE halves[] = {pair->private_key, pair->public_key};
    for (size_t i = 0; i < COUNT_OF(halves); i++) {
        if (objects_set(s, halves[i], type, data, len, err) == 0)
            continue;
        bool refused = err->ckr == CKR_ATTRIBUTE_READ_ONLY || err->ckr == CKR_ATTRIBUTE_TYPE_INVALID ||
                       err->ckr == CKR_FUNCTION_NOT_SUPPORTED;
        if (!refused || i > 0) /* one half changed and the other not is no answer */
            return -1;
        *ret_refused = true;
        return 0;
    }
    return 0;
}
