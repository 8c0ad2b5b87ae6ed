#include "cmocka_all.h"

#include <string.h>

#include "base/json.h"

static enum err_code parse_code(const char *text, size_t len, struct err *err)
{
    json_t *value = json_parse(text, len, err);
    if (!value)
        return err->code;
    json_decref(value);
    return ERR_NONE;
}

static void one_value_is_read_whatever_its_kind(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "{}", "[]", "\"x\"", "1", "true", "null", " {\"a\": [1, 2.5, \"申领\"]} \n"};
    struct err err;
    for (size_t i = 0; i < COUNT(CASES); i++)
        assert_int_equal(parse_code(CASES[i], strlen(CASES[i]), &err), ERR_NONE);
}

static void what_is_not_strict_json_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } CASES[] = {
        {"", 0},
        {"{", 1},
        {"{\"a\":1,\"a\":2}", 13},       /* duplicate key */
        {"{\"a\":1,\"\\u0061\":2}", 18}, /* the same key, escaped */
        {"{}{}", 4},
        {"{} x", 4},
        {"{}\0", 3},
        {"[1,]", 4},
        {"{'a':1}", 7},
        {"\"a\\u0000b\"", 10},
        {"\"a\0b\"", 5},
        {"\"\xff\"", 3},
        {"\"\\ud800\"", 8}, /* half a surrogate pair */
        {"01", 2},
        {"NaN", 3},
        {"99999999999999999999", 20},
        {"\"tab\there\"", 10},
        {"// no\n{}", 8},
    };
    struct err err;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(parse_code(CASES[i].text, CASES[i].len, &err), ERR_JSON);
        assert_int_equal(strncmp(err.text, "line ", 5), 0);
        assert_non_null(strstr(err.text, " column "));
    }
    const char *second = "{\n  \"a\": tru\n}";
    assert_int_equal(parse_code(second, strlen(second), &err), ERR_JSON);
    assert_int_equal(strncmp(err.text, "line 2 column ", 14), 0);
}

static void nesting_is_bounded_and_brackets_in_strings_do_not_count(void **state)
{
    (void)state;
    struct err err;
    char text[64];
    memset(text, '[', 16);
    memset(text + 16, ']', 16);
    assert_int_equal(parse_code(text, 32, &err), ERR_NONE);
    memset(text, '[', 17);
    memset(text + 17, ']', 17);
    assert_int_equal(parse_code(text, 34, &err), ERR_JSON);
    assert_string_equal(err.text, "line 1 column 17: nested over 16 deep");
    const char *string = "\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"";
    assert_int_equal(parse_code(string, strlen(string), &err), ERR_NONE);
    static char deep[200000];
    memset(deep, '[', sizeof(deep));
    assert_int_equal(parse_code(deep, sizeof(deep), &err), ERR_JSON);
}

static void the_canonical_form_is_that_of_rfc_8785(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } CASES[] = {
        {" { \"b\" : 1 , \"a\" : [ true , false , null ] } ", "{\"a\":[true,false,null],\"b\":1}"},
        {"{}", "{}"},
        {"[]", "[]"},
        {"-0", "0"},
        {"9007199254740991", "9007199254740991"},
        {"-9007199254740991", "-9007199254740991"},
        {"\"\\u7533\\u9886 \\/ \\ud83d\\udd11\"", "\"申领 / \xf0\x9f\x94\x91\""},
        /* section 3.2.2.2 */
        {"\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"",
         "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""},
        {"\"\\b\\t\\n\\f\\r\\u001f\\u007f\"", "\"\\b\\t\\n\\f\\r\\u001f\x7f\""},
        /* section 3.2.3: sorted by UTF-16 code unit */
        {"{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
         "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"ö\":7,\"€\":1,\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}"},
        {"{\"aa\":1,\"a\":2,\"\":3,\"B\":4}", "{\"\":3,\"B\":4,\"a\":2,\"aa\":1}"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct err err;
        struct buf b;
        buf_init(&b);
        json_t *value = json_parse(CASES[i].in, strlen(CASES[i].in), &err);
        assert_non_null(value);
        assert_int_equal(json_canonical(value, &b, &err), 0);
        assert_string_equal(buf_cstr(&b), CASES[i].out);
        json_decref(value);
        value = json_parse(b.data, b.len, &err); /* and the form of the form is itself */
        buf_reset(&b);
        assert_int_equal(json_canonical(value, &b, &err), 0);
        assert_string_equal(buf_cstr(&b), CASES[i].out);
        json_decref(value);
        buf_done(&b);
    }
}

static void numbers_without_one_form_are_refused(void **state)
{
    (void)state;
    static const char *const CASES[] = {"1.0", "1e2", "[{\"a\":0.5}]", "9007199254740992",
                                        "-9007199254740992"};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct err err;
        struct buf b;
        buf_init(&b);
        assert_int_equal(buf_put_str(&b, "kept", &err), 0);
        json_t *value = json_parse(CASES[i], strlen(CASES[i]), &err);
        assert_int_equal(json_canonical(value, &b, &err), -1);
        assert_int_equal(err.code, ERR_JSON);
        assert_string_equal(buf_cstr(&b), "kept");
        json_decref(value);
        buf_done(&b);
    }
}

