/* What the certificate would say, but for its subject and its extensions. */
#include "vault/check_rules.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "cert/sigalg.h"

#define SECONDS_A_DAY 86400

int check_version(struct check *c, struct err *err)
{
    return X509_get_version(c->cert) == X509_VERSION_3
               ? 0
               : err_set(err, ERR_REFUSED, "not a version 3 certificate");
}

/* RSA: parameters NULL (RFC 4055 section 5); ECDSA: absent (RFC 5758 section 3.2). */
int check_algorithm(struct check *c, struct err *err)
{
    const ASN1_OBJECT *algorithm = NULL;
    int parameters = 0;
    X509_ALGOR_get0(&algorithm, &parameters, NULL, X509_get0_tbs_sigalg(c->cert));
    bool rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(c->ca->cert)) == EVP_PKEY_RSA;
    if (OBJ_obj2nid(algorithm) != ca_signature_nid(c->ca->key_type))
        return err_set(err, ERR_REFUSED, "the TBS names another signature algorithm than the CA's (%s)",
                       OBJ_nid2sn(ca_signature_nid(c->ca->key_type)));
    if (parameters != (rsa ? V_ASN1_NULL : V_ASN1_UNDEF))
        return err_set(err, ERR_REFUSED, "the signature algorithm has parameters it must not have");
    return 0;
}

static int name_der(const X509_NAME *name, const uint8_t **ret, size_t *ret_len)
{
    return X509_NAME_get0_der(name, ret, ret_len) == 1 ? 0 : -1;
}

int check_issuer(struct check *c, struct err *err)
{
    const uint8_t *a = NULL, *b = NULL;
    size_t na = 0, nb = 0;
    if (name_der(X509_get_issuer_name(c->cert), &a, &na) != 0 ||
        name_der(X509_get_subject_name(c->ca->cert), &b, &nb) != 0 || na != nb || memcmp(a, b, na) != 0)
        return err_set(err, ERR_REFUSED, "the issuer is not the CA");
    return 0;
}

int check_unique_ids(struct check *c, struct err *err)
{
    const ASN1_BIT_STRING *issuer = NULL, *subject = NULL;
    X509_get0_uids(c->cert, &issuer, &subject);
    return issuer || subject ? err_set(err, ERR_REFUSED, "it has a unique identifier (RFC 5280 4.1.2.8)") : 0;
}

/* RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, seconds and Z, no fraction. */
static int64_t strict_time(const ASN1_TIME *t)
{
    int64_t unix_time = asn1_time_unix(t);
    bool utc = ASN1_STRING_type(t) == V_ASN1_UTCTIME;
    int len = ASN1_STRING_length(t);
    struct tm tm;
    if (unix_time == INT64_MIN || len != (utc ? 13 : 15) || ASN1_STRING_get0_data(t)[len - 1] != 'Z' ||
        ASN1_TIME_to_tm(t, &tm) != 1 || utc != (tm.tm_year + 1900 < 2050))
        return INT64_MIN;
    return unix_time;
}

int check_not_before(struct check *c, struct err *err)
{
    int64_t from = strict_time(X509_get0_notBefore(c->cert)), now = c->now_ms / 1000;
    if (from == INT64_MIN)
        return err_set(err, ERR_REFUSED, "notBefore is not written as RFC 5280 4.1.2.5 demands");
    if (from < now - SECONDS_A_DAY || from > now + SECONDS_A_DAY)
        return err_set(err, ERR_REFUSED, "notBefore is more than a day from now");
    return 0;
}

int check_validity(struct check *c, struct err *err)
{
    int64_t from = strict_time(X509_get0_notBefore(c->cert)), to = strict_time(X509_get0_notAfter(c->cert));
    int64_t asked =
        c->application.validity_days > 0 ? c->application.validity_days : c->profile->validity_days;
    if (from == INT64_MIN || to == INT64_MIN)
        return err_set(err, ERR_REFUSED, "notBefore or notAfter is not written as RFC 5280 4.1.2.5 demands");
    if (asked > c->profile->validity_days_max)
        return err_set(err, ERR_PROFILE, "%lld days are asked for, profile %s allows %lld", (long long)asked,
                       c->profile->name, (long long)c->profile->validity_days_max);
    /* both ends belong to it (RFC 5280 4.1.2.5): the last second is one less */
    if (to - from != asked * SECONDS_A_DAY - 1)
        return err_set(err, ERR_REFUSED, "it would last %lld seconds, %lld days are asked for",
                       (long long)(to - from + 1), (long long)asked);
    return 0;
}

int check_within_ca(struct check *c, struct err *err)
{
    if (asn1_time_unix(X509_get0_notAfter(c->cert)) > c->ca->not_after)
        return err_set(err, ERR_CA_VALIDITY, "it would be valid for longer than the CA's own certificate");
    if (asn1_time_unix(X509_get0_notBefore(c->cert)) < c->ca->not_before)
        return err_set(err, ERR_CA_VALIDITY, "it would be valid before the CA's own certificate");
    return 0;
}

static bool exponent_is_f4(EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    bool f4 = EVP_PKEY_get_bn_param(key, "e", &e) == 1 && BN_is_word(e, RSA_F4);
    BN_free(e);
    return f4;
}

/* A curve spelled out in full may look like a named one and have another generator. */
static bool curve_is_named(const X509 *cert)
{
    X509_ALGOR *algorithm = NULL;
    int parameters = 0;
    X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(cert));
    X509_ALGOR_get0(NULL, &parameters, NULL, algorithm);
    return parameters == V_ASN1_OBJECT;
}

int check_key_type(struct check *c, struct err *err)
{
    EVP_PKEY *key = X509_get0_pubkey(c->cert);
    enum key_type type = vault_key_type(key);
    if (type == KEY_NONE || type != c->profile->key_type)
        return err_set(err, ERR_PROFILE, "profile %s is for %s keys, this one is %s", c->profile->name,
                       key_type_name(c->profile->key_type),
                       type == KEY_NONE ? "of no known type" : key_type_name(type));
    bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    if (rsa && !exponent_is_f4(key))
        return err_set(err, ERR_WEAK_KEY, "the public exponent is not 65537");
    if (!rsa && !curve_is_named(c->cert))
        return err_set(err, ERR_REFUSED, "the curve is not named by its identifier");
    return 0;
}

/* One key can be written in many ways: a compressed point, absent parameters, another object identifier. By
 * its bytes a key is known again, so there is one way: RFC 5480 2.2 (uncompressed), RFC 3279 2.3.1. */
int check_key_form(struct check *c, struct err *err)
{
    uint8_t *right = NULL, *found = NULL;
    EVP_PKEY *key = EVP_PKEY_dup(X509_get0_pubkey(c->cert));
    bool rsa = key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    int n = -1, m = -1;
    if (key &&
        (rsa || EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                               OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 1))
        n = i2d_PUBKEY(key, &right);
    m = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->cert), &found);
    bool same = right && found && n > 0 && n == m && memcmp(right, found, (size_t)n) == 0;
    OPENSSL_free(right);
    OPENSSL_free(found);
    EVP_PKEY_free(key);
    return same ? 0 : err_set(err, ERR_REFUSED, "the public key is not written in the one way that keys are");
}
