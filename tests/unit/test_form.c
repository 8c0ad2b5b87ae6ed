#include "domain/application.h"
#include "domain/uscc.h"
#include "portal/form.h"
#include "workflow_fixture.h"

static char id[41];
static struct form_world world;

static int set_up_form(void **state)
{
    if (set_up_workflow(state) != 0 || db_begin(act.db, &err) != 0 || draft_of(&applicant, id) != 0 ||
        fill(id, "org-sign-p256", "365") != 0 || db_commit(act.db, &err) != 0)
        return -1;
    return form_world_read(act.db, &profiles, applicant.organisation, &world, &err);
}
#define FORM_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_form, tear_down)

static json_t *saved(void)
{
    json_t *form = NULL;
    assert_int_equal(form_read(act.db, id, &form, &err), 0);
    return form;
}

static json_t *errors_of(const json_t *form, enum form_section section)
{
    json_t *errors = NULL;
    if (form_check(form, section, &world, id, LANG_ZH, &errors, &err) != 0)
        fail_msg("%s", err.text);
    return errors;
}

/* The saved form with one key changed; what is said at `at` then ("" for nothing). */
static const char *said_at(const char *field, const char *value, const char *at)
{
    static char kept[400];
    json_t *form = saved();
    json_object_set_new(form, field, json_string(value));
    json_t *errors = errors_of(form, FORM_SECTION_COUNT);
    snprintf(kept, sizeof(kept), "%s", json_str(errors, at));
    json_decref(errors);
    json_decref(form);
    return kept;
}
static const char *said(const char *field, const char *value)
{
    return said_at(field, value, field);
}
#define assert_fine(field, value)            assert_string_equal(said(field, value), "")
#define assert_wrong(field, value, sentence) assert_string_equal(said(field, value), text(sentence, LANG_ZH))

static void a_filled_form_has_no_errors_and_makes_a_document(void **state)
{
    (void)state;
    json_t *form = saved(), *errors = errors_of(form, FORM_SECTION_COUNT), *document = NULL;
    struct application app;
    assert_int_equal(json_object_size(errors), 0);
    assert_int_equal(form_document(form, id, &world, &document, &err), 0);
    assert_int_equal(application_from_json(document, &app, &err), 0);
    assert_string_equal(app.organisation.name, ORGANISATION);
    assert_string_equal(app.organisation.identifier, USCC);
    assert_string_equal(app.organisation.province, ""); /* the authority's region is for review only */
    assert_int_equal(app.validity_days, 365);
    assert_string_equal(json_str(json_object_get(document, "registration_authority"), "region"),
                        "浙江省杭州市");
    assert_string_equal(json_str(json_object_get(document, "delivery"), "region"), "浙江省杭州市西湖区");
    json_decref(document);
    json_decref(errors);
    json_decref(form);
}

static void an_empty_form_says_what_is_required_and_nothing_more(void **state)
{
    static const char *const REQUIRED[] = {
        "authority_province",   "authority_name", "name", "identifier", "profile", "validity_days", "agent",
        "legal_representative", "delivery_method"};
    (void)state;
    json_t *form = json_object(), *errors = errors_of(form, FORM_SECTION_COUNT);
    for (size_t i = 0; i < COUNT(REQUIRED); i++)
        assert_non_null(json_object_get(errors, REQUIRED[i]));
    assert_int_equal(json_object_size(errors), COUNT(REQUIRED));
    json_decref(errors);
    json_decref(form);
}

