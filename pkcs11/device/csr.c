#include "device/csr.h"

#include <string.h>

#include <openssl/x509.h>

#include "device/sign.h"

/* The name must come out as it went in: the vault compares it byte for byte. */
static int set_subject(X509_REQ *req, const uint8_t *subject, size_t len, struct err *err)
{
    const unsigned char *p = subject;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)len);
    unsigned char *again = NULL;
    int n = 0;
    bool good = name && p == subject + len && X509_REQ_set_subject_name(req, name) &&
                (n = i2d_X509_NAME(X509_REQ_get_subject_name(req), &again)) > 0 && (size_t)n == len &&
                memcmp(again, subject, len) == 0;
    OPENSSL_free(again);
    X509_NAME_free(name);
    return good ? 0 : err_set(err, ERR_FIELD, "the subject is no Name in DER");
}

static int set_signature(X509_REQ *req, EVP_PKEY *key, const struct buf *signature, struct err *err)
{
    bool rsa = EVP_PKEY_is_a(key, "RSA");
    int nid = rsa                                       ? NID_sha256WithRSAEncryption
              : EVP_MD_is_a(sign_digest(key), "SHA384") ? NID_ecdsa_with_SHA384
                                                        : NID_ecdsa_with_SHA256;
    X509_ALGOR *algorithm = X509_ALGOR_new();
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    /* RFC 4055 section 5: RSA has NULL parameters; RFC 5758 section 3.2: ECDSA has none */
    bool good = algorithm && bits &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) &&
                X509_REQ_set1_signature_algo(req, algorithm) &&
                ASN1_BIT_STRING_set(bits, signature->data, (int)signature->len);
    X509_ALGOR_free(algorithm);
    if (!good) {
        ASN1_BIT_STRING_free(bits);
        return err_set(err, ERR_INTERNAL, "the request cannot take its signature");
    }
    bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07); /* whole bytes: no unused bits */
    bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
    X509_REQ_set0_signature(req, bits); /* the request's own now */
    return 0;
}

static int encode(X509_REQ *req, struct buf *ret, struct err *err)
{
    unsigned char *der = NULL;
    int n = i2d_X509_REQ(req, &der);
    if (n <= 0)
        return err_set(err, ERR_INTERNAL, "the request cannot be encoded");
    int rc = buf_put(ret, der, (size_t)n, err);
    OPENSSL_free(der);
    return rc;
}

int csr_make(const struct session *s, const struct key_pair *pair, EVP_PKEY *key, const void *subject,
             size_t subject_len, struct buf *ret, struct err *err)
{
    struct buf signature;
    buf_init(&signature);
    unsigned char *info = NULL; /* CertificationRequestInfo */
    int n, rc = -1;
    X509_REQ *req = X509_REQ_new();
    if (!req || !X509_REQ_set_version(req, X509_REQ_VERSION_1) || !X509_REQ_set_pubkey(req, key)) {
        err_set(err, ERR_INTERNAL, "the request cannot be built");
        goto out;
    }
    if (set_subject(req, subject, subject_len, err) != 0)
        goto out;
    if ((n = i2d_re_X509_REQ_tbs(req, &info)) <= 0) {
        err_set(err, ERR_INTERNAL, "the request's content cannot be encoded");
        goto out;
    }
    if (sign_data(s, pair->private_key, key, sign_digest(key), info, (size_t)n, &signature, err) != 0 ||
        set_signature(req, key, &signature, err) != 0)
        goto out;
    if (X509_REQ_verify(req, key) != 1) {
        err_set(err, ERR_TOKEN_MISMATCH, "the request's signature does not verify");
        goto out;
    }
    rc = encode(req, ret, err);
out:
    OPENSSL_free(info);
    X509_REQ_free(req);
    buf_done(&signature);
    return rc;
}
