#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "cert/lint.h"
#include "cert/parse.h"
#include "cert/profile_rules.h"
#include "cert/sigalg.h"

static EVP_PKEY *generate(enum key_type type)
{
    switch (type) {
    case KEY_P256:
        return EVP_EC_gen("P-256");
    case KEY_P384:
        return EVP_EC_gen("P-384");
    case KEY_RSA2048:
        return EVP_RSA_gen(2048);
    case KEY_RSA3072:
        return EVP_RSA_gen(3072);
    case KEY_RSA4096:
        return EVP_RSA_gen(4096);
    case KEY_NONE:
    case KEY_TYPE_COUNT:
        break;
    }
    return NULL;
}

EVP_PKEY *lint_key(enum key_type type, struct err *err)
{
    static EVP_PKEY *keys[KEY_TYPE_COUNT]; /* an RSA key takes seconds: one is enough, it proves nothing */
    if (type == KEY_NONE || type >= KEY_TYPE_COUNT) {
        err_set(err, ERR_CA_MISMATCH, "the CA's key is of no known type");
        return NULL;
    }
    if (!keys[type])
        keys[type] = generate(type);
    if (!keys[type])
        err_set(err, ERR_MEMORY, "a throw-away key %s", key_type_name(type));
    ERR_clear_error();
    return keys[type];
}

X509 *lint_shadow(X509 *ca, enum key_type type, struct err *err)
{
    EVP_PKEY *key = lint_key(type, err);
    if (!key)
        return NULL;
    X509 *shadow = X509_dup(ca);
    if (shadow && X509_set_pubkey(shadow, key) &&
        X509_sign(shadow, key, EVP_get_digestbyname(ca_digest_name(type))) > 0)
        return shadow;
    X509_free(shadow);
    ERR_clear_error();
    err_set(err, ERR_MEMORY, "a throw-away CA certificate");
    return NULL;
}

static int put_algorithm(enum key_type type, struct buf *b, struct err *err)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();
    int rc = -1;
    if (algorithm && X509_ALGOR_set0(algorithm, OBJ_nid2obj(ca_signature_nid(type)),
                                     key_type_is_ec(type) ? V_ASN1_UNDEF : V_ASN1_NULL, NULL))
        rc = put_item(algorithm, X509_ALGOR, b, err);
    else
        err_set(err, ERR_MEMORY, "algorithm");
    X509_ALGOR_free(algorithm);
    return rc;
}

/* BIT STRING of whole octets. */
static int put_signature(const void *tbs, size_t len, EVP_PKEY *key, const char *digest, struct buf *b,
                         struct err *err)
{
    uint8_t signature[1024];
    size_t n = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestSignInit(ctx, NULL, EVP_get_digestbyname(digest), NULL, key) == 1 &&
                EVP_DigestSign(ctx, signature, &n, tbs, len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    if (!good)
        return err_set(err, ERR_MEMORY, "a throw-away signature");
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    int rc = -1;
    if (bits && ASN1_BIT_STRING_set(bits, signature, (int)n)) {
        bits->flags = (bits->flags & ~7L) | ASN1_STRING_FLAG_BITS_LEFT; /* no unused bits, none stripped */
        rc = put_item(bits, ASN1_BIT_STRING, b, err);
    } else {
        err_set(err, ERR_MEMORY, "a throw-away signature");
    }
    ASN1_BIT_STRING_free(bits);
    return rc;
}

int lint_sign(const void *tbs, size_t len, enum key_type type, struct buf *ret_der, struct err *err)
{
    EVP_PKEY *key = lint_key(type, err);
    struct buf content;
    buf_init(&content);
    int rc = -1;
    if (key && buf_put(&content, tbs, len, err) == 0 && put_algorithm(type, &content, err) == 0 &&
        put_signature(tbs, len, key, ca_digest_name(type), &content, err) == 0 &&
        put_sequence(content.len, ret_der, err) == 0)
        rc = buf_put(ret_der, content.data, content.len, err);
    buf_done(&content);
    return rc;
}

static int trust(X509_STORE *store, X509_STORE_CTX *ctx, const struct lint *l)
{
    X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
    /* A subordinate CA is the anchor here, though its own issuer is not at hand. */
    unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN;
    int good = param && X509_VERIFY_PARAM_set_flags(param, flags);
    if (good) {
        X509_VERIFY_PARAM_set_time(param, (time_t)l->in->not_before);
        X509_VERIFY_PARAM_set_depth(param, 1);
        good = X509_STORE_set1_param(store, param) && X509_STORE_add_cert(store, l->shadow) &&
               X509_STORE_CTX_init(ctx, store, l->cert, NULL);
    }
    X509_VERIFY_PARAM_free(param);
    return good;
}

int lint_verification(const struct lint *l, struct err *err)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int rc = -1;
    if (!store || !ctx || !trust(store, ctx, l))
        err_set(err, ERR_MEMORY, "verification");
    else if (X509_check_issued(l->shadow, l->cert) != X509_V_OK)
        err_set(err, ERR_CERT_LINT, "the CA certificate cannot be its issuer: %s",
                X509_verify_cert_error_string(X509_check_issued(l->shadow, l->cert)));
    else if (X509_verify_cert(ctx) != 1)
        err_set(err, ERR_CERT_LINT, "strict verification: %s",
                X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    else
        rc = 0;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return rc;
}
