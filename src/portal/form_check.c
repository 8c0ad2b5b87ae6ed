/* What each field may hold. Every rule of the application document (domain/application.h) is one of these, so
 * that a form without errors always makes a good document; and the document is made and read back as the last
 * check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "domain/application.h"
#include "domain/identity.h"
#include "domain/plain_text.h"
#include "domain/uscc.h"
#include "portal/form.h"
#include "portal/material.h"
#include "store/portal_store.h"

#define FINE        ((enum text_id)0)
#define POINT_CHARS 100 /* of a service point's name: delivery.point of the document */

struct check {
    const json_t *form;
    const struct form_world *world;
    const struct form_field *field;
    const char *value;
    enum lang lang;
};
/* *ret FINE, or what is wrong. -1 only when the database fails. */
typedef int run_check(const struct check *c, enum text_id *ret, struct err *err);

static enum text_id plain(const char *value)
{
    struct err why = {0};
    return plain_text_check(value, SIZE_MAX, &why) == 0 ? FINE : TEXT_FORM_WRONG_TEXT;
}

static int check_plain(const struct check *c, enum text_id *ret, struct err *err)
{
    (void)err;
    *ret = plain(c->value);
    return 0;
}

static enum text_id uscc_fault(const char *code)
{
    struct err why = {0};
    if (strlen(code) != USCC_LENGTH)
        return TEXT_FORM_WRONG_USCC_LENGTH;
    if (uscc_check(code, &why) == 0)
        return FINE;
    return uscc_check_character(code) ? TEXT_FORM_WRONG_USCC_CHECK : TEXT_FORM_WRONG_USCC_CHARACTERS;
}

