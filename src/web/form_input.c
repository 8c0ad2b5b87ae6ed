/* The form's inputs: which there are, what may be chosen, and what was typed into them. */
#include <stdio.h>
#include <string.h>

#include "web/form_view.h"
#include "web/input.h"
#include "web/staff.h"

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define CERTIFICATE "certificate" /* one choice of profile and validity: "org-sign-p256:365" */

/* ---- which inputs there are, and on which card ---- */

static const struct shown {
    const char *key, *card;
    enum input_kind kind;
    enum text_id help;
    const char *autocomplete, *options;
} SHOWN[] = {
    {"authority_name", "authority_fields", INPUT_TEXT, TEXT_FORM_HELP_AUTHORITY_NAME, NULL, NULL},
    {"name", "organisation_fields", INPUT_TEXT, TEXT_FORM_HELP_NAME, "organization", NULL},
    {"identifier", "organisation_fields", INPUT_TEXT, TEXT_FORM_HELP_IDENTIFIER, NULL, NULL},
    {"legal_representative", "representative_fields", INPUT_TEXT, 0, NULL, NULL},
    {"agent", "representative_fields", INPUT_RADIO, TEXT_FORM_HELP_AGENT, NULL, "agent_options"},
    {"agent_name", "agent_fields", INPUT_TEXT, 0, NULL, NULL},
    {"agent_id_number", "agent_fields", INPUT_TEXT, 0, NULL, NULL},
    {"agent_mobile", "agent_fields", INPUT_TEL, 0, NULL, NULL},
    {"delivery_method", "method_fields", INPUT_RADIO, 0, NULL, "method_options"},
    {"delivery_name", "mail_fields", INPUT_TEXT, 0, "name", NULL},
    {"delivery_phone", "mail_fields", INPUT_TEL, TEXT_FORM_HELP_PHONE, "tel", NULL},
    {"delivery_address", "address_fields", INPUT_TEXT, 0, "street-address", NULL},
    {"pickup_point", "point_fields", INPUT_RADIO, 0, NULL, "point_options"},
};

const char *form_view_input(const char *key)
{
    return strcmp(key, "profile") == 0 || strcmp(key, "validity_days") == 0 ? CERTIFICATE : key;
}

/* ---- choices ---- */

/* Every profile with every validity that has a price, in one list. */
static int put_certificate_options(struct web_call *c, const struct form_view *v, struct err *err)
{
    json_t *profiles = NULL;
    const json_t *profile, *validity;
    size_t i, k;
    int rc = form_profiles(&v->world, c->lang, &profiles, err);
    for (i = 0; rc == 0 && (profile = json_array_get(profiles, i)); i++) {
        json_t *validities = NULL;
        rc = form_validities(&v->world, form_value(profile, "value"), c->lang, &validities, err);
        for (k = 0; rc == 0 && (validity = json_array_get(validities, k)); k++) {
            char value[64], label[300];
            snprintf(value, sizeof(value), "%s:%s", form_value(profile, "value"),
                     form_value(validity, "value"));
            snprintf(label, sizeof(label), "%s · %s", form_value(profile, "label"),
                     form_value(validity, "label"));
            rc = web_add_option(c, "certificate_options", value, label, err);
        }
        json_decref(validities);
    }
    rc = rc == 0 ? web_set_bool(c, "has_prices", json_array_size(profiles) > 0, err) : rc;
    json_decref(profiles);
    return rc;
}

static int put_point_options(struct web_call *c, struct err *err)
{
    json_t *points = NULL;
    const json_t *p;
    int rc = form_points(c->db, &points, err);
    for (size_t i = 0; rc == 0 && (p = json_array_get(points, i)); i++) {
        char label[1400];
        snprintf(label, sizeof(label), "%s · %s · %s", form_value(p, "label"), form_value(p, "phone"),
                 form_value(p, "hours"));
        utf8_scrub(label);
        rc = web_add_option(c, "point_options", form_value(p, "value"), label, err);
    }
    rc = rc == 0 ? web_set_bool(c, "has_points", json_array_size(points) > 0, err) : rc;
    json_decref(points);
    return rc;
}

