#include "domain/application.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "domain/plain_text.h"
#include "domain/uscc.h"

#define VALIDITY_DAYS_MAX 3650
#define COUNT(a)          (sizeof(a) / sizeof((a)[0]))

static const char *const KINDS[] = {[IDENTIFIER_USCC] = "USCC", [IDENTIFIER_INTERNAL] = "INTERNAL"};
static const char *const METHODS[] = {[DELIVERY_MAIL] = "mail", [DELIVERY_PICKUP] = "pickup"};

const char *identifier_kind_name(enum identifier_kind kind)
{
    return (size_t)kind < COUNT(KINDS) ? KINDS[kind] : "unknown";
}

const char *delivery_method_name(enum delivery_method method)
{
    return (size_t)method < COUNT(METHODS) ? METHODS[method] : "unknown";
}

/* ---- which keys there are -------------------------------------------------------------------- */

static const struct json_field DOCUMENT[] = {
    {"id", JSON_FIELD_STR, true, 40},         {"organisation", JSON_FIELD_OBJECT, true, 0},
    {"profile", JSON_FIELD_STR, true, 32},    {"registration_authority", JSON_FIELD_OBJECT, false, 0},
    {"delivery", JSON_FIELD_OBJECT, true, 0}, {"validity_days", JSON_FIELD_INT, false, VALIDITY_DAYS_MAX},
};
static const struct json_field ORGANISATION[] = {
    {"name", JSON_FIELD_STR, true, 1024},     {"identifier_kind", JSON_FIELD_STR, true, 16},
    {"identifier", JSON_FIELD_STR, true, 64}, {"country", JSON_FIELD_STR, true, 8},
    {"province", JSON_FIELD_STR, false, 192}, {"locality", JSON_FIELD_STR, false, 192},
};
static const struct json_field AUTHORITY[] = {
    {"region", JSON_FIELD_STR, true, 512},
    {"name", JSON_FIELD_STR, true, 512},
};
static const struct json_field MAIL[] = {
    {"method", JSON_FIELD_STR, true, 16},    {"name", JSON_FIELD_STR, true, 512},
    {"phone", JSON_FIELD_STR, true, 64},     {"region", JSON_FIELD_STR, true, 512},
    {"address", JSON_FIELD_STR, true, 1024},
};
static const struct json_field PICKUP[] = {
    {"method", JSON_FIELD_STR, true, 16},
    {"point", JSON_FIELD_STR, true, 512},
};

static const struct {
    const struct json_field *fields;
    size_t n;
} DELIVERY[] = {[DELIVERY_MAIL] = {MAIL, COUNT(MAIL)}, [DELIVERY_PICKUP] = {PICKUP, COUNT(PICKUP)}};

/* ---- what each may hold ---------------------------------------------------------------------- */

struct text_rule {
    const char *object, *name; /* object "": the document itself */
    int (*check)(const char *value, const struct text_rule *rule, struct err *err);
    size_t max_chars;
    bool may_be_empty;
    size_t offset, size; /* where struct application keeps it; size 0: it does not */
};

static int check_text(const char *value, const struct text_rule *rule, struct err *err)
{
    return plain_text_check(value, rule->max_chars, err);
}

static int check_id(const char *value, const struct text_rule *rule, struct err *err)
{
    if (plain_id_ok(value, rule->max_chars))
        return 0;
    return err_set(err, ERR_FIELD, "it must be 1 to %zu letters, digits and hyphens", rule->max_chars);
}

static int check_country(const char *value, const struct text_rule *rule, struct err *err)
{
    (void)rule;
    if (strlen(value) == 2 && strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2)
        return 0;
    return err_set(err, ERR_FIELD, "it must be two upper-case letters (ISO 3166), such as CN");
}

/* A mobile number, a landline or an international form. Eleven digits that begin with 1 can only be a mobile
 * number. */
static int check_phone(const char *value, const struct text_rule *rule, struct err *err)
{
    (void)rule;
    size_t len = strlen(value), digits = 0;
    for (const char *p = value; *p; p++)
        digits += *p >= '0' && *p <= '9';
    bool shaped = len >= 5 && len <= 20 && digits >= 5 && strspn(value, "0123456789+ -") == len &&
                  value[0] != ' ' && value[len - 1] != ' ' && !strchr(value + 1, '+');
    if (!shaped)
        return err_set(err, ERR_FIELD, "it must be 5 to 20 digits, spaces and hyphens, '+' only in front");
    if (digits == 11 && len == 11 && value[0] == '1' && (value[1] < '3' || value[1] > '9'))
        return err_set(err, ERR_FIELD, "no mobile number begins with %.2s", value);
    return 0;
}

#define KEPT(member) offsetof(struct application, member), sizeof(((struct application *)0)->member)
static const struct text_rule RULES[] = {
    {"", "id", check_id, 40, false, KEPT(id)},
    {"", "profile", check_id, 32, false, KEPT(profile)},
    {"organisation", "name", check_text, DN_CHARACTERS_MAX, false, KEPT(organisation.name)},
    {"organisation", "country", check_country, 2, false, KEPT(organisation.country)},
    {"organisation", "province", check_text, DN_CHARACTERS_MAX, true, KEPT(organisation.province)},
    {"organisation", "locality", check_text, DN_CHARACTERS_MAX, true, KEPT(organisation.locality)},
    {"registration_authority", "region", check_text, 100, false, 0, 0},
    {"registration_authority", "name", check_text, 100, false, 0, 0},
    {"delivery", "name", check_text, 64, false, 0, 0},
    {"delivery", "phone", check_phone, 20, false, 0, 0},
    {"delivery", "region", check_text, 100, false, 0, 0},
    {"delivery", "address", check_text, 200, false, 0, 0},
    {"delivery", "point", check_text, 100, false, 0, 0},
};

