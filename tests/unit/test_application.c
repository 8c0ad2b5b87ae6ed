#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "domain/application.h"
#include "sample.h"

static struct err err;
static struct application app;

static json_t *sample(void)
{
    json_t *json = json_parse(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), &err);
    assert_non_null(json);
    return json;
}

/* Put `value` (JSON text; NULL: remove the key) at "object.name" or "name". */
static void edit(json_t *json, const char *path, const char *value)
{
    char copy[64];
    snprintf(copy, sizeof(copy), "%s", path);
    char *dot = strchr(copy, '.');
    json_t *object = json;
    const char *name = copy;
    if (dot) {
        *dot = '\0';
        name = dot + 1;
        object = json_object_get(json, copy);
    }
    if (!value) {
        assert_int_equal(json_object_del(object, name), 0);
        return;
    }
    json_error_t e;
    json_t *v = json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (!v)
        fail_msg("%s: %s", value, e.text);
    assert_int_equal(json_object_set_new(object, name, v), 0);
}

#define C8     "八字的企业名称啊"
#define C64    C8 C8 C8 C8 C8 C8 C8 C8
#define A8     "abcdefgh"
#define A64    A8 A8 A8 A8 A8 A8 A8 A8
#define PICKUP "{\"method\": \"pickup\", \"point\": \"杭州市民中心 3 号窗口\"}"

struct edit_case {
    const char *path, *value;
    enum err_code code;
    const char *text; /* must be part of the error's text */
};

static const struct edit_case GOOD[] = {
    {"id", "\"a\"", 0, NULL},
    {"organisation.name", "\"" C64 "\"", 0, NULL},
    {"organisation.name", "\"𠮷野家（中国）有限公司\"", 0, NULL},
    {"organisation.name", "\"O'Neil & Söhne, \\\"X\\\"\"", 0, NULL},
    {"organisation.province", NULL, 0, NULL},
    {"organisation.locality", "\"\"", 0, NULL},
    {"registration_authority", NULL, 0, NULL},
    {"validity_days", NULL, 0, NULL},
    {"validity_days", "1", 0, NULL},
    {"validity_days", "3650", 0, NULL},
    {"delivery", PICKUP, 0, NULL},
    {"delivery.phone", "\"19900000000\"", 0, NULL},
    {"delivery.phone", "\"0571-88000000\"", 0, NULL},
    {"delivery.phone", "\"+86 571 8800 0000\"", 0, NULL},
    {"delivery.phone", "\"95588\"", 0, NULL},
};

