#include "web/review_view.h"

#include <stdio.h>
#include <string.h>

#include "portal/material.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

/* ---- who may do what ---- */

int review_access(struct web_call *c, struct review_access *ret, struct err *err)
{
    enum application_state s = application_state_from_name(c->application.state);
    *ret = (struct review_access){
        .paper = true,
        .reveals = web_is(c, ROLE_FIRST_REVIEWER | ROLE_FINAL_REVIEWER | ROLE_AUDITOR | ROLE_OPERATOR)};
    ret->under_review = s == APPLICATION_FIRST_REVIEW || s == APPLICATION_FINAL_REVIEW;
    if (s == APPLICATION_FIRST_REVIEW)
        ret->decides = web_is(c, ROLE_FIRST_REVIEWER);
    if (s != APPLICATION_FINAL_REVIEW)
        return 0;
    ret->final = true;
    ret->paper = c->application.paper_number[0] != '\0';
    ret->takes_paper = web_is(c, ROLE_FINAL_REVIEWER);
    if (!ret->takes_paper)
        return 0;
    if (review_took_part(c->db, c->application.id, c->user.email, &ret->same_person, err) != 0)
        return -1;
    ret->decides = !ret->same_person;
    return 0;
}

/* ---- what was typed, in sections ---- */

static int put_sections(struct web_call *c, const json_t *form, const char *reveal, struct err *err)
{
    static const struct {
        enum form_section section;
        enum text_id title;
    } SECTIONS[] = {{FORM_ORGANISATION, TEXT_STAFF_SECTION_ORGANISATION},
                    {FORM_PEOPLE, TEXT_STAFF_SECTION_PEOPLE},
                    {FORM_DELIVERY, TEXT_STAFF_SECTION_DELIVERY}};
    json_t *sections = json_array();
    for (size_t i = 0; sections && i < sizeof(SECTIONS) / sizeof(SECTIONS[0]); i++) {
        json_t *fields = NULL;
        if (staff_section(c, form, (int)SECTIONS[i].section, reveal, &fields, err) != 0) {
            json_decref(sections);
            return -1;
        }
        json_array_append_new(
            sections, json_pack("{s:s,s:o}", "title", text(SECTIONS[i].title, c->lang), "fields", fields));
    }
    return web_set(c, "sections", sections, err);
}

/* ---- materials ---- */

static const char *kind_title(const struct web_call *c, const char *name)
{
    for (size_t i = 0; i < material_n_kinds; i++)
        if (strcmp(material_kinds[i].name, name) == 0)
            return material_kinds[i].title[c->lang];
    return name;
}

/* The one that is looked at: which the address names, or the first that is there. */
static json_t *chosen_of(const struct web_call *c, const json_t *materials)
{
    const char *id = web_query(c, "material");
    json_t *m, *first = NULL;
    size_t i;
    json_array_foreach(materials, i, m)
    {
        if (strcmp(text_of(m, "id"), id) == 0)
            return m;
        if (!first && !json_is_true(json_object_get(m, "purged")))
            first = m;
    }
    return first;
}

static void dress_material(const struct web_call *c, json_t *m)
{
    const char *id = text_of(m, "id"), *media_type = text_of(m, "media_type");
    json_object_set_new(m, "title", json_string(kind_title(c, text_of(m, "kind"))));
    json_object_set_new(m, "file_url", json_sprintf("/applications/%s/materials/%s", c->application.id, id));
    json_object_set_new(m, "view_url",
                        json_sprintf("/applications/%s/review?material=%s#viewer", c->application.id, id));
    json_object_set_new(m, "is_image", json_boolean(strncmp(media_type, "image/", 6) == 0));
}

/* In the order in which they are asked for. */
static json_t *sorted(const json_t *materials)
{
    json_t *list = json_array(), *m;
    for (size_t k = 0; list && k < material_n_kinds; k++) {
        size_t i;
        json_array_foreach((json_t *)(uintptr_t)materials, i, m)
        {
            if (strcmp(text_of(m, "kind"), material_kinds[k].name) == 0)
                json_array_append(list, m);
        }
    }
    return list;
}

static int put_materials(struct web_call *c, struct err *err)
{
    json_t *stored = NULL, *m;
    size_t i;
    if (material_list(c->db, c->application.id, &stored, err) != 0)
        return -1;
    json_t *materials = sorted(stored), *chosen = chosen_of(c, materials);
    json_decref(stored);
    json_array_foreach(materials, i, m)
    {
        dress_material(c, m);
        json_object_set_new(m, "chosen", json_boolean(m == chosen));
    }
    if (chosen && web_set(c, "viewed", json_incref(chosen), err) != 0) {
        json_decref(materials);
        return -1;
    }
    return web_set(c, "materials", materials, err);
}

/* ---- decisions so far ---- */

