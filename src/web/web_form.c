/* What came with a request: fields, files, the query. */
#include <string.h>

#include "web/web_request.h"

static const char *value_of(const struct server_form *form, const char *name)
{
    const struct server_field *field = server_form_get(form, name, false);
    return field && field->value.data ? (const char *)field->value.data : "";
}

const char *web_field(const struct web_call *c, const char *name)
{
    return value_of(&c->request->form, name);
}

bool web_has_field(const struct web_call *c, const char *name)
{
    return server_form_get(&c->request->form, name, false) != NULL;
}

void web_each_field(const struct web_call *c, void (*each)(const char *name, const char *value, void *arg),
                    void *arg)
{
    const struct server_form *form = &c->request->form;
    for (size_t i = 0; i < form->n; i++)
        if (!form->fields[i].file_name)
            each(form->fields[i].name, (const char *)form->fields[i].value.data, arg);
}

const struct web_file *web_file(const struct web_call *c, const char *name)
{
    const struct server_field *field = server_form_get(&c->request->form, name, true);
    struct web_file *file = &c->request->file;
    if (!field)
        return NULL;
    *file = (struct web_file){field->file_name, field->value.data, field->value.len};
    return file;
}

const char *web_query(const struct web_call *c, const char *name)
{
    return value_of(&c->request->query, name);
}
