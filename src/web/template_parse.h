/* A parsed template: its nodes in one array, blocks by the index at which they end. */
#ifndef CASTATION_WEB_TEMPLATE_PARSE_H
#define CASTATION_WEB_TEMPLATE_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define TEMPLATE_DEPTH_MAX 16 /* of blocks in blocks, and of partials in partials */

struct span {
    const char *s;
    size_t len;
};
bool span_is(struct span span, const char *text);

enum node_kind {
    NODE_TEXT,  /* as it is */
    NODE_VALUE, /* {{name}} */
    NODE_T,     /* {{t ID}} */
    NODE_TT,    /* {{tt name}} */
    NODE_URL,   /* {{url name}} */
    NODE_IF,    /* what holds: the nodes up to else_at; otherwise those up to end_at */
    NODE_EACH,  /* the nodes up to end_at */
    NODE_PARTIAL
};

struct template_param {
    struct span key, value; /* value: the literal, or a name */
    bool literal;
};

struct node {
    enum node_kind kind;
    unsigned int line;
    struct span text; /* of NODE_TEXT; otherwise the name */
    bool percent;     /* NODE_VALUE, within a URL */
    bool compares;    /* NODE_IF: with `literal` */
    struct span literal;
    enum text_id id;
    size_t else_at, end_at;
    size_t first_param, n_params;
    const struct template *partial; /* set when all templates are there */
};

struct template
{
    const char *name;
    struct node *nodes;
    size_t n_nodes, cap_nodes;
    struct template_param *params;
    size_t n_params, cap_params;
};

/* Nodes point into `source`. ERR_FIELD "NAME.html:12: …". Free it in either case. */
int template_parse(struct template *t, const char *name, const char *source, size_t len, struct err *err);
void template_free(struct template *t);

/* TEXT_COUNT when there is no text of that name (without its TEXT_). */
enum text_id template_text_id(const char *name, size_t len);
const char *template_text_name(enum text_id id); /* without TEXT_ */

#endif
