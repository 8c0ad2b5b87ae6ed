/* Key pairs on a token: made, found, read out, judged by what the token says of them. */
#ifndef CASTATION_DEVICE_KEYS_H
#define CASTATION_DEVICE_KEYS_H

#include <openssl/evp.h>

#include "device/objects.h"
#include "wire/bay_wire.h"

#define KEY_HASH_SIZE 20 /* SHA-1: RFC 5280 section 4.2.1.2, method 1 */

struct key_pair {
    CK_OBJECT_HANDLE public_key, private_key;
};

/* C_GenerateKeyPair: a signing key that cannot leave the token and does nothing but sign. Needs the user's
 * login. ERR_EXISTS: an object has this CKA_ID already. ERR_TOKEN_FULL, ERR_TOKEN_FAILED. */
int keys_generate(const struct session *s, enum key_type type, const void *id, size_t id_len,
                  const char *label, struct key_pair *ret, struct err *err);

/* The pair with this CKA_ID. ERR_NOT_FOUND: not both halves. ERR_TOKEN_MISMATCH: several. */
int keys_find(const struct session *s, const void *id, size_t id_len, struct key_pair *ret, struct err *err);

/* The public key object as an OpenSSL key, the caller's. ERR_WEAK_KEY: no key of its type (a point off its
 * curve, another curve, no modulus). */
int keys_public(const struct session *s, CK_OBJECT_HANDLE public_key, EVP_PKEY **ret, struct err *err);

/* ERR_WEAK_KEY when it is not of the type asked for. */
int keys_check_type(EVP_PKEY *key, enum key_type type, struct err *err);

/* SubjectPublicKeyInfo in DER, appended; and SHA-1 of the bits of its BIT STRING. */
int keys_spki(EVP_PKEY *key, struct buf *ret, struct err *err);
int keys_hash(EVP_PKEY *key, uint8_t ret[KEY_HASH_SIZE], struct err *err);

/* Bits of enum key_attribute. */
int keys_attributes(const struct session *s, CK_OBJECT_HANDLE private_key, uint32_t *ret, struct err *err);

/* Set an attribute of both halves. ret_refused: the token does not let this attribute be changed; nothing
 * failed. */
int keys_set(const struct session *s, const struct key_pair *pair, CK_ATTRIBUTE_TYPE type, const void *data,
             size_t len, bool *ret_refused, struct err *err);

#endif
