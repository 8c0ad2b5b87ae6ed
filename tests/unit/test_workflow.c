/* The acts of people on real records: what each writes, whom it refuses, and what stays as it was. */
#include "workflow_fixture.h"

#include <pthread.h>

#include "domain/uscc.h"

static struct portal_application row_of(const char *id)
{
    struct portal_application row;
    assert_int_equal(portal_application_get(act.db, id, &row, &err), 0);
    return row;
}

static struct payment_order order_of(const char *id)
{
    struct payment_order o;
    bool found = false;
    assert_int_equal(payment_order_of(act.db, id, &found, &o, &err), 0);
    assert_true(found);
    return o;
}

static void assert_refused(int rc, enum err_code code, const char *named)
{
    if (rc != -1 || err.code != code || !strstr(err.text, named))
        fail_msg("%d, %s: %s", rc, err_name(err.code), err.text);
}
#define REFUSED(call, code, named) assert_refused(IN_TRANSACTION(call), code, named)

static int save(const char *id, const char *name, const char *value)
{
    json_t *changes = json_pack("{s:s}", name, value);
    int rc = act_form_save(&act, id, changes, &err);
    json_decref(changes);
    return rc;
}

static const char *typed(const char *id, const char *name)
{
    static char value[512];
    json_t *form = NULL;
    assert_int_equal(form_read(act.db, id, &form, &err), 0);
    snprintf(value, sizeof(value), "%s", form_value(form, name));
    json_decref(form);
    return value;
}

/* Events of this kind, and whether the last of them alerts. */
static size_t events(const char *id, const char *what, bool *ret_alert)
{
    json_t *whole = NULL;
    size_t n = 0, i;
    const json_t *e;
    assert_int_equal(portal_application_json(act.db, id, &whole, &err), 0);
    json_array_foreach(json_object_get(whole, "events"), i, e) if (strcmp(json_str(e, "what"), what) == 0)
    {
        n++;
        if (ret_alert)
            *ret_alert = json_is_true(json_object_get(e, "alert"));
    }
    json_decref(whole);
    return n;
}

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
    snprintf(identifier, sizeof(identifier), "%s", typed(id, "identifier"));
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

/* ---- reviews ---- */

static int decide_seen(const char *id, const struct account_user *reviewer, const char *sha256)
{
    bool at_final = strcmp(state_of(id), "final_review") == 0;
    const struct act_decision d = {.stage = at_final ? REVIEW_FINAL : REVIEW_FIRST,
                                   .decision = REVIEW_APPROVE,
                                   .reviewer = reviewer,
                                   .review_sha256 = sha256,
                                   .key = key};
    return act_review(&act, id, &d, &err);
}

static void content_that_changed_between_the_look_and_the_decision_is_refused(void **state)
{
    (void)state;
    char id[41], seen[SHA256_HEX_SIZE];
    to_first_review(id);
    assert_int_equal(form_review_sha256(act.db, id, seen, &err), 0);
    DO(decide(id, &both, REVIEW_RETURN));
    DO(save(id, "legal_representative", "另一人"));
    DO(submit(id));
    REFUSED(decide_seen(id, &first, seen), ERR_CONFLICT, id);
    REFUSED(decide_seen(id, &first, NULL), ERR_CONFLICT, id);
    assert_int_equal(form_review_sha256(act.db, id, seen, &err), 0);
    DO(decide_seen(id, &first, seen));
}

