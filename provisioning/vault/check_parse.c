/* The bytes: TBS, CSR, approval. */
#include "vault/check_rules.h"

#include <string.h>

#include <openssl/asn1t.h>

#include "vault/der.h"

/* OpenSSL parses whole certificates, so the TBS gets an algorithm and an empty signature behind it. They are
 * the CA's algorithm's shape for nobody: what is compared later is inside the TBS. */
static X509 *wrap(const uint8_t *tbs, size_t len)
{
    static const uint8_t tail[] = {
        0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, /* ecdsa-with-SHA256 */
        0x03, 0x01, 0x00,                                                       /* BIT STRING, empty */
    };
    struct err err;
    struct buf whole;
    X509 *x = NULL;
    buf_init(&whole);
    if (der_put_header(&whole, DER_SEQUENCE, len + sizeof(tail), &err) == 0 &&
        buf_put(&whole, tbs, len, &err) == 0 && buf_put(&whole, tail, sizeof(tail), &err) == 0) {
        const uint8_t *p = whole.data;
        x = d2i_X509(NULL, &p, (long)whole.len);
        if (x && p != whole.data + whole.len) {
            X509_free(x);
            x = NULL;
        }
    }
    buf_done(&whole);
    return x;
}

/* BER has many encodings of one value and parsers that differ about them; DER has one. So what OpenSSL writes
 * for what it read has to be the very bytes. */
static bool same_again(X509 *x, const uint8_t *tbs, size_t len)
{
    uint8_t *again = NULL;
    int n = i2d_re_X509_tbs(x, &again);
    bool same = n > 0 && (size_t)n == len && memcmp(again, tbs, len) == 0;
    OPENSSL_free(again);
    return same;
}

static int take_serial(struct check *c, struct err *err)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(c->cert);
    int len = ASN1_STRING_length(serial);
    if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || len < 1 || len > SERIAL_NUMBER_MAX)
        return err_set(err, ERR_REFUSED, "the serial number is not positive, or longer than %d bytes",
                       SERIAL_NUMBER_MAX);
    c->serial_len = (size_t)len;
    memcpy(c->serial, ASN1_STRING_get0_data(serial), c->serial_len);
    return 0;
}

static int take_spki(struct check *c, struct err *err)
{
    uint8_t *spki = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->cert), &spki);
    if (n <= 0)
        return err_set(err, ERR_REFUSED, "the TBS has no public key");
    sha256(spki, (size_t)n, c->spki_sha256);
    OPENSSL_free(spki);
    return 0;
}

int check_tbs_der(struct check *c, struct err *err)
{
    const uint8_t *tbs = c->req->tbs.data;
    size_t len = c->req->tbs.len;
    sha256(tbs, len, c->tbs_sha256);
    c->cert = len > 0 ? wrap(tbs, len) : NULL;
    if (!c->cert)
        return err_set(err, ERR_REFUSED, "not a TBSCertificate");
    if (take_spki(c, err) != 0 || take_serial(c, err) != 0)
        return -1;
    return same_again(c->cert, tbs, len) ? 0 : err_set(err, ERR_REFUSED, "the TBS is not in DER");
}

int check_csr_der(struct check *c, struct err *err)
{
    const uint8_t *p = c->req->csr.data;
    size_t len = c->req->csr.len;
    c->csr = len > 0 ? d2i_X509_REQ(NULL, &p, (long)len) : NULL;
    if (!c->csr || p != c->req->csr.data + len)
        return err_set(err, ERR_REFUSED, "not a certification request");
    return 0;
}

int check_csr_signature(struct check *c, struct err *err)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(c->csr);
    if (!key || X509_REQ_verify(c->csr, key) != 1)
        return err_set(err, ERR_REFUSED, "the CSR's signature does not verify with its own key");
    return 0;
}

int check_same_key(struct check *c, struct err *err)
{
    uint8_t *spki = NULL, digest[SHA256_SIZE];
    int n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(c->csr), &spki);
    if (n > 0)
        sha256(spki, (size_t)n, digest);
    OPENSSL_free(spki);
    if (n <= 0 || memcmp(digest, c->spki_sha256, sizeof(digest)) != 0)
        return err_set(err, ERR_REFUSED, "the CSR is of another key than the TBS");
    return 0;
}

int check_approval(struct check *c, struct err *err)
{
    const struct vault_sign_req *r = c->req;
    return approval_verify(r->application.data, r->application.len, r->approval.data, r->approval.len,
                           r->signature.data, r->signature.len, c->portal_key, &c->application, &c->approval,
                           err);
}

int check_profile(struct check *c, struct err *err)
{
    c->profile = profiles_find(c->profiles, c->approval.profile);
    if (!c->profile)
        return err_set(err, ERR_PROFILE, "the vault has no profile \"%s\"", c->approval.profile);
    return 0;
}
