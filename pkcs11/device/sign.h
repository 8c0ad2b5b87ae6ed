/* Signatures by a key on the token. */
#ifndef CASTATION_DEVICE_SIGN_H
#define CASTATION_DEVICE_SIGN_H

#include <openssl/evp.h>

#include "device/keys.h"

/* The digest a key signs certificates' content with: SHA-384 for P-384, otherwise SHA-256. */
const EVP_MD *sign_digest(EVP_PKEY *key);

/* Sign data: RSASSA-PKCS1-v1_5 (SHA-256 only), or ECDSA as DER ECDSA-Sig-Value (RFC 3279 section 2.2.3),
 * appended. `key` is the pair's public key; the signature is verified with it before it is given out.
 * ERR_TOKEN_MISMATCH: it does not verify, so the halves are no pair. */
int sign_data(const struct session *s, CK_OBJECT_HANDLE private_key, EVP_PKEY *key, const EVP_MD *md,
              const void *data, size_t len, struct buf *ret, struct err *err);

#endif
