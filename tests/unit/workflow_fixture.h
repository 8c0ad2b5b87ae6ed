/* A portal with an organisation, its user, staff of each role, prices, a service point: and the way of an
 * application through it, act by act. */
#ifndef CASTATION_TESTS_WORKFLOW_FIXTURE_H
#define CASTATION_TESTS_WORKFLOW_FIXTURE_H

#include <sqlite3.h>

#include "portal/material.h"
#include "portal/notice.h"
#include "portal/workflow.h"
#include "portal_fixture.h"

#define FEE  30000 /* fen, for a year of org-sign-p256; two years are dearer, RSA is free */
#define USCC "91330100799655058B"

static struct account_user applicant, first, final, both, other_final;
static char order_id[33];
static const char *method = "mail"; /* of delivery */

static inline void put_user(const char *email, const char *organisation, unsigned int roles,
                            struct account_user *ret)
{
    const struct account_new a = {.email = email,
                                  .name = "某人",
                                  .mobile = "",
                                  .organisation = organisation,
                                  .roles = roles,
                                  .lang = LANG_ZH,
                                  .email_checked = true};
    char id[UUID_SIZE];
    if (account_new(act.db, act.now, &a, id, &err) != 0 || account_by_id(act.db, id, ret, &err) != 0)
        fail_msg("%s: %s", email, err.text);
}

static inline void put_price(const char *kind, const char *profile, int64_t days, int64_t fen)
{
    assert_int_equal(db_exec(act.db, PSQL_PRICE_PUT,
                             DB_ARGS(DB_TEXT(kind), DB_TEXT(profile), DB_INT(days), DB_INT(fen)), NULL, &err),
                     0);
}

static inline void put_prices(void)
{
    static const char *const KINDS[] = {"enterprise", "institution"};
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        put_price(KINDS[i], "org-sign-p256", 365, FEE);
        put_price(KINDS[i], "org-sign-p256", 730, 2 * FEE);
        put_price(KINDS[i], "org-sign-rsa2048", 365, 0);
    }
}

/* An organisation and its user. */
static inline void put_applicant(const char *email, enum organisation_kind kind, const char *name,
                                 const char *uscc, struct account_user *ret)
{
    char id[UUID_SIZE];
    if (account_organisation_new(act.db, act.now, kind, name, uscc, id, &err) != 0)
        fail_msg("%s: %s", name, err.text);
    put_user(email, id, ROLE_APPLICANT, ret);
}

static inline int set_up_workflow(void **state)
{
    if (set_up(state) != 0)
        return -1;
    method = "mail";
    order_id[0] = '\0';
    assert_int_equal(db_begin(act.db, &err), 0);
    assert_int_equal(
        db_exec(act.db, PSQL_TERMS_INSERT,
                DB_ARGS(DB_INT(1), DB_TEXT("条款"), DB_TEXT("terms"), DB_INT(1), DB_TEXT("test")), NULL,
                &err),
        0);
    assert_int_equal(db_exec(act.db, PSQL_POINT_INSERT,
                             DB_ARGS(DB_TEXT("point-1"), DB_TEXT("杭州服务点"), DB_TEXT("浙江省杭州市"),
                                     DB_TEXT("文三路 1 号"), DB_TEXT("0571-88888888"), DB_TEXT("9–17")),
                             NULL, &err),
                     0);
    put_prices();
    put_applicant("a@org.example", ORGANISATION_ENTERPRISE, ORGANISATION, USCC, &applicant);
    put_user("first@ca.example", "", ROLE_FIRST_REVIEWER, &first);
    put_user("final@ca.example", "", ROLE_FINAL_REVIEWER, &final);
    put_user("final2@ca.example", "", ROLE_FINAL_REVIEWER, &other_final);
    put_user("both@ca.example", "", ROLE_FIRST_REVIEWER | ROLE_FINAL_REVIEWER, &both);
    put_user("money@ca.example", "", ROLE_FINANCE, &(struct account_user){0});
    put_user("hands@ca.example", "", ROLE_OPERATOR, &(struct account_user){0});
    return db_commit(act.db, &err);
}

#define WORKFLOW_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_workflow, tear_down)

/* ---- what is typed ---- */

static inline json_t *good_form(const char *profile, const char *days)
{
    json_t *form = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "authority_province", "330000",
                             "authority_city", "330100", "authority_name", "杭州市市场监督管理局", "name",
                             ORGANISATION, "legal_representative", "张三", "agent", "no", "profile", profile,
                             "validity_days", days, "delivery_method", method, "pickup_point", "point-1");
    json_t *mail = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "delivery_name", "王五", "delivery_phone",
                             "13800000000", "delivery_province", "330000", "delivery_city", "330100",
                             "delivery_district", "330106", "delivery_address", "文三路 1 号");
    assert_int_equal(json_object_update(form, mail), 0);
    json_decref(mail);
    return form;
}

static inline int put_material(const char *id, const char *kind)
{
    char pdf[256], material[UUID_SIZE];
    snprintf(pdf, sizeof(pdf),
             "%%PDF-1.4\n%% %s\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstartxref\n9\n%%%%EOF\n", kind);
    struct material_file file;
    return material_look(pdf, strlen(pdf), &file, &err) == 0
               ? material_add(&act, id, kind, "scan.pdf", &file, material, &err)
               : -1;
}