static const struct edit_case BAD[] = {
    /* ids and names of profiles */
    {"id", "\"\"", ERR_FIELD, "id: "},
    {"id", "\"" A8 A8 A8 A8 A8 "x\"", ERR_FIELD, "id: 41 bytes"},
    {"id", "\"a b\"", ERR_FIELD, "id: it must be"},
    {"id", "\"../etc\"", ERR_FIELD, "id: it must be"},
    {"id", "7", ERR_FIELD, "id: must be a string"},
    {"id", NULL, ERR_FIELD, "id: is missing"},
    {"profile", NULL, ERR_FIELD, "profile: is missing"},
    {"profile", "\"../x\"", ERR_FIELD, "profile: it must be"},
    {"profile", "\"" A8 A8 A8 A8 "x\"", ERR_FIELD, "profile: 33 bytes"},
    {"colour", "1", ERR_FIELD, "colour: unknown"},
    {"validity_days", "0", ERR_FIELD, "validity_days"},
    {"validity_days", "-1", ERR_FIELD, "validity_days"},
    {"validity_days", "3651", ERR_FIELD, "validity_days"},
    {"validity_days", "365.0", ERR_FIELD, "validity_days: must be an integer"},
    {"validity_days", "\"365\"", ERR_FIELD, "validity_days: must be an integer"},
    /* the organisation's name */
    {"organisation", NULL, ERR_FIELD, "organisation: is missing"},
    {"organisation", "[]", ERR_FIELD, "organisation: must be an object"},
    {"organisation.name", NULL, ERR_FIELD, "organisation.name: is missing"},
    {"organisation.name", "null", ERR_FIELD, "organisation.name: must be a string"},
    {"organisation.name", "\"\"", ERR_FIELD, "organisation.name: it is empty"},
    {"organisation.name", "\"" C64 "多\"", ERR_FIELD, "organisation.name: 65 characters, at most 64"},
    {"organisation.name", "\"" A64 "x\"", ERR_FIELD, "organisation.name: 65 characters, at most 64"},
    {"organisation.name", "\"甲\\u0000乙\"", ERR_FIELD, "organisation.name: it holds a NUL"},
    {"organisation.name", "\"甲\\u0001乙\"", ERR_FIELD, "organisation.name: character 2 is U+0001"},
    {"organisation.name", "\"甲\\n乙\"", ERR_FIELD, "organisation.name: character 2 is U+000A"},
    {"organisation.name", "\"甲\\t乙\"", ERR_FIELD, "U+0009"},
    {"organisation.name", "\"甲\\u001f\"", ERR_FIELD, "U+001F"},
    {"organisation.name", "\"甲\\u007f\"", ERR_FIELD, "U+007F"},
    {"organisation.name", "\"甲\\u0085\"", ERR_FIELD, "U+0085"},
    {"organisation.name", "\"甲\\u009f\"", ERR_FIELD, "U+009F"},
    {"organisation.name", "\"甲\\u200b乙\"", ERR_FIELD, "U+200B"},
    {"organisation.name", "\"甲\\u200f乙\"", ERR_FIELD, "U+200F"},
    {"organisation.name", "\"甲\\u2028乙\"", ERR_FIELD, "U+2028"},
    {"organisation.name", "\"甲\\u2029乙\"", ERR_FIELD, "U+2029"},
    {"organisation.name", "\"甲\\u202e乙\"", ERR_FIELD, "U+202E"},
    {"organisation.name", "\"甲\\u2066乙\"", ERR_FIELD, "U+2066"},
    {"organisation.name", "\"甲\\u2069乙\"", ERR_FIELD, "U+2069"},
    {"organisation.name", "\"甲\\u061c乙\"", ERR_FIELD, "U+061C"},
    {"organisation.name", "\"\\ufeff甲\"", ERR_FIELD, "U+FEFF"},
    {"organisation.name", "\"甲\\udb40\\udc41\"", ERR_FIELD, "U+E0041"},
    {"organisation.name", "\" \"", ERR_FIELD, "blank"},
    {"organisation.name", "\"\\u3000\\u3000\"", ERR_FIELD, "blank"},
    {"organisation.name", "\" 甲\"", ERR_FIELD, "space"},
    {"organisation.name", "\"甲 \"", ERR_FIELD, "space"},
    {"organisation.name", "\"甲\\u3000\"", ERR_FIELD, "space"},
    {"organisation.name", "\"\\u00a0甲\"", ERR_FIELD, "space"},
    /* its other fields */
    {"organisation.country", NULL, ERR_FIELD, "organisation.country: is missing"},
    {"organisation.country", "\"cn\"", ERR_FIELD, "organisation.country: it must be two upper-case"},
    {"organisation.country", "\"CHN\"", ERR_FIELD, "organisation.country"},
    {"organisation.country", "\"\"", ERR_FIELD, "organisation.country"},
    {"organisation.province", "\"浙江\\u0007\"", ERR_FIELD, "organisation.province: character 3"},
    {"organisation.locality", "\"" C64 "多\"", ERR_FIELD, "organisation.locality"},
    {"organisation.province",
     "\"𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷\"",
     ERR_FIELD, "organisation.province: 196 bytes"},
    {"organisation.vat", "\"1\"", ERR_FIELD, "organisation.vat: unknown"},
    {"organisation.identifier", "\"91350100M000100Y4Z\"", ERR_IDENTIFIER, "organisation.identifier: "},
    {"organisation.identifier", "\"91330100799655058C\"", ERR_IDENTIFIER, "must be B"},
    {"organisation.identifier", "\"zcy-330100-0007\"", ERR_IDENTIFIER, "organisation.identifier: "},
    {"organisation.identifier", NULL, ERR_FIELD, "organisation.identifier: is missing"},
    {"organisation.identifier_kind", "\"INTERNAL\"", ERR_IDENTIFIER, "kind must be USCC"},
    {"organisation.identifier_kind", "\"uscc\"", ERR_FIELD,
     "organisation.identifier_kind: it must be USCC or"},
    {"registration_authority", "{\"region\": \"浙江省\"}", ERR_FIELD,
     "registration_authority.name: is missing"},
    {"registration_authority.name", "\"\"", ERR_FIELD, "registration_authority.name: it is empty"},
    {"registration_authority.seal", "\"x\"", ERR_FIELD, "registration_authority.seal: unknown"},
    /* delivery */
    {"delivery", NULL, ERR_FIELD, "delivery: is missing"},
    {"delivery", "{}", ERR_FIELD, "delivery.method"},
    {"delivery.method", "\"drone\"", ERR_FIELD, "delivery.method: it must be mail or pickup"},
    {"delivery.method", "1", ERR_FIELD, "delivery.method"},
    {"delivery.address", NULL, ERR_FIELD, "delivery.address: is missing"},
    {"delivery.address", "\"\"", ERR_FIELD, "delivery.address: it is empty"},
    {"delivery.address", "\"  \"", ERR_FIELD, "delivery.address: it is blank"},
    {"delivery.address", "\"" C64 C64 C64 C64 "\"", ERR_FIELD, "delivery.address"},
    {"delivery.name", NULL, ERR_FIELD, "delivery.name: is missing"},
    {"delivery.region", NULL, ERR_FIELD, "delivery.region: is missing"},
    {"delivery.region", "\"\"", ERR_FIELD, "delivery.region: it is empty"},
    {"delivery.phone", NULL, ERR_FIELD, "delivery.phone: is missing"},
    {"delivery.phone", "\"\"", ERR_FIELD, "delivery.phone: "},
    {"delivery.phone", "\"1234\"", ERR_FIELD, "delivery.phone: it must be 5 to 20"},
    {"delivery.phone", "\"12800000000\"", ERR_FIELD, "delivery.phone: no mobile number begins with 12"},
    {"delivery.phone", "\"+---   --\"", ERR_FIELD, "delivery.phone"},
    {"delivery.phone", "\"8+6571880000\"", ERR_FIELD, "delivery.phone"},
    {"delivery.phone", "\"138000000000000000000\"", ERR_FIELD, "delivery.phone"},
    {"delivery.phone", "\"1380000000a\"", ERR_FIELD, "delivery.phone"},
    {"delivery.point", "\"窗口\"", ERR_FIELD, "delivery.point: unknown"},
    {"delivery", "{\"method\": \"pickup\"}", ERR_FIELD, "delivery.point: is missing"},
    {"delivery", "{\"method\": \"pickup\", \"point\": \"\"}", ERR_FIELD, "delivery.point: it is empty"},
    {"delivery", "{\"method\": \"pickup\", \"point\": \"窗口\", \"address\": \"x\"}", ERR_FIELD,
     "delivery.address: unknown"},
};

