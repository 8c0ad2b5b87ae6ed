/* Settings, the calendar, and promises on real records. */
#include "workflow_fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "domain/workday.h"
#include "portal/act_rules.h"

/* The year as it is shipped. */
static char *shipped_calendar(void)
{
    struct buf b;
    buf_init(&b);
    assert_int_equal(file_read("data/calendar/2026.csv", 65536, &b, &err), 0);
    char *text = strdup(buf_cstr(&b));
    buf_done(&b);
    return text;
}

static void load_2026(void)
{
    char *csv = shipped_calendar();
    DO(calendar_load(act.db, act.now, 2026, csv, "", &err));
    free(csv);
}

static int64_t at(const char *utc)
{
    int64_t ms = clock_utc_parse(utc);
    assert_true(ms > 0);
    return ms;
}

static void assert_due(int64_t due, const char *last_day)
{
    char text[11];
    assert_int_equal(due, workday_begin(workday_of(due))); /* midnight in Shanghai */
    workday_text(workday_of(due - 1), text);
    assert_string_equal(text, last_day);
}

/* ---- the calendar ---- */

static void the_shipped_calendar_has_39_days_and_names_where_it_was_published(void **state)
{
    (void)state;
    json_t *year = NULL;
    size_t working = 0;
    load_2026();
    assert_int_equal(calendar_json(act.db, 2026, &year, &err), 0);
    const json_t *days = json_object_get(year, "days");
    assert_int_equal(json_array_size(days), 39);
    for (size_t i = 0; i < 39; i++)
        working += json_is_true(json_object_get(json_array_get(days, i), "working"));
    assert_int_equal(working, 6);
    assert_non_null(strstr(json_str(year, "source"), "gov.cn"));
    assert_int_equal(json_int(year, "loaded_at"), act.now);
    json_decref(year);
}

static void a_year_loaded_again_replaces_what_was_there_and_leaves_the_others(void **state)
{
    (void)state;
    json_t *year = NULL;
    load_2026();
    DO(calendar_load(act.db, act.now, 2027, "2027-01-01,holiday,元旦\r\n\r\n# a remark\n2027-01-03,working,",
                     "x", &err));
    DO(calendar_load(act.db, act.now, 2026, "\xef\xbb\xbf# source: 另一处\n2026-01-01,holiday,元旦\n", "",
                     &err));
    assert_int_equal(calendar_json(act.db, 2026, &year, &err), 0);
    assert_int_equal(json_array_size(json_object_get(year, "days")), 1);
    assert_string_equal(json_str(year, "source"), "另一处");
    json_decref(year);
    assert_int_equal(calendar_json(act.db, 2027, &year, &err), 0);
    assert_int_equal(json_array_size(json_object_get(year, "days")), 2);
    json_decref(year);
    assert_int_equal(calendar_json(act.db, 2028, &year, &err), 0);
    assert_int_equal(json_int(year, "loaded_at"), 0);
    json_decref(year);
}

static void a_bad_line_is_named_and_nothing_of_the_file_stays(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *named;
    } BAD[] = {{"2026-01-01,holiday,x\n2026-02-30,holiday,x\n", "line 2"},
               {"2027-01-01,holiday,x\n", "line 1"},
               {"\n\n2026-01-01,off,x\n", "line 3"},
               {"2026-01-01\n", "line 1"},
               {"2026-01-01,holiday,x\n2026-01-01,working,x\n", "line 2"},
               {"2026-01-01,holiday,\xe2\x80\xae\n", "line 1"},
               {"day,kind,note\n", "line 1"}};
    load_2026();
    for (size_t i = 0; i < COUNT(BAD); i++) {
        json_t *year = NULL;
        assert_int_equal(IN_TRANSACTION(calendar_load(act.db, act.now, 2026, BAD[i].csv, "", &err)), -1);
        assert_int_equal(err.code, ERR_FIELD);
        assert_non_null(strstr(err.text, BAD[i].named));
        assert_int_equal(calendar_json(act.db, 2026, &year, &err), 0);
        assert_int_equal(json_array_size(json_object_get(year, "days")), 39);
        json_decref(year);
    }
    assert_int_equal(IN_TRANSACTION(calendar_load(act.db, act.now, 20260, "", "", &err)), -1);
    assert_int_equal(err.code, ERR_FIELD);
}

/* ---- settings ---- */

