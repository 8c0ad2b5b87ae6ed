/* Public keys that should never have left a device: what to look for, and no more than a few milliseconds of
 * it. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "cert/cert.h"
#include "cert/parse.h"
#include "cert/profile_rules.h"

#define EXPONENT      65537
#define SMALL_LIMIT   65536
#define FERMAT_ROUNDS 1000
#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))

/* ---- RSA --------------------------------------------------------------------------------------- */

struct rsa {
    BIGNUM *n, *e;
    BIGNUM *root; /* floor of n's square root */
    BN_CTX *ctx;
    enum key_type type;
};

static int check_exponent(const struct rsa *k, struct err *err)
{
    return BN_is_word(k->e, EXPONENT) ? 0 : err_set(err, ERR_WEAK_KEY, "the exponent is not %d", EXPONENT);
}

static int check_size(const struct rsa *k, struct err *err)
{
    int bits = BN_num_bits(k->n), right = k->type == KEY_RSA2048   ? 2048
                                          : k->type == KEY_RSA3072 ? 3072
                                                                   : 4096;
    return bits == right ? 0
                         : err_set(err, ERR_WEAK_KEY, "the modulus has %d bits, %d are right", bits, right);
}

/* Trial division by every prime below 2^16. */
static int check_small_factors(const struct rsa *k, struct err *err)
{
    uint8_t composite[SMALL_LIMIT] = {0};
    for (unsigned int p = 2; p < SMALL_LIMIT; p++) {
        if (composite[p])
            continue;
        if (BN_mod_word(k->n, p) == 0)
            return err_set(err, ERR_WEAK_KEY, "the modulus is divisible by %u", p);
        for (unsigned int m = p * p; p < 256 && m < SMALL_LIMIT; m += p)
            composite[m] = 1;
    }
    return 0;
}

/* CVE-2017-15361 (ROCA): primes of the form k·M + (65537^a mod M), M a product of the first primes. Then n
 * too lies, modulo each of those, in the subgroup that 65537 generates; of honest moduli one in 2^27 does. */
static int check_roca(const struct rsa *k, struct err *err)
{
    static const uint8_t PRIMES[] = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                     47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                     107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
    for (size_t i = 0; i < COUNT(PRIMES); i++) {
        unsigned int p = PRIMES[i], residue = (unsigned int)BN_mod_word(k->n, p), power = 1;
        do
            power = power * (EXPONENT % p) % p;
        while (power != 1 && power != residue);
        if (power != residue)
            return 0;
    }
    return err_set(err, ERR_WEAK_KEY, "the modulus bears the ROCA fingerprint (CVE-2017-15361)");
}

/* floor(sqrt(n)) by Newton's iteration from above. */
static bool square_root(BIGNUM *root, const BIGNUM *n, BN_CTX *ctx)
{
    bool good = false;
    BN_CTX_start(ctx);
    BIGNUM *next = BN_CTX_get(ctx);
    if (!next)
        goto out;
    BN_zero(root);
    if (BN_is_zero(n)) {
        good = true;
        goto out;
    }
    if (!BN_set_bit(root, (BN_num_bits(n) + 1) / 2))
        goto out;
    for (;;) {
        if (!BN_div(next, NULL, n, root, ctx) || !BN_add(next, next, root) || !BN_rshift1(next, next))
            goto out;
        if (BN_cmp(next, root) >= 0)
            break;
        if (!BN_copy(root, next))
            goto out;
    }
    good = true;
out:
    BN_CTX_end(ctx);
    return good;
}

/* 1 a square, 0 none, -1 out of memory. Most numbers are no squares modulo one of these: no root is taken
 * then. */
static int is_square(const BIGNUM *n, BN_CTX *ctx)
{
    static const unsigned int MODULI[] = {64, 63, 65, 11, 17, 19, 23, 31};
    for (size_t i = 0; i < COUNT(MODULI); i++) {
        unsigned int m = MODULI[i], residue = (unsigned int)BN_mod_word(n, m), x = 0;
        while (x < m && x * x % m != residue)
            x++;
        if (x == m)
            return 0;
    }
    int result = -1;
    BN_CTX_start(ctx);
    BIGNUM *root = BN_CTX_get(ctx), *square = BN_CTX_get(ctx);
    if (square && square_root(root, n, ctx) && BN_sqr(square, root, ctx))
        result = BN_cmp(square, n) == 0;
    BN_CTX_end(ctx);
    return result;
}

