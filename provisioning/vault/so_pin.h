/* SO PINs out of the master key: the same for the same token and key version, another for any other, stored
 * nowhere.
 *
 * HMAC-SHA256 over: for each of "castation so-pin", version (u32), product, serial: u32 length ‖ octets; then
 * u32 block number 0, 1, … (all big-endian). The octets of the blocks, in order, become characters of the
 * product's alphabet: an octet at or above the largest multiple of the alphabet's size is passed over, the
 * others are taken modulo the size. So every character is equally likely, and the length prefixes keep ("ab",
 * "c") from ("a", "bc"). */
#ifndef CASTATION_VAULT_SO_PIN_H
#define CASTATION_VAULT_SO_PIN_H

#include "base/buf.h"
#include "products/products.h"

const char *so_pin_alphabet(enum product_so_format format); /* NULL: out of range */

/* *ret: a secret buf, replaced. `hmac` is the HSM's, or a software one in tests. ERR_FIELD: a product with an
 * impossible length; else the callback's errors. */
int so_pin_derive(const struct product *product, const char *serial, uint32_t version,
                  int (*hmac)(void *arg, uint32_t version, const void *data, size_t len, uint8_t ret[32],
                              struct err *err),
                  void *arg, struct buf *ret, struct err *err);

#endif
