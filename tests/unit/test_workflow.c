/* Drafts, forms, submitting, orders, on real records: what each act writes, whom it refuses, and what stays
 * as it was. */
#include "workflow_fixture.h"

#include "domain/uscc.h"

/* ---- drafts ---- */

static void a_draft_has_a_number_to_read_out_and_what_the_account_knows(void **state)
{
    (void)state;
    char id[41];
    act.now = INT64_C(1789747200000); /* midnight of 2026-09-19 in Shanghai: still the 18th in UTC */
    DO(draft_of(&applicant, id));
    assert_int_equal(strlen(id), 19);
    assert_memory_equal(id, "CA20260919-", 11);
    assert_int_equal(strspn(id + 11, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 8);
    assert_string_equal(typed(id, "name"), ORGANISATION);
    assert_string_equal(typed(id, "identifier"), USCC);
    assert_string_equal(row_of(id).owner, applicant.organisation);
    assert_string_equal(row_of(id).organisation, ORGANISATION);
    assert_int_equal(events(id, "create", NULL), 1);
}

static void a_second_one_at_a_time_is_refused_naming_the_first(void **state)
{
    (void)state;
    char id[41], another[41];
    DO(draft_of(&applicant, id));
    REFUSED(draft_of(&applicant, another), ERR_EXISTS, id);
    assert_int_equal(workflow_in_progress(act.db, applicant.organisation, another, &err), 0);
    assert_string_equal(another, id);
    DO(act_withdraw(&act, id, "", &err));
    assert_int_equal(workflow_in_progress(act.db, applicant.organisation, another, &err), 0);
    assert_string_equal(another, "");
    DO(draft_of(&applicant, another));
}

static void only_the_terms_in_force_can_be_agreed_to_and_only_by_an_applicant(void **state)
{
    (void)state;
    char id[41];
    REFUSED(act_draft(&act, &applicant, 2, "::1", id, &err), ERR_CONFLICT, "version 1, not 2");
    REFUSED(draft_of(&first, id), ERR_REFUSED, "organisation");
}

static void what_is_typed_is_kept_right_or_wrong(void **state)
{
    (void)state;
    char id[41];
    DO(draft_of(&applicant, id));
    DO(save(id, "identifier", "not a USCC <b>'; DROP TABLE application; --"));
    DO(save(id, "agent_mobile", "12"));
    assert_string_equal(typed(id, "identifier"), "not a USCC <b>'; DROP TABLE application; --");
    assert_string_equal(typed(id, "agent_mobile"), "12");
    int64_t version = row_of(id).form_version;
    DO(save(id, "agent_mobile", "12"));
    assert_int_equal(row_of(id).form_version, version); /* the same again is no change */
    REFUSED(save(id, "colour", "red"), ERR_FIELD, "colour");
    REFUSED(submit(id), ERR_FIELD, ":");
}

static void a_name_longer_than_a_column_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    char id[41], name[600] = "";
    DO(draft_of(&applicant, id));
    for (size_t i = 0; i < 190; i++)
        memcpy(name + 3 * i, "字", 4);
    DO(save(id, "name", name));
    const struct portal_application row = row_of(id);
    assert_int_equal(strlen(row.organisation), 255);
    assert_true(utf8_valid(row.organisation, 255));
}