/* Fermat: n = a² − b² with a near the root of n when the primes are close (a perfect square is b = 0). */
static int check_close_primes(const struct rsa *k, struct err *err)
{
    int found = -1;
    BN_CTX_start(k->ctx);
    BIGNUM *a = BN_CTX_get(k->ctx), *b2 = BN_CTX_get(k->ctx);
    if (!b2 || !BN_copy(a, k->root) || !BN_sqr(b2, a, k->ctx) || !BN_sub(b2, b2, k->n))
        goto out;
    for (int round = 0; round < FERMAT_ROUNDS; round++) {
        if (!BN_is_negative(b2) && (found = is_square(b2, k->ctx)) != 0)
            goto out;
        /* (a+1)² − n = b2 + 2a + 1 */
        found = -1;
        if (!BN_add(b2, b2, a) || !BN_add_word(a, 1) || !BN_add(b2, b2, a))
            goto out;
    }
    found = 0;
out:
    BN_CTX_end(k->ctx);
    if (found == 0)
        return 0;
    return found > 0
               ? err_set(err, ERR_WEAK_KEY, "the two primes are so close that the modulus factors at once")
               : err_set(err, ERR_MEMORY, "weak key check");
}

static int check_rsa(EVP_PKEY *key, enum key_type expected, struct err *err)
{
    static int (*const CHECKS[])(const struct rsa *, struct err *) = {
        check_exponent, check_size, check_small_factors, check_roca, check_close_primes,
    };
    struct rsa k = {.type = expected, .ctx = BN_CTX_new(), .root = BN_new()};
    int rc = -1;
    if (!k.ctx || !k.root || !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &k.n) ||
        !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &k.e) || !square_root(k.root, k.n, k.ctx)) {
        err_set(err, ERR_MEMORY, "weak key check");
        goto out;
    }
    rc = 0;
    for (size_t i = 0; rc == 0 && i < COUNT(CHECKS); i++)
        rc = CHECKS[i](&k, err);
out:
    BN_free(k.n);
    BN_free(k.e);
    BN_free(k.root);
    BN_CTX_free(k.ctx);
    return rc;
}

/* ---- EC ---------------------------------------------------------------------------------------- */

/* Both curves have cofactor 1: a point that is on the curve and not infinity is of the right order. */
static int check_point(const unsigned char *point, int len, int nid, struct err *err)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
    EC_POINT *q = group ? EC_POINT_new(group) : NULL;
    int rc = -1;
    if (!q)
        err_set(err, ERR_MEMORY, "weak key check");
    else if (len == 1 && point[0] == 0)
        err_set(err, ERR_WEAK_KEY, "the point is the point at infinity");
    else if (len != 1 + 2 * ((EC_GROUP_get_degree(group) + 7) / 8) ||
             point[0] != POINT_CONVERSION_UNCOMPRESSED)
        err_set(err, ERR_WEAK_KEY, "the point is not in uncompressed form");
    else if (!EC_POINT_oct2point(group, q, point, (size_t)len, NULL) ||
             EC_POINT_is_on_curve(group, q, NULL) != 1)
        err_set(err, ERR_WEAK_KEY, "the point is not on its curve");
    else
        rc = 0;
    EC_POINT_free(q);
    EC_GROUP_free(group);
    return rc;
}

static int check_ec(const X509_ALGOR *algorithm, const unsigned char *point, int len, enum key_type expected,
                    struct err *err)
{
    const ASN1_OBJECT *oid;
    int type, nid = expected == KEY_P256 ? NID_X9_62_prime256v1 : NID_secp384r1;
    const void *curve;
    X509_ALGOR_get0(&oid, &type, &curve, algorithm);
    if (type != V_ASN1_OBJECT || OBJ_obj2nid(curve) != nid)
        return err_set(err, ERR_WEAK_KEY, "the curve is not the named curve %s", key_type_name(expected));
    return check_point(point, len, nid, err);
}

static int check_spki(X509_PUBKEY *spki, enum key_type expected, struct err *err)
{
    ASN1_OBJECT *oid;
    const unsigned char *bits;
    int len, wanted = key_type_is_ec(expected) ? NID_X9_62_id_ecPublicKey : NID_rsaEncryption;
    X509_ALGOR *algorithm;
    if (!X509_PUBKEY_get0_param(&oid, &bits, &len, &algorithm, spki))
        return err_set(err, ERR_WEAK_KEY, "the public key cannot be read");
    if (OBJ_obj2nid(oid) != wanted)
        return err_set(err, ERR_WEAK_KEY, "the key is not %s", key_type_name(expected));
    if (key_type_is_ec(expected))
        return check_ec(algorithm, bits, len, expected, err);
    EVP_PKEY *key = X509_PUBKEY_get0(spki);
    if (!key)
        return err_set(err, ERR_WEAK_KEY, "the RSA key cannot be read");
    return check_rsa(key, expected, err);
}

int weak_key_check(const void *spki, size_t len, enum key_type expected, struct err *err)
{
    if (expected == KEY_NONE || expected >= KEY_TYPE_COUNT)
        return err_set(err, ERR_INTERNAL, "weak key check of no key type");
    if (len > SPKI_MAX)
        return err_set(err, ERR_WEAK_KEY, "a public key of %zu bytes, at most %d are allowed", len, SPKI_MAX);
    X509_PUBKEY *parsed = parse_spki(spki, len, err);
    if (!parsed) {
        err->code = ERR_WEAK_KEY;
        return -1;
    }
    int rc = check_spki(parsed, expected, err);
    X509_PUBKEY_free(parsed);
    ERR_clear_error();
    return rc;
}
