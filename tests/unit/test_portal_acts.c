#include "portal_fixture.h"

#include "base/clock.h"

/* ---- approve ---- */

static void an_approved_application_carries_an_approval_that_verifies(void **state)
{
    (void)state;
    const char *const names[] = {"org-sign-p256"};
    const struct act_claim request = {
        .station = "a", .max = 1, .profiles = names, .n_profiles = 1, .lease_seconds = 60};
    json_t *claims = NULL;
    unsigned char signature[512];
    struct application app;
    struct approval approval;
    assert_int_equal(approve("CA-1", "org-sign-p256"), 0);
    assert_int_equal(IN_TRANSACTION(act_claim(&act, &request, &claims, &err)), 0);
    const json_t *c = json_array_get(claims, 0);
    char *doc = json_dumps(json_object_get(c, "application"), JSON_INDENT(1));
    const char *base64 = json_str(c, "signature"), *signed_text = json_str(c, "approval");
    int len = EVP_DecodeBlock(signature, (const unsigned char *)base64, (int)strlen(base64));
    size_t padding = strlen(base64) - strcspn(base64, "=");
    assert_int_equal(approval_verify(doc, strlen(doc), signed_text, strlen(signed_text), signature,
                                     (size_t)len - padding, key, &app, &approval, &err),
                     0);
    assert_string_equal(approval.first_reviewer, "张三");
    assert_string_equal(app.id, "CA-1");
    free(doc);
    json_decref(claims);
}

static void a_repeated_id_is_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(approve("CA-1", "org-sign-p256"), 0);
    assert_int_equal(approve("CA-1", "org-sign-rsa2048"), -1);
    assert_int_equal(err.code, ERR_EXISTS);
    assert_non_null(strstr(err.text, "CA-1"));
}

static void an_unknown_profile_and_a_single_reviewer_are_refused(void **state)
{
    (void)state;
    const struct act_review one = {.first = "张三", .final = "张三", .key = key, .profiles = &profiles};
    json_t *doc = document("CA-1", "org-sign-p256");
    assert_int_equal(approve("CA-1", "org-sign-sm2"), -1);
    assert_int_equal(err.code, ERR_PROFILE);
    assert_int_equal(IN_TRANSACTION(act_approve(&act, doc, &one, NULL, &err)), -1);
    assert_int_equal(err.code, ERR_APPROVAL);
    assert_int_equal(approve("CA-1", "org-sign-p256"), 0); /* nothing stayed of the refused ones */
    json_decref(doc);
}

/* ---- claim, leases, generations ---- */

static void the_oldest_approval_is_claimed_first(void **state)
{
    (void)state;
    char ids[8][41];
    approve("CA-b", "org-sign-p256");
    act.now += 1000;
    approve("CA-a", "org-sign-p256");
    act.now += 1000;
    approve("CA-c", "org-sign-rsa2048");
    assert_int_equal(claim("bench", 8, "org-sign-p256", ids), 2);
    assert_string_equal(ids[0], "CA-b");
    assert_string_equal(ids[1], "CA-a");
    assert_string_equal(state_of("CA-c"), "approved");
}

static void no_more_are_claimed_than_asked_for(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    approve("CA-2", "org-sign-p256");
    assert_int_equal(claim("bench", 1, "org-sign-p256", NULL), 1);
    assert_int_equal(claim("bench", 8, "org-sign-p256", NULL), 1);
    assert_int_equal(claim("bench", 8, "org-sign-p256", NULL), 0);
}

static void profiles_are_told_apart_by_case(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    assert_int_equal(claim("bench", 1, "ORG-SIGN-P256", NULL), 0);
}

static void a_claim_stands_until_its_lease_is_over_and_then_goes_to_another_generation(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    assert_int_equal(claim("a", 1, "org-sign-p256", NULL), 1);
    act.now += 59999;
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 0);
    act.now += 1;
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 1);
    assert_int_equal(generation_of("CA-1"), 2);
}