static int put_options(struct web_call *c, const struct form_view *v, struct err *err)
{
    static const struct {
        enum form_section section;
        const char *key, *value;
        enum text_id label;
    } OPTIONS[] = {
        {FORM_PEOPLE, "agent_options", "no", TEXT_FORM_NO},
        {FORM_PEOPLE, "agent_options", "yes", TEXT_FORM_YES},
        {FORM_DELIVERY, "method_options", "mail", TEXT_FORM_MAIL},
        {FORM_DELIVERY, "method_options", "pickup", TEXT_FORM_PICKUP},
    };
    for (size_t i = 0; i < COUNT(OPTIONS); i++)
        if (OPTIONS[i].section == v->section &&
            web_add_option(c, OPTIONS[i].key, OPTIONS[i].value, text(OPTIONS[i].label, c->lang), err) != 0)
            return -1;
    if (v->section == FORM_ORGANISATION)
        return put_certificate_options(c, v, err);
    return v->section == FORM_DELIVERY ? put_point_options(c, err) : 0;
}

/* ---- divisions ---- */

static int put_level(struct web_call *c, json_t *levels, const char *prefix, const char *const names[2],
                     const json_t *under, const char *chosen, struct err *err)
{
    static const struct {
        const char *level;
        enum text_id label;
    } LABELS[] = {
        {"province", TEXT_FORM_PROVINCE}, {"city", TEXT_FORM_CITY}, {"district", TEXT_FORM_DISTRICT}};
    char name[40];
    enum text_id label = TEXT_FORM_PROVINCE;
    const json_t *r, *errors = json_object_get(c->ctx, "errors");
    json_t *options = json_pack("[{s:s,s:s,s:b}]", "value", "", "label", text(TEXT_SELECT_NONE, c->lang),
                                "selected", !*chosen);
    snprintf(name, sizeof(name), "%s_%s", prefix, names[0]);
    for (size_t i = 0; i < COUNT(LABELS); i++)
        label = strcmp(LABELS[i].level, names[0]) == 0 ? LABELS[i].label : label;
    for (size_t i = 0; options && (r = json_array_get(under, i)); i++)
        if (json_array_append_new(options, json_pack("{s:s,s:s,s:b}", "value", form_value(r, "code"), "label",
                                                     form_value(r, "name"), "selected",
                                                     strcmp(form_value(r, "code"), chosen) == 0)) != 0)
            return json_decref(options), err_set(err, ERR_MEMORY, "divisions");
    const char *error = form_value(errors, name);
    const struct form_field *field = form_field(name);
    if (json_array_append_new(levels, json_pack("{s:s,s:s,s:o,s:b,s:s}", "name", name, "label",
                                                text(label, c->lang), "options", options, "required",
                                                field && *field->required, "error", error)) != 0)
        return err_set(err, ERR_MEMORY, "divisions");
    return 0;
}

int form_view_region(struct web_call *c, const char *key, const char *prefix, const json_t *values,
                     struct err *err)
{
    static const char *const LEVELS[3][2] = {{"province", ""}, {"city", "province"}, {"district", "city"}};
    bool delivery = strcmp(prefix, "delivery") == 0;
    json_t *levels = json_array();
    int rc = levels ? 0 : err_set(err, ERR_MEMORY, "divisions");
    for (size_t i = 0; rc == 0 && i < COUNT(LEVELS); i++) {
        char mine[40], above[40];
        json_t *under = NULL;
        snprintf(mine, sizeof(mine), "%s_%s", prefix, LEVELS[i][0]);
        snprintf(above, sizeof(above), "%s_%s", prefix, LEVELS[i][1]);
        const char *of = i == 0 ? "" : form_value(values, above);
        if (i == 0 || *of)
            rc = regions_under(of, &under, err);
        if (rc == 0)
            rc = put_level(c, levels, prefix, LEVELS[i], under, form_value(values, mine), err);
        json_decref(under);
    }
    if (rc != 0)
        return json_decref(levels), -1;
    return web_set(
        c, key,
        json_pack("[{s:s,s:s,s:s,s:o}]", "prefix", prefix, "title",
                  text(delivery ? TEXT_FORM_REGION_DELIVERY : TEXT_FORM_REGION_AUTHORITY, c->lang), "help",
                  text(delivery ? TEXT_FORM_REGION_DELIVERY_HELP : TEXT_FORM_REGION_AUTHORITY_HELP, c->lang),
                  "levels", levels),
        err);
}

/* ---- the inputs ---- */