static void each_field_refuses_what_it_may_not_hold(void **state)
{
    char long_name[64 * 3 + 4] = "";
    (void)state;
    for (size_t i = 0; i < 64; i++)
        memcpy(long_name + 3 * i, "杭", 4);
    assert_fine("name", long_name);
    memcpy(long_name + 192, "A", 2);
    assert_string_equal(said("name", long_name), "不能超过 64 个字符。");
    assert_wrong("name", " 杭州", TEXT_FORM_WRONG_TEXT);
    assert_wrong("name", "杭\xe2\x80\xae州", TEXT_FORM_WRONG_TEXT); /* right-to-left override */
    assert_wrong("name", "杭\n州", TEXT_FORM_WRONG_TEXT);
    assert_wrong("authority_city", "320100", TEXT_FORM_WRONG_REGION);
    assert_wrong("authority_province", "330100", TEXT_FORM_WRONG_REGION);
    assert_fine("authority_city", "");
    assert_wrong("profile", "org-sign-p384", TEXT_FORM_WRONG_PROFILE);
    assert_wrong("validity_days", "366", TEXT_FORM_WRONG_VALIDITY);
    assert_wrong("validity_days", "365 ", TEXT_FORM_WRONG_VALIDITY);
    assert_fine("validity_days", "730");
    assert_wrong("agent", "maybe", TEXT_FORM_WRONG_CHOOSE);
    assert_wrong("delivery_phone", "12800000000", TEXT_FORM_WRONG_PHONE);
    assert_fine("delivery_phone", "0571-88888888");
    assert_wrong("delivery_district", "", TEXT_FORM_WRONG_REGION_DISTRICT);
    assert_wrong("delivery_city", "", TEXT_FORM_WRONG_CHOOSE);
}

static void identifiers_are_social_credit_codes_of_the_standard(void **state)
{
    static const char *const GOOD[] = {"91350100M000100Y43", "914403001922038216", "9144030071526726XG",
                                       "91440300708461136T", "12100000400002259P", "91110000100017643K"};
    (void)state;
    for (size_t i = 0; i < COUNT(GOOD); i++)
        assert_fine("identifier", GOOD[i]);
    assert_wrong("identifier", "91350100M000100Y4Z", TEXT_FORM_WRONG_USCC_CHECK);
    assert_wrong("identifier", "91350100M000100Y44", TEXT_FORM_WRONG_USCC_CHECK);
    assert_wrong("identifier", "9135O100M000100Y43", TEXT_FORM_WRONG_USCC_CHARACTERS);
    assert_wrong("identifier", "91350100", TEXT_FORM_WRONG_USCC_LENGTH);
    assert_wrong("identifier", "zcy123456789012",
                 TEXT_FORM_WRONG_INTERNAL); /* it is not this organisation's */
    assert_wrong("identifier", "", TEXT_FORM_WRONG_NO_IDENTIFIER);
}

static void a_code_of_another_account_is_refused(void **state)
{
    struct account_user other;
    (void)state;
    assert_fine("identifier", "914403001922038216");
    assert_int_equal(db_begin(act.db, &err), 0);
    put_applicant("b@org.example", ORGANISATION_ENTERPRISE, "深圳甲公司", "914403001922038216", &other);
    assert_int_equal(db_commit(act.db, &err), 0);
    assert_wrong("identifier", "914403001922038216", TEXT_FORM_IDENTIFIER_TAKEN);
    assert_fine("identifier", USCC);
}

static void an_internal_identifier_holds_for_its_own_organisation_alone(void **state)
{
    (void)state;
    snprintf(world.organisation.identifier_kind, sizeof(world.organisation.identifier_kind), "INTERNAL");
    snprintf(world.organisation.identifier, sizeof(world.organisation.identifier), "zcy123456789012");
    assert_fine("identifier", "zcy123456789012");
    assert_wrong("identifier", "zcy123456789013", TEXT_FORM_WRONG_INTERNAL);
    json_t *form = saved(), *document = NULL;
    json_object_set_new(form, "identifier", json_string("zcy123456789012"));
    assert_int_equal(form_document(form, id, &world, &document, &err), 0);
    assert_string_equal(json_str(json_object_get(document, "organisation"), "identifier_kind"), "INTERNAL");
    json_decref(document);
    json_decref(form);
}

static void an_agent_needs_name_number_mobile_and_letter(void **state)
{
    (void)state;
    json_t *form = saved();
    json_object_set_new(form, "agent", json_string("yes"));
    json_t *errors = errors_of(form, FORM_SECTION_COUNT);
    assert_int_equal(json_object_size(errors), 5);
    assert_non_null(json_object_get(errors, "material_authorisation"));
    assert_non_null(json_object_get(errors, "material_agent_id"));
    json_decref(errors);
    json_object_set_new(form, "agent_name", json_string("李四"));
    json_object_set_new(form, "agent_id_number", json_string("11010519491231002X"));
    json_object_set_new(form, "agent_mobile", json_string("13800000000"));
    errors = errors_of(form, FORM_PEOPLE);
    assert_int_equal(json_object_size(errors), 0);
    json_decref(errors);
    json_decref(form);
}

