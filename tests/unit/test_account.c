/* Organisations, users, links, audit. */
#include "account_fixture.h"

/* ---- organisations ---- */

static void an_internal_identifier_is_made_once_and_kept(void **state)
{
    (void)state;
    struct account_organisation o;
    char id[UUID_SIZE], first[33];
    assert_int_equal(account_organisation_new(db, NOW, ORGANISATION_INSTITUTION, "", "", id, &err), 0);
    assert_int_equal(account_organisation_get(db, id, &o, &err), 0);
    assert_string_equal(o.identifier, "");
    assert_int_equal(account_organisation_name(db, id, "西湖街道办事处", "", &o, &err), 0);
    assert_string_equal(o.identifier_kind, "INTERNAL");
    assert_int_equal(strlen(o.identifier), 15);
    assert_int_equal(strncmp(o.identifier, "zcy", 3), 0);
    strcpy(first, o.identifier);
    assert_int_equal(account_organisation_name(db, id, "西湖街道第二办事处", "", &o, &err), 0);
    assert_string_equal(o.identifier, first);
    assert_string_equal(o.name, "西湖街道第二办事处");
}

static void a_uscc_replaces_an_internal_identifier(void **state)
{
    (void)state;
    struct account_organisation o;
    char id[UUID_SIZE];
    assert_int_equal(account_organisation_new(db, NOW, ORGANISATION_INSTITUTION, "甲", "", id, &err), 0);
    assert_int_equal(account_organisation_name(db, id, "甲", USCC, &o, &err), 0);
    assert_string_equal(o.identifier_kind, "USCC");
    assert_int_equal(account_organisation_name(db, id, "甲", "", &o, &err), 0);
    assert_string_equal(o.identifier, USCC);
}

static void a_uscc_has_one_account(void **state)
{
    (void)state;
    struct account_organisation o;
    char first[UUID_SIZE], second[UUID_SIZE];
    assert_int_equal(account_organisation_new(db, NOW, ORGANISATION_ENTERPRISE, "甲", USCC, first, &err), 0);
    assert_int_equal(account_organisation_new(db, NOW, ORGANISATION_ENTERPRISE, "乙", USCC, second, &err),
                     -1);
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(account_organisation_new(db, NOW, ORGANISATION_INSTITUTION, "丙", "", second, &err), 0);
    assert_int_equal(account_organisation_name(db, second, "丙", USCC, &o, &err), -1);
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(account_organisation_by_uscc(db, USCC, second, &err), 0);
    assert_string_equal(second, first);
}

static void a_wrong_uscc_and_an_enterprise_without_one_are_refused(void **state)
{
    (void)state;
    char id[UUID_SIZE];
    assert_int_equal(
        account_organisation_new(db, NOW, ORGANISATION_ENTERPRISE, "甲", "91350100M000100Y4Z", id, &err), -1);
    assert_int_equal(err.code, ERR_IDENTIFIER);
    assert_int_equal(account_organisation_new(db, NOW, ORGANISATION_ENTERPRISE, "甲", "", id, &err), -1);
    assert_int_equal(err.code, ERR_IDENTIFIER);
}

/* ---- users ---- */

static void roles_of_applicants_and_staff_do_not_mix(void **state)
{
    (void)state;
    char organisation[UUID_SIZE], id[UUID_SIZE];
    assert_int_equal(
        account_organisation_new(db, NOW, ORGANISATION_ENTERPRISE, "甲", USCC, organisation, &err), 0);
    const struct {
        const char *organisation;
        unsigned int roles;
    } BAD[] = {{organisation, ROLE_APPLICANT | ROLE_AUDITOR},
               {organisation, ROLE_OPERATOR},
               {"", ROLE_APPLICANT},
               {"", 0},
               {"", 1u << 20}};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        assert_int_equal(new_user("a@example.com", BAD[i].organisation, BAD[i].roles, true, id), -1);
        assert_int_equal(err.code, ERR_REFUSED);
    }
    assert_int_equal(new_user("a@example.com", organisation, ROLE_APPLICANT, true, id), 0);
    assert_int_equal(account_set_roles(db, id, ROLE_APPLICANT | ROLE_FINANCE, &err), -1);
    assert_int_equal(err.code, ERR_REFUSED);
    assert_int_equal(new_user("b@example.com", "", ROLE_FIRST_REVIEWER | ROLE_FINAL_REVIEWER, true, id), 0);
    assert_int_equal(account_set_roles(db, id, ROLE_APPLICANT, &err), -1);
    assert_int_equal(err.code, ERR_REFUSED);
}

