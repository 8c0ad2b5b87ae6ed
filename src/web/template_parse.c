#include "web/template_parse.h"

#include <stdlib.h>
#include <string.h>

#include "web/template_html.h"

struct open_block {
    size_t node;
    struct html before, body; /* where in HTML it began; where its first branch ended */
    bool has_else;
};

struct parser {
    struct template *t;
    const char *at, *end;
    unsigned int line;
    struct html html;
    struct open_block open[TEMPLATE_DEPTH_MAX];
    size_t n_open;
};

static int fail(const struct parser *p, const char *why, struct span what, struct err *err)
{
    return err_set(err, ERR_FIELD, "%s.html:%u: %s%s%.*s", p->t->name, p->line, why, what.len > 0 ? ": " : "",
                   (int)(what.len < 80 ? what.len : 80), what.len > 0 ? what.s : "");
}
#define fail(...)                                                                                            \
    __extension__({                                                                                          \
        (fail)(__VA_ARGS__);                                                                                 \
        -1;                                                                                                  \
    })

static const struct span NOTHING = {NULL, 0};

bool span_is(struct span span, const char *text)
{
    return span.len == strlen(text) && memcmp(span.s, text, span.len) == 0;
}

static int grow(void **items, size_t n, size_t *cap, size_t size, struct err *err)
{
    if (n < *cap)
        return 0;
    size_t more = *cap > 0 ? *cap * 2 : 16;
    void *bigger = reallocarray(*items, more, size);
    if (!bigger)
        return err_set(err, ERR_MEMORY, "templates");
    *items = bigger;
    *cap = more;
    return 0;
}

static struct node *add_node(struct parser *p, enum node_kind kind, struct err *err)
{
    struct template *t = p->t;
    if (grow((void **)&t->nodes, t->n_nodes, &t->cap_nodes, sizeof(*t->nodes), err) != 0)
        return NULL;
    struct node *node = &t->nodes[t->n_nodes++];
    memset(node, 0, sizeof(*node));
    node->kind = kind;
    node->line = p->line;
    return node;
}

/* ---- words within {{…}} */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '@';
}

static void skip_space(struct span *s)
{
    while (s->len > 0 && (*s->s == ' ' || *s->s == '\n' || *s->s == '\t')) {
        s->s++;
        s->len--;
    }
}

static struct span take_name(struct span *s)
{
    struct span name = {s->s, 0};
    skip_space(s);
    name.s = s->s;
    while (name.len < s->len && is_name_char(name.s[name.len]))
        name.len++;
    s->s += name.len;
    s->len -= name.len;
    return name;
}

static bool take_char(struct span *s, char c)
{
    skip_space(s);
    if (s->len == 0 || *s->s != c)
        return false;
    s->s++;
    s->len--;
    return true;
}

static bool take_literal(struct span *s, struct span *ret)
{
    if (!take_char(s, '"'))
        return false;
    const char *quote = memchr(s->s, '"', s->len);
    if (!quote)
        return false;
    *ret = (struct span){s->s, (size_t)(quote - s->s)};
    s->len -= ret->len + 1;
    s->s = quote + 1;
    return true;
}

static bool at_end(struct span *s)
{
    skip_space(s);
    return s->len == 0;
}

/* A single name and nothing behind it. */
static int only_name(const struct parser *p, struct span rest, struct span *ret, struct err *err)
{
    struct span whole = rest;
    *ret = take_name(&rest);
    if (ret->len == 0 || !at_end(&rest))
        return fail(p, "not a name", whole, err);
    return 0;
}

/* ---- values */

static int check_value_place(struct parser *p, enum node_kind kind, struct span name, struct err *err)
{
    enum html_place place = html_place(&p->html);
    if (kind == NODE_URL && place != HTML_PLACE_URL)
        return fail(p, "url stands only at the beginning of href, src, action and their like", name, err);
    if (kind != NODE_URL && place == HTML_PLACE_URL)
        return fail(p, "a URL's beginning needs url, or a literal that begins with \"/\"", name, err);
    if (place == HTML_PLACE_URL_PART && kind != NODE_VALUE)
        return fail(p, "a text within a URL", name, err);
    if (place == HTML_PLACE_NONE || place == HTML_PLACE_TAG)
        return fail(p, "no value may stand here", name, err);
    return 0;
}

