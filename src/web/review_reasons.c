#include <stdio.h>
#include <string.h>

#include "portal/material.h"
#include "web/review_view.h"

static const struct {
    const char *name;
    enum text_id text;
    bool of_material, of_field;
} REASONS[] = {
#define X(name, text, material, field) {name, text, material, field},
#include "web/review_reason.def"
#undef X
};
#define N_REASONS (sizeof(REASONS) / sizeof(REASONS[0]))

const char *review_reason(const char *name, enum lang lang)
{
    for (size_t i = 0; i < N_REASONS; i++)
        if (strcmp(REASONS[i].name, name) == 0)
            return text(REASONS[i].text, lang);
    return NULL;
}

static int option(json_t *list, const char *value, const char *label, const char *selected)
{
    return json_array_append_new(list, json_pack("{s:s,s:s,s:b}", "value", value, "label", label, "selected",
                                                 strcmp(value, selected) == 0));
}

int review_reason_options(const struct web_call *c, bool material, const char *selected, json_t **ret,
                          struct err *err)
{
    json_t *list = json_array();
    int rc = option(list, "", text(TEXT_STAFF_REASON_NONE, c->lang), selected);
    for (size_t i = 0; rc == 0 && i < N_REASONS; i++)
        if (material ? REASONS[i].of_material : REASONS[i].of_field)
            rc = option(list, REASONS[i].name, text(REASONS[i].text, c->lang), selected);
    if (rc != 0) {
        json_decref(list);
        return err_set(err, ERR_MEMORY, "reasons");
    }
    *ret = list;
    return 0;
}

int review_each_group(const struct web_call *c, const json_t *form,
                      int (*each)(const char *key, const char *label, bool material, void *arg,
                                  struct err *err),
                      void *arg, struct err *err)
{
    const char *group = "";
    for (size_t i = 0; i < material_n_kinds; i++) { /* first: they are what is returned most */
        const struct material_kind *m = &material_kinds[i];
        char key[40];
        snprintf(key, sizeof(key), "material_%s", m->name);
        if (form_needs(m->required, form) && each(key, m->title[c->lang], true, arg, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < form_n_fields; i++) {
        const struct form_field *f = &form_fields[i];
        if (strcmp(f->group, group) == 0 || !form_field_needed(f, form))
            continue;
        group = f->group;
        if (each(f->key, text(staff_field_label(f), c->lang), false, arg, err) != 0)
            return -1;
    }
    return 0;
}