static void two_reviewers_at_once_make_one_decision(void **state)
{
    (void)state;
    char id[41], seen[SHA256_HEX_SIZE];
    struct db *other = NULL;
    to_first_review(id);
    assert_int_equal(form_review_sha256(act.db, id, seen, &err), 0);
    assert_int_equal(db_open(&other, path, &portal_schema, 0, &err), 0);
    /* Both looked at the same; the other decides while this one thinks. */
    const struct act theirs = {.db = other, .now = act.now, .who = "other"};
    const struct act_decision reject = {
        .decision = REVIEW_REJECT, .reviewer = &both, .review_sha256 = seen, .note = "不符合条件"};
    assert_int_equal(db_begin(other, &err), 0);
    assert_int_equal(act_review(&theirs, id, &reject, &err), 0);
    assert_int_equal(db_commit(other, &err), 0);
    REFUSED(decide_seen(id, &first, seen), ERR_WRONG_STATE, "rejected");
    db_close(&other);
    json_t *all = NULL;
    assert_int_equal(reviews_of(act.db, id, &all, &err), 0);
    assert_int_equal(json_array_size(all), 1);
    assert_string_equal(json_str(json_array_get(all, 0), "reviewer"), "both@ca.example");
    json_decref(all);
}

static void who_approved_first_may_not_decide_in_the_end(void **state)
{
    (void)state;
    char id[41];
    to_first_review(id);
    DO(decide(id, &both, REVIEW_APPROVE));
    DO(paper(id));
    REFUSED(decide(id, &both, REVIEW_APPROVE), ERR_REFUSED, "another person");
    REFUSED(decide(id, &both, REVIEW_RETURN), ERR_REFUSED, "another person");
    REFUSED(decide(id, &both, REVIEW_REJECT), ERR_REFUSED, "another person");
    REFUSED(decide(id, &applicant, REVIEW_APPROVE), ERR_REFUSED, "final reviewer");
    DO(decide(id, &final, REVIEW_APPROVE));
}

static void a_first_decision_is_never_taken_for_a_final_one_though_its_reviewer_may_make_both(void **state)
{
    (void)state;
    char id[41];
    to_first_review(id);
    REFUSED(decide_at(id, REVIEW_FINAL, &both, REVIEW_APPROVE), ERR_WRONG_STATE, "first_review");
    REFUSED(decide(id, &final, REVIEW_APPROVE), ERR_REFUSED, "first reviewer");
    DO(decide(id, &first, REVIEW_APPROVE));
    DO(paper(id));
    REFUSED(decide_at(id, REVIEW_FIRST, &both, REVIEW_APPROVE), ERR_WRONG_STATE, "final_review");
    REFUSED(decide_at(id, REVIEW_FIRST, &both, REVIEW_REJECT), ERR_WRONG_STATE, "final_review");
    DO(decide_at(id, REVIEW_FINAL, &both, REVIEW_APPROVE));
}

static void the_final_approval_waits_for_the_paper(void **state)
{
    (void)state;
    char id[41];
    to_first_review(id);
    DO(decide(id, &first, REVIEW_APPROVE));
    REFUSED(decide(id, &final, REVIEW_APPROVE), ERR_REFUSED, "paper");
    REFUSED(act_paper(&act, id, "  ", &err), ERR_FIELD, "number");
    DO(paper(id));
    DO(paper(id)); /* scanned twice */
    assert_int_equal(events(id, "paper_received", NULL), 1);
    int64_t told = 0, again = 0;
    assert_int_equal(notice_unread(act.db, applicant.id, &told, &err), 0);
    DO(act_paper(&act, id, "SF9999999999999", &err)); /* mistyped */
    assert_string_equal(row_of(id).paper_number, "SF9999999999999");
    assert_int_equal(events(id, "paper_received", NULL), 2);
    assert_int_equal(notice_unread(act.db, applicant.id, &again, &err), 0);
    assert_int_equal(again, told);
    DO(decide(id, &final, REVIEW_APPROVE));
}

