/* CSV by RFC 4180. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cli/csv.h"

/* Records as "line:field|field|…;", a problem as "line!problem;". */
static char said[1024];

static int record(void *arg, size_t line, char *const *fields, size_t n, const char *problem, struct err *err)
{
    (void)err;
    size_t at = strlen(said);
    if (arg && line == *(size_t *)arg)
        return err_set(err, ERR_REFUSED, "stop");
    if (problem) {
        snprintf(said + at, sizeof(said) - at, "%zu!%s;", line, problem);
        return 0;
    }
    at += (size_t)snprintf(said + at, sizeof(said) - at, "%zu:", line);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(said + at, sizeof(said) - at, "%s%s", i > 0 ? "|" : "", fields[i]);
    snprintf(said + at, sizeof(said) - at, ";");
    return 0;
}

static const char *parse_n(const char *text, size_t len)
{
    struct err err;
    said[0] = '\0';
    assert_int_equal(csv_parse(text, len, record, NULL, &err), 0);
    return said;
}

static const char *parse(const char *text)
{
    return parse_n(text, strlen(text));
}

static void fields_and_records_are_parted(void **state)
{
    (void)state;
    assert_string_equal(parse("a,b,c\n1,2,3\n"), "1:a|b|c;2:1|2|3;");
    assert_string_equal(parse("a,b\r\n1,2"), "1:a|b;2:1|2;");
    assert_string_equal(parse("a,,\n,\n"), "1:a||;2:|;");
    assert_string_equal(parse(""), "");
}

static void quoted_fields_hold_commas_quotes_and_line_ends(void **state)
{
    (void)state;
    assert_string_equal(parse("\"a,b\",\"say \"\"yes\"\"\"\n"), "1:a,b|say \"yes\";");
    assert_string_equal(parse("\"two\r\nlines\",x\nnext,y\n"), "1:two\r\nlines|x;3:next|y;");
    assert_string_equal(parse("\"\"\n"), "1:;");
}

static void empty_lines_and_a_byte_order_mark_are_passed_over(void **state)
{
    (void)state;
    assert_string_equal(parse("\xef\xbb\xbf"
                              "a\n\n\r\nb\n\n"),
                        "1:a;4:b;");
}

static void chinese_text_comes_through(void **state)
{
    (void)state;
    assert_string_equal(parse("批次,箱号\n"), "1:批次|箱号;");
}

static void each_bad_record_is_told_with_its_line(void **state)
{
    (void)state;
    assert_string_equal(parse("ok\na\"b\nok\n"),
                        "1:ok;2!a quote stands inside a field that is not quoted;3:ok;");
    assert_string_equal(parse("\"a\"b,c\nok\n"), "1!there is text behind a closing quote;2:ok;");
    assert_string_equal(parse("ok\n\"open,\nx\n"), "1:ok;2!a quote is never closed;");
    assert_string_equal(parse("\xff\nok\n"), "1!it is not UTF-8;2:ok;");
    assert_string_equal(parse_n("a\0b\nok\n", 7), "1!a NUL byte;2:ok;");
    assert_string_equal(parse("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\nok\n"),
                        "1!it has too many fields;2:ok;");
}

static void a_lone_carriage_return_is_part_of_its_field(void **state)
{
    (void)state;
    assert_string_equal(parse("a\rb,c\n"), "1:a\rb|c;");
}

static void the_callers_error_stops_the_reading(void **state)
{
    (void)state;
    struct err err;
    size_t line = 2;
    said[0] = '\0';
    assert_int_equal(csv_parse("a\nb\nc\n", 6, record, &line, &err), -1);
    assert_int_equal(err.code, ERR_REFUSED);
    assert_string_equal(said, "1:a;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_records_are_parted),
        cmocka_unit_test(quoted_fields_hold_commas_quotes_and_line_ends),
        cmocka_unit_test(empty_lines_and_a_byte_order_mark_are_passed_over),
        cmocka_unit_test(chinese_text_comes_through),
        cmocka_unit_test(each_bad_record_is_told_with_its_line),
        cmocka_unit_test(a_lone_carriage_return_is_part_of_its_field),
        cmocka_unit_test(the_callers_error_stops_the_reading),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