static void an_email_is_one_account_in_any_case(void **state)
{
    (void)state;
    struct account_user u;
    char id[UUID_SIZE];
    staff("Li.Si@Example.COM", id);
    assert_int_equal(account_by_email(db, "li.si@example.com", &u, &err), 0);
    assert_string_equal(u.email, "li.si@example.com");
    assert_int_equal(account_by_email(db, "LI.SI@EXAMPLE.COM", &u, &err), 0);
    assert_string_equal(u.id, id);
    assert_int_equal(new_user("li.si@example.com", "", ROLE_OPERATOR, true, id), -1);
    assert_int_equal(err.code, ERR_EXISTS);
}

static void what_is_no_email_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        "a",
        "@example.com",
        "a@",
        "a@localhost",
        "a@-x.com",
        "a@x-.com",
        "a@x..com",
        ".a@x.com",
        "a.@x.com",
        "a..b@x.com",
        "a b@x.com",
        "a@x.com\r\nBcc: b@x.com",
        "a@b@x.com",
        "<a@x.com>",
        "张三@x.com",
        "a@x.com.",
        "a123456789012345678901234567890123456789012345678901234567@example.com"};
    char id[UUID_SIZE];
    for (size_t i = 0; i < COUNT(BAD); i++) {
        assert_int_equal(new_user(BAD[i], "", ROLE_OPERATOR, true, id), -1);
        assert_int_equal(err.code, ERR_FIELD);
        assert_int_equal(strncmp(err.text, "email: ", 7), 0);
    }
    /* 64 bytes stand in an approval */
    staff("a12345678901234567890123456789012345678901234567890a@example.com", id);
}

static void a_mobile_number_has_digits_or_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(account_mobile_check("", &err), 0);
    assert_int_equal(account_mobile_check("+86-138-0000-0000", &err), 0);
    assert_int_equal(account_mobile_check("1380000", &err), 0);
    assert_int_equal(account_mobile_check("-13800000", &err), -1);
    assert_int_equal(account_mobile_check("1380<b>", &err), -1);
    assert_int_equal(account_mobile_check("123456789012345678901", &err), -1);
}

static int count(const struct account_user *u, void *arg, struct err *e)
{
    (void)e;
    size_t *n = arg;
    static const char *const WANT[] = {"a@example.com", "b@example.com", "c@example.com"};
    assert_string_equal(u->email, WANT[(*n)++]);
    return 0;
}

static void a_list_has_one_organisations_users_by_email(void **state)
{
    (void)state;
    char organisation[UUID_SIZE], id[UUID_SIZE];
    size_t n = 0, m = 1;
    assert_int_equal(
        account_organisation_new(db, NOW, ORGANISATION_ENTERPRISE, "甲", USCC, organisation, &err), 0);
    assert_int_equal(new_user("b@example.com", organisation, ROLE_APPLICANT, true, id), 0);
    assert_int_equal(new_user("a@example.com", organisation, ROLE_APPLICANT, true, id), 0);
    staff("c@example.com", id);
    assert_int_equal(account_list(db, organisation, "", 10, count, &n, &err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(account_list(db, organisation, "a@example.com", 10, count, &m, &err), 0);
    assert_int_equal(m, 2);
    assert_int_equal(account_list(db, "", "", 10, count, &m, &err), 0);
    assert_int_equal(m, 3);
}

/* ---- one-time links ---- */

static void a_link_works_once_and_only_for_its_purpose(void **state)
{
    (void)state;
    char id[UUID_SIZE], token[ACCOUNT_TOKEN_SIZE];
    struct account_user u;
    staff("a@example.com", id);
    assert_int_equal(account_link_new(db, NOW, ACCOUNT_LINK_RESET, id, token, &err), 0);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_EMAIL, token, true, &u, &err), -1);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_RESET, token, false, &u, &err), 0);
    assert_string_equal(u.id, id);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_RESET, token, true, &u, &err), 0);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_RESET, token, true, &u, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_RESET, token, false, &u, &err), -1);
}

