#include "cert/cert.h"
#include "cert/parse.h"

/* OpenSSL reads no TBSCertificate alone: an algorithm and an empty signature behind it make it a Certificate. */
static const uint8_t no_signature[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
                                       0x3d, 0x04, 0x03, 0x02, 0x03, 0x01, 0x00};

int tbs_not_before(const void *tbs, size_t len, int64_t *ret, struct err *err)
{
    struct buf der;
    struct tm tm = {0};
    X509 *x = NULL;
    buf_init(&der);
    int rc = -1;
    if (put_sequence(len + sizeof no_signature, &der, err) < 0 || buf_put(&der, tbs, len, err) < 0 ||
        buf_put(&der, no_signature, sizeof no_signature, err) < 0)
        goto out;
    x = parse_certificate(der.data, der.len, "TBSCertificate", err);
    if (x == NULL)
        goto out;
    if (ASN1_TIME_to_tm(X509_get0_notBefore(x), &tm) != 1) {
        err_set(err, ERR_FIELD, "TBSCertificate: notBefore is no time");
        goto out;
    }
    *ret = timegm(&tm);
    rc = 0;
out:
    X509_free(x);
    buf_done(&der);
    return rc;
}
