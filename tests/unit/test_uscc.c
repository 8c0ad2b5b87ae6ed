#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/uscc.h"

static const char *const VALID[] = {
    "91350100M000100Y43", "914403001922038216", "9144030071526726XG", "91440300708461136T",
    "91330100799655058B", "12100000400002259P", "12100000400000624D", "91110000100017643K",
};

static struct err err;

static void refused(int rc, const char *part)
{
    assert_int_equal(rc, -1);
    assert_int_equal(err.code, ERR_IDENTIFIER);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
}

static void codes_in_use_are_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(VALID) / sizeof(VALID[0]); i++) {
        assert_int_equal(uscc_check(VALID[i], &err), 0);
        assert_true(uscc_pair_known(VALID[i]));
    }
}

static void a_wrong_check_character_is_named_with_the_right_one(void **state)
{
    (void)state;
    refused(uscc_check("91350100M000100Y4Z", &err), "character 18 is none of the alphabet");
    refused(uscc_check("91350100M000100Y44", &err), "is 4, by the other 17 it must be 3");
}

static void every_changed_character_is_noticed(void **state)
{
    (void)state;
    static const char ALPHABET[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    for (size_t v = 0; v < sizeof(VALID) / sizeof(VALID[0]); v++)
        for (size_t i = 0; i < USCC_LENGTH; i++)
            for (const char *c = ALPHABET; *c; c++) {
                char code[USCC_LENGTH + 1];
                memcpy(code, VALID[v], sizeof(code));
                if (code[i] == *c)
                    continue;
                code[i] = *c;
                assert_int_equal(uscc_check(code, &err), -1);
            }
}

static void neighbours_exchanged_are_noticed(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof(VALID) / sizeof(VALID[0]); v++)
        for (size_t i = 0; i + 1 < USCC_LENGTH; i++) {
            char code[USCC_LENGTH + 1];
            memcpy(code, VALID[v], sizeof(code));
            code[i] = VALID[v][i + 1];
            code[i + 1] = VALID[v][i];
            assert_int_equal(uscc_check(code, &err), code[i] == code[i + 1] ? 0 : -1);
        }
}

static void length_case_and_alphabet_are_checked(void **state)
{
    (void)state;
    refused(uscc_check("", &err), "0 characters");
    refused(uscc_check("91350100M000100Y4", &err), "17 characters");
    refused(uscc_check("91350100M000100Y433", &err), "19 characters");
    refused(uscc_check("91350100m000100Y43", &err), "character 9");
    refused(uscc_check("9135010IM000100Y43", &err), "character 8");
    refused(uscc_check("91350100M00010 Y43", &err), "character 15");
}

static void an_internal_identifier_is_never_a_uscc(void **state)
{
    (void)state;
    refused(uscc_check("zcy-330100-0007", &err), "zcy");
    refused(uscc_check("zcy350100M000100Y4", &err), "zcy");
    refused(uscc_check("ZCY350100M000100Y4", &err), "zcy");
}

static void a_uscc_is_never_an_internal_identifier(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(VALID) / sizeof(VALID[0]); i++)
        refused(internal_identifier_check(VALID[i], &err), "kind must be USCC");
}

static void internal_identifiers_have_their_own_rules(void **state)
{
    (void)state;
    assert_int_equal(internal_identifier_check("zcy1", &err), 0);
    assert_int_equal(internal_identifier_check("zcy-330100-0007", &err), 0);
    assert_int_equal(internal_identifier_check("zcyABCDEFGHIJKLMNOPQRSTUVWXYZ012", &err), 0);
    refused(internal_identifier_check("zcy", &err), "3 characters");
    refused(internal_identifier_check("zcyABCDEFGHIJKLMNOPQRSTUVWXYZ0123", &err), "33 characters");
    refused(internal_identifier_check("ZCY1", &err), "begins with zcy");
    refused(internal_identifier_check("", &err), "begins with zcy");
    refused(internal_identifier_check("zcy_1", &err), "letters, digits and hyphens");
    refused(internal_identifier_check("zcy机构", &err), "letters, digits and hyphens");
}

static void seventeen_characters_can_be_completed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(VALID) / sizeof(VALID[0]); i++) {
        char code[USCC_LENGTH + 1];
        memcpy(code, VALID[i], sizeof(code));
        code[USCC_LENGTH - 1] = '\0';
        uscc_complete(code);
        assert_string_equal(code, VALID[i]);
    }
    assert_int_equal(uscc_check_character("9135010IM000100Y4"), 0);
    assert_int_equal(uscc_check_character("9135"), 0);
}

static void an_unknown_pair_only_warns(void **state)
{
    (void)state;
    char code[USCC_LENGTH + 1] = "B1350100M000100Y4";
    uscc_complete(code);
    assert_int_equal(uscc_check(code, &err), 0);
    assert_false(uscc_pair_known(code));
    assert_true(uscc_pair_known("35"));
    assert_false(uscc_pair_known("36"));
    assert_false(uscc_pair_known("9"));
    assert_false(uscc_pair_known(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_in_use_are_valid),
        cmocka_unit_test(a_wrong_check_character_is_named_with_the_right_one),
        cmocka_unit_test(every_changed_character_is_noticed),
        cmocka_unit_test(neighbours_exchanged_are_noticed),
        cmocka_unit_test(length_case_and_alphabet_are_checked),
        cmocka_unit_test(an_internal_identifier_is_never_a_uscc),
        cmocka_unit_test(a_uscc_is_never_an_internal_identifier),
        cmocka_unit_test(internal_identifiers_have_their_own_rules),
        cmocka_unit_test(seventeen_characters_can_be_completed),
        cmocka_unit_test(an_unknown_pair_only_warns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
