/* Where in HTML one is: a tokenizer just good enough to know, at each {{…}} of a template, whether a value
 * may stand there and how it must be escaped (HTML Living Standard, 13.2.5, without what no template of ours
 * needs). */
#ifndef CASTATION_WEB_TEMPLATE_HTML_H
#define CASTATION_WEB_TEMPLATE_HTML_H

#include <stdbool.h>
#include <stddef.h>

enum html_state {
    HTML_TEXT,
    HTML_LT, /* after "<" */
    HTML_TAG_NAME,
    HTML_BEFORE_NAME,  /* in a tag, after white space */
    HTML_NAME,         /* of an attribute */
    HTML_BREAK,        /* in a tag, where white space or its end must follow */
    HTML_BEFORE_VALUE, /* after "=" */
    HTML_QUOTED,       /* in "…" */
    HTML_SINGLE,       /* in '…' */
    HTML_UNQUOTED,
    HTML_MARKUP, /* <!doctype … */
    HTML_COMMENT,
    HTML_RCDATA, /* <title>, <textarea>: text, no tags */
    HTML_RAW,    /* <script>, <style> and their like */
    HTML_STATE_COUNT
};
enum html_attribute { HTML_PLAIN, HTML_URL, HTML_NEVER };

struct html {
    enum html_state state;
    enum html_attribute attribute; /* which kind the present one is */
    bool begun;                    /* its value has a beginning that names a path of this site */
    bool closing;                  /* </… */
    char tag[16], name[24];        /* lower case, cut */
    char first[2];                 /* the value's first literal characters */
    size_t n_tag, n_name, n_value, match;
};

/* What may stand at this place. */
enum html_place {
    HTML_PLACE_NONE, /* nothing */
    HTML_PLACE_TEXT,
    HTML_PLACE_VALUE,    /* a double-quoted attribute */
    HTML_PLACE_URL,      /* the beginning of one that holds a URL */
    HTML_PLACE_URL_PART, /* within one, after its beginning */
    HTML_PLACE_TAG,      /* between attributes: blocks only */
};

void html_init(struct html *h);
/* Read on. NULL, or the reason why this HTML is refused. */
const char *html_feed(struct html *h, const char *s, size_t len);
enum html_place html_place(const struct html *h);
/* A value was put here. */
void html_put(struct html *h);
/* A block begins or ends here: a name does not go on behind it. */
void html_break(struct html *h);
/* Two branches come together: false when they end in different places. *h becomes what holds for both. */
bool html_join(struct html *h, const struct html *other);

#endif
