/* Builder and reader of messages; msg_io.c carries them. */
#include "base/msg.h"

#include <string.h>
#include <unistd.h>

#include "base/msg_layout.h"
#include "base/utf8.h"

/* ---- building
 * --------------------------------------------------------------------------------------------------- */

void msg_out_init(struct msg_out *m, bool secret)
{
    memset(m, 0, sizeof(*m));
    if (secret)
        buf_init_secret(&m->buf);
    else
        buf_init(&m->buf);
}

void msg_out_done(struct msg_out *m)
{
    if (!m)
        return;
    buf_done(&m->buf);
    m->n_fds = 0;
}

static void put(struct msg_out *m, const void *data, size_t len)
{
    if (m->err.code != ERR_NONE)
        return;
    if (len > MSG_MAX - m->buf.len) {
        err_set(&m->err, ERR_PROTOCOL, "a message over %u bytes", MSG_MAX);
        return;
    }
    buf_put(&m->buf, data, len, &m->err);
}

static void put_number(struct msg_out *m, uint64_t v, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(v >> (8 * (size - 1 - i)));
    put(m, bytes, size);
}

void msg_begin(struct msg_out *m, uint8_t verb, uint16_t flags, uint32_t id)
{
    buf_reset(&m->buf);
    m->n_fds = 0;
    err_clear(&m->err);
    put_number(m, MSG_VERSION, 1);
    put_number(m, verb, 1);
    put_number(m, flags, 2);
    put_number(m, id, 4);
}

void msg_set_id(struct msg_out *m, uint32_t id)
{
    for (size_t i = 0; i < 4 && m->buf.len >= MSG_HEADER; i++)
        m->buf.data[4 + i] = (uint8_t)(id >> (8 * (3 - i)));
}

void msg_put_u8(struct msg_out *m, uint8_t v)
{
    put_number(m, v, 1);
}

void msg_put_u16(struct msg_out *m, uint16_t v)
{
    put_number(m, v, 2);
}

void msg_put_u32(struct msg_out *m, uint32_t v)
{
    put_number(m, v, 4);
}

void msg_put_u64(struct msg_out *m, uint64_t v)
{
    put_number(m, v, 8);
}

void msg_put_bytes(struct msg_out *m, const void *data, size_t len)
{
    if (m->err.code == ERR_NONE && len > MSG_MAX) {
        err_set(&m->err, ERR_PROTOCOL, "a field of %zu bytes in a message of at most %u", len, MSG_MAX);
        return;
    }
    put_number(m, len, 4);
    put(m, data, len);
}

void msg_put_str(struct msg_out *m, const char *s)
{
    if (m->err.code != ERR_NONE)
        return;
    if (!s || !utf8_valid(s, strlen(s)))
        err_set(&m->err, ERR_PROTOCOL, "a string that is not UTF-8 was put into a message");
    else
        msg_put_bytes(m, s, strlen(s));
}

void msg_put_fd(struct msg_out *m, int fd)
{
    if (m->err.code != ERR_NONE)
        return;
    if (fd < 0 || m->n_fds == MSG_FDS_MAX)
        err_set(&m->err, ERR_PROTOCOL, "descriptor %d cannot go with the message (at most %u)", fd,
                MSG_FDS_MAX);
    else
        m->fds[m->n_fds++] = fd;
}

void msg_put_err(struct msg_out *m, const struct err *e)
{
    char text[ERR_TEXT_SIZE];
    memcpy(text, e->text, sizeof(text));
    text[sizeof(text) - 1] = '\0';
    utf8_scrub(text);
    msg_put_str(m, err_name(e->code)); /* by name: numbers change from version to version */
    msg_put_u32(m, (uint32_t)e->sys);
    msg_put_u64(m, e->ckr);
    msg_put_str(m, text);
}

/* ---- reading
 * ---------------------------------------------------------------------------------------------------- */

void msg_in_init(struct msg_in *m, bool secret)
{
    memset(m, 0, sizeof(*m));
    if (secret)
        buf_init_secret(&m->buf);
    else
        buf_init(&m->buf);
}

void msg_in_reset(struct msg_in *m)
{
    for (size_t i = 0; i < m->n_fds; i++)
        if (m->fds[i] >= 0)
            close(m->fds[i]);
    buf_reset(&m->buf);
    m->n_fds = m->next_fd = m->pos = 0;
    m->verb = 0;
    m->flags = 0;
    m->id = 0;
    err_clear(&m->err);
}

void msg_in_done(struct msg_in *m)
{
    if (!m)
        return;
    msg_in_reset(m);
    buf_done(&m->buf);
}