static void an_institution_gets_its_identifier_once_its_name_is_entered_and_keeps_it(void **state)
{
    (void)state;
    struct account_user user;
    struct account_organisation o;
    char id[41], identifier[33];
    put_applicant("b@org.example", ORGANISATION_INSTITUTION, "", "", &user);
    DO(draft_of(&user, id));
    assert_string_equal(typed(id, "identifier"), "");
    DO(save(id, "name", "某镇人民政府"));
    snprintf(identifier, sizeof(identifier), "%.32s", typed(id, "identifier"));
    assert_memory_equal(identifier, "zcy", 3);
    assert_int_equal(internal_identifier_check(identifier, &err), 0);
    assert_int_equal(account_organisation_get(act.db, user.organisation, &o, &err), 0);
    assert_string_equal(o.identifier, identifier);
    DO(save(id, "name", "某镇人民政府办公室"));
    assert_string_equal(typed(id, "identifier"), identifier);
    DO(act_withdraw(&act, id, "", &err));
    DO(draft_of(&user, id));
    assert_string_equal(typed(id, "identifier"), identifier);
    DO(save(id, "identifier", "12100000400002259P")); /* a USCC replaces it */
    assert_int_equal(account_organisation_get(act.db, user.organisation, &o, &err), 0);
    assert_string_equal(o.identifier, "12100000400002259P");
}

static void anothers_uscc_is_kept_as_typed_but_not_submitted(void **state)
{
    (void)state;
    struct account_user user;
    char id[41];
    put_applicant("b@org.example", ORGANISATION_INSTITUTION, "", "", &user);
    DO(draft_of(&user, id));
    DO(fill(id, "org-sign-rsa2048", "365"));
    DO(save(id, "identifier", USCC));
    assert_string_equal(typed(id, "identifier"), USCC);
    REFUSED(submit_of(&user, id), ERR_EXISTS, "identifier");
}

/* ---- submitting and paying ---- */

static void a_form_that_lacks_something_is_refused_by_field(void **state)
{
    (void)state;
    char id[41];
    DO(draft_of(&applicant, id));
    DO(fill(id, "org-sign-p256", "365"));
    DO(save(id, "legal_representative", ""));
    REFUSED(submit(id), ERR_FIELD, "legal_representative");
    assert_string_equal(row_of(id).state, "draft");
}

static void with_a_fee_an_order_is_due_and_without_one_the_review_begins(void **state)
{
    (void)state;
    char id[41];
    bool found;
    struct payment_order o;
    to_draft(id);
    DO(submit(id));
    assert_int_equal(order_of(id).state, ORDER_DUE);
    assert_int_equal(order_of(id).fen, FEE);
    assert_int_equal(strspn(order_of(id).id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), strlen(order_of(id).id));
    assert_int_equal(row_of(id).submitted_at, act.now);
    assert_int_equal(strlen(row_of(id).content_sha256), 64);
    DO(act_withdraw(&act, id, "", &err));
    assert_int_equal(order_of(id).state, ORDER_CLOSED);
    DO(draft_of(&applicant, id));
    DO(fill(id, "org-sign-rsa2048", "365"));
    DO(submit(id));
    assert_string_equal(row_of(id).state, "first_review");
    assert_int_equal(payment_order_of(act.db, id, &found, &o, &err), 0);
    assert_false(found);
}

static void what_the_price_list_does_not_have_nobody_may_submit(void **state)
{
    (void)state;
    char id[41];
    to_draft(id);
    DO(db_exec(act.db, PSQL_PRICE_DELETE,
               DB_ARGS(DB_TEXT("enterprise"), DB_TEXT("org-sign-p256"), DB_INT(365)), NULL, &err));
    assert_int_equal(IN_TRANSACTION(submit(id)), -1);
    assert_true(err.code == ERR_FIELD || err.code == ERR_REFUSED);
    assert_string_equal(row_of(id).state, "draft");
}

static void a_second_submit_is_refused_and_makes_no_second_order(void **state)
{
    (void)state;
    char id[41], before[33];
    to_draft(id);
    DO(submit(id));
    snprintf(before, sizeof(before), "%s", order_of(id).id);
    REFUSED(submit(id), ERR_WRONG_STATE, "awaiting_payment");
    assert_string_equal(order_of(id).id, before);
    assert_int_equal(events(id, "submit", NULL), 1);
}

