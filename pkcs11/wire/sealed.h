/* What is inside a sealed user PIN: castation-bay encodes and seals it to the vault's PIN-sealing key,
 * castation-vault opens and decodes it for the letter. castationd stores only the sealed bytes and can open
 * none.
 *
 * Sealing: RSAES-OAEP (RFC 8017 section 7.1) with SHA-256, MGF1 with SHA-256, empty label, key RSA-3072 or
 * larger. Plaintext, as base/msg.h lays out a body: u8 version = 1, str job, str serial, u32 pin_version,
 * bytes pin. */
#ifndef CASTATION_WIRE_SEALED_H
#define CASTATION_WIRE_SEALED_H

#include "wire/bay_wire.h"

#define SEALED_PIN_VERSION 1
#define USER_PIN_MAX       64
/* 1 + (4 + 36) + (4 + 64) + 4 + (4 + 64): within the 318 bytes that OAEP SHA-256 leaves of RSA-3072. */
#define SEALED_PLAIN_MAX 181

/* Whose PIN it is. The PIN itself stands beside it, in a secret buf. */
struct sealed_pin {
    char job[JOB_ID_SIZE];
    char serial[SERIAL_SIZE];
    uint32_t pin_version;
};

/* Append the plaintext to *ret, a secret buf. ERR_FIELD: an empty or over-long PIN. */
int sealed_pin_encode(const struct sealed_pin *who, const struct buf *pin, struct buf *ret, struct err *err);

/* Take the plaintext apart; *ret_pin is a secret buf, replaced. ERR_PROTOCOL: not exactly such a plaintext.
 */
int sealed_pin_decode(const void *plain, size_t len, struct sealed_pin *ret_who, struct buf *ret_pin,
                      struct err *err);

#endif
