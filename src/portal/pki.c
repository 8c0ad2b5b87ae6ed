#include "portal/pki.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "domain/plain_text.h"

#define SERIAL_OCTETS 16
#define BACKDATE      300 /* clocks of stations may be behind by some minutes */

static int fail(const char *what, struct err *err)
{
    char why[160];
    unsigned long code = ERR_get_error();
    ERR_error_string_n(code, why, sizeof(why));
    ERR_clear_error();
    return err_set(err, ERR_TLS, "%s: %s", what, code ? why : "it failed");
}

int pki_key_new(EVP_PKEY **ret, struct err *err)
{
    *ret = EVP_EC_gen("P-256");
    return *ret ? 0 : fail("key generation", err);
}

/* ---- building
 * -------------------------------------------------------------------------------------------------- */

struct shape {
    const char *name; /* CN */
    int days;
    const char *extensions[8][2]; /* OpenSSL's short name and configuration text; ends with NULL */
};

static int add_extensions(X509 *x509, X509 *issuer, const struct shape *shape)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    for (size_t i = 0; shape->extensions[i][0]; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, &ctx, shape->extensions[i][0], shape->extensions[i][1]);
        int ok = e && X509_add_ext(x509, e, -1) == 1;
        X509_EXTENSION_free(e);
        if (!ok)
            return -1;
    }
    return 0;
}

static int set_serial(X509 *x509)
{
    uint8_t octets[SERIAL_OCTETS];
    random_bytes(octets, sizeof(octets));
    octets[0] = (uint8_t)((octets[0] & 0x7f) | 0x40); /* positive, and of one length */
    BIGNUM *bn = BN_bin2bn(octets, sizeof(octets), NULL);
    int ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x509));
    BN_free(bn);
    return ok ? 0 : -1;
}

/* Never beyond the CA's own end: no path validator would notice. */
static int set_validity(X509 *x509, X509 *issuer, int days)
{
    time_t now = time(NULL);
    if (!ASN1_TIME_adj(X509_getm_notBefore(x509), now, 0, -BACKDATE) ||
        !ASN1_TIME_adj(X509_getm_notAfter(x509), now, days, 0))
        return -1;
    if (issuer != x509 && ASN1_TIME_compare(X509_get0_notAfter(x509), X509_get0_notAfter(issuer)) > 0)
        return X509_set1_notAfter(x509, X509_get0_notAfter(issuer)) == 1 ? 0 : -1;
    return 0;
}

/* issuer NULL: self-signed. */
static int build(EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const struct shape *shape, X509 **ret,
                 struct err *err)
{
    X509 *x509 = X509_new();
    X509_NAME *subject = x509 ? X509_get_subject_name(x509) : NULL;
    X509 *by = issuer ? issuer : x509;
    if (!x509 || X509_set_version(x509, X509_VERSION_3) != 1 || set_serial(x509) != 0 ||
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)shape->name,
                                   -1, -1, 0) != 1 ||
        X509_set_issuer_name(x509, X509_get_subject_name(by)) != 1 ||
        set_validity(x509, by, shape->days) != 0 || X509_set_pubkey(x509, key) != 1 ||
        add_extensions(x509, by, shape) != 0 || X509_sign(x509, issuer_key, EVP_sha256()) <= 0) {
        X509_free(x509);
        return fail(shape->name, err);
    }
    *ret = x509;
    return 0;
}

int pki_ca_new(EVP_PKEY *key, X509 **ret, struct err *err)
{
    static const struct shape SHAPE = {.name = "castation TLS CA",
                                       .days = PKI_CA_DAYS,
                                       .extensions = {{"basicConstraints", "critical,CA:TRUE,pathlen:0"},
                                                      {"keyUsage", "critical,keyCertSign,cRLSign"},
                                                      {"subjectKeyIdentifier", "hash"}}};
    return build(key, NULL, key, &SHAPE, ret, err);
}

/* ---- servers
 * --------------------------------------------------------------------------------------------------- */

static int put_name(struct buf *b, const char *name, struct err *err)
{
    static const char SET[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
    uint8_t address[16];
    size_t len = strlen(name);
    bool ip = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    if (!ip && (len == 0 || len > 253 || strspn(name, SET) != len))
        return err_set(err, ERR_FIELD, "'%.80s' is neither a host's name nor an IP address", name);
    return buf_printf(b, err, "%s%s:%s", b->len > 0 ? "," : "", ip ? "IP" : "DNS", name);
}

int pki_server_new(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const char *const *names, size_t n, X509 **ret,
                   struct err *err)
{
    struct buf alternatives;
    int rc = 0;
    buf_init(&alternatives);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put_name(&alternatives, names[i], err);
    const char *text = rc == 0 ? buf_cstr(&alternatives) : NULL;
    const struct shape shape = {.name = "castation portal",
                                .days = PKI_SERVER_DAYS,
                                .extensions = {{"basicConstraints", "critical,CA:FALSE"},
                                               {"keyUsage", "critical,digitalSignature"},
                                               {"extendedKeyUsage", "serverAuth"},
                                               {"subjectKeyIdentifier", "hash"},
                                               {"authorityKeyIdentifier", "keyid:always"},
                                               {"subjectAltName", text}}};
    if (rc == 0)
        rc = text ? build(key, ca, ca_key, &shape, ret, err) : err_set(err, ERR_MEMORY, "names");
    buf_done(&alternatives);
    return rc;
}

/* ---- stations
 * -------------------------------------------------------------------------------------------------- */

static int check_key(EVP_PKEY *key, struct err *err)
{
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "EC") && bits >= 256)
        return 0;
    if (EVP_PKEY_is_a(key, "RSA") && bits >= 2048 && bits <= 8192)
        return 0;
    return err_set(err, ERR_FIELD,
                   "the request's key must be EC of 256 bits or RSA of 2048 at least, not %s of %d",
                   EVP_PKEY_get0_type_name(key) ? EVP_PKEY_get0_type_name(key) : "another kind", bits);
}

static int sign_request(X509 *ca, EVP_PKEY *ca_key, X509_REQ *request, const char *name, X509 **ret,
                        struct err *err)
{
    const struct shape shape = {.name = name,
                                .days = PKI_STATION_DAYS,
                                .extensions = {{"basicConstraints", "critical,CA:FALSE"},
                                               {"keyUsage", "critical,digitalSignature"},
                                               {"extendedKeyUsage", "clientAuth"},
                                               {"subjectKeyIdentifier", "hash"},
                                               {"authorityKeyIdentifier", "keyid:always"}}};
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (!key || X509_REQ_verify(request, key) != 1) {
        ERR_clear_error();
        return err_set(err, ERR_FIELD, "the request is not signed by its own key");
    }
    if (check_key(key, err) != 0)
        return -1;
    return build(key, ca, ca_key, &shape, ret, err);
}

int pki_station_new(X509 *ca, EVP_PKEY *ca_key, const char *csr_pem, const char *name, X509 **ret,
                    struct err *err)
{
    if (!plain_id_ok(name, 64))
        return err_set(err, ERR_FIELD, "a station's name is 1 to 64 letters, digits and hyphens");
    BIO *bio = BIO_new_mem_buf(csr_pem, -1);
    X509_REQ *request = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!request)
        return err_set(err, ERR_FIELD, "it is not a PEM certificate request");
    int rc = sign_request(ca, ca_key, request, name, ret, err);
    X509_REQ_free(request);
    return rc;
}
