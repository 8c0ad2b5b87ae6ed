#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/account_row.h"
#include "web/input.h"
#include "web/static_files.h"
#include "web/web_request.h"
#include "web/web_token.h"

static struct err err;

/* ---- paths */

static enum page_id find(const char *at, const char *application, const char *param)
{
    char a[41], p[WEB_PARAM_MAX + 1];
    enum page_id id = web_find_page(at, a, p);
    if (strcmp(a, application) != 0 || strcmp(p, param) != 0)
        fail_msg("%s: application '%s', param '%s'", at, a, p);
    return id;
}

static void every_page_is_found_by_its_own_path(void **state)
{
    (void)state;
    for (enum page_id i = 0; i < PAGE_COUNT; i++) {
        char at[256], application[41], param[WEB_PARAM_MAX + 1];
        size_t n = 0;
        for (const char *s = pages[i].path; *s; s++) {
            const char *word = strncmp(s, "{application}", 13) == 0 ? "CA20261122-0A"
                               : strncmp(s, "{param}", 7) == 0      ? "p.1"
                                                                    : NULL;
            n += (size_t)snprintf(at + n, sizeof(at) - n, word ? "%s" : "%.1s", word ? word : s);
            if (word)
                s = strchr(s, '}');
        }
        if (web_find_page(at, application, param) != i)
            fail_msg("%s is found as another page", at);
        assert_string_equal(application, strstr(pages[i].path, "{application}") ? "CA20261122-0A" : "");
        assert_string_equal(param, strstr(pages[i].path, "{param}") ? "p.1" : "");
    }
}

static void other_spellings_are_no_pages(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "/login/",
                                      "//login",
                                      "/Login",
                                      "/login%20",
                                      "/%6cogin",
                                      "/applications/",
                                      "/applications/../login",
                                      "/applications/a b",
                                      "/applications/a%2fb",
                                      "/applications/12345678901234567890123456789012345678901",
                                      "/static/",
                                      "/static/a/b",
                                      "/applications/x/unknown",
                                      "/language/"};
    for (size_t i = 0; i < COUNT(BAD); i++)
        if (find(BAD[i], "", "") != PAGE_COUNT)
            fail_msg("%s is found", BAD[i]);
    assert_int_equal(find("/applications/..", "..", ""),
                     PAGE_APPLICATION); /* a name like any other: there is none */
}

static void a_place_to_go_on_is_of_this_site(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"/", "/a?b=c&d=%20", "/login?next=/x"};
    static const char *const BAD[] = {"",
                                      "a",
                                      "//evil.example",
                                      "/\\evil.example",
                                      "https://evil.example",
                                      "/a\r\nX: y",
                                      "/a b",
                                      "/\t/evil.example",
                                      "/a\\b",
                                      "javascript:alert(1)",
                                      "/\xe4\xb8\xad"};
    for (size_t i = 0; i < COUNT(GOOD); i++)
        assert_true(web_path_ok(GOOD[i]));
    for (size_t i = 0; i < COUNT(BAD); i++)
        if (web_path_ok(BAD[i]))
            fail_msg("taken: %s", BAD[i]);
}

static void the_table_of_pages_makes_sense(void **state)
{
    (void)state;
    for (enum page_id i = 0; i < PAGE_COUNT; i++) {
        const struct page *p = &pages[i];
        assert_int_equal(p->readers == PAGE_NOBODY, p->get == page_none);
        assert_int_equal(p->writers == PAGE_NOBODY, p->post == page_none);
        assert_true(p->get != page_none || p->post != page_none);
        assert_false((p->writers & ROLE_AUDITOR) &&
                     !strstr(p->path, "/reveal")); /* reads everything, changes nothing */
    }
}

/* ---- tokens */

static void a_form_token_is_of_one_cookie(void **state)
{
    (void)state;
    static const uint8_t KEY[WEB_KEY_SIZE] = "key", OTHER[WEB_KEY_SIZE] = "other";
    char a[65], b[65];
    web_mac(KEY, sizeof(KEY), "csrf", "cookie", a);
    web_mac(KEY, sizeof(KEY), "csrf", "cookie", b);
    assert_string_equal(a, b);
    web_mac(KEY, sizeof(KEY), "csrf", "cookif", b);
    assert_string_not_equal(a, b);
    web_mac(OTHER, sizeof(OTHER), "csrf", "cookie", b);
    assert_string_not_equal(a, b);
    web_mac(KEY, sizeof(KEY), "csr", "fcookie", b);
    assert_string_not_equal(a, b);
}