static void fields_of_the_other_choice_are_not_looked_at(void **state)
{
    (void)state;
    assert_string_equal(said_at("agent_id_number", "nonsense", "agent_id_number"), ""); /* agent=no */
    json_t *form = saved();
    json_object_set_new(form, "delivery_method", json_string("pickup"));
    json_object_set_new(form, "delivery_phone", json_string("nonsense"));
    json_t *errors = errors_of(form, FORM_SECTION_COUNT), *document = NULL;
    assert_int_equal(json_object_size(errors), 0);
    assert_int_equal(form_document(form, id, &world, &document, &err), 0);
    assert_string_equal(json_str(json_object_get(document, "delivery"), "point"), "杭州服务点");
    json_decref(document);
    json_decref(errors);
    json_object_set_new(form, "pickup_point", json_string("point-2"));
    errors = errors_of(form, FORM_DELIVERY);
    assert_string_equal(json_str(errors, "pickup_point"), text(TEXT_FORM_WRONG_POINT, LANG_ZH));
    json_decref(errors);
    json_decref(form);
}

/* Whatever is typed anywhere: either the form says that it is wrong, or station and vault take the document.
 */
static void a_form_without_errors_always_makes_a_good_document(void **state)
{
    static const char *const HOSTILE[] = {
        "",
        " ",
        "　",
        "' OR 1=1 --",
        "<script>alert(1)</script>",
        "{{csrf}}",
        "\t",
        "a\x7f",
        "\xe2\x80\x8b",
        "\xef\xbb\xbf杭州",
        "\xf0\x9f\x98\x80",
        "0",
        "-1",
        "365",
        "99999999999999999999",
        "1e3",
        "0x10",
        "yes",
        "no",
        "mail",
        "pickup",
        "point-1",
        "330000",
        "330100",
        "330106",
        "zcy1",
        "13800000000",
        "0571-88888888-12345",
        "11010519491231002X",
        "org-sign-rsa2048",
        "../../etc/passwd",
        "%s%n",
        "\\u0000",
        "A B",
        "91350100M000100Y43",
    };
    char many[2001] = "";
    size_t passed = 0, refused = 0;
    (void)state;
    memset(many, 'a', sizeof(many) - 1);
    for (size_t f = 0; f < form_n_fields; f++)
        for (size_t h = 0; h <= COUNT(HOSTILE); h++) {
            struct application app;
            json_t *form = saved(), *document = NULL;
            json_object_set_new(form, form_fields[f].key,
                                json_string(h < COUNT(HOSTILE) ? HOSTILE[h] : many));
            json_t *errors = errors_of(form, FORM_SECTION_COUNT);
            if (json_object_size(errors) == 0) {
                assert_int_equal(form_document(form, id, &world, &document, &err), 0);
                if (application_from_json(document, &app, &err) != 0)
                    fail_msg("%s: %s", form_fields[f].key, err.text);
                passed++;
            }
            refused += json_object_size(errors) > 0;
            assert_null(json_object_get(errors, "form")); /* each fault was found by a field's own rule */
            json_decref(document);
            json_decref(errors);
            json_decref(form);
        }
    assert_true(passed > 100 && refused > 300);
}

static void a_nul_in_a_value_is_refused(void **state)
{
    (void)state;
    json_t *form = saved();
    json_object_set_new(form, "name", json_stringn("a\0b", 3));
    json_t *errors = errors_of(form, FORM_SECTION_COUNT);
    assert_string_equal(json_str(errors, "name"), text(TEXT_FORM_WRONG_TEXT, LANG_ZH));
    json_decref(errors);
    json_decref(form);
}

static void an_unusual_pair_only_warns(void **state)
{
    char code[] = "Y9330100799655058 ";
    (void)state;
    uscc_complete(code);
    assert_fine("identifier", code);
    json_t *form = json_pack("{s:s}", "identifier", code), *warnings = NULL;
    assert_int_equal(form_warnings(form, LANG_EN, &warnings, &err), 0);
    assert_int_equal(json_array_size(warnings), 1);
    assert_string_equal(json_str(json_array_get(warnings, 0), "key"), "identifier");
    json_decref(warnings);
    json_decref(form);
}

