#include "cmocka_all.h"

#include <string.h>

#include "wire/bay_wire.h"

/* ---- every body, by table
 * ---------------------------------------------------------------------------------------- */

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

/* Fill every field with something of its own, up to its greatest size when `full`. */
static uint8_t tick;
static void fill_str(char *field, size_t cap, bool full)
{
    size_t n = full ? cap - 1 : cap / 2;
    memset(field, 'a' + tick++ % 26, n);
    field[n] = '\0';
}
static void fill_bytes(uint8_t *data, size_t *len, size_t cap, bool full)
{
    *len = full ? cap : cap / 3;
    memset(data, tick++, *len);
}
#define FILL_U8(name, cap)    v->name = (uint8_t)(200 + tick++);
#define FILL_U32(name, cap)   v->name = 0xfedcba00u + tick++;
#define FILL_STR(name, cap)   fill_str(v->name, cap, full);
#define FILL_BYTES(name, cap) fill_bytes(v->name.data, &v->name.len, cap, full);
#define FILL(kind, name, cap) FILL_##kind(name, cap)

#define SAME_U8(name, cap)  assert_int_equal(a->name, b->name);
#define SAME_U32(name, cap) assert_int_equal(a->name, b->name);
#define SAME_STR(name, cap) assert_string_equal(a->name, b->name);
#define SAME_BYTES(name, cap)                                                                                \
    assert_int_equal(a->name.len, b->name.len);                                                              \
    assert_memory_equal(a->name.data, b->name.data, a->name.len);
#define SAME(kind, name, cap) SAME_##kind(name, cap)

#define COMPARE(type, TABLE)                                                                                 \
    static void type##_fill(struct type *v, bool full)                                                       \
    {                                                                                                        \
        (void)full;                                                                                          \
        memset(v, 0, sizeof(*v));                                                                            \
        TABLE(FILL)                                                                                          \
    }                                                                                                        \
    static void type##_same(const struct type *a, const struct type *b)                                      \
    {                                                                                                        \
        TABLE(SAME)                                                                                          \
    }
COMPARE(bay_hello_req, BAY_HELLO_REQ)
COMPARE(bay_hello_rep, BAY_HELLO_REP)
COMPARE(bay_channel_req, BAY_CHANNEL_REQ)
COMPARE(bay_probe_req, BAY_PROBE_REQ)
COMPARE(bay_probe_rep, BAY_PROBE_REP)
COMPARE(bay_init_req, BAY_INIT_REQ)
COMPARE(bay_init_rep, BAY_INIT_REP)
COMPARE(bay_set_so_pin_req, BAY_SET_SO_PIN_REQ)
COMPARE(bay_seal_pin_req, BAY_SEAL_PIN_REQ)
COMPARE(bay_seal_pin_rep, BAY_SEAL_PIN_REP)
COMPARE(bay_set_user_pin_req, BAY_SET_USER_PIN_REQ)
COMPARE(bay_keygen_req, BAY_KEYGEN_REQ)
COMPARE(bay_keygen_rep, BAY_KEYGEN_REP)
COMPARE(bay_csr_req, BAY_CSR_REQ)
COMPARE(bay_csr_rep, BAY_CSR_REP)
COMPARE(bay_write_req, BAY_WRITE_REQ)
COMPARE(bay_write_rep, BAY_WRITE_REP)
COMPARE(bay_verify_req, BAY_VERIFY_REQ)
COMPARE(bay_verify_rep, BAY_VERIFY_REP)
COMPARE(bay_wipe_req, BAY_WIPE_REQ)
COMPARE(bay_wipe_rep, BAY_WIPE_REP)