static void a_payment_must_be_the_orders_and_is_taken_once(void **state)
{
    (void)state;
    char id[41], order[33];
    struct act_payment p = {.method = "bank_transfer", .reference = " BANK  1 ", .fen = FEE, .order = order};
    to_draft(id);
    DO(submit(id));
    snprintf(order, sizeof(order), "%s", order_of(id).id);
    p.paid_at = act.now + 1;
    REFUSED(act_pay(&act, &p, &err), ERR_FIELD, "paid_at");
    p.paid_at = act.now - 1000;
    p.fen = FEE - 1;
    REFUSED(act_pay(&act, &p, &err), ERR_FIELD, "amount");
    p.fen = FEE;
    p.method = "shells";
    REFUSED(act_pay(&act, &p, &err), ERR_FIELD, "method");
    p.method = "bank_transfer";
    p.reference = "";
    REFUSED(act_pay(&act, &p, &err), ERR_FIELD, "reference");
    p.reference = " BANK  1 ";
    DO(act_pay(&act, &p, &err));
    assert_string_equal(row_of(id).state, "first_review");
    assert_string_equal(order_of(id).reference, "BANK 1");
    assert_string_equal(order_of(id).confirmed_by, "test");
    assert_int_equal(order_of(id).paid_at, act.now - 1000);
    act.now += 1000;
    DO(act_pay(&act, &p, &err)); /* told again */
    assert_int_equal(events(id, "pay", NULL), 1);
    assert_int_equal(order_of(id).confirmed_at, act.now - 1000);
    p.reference = "BANK 2";
    REFUSED(act_pay(&act, &p, &err), ERR_WRONG_STATE, "paid");
    p.order = "20260101XXXXXXXXXXXX";
    REFUSED(act_pay(&act, &p, &err), ERR_NOT_FOUND, "20260101");
}

static void a_banks_reference_serves_one_order(void **state)
{
    (void)state;
    struct account_user user;
    char id[41], other[41], paid[33];
    to_first_review(id);
    snprintf(paid, sizeof(paid), "%s", order_of(id).id);
    put_applicant("b@org.example", ORGANISATION_ENTERPRISE, ORGANISATION, "91350100M000100Y43", &user);
    DO(draft_of(&user, other));
    DO(fill(other, "org-sign-p256", "365"));
    DO(submit_of(&user, other));
    REFUSED(pay_order(order_of(other).id, FEE, "BANK-1"), ERR_EXISTS, paid);
    assert_int_equal(order_of(other).state, ORDER_DUE);
}

static void money_for_an_order_that_was_closed_is_to_be_refunded(void **state)
{
    (void)state;
    char id[41];
    to_draft(id);
    DO(submit(id));
    DO(act_withdraw(&act, id, "", &err));
    DO(pay_order(order_of(id).id, FEE, "BANK-1"));
    assert_int_equal(order_of(id).state, ORDER_REFUND_DUE);
    assert_string_equal(row_of(id).state, "withdrawn");
    assert_int_equal(events(id, "pay_late", NULL), 1);
    DO(act_refund(&act, order_of(id).id, "OUT-1", &err));
    assert_int_equal(order_of(id).state, ORDER_REFUNDED);
}

static void what_was_paid_is_refunded_once_after_a_withdrawal(void **state)
{
    (void)state;
    char id[41];
    to_first_review(id);
    REFUSED(act_refund(&act, order_of(id).id, "OUT-1", &err), ERR_WRONG_STATE, "paid");
    DO(act_withdraw(&act, id, "不再需要", &err));
    assert_int_equal(order_of(id).state, ORDER_REFUND_DUE);
    REFUSED(act_refund(&act, order_of(id).id, "", &err), ERR_FIELD, "refund_reference");
    DO(act_refund(&act, order_of(id).id, "OUT-1", &err));
    DO(act_refund(&act, order_of(id).id, "OUT-1", &err)); /* told again */
    assert_int_equal(events(id, "refund", NULL), 1);
    assert_string_equal(order_of(id).refund_reference, "OUT-1");
    assert_string_equal(order_of(id).refunded_by, "test");
    REFUSED(act_refund(&act, order_of(id).id, "OUT-2", &err), ERR_WRONG_STATE, "refunded");
}

