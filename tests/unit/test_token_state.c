#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/token_state.h"

/* Written out by hand, not made from the .def: rows from, columns to, in the order of the states. */
static const char *const TABLE[TOKEN_STATE_COUNT] = {
    /*                     stock job made deliverable wiped quarantined scrapped */
    [TOKEN_STOCK] = "010"
                    "0011",
    [TOKEN_IN_JOB] = "101"
                     "0110",
    [TOKEN_MADE] = "000"
                   "1010",
    [TOKEN_DELIVERABLE] = "000"
                          "0010",
    [TOKEN_WIPED] = "010"
                    "0011",
    [TOKEN_QUARANTINED] = "100"
                          "0101",
    [TOKEN_SCRAPPED] = "000"
                       "0000",
};

static void each_pair_of_states_is_as_the_table_says(void **state)
{
    (void)state;
    for (enum token_state from = 0; from < TOKEN_STATE_COUNT; from++)
        for (enum token_state to = 0; to < TOKEN_STATE_COUNT; to++)
            if (token_may(from, to) != (TABLE[from][to] == '1'))
                fail_msg("%s to %s is %s", token_state_name(from), token_state_name(to),
                         token_may(from, to) ? "allowed" : "refused");
}

static void a_deliverable_token_comes_only_from_a_made_one(void **state)
{
    (void)state;
    for (enum token_state from = 0; from < TOKEN_STATE_COUNT; from++)
        assert_int_equal(token_may(from, TOKEN_DELIVERABLE), from == TOKEN_MADE);
}

static void a_state_outside_the_table_may_nothing(void **state)
{
    (void)state;
    for (enum token_state s = 0; s <= TOKEN_STATE_COUNT; s++) {
        assert_false(token_may(TOKEN_STATE_COUNT, s));
        assert_false(token_may(s, TOKEN_STATE_COUNT));
        assert_false(token_may((enum token_state)99, s));
    }
}

static void names_go_there_and_back(void **state)
{
    (void)state;
    for (enum token_state s = 0; s < TOKEN_STATE_COUNT; s++) {
        assert_int_equal(token_state_from_name(token_state_name(s)), s);
        assert_true(strlen(token_state_title(s, LANG_ZH)) > 0);
        assert_true(strlen(token_state_title(s, LANG_EN)) > 0);
    }
    assert_int_equal(token_state_from_name("lost"), TOKEN_STATE_COUNT);
    assert_int_equal(token_state_from_name(""), TOKEN_STATE_COUNT);
    assert_string_equal(token_state_name(TOKEN_STATE_COUNT), "unknown");
    assert_string_equal(token_state_name(TOKEN_IN_JOB), "in_job");
    assert_string_equal(token_state_title(TOKEN_IN_JOB, LANG_ZH), "制证中");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_of_states_is_as_the_table_says),
        cmocka_unit_test(a_deliverable_token_comes_only_from_a_made_one),
        cmocka_unit_test(a_state_outside_the_table_may_nothing),
        cmocka_unit_test(names_go_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
