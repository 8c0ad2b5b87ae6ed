#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/hex.h"
#include "cert/cert.h"
#include "cert/parse.h"
#include "cert/sigalg.h"

enum key_type spki_key_type(const void *spki, size_t len)
{
    struct err ignored;
    EVP_PKEY *key = parse_public_key(spki, len, &ignored);
    enum key_type type = key ? key_type_of(key) : KEY_NONE;
    EVP_PKEY_free(key);
    return type;
}

/* ---- certificates ------------------------------------------------------------------------------ */

static int check_signature(X509 *cert, X509 *ca, struct err *err)
{
    EVP_PKEY *key = X509_get0_pubkey(ca);
    int nid = key ? ca_signature_nid(key_type_of(key)) : NID_undef;
    if (nid == NID_undef)
        return err_set(err, ERR_CA_MISMATCH, "the CA's key is of no known type");
    if (X509_get_signature_nid(cert) != nid)
        return err_set(err, ERR_CA_MISMATCH, "signed with %s, the CA signs with %s",
                       OBJ_nid2sn(X509_get_signature_nid(cert)), OBJ_nid2sn(nid));
    bool good = X509_verify(cert, key) == 1;
    ERR_clear_error();
    return good ? 0 : err_set(err, ERR_CA_MISMATCH, "the signature is not the CA's");
}

int cert_matches(const void *der, size_t len, const void *tbs, size_t tbs_len, const void *ca, size_t ca_len,
                 struct err *err)
{
    int rc = -1;
    X509 *issuer = NULL, *cert = parse_certificate(der, len, "certificate", err);
    if (!cert)
        goto out;
    issuer = parse_certificate(ca, ca_len, "CA certificate", err);
    if (!issuer)
        goto out;
    size_t n = 0;
    const uint8_t *inner = first_in_sequence(der, len, &n);
    if (!inner || n != tbs_len || memcmp(inner, tbs, n) != 0) {
        err_set(err, ERR_TOKEN_MISMATCH, "the certificate's content is not what was reserved");
        goto out;
    }
    if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(issuer)) != 0) {
        err_set(err, ERR_CA_MISMATCH, "the certificate names another issuer");
        goto out;
    }
    rc = check_signature(cert, issuer, err);
out:
    X509_free(cert);
    X509_free(issuer);
    return rc;
}

int cert_to_pem(const void *der, size_t len, struct buf *ret_pem, struct err *err)
{
    X509 *cert = parse_certificate(der, len, "certificate", err);
    if (!cert)
        return -1;
    X509_free(cert);
    BIO *bio = BIO_new(BIO_s_mem());
    int rc = -1;
    char *text = NULL;
    if (!bio || !PEM_write_bio(bio, PEM_STRING_X509, "", der, (long)len))
        err_set(err, ERR_MEMORY, "certificate in PEM");
    else {
        long n = BIO_get_mem_data(bio, &text);
        rc = buf_put(ret_pem, text, (size_t)n, err);
    }
    BIO_free(bio);
    ERR_clear_error();
    return rc;
}

int cert_from_pem(const void *pem, size_t len, struct buf *ret_der, struct err *err)
{
    if (len > INT_MAX)
        return err_set(err, ERR_TOO_LARGE, "PEM of %zu bytes", len);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long n = 0;
    int rc = -1;
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    bool found = false;
    while (bio && !found && PEM_read_bio(bio, &name, &header, &der, &n)) {
        found = strcmp(name, PEM_STRING_X509) == 0;
        if (found) {
            X509 *cert = parse_certificate(der, (size_t)n, "PEM", err);
            rc = cert ? buf_put(ret_der, der, (size_t)n, err) : -1;
            X509_free(cert);
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(bio);
    ERR_clear_error();
    return found ? rc : err_set(err, ERR_FIELD, "PEM: there is no certificate in it");
}

int cert_serial_hex(const void *der, size_t len, char *dst, size_t cap, struct err *err)
{
    X509 *cert = parse_certificate(der, len, "certificate", err);
    if (!cert)
        return -1;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    size_t n = (size_t)ASN1_STRING_length(serial);
    int rc = 0;
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
        rc = err_set(err, ERR_FIELD, "certificate: its serial number is negative");
    else if (2 * n + 1 > cap)
        rc = err_set(err, ERR_TOO_LARGE, "certificate: a serial number of %zu bytes", n);
    else
        hex_encode(ASN1_STRING_get0_data(serial), n, dst);
    X509_free(cert);
    return rc;
}
