/* Foreign bytes as what a browser sends, in what is parsed by our own code: the first byte chooses among a path, an
 * escaped value of a query, a place to go on, and a template's place in HTML. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "web/template.h"
#include "web/web_request.h"
#include "web/web_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Whatever is found is spelt in the one way that there is. */
static void try_path(const char *s)
{
    char application[41], param[WEB_PARAM_MAX + 1];
    enum page_id id = web_find_page(s, application, param);
    require(id <= PAGE_COUNT);
    require(id < PAGE_COUNT || (!*application && !*param));
    require(id == PAGE_COUNT || !strpbrk(s, "%\\ ?#<>\""));
    require(!strpbrk(application, "/%") && !strpbrk(param, "/%"));
}

static void try_escaped(const char *s)
{
    char *copy = strdup(s);
    require(copy != NULL);
    if (server_form_unescape(copy))
        require(strlen(copy) <= strlen(s));
    free(copy);
}

static void try_next(const char *s)
{
    if (!web_path_ok(s))
        return;
    require(s[0] == '/' && s[1] != '/' && s[1] != '\\');
    require(!strpbrk(s, "\r\n\t \\"));
}

/* A value in a template: what is taken never lets it end its attribute or begin a tag. */
static void try_template(const char *s)
{
    static const char MARK[] = "\"'<>&";
    struct buf out;
    struct err err;
    buf_init(&out);
    json_t *context = json_pack("{s:s, s:s, s:[i,i]}", "x", MARK, "u", "/a", "list", 1, 2);
    if (utf8_valid(s, strlen(s)) && !strstr(s, MARK) && template_render_text(s, context, LANG_EN, &out, &err) == 0)
        require(!buf_cstr(&out) || !strstr(buf_cstr(&out), MARK));
    json_decref(context);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const TRIES[])(const char *s) = {try_path, try_escaped, try_next, try_template};
    if (size < 1)
        return 0;
    char *s = calloc(1, size);
    require(s != NULL);
    memcpy(s, data + 1, size - 1);
    TRIES[data[0] % 4](s);
    web_token_ok(s);
    free(s);
    return 0;
}