static enum text_id decision_title(const char *stage, const char *decision)
{
    static const struct {
        const char *stage, *decision;
        enum text_id title;
    } TITLES[] = {{"first", "approve", TEXT_STAFF_FIRST_APPROVED},
                  {"first", "return", TEXT_STAFF_FIRST_RETURNED},
                  {"first", "reject", TEXT_STAFF_FIRST_REJECTED},
                  {"final", "approve", TEXT_STAFF_FINAL_APPROVED},
                  {"final", "return", TEXT_STAFF_FINAL_RETURNED}};
    for (size_t i = 0; i < sizeof(TITLES) / sizeof(TITLES[0]); i++)
        if (strcmp(stage, TITLES[i].stage) == 0 && strcmp(decision, TITLES[i].decision) == 0)
            return TITLES[i].title;
    return TEXT_STAFF_FINAL_REJECTED;
}

static const char *reason_label(const struct web_call *c, const char *key)
{
    const struct form_field *field = form_field(key);
    if (strncmp(key, "material_", 9) == 0)
        return kind_title(c, key + 9);
    return field ? text(staff_field_label(field), c->lang) : key;
}

static json_t *reason_list(const struct web_call *c, const json_t *reasons)
{
    json_t *list = json_array();
    for (void *it = json_object_iter((json_t *)(uintptr_t)reasons); it;
         it = json_object_iter_next((json_t *)(uintptr_t)reasons, it))
        json_array_append_new(list, json_pack("{s:s,s:O}", "label", reason_label(c, json_object_iter_key(it)),
                                              "reason", json_object_iter_value(it)));
    return list;
}

static int put_decisions(struct web_call *c, struct err *err)
{
    json_t *reviews = NULL, *r;
    size_t i;
    if (reviews_of(c->db, c->application.id, &reviews, err) != 0)
        return -1;
    json_array_foreach(reviews, i, r)
    {
        char at[20];
        web_time_text(json_integer_value(json_object_get(r, "at")), at);
        const char *decision = text_of(r, "decision");
        json_object_set_new(r, "when", json_string(at));
        json_object_set_new(r, "title",
                            json_string(text(decision_title(text_of(r, "stage"), decision), c->lang)));
        json_object_set_new(r, "kind",
                            json_string(strcmp(decision, "approve") == 0  ? "good"
                                        : strcmp(decision, "return") == 0 ? "waiting"
                                                                          : "bad"));
        json_object_set_new(r, "reason_list", reason_list(c, json_object_get(r, "reasons")));
    }
    return web_set(c, "decisions", reviews, err);
}

/* ---- the decision's form ---- */

struct groups {
    struct web_call *c;
    json_t *list;
};

static int add_group(const char *key, const char *label, bool material, void *arg, struct err *err)
{
    struct groups *g = arg;
    char name[64], typed[201];
    json_t *options = NULL;
    snprintf(name, sizeof(name), "reason_%s", key);
    if (review_reason_options(g->c, material, g->c->post ? web_field(g->c, name) : "", &options, err) != 0)
        return -1;
    snprintf(name, sizeof(name), "text_%s", key);
    staff_field(g->c, g->c->post ? name : "", typed, sizeof(typed));
    return json_array_append_new(g->list, json_pack("{s:s,s:s,s:s,s:o}", "key", key, "label", label, "typed",
                                                    typed, "options", options)) == 0
               ? 0
               : err_set(err, ERR_MEMORY, "reasons");
}

static int put_form(struct web_call *c, const json_t *form, struct err *err)
{
    struct groups groups = {c, json_array()};
    char sha256_text[SHA256_HEX_SIZE], note[1001] = "";
    const char *decision = c->post ? web_field(c, "decision") : "";
    if (form_review_sha256(c->db, c->application.id, sha256_text, err) != 0 ||
        review_each_group(c, form, add_group, &groups, err) != 0) {
        json_decref(groups.list);
        return -1;
    }
    if (c->post)
        staff_field(c, "note", note, sizeof(note));
    return web_set(c, "groups", groups.list, err) != 0 ||
                   web_set_text(c, "review_sha256", sha256_text, err) != 0 ||
                   web_set_text(c, "note", note, err) != 0 || web_set_text(c, "decision", decision, err) != 0
               ? -1
               : 0;
}

static int put_access(struct web_call *c, const struct review_access *a, struct err *err)
{
    const struct {
        const char *name;
        bool value;
    } FLAGS[] = {{"decides", a->decides},
                 {"final", a->final},
                 {"paper", a->paper},
                 {"takes_paper", a->takes_paper},
                 {"same_person", a->same_person},
                 {"reveals", a->reveals},
                 {"under_review", a->under_review}};
    for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++)
        if (web_set_bool(c, FLAGS[i].name, FLAGS[i].value, err) != 0)
            return -1;
    return 0;
}

int review_page(struct web_call *c, const char *reveal, unsigned int status, struct err *err)
{
    struct review_access access;
    json_t *form = NULL;
    int rc = -1;
    if (review_access(c, &access, err) != 0 || staff_form(c, &form, err) != 0)
        return -1;
    if (put_access(c, &access, err) == 0 && staff_application(c, err) == 0 &&
        put_sections(c, form, reveal, err) == 0 && put_materials(c, err) == 0 &&
        review_checks(c, form, err) == 0 && put_decisions(c, err) == 0 && put_form(c, form, err) == 0)
        rc = web_render(c, "review", status, err);
    json_decref(form);
    return rc;
}
