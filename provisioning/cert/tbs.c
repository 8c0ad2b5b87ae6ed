#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "cert/cert.h"
#include "cert/extensions.h"
#include "cert/name.h"
#include "cert/parse.h"
#include "cert/sigalg.h"
#include "base/key_type.h"

#define DAY INT64_C(86400)

/* Unix seconds of a certificate's time, which OpenSSL has parsed; -1 when it cannot be told. */
static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : -1;
}

static void text_of(int64_t seconds, char ret[CLOCK_UTC_SIZE])
{
    clock_utc_text(seconds * 1000, ret);
}

static int check_days(const struct tbs_input *in, int64_t *ret_days, struct err *err)
{
    int64_t days = in->application->validity_days;
    if (days == 0)
        days = in->profile->validity_days;
    if (days < 1 || days > in->profile->validity_days_max)
        return err_set(err, ERR_PROFILE, "validity_days: %" PRId64 ", profile %s allows 1 to %" PRId64, days,
                       in->profile->name, in->profile->validity_days_max);
    *ret_days = days;
    return 0;
}

/* RFC 5280 4.1.2.5: both ends belong to the period, so the last second is one before the anniversary. */
static int set_validity(X509 *cert, X509 *ca, const struct tbs_input *in, struct err *err)
{
    int64_t days = 0, ca_from = seconds_of(X509_get0_notBefore(ca)),
            ca_to = seconds_of(X509_get0_notAfter(ca));
    char a[CLOCK_UTC_SIZE], b[CLOCK_UTC_SIZE];
    if (check_days(in, &days, err) != 0)
        return -1;
    int64_t last = in->not_before + days * DAY - 1;
    if (in->not_before < ca_from || in->not_before > ca_to) {
        text_of(in->not_before, a);
        text_of(in->not_before < ca_from ? ca_from : ca_to, b);
        return err_set(err, ERR_CA_EXPIRED, "the CA certificate %s at %s: its validity %s %s",
                       in->not_before < ca_from ? "is not valid yet" : "has expired", a,
                       in->not_before < ca_from ? "begins" : "ended", b);
    }
    if (last > ca_to) {
        text_of(last, a);
        text_of(ca_to, b);
        return err_set(err, ERR_CA_VALIDITY, "%" PRId64 " days would end %s, the CA certificate ends %s",
                       days, a, b);
    }
    /* UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5): ASN1_TIME_set does so. */
    if (!ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)in->not_before) ||
        !ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)last))
        return err_set(err, ERR_MEMORY, "validity");
    return 0;
}

static int set_serial(X509 *cert, const struct tbs_input *in, struct err *err)
{
    if (in->serial_len == 0 || in->serial_len > SERIAL_NUMBER_MAX + 1)
        return err_set(err, ERR_CERT_LINT, "serial number of %zu octets", in->serial_len);
    BIGNUM *n = BN_bin2bn(in->serial, (int)in->serial_len, NULL);
    bool good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return good ? 0 : err_set(err, ERR_MEMORY, "serial number");
}

static int set_algorithm(X509 *cert, X509 *ca, struct err *err)
{
    EVP_PKEY *ca_key = X509_get0_pubkey(ca);
    enum key_type ca_type = ca_key ? key_type_of(ca_key) : KEY_NONE;
    int nid = ca_signature_nid(ca_type);
    if (nid == NID_undef)
        return err_set(err, ERR_CA_MISMATCH, "the CA's key is of no known type");
    /* OpenSSL sets it only in the act of signing; the object is this certificate's own. */
    X509_ALGOR *algorithm = (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(cert);
    int parameters =
        ca_type == KEY_P256 || ca_type == KEY_P384 ? V_ASN1_UNDEF : V_ASN1_NULL; /* RFC 5758, RFC 4055 */
    return X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), parameters, NULL)
               ? 0
               : err_set(err, ERR_MEMORY, "algorithm");
}

static int set_names(X509 *cert, X509 *ca, const struct tbs_input *in, struct err *err)
{
    X509_NAME *subject = name_build(in->profile, in->application, err);
    if (!subject)
        return -1;
    bool good = X509_set_subject_name(cert, subject) && X509_set_issuer_name(cert, X509_get_subject_name(ca));
    X509_NAME_free(subject);
    return good ? 0 : err_set(err, ERR_MEMORY, "names");
}

static int set_public_key(X509 *cert, const struct tbs_input *in, struct err *err)
{
    EVP_PKEY *key = parse_public_key(in->spki, in->spki_len, err);
    if (!key)
        return -1;
    enum key_type type = key_type_of(key);
    int rc = 0;
    if (type != in->profile->key_type)
        rc = err_set(err, ERR_PROFILE, "the key is %s, profile %s is for %s",
                     type == KEY_NONE ? "of no known type" : key_type_name(type), in->profile->name,
                     key_type_name(in->profile->key_type));
    else if (!X509_set_pubkey(cert, key))
        rc = err_set(err, ERR_MEMORY, "public key");
    EVP_PKEY_free(key);
    return rc;
}

static int encode(X509 *cert, struct buf *b, struct err *err)
{
    unsigned char *der = NULL;
    int n = i2d_re_X509_tbs(cert, &der);
    if (n <= 0)
        return err_set(err, ERR_INTERNAL, "the certificate's content cannot be encoded");
    int rc = n <= TBS_MAX ? buf_put(b, der, (size_t)n, err)
                          : err_set(err, ERR_TOO_LARGE,
                                    "certificate content of %d bytes, at most %d are allowed", n, TBS_MAX);
    OPENSSL_free(der);
    return rc;
}

int tbs_build(const struct tbs_input *in, struct buf *ret_tbs, struct err *err)
{
    struct buf tbs;
    buf_init(&tbs);
    int rc = -1;
    X509 *cert = NULL, *ca = parse_certificate(in->ca, in->ca_len, "CA certificate", err);
    if (!ca)
        goto out;
    cert = X509_new();
    if (!cert || !X509_set_version(cert, X509_VERSION_3)) {
        err_set(err, ERR_MEMORY, "certificate");
        goto out;
    }
    if (set_serial(cert, in, err) != 0 || set_algorithm(cert, ca, err) != 0 ||
        set_public_key(cert, in, err) != 0 || set_names(cert, ca, in, err) != 0 ||
        set_validity(cert, ca, in, err) != 0 ||
        extensions_add(cert, ca, in->profile, in->application, err) != 0 || encode(cert, &tbs, err) != 0 ||
        tbs_lint(in, tbs.data, tbs.len, err) != 0)
        goto out;
    rc = buf_put(ret_tbs, tbs.data, tbs.len, err);
out:
    X509_free(cert);
    X509_free(ca);
    buf_done(&tbs);
    ERR_clear_error();
    return rc;
}
