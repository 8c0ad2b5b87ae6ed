/* A growable byte buffer. A secret one lives in locked, undumpable pages and is wiped when it grows or ends.
 */
#ifndef CASTATION_BASE_BUF_H
#define CASTATION_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
    uint8_t *data;
    size_t len, cap;
    bool secret;
};

void buf_init(struct buf *b);
/* mmap + mlock2 + MADV_DONTDUMP + MADV_DONTFORK; a lock refused is ERR_MEMORY of the first put. A forked
 * child has no such page: it must not touch, nor end, a secret buffer that its parent filled. */
void buf_init_secret(struct buf *b);
void buf_done(struct buf *b);  /* wipes when secret; NULL-safe; the struct may be used again after an init */
void buf_reset(struct buf *b); /* len = 0, wiped when secret, memory kept */

/* Room for `extra` more bytes behind len, so that data[len … len+extra-1] may be written. ERR_MEMORY as
 * below. */
int buf_reserve(struct buf *b, size_t extra, struct err *err);

/* Append. ERR_MEMORY when it cannot grow; the buffer is then as before. */
int buf_put(struct buf *b, const void *data, size_t len, struct err *err);
int buf_put_str(struct buf *b, const char *s, struct err *err); /* without the NUL */
int buf_printf(struct buf *b, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *
buf_cstr(struct buf *b); /* NUL-terminated view (the NUL is not counted); NULL when out of memory */

#endif
