#include "cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/utf8.h"

static void an_error_keeps_code_and_text_and_returns_minus_one(void **state)
{
    (void)state;
    struct err err;
    memset(&err, 0xff, sizeof(err));
    assert_int_equal(err_set(&err, ERR_TOKEN_CHANGED, "bay %d", 3), -1);
    assert_int_equal(err.code, ERR_TOKEN_CHANGED);
    assert_int_equal(err.sys, 0);
    assert_int_equal(err.ckr, 0);
    assert_string_equal(err.text, "bay 3");
}

static void each_level_prepends_its_context(void **state)
{
    (void)state;
    struct err err;
    err_ckr(&err, ERR_SO_PIN, 0xa0, "C_InitToken: CKR_PIN_INCORRECT");
    assert_int_equal(err_prepend(&err, "initialise"), -1);
    err_prepend(&err, "bay %d", 3);
    assert_string_equal(err.text, "bay 3: initialise: C_InitToken: CKR_PIN_INCORRECT");
    assert_int_equal(err.ckr, 0xa0);
    assert_int_equal(err.code, ERR_SO_PIN);
}

static void an_error_may_be_made_from_its_own_text(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_HTTP, "inner");
    err_set(&err, ERR_TLS, "outer (%s)", err.text);
    assert_string_equal(err.text, "outer (inner)");
    err_prepend(&err, "%s", err.text);
    assert_string_equal(err.text, "outer (inner): outer (inner)");
}

static void a_long_text_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    struct err err;
    char text[400] = "";
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "申", 4);
        err_set(&err, ERR_FIELD, "%s", text);
        assert_true(strlen(err.text) > ERR_TEXT_SIZE - 4);
        assert_true(utf8_valid(err.text, strlen(err.text)));
        assert_null(strchr(err.text, '?'));
        err_prepend(&err, "x");
        assert_true(utf8_valid(err.text, strlen(err.text)));
        assert_int_equal(strncmp(err.text, "x: ", 3), 0);
    }
}

static void bytes_that_are_no_utf8_become_question_marks(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, ERR_FIELD, "a%cb", 0xff);
    assert_string_equal(err.text, "a?b");
}

static void errno_chooses_the_code(void **state)
{
    (void)state;
    static const struct {
        int sys;
        enum err_code code;
    } CASES[] = {{ENOSPC, ERR_DISK_FULL}, {EDQUOT, ERR_DISK_FULL}, {ETIMEDOUT, ERR_TIMEOUT},
                 {ENOMEM, ERR_MEMORY},    {EIO, ERR_SYSTEM},       {EACCES, ERR_SYSTEM}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct err err;
        errno = CASES[i].sys;
        assert_int_equal(err_sys(&err, "write %s", "f"), -1);
        assert_int_equal(err.code, CASES[i].code);
        assert_int_equal(err.sys, CASES[i].sys);
        assert_int_equal(strncmp(err.text, "write f: ", 9), 0);
        assert_non_null(strstr(err.text, strerror(CASES[i].sys)));
    }
}

static void a_long_name_never_pushes_out_the_reason(void **state)
{
    (void)state;
    struct err err;
    char name[600];
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    errno = ENOENT;
    err_sys(&err, "%s", name);
    assert_non_null(strstr(err.text, ": No such file or directory"));
}

static void every_code_has_a_name_of_its_own_a_sentence_and_a_remedy(void **state)
{
    (void)state;
    for (enum err_code c = ERR_NONE + 1; c < ERR_CODE_COUNT; c++) {
        assert_int_equal(err_from_name(err_name(c)), c);
        assert_in_range(err_exit_code(c), 1, 10);
        for (enum lang l = LANG_ZH; l < LANG_COUNT; l++) {
            assert_true(strlen(err_sentence(c, l)) > 3);
            assert_true(strlen(err_remedy(c, l)) > 3);
            assert_true(utf8_valid(err_sentence(c, l), strlen(err_sentence(c, l))));
        }
        assert_string_not_equal(err_sentence(c, LANG_ZH), err_sentence(c, LANG_EN));
    }
    assert_int_equal(err_exit_code(ERR_NONE), 0);
}

