#include "web/template_html.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static char lower(char c)
{
    return (char)tolower((unsigned char)c);
}

static bool one_of(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}
#define ONE_OF(names, name) one_of(names, sizeof(names) / sizeof((names)[0]), name)

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* htmx reads its attributes with or without "data-" before them. */
static enum html_attribute kind_of(const char *name)
{
    static const char *const URLS[] = {"href",       "src",         "action",        "formaction", "poster",
                                       "cite",       "data",        "ping",          "background", "manifest",
                                       "xlink:href", "hx-get",      "hx-post",       "hx-put",     "hx-patch",
                                       "hx-delete",  "hx-push-url", "hx-replace-url"};
    static const char *const NEVER[] = {"style",   "srcdoc",  "srcset",     "http-equiv",
                                        "hx-vals", "hx-vars", "hx-headers", "hx-request"};
    if (begins(name, "data-hx-"))
        name += strlen("data-");
    if (begins(name, "on") || begins(name, "hx-on") || ONE_OF(NEVER, name))
        return HTML_NEVER;
    return ONE_OF(URLS, name) ? HTML_URL : HTML_PLAIN;
}

/* ---- a step a state: NULL, or why not */

static const char *in_text(struct html *h, char c)
{
    if (c == '<')
        h->state = HTML_LT;
    return NULL;
}

static const char *after_lt(struct html *h, char c)
{
    h->n_tag = 0;
    h->closing = false;
    if (c == '!') {
        h->state = HTML_MARKUP;
        h->match = 0;
        return NULL;
    }
    h->state = HTML_TAG_NAME;
    if (c == '/') {
        h->closing = true;
        return NULL;
    }
    if (!isalpha((unsigned char)c))
        return "a \"<\" that begins no tag: write &lt;";
    h->tag[h->n_tag++] = lower(c);
    return NULL;
}

static void end_tag(struct html *h)
{
    static const char *const RCDATA[] = {"title", "textarea"};
    static const char *const RAW[] = {"script", "style", "iframe", "xmp", "noembed", "noframes", "plaintext"};
    h->tag[h->n_tag] = '\0';
    h->match = 0;
    h->state = HTML_TEXT;
    if (h->closing)
        return;
    if (ONE_OF(RCDATA, h->tag))
        h->state = HTML_RCDATA;
    else if (ONE_OF(RAW, h->tag))
        h->state = HTML_RAW;
}

static const char *in_tag_name(struct html *h, char c)
{
    if (is_space(c))
        h->state = HTML_BEFORE_NAME;
    else if (c == '>')
        end_tag(h);
    else if (c == '/')
        h->state = HTML_BREAK;
    else if (!isalnum((unsigned char)c) && c != '-')
        return "a character in a tag's name that does not belong there";
    else if (h->n_tag + 1 < sizeof(h->tag))
        h->tag[h->n_tag++] = lower(c);
    return NULL;
}

static const char *in_name(struct html *h, char c)
{
    h->name[h->n_name] = '\0';
    if (is_space(c)) {
        h->state = HTML_BEFORE_NAME;
    } else if (c == '>') {
        end_tag(h);
    } else if (c == '/') {
        h->state = HTML_BREAK;
    } else if (c == '=') {
        h->state = HTML_BEFORE_VALUE;
        h->attribute = kind_of(h->name);
        h->begun = false;
        h->n_value = 0;
    } else if (c == '"' || c == '\'' || c == '<') {
        return "a quote or \"<\" in an attribute's name";
    } else if (h->n_name + 1 < sizeof(h->name)) {
        h->name[h->n_name++] = lower(c);
    }
    return NULL;
}

static const char *before_name(struct html *h, char c)
{
    if (is_space(c))
        return NULL;
    if (c == '=')
        return "white space before \"=\"";
    h->n_name = 0;
    h->state = HTML_NAME;
    return in_name(h, c);
}

static const char *at_break(struct html *h, char c)
{
    if (is_space(c))
        h->state = HTML_BEFORE_NAME;
    else if (c == '>')
        end_tag(h);
    else if (c != '/')
        return "white space is missing between attributes";
    return NULL;
}

static const char *before_value(struct html *h, char c)
{
    if (is_space(c))
        return "white space behind \"=\"";
    if (c == '>')
        return "an attribute without its value";
    h->state = c == '"' ? HTML_QUOTED : c == '\'' ? HTML_SINGLE : HTML_UNQUOTED;
    return NULL;
}

