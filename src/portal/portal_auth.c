/* Who is at the other end of a TLS connection. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "portal/portal.h"

static enum problem problem_of_x509(int code)
{
    static const struct {
        int code;
        enum problem problem;
    } MAP[] = {
        {X509_V_ERR_CERT_HAS_EXPIRED, PROBLEM_CERTIFICATE_EXPIRED},
        {X509_V_ERR_CERT_NOT_YET_VALID, PROBLEM_CERTIFICATE_EARLY},
        {X509_V_ERR_INVALID_PURPOSE, PROBLEM_CERTIFICATE_PURPOSE},
    };
    for (size_t i = 0; i < sizeof(MAP) / sizeof(MAP[0]); i++)
        if (MAP[i].code == code)
            return MAP[i].problem;
    return PROBLEM_CERTIFICATE_UNTRUSTED;
}

/* OpenSSL lets a certificate without extended key usage pass for any purpose: here it must say clientAuth. */
static bool is_for_clients(X509 *x509)
{
    return (X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) &&
           (X509_get_extended_key_usage(x509) & XKU_SSL_CLIENT);
}

static enum problem verify(const struct portal *p, X509 *x509, char *detail)
{
    enum problem problem = PROBLEM_INTERNAL;
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!ctx || X509_STORE_CTX_init(ctx, p->client_ca, x509, NULL) != 1 ||
        X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) != 1)
        goto out;
    if (X509_verify_cert(ctx) == 1) {
        problem = is_for_clients(x509) ? PROBLEM_NONE : PROBLEM_CERTIFICATE_PURPOSE;
        snprintf(detail, ERR_TEXT_SIZE, "%s", "its extended key usage does not have clientAuth");
    } else {
        int code = X509_STORE_CTX_get_error(ctx);
        problem = problem_of_x509(code);
        snprintf(detail, ERR_TEXT_SIZE, "%s", X509_verify_cert_error_string(code));
    }
out:
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return problem;
}

static enum problem look_up(struct db *db, X509 *x509, char *name, char *detail)
{
    unsigned char digest[SHA256_SIZE];
    char sha256[SHA256_HEX_SIZE];
    unsigned int len;
    struct db_rows *rows = NULL;
    struct err err;
    enum problem problem = PROBLEM_NONE;
    if (X509_digest(x509, EVP_sha256(), digest, &len) != 1)
        return PROBLEM_INTERNAL;
    hex_encode(digest, sizeof(digest), sha256);
    int r = db_query(db, PSQL_STATION_BY_SHA256, DB_ARGS(DB_TEXT(sha256)), &rows, &err);
    if (r == 0)
        r = db_next(rows, &err);
    if (r < 0) {
        problem = problem_of(err.code);
        snprintf(detail, ERR_TEXT_SIZE, "%s", err.text);
    } else if (r == 0) {
        problem = PROBLEM_STATION_UNKNOWN;
        snprintf(detail, ERR_TEXT_SIZE, "no station is enrolled with the certificate of SHA-256 %s", sha256);
    } else if (!db_col_null(rows, 1)) {
        problem = PROBLEM_STATION_REVOKED;
        snprintf(detail, ERR_TEXT_SIZE, "the certificate of station %s was revoked", db_col_text(rows, 0));
    } else {
        snprintf(name, 65, "%s", db_col_text(rows, 0));
    }
    db_rows_free(&rows);
    return problem;
}

enum problem portal_authenticate(const struct portal *p, struct db *db, const void *der, size_t len,
                                 char ret_name[65], char ret_detail[ERR_TEXT_SIZE])
{
    snprintf(ret_detail, ERR_TEXT_SIZE, "the TLS client showed no certificate");
    if (!der)
        return PROBLEM_CERTIFICATE_MISSING;
    const unsigned char *at = der;
    X509 *x509 = d2i_X509(NULL, &at, (long)len);
    snprintf(ret_detail, ERR_TEXT_SIZE, "the certificate cannot be read");
    enum problem problem = x509 ? verify(p, x509, ret_detail) : PROBLEM_CERTIFICATE_UNTRUSTED;
    if (problem == PROBLEM_NONE)
        problem = look_up(db, x509, ret_name, ret_detail);
    X509_free(x509);
    ERR_clear_error();
    return problem;
}