static const struct json_field FIELDS[] = {
    {"id", JSON_FIELD_STR, true, 4},      {"count", JSON_FIELD_INT, false, 10},
    {"on", JSON_FIELD_BOOL, false, 0},    {"inner", JSON_FIELD_OBJECT, false, 0},
    {"list", JSON_FIELD_ARRAY, false, 2},
};

static void fields_are_checked_against_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *json, *error; /* NULL: good */
    } CASES[] = {
        {"{\"id\":\"abcd\"}", NULL},
        {"{\"id\":\"\",\"count\":10,\"on\":false,\"inner\":{},\"list\":[1,2]}", NULL},
        {"{\"id\":\"a\",\"count\":-5}", NULL},
        {"{}", "application.id: is missing"},
        {"{\"id\":null}", "application.id: must be a string"},
        {"{\"id\":1}", "application.id: must be a string"},
        {"{\"id\":\"abcde\"}", "application.id: 5 bytes, at most 4 are allowed"},
        {"{\"id\":\"a\",\"count\":11}", "application.count: 11 is over 10"},
        {"{\"id\":\"a\",\"count\":1.0}", "application.count: must be an integer"},
        {"{\"id\":\"a\",\"on\":0}", "application.on: must be true or false"},
        {"{\"id\":\"a\",\"inner\":[]}", "application.inner: must be an object"},
        {"{\"id\":\"a\",\"list\":[1,2,3]}", "application.list: 3 elements, at most 2 are allowed"},
        {"{\"id\":\"a\",\"other\":1}", "application.other: unknown field"},
        {"[]", "application: must be an object"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct err err;
        json_t *value = json_parse(CASES[i].json, strlen(CASES[i].json), &err);
        int ret = json_check(value, "application", FIELDS, COUNT(FIELDS), &err);
        assert_int_equal(ret, CASES[i].error ? -1 : 0);
        if (CASES[i].error) {
            assert_int_equal(err.code, ERR_FIELD);
            assert_string_equal(err.text, CASES[i].error);
        }
        json_decref(value);
    }
}

static void an_open_table_lets_other_fields_pass(void **state)
{
    (void)state;
    static const struct json_field OPEN[] = {{"id", JSON_FIELD_STR, true, 4}, {.name = JSON_OPEN}};
    struct err err;
    json_t *value = json_parse("{\"id\":\"a\",\"x\":{}}", 17, &err);
    assert_int_equal(json_check(value, "", OPEN, COUNT(OPEN), &err), 0);
    json_decref(value);
    value = json_parse("{\"x\":{}}", 8, &err);
    assert_int_equal(json_check(value, "", OPEN, COUNT(OPEN), &err), -1);
    assert_string_equal(err.text, "id: is missing");
    json_decref(value);
}

static void absent_fields_read_as_empty_or_zero(void **state)
{
    (void)state;
    struct err err;
    json_t *value = json_parse("{\"s\":\"x\",\"i\":-3}", 16, &err);
    assert_string_equal(json_str(value, "s"), "x");
    assert_string_equal(json_str(value, "none"), "");
    assert_int_equal(json_int(value, "i"), -3);
    assert_int_equal(json_int(value, "none"), 0);
    json_decref(value);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct err err;
    assert_null(json_parse_file("/nonexistent/a.json", 100, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/a.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_is_read_whatever_its_kind),
        cmocka_unit_test(what_is_not_strict_json_is_refused_with_its_place),
        cmocka_unit_test(nesting_is_bounded_and_brackets_in_strings_do_not_count),
        cmocka_unit_test(the_canonical_form_is_that_of_rfc_8785),
        cmocka_unit_test(numbers_without_one_form_are_refused),
        cmocka_unit_test(fields_are_checked_against_the_table),
        cmocka_unit_test(an_open_table_lets_other_fields_pass),
        cmocka_unit_test(absent_fields_read_as_empty_or_zero),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
