/* Tables on a terminal, arguments, and the verb table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/table.h"

static const struct column COLUMNS[] = {
    {{"机构", "ORGANISATION"}, "organisation", COLUMN_TEXT, 10},
    {{"次", "TRY"}, "attempt", COLUMN_NUMBER, 0},
    {{"状态", "STATE"}, "state", COLUMN_WORD, 0},
};

static char *print(enum lang lang, const char *rows_json)
{
    char *out = NULL;
    size_t len;
    json_t *rows = json_loads(rows_json, 0, NULL);
    assert_non_null(rows);
    FILE *f = open_memstream(&out, &len);
    table_print(f, lang, COLUMNS, 3, rows);
    fclose(f);
    json_decref(rows);
    return out;
}

static void chinese_characters_take_two_columns(void **state)
{
    (void)state;
    assert_int_equal(table_width("abc"), 3);
    assert_int_equal(table_width("杭州市"), 6);
    assert_int_equal(table_width("（无）"), 6);
    assert_int_equal(table_width("e\xcc\x81"), 1); /* e and a combining acute */
    assert_int_equal(table_width("Ａ１"), 4);      /* fullwidth forms */
    assert_int_equal(table_width("ｱ…é"), 3);       /* halfwidth katakana, ambiguous ones */
    assert_int_equal(table_width("𠮷"), 2);
    assert_int_equal(table_width(""), 0);
}

static void columns_stay_in_line_whatever_the_language(void **state)
{
    (void)state;
    char *out = print(LANG_ZH, "[{\"organisation\":\"杭州\",\"attempt\":1,\"state\":\"queued\"},"
                               "{\"organisation\":\"abc\",\"attempt\":12,\"state\":\"odd\"}]");
    assert_string_equal(out, "机构  次  状态\n"
                             "杭州   1  排队\n"
                             "abc   12  odd\n");
    free(out);
}

static void what_is_too_wide_ends_in_an_ellipsis(void **state)
{
    (void)state;
    char *out = print(LANG_EN, "[{\"organisation\":\"杭州示例云采科技\",\"attempt\":1,\"state\":\"done\"},"
                               "{\"organisation\":\"abcdefghijk\"}]");
    assert_string_equal(out, "ORGANISATION  TRY  STATE\n"
                             "杭州示例…       1  done\n"
                             "abcdefghi…\n");
    free(out);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    char *out = print(LANG_EN, "[{\"organisation\":\"a\\u001b[2J\\u009b\"}]");
    assert_null(strchr(out, '\x1b'));
    assert_null(strstr(out, "\xc2\x9b"));
    assert_non_null(strstr(out, "a?[2J"));
    free(out);
}

static void no_rows_are_said_to_be_none(void **state)
{
    (void)state;
    char *out = print(LANG_ZH, "[]");
    assert_string_equal(out, "（无）\n");
    free(out);
}

static void fields_that_are_empty_are_left_out(void **state)
{
    (void)state;
    char *out = NULL;
    size_t len;
    json_t *row = json_loads("{\"organisation\":\"x\",\"attempt\":null,\"state\":\"\"}", 0, NULL);
    FILE *f = open_memstream(&out, &len);
    table_fields(f, LANG_EN, COLUMNS, 3, row);
    fclose(f);
    assert_string_equal(out, "ORGANISATION  x\n");
    free(out);
    json_decref(row);
}

static void options_stand_anywhere_and_words_are_counted(void **state)
{
    (void)state;
    const char *reason = NULL, *words[2];
    bool yes = false;
    size_t n;
    struct err err;
    const struct arg_option options[] = {{"--reason", &reason, NULL}, {"--yes", NULL, &yes}};
    char *a[] = {(char[]){"--reason=x=y"}, (char[]){"S1"}, (char[]){"--yes"}};
    assert_int_equal(args_parse(3, a, options, 2, words, 1, 2, &n, &err), 0);
    assert_string_equal(reason, "x=y");
    assert_string_equal(words[0], "S1");
    assert_int_equal(n, 1);
    assert_true(yes);
    char *b[] = {(char[]){"--"}, (char[]){"--yes"}};
    assert_int_equal(args_parse(2, b, options, 2, words, 1, 2, &n, &err), 0);
    assert_string_equal(words[0], "--yes");
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *argv[3];
        const char *says;
    } WRONG[] = {
        {{"--frob"}, "--frob"},
        {{"S", "--reason"}, "--reason needs a value"},
        {{"S", "--reason=a", "--reason=b"}, "given twice"},
        {{"S", "--yes=1"}, "takes no value"},
        {{"S", "T", "U"}, "\"U\""},
        {{"--yes"}, "missing"},
    };
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        const char *reason = NULL, *words[2];
        bool yes = false;
        struct err err;
        const struct arg_option options[] = {{"--reason", &reason, NULL}, {"--yes", NULL, &yes}};
        char *argv[3];
        int argc = 0;
        while (argc < 3 && WRONG[i].argv[argc]) {
            argv[argc] = strdup(WRONG[i].argv[argc]);
            argc++;
        }
        assert_int_equal(args_parse(argc, argv, options, 2, words, 1, 2, NULL, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_non_null(strstr(err.text, WRONG[i].says));
        while (argc > 0)
            free(argv[--argc]);
    }
}

static void numbers_are_whole_and_bounded(void **state)
{
    (void)state;
    int64_t n = 0;
    struct err err;
    assert_int_equal(args_int("64", "N", 1, 64, &n, &err), 0);
    assert_int_equal(n, 64);
    static const char *const WRONG[] = {"", "0", "65", "4x", "99999999999999999999", "1.5"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++)
        assert_int_equal(args_int(WRONG[i], "N", 1, 64, &n, &err), -1);
}

static void every_verb_is_found_by_its_own_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_verbs; i++) {
        char name[64], *argv[3], *rest = name, *word;
        int argc = 0, words = 0;
        snprintf(name, sizeof(name), "%s", verbs[i].name);
        while (argc < 3 && (word = strsep(&rest, " ")))
            argv[argc++] = word;
        assert_ptr_equal(verb_find(argc, argv, &words), &verbs[i]);
        assert_int_equal(words, argc);
        assert_true(strlen(verbs[i].description[LANG_ZH]) > 0 && strlen(verbs[i].description[LANG_EN]) > 0);
        assert_true(utf8_valid(verbs[i].description[LANG_ZH], strlen(verbs[i].description[LANG_ZH])));
    }
    char *half[] = {(char[]){"stock"}};
    int words = 0;
    assert_null(verb_find(1, half, &words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chinese_characters_take_two_columns),
        cmocka_unit_test(columns_stay_in_line_whatever_the_language),
        cmocka_unit_test(what_is_too_wide_ends_in_an_ellipsis),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(no_rows_are_said_to_be_none),
        cmocka_unit_test(fields_that_are_empty_are_left_out),
        cmocka_unit_test(options_stand_anywhere_and_words_are_counted),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(numbers_are_whole_and_bounded),
        cmocka_unit_test(every_verb_is_found_by_its_own_name),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
