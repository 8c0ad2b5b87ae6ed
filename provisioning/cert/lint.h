/* The rules of tbs_lint, one function each, and what they look at. They read the certificate afresh and share
 * nothing with the builder but the tables of profile_rules.h and the subject of name.h. */
#ifndef CASTATION_CERT_LINT_H
#define CASTATION_CERT_LINT_H

#include <openssl/x509.h>

#include "cert/cert.h"

struct lint {
    const struct tbs_input *in;
    const uint8_t *tbs;
    size_t tbs_len;
    enum key_type ca_type;
    X509 *ca;
    X509 *shadow; /* the CA certificate with a throw-away key of the same type */
    X509 *cert;   /* the TBSCertificate signed with that key */
};

/* In the order they are applied; the first that fails names the fault. */
#define LINT_RULES(R)                                                                                        \
    R(encoding)            /* DER, and nothing that is not shown below */                                    \
    R(version)             /* v3 */                                                                          \
    R(unique_ids)          /* none: RFC 5280 4.1.2.8 */                                                      \
    R(serial_positive)     /* 4.1.2.2 */                                                                     \
    R(serial_length)       /* at most 20 octets */                                                           \
    R(serial_strength)     /* at least 64 bits, not a pattern */                                             \
    R(serial_given)        /* the one that was drawn */                                                      \
    R(algorithm)           /* the CA's, with the right parameters */                                         \
    R(issuer)              /* the CA's subject, byte for byte */                                             \
    R(validity_encoding)   /* UTCTime through 2049, GeneralizedTime after, whole seconds, Z */               \
    R(validity_order)      /* notBefore ≤ notAfter */                                                      \
    R(validity_ca)         /* within the CA's */                                                             \
    R(validity_profile)    /* begins when it should, and no longer than the profile allows */                \
    R(name_country)        /* two upper-case letters */                                                      \
    R(name_length)         /* CN and O at most 64 characters, others as X.520 */                             \
    R(name_characters)     /* no control or invisible ones, no blank ends */                                 \
    R(name_encoding)       /* UTF8String, PrintableString where X.520 says so */                             \
    R(subject)             /* what profile and application give, byte for byte */                            \
    R(public_key)          /* the token's, byte for byte */                                                  \
    R(key_type)            /* the profile's */                                                               \
    R(key_parameters)      /* RSA: exponent and size; EC: named curve */                                     \
    R(extension_duplicate) /* 4.2: each at most once */                                                      \
    R(extension_critical)  /* basicConstraints and keyUsage are, no other is */                              \
    R(extension_foreign)   /* none that the profile does not name */                                         \
    R(basic_constraints)   /* no CA, no path length */                                                       \
    R(key_usage)           /* the profile's */                                                               \
    R(key_usage_fit)       /* EC keys do not encipher */                                                     \
    R(extended_key_usage)  /* the profile's, in its order */                                                 \
    R(subject_key_id)      /* SHA-1 of the public key's bits */                                              \
    R(authority_key_id)    /* the CA's subject key identifier */                                             \
    R(policies)            /* the profile's, in its order */                                                 \
    R(crl_urls)            /* the profile's, in its order */                                                 \
    R(authority_info)      /* the profile's, in its order */                                                 \
    R(uscc)                /* PrintableString, the organisation's; none for an internal identifier */        \
    R(verification)        /* X509_verify_cert, strict, against the CA */

#define R(name) int lint_##name(const struct lint *l, struct err *err);
LINT_RULES(R)
#undef R

/* lint_sign.c: the throw-away key of a type, made at its first use and kept. NULL with ERR_MEMORY. */
EVP_PKEY *lint_key(enum key_type type, struct err *err);
/* The CA certificate with the throw-away key in place of its own, the caller's. */
X509 *lint_shadow(X509 *ca, enum key_type type, struct err *err);
/* Certificate = TBSCertificate, the CA's algorithm, a throw-away signature. */
int lint_sign(const void *tbs, size_t len, enum key_type type, struct buf *ret_der, struct err *err);

#endif