static void a_renewal_moves_the_end_of_the_lease(void **state)
{
    (void)state;
    const struct act_held held = {"a", "CA-1", 1}, other = {"b", "CA-1", 1}, next = {"a", "CA-1", 2};
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    act.now += 50000;
    assert_int_equal(IN_TRANSACTION(act_renew(&act, &held, 60, &err)), 0);
    act.now += 50000;
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 0);
    assert_int_equal(IN_TRANSACTION(act_renew(&act, &other, 60, &err)), -1);
    assert_int_equal(err.code, ERR_LEASE);
    assert_int_equal(IN_TRANSACTION(act_renew(&act, &next, 60, &err)), -1);
    assert_int_equal(err.code, ERR_GENERATION);
}

static void a_lease_that_ran_out_can_be_renewed_while_nobody_else_has_it(void **state)
{
    (void)state;
    const struct act_held held = {"a", "CA-1", 1};
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    act.now += 3600000;
    assert_int_equal(IN_TRANSACTION(act_renew(&act, &held, 60, &err)), 0);
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 0);
}

/* ---- fail, retry, give back ---- */

static void a_failed_application_waits_for_an_operator(void **state)
{
    (void)state;
    const struct act_held held = {"a", "CA-1", 1};
    struct portal_application row;
    approve("CA-1", "org-sign-p256");
    assert_int_equal(IN_TRANSACTION(act_retry(&act, "CA-1", "try again", &err)), -1);
    assert_int_equal(err.code, ERR_WRONG_STATE);
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(IN_TRANSACTION(act_fail(&act, &held, "token-failed", "three tokens in a row", &err)), 0);
    assert_string_equal(state_of("CA-1"), "failed");
    portal_application_get(act.db, "CA-1", &row, &err);
    assert_string_equal(row.fault_code, "token-failed");
    act.now += 3600000;
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 0);
    assert_int_equal(IN_TRANSACTION(act_retry(&act, "CA-1", "new lot", &err)), 0);
    portal_application_get(act.db, "CA-1", &row, &err);
    assert_string_equal(row.fault_code, "");
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 1);
    assert_int_equal(generation_of("CA-1"), 2);
}

static void what_is_given_back_is_there_for_the_next(void **state)
{
    (void)state;
    const struct act_held held = {"a", "CA-1", 1};
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(IN_TRANSACTION(act_give_back(&act, &held, &err)), 0);
    assert_int_equal(report_serial("a", "CA-1", 1, 0x1234), -1);
    assert_int_equal(err.code, ERR_WRONG_STATE);
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 1);
}

/* ---- report ---- */

static void a_report_makes_it_even_after_the_lease_when_nobody_else_claimed(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    act.now += 3600000;
    assert_int_equal(report_serial("a", "CA-1", 1, 0x1234), 0);
    assert_string_equal(state_of("CA-1"), "made");
    act.now += 3600000;
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 0);
}

static void a_report_of_an_older_generation_is_refused(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    act.now += 60000;
    claim("b", 1, "org-sign-p256", NULL);
    assert_int_equal(report_serial("a", "CA-1", 1, 0x1234), -1);
    assert_int_equal(err.code, ERR_GENERATION);
    assert_int_equal(report_serial("a", "CA-1", 2, 0x1234), -1);
    assert_int_equal(err.code, ERR_LEASE);
    assert_int_equal(report_serial("b", "CA-1", 2, 0x5678), 0);
}

static void the_same_report_again_changes_nothing(void **state)
{
    (void)state;
    char *pem = certificate(ORGANISATION, 0x1234);
    json_t *before = NULL, *after = NULL;
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(report("a", "CA-1", 1, pem, "1234"), 0);
    portal_application_json(act.db, "CA-1", &before, &err);
    act.now += 1000;
    assert_int_equal(report("a", "CA-1", 1, pem, "001234"), 0);
    portal_application_json(act.db, "CA-1", &after, &err);
    assert_true(json_equal(before, after));
    assert_int_equal(report_serial("a", "CA-1", 1, 0x9999), -1); /* but not another certificate */
    assert_int_equal(err.code, ERR_WRONG_STATE);
    json_decref(before);
    json_decref(after);
    free(pem);
}

