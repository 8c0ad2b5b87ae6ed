#include "web/input.h"

#include <stdio.h>
#include <string.h>

#include "web/web_request.h"

static const char *const KINDS[INPUT_KIND_COUNT] = {
    [INPUT_TEXT] = "text",         [INPUT_EMAIL] = "email",   [INPUT_PASSWORD] = "password",
    [INPUT_TEL] = "tel",           [INPUT_NUMBER] = "number", [INPUT_DATE] = "date",
    [INPUT_TEXTAREA] = "textarea", [INPUT_SELECT] = "select", [INPUT_RADIO] = "radio",
    [INPUT_CHECKBOX] = "checkbox", [INPUT_FILE] = "file",     [INPUT_HIDDEN] = "hidden",
};

const char *input_kind_name(enum input_kind kind)
{
    return (unsigned int)kind < INPUT_KIND_COUNT ? KINDS[kind] : "text";
}

/* What was typed wins over what is stored; a box that was not ticked was not sent. */
static bool was_typed(const struct web_call *c)
{
    return c->post || c->request->kept;
}

static const char *shown_value(const struct web_call *c, const struct web_input *input, const char *stored)
{
    if (input->kind == INPUT_PASSWORD || input->kind == INPUT_FILE)
        return "";
    return was_typed(c) ? web_field(c, input->name) : stored;
}

static json_t *options_of(const struct web_call *c, const char *key, const char *value)
{
    json_t *list = json_array();
    const json_t *options = key ? json_object_get(c->ctx, key) : NULL;
    for (size_t i = 0; list && i < json_array_size(options); i++) {
        const json_t *o = json_array_get(options, i);
        const char *v = json_string_value(json_object_get(o, "value")),
                   *label = json_string_value(json_object_get(o, "label"));
        if (json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "value", v ? v : "", "label",
                                                  label ? label : "", "selected",
                                                  v && strcmp(v, value) == 0)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *input_json(const struct web_call *c, const struct web_input *input, const char *label,
                          const char *help, const char *stored)
{
    char is[24];
    const char *value = shown_value(c, input, stored);
    const char *error = json_string_value(json_object_get(json_object_get(c->ctx, "errors"), input->name));
    snprintf(is, sizeof(is), "is_%s", input_kind_name(input->kind));
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:s, s:i, s:s, s:b, s:o, s:s}", "name", input->name,
                     "label", label, "kind", input_kind_name(input->kind), is, 1, "required",
                     (int)input->required, "help", help, "autocomplete",
                     input->autocomplete && *input->autocomplete ? input->autocomplete : "off", "maxlength",
                     input->maxlength, "value", value, "checked", strcmp(value, "yes") == 0, "options",
                     options_of(c, input->options, value), "error", error ? error : "");
}

static json_t *list_of(struct web_call *c, const char *key)
{
    json_t *list = json_object_get(c->ctx, key);
    if (list)
        return list;
    if (json_object_set_new(c->ctx, key, json_array()) != 0)
        return NULL;
    return json_object_get(c->ctx, key);
}

int web_put_input(struct web_call *c, const char *key, const struct web_input *input, const char *label,
                  const char *help, const char *value, struct err *err)
{
    json_t *list = list_of(c, key);
    if (!list ||
        json_array_append_new(list, input_json(c, input, label, help ? help : "", value ? value : "")) != 0)
        return err_set(err, ERR_MEMORY, "input %s", input->name);
    return 0;
}

int web_put_inputs(struct web_call *c, const char *key, const struct web_input *inputs, size_t n,
                   const json_t *values, struct err *err)
{
    if (!list_of(c, key))
        return err_set(err, ERR_MEMORY, "inputs %s", key);
    for (size_t i = 0; i < n; i++) {
        const json_t *stored = json_object_get(values, inputs[i].name);
        const char *help = inputs[i].help ? text(inputs[i].help, c->lang) : "";
        char number[24] = "";
        if (json_is_integer(stored))
            snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(stored));
        if (web_put_input(c, key, &inputs[i], text(inputs[i].label, c->lang), help,
                          json_is_string(stored) ? json_string_value(stored) : number, err) != 0)
            return -1;
    }
    return 0;
}

int web_add_option(struct web_call *c, const char *key, const char *value, const char *label, struct err *err)
{
    json_t *list = list_of(c, key);
    if (!list || json_array_append_new(list, json_pack("{s:s, s:s}", "value", value, "label", label)) != 0)
        return err_set(err, ERR_MEMORY, "options %s", key);
    return 0;
}
