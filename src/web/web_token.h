/* Tokens in cookies and forms. */
#ifndef CASTATION_WEB_WEB_TOKEN_H
#define CASTATION_WEB_WEB_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hex.h"
#include "portal/account.h"

/* Of the length and alphabet of account_token_new's. */
bool web_token_ok(const char *token);
/* In constant time. */
bool web_same(const void *a, const void *b, size_t len);
/* HMAC-SHA256 (RFC 2104) over purpose, a zero byte and value, in hexadecimal. */
void web_mac(const uint8_t *key, size_t key_len, const char *purpose, const char *value,
             char ret[SHA256_HEX_SIZE]);

#endif
