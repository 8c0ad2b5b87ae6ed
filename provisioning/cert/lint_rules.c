/* Rules of lint.h on a certificate's frame: encoding, serial number, algorithm, names, validity, key. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>

#include "base/utf8.h"
#include "cert/lint.h"
#include "cert/name.h"
#include "cert/parse.h"
#include "cert/profile_rules.h"
#include "cert/sigalg.h"
#include "domain/plain_text.h"

#define DAY          INT64_C(86400)
#define SERIAL_BITS  64
#define SERIAL_BYTES 20

static int fail(struct err *err, const char *reason)
{
    return err_set(err, ERR_CERT_LINT, "%s", reason);
}

int lint_encoding(const struct lint *l, struct err *err)
{
    unsigned char *der = NULL;
    X509 *copy = X509_dup(l->cert);
    int n = copy ? i2d_re_X509_tbs(copy, &der) : 0;
    bool same = n > 0 && (size_t)n == l->tbs_len && memcmp(der, l->tbs, l->tbs_len) == 0 &&
                der_is_strict(l->tbs, l->tbs_len);
    OPENSSL_free(der);
    X509_free(copy);
    return same ? 0 : fail(err, "it is not in the one form that DER has");
}

int lint_version(const struct lint *l, struct err *err)
{
    return X509_get_version(l->cert) == X509_VERSION_3 ? 0 : fail(err, "it is not v3");
}

int lint_unique_ids(const struct lint *l, struct err *err)
{
    const ASN1_BIT_STRING *issuer, *subject;
    X509_get0_uids(l->cert, &issuer, &subject);
    return issuer || subject ? fail(err, "unique identifiers are for no one") : 0;
}

/* ---- serial number ----------------------------------------------------------------------------- */

static const uint8_t *serial(const struct lint *l, size_t *ret_len)
{
    const ASN1_INTEGER *n = X509_get0_serialNumber(l->cert);
    *ret_len = (size_t)ASN1_STRING_length(n);
    return ASN1_STRING_get0_data(n);
}

int lint_serial_positive(const struct lint *l, struct err *err)
{
    size_t len;
    const uint8_t *n = serial(l, &len);
    bool negative = ASN1_STRING_type(X509_get0_serialNumber(l->cert)) == V_ASN1_NEG_INTEGER;
    return negative || len == 0 || (len == 1 && n[0] == 0) ? fail(err, "it is zero or negative") : 0;
}

int lint_serial_length(const struct lint *l, struct err *err)
{
    size_t len;
    const uint8_t *n = serial(l, &len);
    len += n[0] >= 0x80; /* the octet that keeps it positive counts */
    return len <= SERIAL_BYTES
               ? 0
               : err_set(err, ERR_CERT_LINT, "%zu octets, at most %d are allowed", len, SERIAL_BYTES);
}

/* A random number of 64 bits and more has four different octets and no constant step, but for one in a
 * billion. */
int lint_serial_strength(const struct lint *l, struct err *err)
{
    size_t len, different = 0;
    bool seen[256] = {false}, steps = true;
    const uint8_t *n = serial(l, &len);
    size_t bits = len * 8;
    for (uint8_t top = n[0]; len > 0 && bits > 0 && !(top & 0x80); top = (uint8_t)(top << 1 | 1))
        bits--;
    if (bits < SERIAL_BITS)
        return err_set(err, ERR_CERT_LINT, "%zu bits, at least %d must be there", bits, SERIAL_BITS);
    for (size_t i = 0; i < len; i++) {
        different += !seen[n[i]];
        seen[n[i]] = true;
        if (i >= 2 && (uint8_t)(n[i] - n[i - 1]) != (uint8_t)(n[1] - n[0]))
            steps = false;
    }
    return different < 4 || steps ? fail(err, "a pattern, not a random number") : 0;
}

int lint_serial_given(const struct lint *l, struct err *err)
{
    size_t len, given_len = l->in->serial_len;
    const uint8_t *n = serial(l, &len), *given = l->in->serial;
    while (given_len > 1 && given[0] == 0)
        given++, given_len--;
    return len == given_len && memcmp(n, given, len) == 0 ? 0
                                                          : fail(err, "it is not the number that was drawn");
}

/* ---- algorithm, issuer ------------------------------------------------------------------------- */

int lint_algorithm(const struct lint *l, struct err *err)
{
    const ASN1_OBJECT *oid;
    int type;
    X509_ALGOR_get0(&oid, &type, NULL, X509_get0_tbs_sigalg(l->cert));
    int nid = ca_signature_nid(l->ca_type);
    if (nid == NID_undef || OBJ_obj2nid(oid) != nid)
        return err_set(err, ERR_CERT_LINT, "it says %s, the CA signs with %s", OBJ_nid2sn(OBJ_obj2nid(oid)),
                       OBJ_nid2sn(nid));
    if (type != (key_type_is_ec(l->ca_type) ? V_ASN1_UNDEF : V_ASN1_NULL))
        return fail(err, "its parameters must be NULL for RSA and absent for ECDSA");
    return 0;
}

