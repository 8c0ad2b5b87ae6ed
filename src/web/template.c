#include "web/template.h"

#include <stdlib.h>
#include <string.h>

#include "web/template_parse.h"
#include "web/templates.h"

/* What names mean at one place of the page, innermost first. */
struct scope {
    const struct scope *outer;
    const json_t *value;
    bool element; /* of an each: what {{.}} and {{@index}} are */
    size_t index;
};

struct render {
    enum lang lang;
    struct buf *out;
    const struct template *t;
    unsigned int depth; /* of partials */
};

static int fail(const struct render *r, const struct node *n, const char *why, struct err *err)
{
    return err_set(err, ERR_FIELD, "%s.html:%u: %.*s: %s", r->t->name, n->line, (int)n->text.len, n->text.s,
                   why);
}
#define fail(...)                                                                                            \
    __extension__({                                                                                          \
        (fail)(__VA_ARGS__);                                                                                 \
        -1;                                                                                                  \
    })

/* ---- names */

static const struct scope *element_of(const struct scope *s)
{
    while (s && !s->element)
        s = s->outer;
    return s;
}

static const json_t *find_first(const struct scope *s, struct span name)
{
    for (; s; s = s->outer) {
        const json_t *v = json_is_object(s->value) ? json_object_getn(s->value, name.s, name.len) : NULL;
        if (v)
            return v;
    }
    return NULL;
}

/* NULL when there is none. */
static const json_t *find(const struct scope *s, struct span name)
{
    if (span_is(name, ".")) {
        const struct scope *e = element_of(s);
        return e ? e->value : NULL;
    }
    const char *end = name.s + name.len, *dot = memchr(name.s, '.', name.len);
    const json_t *v = find_first(s, (struct span){name.s, (size_t)((dot ? dot : end) - name.s)});
    while (v && dot) {
        const char *from = dot + 1;
        dot = memchr(from, '.', (size_t)(end - from));
        v = json_object_getn(v, from, (size_t)((dot ? dot : end) - from));
    }
    return v;
}

/* ---- values */

static int put_escaped(struct buf *out, const char *s, size_t len, struct err *err)
{
    static const char *const NAMES[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    size_t plain = 0;
    for (size_t i = 0; i < len; i++) {
        const char *name = NAMES[(unsigned char)s[i]];
        if (!name)
            continue;
        if (buf_put(out, s + plain, i - plain, err) != 0 || buf_put_str(out, name, err) != 0)
            return -1;
        plain = i + 1;
    }
    return buf_put(out, s + plain, len - plain, err);
}

/* RFC 3986, 2.3: everything but the unreserved characters. */
static int put_percent(struct buf *out, const char *s, size_t len, struct err *err)
{
    static const char HEX[] = "0123456789ABCDEF",
                      PLAIN[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        const char escaped[3] = {'%', HEX[c >> 4], HEX[c & 15]};
        bool plain = c != '\0' && strchr(PLAIN, c);
        if (plain ? buf_put(out, s + i, 1, err) != 0 : buf_put(out, escaped, 3, err) != 0)
            return -1;
    }
    return 0;
}

static int put_value(struct render *r, const struct node *n, const struct scope *s, struct err *err)
{
    if (span_is(n->text, "@index")) {
        const struct scope *e = element_of(s);
        return e ? buf_printf(r->out, err, "%zu", e->index) : fail(r, n, "there is no each around it", err);
    }
    const json_t *v = find(s, n->text);
    if (json_is_integer(v))
        return buf_printf(r->out, err, "%lld", (long long)json_integer_value(v));
    if (!json_is_string(v))
        return fail(r, n, v ? "is neither text nor integer" : "there is no such name", err);
    return (n->percent ? put_percent : put_escaped)(r->out, json_string_value(v), json_string_length(v), err);
}

static int put_text_of(struct render *r, const struct node *n, const struct scope *s, struct err *err)
{
    const json_t *v = find(s, n->text);
    if (!json_is_string(v))
        return fail(r, n, v ? "is not the name of a text" : "there is no such name", err);
    enum text_id id = template_text_id(json_string_value(v), json_string_length(v));
    if (id == TEXT_COUNT)
        return fail(r, n, "there is no text of the name that it holds", err);
    const char *sentence = text(id, r->lang);
    return put_escaped(r->out, sentence, strlen(sentence), err);
}

/* A path of this site, or https://. A backslash is a slash to a browser; control characters it leaves out. */
static bool url_ok(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] <= ' ' || s[i] == '\\' || s[i] == '\x7f')
            return false;
    return (s[0] == '/' && s[1] != '/') || (strncmp(s, "https://", 8) == 0 && s[8] != '\0');
}

static int put_url(struct render *r, const struct node *n, const struct scope *s, struct err *err)
{
    const json_t *v = find(s, n->text);
    if (!json_is_string(v))
        return fail(r, n, v ? "is not a URL" : "there is no such name", err);
    if (!url_ok(json_string_value(v), json_string_length(v)))
        return fail(r, n, "is neither a path of this site nor https://", err);
    return put_escaped(r->out, json_string_value(v), json_string_length(v), err);
}

/* ---- blocks */

static int run(struct render *r, size_t from, size_t to, const struct scope *s, struct err *err);

