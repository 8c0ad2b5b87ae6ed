#include <stdio.h>
#include <string.h>

#include "portal/form.h"
#include "web/staff.h"

/* ---- what an imported application's document says, under the form's keys ---- */

static const struct {
    const char *object, *name, *key;
} DOCUMENT[] = {{"organisation", "name", "name"},
                {"organisation", "identifier", "identifier"},
                {"registration_authority", "name", "authority_name"},
                {"delivery", "method", "delivery_method"},
                {"delivery", "name", "delivery_name"},
                {"delivery", "phone", "delivery_phone"},
                {"delivery", "address", "delivery_address"},
                {"delivery", "point", "pickup_point"}};

static int from_document(struct web_call *c, json_t *form, struct err *err)
{
    json_t *whole = NULL;
    int rc = 0;
    if (portal_application_json(c->db, c->application.id, &whole, err) != 0)
        return -1;
    const json_t *document = json_object_get(whole, "document");
    for (size_t i = 0; rc == 0 && i < sizeof(DOCUMENT) / sizeof(DOCUMENT[0]); i++) {
        json_t *value = json_object_get(json_object_get(document, DOCUMENT[i].object), DOCUMENT[i].name);
        if (json_is_string(value))
            rc = json_object_set(form, DOCUMENT[i].key, value);
    }
    if (rc == 0)
        rc = json_object_set_new(form, "profile", json_string(c->application.profile));
    json_decref(whole);
    return rc == 0 ? 0 : err_set(err, ERR_MEMORY, "application %s", c->application.id);
}

int staff_form(struct web_call *c, json_t **ret, struct err *err)
{
    json_t *form = NULL;
    if (form_read(c->db, c->application.id, &form, err) != 0)
        return -1;
    if (json_object_size(form) == 0 && from_document(c, form, err) != 0) {
        json_decref(form);
        return -1;
    }
    *ret = form;
    return 0;
}

/* ---- a section for reading ---- */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* A region's three fields are one line; all other fields have theirs. */
static bool continues(size_t i)
{
    return i > 0 && ends_with(form_fields[i].group, "_region") &&
           strcmp(form_fields[i].group, form_fields[i - 1].group) == 0;
}

static void region(const json_t *form, const char *first_key, char ret[128])
{
    char key[3][40];
    static const char *const LEVELS[3] = {"province", "city", "district"};
    int stem = (int)(strlen(first_key) - strlen(LEVELS[0]));
    for (int i = 0; i < 3; i++)
        snprintf(key[i], sizeof(key[i]), "%.*s%s", stem, first_key, LEVELS[i]);
    regions_name(form_value(form, key[0]), form_value(form, key[1]), form_value(form, key[2]), ret);
}

enum text_id staff_field_label(const struct form_field *field)
{
    if (strcmp(field->group, "authority_region") == 0)
        return TEXT_STAFF_AUTHORITY_REGION;
    if (strcmp(field->group, "delivery_region") == 0)
        return TEXT_STAFF_DELIVERY_REGION;
    return field->label;
}

static int put_field(struct web_call *c, const json_t *form, const struct form_field *field,
                     const char *reveal, json_t *list, struct err *err)
{
    char value[512] = "";
    bool shown = reveal && strcmp(reveal, field->key) == 0;
    if (ends_with(field->group, "_region"))
        region(form, field->key, value);
    else if (field->masked && !shown)
        form_mask(field->key, form_value(form, field->key), value, sizeof(value));
    else if (form_display(c->db, form, field->key, c->lang, value, sizeof(value), err) != 0)
        return -1;
    utf8_scrub(value);
    if (json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s,s:b,s:b}", "key", field->key, "label",
                                        text(staff_field_label(field), c->lang), "value", value, "masked",
                                        field->masked && !shown && value[0], "shown", shown)) != 0)
        return err_set(err, ERR_MEMORY, "form");
    return 0;
}

int staff_section(struct web_call *c, const json_t *form, int section, const char *reveal, json_t **ret,
                  struct err *err)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < form_n_fields; i++) {
        const struct form_field *field = &form_fields[i];
        /* what was typed before another answer made it needless is none of the application's */
        if ((int)field->section != section || continues(i) || !form_field_needed(field, form) ||
            !form_value(form, field->key)[0])
            continue;
        if (put_field(c, form, field, reveal, list, err) != 0) {
            json_decref(list);
            return -1;
        }
    }
    *ret = list;
    return list ? 0 : err_set(err, ERR_MEMORY, "form");
}

int staff_reveal(struct web_call *c, const char **ret_key, struct err *err)
{
    const struct form_field *field = form_field(web_field(c, "field"));
    *ret_key = NULL;
    if (!field || !field->masked)
        return 0;
    *ret_key = field->key;
    return account_audit(c->db, c->now, c->act.who, "reveal", c->application.id, field->key, err);
}
