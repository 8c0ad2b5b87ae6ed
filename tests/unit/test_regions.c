#include <string.h>

#include "base/json.h"
#include "cmocka_all.h"
#include "domain/identity.h"
#include "portal/form.h"

static size_t count_under(const char *code)
{
    json_t *list = NULL;
    struct err err = {0};
    assert_int_equal(regions_under(code, &list, &err), 0);
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
}

static const char *first_under(const char *code, const char *key)
{
    static char kept[64];
    json_t *list = NULL;
    struct err err = {0};
    assert_int_equal(regions_under(code, &list, &err), 0);
    snprintf(kept, sizeof(kept), "%s", json_str(json_array_get(list, 0), key));
    json_decref(list);
    return kept;
}

static const char *name_of(const char *province, const char *city, const char *district)
{
    static char name[128];
    regions_name(province, city, district, name);
    return name;
}

static void there_are_thirty_one_provinces_and_what_is_under_each_level(void **state)
{
    (void)state;
    assert_int_equal(count_under(""), 31);
    assert_string_equal(first_under("", "code"), "110000");
    assert_string_equal(first_under("", "name"), "北京市");
    assert_int_equal(count_under("330000"), 11);
    assert_string_equal(first_under("330000", "name"), "杭州市");
    assert_int_equal(count_under("330100"), 13);
    assert_string_equal(first_under("330100", "code"), "330102");
    assert_int_equal(count_under("330106"), 0);
    assert_int_equal(count_under("441900"), 0); /* Dongguan has no districts */
}

static void a_code_that_is_none_has_nothing_under_it(void **state)
{
    static const char *const NONE[] = {"33", "3300000", "990000", "33a000", "-30000", " 30000", "330000'--"};
    (void)state;
    for (size_t i = 0; i < COUNT(NONE); i++)
        assert_int_equal(count_under(NONE[i]), 0);
}

static void a_place_is_known_only_under_the_one_above_it(void **state)
{
    (void)state;
    assert_true(regions_known("330000", "", ""));
    assert_true(regions_known("330000", "330100", ""));
    assert_true(regions_known("330000", "330100", "330106"));
    assert_false(regions_known("", "", ""));
    assert_false(regions_known("320000", "330100", ""));
    assert_false(regions_known("330000", "330200", "330106"));
    assert_false(regions_known("330000", "", "330106"));
    assert_false(regions_known("330100", "330106", ""));
    assert_false(regions_known("330000", "330000", ""));
}

static void a_name_leaves_levels_out_that_are_no_place(void **state)
{
    (void)state;
    assert_string_equal(name_of("330000", "330100", "330106"), "浙江省杭州市西湖区");
    assert_string_equal(name_of("330000", "330100", ""), "浙江省杭州市");
    assert_string_equal(name_of("330000", "", ""), "浙江省");
    assert_string_equal(name_of("110000", "110100", "110105"), "北京市朝阳区");
    assert_string_equal(name_of("500000", "500200", "500229"), "重庆市城口县");
    assert_string_equal(name_of("650000", "659000", "659006"), "新疆维吾尔自治区铁门关市");
    assert_string_equal(name_of("650000", "653000", "653022"),
                        "新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿克陶县");
    assert_string_equal(name_of("330000", "320100", ""), "");
}

static void identity_numbers_are_checked_by_shape_date_and_last_character(void **state)
{
    static const struct {
        const char *number;
        enum identity_fault fault;
    } CASES[] = {
        {"11010519491231002X", IDENTITY_GOOD},
        {"440524188001010014", IDENTITY_GOOD},
        {"11010519491231002x", IDENTITY_SHAPE},
        {"110105194912310021", IDENTITY_CHECK},
        {"11010519490229002X", IDENTITY_DATE},
        {"11010519491331002X", IDENTITY_DATE},
        {"11010519490431002X", IDENTITY_DATE},
        {"11010519001231002X", IDENTITY_CHECK},
        {"", IDENTITY_SHAPE},
        {"1101051949123100", IDENTITY_SHAPE},
        {"X1010519491231002X", IDENTITY_SHAPE},
        {"11010519491231002X ", IDENTITY_SHAPE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++)
        assert_int_equal(identity_number_check(CASES[i].number), CASES[i].fault);
}

static void phones_are_mobile_or_have_an_area_code(void **state)
{
    (void)state;
    assert_true(mobile_ok("13800000000"));
    assert_true(mobile_ok("19912345678"));
    assert_false(mobile_ok("12800000000"));
    assert_false(mobile_ok("1380000000"));
    assert_false(mobile_ok("138000000000"));
    assert_false(mobile_ok("1380000000a"));
    assert_true(landline_ok("0571-88888888"));
    assert_true(landline_ok("057188888888"));
    assert_true(landline_ok("010-8888888-12345"));
    assert_false(landline_ok("571-88888888"));
    assert_false(landline_ok("0571-888888"));
    assert_false(landline_ok("0571-88888888-"));
    assert_false(landline_ok("0571-88888888-123456"));
    assert_false(landline_ok("05-88888888"));
    assert_false(landline_ok("0571 88888888"));
    assert_false(landline_ok(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_thirty_one_provinces_and_what_is_under_each_level),
        cmocka_unit_test(a_code_that_is_none_has_nothing_under_it),
        cmocka_unit_test(a_place_is_known_only_under_the_one_above_it),
        cmocka_unit_test(a_name_leaves_levels_out_that_are_no_place),
        cmocka_unit_test(identity_numbers_are_checked_by_shape_date_and_last_character),
        cmocka_unit_test(phones_are_mobile_or_have_an_area_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
