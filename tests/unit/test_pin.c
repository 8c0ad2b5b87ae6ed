#include "cmocka_all.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/pin.h"

#define ALPHABET "23456789abcdefghjkmnpqrstuvwxyz"

static struct err err;

static void lengths_keep_all_bounds(void **state)
{
    (void)state;
    static const struct {
        struct pin_bounds bounds[3];
        int rc;
        size_t length;
    } CASES[] = {
        {{{8, 12}, {0, 0}, {4, 255}}, 0, 10}, {{{8, 12}, {4, 8}, {0, 0}}, 0, 8},
        {{{8, 12}, {11, 20}, {0, 0}}, 0, 11}, {{{8, 12}, {13, 20}, {0, 0}}, -1, 0},
        {{{8, 12}, {0, 7}, {0, 0}}, -1, 0},   {{{0, 0}, {0, 0}, {0, 0}}, 0, 10},
        {{{70, 80}, {0, 0}, {0, 0}}, -1, 0},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        size_t length = 0;
        assert_int_equal(pin_length(CASES[i].bounds, 3, &length, &err), CASES[i].rc);
        assert_int_equal(length, CASES[i].length);
        if (CASES[i].rc != 0)
            assert_int_equal(err.code, ERR_REFUSED);
    }
}

static void what_a_guesser_tries_first_is_trivial(void **state)
{
    (void)state;
    static const char *const TRIVIAL[] = {"11111111",   "x7mqk222wd", "k7w456qh2m", "k7w987qh2m",
                                          "7wqabcm2ke", "7wqcbam2ke", "k7wmqk7wmq", "abababab",
                                          "7272mkmk",   "k7wmk7wm"};
    static const char *const FINE[] = {"k7w2qhm5ex", "2k2m2w2q2e", "aabbkw7m", "7hk2mwq9xe"};
    for (size_t i = 0; i < COUNT(TRIVIAL); i++)
        if (!pin_is_trivial(TRIVIAL[i], strlen(TRIVIAL[i])))
            fail_msg("%s passes", TRIVIAL[i]);
    for (size_t i = 0; i < COUNT(FINE); i++)
        if (pin_is_trivial(FINE[i], strlen(FINE[i])))
            fail_msg("%s does not pass", FINE[i]);
}

static void pins_are_of_the_alphabet_and_never_trivial_or_alike(void **state)
{
    (void)state;
    static char made[400][11];
    for (size_t i = 0; i < COUNT(made); i++) {
        struct buf pin;
        buf_init_secret(&pin);
        assert_int_equal(pin_make(ALPHABET, 10, "the same each time: 32 bytes ....", 32, &pin, &err), 0);
        assert_int_equal(pin.len, 10);
        memcpy(made[i], pin.data, 10);
        buf_done(&pin);
        assert_int_equal(strspn(made[i], ALPHABET), 10);
        assert_false(pin_is_trivial(made[i], 10));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(made[i], made[j]); /* 400 of 8e14: a repeat is no chance */
    }
}

/* Chi-square over all characters drawn; the rules against runs shift it hardly. 30 degrees of freedom: 80 is
 * far beyond one in a million, and an alphabet taken modulo 256 gives about 190 with so many. */
static void every_character_is_as_likely(void **state)
{
    (void)state;
    enum { PINS = 6000, LENGTH = 12 };
    unsigned int seen[256] = {0};
    for (int i = 0; i < PINS; i++) {
        struct buf pin;
        buf_init_secret(&pin);
        assert_int_equal(pin_make(ALPHABET, LENGTH, NULL, 0, &pin, &err), 0);
        for (size_t c = 0; c < pin.len; c++)
            seen[pin.data[c]]++;
        buf_done(&pin);
    }
    double expected = (double)PINS * LENGTH / (double)strlen(ALPHABET), chi = 0;
    for (const char *c = ALPHABET; *c; c++) {
        double d = seen[(unsigned char)*c] - expected;
        chi += d * d / expected;
    }
    if (chi > 80)
        fail_msg("chi-square %f", chi);
}

static void an_alphabet_that_gives_only_trivial_pins_is_refused(void **state)
{
    (void)state;
    struct buf pin;
    buf_init_secret(&pin);
    assert_int_equal(pin_make("abcd", 10, NULL, 0, &pin, &err), -1);
    assert_int_equal(err.code, ERR_REFUSED);
    assert_int_equal(pin.len, 0);
    buf_done(&pin);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    fchmod(fd, mode);
    close(fd);
}

static void a_bad_sealing_key_is_named_with_its_file(void **state)
{
    (void)state;
    char path[] = "/tmp/castation-pin-XXXXXX";
    struct sealed_pin who = {.job = "j", .serial = "s"};
    uint8_t sealed[SEALED_MAX];
    size_t len;
    struct buf pin;
    buf_init_secret(&pin);
    assert_int_equal(buf_put_str(&pin, "7hk2mwq9xe", &err), 0);
    assert_int_equal(pin_seal("/nonexistent/sealing.pem", &who, &pin, sealed, &len, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, "/nonexistent/sealing.pem"));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    write_text(path, "no key\n", 0644);
    assert_int_equal(pin_seal(path, &who, &pin, sealed, &len, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    write_text(path, "no key\n", 0666);
    assert_int_equal(pin_seal(path, &who, &pin, sealed, &len, &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_null(strstr(err.text, "7hk2mwq9xe"));
    unlink(path);
    buf_done(&pin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_keep_all_bounds),
        cmocka_unit_test(what_a_guesser_tries_first_is_trivial),
        cmocka_unit_test(pins_are_of_the_alphabet_and_never_trivial_or_alike),
        cmocka_unit_test(every_character_is_as_likely),
        cmocka_unit_test(an_alphabet_that_gives_only_trivial_pins_is_refused),
        cmocka_unit_test(a_bad_sealing_key_is_named_with_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