static void only_what_looks_like_a_token_is_one(void **state)
{
    (void)state;
    char token[ACCOUNT_TOKEN_SIZE], hash[SHA256_HEX_SIZE];
    account_token_new(token, hash);
    assert_true(web_token_ok(token));
    token[3] = '=';
    assert_false(web_token_ok(token));
    assert_false(web_token_ok(""));
    assert_false(web_token_ok("short"));
}

/* ---- forms of ended sessions */

static struct server_form form_of(const char *value)
{
    struct server_form form = {calloc(SERVER_FORM_FIELDS_MAX, sizeof(struct server_field)), 1};
    form.fields[0].name = strdup("name");
    buf_init(&form.fields[0].value);
    buf_put(&form.fields[0].value, value, strlen(value) + 1, &err);
    form.fields[0].value.len--;
    return form;
}

static void what_was_typed_is_given_back_once_to_the_same_account(void **state)
{
    (void)state;
    struct kept *kept;
    struct server_form form = form_of("typed"), back;
    char token[ACCOUNT_TOKEN_SIZE], other[ACCOUNT_TOKEN_SIZE], hash[SHA256_HEX_SIZE];
    account_token_new(other, hash);
    assert_int_equal(kept_new(&kept, &err), 0);
    assert_int_equal(kept_put(kept, 1000, "/a", "me", &form, token, &err), 0);
    assert_null(form.fields);
    assert_false(kept_take(kept, 1000, other, "/a", "me", &back));
    assert_false(kept_take(kept, 1000, token, "/b", "me", &back));
    assert_false(kept_take(kept, 1000, token, "/a", "you", &back));
    assert_true(kept_take(kept, 1000, token, "/a", "me", &back));
    assert_string_equal((const char *)server_form_get(&back, "name", false)->value.data, "typed");
    server_form_free(&back);
    assert_false(kept_take(kept, 1000, token, "/a", "me", &back));
    kept_free(&kept);
}

static void what_was_typed_is_forgotten_after_an_hour(void **state)
{
    (void)state;
    struct kept *kept;
    struct server_form form = form_of("typed"), back;
    char token[ACCOUNT_TOKEN_SIZE];
    assert_int_equal(kept_new(&kept, &err), 0);
    assert_int_equal(kept_put(kept, 1000, "/a", "", &form, token, &err), 0);
    assert_false(kept_take(kept, 1001 + KEPT_MS, token, "/a", "me", &back));
    kept_free(&kept);
}

static void the_newest_forms_are_kept_when_there_are_too_many(void **state)
{
    (void)state;
    struct kept *kept;
    struct server_form back;
    char first[ACCOUNT_TOKEN_SIZE], last[ACCOUNT_TOKEN_SIZE];
    assert_int_equal(kept_new(&kept, &err), 0);
    for (int i = 0; i <= KEPT_MAX; i++) {
        struct server_form form = form_of("typed");
        assert_int_equal(kept_put(kept, 1000 + i, "/a", "", &form, i == 0 ? first : last, &err), 0);
    }
    assert_false(kept_take(kept, 2000, first, "/a", "me", &back));
    assert_true(kept_take(kept, 2000, last, "/a", "me", &back));
    server_form_free(&back);
    kept_free(&kept);
}

/* ---- inputs */

static struct web_request request;
static struct web_call call;

static void begin_call(bool post)
{
    memset(&request, 0, sizeof(request));
    memset(&call, 0, sizeof(call));
    call.request = &request;
    call.post = post;
    call.lang = LANG_EN;
    call.ctx = json_pack("{s:{}, s:[]}", "errors", "error_list");
    if (post)
        request.form = form_of("typed");
}

static void end_call(void)
{
    json_decref(call.ctx);
    server_form_free(&request.form);
}

static const char *text_in(const char *key, size_t i, const char *name)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(call.ctx, key), i), name));
}