static void a_good_application_is_read(void **state)
{
    (void)state;
    assert_int_equal(application_parse(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), &app, &err), 0);
    assert_string_equal(app.id, "CA20261122-0001");
    assert_string_equal(app.organisation.name, "杭州示例科技有限公司");
    assert_int_equal(app.organisation.identifier_kind, IDENTIFIER_USCC);
    assert_string_equal(app.organisation.identifier, "91330100799655058B");
    assert_string_equal(app.organisation.country, "CN");
    assert_string_equal(app.organisation.province, "浙江省");
    assert_string_equal(app.organisation.locality, "杭州市");
    assert_string_equal(app.profile, "org-sign-p256");
    assert_int_equal(app.validity_days, 365);
    assert_int_equal(app.delivery_method, DELIVERY_MAIL);
}

static void its_content_hash_is_what_other_programs_compute(void **state)
{
    (void)state;
    assert_int_equal(application_parse(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), &app, &err), 0);
    assert_string_equal(app.content_sha256, SAMPLE_SHA256);
}

static void white_space_and_key_order_do_not_change_the_hash(void **state)
{
    (void)state;
    json_t *json = sample();
    char *sorted = json_dumps(json, JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_INDENT(3));
    assert_int_equal(application_parse(sorted, strlen(sorted), &app, &err), 0);
    assert_string_equal(app.content_sha256, SAMPLE_SHA256);
    free(sorted);
    json_decref(json);
}