static void what_is_reviewed_changes_with_the_form_and_with_each_material(void **state)
{
    char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE];
    (void)state;
    assert_int_equal(form_review_sha256(act.db, id, before, &err), 0);
    assert_int_equal(form_review_sha256(act.db, id, after, &err), 0);
    assert_string_equal(before, after);
    json_t *change = json_pack("{s:s}", "legal_representative", "王六");
    assert_int_equal(IN_TRANSACTION(act_form_save(&act, id, change, &err)), 0);
    json_decref(change);
    assert_int_equal(form_review_sha256(act.db, id, after, &err), 0);
    assert_string_not_equal(before, after);
    memcpy(before, after, sizeof(before));
    assert_int_equal(IN_TRANSACTION(put_material(id, "authorisation")), 0);
    assert_int_equal(form_review_sha256(act.db, id, after, &err), 0);
    assert_string_not_equal(before, after);
}

static void what_is_private_is_shown_by_its_ends(void **state)
{
    static const struct {
        const char *key, *value, *shown;
    } CASES[] = {
        {"agent_id_number", "11010519491231002X", "110***********002X"},
        {"agent_mobile", "13800001234", "138****1234"},
        {"delivery_phone", "1234567", "*******"},
        {"delivery_address", "文三路一百号甲座", "文三路一百号**"},
        {"delivery_address", "文三路", "***"},
        {"name", "杭州", "杭州"},
        {"agent_mobile", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char shown[64];
        form_mask(CASES[i].key, CASES[i].value, shown, sizeof(shown));
        assert_string_equal(shown, CASES[i].shown);
    }
    char small[5];
    form_mask("delivery_address", "文三路一百号甲座", small, sizeof(small));
    assert_true(strlen(small) < sizeof(small) && utf8_valid(small, strlen(small)));
}

static void values_are_shown_in_words(void **state)
{
    static const struct {
        const char *key, *shown;
    } CASES[] = {{"validity_days", "1 年"},
                 {"profile", "机构签名证书（ECC P-256）"},
                 {"authority_city", "浙江省杭州市"},
                 {"authority_province", "浙江省"},
                 {"agent", "否，法定代表人本人办理"},
                 {"pickup_point", "杭州服务点 · 浙江省杭州市文三路 1 号"},
                 {"agent_name", ""},
                 {"name", ORGANISATION}};
    (void)state;
    json_t *form = saved();
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char shown[256];
        assert_int_equal(form_display(act.db, form, CASES[i].key, LANG_ZH, shown, sizeof(shown), &err), 0);
        assert_string_equal(shown, CASES[i].shown);
    }
    json_decref(form);
}

static void the_price_list_says_what_may_be_chosen(void **state)
{
    (void)state;
    json_t *list = NULL;
    assert_int_equal(form_profiles(&world, LANG_EN, &list, &err), 0);
    assert_int_equal(json_array_size(list), 2);
    json_decref(list);
    assert_int_equal(form_validities(&world, "org-sign-p256", LANG_EN, &list, &err), 0);
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_str(json_array_get(list, 0), "label"), "1 year (¥300.00)");
    json_decref(list);
    assert_int_equal(form_validities(&world, "org-sign-rsa2048", LANG_ZH, &list, &err), 0);
    assert_string_equal(json_str(json_array_get(list, 0), "label"), "1 年（免费）");
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORM_TEST(a_filled_form_has_no_errors_and_makes_a_document),
        FORM_TEST(an_empty_form_says_what_is_required_and_nothing_more),
        FORM_TEST(each_field_refuses_what_it_may_not_hold),
        FORM_TEST(identifiers_are_social_credit_codes_of_the_standard),
        FORM_TEST(a_code_of_another_account_is_refused),
        FORM_TEST(an_internal_identifier_holds_for_its_own_organisation_alone),
        FORM_TEST(an_agent_needs_name_number_mobile_and_letter),
        FORM_TEST(fields_of_the_other_choice_are_not_looked_at),
        FORM_TEST(a_form_without_errors_always_makes_a_good_document),
        FORM_TEST(a_nul_in_a_value_is_refused),
        FORM_TEST(an_unusual_pair_only_warns),
        FORM_TEST(what_is_reviewed_changes_with_the_form_and_with_each_material),
        FORM_TEST(what_is_private_is_shown_by_its_ends),
        FORM_TEST(values_are_shown_in_words),
        FORM_TEST(the_price_list_says_what_may_be_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
