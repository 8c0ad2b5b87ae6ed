/* Foreign bytes as a message, read by a foreign recipe. Input: u8 n, n reading steps, the message.
 * What was read without a fault, put again in the same order, must give the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "base/utf8.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void step(uint8_t how, struct msg_in *in, struct msg_out *out)
{
    size_t max = (size_t)(how >> 3) * 4, len;
    char s[128];
    const uint8_t *p;
    switch (how & 7) {
    case 0:
        msg_put_u8(out, msg_get_u8(in));
        break;
    case 1:
        msg_put_u16(out, msg_get_u16(in));
        break;
    case 2:
        msg_put_u32(out, msg_get_u32(in));
        break;
    case 3:
        msg_put_u64(out, msg_get_u64(in));
        break;
    case 4:
        p = msg_get_bytes(in, max, &len);
        require(p ? len <= max : len == 0 && in->err.code != ERR_NONE);
        msg_put_bytes(out, p, len);
        break;
    case 5:
        memset(s, 'x', sizeof(s));
        msg_get_str(in, s, max < sizeof(s) ? max : sizeof(s));
        if (max > 0) {
            require(strlen(s) < max && utf8_valid(s, strlen(s)));
            msg_put_str(out, s);
        }
        break;
    case 6:
        require(msg_take_fd(in) == -1); /* none came */
        break;
    default: {
        struct err e;
        msg_get_err(in, &e);
        require(e.code != ERR_NONE && utf8_valid(e.text, strlen(e.text)));
        in->err.code = ERR_PROTOCOL; /* names unknown here do not come back the same: no comparison */
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size - 1 < data[0])
        return 0;
    const uint8_t *steps = data + 1, *bytes = steps + data[0];
    size_t len = size - 1 - data[0];
    struct msg_in in;
    struct msg_out out;
    struct err err;
    msg_in_init(&in, false);
    msg_out_init(&out, false);
    if (msg_parse(&in, bytes, len, &err) == 0) {
        msg_begin(&out, in.verb, in.flags, in.id);
        for (size_t i = 0; i < data[0]; i++)
            step(steps[i], &in, &out);
        bool whole = in.err.code == ERR_NONE && in.pos == len;
        require((msg_end(&in, &err) == 0) == whole);
        if (whole)
            require(out.err.code == ERR_NONE && out.buf.len == len && memcmp(out.buf.data, bytes, len) == 0);
        else
            require(err.code == ERR_PROTOCOL);
    } else {
        require(err.code == ERR_PROTOCOL && msg_end(&in, &err) != 0);
    }
    msg_in_done(&in);
    msg_out_done(&out);
    return 0;
}
