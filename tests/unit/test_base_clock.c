#include "cmocka_all.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static void utc_is_written_with_milliseconds(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } CASES[] = {{1795335330123, "2026-11-22T08:15:30.123Z"},
                 {0, "1970-01-01T00:00:00.000Z"},
                 {1835395200000, "2028-02-29T00:00:00.000Z"},
                 {253402300799999, "9999-12-31T23:59:59.999Z"},
                 {-1, "1970-01-01T00:00:00.000Z"},
                 {INT64_MAX, "9999-12-31T23:59:59.999Z"}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char text[CLOCK_UTC_SIZE];
        clock_utc_text(CASES[i].ms, text);
        assert_string_equal(text, CASES[i].text);
        if (CASES[i].ms >= 0 && CASES[i].ms < INT64_MAX)
            assert_true(clock_utc_parse(text) == CASES[i].ms);
    }
    assert_true(clock_utc_parse("2026-11-22T08:15:30Z") == 1795335330000);
}

static void what_is_no_utc_time_is_refused(void **state)
{
    (void)state;
    static const char *const CASES[] = {"",
                                        "2026-11-22",
                                        "2026-11-22T08:15:30",
                                        "2026-11-22 08:15:30Z",
                                        "2026-11-22T08:15:30+08:00",
                                        "2026-11-22T08:15:30.12Z",
                                        "2026-11-22T08:15:30.1234Z",
                                        "2026-11-22T08:15:30.123Z ",
                                        "2026-13-22T08:15:30.123Z",
                                        "2026-04-31T08:15:30.123Z",
                                        "2027-02-29T08:15:30.123Z",
                                        "2026-11-22T24:15:30.123Z",
                                        "2026-11-22T08:60:30.123Z",
                                        "2026-11-22T08:15:60.123Z",
                                        "2026-00-22T08:15:30.123Z",
                                        "1969-12-31T23:59:59.999Z",
                                        "+026-11-22T08:15:30.123Z"};
    for (size_t i = 0; i < COUNT(CASES); i++)
        assert_true(clock_utc_parse(CASES[i]) == -1);
}

static void time_does_not_depend_on_the_zone(void **state)
{
    (void)state;
    setenv("TZ", "Asia/Shanghai", 1);
    char text[CLOCK_UTC_SIZE];
    clock_utc_text(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    assert_true(clock_utc_parse("1970-01-01T00:00:00.000Z") == 0);
    unsetenv("TZ");
}

static void clocks_advance(void **state)
{
    (void)state;
    int64_t mono = clock_mono_ms(), boot = clock_boot_ms();
    assert_true(mono > 0 && boot >= mono);
    struct timespec ts = {.tv_nsec = 5000000};
    nanosleep(&ts, NULL);
    assert_true(clock_mono_ms() >= mono + 5);
    assert_true(clock_boot_ms() >= boot + 5);
    assert_true(clock_utc_ms() > 1577836800000); /* 2020 */
}

static void what_is_left_is_fit_for_poll(void **state)
{
    (void)state;
    assert_int_equal(clock_left_ms(0), 0);
    assert_int_equal(clock_left_ms(INT64_MIN), 0);
    assert_int_equal(clock_left_ms(clock_mono_ms() - 1), 0);
    assert_int_equal(clock_left_ms(INT64_MAX), INT_MAX);
    int left = clock_left_ms(clock_mono_ms() + 10000);
    assert_in_range(left, 9000, 10000);
}

static void the_boot_id_is_a_uuid_and_stays(void **state)
{
    (void)state;
    char a[BOOT_ID_SIZE], b[BOOT_ID_SIZE];
    clock_boot_id(a);
    clock_boot_id(b);
    assert_int_equal(strlen(a), 36);
    assert_string_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc_is_written_with_milliseconds), cmocka_unit_test(what_is_no_utc_time_is_refused),
        cmocka_unit_test(time_does_not_depend_on_the_zone), cmocka_unit_test(clocks_advance),
        cmocka_unit_test(what_is_left_is_fit_for_poll),     cmocka_unit_test(the_boot_id_is_a_uuid_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
