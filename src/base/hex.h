/* Hexadecimal, SHA-256, random bytes and ids. */
#ifndef CASTATION_BASE_HEX_H
#define CASTATION_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/utf8.h"

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65
#define UUID_SIZE       37

void hex_encode(const void *data, size_t len, char *dst); /* dst: 2*len + 1, lower case */
int hex_decode(const char *hex, uint8_t *dst, size_t cap, size_t *ret_len, struct err *err);
void sha256(const void *data, size_t len, uint8_t ret[SHA256_SIZE]);
void sha256_hex(const void *data, size_t len, char ret[SHA256_HEX_SIZE]);
void random_bytes(void *dst, size_t len); /* getrandom; aborts if the kernel cannot */
void uuid7(char ret[UUID_SIZE]);          /* RFC 9562 UUIDv7, lower case; rises within a process */

#endif
