/* The self-signed root of a new CA. RFC 5280 4.1, 4.2. */
#include "vault/ca.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/hex.h"
#include "cert/sigalg.h"
#include "domain/application.h"

#define SECONDS_A_DAY 86400
#define DAYS_MAX      (40 * 366)

static bool plain(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

int ca_root_check(const struct vault_ca_init_req *req, struct err *err)
{
    const char *c = req->country;
    if (strlen(c) != 2 || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z')
        return err_set(err, ERR_FIELD, "country: two capital letters are expected");
    if (req->organisation[0] == '\0' || utf8_chars(req->organisation) > DN_CHARACTERS_MAX ||
        !plain(req->organisation))
        return err_set(err, ERR_FIELD, "organisation: 1 to %d characters are expected", DN_CHARACTERS_MAX);
    if (req->common_name[0] == '\0' || utf8_chars(req->common_name) > DN_CHARACTERS_MAX ||
        !plain(req->common_name))
        return err_set(err, ERR_FIELD, "common_name: 1 to %d characters are expected", DN_CHARACTERS_MAX);
    if (req->days < 1 || req->days > DAYS_MAX)
        return err_set(err, ERR_FIELD, "days: 1 to %d are expected", DAYS_MAX);
    enum key_type t = (enum key_type)req->key_type;
    if (t != KEY_P256 && t != KEY_P384 && t != KEY_RSA3072 && t != KEY_RSA4096)
        return err_set(err, ERR_FIELD, "key_type: a CA key is P-256, P-384, RSA-3072 or RSA-4096");
    return 0;
}

static bool add_rdn(X509_NAME *name, const char *attribute, int type, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, attribute, type, (const unsigned char *)value, -1, -1, 0) == 1;
}

static bool set_names(X509 *x, const struct vault_ca_init_req *req)
{
    X509_NAME *name = X509_NAME_new();
    bool ok = name && add_rdn(name, "C", MBSTRING_ASC, req->country) &&
              add_rdn(name, "O", V_ASN1_UTF8STRING, req->organisation) &&
              add_rdn(name, "CN", V_ASN1_UTF8STRING, req->common_name) &&
              X509_set_subject_name(x, name) == 1 && X509_set_issuer_name(x, name) == 1;
    X509_NAME_free(name);
    return ok;
}

static bool set_serial(X509 *x, struct hsm *hsm, struct err *err)
{
    uint8_t a[16], b[16];
    if (hsm_random(hsm, a, sizeof(a), err) != 0)
        return false;
    random_bytes(b, sizeof(b));
    for (size_t i = 0; i < sizeof(a); i++)
        a[i] ^= b[i];
    a[0] = (uint8_t)((a[0] & 0x7f) | 0x40); /* positive, and 16 bytes for certain */
    BIGNUM *bn = BN_bin2bn(a, sizeof(a), NULL);
    bool ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
    BN_free(bn);
    return ok;
}

/* notBefore a day back: the first tokens may carry a notBefore that the vault's own window lets lie before
 * now. */
static bool set_dates(X509 *x, int64_t now, uint32_t days)
{
    time_t from = (time_t)(now - SECONDS_A_DAY), to = (time_t)(now + (int64_t)days * SECONDS_A_DAY - 1);
    return ASN1_TIME_set(X509_getm_notBefore(x), from) && ASN1_TIME_set(X509_getm_notAfter(x), to);
}

/* pathlen 0: this vault signs tokens' certificates only, and refuses everything that is a CA's. So nothing is
 * lost, and a CA certificate got out of it by whatever error would not be accepted by anybody. */
static bool set_extensions(X509 *x)
{
    static const struct {
        int nid;
        const char *value;
    } extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
    };
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, extensions[i].nid, extensions[i].value);
        bool ok = e && X509_add_ext(x, e, -1) == 1;
        X509_EXTENSION_free(e);
        if (!ok)
            return false;
    }
    return true;
}

/* The public half alone: what goes into a certificate must not lead back into the HSM. */
static EVP_PKEY *public_half(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    const unsigned char *p = der;
    EVP_PKEY *public = len > 0 ? d2i_PUBKEY(NULL, &p, len) : NULL;
    OPENSSL_free(der);
    return public;
}

int ca_root_build(const struct vault_ca_init_req *req, struct hsm *hsm, int64_t now, struct buf *ret_der,
                  struct err *err)
{
    int rc = -1, len;
    unsigned char *der = NULL;
    X509 *x = X509_new();
    EVP_PKEY *key = hsm_key(hsm, HSM_CA), *public = key ? public_half(key) : NULL;
    const EVP_MD *md = EVP_get_digestbyname(ca_digest_name((enum key_type)req->key_type));
    err_set(err, ERR_INTERNAL, "the root certificate cannot be put together");
    if (!x || !public || X509_set_version(x, X509_VERSION_3) != 1 || X509_set_pubkey(x, public) != 1 ||
        !set_serial(x, hsm, err) || !set_names(x, req) || !set_dates(x, now, req->days) || !set_extensions(x))
        goto out;
    if (X509_sign(x, key, md) <= 0) {
        hsm_evp_failed(hsm, "sign the root certificate", err);
        goto out;
    }
    if (X509_verify(x, public) != 1) {
        err_set(err, ERR_HSM, "the HSM's signature of the root certificate does not verify");
        goto out;
    }
    len = i2d_X509(x, &der);
    rc = len > 0 ? buf_put(ret_der, der, (size_t)len, err) : -1;
out:
    OPENSSL_free(der);
    EVP_PKEY_free(public);
    X509_free(x);
    return rc;
}

/* ---- PEM ---------------------------------------------------------------------------------------- */

static int take_bio(BIO *bio, bool ok, struct buf *ret, struct err *err)
{
    char *data = NULL;
    long len = ok ? BIO_get_mem_data(bio, &data) : 0;
    int rc =
        len > 0 ? buf_put(ret, data, (size_t)len, err) : err_set(err, ERR_INTERNAL, "PEM cannot be written");
    BIO_free(bio);
    return rc;
}

int ca_to_pem(const void *der, size_t len, struct buf *ret_pem, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio && PEM_write_bio(bio, PEM_STRING_X509, "", der, (long)len) > 0;
    return take_bio(bio, ok, ret_pem, err);
}

int ca_public_pem(EVP_PKEY *key, struct buf *ret_pem, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio && PEM_write_bio_PUBKEY(bio, key) == 1;
    return take_bio(bio, ok, ret_pem, err);
}
