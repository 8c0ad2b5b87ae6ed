#include <string.h>

#include "cmocka_all.h"
#include "portal/application_state.h"

/* Every state against every event, written out by hand: NULL where it is refused. */
static const struct {
    const char *state, *event, *to;
} EXPECTED[] = {
    {"approved", "approve", NULL},   {"approved", "claim", "claimed"},
    {"approved", "renew", NULL},     {"approved", "report", NULL},
    {"approved", "fail", NULL},      {"approved", "give_back", NULL},
    {"approved", "void", NULL},      {"approved", "retry", NULL},
    {"claimed", "approve", NULL},    {"claimed", "claim", "claimed"},
    {"claimed", "renew", "claimed"}, {"claimed", "report", "made"},
    {"claimed", "fail", "failed"},   {"claimed", "give_back", "approved"},
    {"claimed", "void", NULL},       {"claimed", "retry", NULL},
    {"made", "approve", NULL},       {"made", "claim", NULL},
    {"made", "renew", NULL},         {"made", "report", NULL},
    {"made", "fail", NULL},          {"made", "give_back", NULL},
    {"made", "void", "approved"},    {"made", "retry", NULL},
    {"failed", "approve", NULL},     {"failed", "claim", NULL},
    {"failed", "renew", NULL},       {"failed", "report", NULL},
    {"failed", "fail", NULL},        {"failed", "give_back", NULL},
    {"failed", "void", NULL},        {"failed", "retry", "approved"},
};

static enum application_event event_of(const char *name)
{
    enum application_event e = 0;
    while (e < APPLICATION_EVENT_COUNT && strcmp(application_event_name(e), name) != 0)
        e++;
    return e;
}

static void each_event_in_each_state_leads_where_it_should_or_is_refused(void **state)
{
    (void)state;
    assert_int_equal(COUNT(EXPECTED), APPLICATION_STATE_COUNT * APPLICATION_EVENT_COUNT);
    for (size_t i = 0; i < COUNT(EXPECTED); i++) {
        enum application_state from = application_state_from_name(EXPECTED[i].state),
                               to = APPLICATION_STATE_COUNT;
        enum application_event event = event_of(EXPECTED[i].event);
        struct err err = {0};
        assert_true(from < APPLICATION_STATE_COUNT && event < APPLICATION_EVENT_COUNT);
        int rc = application_next(from, event, &to, &err);
        if (EXPECTED[i].to) {
            assert_int_equal(rc, 0);
            assert_string_equal(application_state_name(to), EXPECTED[i].to);
            continue;
        }
        assert_int_equal(rc, -1);
        assert_int_equal(err.code, ERR_WRONG_STATE);
        assert_non_null(strstr(err.text, EXPECTED[i].state));
        assert_non_null(strstr(err.text, EXPECTED[i].event));
        assert_int_equal(to, APPLICATION_STATE_COUNT); /* untouched */
    }
}

static void no_pair_of_state_and_event_is_listed_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(EXPECTED); i++)
        for (size_t j = 0; j < i; j++)
            assert_false(strcmp(EXPECTED[i].state, EXPECTED[j].state) == 0 &&
                         strcmp(EXPECTED[i].event, EXPECTED[j].event) == 0);
}

static void names_lead_back_to_their_states_and_each_has_a_title_in_both_languages(void **state)
{
    (void)state;
    for (enum application_state s = 0; s < APPLICATION_STATE_COUNT; s++) {
        assert_int_equal(application_state_from_name(application_state_name(s)), s);
        assert_true(strlen(application_state_title(s, LANG_ZH)) > 0);
        assert_true(strlen(application_state_title(s, LANG_EN)) > 0);
        assert_string_not_equal(application_state_title(s, LANG_ZH), application_state_title(s, LANG_EN));
    }
    assert_int_equal(application_state_from_name("nowhere"), APPLICATION_STATE_COUNT);
}

static void what_an_operator_must_know_raises_an_alert(void **state)
{
    (void)state;
    assert_true(application_event_alerts(APPLICATION_FAIL));
    assert_true(application_event_alerts(APPLICATION_GIVE_BACK));
    assert_true(application_event_alerts(APPLICATION_VOID));
    assert_false(application_event_alerts(APPLICATION_REPORT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_in_each_state_leads_where_it_should_or_is_refused),
        cmocka_unit_test(no_pair_of_state_and_event_is_listed_twice),
        cmocka_unit_test(names_lead_back_to_their_states_and_each_has_a_title_in_both_languages),
        cmocka_unit_test(what_an_operator_must_know_raises_an_alert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
