/* PKCS#10 requests (RFC 2986), signed on the token. */
#ifndef CASTATION_DEVICE_CSR_H
#define CASTATION_DEVICE_CSR_H

#include "device/keys.h"

/* A request over `subject` (DER Name, taken over byte for byte) and the pair's public key, without
 * attributes, appended in DER; its signature is verified first. ERR_FIELD: no Name. Errors of sign_data. */
int csr_make(const struct session *s, const struct key_pair *pair, EVP_PKEY *key, const void *subject,
             size_t subject_len, struct buf *ret, struct err *err);

#endif
