#include "base/hex.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "base/clock.h"

void hex_encode(const void *data, size_t len, char *dst)
{
    static const char DIGITS[] = "0123456789abcdef";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        dst[2 * i] = DIGITS[p[i] >> 4];
        dst[2 * i + 1] = DIGITS[p[i] & 15];
    }
    dst[2 * len] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int hex_decode(const char *hex, uint8_t *dst, size_t cap, size_t *ret_len, struct err *err)
{
    size_t digits = strlen(hex), len = digits / 2;
    if (digits % 2 != 0)
        return err_set(err, ERR_FIELD, "hexadecimal with an odd number of digits (%zu)", digits);
    if (len > cap)
        return err_set(err, ERR_TOO_LARGE, "hexadecimal of %zu bytes, at most %zu are allowed", len, cap);
    for (size_t i = 0; i < len; i++) {
        int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return err_set(err, ERR_FIELD, "no hexadecimal digit at position %zu",
                           2 * i + (high < 0 ? 1u : 2u));
        dst[i] = (uint8_t)(high << 4 | low);
    }
    *ret_len = len;
    return 0;
}

void sha256(const void *data, size_t len, uint8_t ret[SHA256_SIZE])
{
    /* Only want of memory fails here, and no caller could go on with a wrong hash. */
    if (!EVP_Digest(len > 0 ? data : "", len, ret, NULL, EVP_sha256(), NULL))
        abort();
}

void sha256_hex(const void *data, size_t len, char ret[SHA256_HEX_SIZE])
{
    uint8_t hash[SHA256_SIZE];
    sha256(data, len, hash);
    hex_encode(hash, sizeof(hash), ret);
}

void random_bytes(void *dst, size_t len)
{
    uint8_t *p = dst;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        p += n;
        len -= (size_t)n;
    }
}

/* RFC 9562 section 6.2 method 1: twelve counter bits behind the milliseconds, started at random with the top
 * bit clear. While the clock stands still or goes back the counter rises, and carries into the milliseconds.
 */
static void next_stamp(uint64_t *ret_ms, uint16_t *ret_counter)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint64_t last_ms;
    static uint16_t counter;
    uint64_t now = (uint64_t)clock_utc_ms();
    uint16_t fresh;
    random_bytes(&fresh, sizeof(fresh));

    pthread_mutex_lock(&lock);
    if (now > last_ms) {
        last_ms = now;
        counter = fresh & 0x7ff;
    } else if (++counter > 0xfff) {
        last_ms++;
        counter = fresh & 0x7ff;
    }
    *ret_ms = last_ms;
    *ret_counter = counter;
    pthread_mutex_unlock(&lock);
}

void uuid7(char ret[UUID_SIZE])
{
    uint64_t ms;
    uint16_t counter;
    uint8_t tail[8];
    next_stamp(&ms, &counter);
    random_bytes(tail, sizeof(tail));
    uint8_t id[16];
    for (size_t i = 0; i < 6; i++)
        id[i] = (uint8_t)(ms >> (40 - 8 * i));
    id[6] = (uint8_t)(0x70 | counter >> 8);
    id[7] = (uint8_t)counter;
    memcpy(id + 8, tail, sizeof(tail));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    char hex[33];
    hex_encode(id, sizeof(id), hex);
    snprintf(ret, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
