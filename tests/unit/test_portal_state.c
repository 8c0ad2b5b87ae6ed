#include <string.h>

#include "cmocka_all.h"
#include "portal/application_state.h"

/* Every legal change, written out by hand; whatever is not here is refused. */
static const struct {
    const char *state, *event, *to;
} LEGAL[] = {
    {"draft", "submit", "awaiting_payment"},
    {"draft", "submit_free", "first_review"},
    {"draft", "withdraw", "withdrawn"},
    {"awaiting_payment", "pay", "first_review"},
    {"awaiting_payment", "withdraw", "withdrawn"},
    {"first_review", "first_approve", "final_review"},
    {"first_review", "first_return", "returned"},
    {"first_review", "first_reject", "rejected"},
    {"first_review", "withdraw", "withdrawn"},
    {"returned", "resubmit", "first_review"},
    {"returned", "withdraw", "withdrawn"},
    {"final_review", "paper_received", "final_review"},
    {"final_review", "approve", "approved"},
    {"final_review", "final_return", "returned"},
    {"final_review", "final_reject", "rejected"},
    {"final_review", "withdraw", "withdrawn"},
    {"approved", "claim", "claimed"},
    {"approved", "withdraw", "withdrawn"},
    {"claimed", "claim", "claimed"},
    {"claimed", "renew", "claimed"},
    {"claimed", "report", "made"},
    {"claimed", "fail", "failed"},
    {"claimed", "give_back", "approved"},
    {"failed", "retry", "approved"},
    {"failed", "withdraw", "withdrawn"},
    {"made", "void", "approved"},
    {"made", "ready_for_pickup", "ready_for_pickup"},
    {"made", "posted", "issued"},
    {"made", "withdraw_made", "withdrawn"},
    {"ready_for_pickup", "picked_up", "issued"},
    {"ready_for_pickup", "void", "approved"},
    {"ready_for_pickup", "withdraw_made", "withdrawn"},
    {"issued", "void", "approved"},
};

static const char *legal(enum application_state from, enum application_event event)
{
    for (size_t i = 0; i < COUNT(LEGAL); i++)
        if (application_state_from_name(LEGAL[i].state) == from &&
            application_event_from_name(LEGAL[i].event) == event)
            return LEGAL[i].to;
    return NULL;
}

static void each_event_in_each_state_leads_where_it_should_or_is_refused(void **state)
{
    (void)state;
    size_t n = 0;
    for (enum application_state from = 0; from < APPLICATION_STATE_COUNT; from++)
        for (enum application_event event = 0; event < APPLICATION_EVENT_COUNT; event++) {
            const char *expected = legal(from, event);
            enum application_state to = APPLICATION_STATE_COUNT;
            struct err err = {0};
            int rc = application_next(from, event, &to, &err);
            if (expected) {
                assert_int_equal(rc, 0);
                assert_string_equal(application_state_name(to), expected);
                n++;
                continue;
            }
            assert_int_equal(rc, -1);
            assert_int_equal(err.code, ERR_WRONG_STATE);
            assert_non_null(strstr(err.text, application_state_name(from)));
            assert_non_null(strstr(err.text, application_event_name(event)));
            assert_int_equal(to, APPLICATION_STATE_COUNT); /* untouched */
        }
    assert_int_equal(n, COUNT(LEGAL)); /* every line of the list names a state and an event that there is */
}

static void each_event_has_a_name_of_its_own_and_a_title_in_both_languages(void **state)
{
    (void)state;
    for (enum application_event e = 0; e < APPLICATION_EVENT_COUNT; e++) {
        assert_int_equal(application_event_from_name(application_event_name(e)), e);
        assert_true(strlen(application_event_title(e, LANG_ZH)) > 0);
        assert_string_not_equal(application_event_title(e, LANG_ZH), application_event_title(e, LANG_EN));
    }
    assert_int_equal(application_event_from_name("nothing"), APPLICATION_EVENT_COUNT);
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
    assert_true(application_event_alerts(APPLICATION_WITHDRAW_MADE));
    assert_false(application_event_alerts(APPLICATION_WITHDRAW));
    assert_false(application_event_alerts(APPLICATION_REPORT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_in_each_state_leads_where_it_should_or_is_refused),
        cmocka_unit_test(each_event_has_a_name_of_its_own_and_a_title_in_both_languages),
        cmocka_unit_test(names_lead_back_to_their_states_and_each_has_a_title_in_both_languages),
        cmocka_unit_test(what_an_operator_must_know_raises_an_alert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
