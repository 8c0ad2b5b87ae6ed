#include "base/chain.h"

#include <stdlib.h>

#include <openssl/evp.h>

void chain_next(const uint8_t previous[SHA256_SIZE], const void *record, size_t len, uint8_t ret[SHA256_SIZE])
{
    uint8_t length[8];
    for (size_t i = 0; i < sizeof(length); i++)
        length[i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    /* Only want of memory fails here; a log without its chain must not go on. */
    if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) ||
        !EVP_DigestUpdate(ctx, previous, SHA256_SIZE) || !EVP_DigestUpdate(ctx, length, sizeof(length)) ||
        !EVP_DigestUpdate(ctx, record, len) || !EVP_DigestFinal_ex(ctx, ret, NULL))
        abort();
    EVP_MD_CTX_free(ctx);
}