static void a_rejection_refunds_and_ends_what_was_in_progress(void **state)
{
    (void)state;
    char id[41], next[41];
    to_final_review(id);
    DO(decide(id, &final, REVIEW_REJECT));
    assert_string_equal(row_of(id).state, "rejected");
    assert_int_equal(order_of(id).state, ORDER_REFUND_DUE);
    DO(draft_of(&applicant, next));
}

static void a_second_withdrawal_is_refused(void **state)
{
    (void)state;
    char id[41];
    to_first_review(id);
    DO(act_withdraw(&act, id, "", &err));
    REFUSED(act_withdraw(&act, id, "", &err), ERR_WRONG_STATE, "withdrawn");
    assert_int_equal(events(id, "withdraw", NULL), 1);
}

static void every_field_may_be_returned_with_the_longest_reason_there_is(void **state)
{
    (void)state;
    char id[41], seen[SHA256_HEX_SIZE], longest[4 * 200 + 1] = "", note[4 * 500 + 1] = "", kind[40];
    json_t *reasons = json_object();
    const struct act_decision d = {.decision = REVIEW_RETURN,
                                   .reviewer = &first,
                                   .review_sha256 = seen,
                                   .reasons = reasons,
                                   .note = note};
    for (size_t i = 0; i < 200; i++)
        memcpy(longest + 4 * i, "𠀀", 5);
    for (size_t i = 0; i < 500; i++)
        memcpy(note + 4 * i, "𠀀", 5);
    for (size_t i = 0; i < form_n_fields; i++)
        json_object_set_new(reasons, form_fields[i].key, json_string(longest));
    for (size_t i = 0; i < material_n_kinds; i++) {
        snprintf(kind, sizeof(kind), "material_%s", material_kinds[i].name);
        json_object_set_new(reasons, kind, json_string(longest));
    }
    to_first_review(id);
    assert_int_equal(form_review_sha256(act.db, id, seen, &err), 0);
    DO(act_review(&act, id, &d, &err));
    assert_string_equal(row_of(id).state, "returned");
    json_decref(reasons);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKFLOW_TEST(a_draft_has_a_number_to_read_out_and_what_the_account_knows),
        WORKFLOW_TEST(a_second_one_at_a_time_is_refused_naming_the_first),
        WORKFLOW_TEST(only_the_terms_in_force_can_be_agreed_to_and_only_by_an_applicant),
        WORKFLOW_TEST(what_is_typed_is_kept_right_or_wrong),
        WORKFLOW_TEST(a_name_longer_than_a_column_is_cut_at_a_whole_character),
        WORKFLOW_TEST(an_institution_gets_its_identifier_once_its_name_is_entered_and_keeps_it),
        WORKFLOW_TEST(anothers_uscc_is_kept_as_typed_but_not_submitted),
        WORKFLOW_TEST(a_form_that_lacks_something_is_refused_by_field),
        WORKFLOW_TEST(with_a_fee_an_order_is_due_and_without_one_the_review_begins),
        WORKFLOW_TEST(what_the_price_list_does_not_have_nobody_may_submit),
        WORKFLOW_TEST(a_second_submit_is_refused_and_makes_no_second_order),
        WORKFLOW_TEST(a_payment_must_be_the_orders_and_is_taken_once),
        WORKFLOW_TEST(a_banks_reference_serves_one_order),
        WORKFLOW_TEST(money_for_an_order_that_was_closed_is_to_be_refunded),
        WORKFLOW_TEST(what_was_paid_is_refunded_once_after_a_withdrawal),
        WORKFLOW_TEST(a_rejection_refunds_and_ends_what_was_in_progress),
        WORKFLOW_TEST(a_second_withdrawal_is_refused),
        WORKFLOW_TEST(every_field_may_be_returned_with_the_longest_reason_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
