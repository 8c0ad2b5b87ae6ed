/* The form's table, and small questions to it. */
#include "portal/form.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "store/portal_store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const SECTIONS[FORM_SECTION_COUNT] = {
    [FORM_ORGANISATION] = "organisation", [FORM_PEOPLE] = "people", [FORM_MATERIALS] = "materials",
    [FORM_DELIVERY] = "delivery",         [FORM_CHECK] = "check",
};

const struct form_field form_fields[] = {
#define X(key, section, label, required, group, max, masked, check)                                          \
    {key, section, label, required, group, max, masked},
#include "portal/form_field.def"
#undef X
};
const size_t form_n_fields = COUNT(form_fields);

const char *form_section_name(enum form_section s)
{
    return (size_t)s < COUNT(SECTIONS) ? SECTIONS[s] : "";
}

enum form_section form_section_from_name(const char *name)
{
    for (size_t i = 0; i < COUNT(SECTIONS); i++)
        if (strcmp(name, SECTIONS[i]) == 0)
            return (enum form_section)i;
    return FORM_SECTION_COUNT;
}

const struct form_field *form_field(const char *key)
{
    for (size_t i = 0; i < form_n_fields; i++)
        if (strcmp(key, form_fields[i].key) == 0)
            return &form_fields[i];
    return NULL;
}

const char *form_value(const json_t *form, const char *key)
{
    return json_str(form, key);
}

bool form_needs(const char *required, const json_t *form)
{
    const char *equals = strchr(required, '=');
    char key[24];
    if (!equals)
        return strcmp(required, "always") == 0;
    snprintf(key, sizeof(key), "%.*s", (int)(equals - required), required);
    return strcmp(form_value(form, key), equals + 1) == 0;
}

bool form_field_needed(const struct form_field *field, const json_t *form)
{
    return form_needs(field->required, form);
}

int form_read(struct db *db, const char *application, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *form = NULL;
    int r = -1;
    if (db_query(db, PSQL_FORM_READ, DB_ARGS(DB_TEXT(application)), &rows, err) == 0)
        r = db_next(rows, err);
    if (r == 0)
        err_set(err, ERR_NOT_FOUND, "application %s", application);
    if (r == 1) {
        const char *text = db_col_text(rows, 0);
        form = *text ? json_parse(text, strlen(text), err) : json_object();
        if (!form && !*text)
            err_set(err, ERR_MEMORY, "form of %s", application);
    }
    db_rows_free(&rows);
    if (!form)
        return err_prepend(err, "form of %s", application);
    *ret = form;
    return 0;
}

/* `keep` characters at either end, a star for each between; when that would show all, only stars. */
static void stars(const char *value, size_t first, size_t last, char *ret, size_t cap)
{
    size_t chars = utf8_chars(value), used = 0, i = 0;
    if (chars <= first + last)
        first = last = 0;
    for (const char *p = value; *p; i++) {
        size_t n = utf8_char_len(p, strlen(p));
        bool shown = i < first || i + last >= chars;
        if (n == 0 || used + (shown ? n : 1) >= cap)
            break;
        memcpy(ret + used, shown ? p : "*", shown ? n : 1);
        used += shown ? n : 1;
        p += n;
    }
    ret[used] = '\0';
}

void form_mask(const char *key, const char *value, char *ret, size_t cap)
{
    const struct form_field *field = form_field(key);
    if (!field || !field->masked)
        snprintf(ret, cap, "%s", value);
    else if (strcmp(key, "delivery_address") == 0)
        stars(value, utf8_chars(value) > 6 ? 6 : 0, 0, ret, cap);
    else
        stars(value, 3, 4, ret, cap);
    utf8_scrub(ret);
}