/* put, parse, get, compare; then every shorter message, and one longer, must be refused. */
#define ROUND(type)                                                                                          \
    static void type##_round(bool full)                                                                      \
    {                                                                                                        \
        static struct type a, b;                                                                             \
        struct msg_out out;                                                                                  \
        struct msg_in in;                                                                                    \
        struct err err;                                                                                      \
        type##_fill(&a, full);                                                                               \
        msg_out_init(&out, false);                                                                           \
        msg_in_init(&in, false);                                                                             \
        msg_begin(&out, BAY_PROBE, 0, 77);                                                                   \
        type##_put(&out, &a);                                                                                \
        assert_int_equal(out.err.code, ERR_NONE);                                                            \
        assert_int_equal(msg_parse(&in, out.buf.data, out.buf.len, &err), 0);                                \
        type##_get(&in, &b);                                                                                 \
        assert_int_equal(msg_end(&in, &err), 0);                                                             \
        type##_same(&a, &b);                                                                                 \
        for (size_t cut = MSG_HEADER; cut < out.buf.len; cut += 1 + cut / 16) {                              \
            assert_int_equal(msg_parse(&in, out.buf.data, cut, &err), 0);                                    \
            type##_get(&in, &b);                                                                             \
            assert_int_equal(msg_end(&in, &err), -1);                                                        \
            assert_int_equal(err.code, ERR_PROTOCOL);                                                        \
        }                                                                                                    \
        assert_int_equal(buf_put(&out.buf, "x", 1, &err), 0);                                                \
        assert_int_equal(msg_parse(&in, out.buf.data, out.buf.len, &err), 0);                                \
        type##_get(&in, &b);                                                                                 \
        assert_int_equal(msg_end(&in, &err), -1);                                                            \
        msg_in_done(&in);                                                                                    \
        msg_out_done(&out);                                                                                  \
    }
BODIES(ROUND)

static void every_body_comes_back_as_it_was_put(void **state)
{
    (void)state;
#define B(type) type##_round(false);
    BODIES(B)
#undef B
}

static void every_body_fits_a_message_with_its_fields_full(void **state)
{
    (void)state;
#define B(type) type##_round(true);
    BODIES(B)
#undef B
}

static void a_field_over_its_size_is_refused(void **state)
{
    (void)state;
    struct bay_init_rep r;
    struct msg_out out;
    struct msg_in in;
    struct err err;
    char serial[SERIAL_SIZE + 1];
    memset(serial, 's', SERIAL_SIZE);
    serial[SERIAL_SIZE] = '\0';
    msg_out_init(&out, false);
    msg_in_init(&in, false);
    msg_begin(&out, BAY_INIT, MSG_REPLY, 1);
    msg_put_str(&out, serial);
    assert_int_equal(msg_parse(&in, out.buf.data, out.buf.len, &err), 0);
    bay_init_rep_get(&in, &r);
    assert_int_equal(msg_end(&in, &err), -1);
    assert_int_equal(r.serial[0], '\0');
    msg_in_done(&in);
    msg_out_done(&out);
}

/* ---- names
 * -------------------------------------------------------------------------------------------------------- */

static void every_verb_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (enum bay_verb a = BAY_NONE; a < BAY_VERB_COUNT; a++)
        for (enum bay_verb b = BAY_NONE; b < a; b++)
            assert_string_not_equal(bay_verb_name(a), bay_verb_name(b));
    assert_string_equal(bay_verb_name(BAY_SET_USER_PIN), "set_user_pin");
    assert_string_equal(bay_verb_name((enum bay_verb)99), "unknown");
}

static void key_types_are_found_by_their_names(void **state)
{
    (void)state;
    for (enum key_type t = KEY_NONE + 1; t < KEY_TYPE_COUNT; t++)
        assert_int_equal(key_type_from_name(key_type_name(t)), t);
    assert_int_equal(key_type_from_name("P-521"), KEY_NONE);
    assert_int_equal(key_type_from_name("none"), KEY_NONE);
    assert_string_equal(key_type_name((enum key_type)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_comes_back_as_it_was_put),
        cmocka_unit_test(every_body_fits_a_message_with_its_fields_full),
        cmocka_unit_test(a_field_over_its_size_is_refused),
        cmocka_unit_test(every_verb_has_a_name_of_its_own),
        cmocka_unit_test(key_types_are_found_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
