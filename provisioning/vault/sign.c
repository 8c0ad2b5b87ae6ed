#include "vault/sign.h"

#include <string.h>

#include "cert/sigalg.h"
#include "vault/der.h"

#define SIGNATURE_MAX 1024

/* EVP_DigestSign, not X509_sign: that one would encode the TBS afresh, and what was reserved are the bytes.
 */
static int make_signature(const struct ca *ca, struct hsm *hsm, const void *tbs, size_t len,
                          uint8_t sig[SIGNATURE_MAX], size_t *ret_len, struct err *err)
{
    const EVP_MD *md = EVP_get_digestbyname(ca_digest_name(ca->key_type));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int rc = 0;
    *ret_len = SIGNATURE_MAX;
    if (!ctx)
        rc = err_set(err, ERR_MEMORY, "a signature");
    else if (EVP_DigestSignInit(ctx, NULL, md, NULL, hsm_key(hsm, HSM_CA)) != 1 ||
             EVP_DigestSign(ctx, sig, ret_len, tbs, len) != 1)
        rc = hsm_evp_failed(hsm, "sign the certificate", err);
    EVP_MD_CTX_free(ctx);
    return rc;
}

/* ECDSA: no parameters (RFC 5758 3.2); RSA: NULL (RFC 4055 5). */
static int put_algorithm(const struct ca *ca, struct buf *b, struct err *err)
{
    bool rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(ca->cert)) == EVP_PKEY_RSA;
    unsigned char *der = NULL;
    X509_ALGOR *algorithm = X509_ALGOR_new();
    int n = -1;
    if (algorithm && X509_ALGOR_set0(algorithm, OBJ_nid2obj(ca_signature_nid(ca->key_type)),
                                     rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) == 1)
        n = i2d_X509_ALGOR(algorithm, &der);
    int rc = n > 0 ? buf_put(b, der, (size_t)n, err) : err_set(err, ERR_MEMORY, "an algorithm identifier");
    OPENSSL_free(der);
    X509_ALGOR_free(algorithm);
    return rc;
}

static int assemble(const struct ca *ca, const void *tbs, size_t len, const uint8_t *sig, size_t sig_len,
                    struct buf *ret, struct err *err)
{
    struct buf body;
    int rc = -1;
    buf_init(&body);
    if (buf_put(&body, tbs, len, err) == 0 && put_algorithm(ca, &body, err) == 0 &&
        der_put_header(&body, DER_BIT_STRING, sig_len + 1, err) == 0 && buf_put(&body, "\0", 1, err) == 0 &&
        buf_put(&body, sig, sig_len, err) == 0 && der_put_header(ret, DER_SEQUENCE, body.len, err) == 0)
        rc = buf_put(ret, body.data, body.len, err);
    buf_done(&body);
    return rc;
}

/* An HSM that errs, or that lies, is found out here and not by the organisation. */
static int verify(const struct ca *ca, const struct buf *der, struct err *err)
{
    const uint8_t *p = der->data;
    X509 *x = d2i_X509(NULL, &p, (long)der->len);
    bool fine = x && p == der->data + der->len && X509_verify(x, X509_get0_pubkey(ca->cert)) == 1;
    X509_free(x);
    return fine ? 0
                : err_set(err, ERR_HSM,
                          "the HSM's signature does not verify with the CA certificate: not let out");
}

int sign_tbs(const struct ca *ca, struct hsm *hsm, const void *tbs, size_t len, struct buf *ret_certificate,
             struct err *err)
{
    uint8_t sig[SIGNATURE_MAX];
    size_t sig_len = 0;
    buf_reset(ret_certificate);
    if (make_signature(ca, hsm, tbs, len, sig, &sig_len, err) != 0 ||
        assemble(ca, tbs, len, sig, sig_len, ret_certificate, err) != 0)
        return -1;
    if (ret_certificate->len > CERTIFICATE_MAX)
        return err_set(err, ERR_TOO_LARGE, "a certificate of %zu bytes", ret_certificate->len);
    return verify(ca, ret_certificate, err);
}