/* One organisation applies in its own name: a code that is another account's is refused. */
static int check_taken(const struct check *c, enum text_id *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(c->world->db, PSQL_FORM_IDENTIFIER_TAKEN,
                 DB_ARGS(DB_TEXT(c->value), DB_TEXT(c->world->organisation.id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    db_rows_free(&rows);
    *ret = r == 1 ? TEXT_FORM_IDENTIFIER_TAKEN : FINE;
    return r < 0 ? -1 : 0;
}

/* An internal identifier only as the platform gave it to this very organisation. */
static int check_identifier(const struct check *c, enum text_id *ret, struct err *err)
{
    const struct account_organisation *o = &c->world->organisation;
    struct err why = {0};
    if (strncmp(c->value, "zcy", 3) != 0) {
        *ret = uscc_fault(c->value);
        return *ret == FINE ? check_taken(c, ret, err) : 0;
    }
    bool own = strcmp(o->identifier_kind, identifier_kind_name(IDENTIFIER_INTERNAL)) == 0 &&
               strcmp(o->identifier, c->value) == 0 && internal_identifier_check(c->value, &why) == 0;
    *ret = own ? FINE : TEXT_FORM_WRONG_INTERNAL;
    return 0;
}

/* Chosen from province down; the fault stands at the first of the three that is wrong. */
static enum text_id region(const struct check *c, const char *prefix)
{
    const char *parts[3] = {"", "", ""};
    static const char *const NAMES[] = {"province", "city", "district"};
    size_t mine = 0;
    for (size_t i = 0; i < 3; i++) {
        char key[32];
        snprintf(key, sizeof(key), "%s_%s", prefix, NAMES[i]);
        if (strcmp(key, c->field->key) == 0)
            mine = i;
        parts[i] = form_value(c->form, key);
    }
    for (size_t i = mine + 1; i < 3; i++)
        parts[i] = "";
    return regions_known(parts[0], parts[1], parts[2]) ? FINE : TEXT_FORM_WRONG_REGION;
}

static int check_authority_region(const struct check *c, enum text_id *ret, struct err *err)
{
    (void)err;
    *ret = region(c, "authority");
    return 0;
}

static int check_delivery_region(const struct check *c, enum text_id *ret, struct err *err)
{
    (void)err;
    *ret = region(c, "delivery");
    return 0;
}

/* Is `value` among the choices? */
static bool among(const json_t *choices, const char *value)
{
    const json_t *choice;
    for (size_t i = 0; (choice = json_array_get(choices, i)); i++)
        if (strcmp(form_value(choice, "value"), value) == 0)
            return true;
    return false;
}

static int check_profile(const struct check *c, enum text_id *ret, struct err *err)
{
    json_t *choices = NULL;
    if (form_profiles(c->world, c->lang, &choices, err) != 0)
        return -1;
    *ret = among(choices, c->value) && plain_id_ok(c->value, c->field->max) ? FINE : TEXT_FORM_WRONG_PROFILE;
    json_decref(choices);
    return 0;
}

static int check_validity(const struct check *c, enum text_id *ret, struct err *err)
{
    json_t *choices = NULL;
    if (form_validities(c->world, form_value(c->form, "profile"), c->lang, &choices, err) != 0)
        return -1;
    long days = strtol(c->value, NULL, 10);
    *ret = among(choices, c->value) && days >= 1 && days <= 3650 ? FINE : TEXT_FORM_WRONG_VALIDITY;
    json_decref(choices);
    return 0;
}

static enum text_id one_of(const char *value, const char *a, const char *b)
{
    return strcmp(value, a) == 0 || strcmp(value, b) == 0 ? FINE : TEXT_FORM_WRONG_CHOOSE;
}

static int check_yes_no(const struct check *c, enum text_id *ret, struct err *err)
{
    (void)err;
    *ret = one_of(c->value, "yes", "no");
    return 0;
}

static int check_method(const struct check *c, enum text_id *ret, struct err *err)
{
    (void)err;
    *ret = one_of(c->value, "mail", "pickup");
    return 0;
}

static int check_id_number(const struct check *c, enum text_id *ret, struct err *err)
{
    static const enum text_id FAULTS[] = {
        [IDENTITY_GOOD] = FINE,
        [IDENTITY_SHAPE] = TEXT_FORM_WRONG_ID_SHAPE,
        [IDENTITY_DATE] = TEXT_FORM_WRONG_ID_DATE,
        [IDENTITY_CHECK] = TEXT_FORM_WRONG_ID_CHECK,
    };
    (void)err;
    *ret = FAULTS[identity_number_check(c->value)];
    return 0;
}

static int check_mobile(const struct check *c, enum text_id *ret, struct err *err)
{
    (void)err;
    *ret = mobile_ok(c->value) ? FINE : TEXT_FORM_WRONG_MOBILE;
    return 0;
}

static int check_phone(const struct check *c, enum text_id *ret, struct err *err)
{
    (void)err;
    *ret = mobile_ok(c->value) || landline_ok(c->value) ? FINE : TEXT_FORM_WRONG_PHONE;
    return 0;
}

static int check_point(const struct check *c, enum text_id *ret, struct err *err)
{
    struct form_point p;
    struct err why = {0};
    if (form_point(c->world->db, c->value, &p, err) != 0)
        return -1;
    bool good = p.found && p.open && plain_text_check(p.name, POINT_CHARS, &why) == 0;
    *ret = good ? FINE : TEXT_FORM_WRONG_POINT;
    return 0;
}

/* In the order of form_fields. */
static run_check *const CHECKS[] = {
#define X(key, section, label, required, group, max, masked, check) check,
#include "portal/form_field.def"
#undef X
};

/* ---- the walk over fields and materials */

static int put(json_t *errors, const char *key, const char *sentence, struct err *err)
{
    if (json_object_set_new(errors, key, json_string(sentence)) != 0)
        return err_set(err, ERR_MEMORY, "errors of the form");
    return 0;
}

static int put_text(json_t *errors, const struct check *c, enum text_id id, struct err *err)
{
    const char *sentence = text(id, c->lang), *gap = strstr(sentence, "{max}");
    char filled[160];
    if (!gap)
        return put(errors, c->field->key, sentence, err);
    snprintf(filled, sizeof(filled), "%.*s%zu%s", (int)(gap - sentence), sentence, c->field->max, gap + 5);
    return put(errors, c->field->key, filled, err);
}

/* Named so that the sentence fits what is done about it: chosen, or typed. */
static enum text_id empty_text(const struct form_field *field)
{
    static const char *const CHOSEN[] = {"profile",           "validity_days", "agent",
                                         "delivery_method",   "pickup_point",  "authority_province",
                                         "delivery_province", "delivery_city"};
    for (size_t i = 0; i < sizeof(CHOSEN) / sizeof(CHOSEN[0]); i++)
        if (strcmp(field->key, CHOSEN[i]) == 0)
            return TEXT_FORM_WRONG_CHOOSE;
    return strcmp(field->key, "identifier") == 0 ? TEXT_FORM_WRONG_NO_IDENTIFIER : TEXT_FORM_WRONG_EMPTY;
}

static enum text_id long_text(const struct form_field *field)
{
    enum text_id empty = empty_text(field);
    return empty == TEXT_FORM_WRONG_CHOOSE          ? empty
           : empty == TEXT_FORM_WRONG_NO_IDENTIFIER ? TEXT_FORM_WRONG_USCC_LENGTH
                                                    : TEXT_FORM_WRONG_LONG;
}

/* Does a field count now? One that belongs to the other choice (no agent, pickup) is neither looked at nor
 * used. */
static bool counts(const struct form_field *field, const json_t *form)
{
    if (strcmp(field->key, "delivery_district") == 0)
        return strcmp(form_value(form, "delivery_method"), "mail") == 0;
    return !*field->required || form_field_needed(field, form);
}

/* A parcel needs the district, where the city has districts. */
static bool district_missing(const struct check *c, struct err *err)
{
    json_t *under = NULL;
    if (strcmp(c->field->key, "delivery_district") != 0 || *c->value ||
        !*form_value(c->form, "delivery_city") ||
        regions_under(form_value(c->form, "delivery_city"), &under, err) != 0)
        return false;
    bool missing = json_array_size(under) > 0;
    json_decref(under);
    return missing;
}

static int check_field(struct check *c, run_check *run, json_t *errors, struct err *err)
{
    const json_t *held = json_object_get(c->form, c->field->key);
    enum text_id wrong = FINE;
    if (!counts(c->field, c->form))
        return 0;
    c->value = form_value(c->form, c->field->key);
    if (held && (!json_is_string(held) || json_string_length(held) != strlen(c->value)))
        return put_text(errors, c, TEXT_FORM_WRONG_TEXT, err);
    if (!*c->value && form_field_needed(c->field, c->form))
        return put_text(errors, c, empty_text(c->field), err);
    if (district_missing(c, err))
        return put_text(errors, c, TEXT_FORM_WRONG_REGION_DISTRICT, err);
    if (!*c->value)
        return 0;
    if (utf8_chars(c->value) > c->field->max)
        return put_text(errors, c, long_text(c->field), err);
    if (run(c, &wrong, err) != 0)
        return -1;
    return wrong == FINE ? 0 : put_text(errors, c, wrong, err);
}

static bool is_there(const json_t *materials, const char *kind)
{
    const json_t *m;
    for (size_t i = 0; (m = json_array_get(materials, i)); i++)
        if (strcmp(form_value(m, "kind"), kind) == 0)
            return true;
    return false;
}

static int check_materials(const json_t *form, const struct form_world *world, const char *application,
                           enum lang lang, json_t *errors, struct err *err)
{
    json_t *list = NULL;
    int rc = material_list(world->db, application, &list, err);
    for (size_t k = 0; rc == 0 && k < material_n_kinds; k++) {
        char key[40];
        snprintf(key, sizeof(key), "material_%s", material_kinds[k].name);
        if (!is_there(list, material_kinds[k].name) && form_needs(material_kinds[k].required, form))
            rc = put(errors, key, text(TEXT_FORM_WRONG_MATERIAL, lang), err);
    }
    json_decref(list);
    return rc;
}

/* The document as it would be signed, through the reader that vault and station use. What it refuses here
 * stands at "form": no field's rule foresaw it. */
static int check_document(const json_t *form, const struct form_world *world, const char *application,
                          enum lang lang, json_t *errors, struct err *err)
{
    json_t *document = NULL;
    struct application app;
    struct err why = {0};
    if (form_document(form, application, world, &document, err) != 0)
        return -1;
    int rc = application_from_json(document, &app, &why);
    json_decref(document);
    return rc == 0 ? 0 : put(errors, "form", text(TEXT_FORM_WRONG_DOCUMENT, lang), err);
}

int form_check(const json_t *form, enum form_section section, const struct form_world *world,
               const char *application, enum lang lang, json_t **ret_errors, struct err *err)
{
    bool all = section == FORM_SECTION_COUNT || section == FORM_CHECK;
    json_t *errors = json_object();
    int rc = errors ? 0 : err_set(err, ERR_MEMORY, "errors of the form");
    for (size_t i = 0; rc == 0 && i < form_n_fields; i++) {
        struct check c = {.form = form, .world = world, .field = &form_fields[i], .lang = lang};
        if (all || form_fields[i].section == section)
            rc = check_field(&c, CHECKS[i], errors, err);
    }
    if (rc == 0 && (all || section == FORM_MATERIALS))
        rc = check_materials(form, world, application, lang, errors, err);
    if (rc == 0 && all && json_object_size(errors) == 0)
        rc = check_document(form, world, application, lang, errors, err);
    if (rc != 0) {
        json_decref(errors);
        return -1;
    }
    *ret_errors = errors;
    return 0;
}

/* ---- warnings */

static int warn(json_t *list, const char *key, enum text_id id, enum lang lang, struct err *err)
{
    if (json_array_append_new(list, json_pack("{s:s,s:s}", "key", key, "text", text(id, lang))) != 0)
        return err_set(err, ERR_MEMORY, "warnings of the form");
    return 0;
}

int form_warnings(const json_t *form, enum lang lang, json_t **ret, struct err *err)
{
    const char *identifier = form_value(form, "identifier"), *agent = form_value(form, "agent_name");
    json_t *list = json_array();
    int rc = list ? 0 : err_set(err, ERR_MEMORY, "warnings of the form");
    if (rc == 0 && uscc_fault(identifier) == FINE && !uscc_pair_known(identifier))
        rc = warn(list, "identifier", TEXT_FORM_WARNING_PAIR, lang, err);
    if (rc == 0 && strncmp(identifier, "zcy", 3) == 0)
        rc = warn(list, "identifier", TEXT_FORM_WARNING_INTERNAL, lang, err);
    if (rc == 0 && strcmp(form_value(form, "agent"), "yes") == 0 && *agent &&
        strcmp(agent, form_value(form, "legal_representative")) == 0)
        rc = warn(list, "agent_name", TEXT_FORM_WARNING_SAME_PERSON, lang, err);
    if (rc != 0) {
        json_decref(list);
        return -1;
    }
    *ret = list;
    return 0;
}