static void each_change_of_content_changes_the_hash(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        json_t *json = sample();
        edit(json, GOOD[i].path, GOOD[i].value);
        if (application_from_json(json, &app, &err) != 0)
            fail_msg("%s = %s: %s", GOOD[i].path, GOOD[i].value ? GOOD[i].value : "(absent)", err.text);
        assert_string_not_equal(app.content_sha256, SAMPLE_SHA256);
        json_decref(json);
    }
}

static void each_fault_is_refused_with_its_path_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        const struct edit_case *c = &BAD[i];
        json_t *json = sample();
        edit(json, c->path, c->value);
        memset(&app, 0x5a, sizeof(app));
        err_clear(&err);
        if (application_from_json(json, &app, &err) == 0)
            fail_msg("%s = %s was taken", c->path, c->value ? c->value : "(absent)");
        if (err.code != c->code || !strstr(err.text, c->text))
            fail_msg("%s = %s: %s: \"%s\" lacks \"%s\"", c->path, c->value ? c->value : "(absent)",
                     err_name(err.code), err.text, c->text);
        assert_int_equal(app.id[0], 0x5a); /* outputs are untouched */
        json_decref(json);
    }
}

static void an_internal_identifier_is_kept_with_its_kind(void **state)
{
    (void)state;
    json_t *json = sample();
    edit(json, "organisation.identifier_kind", "\"INTERNAL\"");
    edit(json, "organisation.identifier", "\"zcy-330100-0007\"");
    assert_int_equal(application_from_json(json, &app, &err), 0);
    assert_int_equal(app.organisation.identifier_kind, IDENTIFIER_INTERNAL);
    assert_string_equal(app.organisation.identifier, "zcy-330100-0007");
    json_decref(json);
}

static void pickup_and_absent_fields_are_read_as_such(void **state)
{
    (void)state;
    json_t *json = sample();
    edit(json, "delivery", PICKUP);
    edit(json, "validity_days", NULL);
    edit(json, "organisation.province", NULL);
    assert_int_equal(application_from_json(json, &app, &err), 0);
    assert_int_equal(app.delivery_method, DELIVERY_PICKUP);
    assert_int_equal(app.validity_days, 0);
    assert_string_equal(app.organisation.province, "");
    json_decref(json);
}

static void refused_text(const char *text, enum err_code code, const char *part)
{
    assert_int_equal(application_parse(text, strlen(text), &app, &err), -1);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" lacks \"%s\"", err.text, part);
}

static void malformed_json_is_refused_with_its_place(void **state)
{
    (void)state;
    refused_text("", ERR_JSON, "line 1");
    refused_text("{\"id\": }", ERR_JSON, "line 1");
    refused_text("{\"id\": \"a\",\n \"id\": \"b\"}", ERR_JSON, "line 2");
    refused_text("[]", ERR_FIELD, "the document: must be an object");
    refused_text("\"x\"", ERR_FIELD, "the document");
    refused_text("{}{}", ERR_JSON, "line 1");
    refused_text("{\"id\": \"\xff\"}", ERR_JSON, "0xff");
    refused_text("{\"id\": \"\\ud800\"}", ERR_JSON, "line 1");
}

static void a_duplicate_key_deep_inside_is_refused(void **state)
{
    (void)state;
    char text[2048];
    const char *at = strstr(SAMPLE_APPLICATION, "\"province\"");
    snprintf(text, sizeof(text), "%.*s\"name\": \"乙\", %s", (int)(at - SAMPLE_APPLICATION),
             SAMPLE_APPLICATION, at);
    refused_text(text, ERR_JSON, "uplicate");
}

