#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "web/templates.h"

static struct err err;
static struct buf out;

static int try(const char *source, const char *context, enum lang lang)
{
    json_t *json = json_loads(context, 0, NULL);
    assert_non_null(json);
    buf_reset(&out);
    int rc = template_render_text(source, json, lang, &out, &err);
    json_decref(json);
    return rc;
}

static void gives(const char *source, const char *context, const char *expected)
{
    if (try(source, context, LANG_EN) != 0)
        fail_msg("%s: %s", source, err.text);
    assert_string_equal(buf_cstr(&out), expected);
}

static void refused(const char *source, const char *why)
{
    static const char CONTEXT[] = "{\"x\": \"1\", \"list\": [1], \"u\": \"/a\"}";
    if (try(source, CONTEXT, LANG_EN) == 0)
        fail_msg("taken: %s", source);
    assert_int_equal(err.code, ERR_FIELD);
    if (!strstr(err.text, why))
        fail_msg("%s: %s", source, err.text);
}

static void values_are_escaped(void **state)
{
    (void)state;
    gives("<p title=\"{{x}}\">{{x}}</p>", "{\"x\": \"<a href='\\\"'>&\"}",
          "<p title=\"&lt;a href=&#39;&quot;&#39;&gt;&amp;\">&lt;a href=&#39;&quot;&#39;&gt;&amp;</p>");
    gives("{{n}}, {{ s }}", "{\"n\": -42, \"s\": \"杭州\"}", "-42, 杭州");
    gives("<textarea>{{x}}</textarea>{{x}}", "{\"x\": \"</textarea>\"}",
          "<textarea>&lt;/textarea&gt;</textarea>&lt;/textarea&gt;");
    gives("<title>{{x}}</title>", "{\"x\": \"<\"}", "<title>&lt;</title>");
}

static void names_lead_into_objects(void **state)
{
    (void)state;
    gives("{{a.b.c}}", "{\"a\": {\"b\": {\"c\": \"deep\"}}}", "deep");
    refused("{{a.b}}", "no such name");
    refused("{{x.y}}", "no such name");
    refused("{{list}}", "neither text nor integer");
    refused("one\ntwo\n{{misspelt}}", "text.html:3: misspelt");
}

static void values_stand_only_where_they_are_safe(void **state)
{
    (void)state;
    refused("<p title={{x}}>", "no value may stand here");
    refused("<p title='{{x}}'>", "no value may stand here");
    refused("<p {{x}}>", "no value may stand here");
    refused("<{{x}}>", "no value may stand here");
    refused("<p{{x}}>", "no value may stand here");
    refused("<p onclick=\"{{x}}\">", "no value may stand here");
    refused("<p ONCLICK=\"f({{x}})\">", "no value may stand here");
    refused("<p hx-on:click=\"{{x}}\">", "no value may stand here");
    refused("<p data-hx-vals=\"{{x}}\">", "no value may stand here");
    refused("<p style=\"color:{{x}}\">", "no value may stand here");
    refused("<script>{{x}}</script>", "no value may stand here");
    refused("<script>{{#if x}}1{{/if}}</script>", "no block may begin");
    refused("<style>{{x}}</style>", "no value may stand here");
    refused("<!-- {{x}} -->", "no value may stand here");
    refused("<title></{{x}}</title>", "no value may stand here");
    refused("a < b", "write &lt;");
    refused("<p a=\"1\"b=\"2\">", "white space is missing");
    refused("<p title=\"", "ends within a tag");
    gives("<script src=\"/static/a.js\"></script>{{x}}", "{\"x\": 1}",
          "<script src=\"/static/a.js\"></script>1");
    gives("<!-- <p onclick= --><!doctype html>{{x}}", "{\"x\": 1}", "<!-- <p onclick= --><!doctype html>1");
}

