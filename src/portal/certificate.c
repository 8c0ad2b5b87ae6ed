#include "portal/certificate.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define SERIAL_OCTETS_MAX 20 /* RFC 5280, 4.1.2.2 */

int certificate_serial(const char *text, char ret[65], struct err *err)
{
    uint8_t octets[32];
    size_t len, skip = 0;
    struct err ignored;
    if (hex_decode(text, octets, sizeof(octets), &len, &ignored) != 0 || len == 0)
        return err_set(err, ERR_FIELD, "a serial number is an even number of hexadecimal digits");
    while (skip + 1 < len && octets[skip] == 0)
        skip++;
    if (len - skip > SERIAL_OCTETS_MAX || (len - skip == 1 && octets[skip] == 0))
        return err_set(err, ERR_FIELD, "a serial number has 1 to %d octets and is not 0", SERIAL_OCTETS_MAX);
    hex_encode(octets + skip, len - skip, ret);
    return 0;
}

static int read_serial(const X509 *x509, struct certificate *c, struct err *err)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    uint8_t octets[SERIAL_OCTETS_MAX];
    int rc = -1;
    BIGNUM *bn = ASN1_INTEGER_to_BN(serial, NULL);
    if (!bn)
        return err_set(err, ERR_MEMORY, "serial number");
    int len = BN_num_bytes(bn);
    if (BN_is_negative(bn) || len < 1 || len > SERIAL_OCTETS_MAX) {
        err_set(err, ERR_FIELD, "its serial number is not 1 to %d octets of a positive number",
                SERIAL_OCTETS_MAX);
    } else {
        BN_bn2bin(bn, octets);
        hex_encode(octets, (size_t)len, c->serial);
        rc = 0;
    }
    BN_free(bn);
    return rc;
}

static int read_organisation(const X509 *x509, struct certificate *c, struct err *err)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(subject, NID_organizationName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_organizationName, at) >= 0)
        return err_set(err, ERR_FIELD, "its subject must have exactly one organisation (O)");
    unsigned char *text = NULL;
    int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    int rc = 0;
    if (len < 1 || (size_t)len >= sizeof(c->organisation) || memchr(text, '\0', (size_t)len))
        rc = err_set(err, ERR_FIELD, "its organisation (O) cannot be read");
    else
        memcpy(c->organisation, text, (size_t)len);
    if (rc == 0)
        c->organisation[len] = '\0';
    OPENSSL_free(text);
    return rc;
}

static int read_time(const ASN1_TIME *at, int64_t *ret)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(at, &tm) != 1)
        return -1;
    *ret = (int64_t)timegm(&tm) * 1000;
    return 0;
}

static int read_all(X509 *x509, struct certificate *c, struct err *err)
{
    unsigned char digest[SHA256_SIZE];
    unsigned int len;
    if (read_serial(x509, c, err) != 0 || read_organisation(x509, c, err) != 0)
        return -1;
    if (read_time(X509_get0_notBefore(x509), &c->not_before) != 0 ||
        read_time(X509_get0_notAfter(x509), &c->not_after) != 0 || c->not_before >= c->not_after)
        return err_set(err, ERR_FIELD, "its validity cannot be read");
    if (X509_digest(x509, EVP_sha256(), digest, &len) != 1)
        return err_set(err, ERR_MEMORY, "certificate digest");
    hex_encode(digest, sizeof(digest), c->sha256);
    return 0;
}

int certificate_read(const char *pem, struct certificate *ret, struct err *err)
{
    static const char BEGIN[] = "-----BEGIN CERTIFICATE-----", END[] = "-----END CERTIFICATE-----";
    struct certificate c = {0};
    const char *end = strstr(pem, END);
    if (strncmp(pem, BEGIN, strlen(BEGIN)) != 0 || !end ||
        end[strlen(END) + strspn(end + strlen(END), "\r\n")] != '\0')
        return err_set(err, ERR_FIELD, "it must be one PEM certificate and nothing else");
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    int rc = x509 ? read_all(x509, &c, err) : err_set(err, ERR_FIELD, "it is not a certificate");
    X509_free(x509);
    BIO_free(bio);
    ERR_clear_error();
    if (rc == 0)
        *ret = c;
    return rc;
}
