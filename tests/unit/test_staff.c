#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cmocka_all.h"
#include "web/staff.h"

static struct err err;

static void yuan_become_fen_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *typed;
        int64_t fen;
    } GOOD[] = {{"0", 0},
                {"0.01", 1},
                {"0.1", 10},
                {"200", 20000},
                {"200.00", 20000},
                {"1234.5", 123450},
                {"1,234.56", 123456},
                {"¥88.88", 8888},
                {"0.29", 29},
                {"999999999.99", 99999999999}};
    static const char *const WRONG[] = {"",      ".",          "1.", ".5",  "1.234", "-1",      "+1",
                                        "1e3",   "0x10",       " 1", "1 ",  "１",    "1,2.3.4", ",1",
                                        "1.0,0", "1000000000", "¥",  "NaN", "1.2.3"};
    int64_t fen;
    for (size_t i = 0; i < COUNT(GOOD); i++) {
        assert_true(staff_money(GOOD[i].typed, &fen));
        assert_int_equal(fen, GOOD[i].fen);
    }
    for (size_t i = 0; i < COUNT(WRONG); i++)
        if (staff_money(WRONG[i], &fen))
            fail_msg("'%s' was taken for %lld", WRONG[i], (long long)fen);
}

static void a_day_begins_in_shanghai(void **state)
{
    (void)state;
    int64_t ms = 1;
    assert_true(staff_date("", false, &ms));
    assert_int_equal(ms, 0);
    assert_true(staff_date("2026-11-22", false, &ms));
    assert_int_equal(ms, 1795276800000); /* 2026-11-21T16:00:00Z */
    assert_true(staff_date("2026-12-31", true, &ms));
    assert_int_equal(ms, 1798732800000); /* 2026-12-31T16:00:00Z */
    assert_false(staff_date("2026-02-30", false, &ms));
    assert_false(staff_date("2026-11-22x", false, &ms));
}

static void an_address_takes_any_value(void **state)
{
    (void)state;
    struct buf url;
    buf_init(&url);
    assert_int_equal(buf_put_str(&url, "/applications", &err), 0);
    assert_int_equal(staff_url_add(&url, "q", "a&b=\"科\"#/?%", &err), 0);
    assert_int_equal(staff_url_add(&url, "state", "", &err), 0);
    assert_int_equal(staff_url_add(&url, "from", "2026-11-22", &err), 0);
    assert_string_equal(buf_cstr(&url),
                        "/applications?q=a%26b%3D%22%E7%A7%91%22%23%2F%3F%25&from=2026-11-22");
    buf_done(&url);
}

static void a_count_stands_in_its_sentence(void **state)
{
    (void)state;
    char text[64];
    staff_count(text, sizeof(text), "还剩 {n} 个工作日", 12);
    assert_string_equal(text, "还剩 12 个工作日");
    staff_count(text, sizeof(text), "overdue", 1);
    assert_string_equal(text, "overdue");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yuan_become_fen_exactly),
        cmocka_unit_test(a_day_begins_in_shanghai),
        cmocka_unit_test(an_address_takes_any_value),
        cmocka_unit_test(a_count_stands_in_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