static bool holds(const struct node *n, const struct scope *s)
{
    const struct scope *e = span_is(n->text, "@index") ? element_of(s) : NULL;
    if (e)
        return e->index > 0;
    const json_t *v = find(s, n->text);
    char number[24];
    if (n->compares && json_is_integer(v)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
        return span_is(n->literal, number);
    }
    if (n->compares)
        return json_is_string(v) && span_is(n->literal, json_string_value(v));
    if (json_is_string(v))
        return json_string_length(v) > 0;
    if (json_is_integer(v))
        return json_integer_value(v) != 0;
    return json_is_true(v) || json_array_size(v) > 0 || json_object_size(v) > 0;
}

static int run_each(struct render *r, size_t at, const struct scope *s, struct err *err)
{
    const struct node *n = &r->t->nodes[at];
    const json_t *list = find(s, n->text);
    if (!json_is_array(list))
        return fail(r, n, list ? "is not a list" : "there is no such name", err);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const struct scope element = {
            .outer = s, .value = json_array_get(list, i), .element = true, .index = i};
        if (run(r, at + 1, n->end_at, &element, err) != 0)
            return -1;
    }
    return 0;
}

static int set_params(const struct render *r, const struct node *n, const struct scope *s, json_t *ret,
                      struct err *err)
{
    for (size_t i = 0; i < n->n_params; i++) {
        const struct template_param *p = &r->t->params[n->first_param + i];
        const json_t *v = p->literal ? NULL : find(s, p->value);
        if (!v && !p->literal)
            return err_set(err, ERR_FIELD, "%s.html:%u: %.*s: there is no such name", r->t->name, n->line,
                           (int)p->value.len, p->value.s);
        json_t *mine = p->literal ? json_stringn(p->value.s, p->value.len)
                                  : json_incref((json_t *)(uintptr_t)v); /* it is only counted */
        if (json_object_setn_new(ret, p->key.s, p->key.len, mine) != 0)
            return err_set(err, ERR_MEMORY, "%s.html", r->t->name);
    }
    return 0;
}

static int run_partial(struct render *r, const struct node *n, const struct scope *s, struct err *err)
{
    struct render inner = {.lang = r->lang, .out = r->out, .t = n->partial, .depth = r->depth + 1};
    if (!n->partial || inner.depth > TEMPLATE_DEPTH_MAX)
        return fail(r, n, n->partial ? "partials in partials without end" : "there is no such partial", err);
    if (n->n_params == 0)
        return run(&inner, 0, n->partial->n_nodes, s, err);
    json_t *params = json_object();
    const struct scope mine = {.outer = s, .value = params};
    int rc = params ? set_params(r, n, s, params, err) : err_set(err, ERR_MEMORY, "%s.html", r->t->name);
    if (rc == 0)
        rc = run(&inner, 0, n->partial->n_nodes, &mine, err);
    json_decref(params);
    return rc;
}

static int run_node(struct render *r, size_t at, const struct scope *s, struct err *err)
{
    const struct node *n = &r->t->nodes[at];
    const char *sentence;
    switch (n->kind) {
    case NODE_TEXT:
        return buf_put(r->out, n->text.s, n->text.len, err);
    case NODE_VALUE:
        return put_value(r, n, s, err);
    case NODE_T:
        sentence = text(n->id, r->lang);
        return put_escaped(r->out, sentence, strlen(sentence), err);
    case NODE_TT:
        return put_text_of(r, n, s, err);
    case NODE_URL:
        return put_url(r, n, s, err);
    case NODE_IF:
        return holds(n, s) ? run(r, at + 1, n->else_at, s, err) : run(r, n->else_at, n->end_at, s, err);
    case NODE_EACH:
        return run_each(r, at, s, err);
    case NODE_PARTIAL:
        return run_partial(r, n, s, err);
    }
    return fail(r, n, "unknown node", err);
}

static int run(struct render *r, size_t from, size_t to, const struct scope *s, struct err *err)
{
    for (size_t i = from; i < to;) {
        const struct node *n = &r->t->nodes[i];
        if (run_node(r, i, s, err) != 0)
            return -1;
        i = n->kind == NODE_IF || n->kind == NODE_EACH ? n->end_at : i + 1;
    }
    return 0;
}

/* ---- from outside */

int template_render(const struct templates *templates, const char *name, const json_t *context,
                    enum lang lang, struct buf *out, struct err *err)
{
    const struct template *t = templates_find(templates, name, strlen(name));
    const struct scope all = {.value = context};
    struct render r = {.lang = lang, .out = out, .t = t};
    if (!t)
        return err_set(err, ERR_NOT_FOUND, "there is no template '%s'", name);
    return run(&r, 0, t->n_nodes, &all, err);
}

int template_render_text(const char *source, const json_t *context, enum lang lang, struct buf *out,
                         struct err *err)
{
    struct template t;
    const struct scope all = {.value = context};
    struct render r = {.lang = lang, .out = out, .t = &t};
    int rc = template_parse(&t, "text", source, strlen(source), err);
    if (rc == 0)
        rc = run(&r, 0, t.n_nodes, &all, err);
    template_free(&t);
    return rc;
}
