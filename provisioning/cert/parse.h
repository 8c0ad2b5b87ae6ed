/* Strict reading of foreign DER: exactly one object, nothing behind it; and the pieces OpenSSL does not show.
 */
#ifndef CASTATION_CERT_PARSE_H
#define CASTATION_CERT_PARSE_H

#include <stdbool.h>

#include <openssl/asn1t.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/key_type.h"

/* The caller's (X509_free). ERR_FIELD with `what` in front: "ca: …". */
X509 *parse_certificate(const void *der, size_t len, const char *what, struct err *err);
/* SubjectPublicKeyInfo, the structure only: the key in it may be anything. The caller's. ERR_FIELD. */
X509_PUBKEY *parse_spki(const void *der, size_t len, struct err *err);
/* The key in it (EVP_PKEY_free); ERR_WEAK_KEY when OpenSSL can make none of it. */
EVP_PKEY *parse_public_key(const void *spki, size_t len, struct err *err);

/* KEY_NONE when it is none of ours. By the curve's name and the modulus' length alone. */
enum key_type key_type_of(EVP_PKEY *key);

/* Append an object in DER: put_item(name, X509_NAME, …). */
#define put_item(object, type, b, err) put_item_of((object), ASN1_ITEM_rptr(type), #type, (b), (err))
int put_item_of(const void *object, const ASN1_ITEM *item, const char *what, struct buf *b, struct err *err);

/* Append a SEQUENCE header for `len` octets of content. */
int put_sequence(size_t len, struct buf *b, struct err *err);

/* Is it one TLV in DER, all the way down: minimal definite lengths, booleans 00 or FF, shortest integers,
 * primitive strings, padding bits zero? d2i functions take BER, and some of it survives i2d. What OCTET
 * STRINGs hold is not looked at. */
bool der_is_strict(const void *der, size_t len);

/* The view of the first TLV within a SEQUENCE: of a Certificate, its TBSCertificate. NULL when there is none.
 */
const uint8_t *first_in_sequence(const void *der, size_t len, size_t *ret_len);

#endif