static const struct web_input INPUTS[] = {
    {.name = "name", .label = TEXT_SITE_NAME, .kind = INPUT_TEXT, .required = true, .maxlength = 9},
    {.name = "password", .label = TEXT_SITE_PASSWORD, .kind = INPUT_PASSWORD, .autocomplete = "new-password"},
    {.name = "colour", .label = TEXT_SITE_LANGUAGE, .kind = INPUT_SELECT, .options = "colours"},
};

static void an_input_shows_what_is_stored_and_then_what_was_typed(void **state)
{
    (void)state;
    json_t *stored = json_pack("{s:s, s:s, s:s}", "name", "stored", "password", "secret", "colour", "red");
    begin_call(false);
    assert_int_equal(web_add_option(&call, "colours", "blue", "Blue", &err), 0);
    assert_int_equal(web_add_option(&call, "colours", "red", "Red", &err), 0);
    assert_int_equal(web_put_inputs(&call, "fields", INPUTS, COUNT(INPUTS), stored, &err), 0);
    assert_string_equal(text_in("fields", 0, "value"), "stored");
    assert_string_equal(text_in("fields", 0, "autocomplete"), "off");
    assert_string_equal(text_in("fields", 1, "value"), "");
    assert_string_equal(text_in("fields", 1, "autocomplete"), "new-password");
    const json_t *options =
        json_object_get(json_array_get(json_object_get(call.ctx, "fields"), 2), "options");
    assert_false(json_is_true(json_object_get(json_array_get(options, 0), "selected")));
    assert_true(json_is_true(json_object_get(json_array_get(options, 1), "selected")));
    end_call();
    begin_call(true);
    assert_int_equal(web_put_inputs(&call, "fields", INPUTS, COUNT(INPUTS), stored, &err), 0);
    assert_string_equal(text_in("fields", 0, "value"), "typed");
    end_call();
    json_decref(stored);
}

static void the_first_error_of_a_field_is_said(void **state)
{
    (void)state;
    begin_call(true);
    assert_false(web_has_errors(&call));
    assert_int_equal(web_error_text(&call, "name", "first", &err), 0);
    assert_int_equal(web_error_text(&call, "name", "second", &err), 0);
    assert_int_equal(web_error_text(&call, "", "of none", &err), 0);
    assert_true(web_has_errors(&call));
    assert_int_equal(json_array_size(json_object_get(call.ctx, "error_list")), 2);
    assert_int_equal(web_put_inputs(&call, "fields", INPUTS, 1, NULL, &err), 0);
    assert_string_equal(text_in("fields", 0, "error"), "first");
    end_call();
}

static void times_are_told_in_shanghai(void **state)
{
    (void)state;
    char shown[20];
    web_time_text(INT64_C(1795307400000), shown);
    assert_string_equal(shown, "2026-11-22 08:30");
    web_time_text(0, shown);
    assert_string_equal(shown, "");
}

/* ---- files */

static void static_files_are_named_by_their_content(void **state)
{
    (void)state;
    assert_int_equal(strlen(static_build()), 16);
    assert_null(static_find("none.css"));
    assert_null(static_find(""));
    for (size_t i = 0; assets_static(i); i++) {
        const struct asset *file = static_find(assets_static(i)->name);
        assert_ptr_equal(file, assets_static(i));
        assert_true(file->len > 0);
        assert_int_equal(strlen(static_etag(file)), 18);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_is_found_by_its_own_path),
        cmocka_unit_test(other_spellings_are_no_pages),
        cmocka_unit_test(a_place_to_go_on_is_of_this_site),
        cmocka_unit_test(the_table_of_pages_makes_sense),
        cmocka_unit_test(a_form_token_is_of_one_cookie),
        cmocka_unit_test(only_what_looks_like_a_token_is_one),
        cmocka_unit_test(what_was_typed_is_given_back_once_to_the_same_account),
        cmocka_unit_test(what_was_typed_is_forgotten_after_an_hour),
        cmocka_unit_test(the_newest_forms_are_kept_when_there_are_too_many),
        cmocka_unit_test(an_input_shows_what_is_stored_and_then_what_was_typed),
        cmocka_unit_test(the_first_error_of_a_field_is_said),
        cmocka_unit_test(times_are_told_in_shanghai),
        cmocka_unit_test(static_files_are_named_by_their_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
