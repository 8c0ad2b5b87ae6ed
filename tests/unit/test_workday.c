#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmocka_all.h"
#include "domain/workday.h"

/* 2026 as the State Council arranged it, where it matters here; 2027 is not known. */
struct days {
    const char *const *working, *const *holidays;
    const char *known_until;
};
static const char *const WORKING[] = {"2026-09-20", "2026-10-10", NULL};
static const char *const HOLIDAYS[] = {"2026-09-25", "2026-10-01", "2026-10-02", "2026-10-05",
                                       "2026-10-06", "2026-10-07", NULL};

static bool named(const char *const *days, const char *day)
{
    while (*days && strcmp(*days, day) != 0)
        days++;
    return *days != NULL;
}

static bool is_working(int64_t day, bool *ret_provisional, void *arg)
{
    const struct days *d = arg;
    char text[11];
    workday_text(day, text);
    *ret_provisional = strcmp(text, d->known_until) > 0;
    if (named(d->working, text))
        return true;
    return !named(d->holidays, text) && !workday_is_weekend(day);
}

static struct days days = {WORKING, HOLIDAYS, "2026-12-31"};
static const struct workday_calendar calendar = {is_working, &days};

static int64_t day(const char *text)
{
    int64_t d = 0;
    assert_true(workday_parse(text, &d));
    return d;
}

static void assert_day(int64_t got, const char *expected)
{
    char text[11];
    workday_text(got, text);
    assert_string_equal(text, expected);
}

static void a_day_in_shanghai_begins_at_sixteen_hours_utc_of_the_day_before(void **state)
{
    (void)state;
    assert_int_equal(workday_of(0), 0);
    assert_int_equal(workday_begin(0), -28800000);
    assert_int_equal(workday_of(workday_begin(20000)), 20000);
    assert_int_equal(workday_of(workday_begin(20000) - 1), 19999);
    assert_int_equal(workday_of(-28800001), -1);
    assert_day(workday_of(INT64_C(1789689600000)),
               "2026-09-18"); /* 2026-09-18T00:00:00Z: 8 in the morning there */
    assert_day(workday_of(INT64_C(1789747199999)), "2026-09-18"); /* 23:59:59.999 there */
    assert_day(workday_of(INT64_C(1789747200000)), "2026-09-19"); /* and midnight */
}

static void every_day_of_a_century_reads_back_and_is_what_the_c_library_says(void **state)
{
    (void)state;
    for (int64_t d = day("1970-01-01"); d <= day("2099-12-31"); d++) {
        char text[11], libc[32];
        time_t at = (time_t)(d * 86400);
        struct tm tm;
        gmtime_r(&at, &tm);
        strftime(libc, sizeof(libc), "%Y-%m-%d", &tm);
        workday_text(d, text);
        assert_string_equal(text, libc);
        assert_int_equal(day(text), d);
        assert_int_equal(workday_is_weekend(d), tm.tm_wday == 0 || tm.tm_wday == 6);
    }
}

static void a_date_that_does_not_exist_or_is_written_otherwise_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {"2026-02-29", "2026-04-31", "2026-13-01",  "2026-00-10", "2026-01-00",
                                      "2026-1-01",  "2026/01/01", "2026-01-01 ", "20260101",   "",
                                      "2026-01-0",  "2100-02-29", "-026-01-01",  "2026-01-32"};
    int64_t d = 77;
    for (size_t i = 0; i < COUNT(BAD); i++)
        assert_false(workday_parse(BAD[i], &d));
    assert_int_equal(d, 77);
    assert_true(workday_parse("2028-02-29", &d));
}

static void three_working_days_after_the_18th_of_september_are_the_22nd_for_the_20th_is_worked(void **state)
{
    (void)state;
    bool provisional = true;
    assert_day(workday_add(&calendar, day("2026-09-18"), 3, &provisional), "2026-09-22");
    assert_false(provisional);
}

static void national_day_is_left_out(void **state)
{
    (void)state;
    bool provisional = true;
    assert_day(workday_add(&calendar, day("2026-09-29"), 3, &provisional), "2026-10-09");
    assert_day(workday_add(&calendar, day("2026-09-29"), 4, &provisional),
               "2026-10-10"); /* a Saturday, worked */
    assert_false(provisional);
}

static void no_days_are_the_day_itself_even_a_holiday(void **state)
{
    (void)state;
    bool provisional = true;
    assert_day(workday_add(&calendar, day("2026-10-01"), 0, &provisional), "2026-10-01");
    assert_false(provisional);
}

static void what_reaches_into_a_year_without_a_calendar_is_provisional(void **state)
{
    (void)state;
    bool provisional = false;
    assert_day(workday_add(&calendar, day("2026-12-30"), 1, &provisional), "2026-12-31");
    assert_false(provisional);
    assert_day(workday_add(&calendar, day("2026-12-30"), 2, &provisional), "2027-01-01"); /* a Friday */
    assert_true(provisional);
    assert_day(workday_add(&calendar, day("2026-12-30"), 3, &provisional), "2027-01-04");
    assert_true(provisional);
}

static void working_days_between_leave_out_the_first_and_count_the_last(void **state)
{
    (void)state;
    assert_int_equal(workday_between(&calendar, day("2026-09-18"), day("2026-09-22")), 3);
    assert_int_equal(workday_between(&calendar, day("2026-09-18"), day("2026-09-18")), 0);
    assert_int_equal(workday_between(&calendar, day("2026-09-22"), day("2026-09-18")), 0);
    assert_int_equal(workday_between(&calendar, day("2026-09-30"), day("2026-10-07")), 0);
}

static bool never(int64_t d, bool *ret_provisional, void *arg)
{
    (void)d;
    (void)arg;
    *ret_provisional = false;
    return false;
}

static void a_calendar_without_any_working_day_ends(void **state)
{
    (void)state;
    const struct workday_calendar nothing = {never, NULL};
    bool provisional;
    assert_true(workday_add(&nothing, 0, 1, &provisional) > 36500);
    assert_int_equal(workday_between(&nothing, 0, INT64_MAX / 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_in_shanghai_begins_at_sixteen_hours_utc_of_the_day_before),
        cmocka_unit_test(every_day_of_a_century_reads_back_and_is_what_the_c_library_says),
        cmocka_unit_test(a_date_that_does_not_exist_or_is_written_otherwise_is_refused),
        cmocka_unit_test(three_working_days_after_the_18th_of_september_are_the_22nd_for_the_20th_is_worked),
        cmocka_unit_test(national_day_is_left_out),
        cmocka_unit_test(no_days_are_the_day_itself_even_a_holiday),
        cmocka_unit_test(what_reaches_into_a_year_without_a_calendar_is_provisional),
        cmocka_unit_test(working_days_between_leave_out_the_first_and_count_the_last),
        cmocka_unit_test(a_calendar_without_any_working_day_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
