/* Everything that is looked at before the CA key signs. One table of rules, run in order, the first refusal
 * ends it; each is one small function that says why.
 *
 * The vault trusts neither castationd nor the code that built the TBSCertificate: it parses the bytes,
 * derives from its own profiles and the approved application what they have to say, and compares. Nothing of
 * provisioning/cert's builder is called here, so one fault cannot be in both. */
#ifndef CASTATION_VAULT_CHECK_H
#define CASTATION_VAULT_CHECK_H

#include <openssl/x509.h>

#include "cert/profile.h"
#include "domain/approval.h"
#include "vault/ca.h"
#include "vault/index.h"

struct check {
    /* given by the caller, borrowed */
    const struct vault_sign_req *req;
    const struct index *index;
    const struct profiles *profiles;
    EVP_PKEY *portal_key;
    const struct ca *ca;
    int64_t now_ms; /* Unix */

    /* found by the first rules, for those after them and for the log */
    X509 *cert; /* the TBS with an empty signature about it: never shown to anybody */
    X509_REQ *csr;
    struct application application;
    struct approval approval;
    const struct profile *profile;
    const struct reservation *reservation;
    uint8_t tbs_sha256[SHA256_SIZE], spki_sha256[SHA256_SIZE];
    uint8_t serial[SERIAL_NUMBER_MAX];
    size_t serial_len;
};

/* 0: it may be signed. -1: refused; *ret_rule names the rule ("one_tbs"), err says why. */
int check_run(struct check *c, const char **ret_rule, struct err *err);
void check_done(struct check *c);

/* Name of rule i, NULL past the last: tests go through all. */
const char *check_rule_name(size_t i);

/* ERR_CLOCK when now is more than five minutes before the latest record of the log. */
int check_clock_against(const struct index *index, int64_t now_ms, struct err *err);

#endif
