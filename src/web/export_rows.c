#include "web/export_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "portal/application_state.h"
#include "portal/carrier.h"
#include "portal/form.h"
#include "portal/material.h"
#include "web/staff.h"

enum export_sight export_sight_of(const struct account_user *user)
{
    if (user->roles & (ROLE_APPLICANT | ROLE_FIRST_REVIEWER | ROLE_FINAL_REVIEWER))
        return EXPORT_SEES_ALL;
    return user->roles & ROLE_OPERATOR ? EXPORT_SEES_DELIVERY : EXPORT_SEES_MASKED;
}

/* A row more; its value is "". NULL: there are too many. */
static struct export_line *add(struct export_rows *rows, enum export_part part, const char *zh,
                               const char *en)
{
    if (rows->n == EXPORT_ROWS_CAP)
        return NULL;
    struct export_line *line = &rows->rows[rows->n++];
    *line = (struct export_line){.part = part, .key = "", .title = {[LANG_ZH] = zh, [LANG_EN] = en}};
    return line;
}

static void add_text(struct export_rows *rows, enum export_part part, enum text_id title, const char *value)
{
    struct export_line *line = *value ? add(rows, part, text(title, LANG_ZH), text(title, LANG_EN)) : NULL;
    if (line)
        snprintf(line->value, sizeof(line->value), "%s", value);
}

static void add_head(const struct web_call *c, enum lang lang, struct export_rows *rows)
{
    const struct portal_application *a = &c->application;
    enum application_state state = application_state_from_name(a->state);
    const char *title = c->user.roles & ROLE_STAFF ? application_state_title(state, lang)
                                                   : application_state_public_title(state, lang);
    char at[20];
    add_text(rows, EXPORT_HEAD, TEXT_DOC_FORM_NUMBER, a->id);
    add_text(rows, EXPORT_HEAD, TEXT_DOC_FORM_STATE, title);
    web_time_text(a->created_at, at);
    add_text(rows, EXPORT_HEAD, TEXT_DOC_FORM_CREATED, at);
    web_time_text(a->submitted_at, at);
    add_text(rows, EXPORT_HEAD, TEXT_DOC_FORM_SUBMITTED, at);
}

/* ---- the form's fields */

static bool is_region(const struct form_field *field)
{
    size_t n = strlen(field->group);
    return n > 7 && strcmp(field->group + n - 7, "_region") == 0;
}

static void region_value(const json_t *form, const struct form_field *province, char ret[128])
{
    char keys[3][40];
    static const char *const LEVELS[3] = {"province", "city", "district"};
    int stem = (int)(strlen(province->key) - strlen(LEVELS[0]));
    for (int i = 0; i < 3; i++)
        snprintf(keys[i], sizeof(keys[i]), "%.*s%s", stem, province->key, LEVELS[i]);
    regions_name(form_value(form, keys[0]), form_value(form, keys[1]), form_value(form, keys[2]), ret);
}

static bool masks(const struct form_field *field, enum export_sight sight)
{
    bool delivery = field->section == FORM_DELIVERY;
    return field->masked && (sight == EXPORT_SEES_MASKED || (sight == EXPORT_SEES_DELIVERY && !delivery));
}

static int field_value(struct web_call *c, const json_t *form, const struct form_field *field,
                       enum export_sight sight, enum lang lang, char *ret, struct err *err)
{
    char region[128];
    if (is_region(field)) {
        region_value(form, field, region);
        snprintf(ret, EXPORT_VALUE_SIZE, "%s", region);
    } else if (masks(field, sight)) {
        form_mask(field->key, form_value(form, field->key), ret, EXPORT_VALUE_SIZE);
    } else {
        return form_display(c->db, form, field->key, lang, ret, EXPORT_VALUE_SIZE, err);
    }
    utf8_scrub(ret);
    return 0;
}

