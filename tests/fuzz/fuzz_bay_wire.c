/* Foreign bytes as each body of the bay's messages, and as the plaintext of a sealed PIN. Input: u8 which,
 * the body. What was read without a fault, put again, must give the same bytes. */
#include <stdlib.h>

#include "wire/sealed.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

#define BODIES(B)                                                                                            \
    B(bay_hello_req)                                                                                         \
    B(bay_hello_rep)                                                                                         \
    B(bay_channel_req)                                                                                       \
    B(bay_probe_req)                                                                                         \
    B(bay_probe_rep)                                                                                         \
    B(bay_init_req)                                                                                          \
    B(bay_init_rep)                                                                                          \
    B(bay_set_so_pin_req)                                                                                    \
    B(bay_seal_pin_req)                                                                                      \
    B(bay_seal_pin_rep)                                                                                      \
    B(bay_set_user_pin_req)                                                                                  \
    B(bay_keygen_req)                                                                                        \
    B(bay_keygen_rep)                                                                                        \
    B(bay_csr_req)                                                                                           \
    B(bay_csr_rep)                                                                                           \
    B(bay_write_req)                                                                                         \
    B(bay_write_rep)                                                                                         \
    B(bay_verify_req)                                                                                        \
    B(bay_verify_rep)                                                                                        \
    B(bay_wipe_req)                                                                                          \
    B(bay_wipe_rep)

#define B(type)                                                                                              \
    static void again_##type(struct msg_in *in, struct msg_out *out)                                         \
    {                                                                                                        \
        static struct type v;                                                                                \
        type##_get(in, &v);                                                                                  \
        type##_put(out, &v);                                                                                 \
    }
BODIES(B)
#undef B

static void (*const AGAIN[])(struct msg_in *in, struct msg_out *out) = {
#define B(type) again_##type,
    BODIES(B)
#undef B
};
#define AGAIN_COUNT (sizeof(AGAIN) / sizeof(AGAIN[0]))

static void body(size_t which, const uint8_t *data, size_t len)
{
    struct msg_out whole, out;
    struct msg_in in;
    struct err err;
    msg_out_init(&whole, false);
    msg_out_init(&out, false);
    msg_in_init(&in, false);
    msg_begin(&whole, 1, 0, 1);
    msg_begin(&out, 1, 0, 1);
    require(buf_put(&whole.buf, data, len, &err) == 0);
    if (msg_parse(&in, whole.buf.data, whole.buf.len, &err) == 0) {
        AGAIN[which](&in, &out);
        if (msg_end(&in, &err) == 0)
            require(out.err.code == ERR_NONE && out.buf.len == whole.buf.len &&
                    memcmp(out.buf.data, whole.buf.data, out.buf.len) == 0);
        else
            require(err.code == ERR_PROTOCOL);
    }
    msg_in_done(&in);
    msg_out_done(&out);
    msg_out_done(&whole);
}

static void sealed(const uint8_t *data, size_t len)
{
    struct sealed_pin who;
    struct buf pin, plain;
    struct err err;
    buf_init_secret(&pin);
    buf_init_secret(&plain);
    if (sealed_pin_decode(data, len, &who, &pin, &err) == 0)
        require(sealed_pin_encode(&who, &pin, &plain, &err) == 0 && plain.len == len &&
                memcmp(plain.data, data, len) == 0);
    buf_done(&pin);
    buf_done(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t which = data[0] % (AGAIN_COUNT + 1);
    if (which < AGAIN_COUNT)
        body(which, data + 1, size - 1);
    else
        sealed(data + 1, size - 1);
    return 0;
}