/* A literal beginning "/x", "?" or "#" keeps whatever follows it on this site. */
static const char *in_quoted(struct html *h, char c)
{
    if (c == '"') {
        h->state = HTML_BREAK;
        return NULL;
    }
    if (h->n_value < sizeof(h->first))
        h->first[h->n_value] = c;
    h->n_value++;
    if (h->first[0] == '?' || h->first[0] == '#' ||
        (h->first[0] == '/' && h->n_value > 1 && h->first[1] != '/'))
        h->begun = true;
    return NULL;
}

static const char *in_single(struct html *h, char c)
{
    if (c == '\'')
        h->state = HTML_BREAK;
    return NULL;
}

static const char *in_unquoted(struct html *h, char c)
{
    if (is_space(c))
        h->state = HTML_BEFORE_NAME;
    else if (c == '>')
        end_tag(h);
    return NULL;
}

static const char *in_markup(struct html *h, char c)
{
    h->match = c == '-' ? h->match + 1 : 0;
    if (h->match == 2) {
        h->state = HTML_COMMENT;
        h->match = 0;
    } else if (c == '>') {
        h->state = HTML_TEXT;
    }
    return NULL;
}

static const char *in_comment(struct html *h, char c)
{
    if (c == '>' && h->match >= 2)
        h->state = HTML_TEXT;
    h->match = c == '-' ? h->match + 1 : 0;
    return NULL;
}

/* Until "</" and the element's name. */
static const char *in_rcdata(struct html *h, char c)
{
    if (c == '<')
        h->match = 1;
    else if (h->match == 1 && c == '/')
        h->match = 2;
    else if (h->match >= 2 && lower(c) == h->tag[h->match - 2])
        h->match++;
    else
        h->match = 0;
    if (h->match >= 2 && h->match - 2 == h->n_tag) {
        h->state = HTML_TAG_NAME;
        h->closing = true;
    }
    return NULL;
}

typedef const char *html_step(struct html *h, char c);

void html_init(struct html *h)
{
    memset(h, 0, sizeof(*h));
}

const char *html_feed(struct html *h, const char *s, size_t len)
{
    static html_step *const STEPS[HTML_STATE_COUNT] = {
        [HTML_TEXT] = in_text,
        [HTML_LT] = after_lt,
        [HTML_TAG_NAME] = in_tag_name,
        [HTML_BEFORE_NAME] = before_name,
        [HTML_NAME] = in_name,
        [HTML_BREAK] = at_break,
        [HTML_BEFORE_VALUE] = before_value,
        [HTML_QUOTED] = in_quoted,
        [HTML_SINGLE] = in_single,
        [HTML_UNQUOTED] = in_unquoted,
        [HTML_MARKUP] = in_markup,
        [HTML_COMMENT] = in_comment,
        [HTML_RCDATA] = in_rcdata,
        [HTML_RAW] = in_rcdata,
    };
    const char *why = NULL;
    for (size_t i = 0; i < len && !why; i++)
        why = STEPS[h->state](h, s[i]);
    return why;
}

enum html_place html_place(const struct html *h)
{
    switch (h->state) {
    case HTML_TEXT:
        return HTML_PLACE_TEXT;
    case HTML_RCDATA:
        return h->match == 0 ? HTML_PLACE_TEXT : HTML_PLACE_NONE;
    case HTML_QUOTED:
        if (h->attribute == HTML_PLAIN)
            return HTML_PLACE_VALUE;
        if (h->attribute == HTML_URL)
            return h->begun ? HTML_PLACE_URL_PART : h->n_value == 0 ? HTML_PLACE_URL : HTML_PLACE_NONE;
        return HTML_PLACE_NONE;
    case HTML_TAG_NAME:
    case HTML_BEFORE_NAME:
    case HTML_NAME:
    case HTML_BREAK:
        return HTML_PLACE_TAG;
    default:
        return HTML_PLACE_NONE;
    }
}

void html_put(struct html *h)
{
    h->begun = true;
    h->n_value++;
}

void html_break(struct html *h)
{
    if (h->state == HTML_TAG_NAME || h->state == HTML_NAME)
        h->state = HTML_BREAK;
}

bool html_join(struct html *h, const struct html *other)
{
    bool tags = html_place(h) == HTML_PLACE_TAG && html_place(other) == HTML_PLACE_TAG;
    if (tags && h->state != other->state)
        h->state = HTML_BREAK;
    else if (h->state != other->state || h->match != other->match)
        return false;
    if (h->state == HTML_QUOTED && (h->attribute != other->attribute || strcmp(h->name, other->name) != 0))
        return false;
    h->begun = h->begun && other->begun;
    h->n_value = h->n_value > other->n_value ? h->n_value : other->n_value;
    return true;
}