static int parse_value(struct parser *p, enum node_kind kind, struct span rest, struct err *err)
{
    struct span name;
    if (only_name(p, rest, &name, err) != 0 || check_value_place(p, kind, name, err) != 0)
        return -1;
    struct node *node = add_node(p, kind, err);
    if (!node)
        return -1;
    node->text = name;
    node->percent = html_place(&p->html) == HTML_PLACE_URL_PART;
    node->id = kind == NODE_T ? template_text_id(name.s, name.len) : TEXT_COUNT;
    html_put(&p->html);
    if (kind == NODE_T && node->id == TEXT_COUNT)
        return fail(p, "there is no text of this name", name, err);
    return 0;
}

/* ---- partials */

/* A literal in capitals is a text's name: a misspelt one is found here, not by its first reader. */
static bool looks_like_text(struct span s)
{
    size_t capitals = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool capital = s.s[i] >= 'A' && s.s[i] <= 'Z';
        if (!capital && s.s[i] != '_' && !(s.s[i] >= '0' && s.s[i] <= '9'))
            return false;
        capitals += capital;
    }
    return capitals >= 4;
}

static int parse_param(struct parser *p, struct span *rest, struct err *err)
{
    struct template *t = p->t;
    struct template_param param = {.key = take_name(rest)};
    if (param.key.len == 0 || !take_char(rest, '='))
        return fail(p, "a partial's parameter is key=name or key=\"text\"", *rest, err);
    param.literal = take_literal(rest, &param.value);
    if (!param.literal)
        param.value = take_name(rest);
    if (!param.literal && param.value.len == 0)
        return fail(p, "a parameter without its value", param.key, err);
    if (param.literal && looks_like_text(param.value) &&
        template_text_id(param.value.s, param.value.len) == TEXT_COUNT)
        return fail(p, "there is no text of this name", param.value, err);
    if (grow((void **)&t->params, t->n_params, &t->cap_params, sizeof(*t->params), err) != 0)
        return -1;
    t->params[t->n_params++] = param;
    return 0;
}

static int parse_partial(struct parser *p, struct span rest, struct err *err)
{
    size_t first = p->t->n_params;
    struct span name = take_name(&rest);
    if (name.len == 0)
        return fail(p, "a partial without a name", rest, err);
    if (html_place(&p->html) != HTML_PLACE_TEXT)
        return fail(p, "a partial stands in text only", name, err);
    while (!at_end(&rest))
        if (parse_param(p, &rest, err) != 0)
            return -1;
    struct node *node = add_node(p, NODE_PARTIAL, err);
    if (!node)
        return -1;
    node->text = name;
    node->first_param = first;
    node->n_params = p->t->n_params - first;
    return 0;
}

/* ---- blocks */

static int check_block_place(struct parser *p, struct span what, struct err *err)
{
    enum html_place place = html_place(&p->html);
    html_break(&p->html);
    if (place == HTML_PLACE_NONE && p->html.state != HTML_QUOTED)
        return fail(p, "no block may begin or end here", what, err);
    return 0;
}

static int parse_block(struct parser *p, enum node_kind kind, struct span rest, struct err *err)
{
    struct span whole = rest, name = take_name(&rest), literal = NOTHING;
    bool compares = kind == NODE_IF && take_char(&rest, '=');
    if (name.len == 0 || (compares && !take_literal(&rest, &literal)) || !at_end(&rest))
        return fail(p,
                    kind == NODE_IF ? "not {{#if name}} nor {{#if name = \"text\"}}" : "not {{#each name}}",
                    whole, err);
    if (check_block_place(p, name, err) != 0)
        return -1;
    if (p->n_open == TEMPLATE_DEPTH_MAX)
        return fail(p, "too many blocks in blocks", name, err);
    struct node *node = add_node(p, kind, err);
    if (!node)
        return -1;
    node->text = name;
    node->compares = compares;
    node->literal = literal;
    p->open[p->n_open++] = (struct open_block){.node = p->t->n_nodes - 1, .before = p->html};
    return 0;
}

static int parse_else(struct parser *p, struct span rest, struct err *err)
{
    struct open_block *b = p->n_open > 0 ? &p->open[p->n_open - 1] : NULL;
    if (!b || b->has_else || p->t->nodes[b->node].kind != NODE_IF || !at_end(&rest))
        return fail(p, "else without its if", NOTHING, err);
    if (check_block_place(p, (struct span){"else", 4}, err) != 0)
        return -1;
    b->has_else = true;
    b->body = p->html;
    p->html = b->before;
    p->t->nodes[b->node].else_at = p->t->n_nodes;
    return 0;
}

