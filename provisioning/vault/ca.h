/* The CA: its certificate (a file), its key (the HSM's), and whether the two belong together. */
#ifndef CASTATION_VAULT_CA_H
#define CASTATION_VAULT_CA_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "vault/hsm.h"
#include "wire/vault_wire.h"

struct ca {
    X509 *cert; /* NULL: there is none */
    uint8_t der[CERTIFICATE_MAX];
    size_t der_len;
    enum key_type key_type;
    int64_t not_before, not_after; /* Unix seconds */
};

/* Read a PEM certificate: a CA's, of a key type that a CA may have, with a subject key identifier.
 * ERR_NOT_FOUND, ERR_CA_MISMATCH with what is wrong. */
int ca_load(struct ca *ca, const char *path, struct err *err);
int ca_from_der(struct ca *ca, const void *der, size_t len, struct err *err);
void ca_done(struct ca *ca);

/* Is the HSM's key this certificate's? Compares the public keys and makes one signature over a fixed text,
 * which no certificate can be. ERR_CA_MISMATCH, ERR_HSM_GONE. */
int ca_check_pair(const struct ca *ca, struct hsm *hsm, struct err *err);

/* ERR_CA_EXPIRED when `now` (Unix seconds) is outside the CA certificate's own dates. */
int ca_check_dates(const struct ca *ca, int64_t now, struct err *err);

enum key_type vault_key_type(EVP_PKEY *key); /* KEY_NONE: none of ours */
int64_t asn1_time_unix(const ASN1_TIME *t);  /* Unix seconds; INT64_MIN when it is no time */

/* ca_init.c: the self-signed root, DER. Fields are checked: ERR_FIELD. */
int ca_root_check(const struct vault_ca_init_req *req, struct err *err);
int ca_root_build(const struct vault_ca_init_req *req, struct hsm *hsm, int64_t now, struct buf *ret_der,
                  struct err *err);
int ca_to_pem(const void *der, size_t len, struct buf *ret_pem, struct err *err);
int ca_public_pem(EVP_PKEY *key, struct buf *ret_pem, struct err *err);

#endif
