/* User PINs: made by policy, and sealed to the vault. */
#ifndef CASTATION_DEVICE_PIN_H
#define CASTATION_DEVICE_PIN_H

#include "base/buf.h"
#include "wire/sealed.h"

#define PIN_LENGTH     10 /* what the policy asks for within the bounds */
#define PIN_RANDOM_MIN 32 /* bytes of the token's own randomness that are mixed in, where it has any */

/* The length of a PIN: PIN_LENGTH moved into [low, high] of all `n` bounds; a bound's 0 means none.
 * ERR_REFUSED: no length is within all of them. */
struct pin_bounds {
    uint32_t low, high;
};
int pin_length(const struct pin_bounds *bounds, size_t n, size_t *ret, struct err *err);

/* What a guesser tries first: three equal in a row, three rising or falling by one, the whole a repetition,
 * or fewer than five different characters. */
bool pin_is_trivial(const char *pin, size_t len);

/* Append a PIN of `length` characters of the alphabet to *ret, a secret buf. Each is drawn without bias from
 * SHA-256 over the token's random bytes and as many of the kernel's; trivial ones are drawn again. */
int pin_make(const char *alphabet, size_t length, const void *token_random, size_t n, struct buf *ret,
             struct err *err);

/* Seal to the public key in a PEM file, as sealed.h says. ERR_CONFIG: no such file, or no RSA key of 3072
 * bits or more; ERR_PERMISSION: others can write it. ret: SEALED_MAX bytes. */
int pin_seal(const char *key_path, const struct sealed_pin *who, const struct buf *pin, uint8_t *ret,
             size_t *ret_len, struct err *err);

#endif
