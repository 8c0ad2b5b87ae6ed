#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_CAP 64u

void buf_init(struct buf *b)
{
    memset(b, 0, sizeof(*b));
}

void buf_init_secret(struct buf *b)
{
    buf_init(b);
    b->secret = true;
}

static void release(struct buf *b)
{
    if (!b->data)
        return;
    if (!b->secret) {
        free(b->data);
        return;
    }
    explicit_bzero(b->data, b->cap);
    munmap(b->data, b->cap);
}

void buf_done(struct buf *b)
{
    if (!b)
        return;
    release(b);
    b->data = NULL;
    b->len = b->cap = 0;
}

void buf_reset(struct buf *b)
{
    if (b->secret && b->data)
        explicit_bzero(b->data, b->cap);
    b->len = 0;
}

/* Own pages: locked against swap, left out of core dumps, and not given to forked children.
 * mlock2 without flags is mlock, which the address sanitizer turns into nothing. */
static uint8_t *secret_pages(size_t size, struct err *err)
{
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        err_sys(err, "map %zu bytes for a secret", size);
        return NULL;
    }
    if (mlock2(p, size, 0) != 0) {
        err_sys(err, "lock %zu bytes of memory for a secret; raise RLIMIT_MEMLOCK (LimitMEMLOCK=)", size);
        err->code = ERR_MEMORY;
    } else if (madvise(p, size, MADV_DONTDUMP) != 0 || madvise(p, size, MADV_DONTFORK) != 0) {
        err_sys(err, "keep a secret out of dumps and children");
    } else {
        return p;
    }
    munmap(p, size);
    return NULL;
}

static int grow_secret(struct buf *b, size_t cap, struct err *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (cap > SIZE_MAX - page)
        return err_set(err, ERR_MEMORY, "a secret of %zu bytes", cap);
    cap = (cap + page - 1) / page * page;
    uint8_t *p = secret_pages(cap, err);
    if (!p)
        return -1;
    if (b->data)
        memcpy(p, b->data, b->len);
    release(b);
    b->data = p;
    b->cap = cap;
    return 0;
}

int buf_reserve(struct buf *b, size_t extra, struct err *err)
{
    if (extra > SIZE_MAX - b->len)
        return err_set(err, ERR_MEMORY, "a buffer of %zu + %zu bytes", b->len, extra);
    size_t need = b->len + extra;
    if (need <= b->cap && b->data)
        return 0;
    size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (b->secret)
        return grow_secret(b, cap, err);
    uint8_t *p = realloc(b->data, cap);
    if (!p)
        return err_set(err, ERR_MEMORY, "a buffer of %zu bytes", cap);
    b->data = p;
    b->cap = cap;
    return 0;
}

int buf_put(struct buf *b, const void *data, size_t len, struct err *err)
{
    if (len == 0)
        return 0;
    if (buf_reserve(b, len, err) != 0)
        return -1;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return 0;
}

int buf_put_str(struct buf *b, const char *s, struct err *err)
{
    return buf_put(b, s, strlen(s), err);
}

int buf_printf(struct buf *b, struct err *err, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int ret = -1;
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0) {
        err_set(err, ERR_INTERNAL, "a text cannot be formatted");
        goto out;
    }
    if (buf_reserve(b, (size_t)n + 1, err) != 0)
        goto out;
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
    b->len += (size_t)n;
    ret = 0;
out:
    va_end(again);
    va_end(ap);
    return ret;
}

const char *buf_cstr(struct buf *b)
{
    struct err err;
    if (buf_reserve(b, 1, &err) != 0)
        return NULL;
    b->data[b->len] = '\0';
    return (const char *)b->data;
}
