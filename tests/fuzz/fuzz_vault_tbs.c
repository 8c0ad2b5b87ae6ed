/* Foreign bytes as a TBSCertificate before the vault's rules. Each rule that needs no log is run, whatever
 * the one before it said; when all of them agree, the certificate must really be what they are there to
 * guarantee. Runs in the project's folder: CA, profile and application are those of the certificate tests. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "../unit/sample.h"
#include "vault/check_rules.h"

#define NOT_BEFORE_MS INT64_C(1795334400000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct ca ca;
static struct profiles *profiles;
static struct application application;
static struct vault_sign_req req;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct err err;
    (void)argc, (void)argv;
    if (ca_load(&ca, "tests/unit/data/ca-p256.pem", &err) != 0 ||
        profiles_load("profiles", &profiles, &err) != 0 ||
        application_parse(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), &application, &err) != 0)
        abort();
    return 0;
}

static int (*const rules[])(struct check *, struct err *) = {
    check_version,
    check_algorithm,
    check_issuer,
    check_subject,
    check_unique_ids,
    check_not_before,
    check_validity,
    check_within_ca,
    check_key_type,
    check_key_form,
    check_extensions,
    check_basic_constraints,
    check_key_usage,
    check_extended_key_usage,
    check_subject_key_id,
    check_authority_key_id,
    check_policies,
    check_crl_points,
    check_information_access,
    check_uscc,
};

/* What nobody may ever find to be otherwise in a certificate that passed. */
static void must_be_a_tokens(X509 *cert)
{
    if (X509_check_ca(cert) != 0 || (X509_get_key_usage(cert) & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0 ||
        X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0 ||
        X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca.cert)) != 0 ||
        X509_cmp(cert, ca.cert) == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    if (!bytes_set(req.tbs, data, size))
        return 0;
    struct check c = {.req = &req,
                      .ca = &ca,
                      .application = application,
                      .profile = profiles_find(profiles, application.profile),
                      .now_ms = NOT_BEFORE_MS};
    err_clear(&err);
    bool all = check_tbs_der(&c, &err) == 0;
    if (!all && (err.code == ERR_NONE || !err.text[0]))
        abort();
    for (size_t i = 0; c.cert && i < sizeof(rules) / sizeof(rules[0]); i++) {
        err_clear(&err);
        if (rules[i](&c, &err) != 0) {
            all = false;
            if (err.code == ERR_NONE || !err.text[0])
                abort();
        }
    }
    if (all)
        must_be_a_tokens(c.cert);
    check_done(&c);
    ERR_clear_error();
    return 0;
}
