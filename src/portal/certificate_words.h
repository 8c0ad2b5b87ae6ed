/* A certificate in words, for people: every field, nothing left out. The bytes are foreign: whatever cannot
 * be decoded is shown as hexadecimal, and no control character gets through. */
#ifndef CASTATION_PORTAL_CERTIFICATE_WORDS_H
#define CASTATION_PORTAL_CERTIFICATE_WORDS_H

#include <jansson.h>
#include <openssl/x509.h>

#include "base/text.h"

/* *ret, the caller's: {"sections": [{"title", "rows": [{"label", "values": ["…"], "code": bool (octets, OIDs,
 * URLs: in a fixed-width font), "critical": bool}]}], "subject": the common name or organisation, "serial",
 * "sha256", "sha1": octets in upper-case hexadecimal, colons between}. ERR_FIELD: it is not one PEM
 * certificate. */
int certificate_words(const char *pem, enum lang lang, json_t **ret, struct err *err);

/* The same of one that is parsed. */
int certificate_words_x509(X509 *x509, enum lang lang, json_t **ret, struct err *err);

/* One certificate of PEM text and nothing else: the caller's to free. ERR_FIELD. */
int certificate_parse(const char *pem, X509 **ret, struct err *err);

/* Of the certificates in `chain_pem` (any order), those that lead from `leaf` to a self-signed one, as far as
 * they go: each is taken only when its key verifies the signature below it. *ret: nearest issuer first; the
 * caller frees it with sk_X509_pop_free(…, X509_free). */
int certificate_chain(X509 *leaf, const char *chain_pem, size_t len, STACK_OF(X509) * *ret, struct err *err);

#endif
