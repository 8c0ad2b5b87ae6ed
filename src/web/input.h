/* Inputs of a form as a table: one partial (html/field.html) shows them all, with label, star, help, value and error. */
#ifndef CASTATION_WEB_INPUT_H
#define CASTATION_WEB_INPUT_H

#include "web/web.h"

enum input_kind {
    INPUT_TEXT, INPUT_EMAIL, INPUT_PASSWORD, INPUT_TEL, INPUT_NUMBER, INPUT_DATE, INPUT_TEXTAREA, INPUT_SELECT,
    INPUT_RADIO, INPUT_CHECKBOX, INPUT_FILE, INPUT_HIDDEN, INPUT_KIND_COUNT
};
const char *input_kind_name(enum input_kind kind); /* "text" … "hidden" */

struct web_input {
    const char *name;
    enum text_id label;
    enum input_kind kind;
    bool required;
    enum text_id help;        /* 0: none */
    const char *autocomplete; /* "" or NULL: "off" */
    int maxlength;            /* 0: none */
    const char *options;      /* select, radio: key of an array [{value, label}] in the context */
};

/* ctx[key] = [{name, label, kind, is_<kind>: true, required, help, autocomplete, maxlength, value, checked, options:
 * [{value, label, selected}], error}]: value from what was posted when this is a POST, otherwise from values[name]. A
 * password's value is never sent back. One input can be had alone: {{#each email}}{{> field}}{{/each}} over a list of
 * one. */
int web_put_inputs(struct web_call *c, const char *key, const struct web_input *inputs, size_t n, const json_t *values,
                   struct err *err);
/* One more element at the end of ctx[key], for inputs whose texts are not constants. `label` and `help` in the reader's
 * language. */
int web_put_input(struct web_call *c, const char *key, const struct web_input *input, const char *label,
                  const char *help, const char *value, struct err *err);

/* An option list in the context. */
int web_add_option(struct web_call *c, const char *key, const char *value, const char *label, struct err *err);

#endif