static void an_unknown_name_or_none_is_internal_and_never_success(void **state)
{
    (void)state;
    assert_int_equal(err_from_name("no-such-code"), ERR_INTERNAL);
    assert_int_equal(err_from_name(""), ERR_INTERNAL);
    assert_int_equal(err_from_name("none"), ERR_INTERNAL);
    assert_string_equal(err_name((enum err_code)9999), "internal");
}

static void the_language_follows_the_environment(void **state)
{
    (void)state;
    unsetenv("LC_ALL");
    unsetenv("LC_MESSAGES");
    unsetenv("LANG");
    assert_int_equal(lang_from_env(), LANG_EN);
    setenv("LANG", "zh_CN.UTF-8", 1);
    assert_int_equal(lang_from_env(), LANG_ZH);
    setenv("LC_MESSAGES", "de_DE.UTF-8", 1);
    assert_int_equal(lang_from_env(), LANG_EN);
    setenv("LC_ALL", "zh_TW", 1);
    assert_int_equal(lang_from_env(), LANG_ZH);
    setenv("LC_ALL", "", 1);
    assert_int_equal(lang_from_env(), LANG_EN);
}

static void every_text_is_there_in_both_languages(void **state)
{
    (void)state;
    for (enum text_id id = (enum text_id)0; id < TEXT_COUNT; id++)
        for (enum lang l = LANG_ZH; l < LANG_COUNT; l++) {
            assert_true(*text(id, l) != '\0');
            assert_true(utf8_valid(text(id, l), strlen(text(id, l))));
        }
    assert_string_equal(text(TEXT_COUNT, LANG_ZH), "");
}

static void utf8_knows_good_from_bad(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        bool good;
    } CASES[] = {{"", true},
                 {"abc", true},
                 {"\xc2\x80", true},
                 {"申领", true},
                 {"\xf0\x9f\x94\x91", true},
                 {"\xf4\x8f\xbf\xbf", true},
                 {"\xc0\x80", false},         /* NUL, not the shortest form */
                 {"\xe0\x9f\xbf", false},     /* not the shortest form */
                 {"\xed\xa0\x80", false},     /* a surrogate */
                 {"\xf0\x8f\xbf\xbf", false}, /* not the shortest form */
                 {"\xf4\x90\x80\x80", false}, /* over U+10FFFF */
                 {"\xf5\x80\x80\x80", false},
                 {"\x80", false},
                 {"a\xe7\x94", false}, /* cut off */
                 {"\xe7\x94z", false},
                 {"\xff", false}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(utf8_valid(CASES[i].s, strlen(CASES[i].s)), CASES[i].good);
        char copy[16];
        memcpy(copy, CASES[i].s, strlen(CASES[i].s) + 1);
        utf8_scrub(copy);
        assert_true(utf8_valid(copy, strlen(copy)));
        if (CASES[i].good)
            assert_string_equal(copy, CASES[i].s);
    }
    assert_int_equal(utf8_chars("申领 a\xf0\x9f\x94\x91"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_keeps_code_and_text_and_returns_minus_one),
        cmocka_unit_test(each_level_prepends_its_context),
        cmocka_unit_test(an_error_may_be_made_from_its_own_text),
        cmocka_unit_test(a_long_text_is_cut_at_a_whole_character),
        cmocka_unit_test(bytes_that_are_no_utf8_become_question_marks),
        cmocka_unit_test(errno_chooses_the_code),
        cmocka_unit_test(a_long_name_never_pushes_out_the_reason),
        cmocka_unit_test(every_code_has_a_name_of_its_own_a_sentence_and_a_remedy),
        cmocka_unit_test(an_unknown_name_or_none_is_internal_and_never_success),
        cmocka_unit_test(the_language_follows_the_environment),
        cmocka_unit_test(every_text_is_there_in_both_languages),
        cmocka_unit_test(utf8_knows_good_from_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