static void a_setting_is_what_was_set_last_and_otherwise_what_the_caller_says(void **state)
{
    (void)state;
    char value[16];
    int64_t n = 0;
    assert_int_equal(setting_get(act.db, "colour", "blue", value, sizeof(value), &err), 0);
    assert_string_equal(value, "blue");
    DO(setting_set(act.db, "colour", "red", &err));
    DO(setting_set(act.db, "colour", "green", &err));
    assert_int_equal(setting_get(act.db, "colour", "blue", value, sizeof(value), &err), 0);
    assert_string_equal(value, "green");
    assert_int_equal(setting_get(act.db, "colour", "", value, 4, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(setting_int(act.db, "colour", 7, &n, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(setting_int(act.db, "none", 7, &n, &err), 0);
    assert_int_equal(n, 7);
}

/* ---- promises ---- */

static void promises_end_at_midnight_in_shanghai_after_the_last_working_day(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        int64_t days;
        const char *last;
        bool provisional;
    } KNOWN[] = {
        {"2026-09-18T02:00:00.000Z", 3, "2026-09-22", false}, /* the 20th is worked */
        {"2026-09-18T15:59:59.999Z", 3, "2026-09-22", false},
        {"2026-09-24T16:00:00.000Z", 1, "2026-09-28", false}, /* it is the 25th there, a holiday */
        {"2026-09-29T01:00:00.000Z", 3, "2026-10-09", false},
        {"2026-12-31T01:00:00.000Z", 1, "2027-01-01", true}, /* nobody has published 2027 */
        {"2026-12-30T01:00:00.000Z", 1, "2026-12-31", false},
        {"2027-03-05T01:00:00.000Z", 3, "2027-03-10", true},
    };
    load_2026();
    for (size_t i = 0; i < COUNT(KNOWN); i++) {
        int64_t due = 0;
        bool provisional = !KNOWN[i].provisional;
        assert_int_equal(promise_due(act.db, at(KNOWN[i].from), KNOWN[i].days, &due, &provisional, &err), 0);
        assert_due(due, KNOWN[i].last);
        assert_int_equal(provisional, KNOWN[i].provisional);
        assert_int_equal(promise_is_provisional(act.db, due, &provisional, &err), 0);
        assert_int_equal(provisional, KNOWN[i].provisional);
    }
}

static void a_promise_that_stood_still_ends_later_by_the_working_days_it_stood(void **state)
{
    (void)state;
    int64_t due = 0, later = 0;
    load_2026();
    assert_int_equal(promise_due(act.db, at("2026-09-16T02:00:00.000Z"), 3, &due, NULL, &err), 0);
    assert_due(due, "2026-09-20"); /* 17, 18 and the worked Sunday */
    assert_int_equal(promise_resume(act.db, due, at("2026-09-17T02:00:00.000Z"),
                                    at("2026-09-17T09:00:00.000Z"), &later, &err),
                     0);
    assert_due(later, "2026-09-20"); /* within a day: nothing */
    assert_int_equal(promise_resume(act.db, due, at("2026-09-17T02:00:00.000Z"),
                                    at("2026-09-29T02:00:00.000Z"), &later, &err),
                     0);
    assert_due(later, "2026-10-08"); /* 18 20 21 22 23 24 28 29: eight days after the 20th */
}

/* ---- the clock of an application ---- */

static void the_first_review_is_promised_from_the_payment_and_the_final_one_from_the_paper(void **state)
{
    (void)state;
    char id[41];
    load_2026();
    act.now = at("2026-09-17T02:00:00.000Z");
    to_draft(id);
    DO(submit(id));
    assert_int_equal(row_of(id).promise_due, 0); /* nothing is promised before it is paid */
    act.now = at("2026-09-18T02:00:00.000Z");
    DO(pay(id));
    assert_due(row_of(id).promise_due, "2026-09-22");
    assert_int_equal(row_of(id).promise_days, 3);
    DO(decide(id, &first, REVIEW_APPROVE));
    assert_int_equal(row_of(id).promise_due, 0);
    act.now = at("2026-09-24T02:00:00.000Z");
    DO(paper(id));
    assert_due(row_of(id).promise_due, "2026-09-28"); /* the day after is a holiday, then a week-end */
    act.now = at("2026-09-28T02:00:00.000Z");
    DO(act_paper(&act, id, "SF-corrected", &err));
    assert_due(row_of(id).promise_due, "2026-09-28"); /* a corrected number begins nothing anew */
    DO(decide(id, &final, REVIEW_APPROVE));
    assert_due(row_of(id).promise_due, "2026-09-29");
    assert_int_equal(claim("bench", 1, "org-sign-p256", NULL), 1);
    assert_due(row_of(id).promise_due, "2026-09-29");
    assert_int_equal(report_serial("bench", id, 1, 0x1234), 0);
    assert_int_equal(row_of(id).promise_due, 0); /* made: it was kept */
    act.now = at("2026-09-30T02:00:00.000Z");
    assert_int_equal(void_serial("bench", id, 1, "1234"), 0);
    assert_due(row_of(id).promise_due, "2026-10-08"); /* another is to be made */
}

static void a_return_stops_the_clock_and_resubmitting_lets_it_go_on(void **state)
{
    (void)state;
    char id[41];
    load_2026();
    act.now = at("2026-09-16T02:00:00.000Z");
    to_first_review(id);
    int64_t submitted = row_of(id).submitted_at;
    assert_due(row_of(id).promise_due, "2026-09-20");
    act.now = at("2026-09-17T02:00:00.000Z");
    DO(decide(id, &first, REVIEW_RETURN));
    assert_int_equal(row_of(id).promise_stopped_at, act.now);
    assert_due(row_of(id).promise_due, "2026-09-20");
    act.now = at("2026-09-29T02:00:00.000Z");
    DO(submit(id));
    assert_due(row_of(id).promise_due, "2026-10-08");
    assert_int_equal(row_of(id).promise_stopped_at, 0);
    assert_int_equal(row_of(id).submitted_at, submitted); /* its place is kept */
    assert_int_equal(row_of(id).promise_days, 3);
}

static void a_return_at_the_final_review_goes_on_where_the_first_review_stood(void **state)
{
    (void)state;
    char id[41];
    load_2026();
    act.now = at("2026-09-16T02:00:00.000Z");
    to_first_review(id); /* due on the 20th */
    act.now = at("2026-09-17T02:00:00.000Z");
    DO(decide(id, &first, REVIEW_APPROVE)); /* with the 18th and the 20th left */
    DO(paper(id));
    act.now = at("2026-09-21T02:00:00.000Z");
    DO(decide(id, &final, REVIEW_RETURN));
    assert_string_equal(row_of(id).paper_number, ""); /* the corrected content needs paper of its own */
    act.now = at("2026-09-22T02:00:00.000Z");
    DO(submit(id));
    assert_due(row_of(id).promise_due, "2026-09-24"); /* two working days are left again */
    assert_int_equal(row_of(id).promise_days, 3);
}

static void what_the_administrator_promises_is_what_is_reckoned_with(void **state)
{
    (void)state;
    char id[41];
    load_2026();
    act.now = at("2026-09-18T02:00:00.000Z");
    DO(setting_set(act.db, "promise_first_review_days", "5", &err));
    to_first_review(id);
    assert_due(row_of(id).promise_due, "2026-09-24");
    assert_int_equal(row_of(id).promise_days, 5);
}

static void what_has_ended_promises_nothing(void **state)
{
    (void)state;
    char id[41];
    to_first_review(id);
    assert_true(row_of(id).promise_due > 0);
    DO(act_withdraw(&act, id, NULL, &err));
    assert_int_equal(row_of(id).promise_due, 0);
    to_draft(id);
    DO(submit(id));
    struct payment_order o;
    bool found;
    assert_int_equal(payment_order_of(act.db, id, &found, &o, &err), 0);
    DO(pay_order(o.id, FEE, "BANK-9"));
    DO(decide(id, &first, REVIEW_REJECT));
    assert_int_equal(row_of(id).promise_due, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKFLOW_TEST(the_shipped_calendar_has_39_days_and_names_where_it_was_published),
        WORKFLOW_TEST(a_year_loaded_again_replaces_what_was_there_and_leaves_the_others),
        WORKFLOW_TEST(a_bad_line_is_named_and_nothing_of_the_file_stays),
        WORKFLOW_TEST(a_setting_is_what_was_set_last_and_otherwise_what_the_caller_says),
        WORKFLOW_TEST(promises_end_at_midnight_in_shanghai_after_the_last_working_day),
        WORKFLOW_TEST(a_promise_that_stood_still_ends_later_by_the_working_days_it_stood),
        WORKFLOW_TEST(the_first_review_is_promised_from_the_payment_and_the_final_one_from_the_paper),
        WORKFLOW_TEST(a_return_stops_the_clock_and_resubmitting_lets_it_go_on),
        WORKFLOW_TEST(a_return_at_the_final_review_goes_on_where_the_first_review_stood),
        WORKFLOW_TEST(what_the_administrator_promises_is_what_is_reckoned_with),
        WORKFLOW_TEST(what_has_ended_promises_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
