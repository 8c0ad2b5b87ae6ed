/* X.509 work that station and vault's clients share: small, pure, DER in and DER out. RFC 5280, RFC 2986. */
#ifndef CASTATION_CERT_CERT_H
#define CASTATION_CERT_CERT_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "cert/profile.h"
#include "domain/application.h"
#include "base/key_type.h"

/* name.h: the subject that profile and application give, as a DER Name (UTF8String but for C, PrintableString). */
int cert_subject(const struct profile *profile, const struct application *app, struct buf *ret_der, struct err *err);

/* tbs.c: the exact TBSCertificate. not_before: Unix seconds; not_after = not_before + validity, last second.
 * ERR_CA_VALIDITY when it would outlive the CA, ERR_CA_EXPIRED, ERR_PROFILE (key type), ERR_CERT_LINT. */
struct tbs_input {
    const struct profile *profile;
    const struct application *application;
    const uint8_t *spki;
    size_t spki_len;
    const uint8_t *ca; /* CA certificate, DER */
    size_t ca_len;
    const uint8_t *serial; /* big-endian, positive, as the vault drew it */
    size_t serial_len;
    int64_t not_before;
};
/* It lints what it built. */
int tbs_build(const struct tbs_input *in, struct buf *ret_tbs, struct err *err);

/* validity.c: Unix seconds of a TBSCertificate's notBefore. ERR_FIELD. */
int tbs_not_before(const void *tbs, size_t len, int64_t *ret, struct err *err);

/* lint.c: RFC 5280, the profile, and what validators miss; signed with a throw-away key of the CA's own algorithm and size
 * and verified strictly against a CA of that key. ERR_CERT_LINT naming the rule. */
int tbs_lint(const struct tbs_input *in, const void *tbs, size_t len, struct err *err);
/* Make the throw-away key and CA certificate now, as the first lint would: for an RSA CA that takes seconds. They are kept,
 * one CA's at a time; not for threads. */
int tbs_lint_prepare(const void *ca, size_t len, struct err *err);

/* weak.c: exponent, size, curve, point on curve, ROCA fingerprint, small factors, close primes (Fermat, bounded). ERR_WEAK_KEY. */
int weak_key_check(const void *spki, size_t len, enum key_type expected, struct err *err);

/* csr.c: the CSR's own signature, its subject and public key equal to those given; the challenge signature by the same key. */
int csr_check(const void *csr, size_t csr_len, const void *subject, size_t subject_len, const void *spki, size_t spki_len,
              struct err *err);
int challenge_check(const void *spki, size_t spki_len, const void *challenge, size_t challenge_len, const void *signature,
                    size_t signature_len, struct err *err);

/* info.c */
enum key_type spki_key_type(const void *spki, size_t len); /* KEY_NONE when none of ours */
int cert_matches(const void *der, size_t len, const void *tbs, size_t tbs_len, const void *ca, size_t ca_len, struct err *err);
/* ^ the certificate's TBS is exactly tbs and its signature is the CA's */
int cert_to_pem(const void *der, size_t len, struct buf *ret_pem, struct err *err);
int cert_from_pem(const void *pem, size_t len, struct buf *ret_der, struct err *err); /* the first one */
int cert_serial_hex(const void *der, size_t len, char *dst, size_t cap, struct err *err); /* lower case, even length */

#endif
