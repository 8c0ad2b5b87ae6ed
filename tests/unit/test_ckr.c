#include "cmocka_all.h"

#include <string.h>

#include "device/ckr.h"

static void return_values_become_the_errors_that_callers_branch_on(void **state)
{
    (void)state;
    static const struct {
        CK_RV rv;
        const char *name;
        enum err_code code;
    } CASES[] = {
        {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", ERR_TOKEN_FULL},
        {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", ERR_TOKEN_ABSENT},
        {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", ERR_TOKEN_ABSENT},
        {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", ERR_PIN_LOCKED},
        {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", ERR_TOKEN_FAILED},
        {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", ERR_MODULE},
        {CKR_HOST_MEMORY, "CKR_HOST_MEMORY", ERR_MEMORY},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct err err;
        assert_int_equal(ckr_fail(&err, CASES[i].rv, "C_Foo"), -1);
        assert_int_equal(err.code, CASES[i].code);
        assert_int_equal(err.ckr, CASES[i].rv);
        assert_true(strncmp(err.text, "C_Foo: ", 7) == 0 && strcmp(err.text + 7, CASES[i].name) == 0);
    }
}

static void an_unknown_value_is_shown_in_hexadecimal(void **state)
{
    (void)state;
    struct err err;
    ckr_fail(&err, 0x80000042UL, "C_Login");
    assert_int_equal(err.code, ERR_TOKEN_FAILED);
    assert_non_null(strstr(err.text, "0x80000042"));
}

static void success_with_a_nonsensical_answer_is_the_modules_fault(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(ckr_fail(&err, CKR_OK, "C_Sign"), -1);
    assert_int_equal(err.code, ERR_MODULE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(return_values_become_the_errors_that_callers_branch_on),
        cmocka_unit_test(an_unknown_value_is_shown_in_hexadecimal),
        cmocka_unit_test(success_with_a_nonsensical_answer_is_the_modules_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