static int add_fields(struct web_call *c, const json_t *form, enum form_section section,
                      enum export_part part, enum export_sight sight, enum lang lang,
                      struct export_rows *rows, struct err *err)
{
    for (size_t i = 0; i < form_n_fields; i++) {
        const struct form_field *field = &form_fields[i];
        bool more = i > 0 && is_region(field) && strcmp(field->group, form_fields[i - 1].group) == 0;
        /* what was typed before another answer made it needless is none of the application's */
        if (field->section != section || more || !form_field_needed(field, form))
            continue;
        enum text_id title = staff_field_label(field);
        struct export_line *line = add(rows, part, text(title, LANG_ZH), text(title, LANG_EN));
        if (line)
            line->key = field->key;
        if (line && field_value(c, form, field, sight, lang, line->value, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- materials: the names of the files of each kind */

static void put_name(struct export_line *line, const json_t *material, enum lang lang)
{
    size_t n = strlen(line->value);
    bool purged = json_is_true(json_object_get(material, "purged"));
    const char *name = json_string_value(json_object_get(material, "name"));
    snprintf(line->value + n, sizeof(line->value) - n, "%s%s%s%s%s", n > 0 ? "\n" : "", name ? name : "",
             purged ? " (" : "", purged ? text(TEXT_DOC_MATERIAL_PURGED, lang) : "", purged ? ")" : "");
    utf8_scrub(line->value);
}

static int add_materials(struct web_call *c, const json_t *form, enum lang lang, struct export_rows *rows,
                         struct err *err)
{
    json_t *list = NULL, *material;
    size_t at;
    if (material_list(c->db, c->application.id, &list, err) != 0)
        return -1;
    for (size_t k = 0; k < material_n_kinds; k++) {
        const struct material_kind *kind = &material_kinds[k];
        struct export_line one = {.part = EXPORT_MATERIALS};
        json_array_foreach(list, at, material)
        {
            const char *name = json_string_value(json_object_get(material, "kind"));
            if (name && strcmp(name, kind->name) == 0)
                put_name(&one, material, lang);
        }
        struct export_line *line =
            *one.value || form_needs(kind->required, form)
                ? add(rows, EXPORT_MATERIALS, kind->title[LANG_ZH], kind->title[LANG_EN])
                : NULL;
        if (!line)
            continue;
        line->key = kind->name;
        line->given = *one.value != '\0';
        snprintf(line->value, sizeof(line->value), "%s",
                 line->given ? one.value : text(TEXT_DOC_MATERIAL_NONE, lang));
    }
    json_decref(list);
    return 0;
}

/* ---- what came of it */

static int add_result(struct web_call *c, enum lang lang, struct export_rows *rows, struct err *err)
{
    const struct portal_application *a = &c->application;
    struct db_rows *found = NULL;
    char serial[65] = "", token[65] = "", parcel[160];
    int r;
    if (db_query(c->db, PSQL_CERTIFICATES_OF, DB_ARGS(DB_TEXT(a->id)), &found, err) != 0)
        return -1;
    while ((r = db_next(found, err)) == 1)
        if (db_col_null(found, 12)) { /* voided_at: of CERTIFICATE_COLUMNS */
            snprintf(serial, sizeof(serial), "%s", db_col_text(found, 0));
            snprintf(token, sizeof(token), "%s", db_col_text(found, 4));
        }
    db_rows_free(&found);
    snprintf(parcel, sizeof(parcel), "%s%s%s", carrier_title(a->carrier, lang), *a->carrier ? " " : "",
             a->tracking_number);
    add_text(rows, EXPORT_RESULT, TEXT_EXPORT_PAPER, a->paper_number);
    add_text(rows, EXPORT_RESULT, TEXT_EXPORT_CERTIFICATE, serial);
    add_text(rows, EXPORT_RESULT, TEXT_EXPORT_TOKEN, token);
    add_text(rows, EXPORT_RESULT, TEXT_EXPORT_TRACKING, parcel);
    return r;
}

int export_rows_read(struct web_call *c, enum export_sight sight, enum lang lang, struct export_rows **ret,
                     struct err *err)
{
    json_t *form = NULL;
    struct export_rows *rows = calloc(1, sizeof(*rows));
    if (!rows)
        return err_set(err, ERR_MEMORY, "an application's rows");
    add_head(c, lang, rows);
    if (staff_form(c, &form, err) != 0 ||
        add_fields(c, form, FORM_ORGANISATION, EXPORT_ORGANISATION, sight, lang, rows, err) != 0 ||
        add_fields(c, form, FORM_PEOPLE, EXPORT_PEOPLE, sight, lang, rows, err) != 0 ||
        add_materials(c, form, lang, rows, err) != 0 ||
        add_fields(c, form, FORM_DELIVERY, EXPORT_DELIVERY, sight, lang, rows, err) != 0 ||
        add_result(c, lang, rows, err) != 0) {
        json_decref(form);
        free(rows);
        return -1;
    }
    json_decref(form);
    *ret = rows;
    return 0;
}
