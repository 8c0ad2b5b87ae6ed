#include "vault/der.h"

int der_put_header(struct buf *b, uint8_t tag, size_t len, struct err *err)
{
    uint8_t h[2 + sizeof(size_t)];
    size_t n = 0, octets = 0;
    h[n++] = tag;
    if (len < 0x80) {
        h[n++] = (uint8_t)len;
        return buf_put(b, h, n, err);
    }
    for (size_t rest = len; rest > 0; rest >>= 8)
        octets++;
    h[n++] = (uint8_t)(0x80 | octets);
    while (octets > 0)
        h[n++] = (uint8_t)(len >> (8 * --octets));
    return buf_put(b, h, n, err);
}
