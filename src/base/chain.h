/* Hash chain over records: what makes a log tamper-evident.
 * hash(n) = SHA-256( hash(n-1) ‖ u64 length of record n ‖ record n ); hash(0) is 32 zero bytes. */
#ifndef CASTATION_BASE_CHAIN_H
#define CASTATION_BASE_CHAIN_H

#include "base/hex.h"

void chain_next(const uint8_t previous[SHA256_SIZE], const void *record, size_t len,
                uint8_t ret[SHA256_SIZE]);

#endif