static int put_inputs(struct web_call *c, const struct form_view *v, struct err *err)
{
    for (size_t i = 0; i < COUNT(SHOWN); i++) {
        const struct form_field *field = form_field(SHOWN[i].key);
        if (!field || field->section != v->section)
            continue;
        const struct web_input input = {.name = SHOWN[i].key,
                                        .label = field->label,
                                        .kind = SHOWN[i].kind,
                                        .required = *field->required != '\0',
                                        .help = SHOWN[i].help,
                                        .autocomplete = SHOWN[i].autocomplete,
                                        .options = SHOWN[i].options};
        if (web_put_input(c, SHOWN[i].card, &input, text(field->label, c->lang),
                          SHOWN[i].help ? text(SHOWN[i].help, c->lang) : "",
                          form_value(v->form, SHOWN[i].key), err) != 0)
            return -1;
    }
    return 0;
}

static int put_certificate(struct web_call *c, const struct form_view *v, struct err *err)
{
    static const struct web_input INPUT = {.name = CERTIFICATE,
                                           .label = TEXT_FORM_CERTIFICATE,
                                           .kind = INPUT_RADIO,
                                           .required = true,
                                           .options = "certificate_options"};
    char value[64];
    snprintf(value, sizeof(value), "%.40s:%.8s", form_value(v->form, "profile"),
             form_value(v->form, "validity_days"));
    utf8_scrub(value);
    return web_put_input(c, "certificate_fields", &INPUT, text(TEXT_FORM_CERTIFICATE, c->lang), "", value,
                         err);
}

int form_view_inputs(struct web_call *c, const struct form_view *v, struct err *err)
{
    if (put_options(c, v, err) != 0 || put_inputs(c, v, err) != 0)
        return -1;
    return v->section == FORM_ORGANISATION ? put_certificate(c, v, err) : 0;
}

/* ---- what was typed ---- */

static int take(const struct web_call *c, const char *key, json_t *changes, struct err *err)
{
    char value[2048];
    if (!web_has_field(c, key))
        return 0;
    staff_field(c, key, value, sizeof(value));
    bool upper = strcmp(key, "agent_id_number") == 0 ||
                 (strcmp(key, "identifier") == 0 && strncmp(value, "zcy", 3) != 0);
    for (char *p = value; upper && *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    if (json_object_set_new(changes, key, json_string(value)) != 0)
        return err_set(err, ERR_MEMORY, "form");
    return 0;
}

/* "profile:days" into its two fields. */
static int take_certificate(const struct web_call *c, json_t *changes, struct err *err)
{
    const char *value = web_field(c, CERTIFICATE), *colon = strchr(value, ':');
    if (!colon || strlen(value) > 64)
        return 0;
    if (json_object_set_new(changes, "profile", json_stringn(value, (size_t)(colon - value))) != 0 ||
        json_object_set_new(changes, "validity_days", json_string(colon + 1)) != 0)
        return err_set(err, ERR_FIELD, "certificate");
    return 0;
}

/* Another province was chosen: its old cities go. */
static int mend_region(const char *prefix, json_t *changes, struct err *err)
{
    char province[40], city[40], district[40];
    snprintf(province, sizeof(province), "%s_province", prefix);
    snprintf(city, sizeof(city), "%s_city", prefix);
    snprintf(district, sizeof(district), "%s_district", prefix);
    if (!json_object_get(changes, province))
        return 0;
    int rc = 0;
    if (!regions_known(form_value(changes, province), form_value(changes, city), ""))
        rc = json_object_set_new(changes, city, json_string(""));
    if (rc == 0 && !regions_known(form_value(changes, province), form_value(changes, city),
                                  form_value(changes, district)))
        rc = json_object_set_new(changes, district, json_string(""));
    return rc == 0 ? 0 : err_set(err, ERR_MEMORY, "form");
}

int form_view_typed(struct web_call *c, const struct form_view *v, json_t **ret, struct err *err)
{
    json_t *changes = json_object();
    int rc = changes ? 0 : err_set(err, ERR_MEMORY, "form");
    for (size_t i = 0; rc == 0 && i < form_n_fields; i++)
        if (form_fields[i].section == v->section)
            rc = take(c, form_fields[i].key, changes, err);
    if (rc == 0 && v->section == FORM_ORGANISATION)
        rc = take_certificate(c, changes, err) == 0 ? mend_region("authority", changes, err) : -1;
    if (rc == 0 && v->section == FORM_DELIVERY)
        rc = mend_region("delivery", changes, err);
    if (rc != 0)
        return json_decref(changes), -1;
    *ret = changes;
    return 0;
}