/* ---- the acts, each within the caller's transaction ---- */

static inline int draft_of(const struct account_user *user, char ret_id[41])
{
    return act_draft(&act, user, 1, "127.0.0.1", ret_id, &err);
}

static inline int fill(const char *id, const char *profile, const char *days)
{
    json_t *form = good_form(profile, days);
    int rc = act_form_save(&act, id, form, &err);
    json_decref(form);
    if (rc == 0)
        rc = put_material(id, "licence");
    if (rc == 0)
        rc = put_material(id, "representative_id");
    return rc == 0 ? put_material(id, "application_form") : rc;
}

static inline int submit_of(const struct account_user *user, const char *id)
{
    struct form_world world;
    if (form_world_read(act.db, &profiles, user->organisation, &world, &err) != 0)
        return -1;
    return act_submit(&act, id, &world, &err);
}

static inline int submit(const char *id)
{
    return submit_of(&applicant, id);
}

static inline int pay_order(const char *order, int64_t fen, const char *reference)
{
    const struct act_payment p = {
        .order = order, .method = "bank_transfer", .reference = reference, .fen = fen, .paid_at = act.now};
    return act_pay(&act, &p, &err);
}

static inline int pay(const char *id)
{
    struct payment_order o;
    bool found = false;
    if (payment_order_of(act.db, id, &found, &o, &err) != 0)
        return -1;
    snprintf(order_id, sizeof(order_id), "%s", found ? o.id : "none");
    return pay_order(order_id, FEE, "BANK-1");
}

/* As one who looks at the content as it is now. */
static inline int decide_at(const char *id, enum review_stage stage, const struct account_user *reviewer,
                            enum review_decision decision)
{
    char sha256[SHA256_HEX_SIZE];
    json_t *reasons = json_pack("{s:s}", "material_licence", "公章不清晰");
    const struct act_decision d = {.stage = stage,
                                   .decision = decision,
                                   .reviewer = reviewer,
                                   .review_sha256 = sha256,
                                   .reasons = decision == REVIEW_RETURN ? reasons : NULL,
                                   .note = decision == REVIEW_REJECT ? "不符合条件" : "",
                                   .key = key};
    int rc = form_review_sha256(act.db, id, sha256, &err);
    if (rc == 0)
        rc = act_review(&act, id, &d, &err);
    json_decref(reasons);
    return rc;
}

/* At whichever review it is. */
static inline int decide(const char *id, const struct account_user *reviewer, enum review_decision decision)
{
    bool at_final = strcmp(state_of(id), application_state_name(APPLICATION_FINAL_REVIEW)) == 0;
    return decide_at(id, at_final ? REVIEW_FINAL : REVIEW_FIRST, reviewer, decision);
}

static inline int paper(const char *id)
{
    return act_paper(&act, id, "SF1234567890123", &err);
}

/* ---- a way: the acts from a draft to a state, each committed ---- */

#define DO(call)                                                                                             \
    do {                                                                                                     \
        if (IN_TRANSACTION(call) != 0)                                                                       \
            fail_msg("%s: %s", #call, err.text);                                                             \
    } while (0)

static inline void to_draft(char id[41])
{
    DO(draft_of(&applicant, id));
    DO(fill(id, "org-sign-p256", "365"));
}

static inline void to_first_review(char id[41])
{
    to_draft(id);
    DO(submit(id));
    DO(pay(id));
}

static inline void to_final_review(char id[41])
{
    to_first_review(id);
    DO(decide(id, &first, REVIEW_APPROVE));
    DO(paper(id));
}

static inline void to_approved(char id[41])
{
    to_final_review(id);
    DO(decide(id, &final, REVIEW_APPROVE));
}

static inline void to_made(char id[41])
{
    to_approved(id);
    assert_int_equal(claim("bench", 1, "org-sign-p256", NULL), 1);
    assert_int_equal(report_serial("bench", id, 1, 0x1234), 0);
}

/* ---- what is asked afterwards ---- */

static inline struct portal_application row_of(const char *id)
{
    struct portal_application row;
    assert_int_equal(portal_application_get(act.db, id, &row, &err), 0);
    return row;
}

static inline struct payment_order order_of(const char *id)
{
    struct payment_order o;
    bool found = false;
    assert_int_equal(payment_order_of(act.db, id, &found, &o, &err), 0);
    assert_true(found);
    return o;
}

static inline void assert_refused(int rc, enum err_code code, const char *named)
{
    if (rc != -1 || err.code != code || !strstr(err.text, named))
        fail_msg("%d, %s: %s", rc, err_name(err.code), err.text);
}
#define REFUSED(call, code, named) assert_refused(IN_TRANSACTION(call), code, named)

static inline int save(const char *id, const char *name, const char *value)
{
    json_t *changes = json_pack("{s:s}", name, value);
    int rc = act_form_save(&act, id, changes, &err);
    json_decref(changes);
    return rc;
}

static inline const char *typed(const char *id, const char *name)
{
    static char value[512];
    json_t *form = NULL;
    assert_int_equal(form_read(act.db, id, &form, &err), 0);
    snprintf(value, sizeof(value), "%s", form_value(form, name));
    json_decref(form);
    return value;
}

/* Events of this kind, and whether the last of them alerts. */
static inline size_t events(const char *id, const char *what, bool *ret_alert)
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

#endif