static void a_newer_link_ends_the_older_and_time_ends_both(void **state)
{
    (void)state;
    char id[UUID_SIZE], old[ACCOUNT_TOKEN_SIZE], new[ACCOUNT_TOKEN_SIZE];
    struct account_user u;
    staff("a@example.com", id);
    assert_int_equal(account_link_new(db, NOW, ACCOUNT_LINK_RESET, id, old, &err), 0);
    assert_int_equal(account_link_new(db, NOW, ACCOUNT_LINK_RESET, id, new, &err), 0);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_RESET, old, false, &u, &err), -1);
    assert_int_equal(account_link_take(db, NOW + 1799999, ACCOUNT_LINK_RESET, new, false, &u, &err), 0);
    assert_int_equal(account_link_take(db, NOW + 1800000, ACCOUNT_LINK_RESET, new, false, &u, &err), -1);
}

static void a_disabled_users_link_does_not_work(void **state)
{
    (void)state;
    char id[UUID_SIZE], token[ACCOUNT_TOKEN_SIZE];
    struct account_user u;
    staff("a@example.com", id);
    assert_int_equal(account_link_new(db, NOW, ACCOUNT_LINK_RESET, id, token, &err), 0);
    assert_int_equal(account_set_disabled(db, id, true, &err), 0);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_RESET, token, true, &u, &err), -1);
    assert_int_equal(account_set_disabled(db, id, false, &err), 0);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_RESET, token, true, &u, &err), -1);
}

/* ---- what is over ---- */

static void an_unconfirmed_registration_goes_after_a_day_and_frees_its_uscc(void **state)
{
    (void)state;
    char organisation[UUID_SIZE], id[UUID_SIZE], token[ACCOUNT_TOKEN_SIZE];
    struct account_user u;
    assert_int_equal(
        account_organisation_new(db, NOW, ORGANISATION_ENTERPRISE, "甲", USCC, organisation, &err), 0);
    assert_int_equal(new_user("a@example.com", organisation, ROLE_APPLICANT, false, id), 0);
    assert_int_equal(account_password_set(db, id, "hash", &err), 0);
    assert_int_equal(account_link_new(db, NOW, ACCOUNT_LINK_EMAIL, id, token, &err), 0);
    assert_int_equal(account_purge(db, NOW + 86400000, &err), 0);
    assert_int_equal(account_by_id(db, id, &u, &err), 0);
    assert_int_equal(account_purge(db, NOW + 86400001, &err), 0);
    assert_int_equal(account_by_id(db, id, &u, &err), -1);
    assert_int_equal(account_organisation_by_uscc(db, USCC, organisation, &err), 0);
    assert_string_equal(organisation, "");
}

static void neither_an_invited_user_nor_a_confirmed_one_is_purged(void **state)
{
    (void)state;
    char organisation[UUID_SIZE], invited[UUID_SIZE], confirmed[UUID_SIZE];
    struct account_user u;
    assert_int_equal(
        account_organisation_new(db, NOW, ORGANISATION_ENTERPRISE, "甲", USCC, organisation, &err), 0);
    assert_int_equal(new_user("a@example.com", organisation, ROLE_APPLICANT, false, invited), 0);
    assert_int_equal(new_user("b@example.com", organisation, ROLE_APPLICANT, false, confirmed), 0);
    assert_int_equal(account_password_set(db, confirmed, "hash", &err), 0);
    assert_int_equal(account_set_email_checked(db, confirmed, &err), 0);
    assert_int_equal(account_purge(db, NOW + INT64_C(864000000), &err), 0);
    assert_int_equal(account_by_id(db, invited, &u, &err), 0);
    assert_int_equal(account_by_id(db, confirmed, &u, &err), 0);
    assert_int_equal(account_forget_unchecked(db, confirmed, &err), -1);
    assert_int_equal(err.code, ERR_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_internal_identifier_is_made_once_and_kept),
        TEST(a_uscc_replaces_an_internal_identifier),
        TEST(a_uscc_has_one_account),
        TEST(a_wrong_uscc_and_an_enterprise_without_one_are_refused),
        TEST(roles_of_applicants_and_staff_do_not_mix),
        TEST(an_email_is_one_account_in_any_case),
        TEST(what_is_no_email_is_refused_by_name),
        TEST(a_mobile_number_has_digits_or_is_left_out),
        TEST(a_list_has_one_organisations_users_by_email),
        TEST(a_link_works_once_and_only_for_its_purpose),
        TEST(a_newer_link_ends_the_older_and_time_ends_both),
        TEST(a_disabled_users_link_does_not_work),
        TEST(an_unconfirmed_registration_goes_after_a_day_and_frees_its_uscc),
        TEST(neither_an_invited_user_nor_a_confirmed_one_is_purged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