static void a_certificate_that_is_not_the_applications_is_refused(void **state)
{
    (void)state;
    char *other = certificate("另一家公司", 0x1234), *own = certificate(ORGANISATION, 0x1234);
    char twice[32768];
    snprintf(twice, sizeof(twice), "%s%s", own, own);
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(report("a", "CA-1", 1, other, "1234"), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_non_null(strstr(err.text, "另一家公司"));
    assert_int_equal(report("a", "CA-1", 1, own, "1235"), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_int_equal(report("a", "CA-1", 1, "rubbish", "1234"), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_int_equal(report("a", "CA-1", 1, twice, "1234"), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_int_equal(report("a", "CA-1", 1, own, "123"), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_string_equal(state_of("CA-1"), "claimed");
    assert_int_equal(report("a", "CA-1", 1, own, "1234"), 0);
    free(other);
    free(own);
}

static void a_certificate_serves_one_application(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    approve("CA-2", "org-sign-p256");
    claim("a", 2, "org-sign-p256", NULL);
    assert_int_equal(report_serial("a", "CA-1", 1, 0x1234), 0);
    assert_int_equal(report_serial("a", "CA-2", 1, 0x1234), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "CA-1"));
}

static void the_database_itself_holds_one_standing_certificate_an_application(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(report_serial("a", "CA-1", 1, 0x1234), 0);
    assert_int_equal(
        db_exec(act.db, PSQL_CERTIFICATE_INSERT,
                DB_ARGS(DB_TEXT("ff"), DB_TEXT("CA-1"), DB_INT(1), DB_TEXT("a"), DB_TEXT("T2"), DB_TEXT("p"),
                        DB_TEXT("aa"), DB_TEXT("pem"), DB_TEXT("hash"), DB_INT(0), DB_INT(1), DB_INT(2)),
                NULL, &err),
        -1);
    assert_int_equal(err.code, ERR_CONFLICT);
}

/* ---- void ---- */

static void a_void_of_the_standing_certificate_puts_the_application_back(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    report_serial("a", "CA-1", 1, 0x1234);
    assert_int_equal(void_serial("b", "CA-1", 1, "1234"), -1);
    assert_int_equal(err.code, ERR_LEASE);
    assert_int_equal(void_serial("a", "CA-1", 1, "00001234"), 0);
    assert_string_equal(state_of("CA-1"), "approved");
    assert_int_equal(claim("b", 1, "org-sign-p256", NULL), 1);
    assert_int_equal(report_serial("b", "CA-1", 2, 0x1234), -1); /* never again that one */
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(report_serial("b", "CA-1", 2, 0x5678), 0);
}

static void a_void_of_a_certificate_never_reported_is_recorded_once_and_bars_it(void **state)
{
    (void)state;
    json_t *whole = NULL;
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(void_serial("a", "CA-1", 1, "1234"), 0);
    assert_int_equal(void_serial("a", "CA-1", 1, "1234"), 0);
    assert_string_equal(state_of("CA-1"), "claimed");
    assert_int_equal(portal_application_json(act.db, "CA-1", &whole, &err), 0);
    assert_int_equal(json_array_size(json_object_get(whole, "voided")), 1);
    json_decref(whole);
    assert_int_equal(report_serial("a", "CA-1", 1, 0x1234), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
}

static void a_late_void_of_an_older_generation_leaves_the_present_one_alone(void **state)
{
    (void)state;
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    act.now += 60000;
    claim("b", 1, "org-sign-p256", NULL);
    assert_int_equal(report_serial("b", "CA-1", 2, 0x5678), 0);
    assert_int_equal(void_serial("a", "CA-1", 1, "1234"), 0);
    assert_string_equal(state_of("CA-1"), "made");
    assert_int_equal(void_serial("a", "CA-1", 1, "5678"), -1); /* another's certificate */
    assert_int_equal(err.code, ERR_LEASE);
    assert_int_equal(void_serial("a", "CA-1", 3, "9999"), -1);
    assert_int_equal(err.code, ERR_GENERATION);
    assert_string_equal(state_of("CA-1"), "made");
}

/* ---- events ---- */

static void every_change_is_told_with_who_and_from_where_to_where(void **state)
{
    (void)state;
    static const char *const EXPECTED[][3] = {{"approve", "", "approved"},
                                              {"claim", "approved", "claimed"},
                                              {"claim", "claimed", "claimed"},
                                              {"report", "claimed", "made"},
                                              {"void", "made", "approved"}};
    json_t *whole = NULL;
    approve("CA-1", "org-sign-p256");
    act.now += 1;
    claim("a", 1, "org-sign-p256", NULL);
    act.now += 60000;
    claim("b", 1, "org-sign-p256", NULL);
    act.now += 1;
    report_serial("b", "CA-1", 2, 0x5678);
    act.now += 1;
    void_serial("b", "CA-1", 2, "5678");
    assert_int_equal(portal_application_json(act.db, "CA-1", &whole, &err), 0);
    const json_t *events = json_object_get(whole, "events");
    assert_int_equal(json_array_size(events), COUNT(EXPECTED));
    for (size_t i = 0; i < COUNT(EXPECTED); i++) {
        const json_t *e = json_array_get(events, i);
        assert_string_equal(json_str(e, "what"), EXPECTED[i][0]);
        assert_string_equal(json_str(e, "from"), EXPECTED[i][1]);
        assert_string_equal(json_str(e, "to"), EXPECTED[i][2]);
        assert_string_equal(json_str(e, "who"), "test");
        assert_int_equal(json_is_true(json_object_get(e, "alert")), i == 4);
    }
    const json_t *lendings = json_object_get(whole, "lendings");
    assert_string_equal(json_str(json_array_get(lendings, 0), "outcome"), "expired");
    assert_string_equal(json_str(json_array_get(lendings, 1), "outcome"), "made");
    json_decref(whole);
}

static void what_is_not_there_is_said_by_name(void **state)
{
    (void)state;
    const struct act_held held = {"a", "CA-9", 1};
    assert_int_equal(IN_TRANSACTION(act_renew(&act, &held, 60, &err)), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "CA-9"));
    assert_int_equal(report_serial("a", "CA-9", 1, 0x1234), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(void_serial("a", "CA-9", 1, "1234"), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_approved_application_carries_an_approval_that_verifies),
        TEST(a_repeated_id_is_refused_by_name),
        TEST(an_unknown_profile_and_a_single_reviewer_are_refused),
        TEST(the_oldest_approval_is_claimed_first),
        TEST(no_more_are_claimed_than_asked_for),
        TEST(profiles_are_told_apart_by_case),
        TEST(a_claim_stands_until_its_lease_is_over_and_then_goes_to_another_generation),
        TEST(a_renewal_moves_the_end_of_the_lease),
        TEST(a_lease_that_ran_out_can_be_renewed_while_nobody_else_has_it),
        TEST(a_failed_application_waits_for_an_operator),
        TEST(what_is_given_back_is_there_for_the_next),
        TEST(a_report_makes_it_even_after_the_lease_when_nobody_else_claimed),
        TEST(a_report_of_an_older_generation_is_refused),
        TEST(the_same_report_again_changes_nothing),
        TEST(a_certificate_that_is_not_the_applications_is_refused),
        TEST(a_certificate_serves_one_application),
        TEST(the_database_itself_holds_one_standing_certificate_an_application),
        TEST(a_void_of_the_standing_certificate_puts_the_application_back),
        TEST(a_void_of_a_certificate_never_reported_is_recorded_once_and_bars_it),
        TEST(a_late_void_of_an_older_generation_leaves_the_present_one_alone),
        TEST(every_change_is_told_with_who_and_from_where_to_where),
        TEST(what_is_not_there_is_said_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
