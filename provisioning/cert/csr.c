#include <limits.h>
#include <string.h>

#include <openssl/err.h>

#include "cert/cert.h"
#include "cert/parse.h"

/* What a token may sign with: its key's, and no digest that has been broken. */
static const int SIGNATURES[] = {
    NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512,
    NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption,
};

static X509_REQ *parse_request(const void *der, size_t len, struct err *err)
{
    const unsigned char *p = der;
    X509_REQ *req = len > 0 && len <= INT_MAX ? d2i_X509_REQ(NULL, &p, (long)len) : NULL;
    ERR_clear_error();
    if (req && p == (const unsigned char *)der + len)
        return req;
    err_set(err, ERR_TOKEN_MISMATCH, "%s",
            req ? "bytes behind the request" : "it is no PKCS#10 request in DER");
    X509_REQ_free(req);
    return NULL;
}

static int same_der(const struct buf *found, const void *expected, size_t len, const char *what,
                    struct err *err)
{
    if (found->len == len && memcmp(found->data, expected, len) == 0)
        return 0;
    return err_set(err, ERR_TOKEN_MISMATCH, "its %s is not the one expected", what);
}

static bool signature_known(int nid)
{
    for (size_t i = 0; i < sizeof(SIGNATURES) / sizeof(SIGNATURES[0]); i++)
        if (SIGNATURES[i] == nid)
            return true;
    return false;
}

static int check_request(X509_REQ *req, const void *subject, size_t subject_len, const void *spki,
                         size_t spki_len, struct err *err)
{
    struct buf name, key;
    buf_init(&name);
    buf_init(&key);
    int rc = -1;
    EVP_PKEY *public = X509_REQ_get0_pubkey(req);
    if (X509_REQ_get_version(req) != X509_REQ_VERSION_1) {
        err_set(err, ERR_TOKEN_MISMATCH, "its version is not 1");
        goto out;
    }
    if (put_item(X509_REQ_get_subject_name(req), X509_NAME, &name, err) != 0 ||
        put_item(X509_REQ_get_X509_PUBKEY(req), X509_PUBKEY, &key, err) != 0 ||
        same_der(&name, subject, subject_len, "subject", err) != 0 ||
        same_der(&key, spki, spki_len, "public key", err) != 0)
        goto out;
    if (!signature_known(X509_REQ_get_signature_nid(req))) {
        err_set(err, ERR_TOKEN_MISMATCH, "it is signed with %s", OBJ_nid2sn(X509_REQ_get_signature_nid(req)));
        goto out;
    }
    if (!public || X509_REQ_verify(req, public) != 1) {
        err_set(err, ERR_TOKEN_MISMATCH, "its signature does not verify");
        goto out;
    }
    rc = 0;
out:
    ERR_clear_error();
    buf_done(&name);
    buf_done(&key);
    return rc;
}

int csr_check(const void *csr, size_t csr_len, const void *subject, size_t subject_len, const void *spki,
              size_t spki_len, struct err *err)
{
    if (csr_len > CSR_MAX)
        return err_set(err, ERR_TOO_LARGE, "request: %zu bytes, at most %d are allowed", csr_len, CSR_MAX);
    X509_REQ *req = parse_request(csr, csr_len, err);
    int rc = req ? check_request(req, subject, subject_len, spki, spki_len, err) : -1;
    X509_REQ_free(req);
    return rc == 0 ? 0 : err_prepend(err, "request");
}

int challenge_check(const void *spki, size_t spki_len, const void *challenge, size_t challenge_len,
                    const void *signature, size_t signature_len, struct err *err)
{
    EVP_PKEY *key = parse_public_key(spki, spki_len, err);
    if (!key)
        return err_prepend(err, "challenge");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, signature, signature_len, challenge, challenge_len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return good ? 0 : err_set(err, ERR_TOKEN_MISMATCH, "challenge: the signature is not the key's");
}