static int apply_rule(const struct text_rule *rule, const json_t *document, struct application *app,
                      struct err *err)
{
    const json_t *object = *rule->object ? json_object_get(document, rule->object) : document;
    const json_t *field = json_object_get(object, rule->name);
    if (!field)
        return 0; /* json_check has said already when it must be there */
    const char *value = json_string_value(field);
    size_t len = strlen(value);
    int rc = 0;
    if (json_string_length(field) != len)
        rc = err_set(err, ERR_FIELD, "it holds a NUL character");
    else if (*value || !rule->may_be_empty)
        rc = rule->check(value, rule, err);
    if (rc == 0 && rule->size > 0 && len >= rule->size)
        rc = err_set(err, ERR_FIELD, "%zu bytes, at most %zu are allowed", len, rule->size - 1);
    if (rc != 0)
        return err_prepend(err, "%s%s%s", rule->object, *rule->object ? "." : "", rule->name);
    if (rule->size > 0)
        memcpy((char *)app + rule->offset, value, len + 1);
    return 0;
}

/* Place of `value` among n names, or -1 with ERR_FIELD. */
static int choose(const char *path, const char *value, const char *const *names, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(value, names[i]) == 0)
            return (int)i;
    return err_set(err, ERR_FIELD, "%s: it must be %s or %s", path, names[0], names[1]);
}

static int read_organisation(const json_t *organisation, struct application *app, struct err *err)
{
    if (json_check(organisation, "organisation", ORGANISATION, COUNT(ORGANISATION), err) != 0)
        return -1;
    int kind = choose("organisation.identifier_kind", json_str(organisation, "identifier_kind"), KINDS,
                      COUNT(KINDS), err);
    if (kind < 0)
        return -1;
    const char *identifier = json_str(organisation, "identifier");
    app->organisation.identifier_kind = (enum identifier_kind)kind;
    int rc =
        kind == IDENTIFIER_USCC ? uscc_check(identifier, err) : internal_identifier_check(identifier, err);
    if (rc != 0)
        return err_prepend(err, "organisation.identifier");
    memcpy(app->organisation.identifier, identifier, strlen(identifier) + 1);
    return 0;
}

static int read_delivery(const json_t *delivery, struct application *app, struct err *err)
{
    const json_t *name = json_object_get(delivery, "method");
    if (!json_is_string(name))
        return err_set(err, ERR_FIELD, "delivery.method: it must be mail or pickup");
    int method = choose("delivery.method", json_string_value(name), METHODS, COUNT(METHODS), err);
    if (method < 0 || json_check(delivery, "delivery", DELIVERY[method].fields, DELIVERY[method].n, err) != 0)
        return -1;
    app->delivery_method = (enum delivery_method)method;
    return 0;
}

static int read_validity(const json_t *document, struct application *app, struct err *err)
{
    if (!json_object_get(document, "validity_days"))
        return 0;
    app->validity_days = json_int(document, "validity_days");
    if (app->validity_days < 1 || app->validity_days > VALIDITY_DAYS_MAX)
        return err_set(err, ERR_FIELD, "validity_days: it must be 1 to %d", VALIDITY_DAYS_MAX);
    return 0;
}

static int content_hash(const json_t *document, char ret[SHA256_HEX_SIZE], struct err *err)
{
    struct buf b;
    buf_init(&b);
    int rc = json_canonical(document, &b, err);
    if (rc == 0 && b.len > APPLICATION_DOCUMENT_MAX)
        rc = err_set(err, ERR_TOO_LARGE, "application of %zu bytes, at most %d are allowed", b.len,
                     APPLICATION_DOCUMENT_MAX);
    if (rc == 0)
        sha256_hex(b.data, b.len, ret);
    buf_done(&b);
    return rc;
}

int application_from_json(const json_t *document, struct application *ret, struct err *err)
{
    struct application app = {0};
    const json_t *authority = json_object_get(document, "registration_authority");
    if (json_check(document, "", DOCUMENT, COUNT(DOCUMENT), err) != 0 ||
        read_organisation(json_object_get(document, "organisation"), &app, err) != 0 ||
        read_delivery(json_object_get(document, "delivery"), &app, err) != 0 ||
        (authority &&
         json_check(authority, "registration_authority", AUTHORITY, COUNT(AUTHORITY), err) != 0) ||
        read_validity(document, &app, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT(RULES); i++)
        if (apply_rule(&RULES[i], document, &app, err) != 0)
            return -1;
    if (content_hash(document, app.content_sha256, err) != 0)
        return -1;
    *ret = app;
    return 0;
}

int application_parse(const void *document, size_t len, struct application *ret, struct err *err)
{
    if (len > APPLICATION_DOCUMENT_MAX)
        return err_set(err, ERR_TOO_LARGE, "application of %zu bytes, at most %d are allowed", len,
                       APPLICATION_DOCUMENT_MAX);
    json_t *json = json_parse(document, len, err);
    if (!json)
        return -1;
    int rc = application_from_json(json, ret, err);
    json_decref(json);
    return rc;
}

int application_check_profile(const struct application *app, const char *const *known, size_t n,
                              struct err *err)
{
    char list[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(app->profile, known[i]) == 0)
            return 0;
        int more = snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", known[i]);
        used += more > 0 && (size_t)more < sizeof(list) - used ? (size_t)more : 0;
        list[used] = '\0';
    }
    return err_set(err, ERR_PROFILE, "profile: %s is unknown; known are: %s", app->profile,
                   n > 0 ? list : "none");
}
