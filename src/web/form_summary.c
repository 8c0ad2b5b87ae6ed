/* The last section: everything once more, what is wrong, what it costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/material.h"
#include "portal/workflow.h"
#include "web/form_view.h"
#include "web/staff.h"

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* A region's city and district stand in its province's line. */
static bool stands_alone(const struct form_field *field)
{
    return !ends_with(field->group, "_region") || ends_with(field->key, "_province");
}

static int put_row(struct web_call *c, const struct form_view *v, const struct form_field *field,
                   json_t *rows, struct err *err)
{
    char value[1800] = "", name[128];
    bool authority = strncmp(field->key, "authority", 9) == 0;
    if (ends_with(field->group, "_region")) {
        regions_name(form_value(v->form, authority ? "authority_province" : "delivery_province"),
                     form_value(v->form, authority ? "authority_city" : "delivery_city"),
                     form_value(v->form, authority ? "authority_district" : "delivery_district"), name);
        snprintf(value, sizeof(value), "%s", name);
    } else if (form_display(c->db, v->form, field->key, c->lang, value, sizeof(value), err) != 0) {
        return -1;
    }
    if (json_array_append_new(rows,
                              json_pack("{s:s,s:s,s:s}", "label", text(staff_field_label(field), c->lang),
                                        "value", value, "wrong", form_value(v->errors, field->key))) != 0)
        return err_set(err, ERR_MEMORY, "summary");
    return 0;
}

static int put_card(struct web_call *c, const struct form_view *v, enum form_section s, enum text_id title,
                    json_t *cards, struct err *err)
{
    json_t *rows = json_array();
    int rc = rows ? 0 : err_set(err, ERR_MEMORY, "summary");
    for (size_t i = 0; rc == 0 && i < form_n_fields; i++) {
        const struct form_field *field = &form_fields[i];
        if (field->section == s && stands_alone(field) && form_field_needed(field, v->form))
            rc = put_row(c, v, field, rows, err);
    }
    json_t *card = rc == 0 ? json_pack("{s:s,s:O}", "title", text(title, c->lang), "rows", rows) : NULL;
    json_decref(rows);
    if (rc == 0 && (!card ||
                    json_object_set_new(card, "edit_url",
                                        json_sprintf("/applications/%s/form/%s?check=1", c->application.id,
                                                     form_section_name(s))) != 0 ||
                    json_array_append(cards, card) != 0))
        rc = err_set(err, ERR_MEMORY, "summary");
    json_decref(card);
    return rc;
}

/* Each fault with the way to its field. */
static int put_faults(struct web_call *c, const struct form_view *v, struct err *err)
{
    const char *key;
    json_t *sentence, *list = json_array();
    json_object_foreach(v->errors, key, sentence)
    {
        const struct form_field *field = form_field(key);
        bool material = strncmp(key, "material_", 9) == 0;
        const struct material_kind *kind = material ? material_kind(key + 9) : NULL;
        json_t *url = field || material
                          ? json_sprintf("/applications/%s/form/%s?check=1#f-%s", c->application.id,
                                         form_section_name(field ? field->section : FORM_MATERIALS),
                                         form_view_input(key))
                          : json_sprintf("/applications/%s/form/organisation?check=1", c->application.id);
        const char *label = field ? text(field->label, c->lang) : kind ? kind->title[c->lang] : "";
        if (json_array_append_new(list, json_pack("{s:s,s:o,s:s}", "label", label, "fault_url", url, "text",
                                                  json_string_value(sentence))) != 0)
            return json_decref(list), err_set(err, ERR_MEMORY, "summary");
    }
    return web_set(c, "faults", list, err);
}

/* "" when it is not known yet; of a form that was returned, that it is paid. */
static int put_fee(struct web_call *c, const struct form_view *v, struct err *err)
{
    char words[64];
    int64_t fen = 0;
    struct err why = {0};
    long days = strtol(form_value(v->form, "validity_days"), NULL, 10);
    if (web_set_bool(c, "fee_known", false, err) != 0)
        return -1;
    if (strcmp(c->application.state, "returned") == 0)
        return web_set_text(c, "fee", text(TEXT_FORM_FEE_PAID, c->lang), err);
    int rc = price_of(c->db, organisation_kind_name(v->world.organisation.kind),
                      form_value(v->form, "profile"), days, &fen, &why);
    if (rc != 0 && why.code != ERR_NOT_FOUND)
        return *err = why, -1;
    form_money(fen, c->lang, words, sizeof(words));
    if (web_set_bool(c, "fee_known", rc == 0, err) != 0)
        return -1;
    return web_set_text(c, "fee", rc == 0 ? words : text(TEXT_FORM_FEE_UNKNOWN, c->lang), err);
}

int form_view_summary(struct web_call *c, struct form_view *v, struct err *err)
{
    static const struct {
        enum form_section section;
        enum text_id title;
    } CARDS[] = {
        {FORM_ORGANISATION, TEXT_FORM_TAB_ORGANISATION},
        {FORM_PEOPLE, TEXT_FORM_TAB_PEOPLE},
        {FORM_DELIVERY, TEXT_FORM_TAB_DELIVERY},
    };
    json_t *cards = json_array();
    int rc = cards ? 0 : err_set(err, ERR_MEMORY, "summary");
    for (size_t i = 0; rc == 0 && i < sizeof(CARDS) / sizeof(CARDS[0]); i++)
        rc = put_card(c, v, CARDS[i].section, CARDS[i].title, cards, err);
    if (rc != 0)
        return json_decref(cards), -1;
    if (web_set(c, "summary", cards, err) != 0 || put_faults(c, v, err) != 0 || put_fee(c, v, err) != 0 ||
        web_set_bool(c, "returned", strcmp(c->application.state, "returned") == 0, err) != 0)
        return -1;
    return form_view_materials(c, v->form, v->errors, err);
}
