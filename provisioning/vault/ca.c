#include "vault/ca.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "cert/sigalg.h"

#define PEM_FILE_MAX 65536

enum key_type vault_key_type(EVP_PKEY *key)
{
    char group[64];
    if (!key)
        return KEY_NONE;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        int bits = EVP_PKEY_get_bits(key);
        return bits == 2048   ? KEY_RSA2048
               : bits == 3072 ? KEY_RSA3072
               : bits == 4096 ? KEY_RSA4096
                              : KEY_NONE;
    }
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
        return KEY_NONE;
    if (strcmp(group, "prime256v1") == 0)
        return KEY_P256;
    return strcmp(group, "secp384r1") == 0 ? KEY_P384 : KEY_NONE;
}

int64_t asn1_time_unix(const ASN1_TIME *t)
{
    struct tm tm;
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
        return INT64_MIN;
    return (int64_t)timegm(&tm);
}

void ca_done(struct ca *ca)
{
    X509_free(ca->cert);
    memset(ca, 0, sizeof(*ca));
}

int ca_from_der(struct ca *ca, const void *der, size_t len, struct err *err)
{
    memset(ca, 0, sizeof(*ca));
    const uint8_t *p = der;
    if (len > sizeof(ca->der) || !(ca->cert = d2i_X509(NULL, &p, (long)len)) ||
        p != (const uint8_t *)der + len) {
        ca_done(ca);
        return err_set(err, ERR_CA_MISMATCH, "CA certificate: not one DER certificate");
    }
    memcpy(ca->der, der, len);
    ca->der_len = len;
    ca->key_type = vault_key_type(X509_get0_pubkey(ca->cert));
    ca->not_before = asn1_time_unix(X509_get0_notBefore(ca->cert));
    ca->not_after = asn1_time_unix(X509_get0_notAfter(ca->cert));
    const char *wrong = NULL;
    if (ca->key_type == KEY_NONE || ca->key_type == KEY_RSA2048)
        wrong = "its key is not P-256, P-384, RSA-3072 or RSA-4096";
    else if (X509_check_ca(ca->cert) != 1 || !(X509_get_key_usage(ca->cert) & KU_KEY_CERT_SIGN))
        wrong = "it is not the certificate of a CA";
    else if (!X509_get0_subject_key_id(ca->cert))
        wrong = "it has no subject key identifier";
    else if (ca->not_before == INT64_MIN || ca->not_after == INT64_MIN)
        wrong = "its dates cannot be read";
    if (!wrong)
        return 0;
    ca_done(ca);
    return err_set(err, ERR_CA_MISMATCH, "CA certificate: %s", wrong);
}

int ca_load(struct ca *ca, const char *path, struct err *err)
{
    uint8_t *der = NULL;
    int len = -1;
    struct buf b;
    buf_init(&b);
    memset(ca, 0, sizeof(*ca));
    int rc = file_read(path, PEM_FILE_MAX, &b, err);
    if (rc != 0)
        goto out;
    BIO *bio = BIO_new_mem_buf(b.data, (int)b.len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    len = cert ? i2d_X509(cert, &der) : -1;
    X509_free(cert);
    BIO_free(bio);
    rc = len > 0 ? ca_from_der(ca, der, (size_t)len, err)
                 : err_set(err, ERR_CA_MISMATCH, "no PEM certificate in it");
    if (rc != 0)
        err_prepend(err, "%s", path);
out:
    OPENSSL_free(der);
    buf_done(&b);
    return rc;
}

/* ---- is it ours --------------------------------------------------------------------------------- */

static int trial_signature(const struct ca *ca, struct hsm *hsm, struct err *err)
{
    static const uint8_t words[] = "castation-vault: this key answers for its certificate";
    const EVP_MD *md = EVP_get_digestbyname(ca_digest_name(ca->key_type));
    uint8_t sig[1024];
    size_t len = sizeof(sig);
    int rc = -1;
    EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
    if (!sign || !verify)
        err_set(err, ERR_MEMORY, "CA key");
    else if (EVP_DigestSignInit(sign, NULL, md, NULL, hsm_key(hsm, HSM_CA)) != 1 ||
             EVP_DigestSign(sign, sig, &len, words, sizeof(words)) != 1)
        hsm_evp_failed(hsm, "a trial signature with the CA key", err);
    else if (EVP_DigestVerifyInit(verify, NULL, md, NULL, X509_get0_pubkey(ca->cert)) != 1 ||
             EVP_DigestVerify(verify, sig, len, words, sizeof(words)) != 1)
        err_set(err, ERR_CA_MISMATCH, "the HSM's key \"%s\" is not the CA certificate's",
                hsm_key_label(HSM_CA));
    else
        rc = 0;
    EVP_MD_CTX_free(sign);
    EVP_MD_CTX_free(verify);
    return rc;
}

int ca_check_pair(const struct ca *ca, struct hsm *hsm, struct err *err)
{
    EVP_PKEY *key = hsm_key(hsm, HSM_CA);
    if (!key)
        return err_set(err, ERR_CA_MISMATCH, "there is a CA certificate, and no key \"%s\" in the HSM",
                       hsm_key_label(HSM_CA));
    if (EVP_PKEY_eq(X509_get0_pubkey(ca->cert), key) != 1)
        return err_set(err, ERR_CA_MISMATCH, "the HSM's key \"%s\" is not the CA certificate's",
                       hsm_key_label(HSM_CA));
    return trial_signature(ca, hsm, err);
}

int ca_check_dates(const struct ca *ca, int64_t now, struct err *err)
{
    if (now < ca->not_before)
        return err_set(err, ERR_CA_EXPIRED, "the CA certificate is not valid yet");
    if (now > ca->not_after)
        return err_set(err, ERR_CA_EXPIRED, "the CA certificate has expired");
    return 0;
}
