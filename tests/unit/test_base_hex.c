#include "cmocka_all.h"

#include <string.h>

#include "base/chain.h"
#include "base/clock.h"
#include "base/hex.h"

static void hexadecimal_goes_there_and_back(void **state)
{
    (void)state;
    static const uint8_t BYTES[] = {0x00, 0x0f, 0xf0, 0xff, 0xa5};
    char hex[2 * sizeof(BYTES) + 1];
    uint8_t back[sizeof(BYTES)];
    size_t len;
    struct err err;
    hex_encode(BYTES, sizeof(BYTES), hex);
    assert_string_equal(hex, "000ff0ffa5");
    assert_int_equal(hex_decode("000FF0ffA5", back, sizeof(back), &len, &err), 0);
    assert_int_equal(len, sizeof(BYTES));
    assert_memory_equal(back, BYTES, len);
    assert_int_equal(hex_decode("", back, 0, &len, &err), 0);
    assert_int_equal(len, 0);
}

static void what_is_no_hexadecimal_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum err_code code;
    } CASES[] = {{"abc", ERR_FIELD}, {"0g", ERR_FIELD},   {"g0", ERR_FIELD},
                 {"0x", ERR_FIELD},  {" 0", ERR_FIELD},   {"0:", ERR_FIELD},
                 {"@0", ERR_FIELD},  {"`0", ERR_FIELD},   {"0123456789", ERR_TOO_LARGE},
                 {"-1", ERR_FIELD},  {"0\xc3", ERR_FIELD}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        uint8_t dst[4];
        size_t len = 99;
        struct err err;
        assert_int_equal(hex_decode(CASES[i].hex, dst, sizeof(dst), &len, &err), -1);
        assert_int_equal(err.code, CASES[i].code);
        assert_int_equal(len, 99); /* untouched */
    }
}

static void sha256_gives_the_standards_vectors(void **state)
{
    (void)state;
    char hex[SHA256_HEX_SIZE];
    sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_chain_covers_order_length_and_content(void **state)
{
    (void)state;
    /* Computed apart, with Python's hashlib and struct. */
    static const struct {
        const char *record, *hash;
    } LINKS[] = {{"first", "715f673819558193b117b325e623a573cd37a12caf7260d5eadfee792aef2840"},
                 {"", "0c07958eb2b57ef78ca3fb8d014b743a685785443befc7ce6be27b9854c50cc1"},
                 {"second record", "b59635601f834eb0108078a84023ba9ffbd154a90f35e2b1238ad706f4151820"}};
    uint8_t hash[SHA256_SIZE] = {0};
    char hex[SHA256_HEX_SIZE];
    for (size_t i = 0; i < COUNT(LINKS); i++) {
        chain_next(hash, LINKS[i].record, strlen(LINKS[i].record), hash); /* in place, too */
        hex_encode(hash, sizeof(hash), hex);
        assert_string_equal(hex, LINKS[i].hash);
    }
}

static void a_uuid_has_version_variant_and_time(void **state)
{
    (void)state;
    char id[UUID_SIZE], digits[13];
    int64_t before = clock_utc_ms();
    uuid7(id);
    assert_int_equal(strlen(id), 36);
    assert_int_equal(id[14], '7');
    assert_non_null(strchr("89ab", id[19]));
    assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
    memcpy(digits, id, 8);
    memcpy(digits + 8, id + 9, 4);
    digits[12] = '\0';
    uint8_t bytes[6];
    size_t len;
    struct err err;
    assert_int_equal(hex_decode(digits, bytes, sizeof(bytes), &len, &err), 0);
    int64_t ms = 0;
    for (size_t i = 0; i < len; i++)
        ms = ms << 8 | bytes[i];
    assert_in_range(ms, before, before + 60000);
}

static void uuids_rise_within_the_process(void **state)
{
    (void)state;
    char last[UUID_SIZE] = "", id[UUID_SIZE];
    for (int i = 0; i < 20000; i++) { /* far more than fit one millisecond's counter at random */
        uuid7(id);
        assert_true(strcmp(id, last) > 0);
        memcpy(last, id, sizeof(last));
    }
}

static void random_bytes_fill_all_of_it(void **state)
{
    (void)state;
    uint8_t a[1000] = {0}, seen[256] = {0};
    random_bytes(a, sizeof(a));
    size_t different = 0;
    for (size_t i = 0; i < sizeof(a); i++)
        different += !seen[a[i]]++;
    assert_true(different > 200); /* 251 expected; 200 or fewer has a chance below 2^-100 */
    random_bytes(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_goes_there_and_back),
        cmocka_unit_test(what_is_no_hexadecimal_is_refused),
        cmocka_unit_test(sha256_gives_the_standards_vectors),
        cmocka_unit_test(a_chain_covers_order_length_and_content),
        cmocka_unit_test(a_uuid_has_version_variant_and_time),
        cmocka_unit_test(uuids_rise_within_the_process),
        cmocka_unit_test(random_bytes_fill_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
