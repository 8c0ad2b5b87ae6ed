#include "web/web_token.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool web_token_ok(const char *token)
{
    return strlen(token) == ACCOUNT_TOKEN_SIZE - 1 && strspn(token, ALPHABET) == ACCOUNT_TOKEN_SIZE - 1;
}

bool web_same(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void web_mac(const uint8_t *key, size_t key_len, const char *purpose, const char *value,
             char ret[SHA256_HEX_SIZE])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned char text[512];
    size_t n_purpose = strlen(purpose) + 1, n_value = strlen(value);
    unsigned int len = 0;
    if (n_purpose + n_value > sizeof(text))
        abort(); /* callers pass tokens */
    memcpy(text, purpose, n_purpose);
    memcpy(text + n_purpose, value, n_value);
    if (!HMAC(EVP_sha256(), key, (int)key_len, text, n_purpose + n_value, mac, &len) || len != SHA256_SIZE)
        abort(); /* no memory */
    hex_encode(mac, len, ret);
}
