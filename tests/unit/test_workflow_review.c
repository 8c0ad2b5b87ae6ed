/* Reviews, approvals, two people at once, the end of an application, on real records. */
#include "workflow_fixture.h"

#include <pthread.h>

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

static void who_returned_it_once_at_first_review_may_not_decide_in_the_end_either(void **state)
{
    (void)state;
    char id[41];
    to_first_review(id);
    DO(decide(id, &both, REVIEW_RETURN));
    DO(submit(id));
    DO(decide(id, &first, REVIEW_APPROVE));
    DO(paper(id));
    REFUSED(decide(id, &both, REVIEW_APPROVE), ERR_REFUSED, "another person");
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
    int64_t before = 0, unread = 0;
    to_made(id);
    DO(act_post(&act, id, "顺丰", "SF1", &err));
    DO(draft_of(&applicant, next));
    assert_int_equal(notice_unread(act.db, applicant.id, &before, &err), 0);
    assert_int_equal(void_serial("bench", id, 1, "1234"), 0);
    assert_int_equal(notice_unread(act.db, applicant.id, &unread, &err), 0);
    assert_int_equal(unread, before + 1);
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
        WORKFLOW_TEST(content_that_changed_between_the_look_and_the_decision_is_refused),
        WORKFLOW_TEST(two_reviewers_at_once_make_one_decision),
        WORKFLOW_TEST(of_two_at_the_same_moment_one_is_done_and_one_refused),
        WORKFLOW_TEST(who_approved_first_may_not_decide_in_the_end),
        WORKFLOW_TEST(who_returned_it_once_at_first_review_may_not_decide_in_the_end_either),
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
