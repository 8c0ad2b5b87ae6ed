#include "web/form_view.h"

#include <stdio.h>
#include <string.h>

#include "portal/material.h"
#include "portal/workflow.h"
#include "web/staff.h"

int form_view_init(struct web_call *c, struct form_view *v, enum form_section section, struct err *err)
{
    *v = (struct form_view){.section = section};
    if (form_world_read(c->db, &c->portal->conf.profiles, c->application.owner, &v->world, err) != 0)
        return -1;
    return form_read(c->db, c->application.id, &v->form, err);
}

void form_view_done(struct form_view *v)
{
    json_decref(v->form);
    json_decref(v->errors);
    v->form = v->errors = NULL;
}
/* ---- errors ---- */

/* Is the fault to be said already? What nobody got to yet is not. */
static bool is_due(const struct form_view *v, const char *key)
{
    return v->strict || *form_value(v->form, key);
}

static int put_errors(struct web_call *c, struct form_view *v, struct err *err)
{
    const char *key;
    json_t *sentence;
    if (form_check(v->form, FORM_SECTION_COUNT, &v->world, c->application.id, c->lang, &v->errors, err) != 0)
        return -1;
    json_object_foreach(v->errors, key, sentence)
    {
        const struct form_field *field = form_field(key);
        if (field && field->section == v->section && is_due(v, key) &&
            web_error_text(c, form_view_input(key), json_string_value(sentence), err) != 0)
            return -1;
    }
    return 0;
}

/* ---- tabs ---- */

static const enum text_id TABS[FORM_SECTION_COUNT] = {
    [FORM_ORGANISATION] = TEXT_FORM_TAB_ORGANISATION,
    [FORM_PEOPLE] = TEXT_FORM_TAB_PEOPLE,
    [FORM_MATERIALS] = TEXT_FORM_TAB_MATERIALS,
    [FORM_DELIVERY] = TEXT_FORM_TAB_DELIVERY,
    [FORM_CHECK] = TEXT_FORM_TAB_CHECK,
};

static enum form_section section_of(const char *key)
{
    const struct form_field *field = form_field(key);
    if (field)
        return field->section;
    return strncmp(key, "material_", 9) == 0 ? FORM_MATERIALS : FORM_CHECK;
}

/* "done", "error" (something typed is wrong), "" (not yet). */
static const char *mark(const struct form_view *v, enum form_section s)
{
    const char *key;
    json_t *sentence;
    bool complete = true, wrong = false, strict = v->strict && (v->section == s || v->section == FORM_CHECK);
    if (s == FORM_CHECK)
        return "";
    json_object_foreach(v->errors, key, sentence)
    {
        bool mine = section_of(key) == s;
        complete &= !mine;
        wrong |= mine && (strict || *form_value(v->form, key));
    }
    return complete ? "done" : wrong ? "error" : "";
}

static int put_tabs(struct web_call *c, const struct form_view *v, struct err *err)
{
    json_t *tabs = json_array();
    for (int s = 0; tabs && s < FORM_SECTION_COUNT; s++) {
        const char *name = form_section_name((enum form_section)s), *how = mark(v, (enum form_section)s);
        json_t *tab = json_pack("{s:s,s:s,s:s,s:b}", "name", name, "title", text(TABS[s], c->lang), "mark",
                                how, "now", (int)v->section == s);
        if (!tab ||
            json_object_set_new(tab, "tab_url",
                                json_sprintf("/applications/%s/form/%s", c->application.id, name)) != 0 ||
            json_array_append(tabs, tab) != 0) {
            json_decref(tab);
            return json_decref(tabs), err_set(err, ERR_MEMORY, "tabs");
        }
        json_decref(tab);
    }
    return web_set(c, "tabs", tabs, err);
}

/* ---- reasons of a return, and warnings ---- */

static const char *reason_label(const struct web_call *c, const char *key)
{
    const struct form_field *field = form_field(key);
    if (field)
        return text(staff_field_label(field), c->lang);
    const struct material_kind *kind = strncmp(key, "material_", 9) == 0 ? material_kind(key + 9) : NULL;
    if (kind)
        return kind->title[c->lang];
    for (size_t i = 0; i < form_n_fields; i++)
        if (strcmp(form_fields[i].group, key) == 0)
            return text(staff_field_label(&form_fields[i]), c->lang);
    return key;
}

/* Where a reason's key is corrected; a group's stands at its first field. */
static json_t *reason_url(const struct web_call *c, const char *key)
{
    for (size_t i = 0; !form_field(key) && i < form_n_fields; i++)
        if (strcmp(form_fields[i].group, key) == 0)
            key = form_fields[i].key;
    return json_sprintf("/applications/%s/form/%s#f-%s", c->application.id,
                        form_section_name(section_of(key)), form_view_input(key));
}

int form_view_reasons(struct web_call *c, struct err *err)
{
    json_t *reasons = NULL, *list = json_array(), *reason;
    const char *key;
    int rc = list ? 0 : err_set(err, ERR_MEMORY, "reasons");
    if (rc == 0 && strcmp(c->application.state, "returned") == 0)
        rc = review_reasons(c->db, c->application.id, &reasons, err);
    if (rc == 0)
        json_object_foreach(reasons, key, reason)
        {
            json_t *o = json_pack("{s:s,s:s,s:s}", "key", key, "label", reason_label(c, key), "reason",
                                  json_string_value(reason));
            if (!o || json_object_set_new(o, "reason_url", reason_url(c, key)) != 0 ||
                json_array_append(list, o) != 0)
                rc = err_set(err, ERR_MEMORY, "reasons");
            json_decref(o);
        }
    json_decref(reasons);
    if (rc != 0)
        return json_decref(list), -1;
    return web_set(c, "reasons", list, err);
}

static int put_warnings(struct web_call *c, const struct form_view *v, struct err *err)
{
    json_t *all = NULL, *mine = json_array(), *w;
    int rc = mine ? form_warnings(v->form, c->lang, &all, err) : err_set(err, ERR_MEMORY, "warnings");
    for (size_t i = 0; rc == 0 && (w = json_array_get(all, i)); i++) {
        bool here = v->section == FORM_CHECK || section_of(form_value(w, "key")) == v->section;
        if (here && json_array_append(mine, w) != 0)
            rc = err_set(err, ERR_MEMORY, "warnings");
    }
    json_decref(all);
    if (rc != 0)
        return json_decref(mine), -1;
    return web_set(c, "warnings", mine, err);
}

/* ---- all of it ---- */

int form_view_put(struct web_call *c, struct form_view *v, struct err *err)
{
    if (put_errors(c, v, err) != 0 || put_tabs(c, v, err) != 0 || form_view_reasons(c, err) != 0 ||
        put_warnings(c, v, err) != 0 || form_view_inputs(c, v, err) != 0)
        return -1;
    switch (v->section) {
    case FORM_ORGANISATION:
        return form_view_region(c, "regions", "authority", v->form, err);
    case FORM_DELIVERY:
        return form_view_region(c, "regions", "delivery", v->form, err);
    case FORM_MATERIALS:
        return form_view_materials(c, v->form, v->strict ? v->errors : NULL, err);
    default:
        return 0;
    }
}
