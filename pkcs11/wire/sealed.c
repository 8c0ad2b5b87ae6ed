/* A sealed plaintext is the body of a message: the message's own codec writes and reads it, so that lengths,
 * UTF-8 and leftovers are checked in one place. Only the header is cut off, and put before it again. */
#include "wire/sealed.h"

static void copy_header(struct msg_out *m)
{
    msg_begin(m, 0, 0, 0);
}

int sealed_pin_encode(const struct sealed_pin *who, const struct buf *pin, struct buf *ret, struct err *err)
{
    if (pin->len == 0 || pin->len > USER_PIN_MAX)
        return err_set(err, ERR_FIELD, "a user PIN of %zu characters, 1 to %d are allowed", pin->len,
                       USER_PIN_MAX);
    struct msg_out m;
    msg_out_init(&m, true);
    copy_header(&m);
    msg_put_u8(&m, SEALED_PIN_VERSION);
    msg_put_str(&m, who->job);
    msg_put_str(&m, who->serial);
    msg_put_u32(&m, who->pin_version);
    msg_put_bytes(&m, pin->data, pin->len);
    int rc = -1;
    if (m.err.code != ERR_NONE)
        *err = m.err;
    else
        rc = buf_put(ret, m.buf.data + MSG_HEADER, m.buf.len - MSG_HEADER, err);
    msg_out_done(&m);
    return rc;
}

static int read_fields(struct msg_in *m, struct sealed_pin *who, struct buf *pin, struct err *err)
{
    uint8_t version = msg_get_u8(m);
    if (m->err.code == ERR_NONE && version != SEALED_PIN_VERSION)
        return err_set(err, ERR_PROTOCOL, "version %u, this program knows version %d", version,
                       SEALED_PIN_VERSION);
    msg_get_str(m, who->job, sizeof(who->job));
    msg_get_str(m, who->serial, sizeof(who->serial));
    who->pin_version = msg_get_u32(m);
    size_t len = 0;
    const uint8_t *bytes = msg_get_bytes(m, USER_PIN_MAX, &len);
    if (msg_end(m, err) != 0)
        return -1;
    if (len == 0)
        return err_set(err, ERR_PROTOCOL, "the PIN in it is empty");
    buf_reset(pin);
    return buf_put(pin, bytes, len, err);
}

int sealed_pin_decode(const void *plain, size_t len, struct sealed_pin *ret_who, struct buf *ret_pin,
                      struct err *err)
{
    struct sealed_pin who = {.pin_version = 0};
    struct msg_out whole;
    struct msg_in m;
    msg_out_init(&whole, true);
    msg_in_init(&m, true);
    copy_header(&whole);
    int rc = -1;
    if (whole.err.code != ERR_NONE) {
        *err = whole.err;
    } else if (len > SEALED_PLAIN_MAX) {
        err_set(err, ERR_PROTOCOL, "%zu bytes, at most %d are expected", len, SEALED_PLAIN_MAX);
    } else if (buf_put(&whole.buf, plain, len, err) == 0 &&
               msg_parse(&m, whole.buf.data, whole.buf.len, err) == 0 &&
               read_fields(&m, &who, ret_pin, err) == 0) {
        *ret_who = who;
        rc = 0;
    }
    msg_out_done(&whole);
    msg_in_done(&m);
    return rc == 0 ? 0 : err_prepend(err, "sealed PIN");
}