static void urls_stay_on_this_site_or_are_https(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "//evil.example",   "javascript:alert(1)", "http://x", "", "/\\\\evil.example", "https://", "/a\\nb",
        "data:text/html,x", "\\t//evil.example",   "relative"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        char context[64];
        snprintf(context, sizeof(context), "{\"u\": \"%s\"}", BAD[i]);
        if (try("<a href=\"{{url u}}\">", context, LANG_EN) == 0)
            fail_msg("taken: %s", BAD[i]);
        assert_non_null(strstr(err.text, "neither a path of this site"));
    }
    gives("<a href=\"{{url u}}\">", "{\"u\": \"/a?b=1&c\"}", "<a href=\"/a?b=1&amp;c\">");
    gives("<a href=\"{{url u}}#p\">", "{\"u\": \"https://x.example/\"}", "<a href=\"https://x.example/#p\">");
    refused("<a href=\"{{x}}\">", "needs url");
    refused("<form action=\"{{x}}\">", "needs url");
    refused("<button formaction=\"{{x}}\">", "needs url");
    refused("<img src=\"{{t SITE_NAME}}\">", "needs url");
    refused("<a href=\"/a{{t SITE_NAME}}\">", "a text within a URL");
    refused("<a href=\"/a{{url u}}\">", "only at the beginning");
    refused("<p title=\"{{url u}}\">", "only at the beginning");
    refused("<a href=\"//{{x}}\">", "no value may stand here");
    refused("<a href=\"/{{x}}\">", "no value may stand here");
    refused("<a href=\"javascript:{{x}}\">", "no value may stand here");
    refused("<a href=\"https:{{x}}\">", "no value may stand here");
    refused("<a href=\"{{#if x}}/a{{/if}}{{x}}\">", "no value may stand here");
}

static void a_value_behind_a_literal_path_is_percent_encoded(void **state)
{
    (void)state;
    gives("<a href=\"/a/{{x}}/b?q={{x}}\">", "{\"x\": \"../ü&?\"}",
          "<a href=\"/a/..%2F%C3%BC%26%3F/b?q=..%2F%C3%BC%26%3F\">");
    gives("<a href=\"?page={{n}}\">", "{\"n\": 3}", "<a href=\"?page=3\">");
    gives("<a href=\"{{#if x}}/a{{else}}/b{{/if}}/{{n}}\">", "{\"n\": 3}", "<a href=\"/b/3\">");
}

static void texts_are_in_the_readers_language(void **state)
{
    (void)state;
    char zh[128], en[128];
    snprintf(zh, sizeof(zh), "%s|%s", text(TEXT_PORTAL_TITLE, LANG_ZH), text(TEXT_PORTAL_TOTAL, LANG_ZH));
    snprintf(en, sizeof(en), "%s|%s", text(TEXT_PORTAL_TITLE, LANG_EN), text(TEXT_PORTAL_TOTAL, LANG_EN));
    assert_int_equal(try("{{t PORTAL_TITLE}}|{{tt x}}", "{\"x\": \"PORTAL_TOTAL\"}", LANG_ZH), 0);
    assert_string_equal(buf_cstr(&out), zh);
    gives("{{t PORTAL_TITLE}}|{{tt x}}", "{\"x\": \"PORTAL_TOTAL\"}", en);
    refused("{{t NO_SUCH_TEXT}}", "no text of this name");
    refused("{{t PORTAL_TITL}}", "no text of this name");
    refused("{{t PORTAL_TITLES}}", "no text of this name");
    refused("{{tt x}}", "no text of the name that it holds");
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        const char *name = template_text_name((enum text_id)i);
        assert_int_equal(template_text_id(name, strlen(name)), i);
    }
}

static void a_condition_holds_for_what_is_there(void **state)
{
    (void)state;
    static const char *const FALSE_ONES[] = {"false", "null", "0", "\"\"", "[]", "{}"},
                             *const TRUE_ONES[] = {"true", "1", "-1", "\"0\"", "[0]", "{\"a\": null}"};
    char context[64];
    for (size_t i = 0; i < COUNT(FALSE_ONES); i++) {
        snprintf(context, sizeof(context), "{\"x\": %s}", FALSE_ONES[i]);
        gives("{{#if x}}yes{{else}}no{{/if}}", context, "no");
        snprintf(context, sizeof(context), "{\"x\": %s}", TRUE_ONES[i]);
        gives("{{#if x}}yes{{else}}no{{/if}}", context, "yes");
    }
    gives("{{#if x}}yes{{/if}}!", "{}", "!");
    gives("{{#if x = \"mail\"}}a{{/if}}{{#if n = \"7\"}}b{{/if}}{{#if x = \"m\"}}c{{/if}}{{#if z = "
          "\"\"}}d{{/if}}",
          "{\"x\": \"mail\", \"n\": 7}", "ab");
    gives("<option{{#if s}} selected{{/if}}><input {{#if s}}checked{{/if}}>", "{\"s\": true}",
          "<option selected><input checked>");
    gives("<p class=\"a{{#if s}} b{{/if}}\">", "{\"s\": true}", "<p class=\"a b\">");
}

