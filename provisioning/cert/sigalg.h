/* Which signature algorithm a CA key signs with: one rule, so that the builder writes into a TBSCertificate
 * what the vault then checks and does. RFC 5280 4.1.1.2: inner and outer AlgorithmIdentifier are the same. */
#ifndef CASTATION_CERT_SIGALG_H
#define CASTATION_CERT_SIGALG_H

#include "base/key_type.h"

/* "SHA256" or "SHA384", as EVP_get_digestbyname takes it; NULL for KEY_NONE and what is out of range. SHA-384
 * goes with the keys whose strength is above 128 bits (P-384, RSA-4096). */
const char *ca_digest_name(enum key_type type);

/* NID_ecdsa_with_SHA256, NID_sha256WithRSAEncryption … NID_undef for KEY_NONE and what is out of range. */
int ca_signature_nid(enum key_type type);

#endif
