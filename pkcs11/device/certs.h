/* Certificates on a token, with every attribute by which OpenSC, NSS and p11tool find them and pair them with
 * keys. */
#ifndef CASTATION_DEVICE_CERTS_H
#define CASTATION_DEVICE_CERTS_H

#include <openssl/x509.h>

#include "device/keys.h"

#define CHAIN_LENGTH_MAX 8

/* One certificate, the whole of the bytes, the caller's (X509_free). ERR_FIELD. */
X509 *certs_parse(const void *der, size_t len, struct err *err);

/* ERR_TOKEN_MISMATCH when the certificate is of another key. */
int certs_check_key(X509 *certificate, EVP_PKEY *key, struct err *err);

/* Write the token's own certificate under the key's id, and its subject to both halves of the pair. One that
 * is there byte for byte is kept; a different one under this id is replaced. *ret_written: 1 or 0.
 * ERR_TOKEN_FULL. */
int certs_write_own(const struct session *s, const struct key_pair *pair, const void *id, size_t id_len,
                    const char *label, const void *der, size_t len, uint32_t *ret_written, struct err *err);

/* Write each certificate of a chain (concatenated DER) as an authority, named by its CN. *ret_written: how
 * many were not there yet. */
int certs_write_chain(const struct session *s, const void *chain, size_t len, uint32_t *ret_written,
                      struct err *err);

/* The one certificate under an id, appended; nothing when there is none. ERR_TOKEN_MISMATCH: several. */
int certs_read(const struct session *s, const void *id, size_t id_len, struct buf *ret, struct err *err);

/* ERR_TOKEN_MISMATCH unless exactly these bytes are there, under the id, and every certificate of the chain.
 */
int certs_check(const struct session *s, const void *id, size_t id_len, const void *der, size_t len,
                const void *chain, size_t chain_len, struct err *err);

#endif
