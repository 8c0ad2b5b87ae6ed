/* The rules, each in its file: RULE(name, what it demands). Run in this order; a rule may rely on those above it. */
#ifndef CASTATION_VAULT_CHECK_RULES_H
#define CASTATION_VAULT_CHECK_RULES_H

#include "vault/check.h"

#define CHECK_RULES(RULE)                                                                                              \
    /* check_record.c: clock, requester, the vault's own log */                                                        \
    RULE(clock, "the clock is not behind the log")                                                                     \
    RULE(ca_dates, "the CA certificate is valid now")                                                                  \
    /* check_parse.c: the bytes */                                                                                     \
    RULE(tbs_der, "the TBS is one TBSCertificate, in DER and nothing else")                                            \
    RULE(csr_der, "the CSR is one certification request")                                                              \
    RULE(csr_signature, "the CSR is signed by its own key")                                                            \
    RULE(same_key, "CSR and TBS have the same public key")                                                             \
    RULE(approval, "the portal approved this very application")                                                        \
    RULE(profile, "the approved profile is one of the vault's own")                                                    \
    /* check_record.c */                                                                                               \
    RULE(reserved, "the serial number was drawn here")                                                                 \
    RULE(not_void, "the reservation is not void")                                                                      \
    RULE(same_job, "it is the job and token of the reservation")                                                       \
    RULE(one_serial, "the key has no other serial number")                                                             \
    RULE(reserved_key, "it is the key of the reservation")                                                             \
    RULE(reserved_approval, "it is the approval of the reservation")                                                   \
    RULE(one_tbs, "the serial number has no other TBS")                                                                \
    RULE(one_certificate, "approval and application have no other certificate")                                        \
    /* check_tbs.c: what the certificate says */                                                                       \
    RULE(version, "version 3")                                                                                         \
    RULE(algorithm, "the signature algorithm is the CA's")                                                             \
    RULE(issuer, "the issuer is the CA's subject, byte for byte")                                                      \
    RULE(subject, "the subject is what profile and application give") /* check_dn.c */                                 \
    RULE(unique_ids, "no unique identifiers")                                                                          \
    RULE(not_before, "notBefore is within a day of now")                                                               \
    RULE(validity, "it lasts as long as was asked, and no longer than the profile lets it")                            \
    RULE(within_ca, "it does not outlive its CA")                                                                      \
    RULE(key_type, "the key is of the profile's type")                                                                 \
    RULE(key_form, "the key is in its one encoding")                                                                   \
    /* check_ext.c: its extensions */                                                                                  \
    RULE(extensions, "exactly the profile's extensions, each once, critical where it has to be")                       \
    RULE(basic_constraints, "not a CA")                                                                                \
    RULE(key_usage, "the profile's key usages")                                                                        \
    RULE(extended_key_usage, "the profile's extended key usages")                                                      \
    RULE(subject_key_id, "the subject key identifier is the key's hash")                                               \
    RULE(authority_key_id, "the authority key identifier is the CA's")                                                 \
    RULE(policies, "the profile's policies")                                                                           \
    RULE(crl_points, "the profile's CRL addresses")                                                                    \
    RULE(information_access, "the profile's issuer and OCSP addresses")                                                \
    RULE(uscc, "the USCC extension is the organisation's identifier")

#define RULE(name, what) int check_##name(struct check *c, struct err *err);
CHECK_RULES(RULE)
#undef RULE

#endif
