/* The step machine: every step with every class of outcome, and the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "job/machine.h"

static struct job_facts facts(enum step step, enum outcome_class cls)
{
    return (struct job_facts){.step = step, .cls = cls, .tries = 0, .tries_max = 3, .tokens = 1, .tokens_max = 3};
}

static void each_step_has_its_rules_and_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < STEP_COUNT; i++) {
        assert_non_null(step_rules[i].name);
        assert_true(strlen(step_rules[i].zh) > 0 && strlen(step_rules[i].en) > 0);
        assert_int_equal(step_from_name(step_rules[i].name), i);
        assert_true(strlen(step_rules[i].name) < 24); /* the journal's column in memory */
    }
    assert_int_equal(step_from_name("nothing"), STEP_COUNT);
}

static void the_steps_stand_in_the_order_of_the_architecture(void **state)
{
    (void)state;
    static const char *const order[] = {"check",   "initialise", "set_so_pin", "set_user_pin", "generate_key",  "prove_possession",
                                        "reserve", "sign",       "write",      "verify",       "commit_record", "report"};
    assert_int_equal(STEP_COUNT, sizeof order / sizeof order[0]);
    for (int i = 0; i < STEP_COUNT; i++)
        assert_string_equal(step_rules[i].name, order[i]);
}

static void only_reserve_and_sign_need_a_lease(void **state)
{
    (void)state;
    for (int i = 0; i < STEP_COUNT; i++)
        assert_int_equal(step_rules[i].lease, i == STEP_RESERVE || i == STEP_SIGN);
}

/* What must hold of every step and class, whatever the table says. */
static void no_decision_breaks_the_rules(void **state)
{
    (void)state;
    for (int step = 0; step < STEP_COUNT; step++)
        for (int cls = 0; cls < CLASS_COUNT; cls++) {
            struct job_facts f = facts((enum step)step, (enum outcome_class)cls);
            enum action a = job_decide(&f);
            enum step_zone zone = step_rules[step].zone;
            assert_true(a != ACTION_NEXT);                             /* a failure is never a success */
            if (zone == ZONE_BEFORE)
                assert_true(a != ACTION_AGAIN && a != ACTION_REPIN);   /* never blindly repeated on the device */
            if (zone == ZONE_SIGN && cls == CLASS_DEVICE)
                assert_int_equal(a, ACTION_LOOKUP);                    /* never signed again without asking */
            if (zone == ZONE_TOKEN && cls != CLASS_RESERVATION)
                assert_true(a != ACTION_REINIT);                       /* from reserve on, the key is kept */
            if (cls == CLASS_LEASE)
                assert_int_equal(a, ACTION_LOST);
            if (cls == CLASS_WAIT && zone != ZONE_AFTER)
                assert_int_equal(a, ACTION_WAIT);                      /* a vault that is away costs no token */
            if (cls == CLASS_TOKEN || cls == CLASS_LOT)
                assert_true(zone == ZONE_AFTER || a == ACTION_NEXT_TOKEN);
        }
}

static void tries_are_bounded_and_then_the_token_is_changed(void **state)
{
    (void)state;
    static const enum step steps[] = {STEP_INITIALISE, STEP_GENERATE_KEY, STEP_RESERVE, STEP_SIGN, STEP_WRITE, STEP_VERIFY};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct job_facts f = facts(steps[i], CLASS_DEVICE);
        f.tries = f.tries_max;
        assert_int_equal(job_decide(&f), ACTION_NEXT_TOKEN);
    }
}

static void tokens_are_bounded_and_then_the_job_fails(void **state)
{
    (void)state;
    for (int step = 0; step < STEP_COMMIT_RECORD; step++) {
        struct job_facts f = facts((enum step)step, CLASS_TOKEN);
        f.tokens = f.tokens_max;
        assert_int_equal(job_decide(&f), ACTION_FAIL);
    }
}

static void a_report_is_never_given_up_for_a_fault_of_the_way(void **state)
{
    (void)state;
    struct job_facts f = facts(STEP_REPORT, CLASS_DEVICE);
    f.tries = 1000;
    assert_int_equal(job_decide(&f), ACTION_AGAIN);
}

static void errors_have_the_class_that_their_harm_demands(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        enum outcome_class cls;
    } cases[] = {
        {ERR_SO_PIN, CLASS_TOKEN},      {ERR_PIN_LOCKED, CLASS_TOKEN}, {ERR_WEAK_KEY, CLASS_LOT},   {ERR_TOKEN_ABSENT, CLASS_ABSENT},
        {ERR_HSM_GONE, CLASS_WAIT},     {ERR_HSM_LOCKED, CLASS_WAIT},  {ERR_APPROVAL, CLASS_JOB},   {ERR_CA_VALIDITY, CLASS_JOB},
        {ERR_GENERATION, CLASS_LEASE},  {ERR_TOKEN_FULL, CLASS_TOKEN}, {ERR_TIMEOUT, CLASS_DEVICE}, {ERR_INTERNAL, CLASS_DEVICE},
        {ERR_ALREADY_SIGNED, CLASS_WAIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(outcome_class(cases[i].code), cases[i].cls);
}

static void phases_and_points_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < PHASE_COUNT; i++)
        assert_true(strlen(phase_name((enum phase)i)) > 1);
    for (int i = 0; i < POINT_COUNT; i++)
        assert_non_null(step_point_names[i]);
    for (int i = 0; i < ACTION_COUNT; i++)
        assert_true(strlen(action_name((enum action)i)) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_has_its_rules_and_a_name_of_its_own),
        cmocka_unit_test(the_steps_stand_in_the_order_of_the_architecture),
        cmocka_unit_test(only_reserve_and_sign_need_a_lease),
        cmocka_unit_test(no_decision_breaks_the_rules),
        cmocka_unit_test(tries_are_bounded_and_then_the_token_is_changed),
        cmocka_unit_test(tokens_are_bounded_and_then_the_job_fails),
        cmocka_unit_test(a_report_is_never_given_up_for_a_fault_of_the_way),
        cmocka_unit_test(errors_have_the_class_that_their_harm_demands),
        cmocka_unit_test(phases_and_points_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