static bool name_is(const X509_NAME *name, const void *der, size_t len)
{
    const unsigned char *bytes;
    size_t n;
    return X509_NAME_get0_der(name, &bytes, &n) && n == len && memcmp(bytes, der, len) == 0;
}

int lint_issuer(const struct lint *l, struct err *err)
{
    const unsigned char *bytes;
    size_t n;
    const X509_NAME *ca = X509_get_subject_name(l->ca);
    if (X509_NAME_entry_count(ca) == 0 || !X509_NAME_get0_der(ca, &bytes, &n))
        return fail(err, "the CA certificate has no subject");
    if (!name_is(X509_get_issuer_name(l->cert), bytes, n))
        return fail(err, "it is not, byte for byte, the CA's subject");
    return 0;
}

/* ---- validity ---------------------------------------------------------------------------------- */

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MIN;
}

static int check_time(const ASN1_TIME *time, const char *name, struct err *err)
{
    int type = ASN1_STRING_type(time), len = ASN1_STRING_length(time);
    const char *text = (const char *)ASN1_STRING_get0_data(time);
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return err_set(err, ERR_CERT_LINT, "%s is no time", name);
    int right = tm.tm_year + 1900 < 2050 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME;
    if (type != right)
        return err_set(err, ERR_CERT_LINT, "%s of the year %d must be a %s", name, tm.tm_year + 1900,
                       right == V_ASN1_UTCTIME ? "UTCTime" : "GeneralizedTime");
    if (len != (type == V_ASN1_UTCTIME ? 13 : 15) || text[len - 1] != 'Z')
        return err_set(err, ERR_CERT_LINT, "%s must have whole seconds and end with Z", name);
    return 0;
}

int lint_validity_encoding(const struct lint *l, struct err *err)
{
    if (check_time(X509_get0_notBefore(l->cert), "notBefore", err) != 0)
        return -1;
    return check_time(X509_get0_notAfter(l->cert), "notAfter", err);
}

int lint_validity_order(const struct lint *l, struct err *err)
{
    if (seconds_of(X509_get0_notBefore(l->cert)) > seconds_of(X509_get0_notAfter(l->cert)))
        return fail(err, "it ends before it begins");
    return 0;
}

int lint_validity_ca(const struct lint *l, struct err *err)
{
    if (seconds_of(X509_get0_notAfter(l->cert)) > seconds_of(X509_get0_notAfter(l->ca)))
        return fail(err, "it would outlive the CA certificate");
    if (seconds_of(X509_get0_notBefore(l->cert)) < seconds_of(X509_get0_notBefore(l->ca)))
        return fail(err, "it would begin before the CA certificate does");
    return 0;
}

int lint_validity_profile(const struct lint *l, struct err *err)
{
    int64_t from = seconds_of(X509_get0_notBefore(l->cert)), to = seconds_of(X509_get0_notAfter(l->cert));
    int64_t days = l->in->application->validity_days;
    if (days == 0)
        days = l->in->profile->validity_days;
    if (from != l->in->not_before)
        return fail(err, "it does not begin when it should");
    if (to - from + 1 > l->in->profile->validity_days_max * DAY)
        return err_set(err, ERR_CERT_LINT, "it is longer than the %lld days that the profile allows",
                       (long long)l->in->profile->validity_days_max);
    if (to - from + 1 != days * DAY)
        return err_set(err, ERR_CERT_LINT, "it is not the %lld days asked for", (long long)days);
    return 0;
}

/* ---- subject ----------------------------------------------------------------------------------- */

/* Call `check` on each attribute of the subject, as UTF-8. */
static int each_attribute(const struct lint *l,
                          int (*check)(const struct name_attribute *, const ASN1_STRING *, const char *,
                                       struct err *),
                          struct err *err)
{
    const X509_NAME *subject = X509_get_subject_name(l->cert);
    for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        const struct name_attribute *attribute = name_attribute_of(X509_NAME_ENTRY_get_object(entry));
        const ASN1_STRING *data = X509_NAME_ENTRY_get_data(entry);
        unsigned char *text = NULL;
        int len = ASN1_STRING_to_UTF8(&text, data), rc;
        if (!attribute)
            rc = fail(err, "an attribute that no profile knows");
        else if (len < 0 || strlen((char *)text) != (size_t)len)
            rc = fail(err, "it cannot be read as text");
        else
            rc = check(attribute, data, (char *)text, err);
        OPENSSL_free(text);
        if (rc != 0)
            return attribute ? err_prepend(err, "%s", attribute->name) : -1;
    }
    return 0;
}