static void a_return_says_why_by_field_and_a_rejection_why_at_all(void **state)
{
    (void)state;
    char id[41], seen[SHA256_HEX_SIZE];
    json_t *none = json_object(), *unknown = json_pack("{s:s}", "colour", "red"),
           *empty = json_pack("{s:s}", "name", " \n"),
           *good = json_pack("{s:s,s:s}", "name", "与执照\r\n不一致", "material_licence", "公章不清晰"),
           *reasons = NULL;
    struct act_decision d = {.decision = REVIEW_RETURN, .reviewer = &first, .review_sha256 = seen};
    to_first_review(id);
    assert_int_equal(form_review_sha256(act.db, id, seen, &err), 0);
    REFUSED(act_review(&act, id, &d, &err), ERR_FIELD, "reasons");
    d.reasons = none;
    REFUSED(act_review(&act, id, &d, &err), ERR_FIELD, "reasons");
    d.reasons = unknown;
    REFUSED(act_review(&act, id, &d, &err), ERR_FIELD, "colour");
    d.reasons = empty;
    REFUSED(act_review(&act, id, &d, &err), ERR_FIELD, "name");
    d.decision = REVIEW_REJECT;
    REFUSED(act_review(&act, id, &d, &err), ERR_FIELD, "note");
    d.decision = REVIEW_RETURN;
    d.reasons = good;
    DO(act_review(&act, id, &d, &err));
    assert_int_equal(review_reasons(act.db, id, &reasons, &err), 0);
    assert_string_equal(json_str(reasons, "name"), "与执照 不一致");
    assert_string_equal(json_str(reasons, "material_licence"), "公章不清晰");
    assert_int_equal(json_object_size(reasons), 2);
    json_decref(none);
    json_decref(unknown);
    json_decref(empty);
    json_decref(good);
    json_decref(reasons);
}

static void a_return_costs_nothing_again_and_keeps_the_place_in_the_queue(void **state)
{
    (void)state;
    char id[41], order[33];
    to_first_review(id);
    int64_t submitted = row_of(id).submitted_at;
    snprintf(order, sizeof(order), "%s", order_of(id).id);
    act.now += 1000;
    DO(decide(id, &first, REVIEW_RETURN));
    DO(submit(id));
    assert_string_equal(row_of(id).state, "first_review");
    assert_int_equal(row_of(id).submitted_at, submitted);
    assert_string_equal(order_of(id).id, order);
    assert_int_equal(order_of(id).state, ORDER_PAID);
}

static void a_correction_may_not_become_a_dearer_application(void **state)
{
    (void)state;
    char id[41];
    to_first_review(id);
    DO(decide(id, &first, REVIEW_RETURN));
    DO(save(id, "validity_days", "730"));
    REFUSED(submit(id), ERR_REFUSED, "another fee");
    DO(save(id, "validity_days", "365"));
    put_price("enterprise", "org-sign-p256", 365,
              5 * FEE); /* but a new price list does not touch what was paid */
    DO(submit(id));
}

static void a_final_return_voids_the_first_approval(void **state)
{
    (void)state;
    char id[41];
    json_t *all = NULL;
    to_final_review(id);
    DO(decide(id, &final, REVIEW_RETURN));
    assert_int_equal(reviews_of(act.db, id, &all, &err), 0);
    assert_true(json_is_true(json_object_get(json_array_get(all, 0), "void")));
    assert_string_equal(json_str(json_array_get(all, 0), "stage"), "first");
    assert_string_equal(json_str(json_array_get(all, 1), "decision"), "return");
    json_decref(all);
    DO(submit(id));
    DO(decide(id, &both, REVIEW_APPROVE)); /* another may be first now */
    DO(paper(id));
    DO(decide(id, &final, REVIEW_APPROVE));
    assert_string_equal(row_of(id).first_reviewer, "both@ca.example");
}

static void an_approval_of_other_content_does_not_count(void **state)
{
    (void)state;
    char id[41], seen[SHA256_HEX_SIZE];
    to_final_review(id);
    /* Behind the acts' back, as no act does it: the content is another, the approval stands. */
    json_t *form = good_form("org-sign-p256", "365");
    json_object_set_new(form, "legal_representative", json_string("另一人"));
    char *text = json_dumps(form, JSON_COMPACT | JSON_SORT_KEYS);
    sqlite3 *raw = NULL;
    char *sql = sqlite3_mprintf("UPDATE application SET form = %Q WHERE id = %Q", text, id);
    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(raw);
    sqlite3_free(sql);
    free(text);
    json_decref(form);
    assert_int_equal(form_review_sha256(act.db, id, seen, &err), 0);
    REFUSED(decide_seen(id, &final, seen), ERR_REFUSED, "no first approval");
}

