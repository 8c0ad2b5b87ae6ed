#include "cert/lint.h"

#include <string.h>

#include <openssl/err.h>

#include "base/hex.h"
#include "cert/parse.h"

static const struct {
    const char *name;
    int (*check)(const struct lint *l, struct err *err);
} RULES[] = {
#define R(name) {#name, lint_##name},
    LINT_RULES(R)
#undef R
};

/* The throw-away CA certificate last made; stations have one CA. */
static X509 *shadow_of(X509 *ca, enum key_type type, const struct tbs_input *in, struct err *err)
{
    static uint8_t hash[SHA256_SIZE];
    static X509 *shadow;
    uint8_t wanted[SHA256_SIZE];
    sha256(in->ca, in->ca_len, wanted);
    if (!shadow || memcmp(hash, wanted, sizeof(hash)) != 0) {
        X509_free(shadow);
        shadow = lint_shadow(ca, type, err);
        memcpy(hash, wanted, sizeof(hash));
    }
    return shadow;
}

static int prepare(struct lint *l, struct err *err)
{
    l->ca = parse_certificate(l->in->ca, l->in->ca_len, "CA certificate", err);
    if (!l->ca)
        return -1;
    EVP_PKEY *key = X509_get0_pubkey(l->ca);
    l->ca_type = key ? key_type_of(key) : KEY_NONE;
    l->shadow = shadow_of(l->ca, l->ca_type, l->in, err);
    return l->shadow ? 0 : -1;
}

static int apply_rules(const struct lint *l, struct err *err)
{
    for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++)
        if (RULES[i].check(l, err) != 0) {
            if (err->code != ERR_MEMORY)
                err->code = ERR_CERT_LINT;
            return err_prepend(err, "%s", RULES[i].name);
        }
    return 0;
}

int tbs_lint_prepare(const void *ca, size_t len, struct err *err)
{
    struct tbs_input in = {.ca = ca, .ca_len = len};
    struct lint l = {.in = &in};
    int rc = prepare(&l, err);
    X509_free(l.ca);
    return rc;
}

int tbs_lint(const struct tbs_input *in, const void *tbs, size_t len, struct err *err)
{
    struct lint l = {.in = in, .tbs = tbs, .tbs_len = len};
    struct buf der;
    buf_init(&der);
    int rc = -1;
    if (prepare(&l, err) != 0 || lint_sign(tbs, len, l.ca_type, &der, err) != 0)
        goto out;
    l.cert = parse_certificate(der.data, der.len, "parsing", err);
    if (!l.cert) {
        err->code = ERR_CERT_LINT;
        goto out;
    }
    rc = apply_rules(&l, err);
out:
    X509_free(l.cert);
    X509_free(l.ca);
    buf_done(&der);
    ERR_clear_error();
    return rc;
}