static int parse_end(struct parser *p, struct span rest, struct err *err)
{
    struct open_block *b = p->n_open > 0 ? &p->open[p->n_open - 1] : NULL;
    struct node *node = b ? &p->t->nodes[b->node] : NULL;
    if (!b || !span_is(rest, node->kind == NODE_IF ? "if" : "each"))
        return fail(p, "the end of a block that is not open", rest, err);
    if (check_block_place(p, rest, err) != 0)
        return -1;
    if (!html_join(&p->html, b->has_else ? &b->body : &b->before))
        return fail(p, "a block ends elsewhere in the HTML than where it began", node->text, err);
    node->end_at = p->t->n_nodes;
    if (!b->has_else)
        node->else_at = p->t->n_nodes;
    p->n_open--;
    return 0;
}

/* ---- the whole */

static int parse_tag(struct parser *p, struct span tag, struct err *err)
{
    struct span rest = tag, word;
    skip_space(&rest);
    if (rest.len > 0 && *rest.s == '!')
        return 0;
    if (take_char(&rest, '>'))
        return parse_partial(p, rest, err);
    if (take_char(&rest, '/'))
        return parse_end(p, take_name(&rest), err);
    if (take_char(&rest, '#')) {
        word = take_name(&rest);
        if (span_is(word, "if") || span_is(word, "each"))
            return parse_block(p, *word.s == 'i' ? NODE_IF : NODE_EACH, rest, err);
        return fail(p, "an unknown block", tag, err);
    }
    struct span all = rest;
    word = take_name(&rest);
    if (span_is(word, "else"))
        return parse_else(p, rest, err);
    if (at_end(&rest))
        return parse_value(p, NODE_VALUE, all, err);
    if (span_is(word, "t") || span_is(word, "tt") || span_is(word, "url"))
        return parse_value(p, *word.s == 'u' ? NODE_URL : word.len == 1 ? NODE_T : NODE_TT, rest, err);
    return fail(p, "not understood", tag, err);
}

static int put_text(struct parser *p, struct span text, struct err *err)
{
    if (text.len == 0)
        return 0;
    const char *why = html_feed(&p->html, text.s, text.len);
    if (why)
        return fail(p, why, NOTHING, err);
    struct node *node = add_node(p, NODE_TEXT, err);
    if (!node)
        return -1;
    node->text = text;
    return 0;
}

static void count_lines(struct parser *p, const char *from, const char *to)
{
    for (; from < to; from++)
        p->line += *from == '\n';
}

/* A block's tag that has a line to itself leaves none in the page. */
static void trim_line(const struct parser *p, const char *begin, struct span *before, const char **after,
                      char sign)
{
    const char *s = before->s + before->len, *e = *after;
    if (sign != '#' && sign != '/' && sign != '!' && sign != 'e')
        return;
    while (s > before->s && (s[-1] == ' ' || s[-1] == '\t'))
        s--;
    if ((s > before->s && s[-1] != '\n') || (s == before->s && s > begin && s[-1] != '\n'))
        return;
    if (e < p->end && *e == '\n') {
        before->len = (size_t)(s - before->s);
        *after = e + 1;
    }
}

static int parse_next(struct parser *p, const char *begin, struct err *err)
{
    const char *open = memmem(p->at, (size_t)(p->end - p->at), "{{", 2);
    struct span before = {p->at, (size_t)((open ? open : p->end) - p->at)};
    if (!open) {
        p->at = p->end;
        return put_text(p, before, err);
    }
    const char *close = memmem(open + 2, (size_t)(p->end - open - 2), "}}", 2);
    if (!close)
        return fail(p, "{{ without }}", NOTHING, err);
    struct span tag = {open + 2, (size_t)(close - open - 2)};
    const char *after = close + 2, *from = p->at;
    trim_line(p, begin, &before, &after, span_is(tag, "else") ? 'e' : tag.len > 0 ? *tag.s : ' ');
    if (put_text(p, before, err) != 0)
        return -1;
    count_lines(p, from, open);
    if (parse_tag(p, tag, err) != 0)
        return -1;
    count_lines(p, open, after);
    p->at = after;
    return 0;
}

int template_parse(struct template *t, const char *name, const char *source, size_t len, struct err *err)
{
    struct parser p = {.t = t, .at = source, .end = source + len, .line = 1};
    memset(t, 0, sizeof(*t));
    t->name = name;
    html_init(&p.html);
    while (p.at < p.end)
        if (parse_next(&p, source, err) != 0)
            return -1;
    if (p.n_open > 0)
        return fail(&p, "a block is not closed", t->nodes[p.open[p.n_open - 1].node].text, err);
    if (html_place(&p.html) != HTML_PLACE_TEXT)
        return fail(&p, "the template ends within a tag", NOTHING, err);
    return 0;
}

void template_free(struct template *t)
{
    free(t->nodes);
    free(t->params);
    memset(t, 0, sizeof(*t));
}
