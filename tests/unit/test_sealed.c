#include "cmocka_all.h"

#include <string.h>

#include "wire/sealed.h"

#define JOB "01234567-89ab-7cde-8f01-23456789abcd"

static struct err err;

static void encode(const char *job, const char *serial, const char *pin, struct buf *ret)
{
    struct sealed_pin who = {.pin_version = 7};
    struct buf secret;
    buf_init_secret(&secret);
    buf_init_secret(ret);
    memcpy(who.job, job, strlen(job) + 1);
    memcpy(who.serial, serial, strlen(serial) + 1);
    assert_int_equal(buf_put_str(&secret, pin, &err), 0);
    assert_int_equal(sealed_pin_encode(&who, &secret, ret, &err), 0);
    buf_done(&secret);
}

static int decode(const void *plain, size_t len)
{
    struct sealed_pin who;
    struct buf pin;
    buf_init_secret(&pin);
    int rc = sealed_pin_decode(plain, len, &who, &pin, &err);
    buf_done(&pin);
    return rc;
}

static void it_comes_back_as_it_was_put(void **state)
{
    (void)state;
    struct sealed_pin who;
    struct buf plain, pin;
    encode(JOB, "32627c7a5f956934", "7hk2mwq9xe", &plain);
    buf_init_secret(&pin);
    assert_int_equal(sealed_pin_decode(plain.data, plain.len, &who, &pin, &err), 0);
    assert_string_equal(who.job, JOB);
    assert_string_equal(who.serial, "32627c7a5f956934");
    assert_int_equal(who.pin_version, 7);
    assert_int_equal(pin.len, 10);
    assert_memory_equal(pin.data, "7hk2mwq9xe", 10);
    buf_done(&pin);
    buf_done(&plain);
}

static void its_bytes_are_fixed(void **state)
{
    (void)state;
    static const uint8_t WANTED[] = {1, 0, 0, 0, 1, 'j', 0, 0, 0,   2,   's', '1',
                                     0, 0, 0, 7, 0, 0,   0, 3, 'p', 'i', 'n'};
    struct buf plain;
    encode("j", "s1", "pin", &plain);
    assert_int_equal(plain.len, sizeof(WANTED));
    assert_memory_equal(plain.data, WANTED, sizeof(WANTED));
    buf_done(&plain);
}

static void the_longest_fits_the_sealing_key(void **state)
{
    (void)state;
    char serial[SERIAL_SIZE], pin[USER_PIN_MAX + 1];
    struct buf plain;
    memset(serial, 's', sizeof(serial) - 1);
    serial[sizeof(serial) - 1] = '\0';
    memset(pin, 'p', USER_PIN_MAX);
    pin[USER_PIN_MAX] = '\0';
    encode(JOB, serial, pin, &plain);
    assert_int_equal(plain.len, SEALED_PLAIN_MAX);
    assert_true(plain.len <= 3072 / 8 - 2 * 32 - 2); /* RFC 8017 section 7.1.1 */
    assert_int_equal(decode(plain.data, plain.len), 0);
    buf_done(&plain);
}

static void anything_cut_or_added_is_refused(void **state)
{
    (void)state;
    struct buf plain;
    encode(JOB, "32627c7a5f956934", "7hk2mwq9xe", &plain);
    for (size_t n = 0; n < plain.len; n++) {
        assert_int_equal(decode(plain.data, n), -1);
        assert_int_equal(err.code, ERR_PROTOCOL);
    }
    assert_int_equal(buf_put(&plain, "", 1, &err), 0);
    assert_int_equal(decode(plain.data, plain.len), -1);
    buf_done(&plain);
}

static void another_version_is_refused(void **state)
{
    (void)state;
    struct buf plain;
    encode(JOB, "s", "7hk2mwq9xe", &plain);
    plain.data[0] = 2;
    assert_int_equal(decode(plain.data, plain.len), -1);
    assert_non_null(strstr(err.text, "version 2"));
    buf_done(&plain);
}

static void an_empty_pin_is_neither_sealed_nor_opened(void **state)
{
    (void)state;
    static const uint8_t EMPTY[] = {1, 0, 0, 0, 1, 'j', 0, 0, 0, 1, 's', 0, 0, 0, 7, 0, 0, 0, 0};
    struct sealed_pin who = {.job = "j", .serial = "s"};
    struct buf pin, plain;
    buf_init_secret(&pin);
    buf_init_secret(&plain);
    assert_int_equal(sealed_pin_encode(&who, &pin, &plain, &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_int_equal(plain.len, 0);
    assert_int_equal(decode(EMPTY, sizeof(EMPTY)), -1);
    buf_done(&pin);
    buf_done(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back_as_it_was_put),
        cmocka_unit_test(its_bytes_are_fixed),
        cmocka_unit_test(the_longest_fits_the_sealing_key),
        cmocka_unit_test(anything_cut_or_added_is_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(an_empty_pin_is_neither_sealed_nor_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