static void lists_are_gone_through(void **state)
{
    (void)state;
    gives("{{#each list}}{{@index}}{{.}};{{/each}}", "{\"list\": [\"a\", \"<\"]}", "0a;1&lt;;");
    gives("{{#each list}}{{name}}{{outer}}{{#each in}}{{.}}{{name}}{{/each}} {{/each}}",
          "{\"outer\": \"!\", \"list\": [{\"name\": \"a\", \"in\": [1, 2]}, {\"name\": \"b\", \"in\": []}]}",
          "a!1a2a b! ");
    gives("{{#each list}}{{#if @index}}, {{/if}}{{.}}{{/each}}", "{\"list\": [1, 2, 3]}", "1, 2, 3");
    refused("{{#each x}}{{/each}}", "is not a list");
    refused("{{#each none}}{{/each}}", "no such name");
    refused("{{.}}", "no such name");
}

static void blocks_must_fit_together(void **state)
{
    (void)state;
    refused("{{#if x}}", "a block is not closed");
    refused("{{/if}}", "not open");
    refused("{{#if x}}{{/each}}", "not open");
    refused("{{else}}", "else without its if");
    refused("{{#if x}}{{else}}{{else}}{{/if}}", "else without its if");
    refused("{{#each list}}{{else}}{{/each}}", "else without its if");
    refused("{{#if x}}<p{{/if}}>", "elsewhere in the HTML");
    refused("<p {{#if x}}title=\"{{/if}}\">", "elsewhere in the HTML");
    refused("<p {{#if x}}on{{/if}}click=\"{{x}}\">", "white space is missing");
    refused("<p title={{#if x}}a{{/if}}>", "no block may begin");
    refused("{{#unless x}}{{/unless}}", "unknown block");
    refused("{{x", "without }}");
    refused("{{x y}}", "not understood");
    refused("{{}}", "not a name");
    refused("{{#if}}{{/if}}", "not {{#if name}}");
    refused("{{#if x = y}}{{/if}}", "not {{#if name}}");
}

static void a_blocks_own_line_leaves_no_trace(void **state)
{
    (void)state;
    gives("<ul>\n  {{#each list}}\n  <li>{{.}}</li>\n  {{/each}}\n</ul>\n{{! done }}\n", "{\"list\": [1, 2]}",
          "<ul>\n  <li>1</li>\n  <li>2</li>\n</ul>\n");
    gives("a {{! nothing }}b", "{}", "a b");
    gives("{{#if x}}\na\n{{else}}\nb\n{{/if}}\n", "{}", "b\n");
}

static void partials_are_refused_where_there_are_none(void **state)
{
    (void)state;
    refused("{{> head}}", "no such partial");
    refused("<p {{> head}}>", "in text only");
    refused("{{> head title=\"MISSPELT_TEXT\"}}", "no text of this name");
    refused("{{> head title}}", "key=name");
    refused("{{> }}", "without a name");
}

static void all_templates_are_sound(void **state)
{
    (void)state;
    struct templates *all = NULL;
    if (templates_load(&all, &err) != 0)
        fail_msg("%s", err.text);
    assert_non_null(templates_find(all, "head", 4));
    assert_null(templates_find(all, "heads", 5));
    assert_null(templates_find(all, "hea", 3));
    templates_free(&all);
}

static void a_partial_sees_its_parameters_and_what_is_around_it(void **state)
{
    (void)state;
    struct templates *all = NULL;
    json_t *context = json_pack("{s:s, s:{s:s, s:s, s:s}}", "csrf", "t<", "result", "kind", "info", "title",
                                "A", "text", "B");
    assert_int_equal(templates_load(&all, &err), 0);
    buf_reset(&out);
    assert_int_equal(template_render(all, "csrf", context, LANG_EN, &out, &err), 0);
    assert_non_null(strstr(buf_cstr(&out), "value=\"t&lt;\""));
    assert_int_equal(template_render(all, "absent", context, LANG_EN, &out, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    json_decref(context);
    templates_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(names_lead_into_objects),
        cmocka_unit_test(values_stand_only_where_they_are_safe),
        cmocka_unit_test(urls_stay_on_this_site_or_are_https),
        cmocka_unit_test(a_value_behind_a_literal_path_is_percent_encoded),
        cmocka_unit_test(texts_are_in_the_readers_language),
        cmocka_unit_test(a_condition_holds_for_what_is_there),
        cmocka_unit_test(lists_are_gone_through),
        cmocka_unit_test(blocks_must_fit_together),
        cmocka_unit_test(a_blocks_own_line_leaves_no_trace),
        cmocka_unit_test(partials_are_refused_where_there_are_none),
        cmocka_unit_test(a_partial_sees_its_parameters_and_what_is_around_it),
        cmocka_unit_test(all_templates_are_sound),
    };
    buf_init(&out);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&out);
    return rc;
}