static void a_large_document_is_refused_unread(void **state)
{
    (void)state;
    size_t len = 10u << 20;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, ' ', len);
    assert_int_equal(application_parse(text, len, &app, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    memcpy(text, SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION));
    assert_int_equal(application_parse(text, APPLICATION_DOCUMENT_MAX, &app, &err), 0);
    assert_int_equal(application_parse(text, APPLICATION_DOCUMENT_MAX + 1, &app, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    free(text);
}

static void an_unknown_profile_is_refused_with_the_known_ones(void **state)
{
    (void)state;
    static const char *const KNOWN[] = {"org-sign-p384", "org-sign-p256", "org-sign-rsa2048"};
    assert_int_equal(application_parse(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), &app, &err), 0);
    assert_int_equal(application_check_profile(&app, KNOWN, 3, &err), 0);
    assert_int_equal(application_check_profile(&app, KNOWN, 1, &err), -1);
    assert_int_equal(err.code, ERR_PROFILE);
    assert_non_null(strstr(err.text, "org-sign-p256 is unknown"));
    assert_non_null(strstr(err.text, "org-sign-p384"));
    assert_int_equal(application_check_profile(&app, NULL, 0, &err), -1);
    assert_non_null(strstr(err.text, "none"));
}

static void kinds_and_methods_have_names(void **state)
{
    (void)state;
    assert_string_equal(identifier_kind_name(IDENTIFIER_USCC), "USCC");
    assert_string_equal(identifier_kind_name(IDENTIFIER_INTERNAL), "INTERNAL");
    assert_string_equal(delivery_method_name(DELIVERY_MAIL), "mail");
    assert_string_equal(delivery_method_name(DELIVERY_PICKUP), "pickup");
    assert_string_equal(delivery_method_name((enum delivery_method)7), "unknown");
}

/* Unit tests run in the project's folder. */
static void every_sample_application_is_good_and_no_two_are_of_one_organisation(void **state)
{
    (void)state;
    json_t *samples = json_parse_file("samples/applications.json", 1u << 20, &err);
    if (!samples)
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(samples), 12);
    size_t methods[2] = {0}, kinds[2] = {0};
    for (size_t i = 0; i < json_array_size(samples); i++) {
        if (application_from_json(json_array_get(samples, i), &app, &err) != 0)
            fail_msg("sample %zu: %s", i, err.text);
        methods[app.delivery_method]++;
        kinds[app.organisation.identifier_kind]++;
        for (size_t j = 0; j < i; j++) {
            struct application other;
            assert_int_equal(application_from_json(json_array_get(samples, j), &other, &err), 0);
            assert_string_not_equal(app.id, other.id);
            assert_string_not_equal(app.organisation.identifier, other.organisation.identifier);
        }
    }
    assert_true(methods[DELIVERY_MAIL] > 0 && methods[DELIVERY_PICKUP] > 0);
    assert_int_equal(kinds[IDENTIFIER_INTERNAL], 1);
    json_decref(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_application_is_good_and_no_two_are_of_one_organisation),
        cmocka_unit_test(a_good_application_is_read),
        cmocka_unit_test(its_content_hash_is_what_other_programs_compute),
        cmocka_unit_test(white_space_and_key_order_do_not_change_the_hash),
        cmocka_unit_test(each_change_of_content_changes_the_hash),
        cmocka_unit_test(each_fault_is_refused_with_its_path_and_reason),
        cmocka_unit_test(an_internal_identifier_is_kept_with_its_kind),
        cmocka_unit_test(pickup_and_absent_fields_are_read_as_such),
        cmocka_unit_test(malformed_json_is_refused_with_its_place),
        cmocka_unit_test(a_duplicate_key_deep_inside_is_refused),
        cmocka_unit_test(a_large_document_is_refused_unread),
        cmocka_unit_test(an_unknown_profile_is_refused_with_the_known_ones),
        cmocka_unit_test(kinds_and_methods_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