static const uint8_t *take(struct msg_in *m, size_t len)
{
    if (m->err.code != ERR_NONE)
        return NULL;
    if (len > m->buf.len - m->pos) {
        err_set(&m->err, ERR_PROTOCOL, "verb %u: the message ends at byte %zu, %zu more were expected",
                m->verb, m->buf.len, len - (m->buf.len - m->pos));
        return NULL;
    }
    const uint8_t *p = m->buf.data + m->pos;
    m->pos += len;
    return p;
}

static uint64_t get_number(struct msg_in *m, size_t size)
{
    const uint8_t *p = take(m, size);
    uint64_t v = 0;
    for (size_t i = 0; p && i < size; i++)
        v = v << 8 | p[i];
    return v;
}

int msg_in_header(struct msg_in *m, struct err *err)
{
    if (m->buf.len < MSG_HEADER) {
        err_set(&m->err, ERR_PROTOCOL, "a message of %zu bytes is shorter than its header", m->buf.len);
    } else if (m->buf.data[0] != MSG_VERSION) {
        err_set(&m->err, ERR_PROTOCOL, "a message of version %u, this program speaks version %u",
                m->buf.data[0], MSG_VERSION);
    } else {
        get_number(m, 1);
        m->verb = msg_get_u8(m);
        m->flags = msg_get_u16(m);
        m->id = msg_get_u32(m);
        return 0;
    }
    *err = m->err;
    return -1;
}

int msg_parse(struct msg_in *m, const void *data, size_t len, struct err *err)
{
    msg_in_reset(m);
    if (len > MSG_MAX)
        err_set(&m->err, ERR_PROTOCOL, "a message of %zu bytes, at most %u are allowed", len, MSG_MAX);
    else if (buf_put(&m->buf, data, len, &m->err) == 0)
        return msg_in_header(m, err);
    *err = m->err;
    return -1;
}

uint8_t msg_get_u8(struct msg_in *m)
{
    return (uint8_t)get_number(m, 1);
}

uint16_t msg_get_u16(struct msg_in *m)
{
    return (uint16_t)get_number(m, 2);
}

uint32_t msg_get_u32(struct msg_in *m)
{
    return (uint32_t)get_number(m, 4);
}

uint64_t msg_get_u64(struct msg_in *m)
{
    return get_number(m, 8);
}

const uint8_t *msg_get_bytes(struct msg_in *m, size_t max, size_t *ret_len)
{
    *ret_len = 0;
    size_t len = msg_get_u32(m);
    if (m->err.code == ERR_NONE && len > max)
        err_set(&m->err, ERR_PROTOCOL, "verb %u: a field of %zu bytes, at most %zu are allowed", m->verb, len,
                max);
    const uint8_t *p = take(m, len);
    if (p)
        *ret_len = len;
    return p;
}

void msg_get_str(struct msg_in *m, char *dst, size_t cap)
{
    if (cap == 0)
        return;
    dst[0] = '\0';
    size_t len;
    const uint8_t *p = msg_get_bytes(m, cap - 1, &len);
    if (!p)
        return;
    if (memchr(p, '\0', len) || !utf8_valid((const char *)p, len)) {
        err_set(&m->err, ERR_PROTOCOL, "verb %u: a string that is not UTF-8, or has a NUL in it", m->verb);
        return;
    }
    memcpy(dst, p, len);
    dst[len] = '\0';
}

int msg_take_fd(struct msg_in *m)
{
    if (m->err.code != ERR_NONE)
        return -1;
    if (m->next_fd == m->n_fds) {
        err_set(&m->err, ERR_PROTOCOL, "verb %u: a descriptor is missing", m->verb);
        return -1;
    }
    int fd = m->fds[m->next_fd];
    m->fds[m->next_fd++] = -1;
    return fd;
}

void msg_get_err(struct msg_in *m, struct err *ret)
{
    char name[32], text[ERR_TEXT_SIZE];
    msg_get_str(m, name, sizeof(name));
    int sys = (int)msg_get_u32(m);
    uint64_t ckr = msg_get_u64(m);
    msg_get_str(m, text, sizeof(text));
    if (m->err.code != ERR_NONE) {
        *ret = m->err;
        return;
    }
    err_set(ret, err_from_name(name), "%s", text);
    ret->sys = sys;
    ret->ckr = ckr;
}

int msg_end(struct msg_in *m, struct err *err)
{
    if (m->err.code == ERR_NONE && m->pos != m->buf.len)
        err_set(&m->err, ERR_PROTOCOL, "verb %u: %zu bytes are left over", m->verb, m->buf.len - m->pos);
    if (m->err.code == ERR_NONE && m->next_fd != m->n_fds)
        err_set(&m->err, ERR_PROTOCOL, "verb %u: %zu descriptors are left over", m->verb,
                m->n_fds - m->next_fd);
    if (m->err.code == ERR_NONE)
        return 0;
    *err = m->err;
    return -1;
}