static int check_country(const struct name_attribute *attribute, const ASN1_STRING *data, const char *text,
                         struct err *err)
{
    (void)data;
    if (attribute->nid != NID_countryName)
        return 0;
    bool good = strlen(text) == 2 && isupper((unsigned char)text[0]) && isupper((unsigned char)text[1]);
    return good ? 0 : fail(err, "it must be two upper-case letters");
}

static int check_length(const struct name_attribute *attribute, const ASN1_STRING *data, const char *text,
                        struct err *err)
{
    (void)data;
    size_t chars = utf8_chars(text);
    if (chars > 0 && chars <= attribute->max_chars)
        return 0;
    return err_set(err, ERR_CERT_LINT, "%zu characters, 1 to %zu are allowed", chars, attribute->max_chars);
}

static int check_characters(const struct name_attribute *attribute, const ASN1_STRING *data, const char *text,
                            struct err *err)
{
    (void)data;
    return plain_text_check(text, attribute->max_chars, err);
}

static int check_encoding(const struct name_attribute *attribute, const ASN1_STRING *data, const char *text,
                          struct err *err)
{
    if (ASN1_STRING_type(data) != attribute->string_type)
        return err_set(err, ERR_CERT_LINT, "it must be a %s",
                       attribute->string_type == V_ASN1_UTF8STRING ? "UTF8String" : "PrintableString");
    if (attribute->string_type == V_ASN1_PRINTABLESTRING &&
        ASN1_PRINTABLE_type((const unsigned char *)text, -1) != V_ASN1_PRINTABLESTRING)
        return fail(err, "it has a character that no PrintableString has");
    return 0;
}

int lint_name_country(const struct lint *l, struct err *err)
{
    return each_attribute(l, check_country, err);
}

int lint_name_length(const struct lint *l, struct err *err)
{
    return each_attribute(l, check_length, err);
}

int lint_name_characters(const struct lint *l, struct err *err)
{
    return each_attribute(l, check_characters, err);
}

int lint_name_encoding(const struct lint *l, struct err *err)
{
    return each_attribute(l, check_encoding, err);
}

int lint_subject(const struct lint *l, struct err *err)
{
    struct buf expected;
    buf_init(&expected);
    int rc = cert_subject(l->in->profile, l->in->application, &expected, err);
    if (rc == 0 && !name_is(X509_get_subject_name(l->cert), expected.data, expected.len))
        rc = fail(err, "it is not what profile and application give");
    buf_done(&expected);
    return rc;
}

/* ---- public key -------------------------------------------------------------------------------- */

int lint_public_key(const struct lint *l, struct err *err)
{
    struct buf spki;
    buf_init(&spki);
    int rc = put_item(X509_get_X509_PUBKEY(l->cert), X509_PUBKEY, &spki, err);
    if (rc == 0 && (spki.len != l->in->spki_len || memcmp(spki.data, l->in->spki, spki.len) != 0))
        rc = fail(err, "it is not, byte for byte, the token's");
    buf_done(&spki);
    return rc;
}

int lint_key_type(const struct lint *l, struct err *err)
{
    EVP_PKEY *key = X509_get0_pubkey(l->cert);
    enum key_type type = key ? key_type_of(key) : KEY_NONE;
    return type == l->in->profile->key_type
               ? 0
               : err_set(err, ERR_CERT_LINT, "%s, the profile is for %s",
                         type == KEY_NONE ? "of no known type" : key_type_name(type),
                         key_type_name(l->in->profile->key_type));
}

/* What weak_key_check looks at in depth, the cheap part of it again: no path to a certificate may go round
 * it. */
int lint_key_parameters(const struct lint *l, struct err *err)
{
    EVP_PKEY *key = X509_get0_pubkey(l->cert);
    BIGNUM *e = NULL;
    const X509_ALGOR *algorithm;
    ASN1_OBJECT *oid;
    const void *curve;
    int type;
    if (!X509_PUBKEY_get0_param(&oid, NULL, NULL, (X509_ALGOR **)(uintptr_t)&algorithm,
                                X509_get_X509_PUBKEY(l->cert)))
        return fail(err, "it cannot be read");
    X509_ALGOR_get0(NULL, &type, &curve, algorithm);
    if (EVP_PKEY_is_a(key, "EC"))
        return type == V_ASN1_OBJECT ? 0 : fail(err, "the curve must be named, not spelled out");
    bool good =
        type == V_ASN1_NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) && BN_is_word(e, 65537);
    BN_free(e);
    return good ? 0 : fail(err, "the exponent must be 65537");
}