static void the_approval_that_the_portal_signs_is_the_one_that_a_station_gets_and_checks(void **state)
{
    (void)state;
    const char *const names[] = {"org-sign-p256"};
    const struct act_claim request = {
        .station = "bench", .max = 1, .profiles = names, .n_profiles = 1, .lease_seconds = 60};
    unsigned char signature[512];
    struct application app;
    struct approval approval;
    json_t *claims = NULL;
    char id[41];
    to_approved(id);
    DO(act_claim(&act, &request, &claims, &err));
    const json_t *c = json_array_get(claims, 0);
    char *document = json_dumps(json_object_get(c, "application"), JSON_INDENT(1));
    const char *base64 = json_str(c, "signature"), *text = json_str(c, "approval");
    int len = EVP_DecodeBlock(signature, (const unsigned char *)base64, (int)strlen(base64));
    size_t padding = strlen(base64) - strcspn(base64, "=");
    if (approval_verify(document, strlen(document), text, strlen(text), signature, (size_t)len - padding, key,
                        &app, &approval, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(approval.first_reviewer, "first@ca.example");
    assert_string_equal(approval.final_reviewer, "final@ca.example");
    assert_string_equal(approval.id, row_of(id).approval_id);
    assert_string_equal(app.id, id);
    assert_string_equal(app.organisation.name, ORGANISATION);
    assert_string_equal(app.content_sha256, row_of(id).content_sha256);
    free(document);
    json_decref(claims);
}

/* ---- two at once: each with a connection of its own, let go at the same moment ---- */

struct racer {
    struct act act;
    const char *id, *text; /* what it acts on, and what it saw or says */
    const struct account_user *user;
    int (*run)(struct racer *r);
    pthread_barrier_t *start;
    struct err err;
    int rc;
};

static int race_review(struct racer *r)
{
    const struct act_decision d = {
        .decision = REVIEW_APPROVE, .reviewer = r->user, .review_sha256 = r->text, .key = key};
    return act_review(&r->act, r->id, &d, &r->err);
}

static int race_submit(struct racer *r)
{
    struct form_world world;
    if (form_world_read(r->act.db, &profiles, applicant.organisation, &world, &r->err) != 0)
        return -1;
    return act_submit(&r->act, r->id, &world, &r->err);
}

static int race_pay(struct racer *r)
{
    const struct act_payment p = {.order = order_id,
                                  .method = "bank_transfer",
                                  .reference = r->text,
                                  .fen = FEE,
                                  .paid_at = r->act.now};
    return act_pay(&r->act, &p, &r->err);
}

static int race_withdraw(struct racer *r)
{
    return act_withdraw(&r->act, r->id, "", &r->err);
}

static int race_draft(struct racer *r)
{
    char id[41];
    return act_draft(&r->act, &applicant, 1, "::1", id, &r->err);
}

static void *race(void *arg)
{
    struct racer *r = arg;
    pthread_barrier_wait(r->start);
    r->rc = db_begin(r->act.db, &r->err);
    if (r->rc == 0)
        r->rc = r->run(r);
    if (r->rc == 0)
        r->rc = db_commit(r->act.db, &r->err);
    if (db_in_transaction(r->act.db))
        db_rollback(r->act.db);
    return NULL;
}

/* One is done; the other is refused with `code`. */
static void one_wins(int (*run)(struct racer *r), const char *id, const char *const texts[2],
                     const struct account_user *const users[2], enum err_code code)
{
    struct racer racers[2];
    pthread_t threads[2];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 2);
    for (size_t i = 0; i < 2; i++) {
        racers[i] = (struct racer){.act = {.now = act.now, .who = i ? "two" : "one"},
                                   .id = id,
                                   .text = texts[i],
                                   .user = users[i],
                                   .run = run,
                                   .start = &start};
        assert_int_equal(db_open(&racers[i].act.db, path, &portal_schema, 0, &err), 0);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    for (size_t i = 0; i < 2; i++)
        db_close(&racers[i].act.db);
    assert_int_equal(racers[0].rc + racers[1].rc, -1);
    const struct err *lost = &racers[racers[0].rc == 0].err;
    if (lost->code != code)
        fail_msg("%s: %s", err_name(lost->code), lost->text);
}

static void of_two_at_the_same_moment_one_is_done_and_one_refused(void **state)
{
    (void)state;
    static const char *const REFERENCES[] = {"BANK-1", "BANK-2"};
    const struct account_user *const reviewers[] = {&first, &both};
    char id[41], seen[SHA256_HEX_SIZE];
    one_wins(race_draft, NULL, REFERENCES, reviewers, ERR_EXISTS);
    assert_int_equal(workflow_in_progress(act.db, applicant.organisation, id, &err), 0);
    DO(fill(id, "org-sign-p256", "365"));
    one_wins(race_submit, id, REFERENCES, reviewers, ERR_WRONG_STATE);
    snprintf(order_id, sizeof(order_id), "%s", order_of(id).id);
    one_wins(race_pay, id, REFERENCES, reviewers, ERR_WRONG_STATE);
    assert_int_equal(form_review_sha256(act.db, id, seen, &err), 0);
    const char *const both_saw[] = {seen, seen};
    one_wins(race_review, id, both_saw, reviewers, ERR_WRONG_STATE);
    one_wins(race_withdraw, id, REFERENCES, reviewers, ERR_WRONG_STATE);
    static const char *const ONCE[] = {"create", "submit", "pay", "first_approve", "withdraw"};
    for (size_t i = 0; i < COUNT(ONCE); i++)
        assert_int_equal(events(id, ONCE[i], NULL), 1);
    assert_int_equal(order_of(id).state, ORDER_REFUND_DUE);
}

/* ---- the end ---- */

static void
a_withdrawal_after_it_was_made_voids_the_certificate_and_tells_the_operator_which_token(void **state)
{
    (void)state;
    char id[41];
    bool alert = false;
    struct portal_certificate c;
    bool found;
    json_t *whole = NULL;
    to_made(id);
    DO(act_withdraw(&act, id, "不再需要", &err));
    assert_int_equal(portal_certificate_by_serial(act.db, "1234", &found, &c, &err), 0);
    assert_int_equal(c.voided_at, act.now);
    assert_int_equal(order_of(id).state, ORDER_REFUND_DUE);
    assert_int_equal(events(id, "withdraw_made", &alert), 1);
    assert_true(alert);
    assert_int_equal(portal_application_json(act.db, id, &whole, &err), 0);
    const json_t *all = json_object_get(whole, "events"),
                 *last = json_array_get(all, json_array_size(all) - 1);
    assert_non_null(strstr(json_str(last, "detail"), "T1"));
    assert_string_equal(json_str(last, "note"), "不再需要");
    json_decref(whole);
    /* The station recycles it and says so: that is fine, and changes nothing. */
    assert_int_equal(void_serial("bench", id, 1, "1234"), 0);
    assert_string_equal(row_of(id).state, "withdrawn");
    assert_int_equal(events(id, "void", NULL), 0);
    assert_int_equal(report_serial("bench", id, 1, 0x1234), -1); /* and no report brings it back */
    assert_int_equal(err.code, ERR_WRONG_STATE);
}

static void a_report_whose_answer_was_lost_is_good_even_when_the_token_was_posted_meanwhile(void **state)
{
    (void)state;
    char id[41];
    char *pem = certificate(ORGANISATION, 0x1234);
    to_approved(id);
    assert_int_equal(claim("bench", 1, "org-sign-p256", NULL), 1);
    assert_int_equal(report("bench", id, 1, pem, "1234"), 0);
    DO(act_post(&act, id, "顺丰", "SF1234567890123", &err));
    assert_int_equal(report("bench", id, 1, pem, "1234"), 0);
    assert_string_equal(row_of(id).state, "issued");
    free(pem);
}

static void posting_keeps_the_number_and_a_void_takes_it_back(void **state)
{
    (void)state;
    char id[41];
    to_made(id);
    REFUSED(act_post(&act, id, "", "SF1", &err), ERR_FIELD, "carrier");
    REFUSED(act_post(&act, id, "顺丰", "SF1\x01", &err), ERR_FIELD, "number");
    DO(act_post(&act, id, "顺丰", "SF1234567890123", &err));
    assert_string_equal(row_of(id).tracking_number, "SF1234567890123");
    assert_int_equal(row_of(id).handed_over_at, act.now);
    assert_int_equal(void_serial("bench", id, 1, "1234"), 0);
    assert_string_equal(row_of(id).state, "approved");
    assert_string_equal(row_of(id).tracking_number, "");
    assert_int_equal(row_of(id).handed_over_at, 0);
}

static void a_token_lost_after_its_organisation_applied_again_is_void_but_not_made_again(void **state)
{
    (void)state;
    char id[41], next[41];
    bool alert = false;
    to_made(id);
    DO(act_post(&act, id, "顺丰", "SF1", &err));
    DO(draft_of(&applicant, next));
    assert_int_equal(void_serial("bench", id, 1, "1234"), 0);
    assert_string_equal(row_of(id).state, "issued");
    assert_int_equal(events(id, "void", &alert), 1);
    assert_true(alert);
    assert_string_equal(row_of(next).state, "draft");
}

static void each_change_tells_those_whom_it_concerns(void **state)
{
    (void)state;
    char id[41];
    int64_t unread = 0;
    to_draft(id);
    assert_int_equal(notice_unread(act.db, applicant.id, &unread, &err), 0);
    assert_int_equal(unread, 0);
    DO(submit(id));
    assert_int_equal(notice_unread(act.db, applicant.id, &unread, &err), 0);
    assert_int_equal(unread, 1);
    DO(pay(id));
    DO(decide(id, &first, REVIEW_RETURN));
    assert_int_equal(notice_unread(act.db, applicant.id, &unread, &err), 0);
    assert_int_equal(unread, 3);
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
        WORKFLOW_TEST(content_that_changed_between_the_look_and_the_decision_is_refused),
        WORKFLOW_TEST(two_reviewers_at_once_make_one_decision),
        WORKFLOW_TEST(of_two_at_the_same_moment_one_is_done_and_one_refused),
        WORKFLOW_TEST(who_approved_first_may_not_decide_in_the_end),
        WORKFLOW_TEST(a_first_decision_is_never_taken_for_a_final_one_though_its_reviewer_may_make_both),
        WORKFLOW_TEST(the_final_approval_waits_for_the_paper),
        WORKFLOW_TEST(a_return_says_why_by_field_and_a_rejection_why_at_all),
        WORKFLOW_TEST(a_return_costs_nothing_again_and_keeps_the_place_in_the_queue),
        WORKFLOW_TEST(a_correction_may_not_become_a_dearer_application),
        WORKFLOW_TEST(a_final_return_voids_the_first_approval),
        WORKFLOW_TEST(an_approval_of_other_content_does_not_count),
        WORKFLOW_TEST(the_approval_that_the_portal_signs_is_the_one_that_a_station_gets_and_checks),
        WORKFLOW_TEST(
            a_withdrawal_after_it_was_made_voids_the_certificate_and_tells_the_operator_which_token),
        WORKFLOW_TEST(a_report_whose_answer_was_lost_is_good_even_when_the_token_was_posted_meanwhile),
        WORKFLOW_TEST(posting_keeps_the_number_and_a_void_takes_it_back),
        WORKFLOW_TEST(a_token_lost_after_its_organisation_applied_again_is_void_but_not_made_again),
        WORKFLOW_TEST(each_change_tells_those_whom_it_concerns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
