/* What the form may choose from, and the words for what was chosen. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/form.h"
#include "store/portal_store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *name;
    enum text_id title;
} PROFILES[] = {
    {"org-sign-p256", TEXT_PROFILE_P256},
    {"org-sign-p384", TEXT_PROFILE_P384},
    {"org-sign-rsa2048", TEXT_PROFILE_RSA2048},
    {"org-sign-rsa3072", TEXT_PROFILE_RSA3072},
};

const char *form_profile_title(const char *profile, enum lang lang)
{
    for (size_t i = 0; i < COUNT(PROFILES); i++)
        if (strcmp(profile, PROFILES[i].name) == 0)
            return text(PROFILES[i].title, lang);
    return profile;
}

int form_world_read(struct db *db, const struct conf_strs *profiles, const char *organisation,
                    struct form_world *ret, struct err *err)
{
    struct form_world world = {.profiles = profiles, .db = db};
    if (account_organisation_get(db, organisation, &world.organisation, err) != 0)
        return -1;
    *ret = world;
    return 0;
}

static bool offered(const struct conf_strs *profiles, const char *name)
{
    for (size_t i = 0; i < profiles->n; i++)
        if (strcmp(profiles->items[i], name) == 0)
            return true;
    return false;
}

/* "2 年", or "90 天" when it is no whole number of years. */
void form_validity_text(int64_t days, enum lang lang, char *ret, size_t cap)
{
    bool years = days > 0 && days % 365 == 0;
    const char *pattern = text(!years        ? TEXT_FORM_DAYS
                               : days == 365 ? TEXT_FORM_YEAR
                                             : TEXT_FORM_YEARS,
                               lang);
    const char *open = strchr(pattern, '{'), *close = strchr(pattern, '}');
    if (!open || !close)
        open = close = pattern + strlen(pattern) - 1;
    snprintf(ret, cap, "%.*s%" PRId64 "%s", (int)(open - pattern), pattern, years ? days / 365 : days,
             close + 1);
}

void form_money(int64_t fen, enum lang lang, char *ret, size_t cap)
{
    if (fen == 0)
        snprintf(ret, cap, "%s", text(TEXT_FORM_FREE, lang));
    else
        snprintf(ret, cap, "¥%" PRId64 ".%02" PRId64, fen / 100, fen % 100);
}

/* The price list of this kind of organisation, row by row. */
typedef int each_price(json_t *list, const char *profile, int64_t days, int64_t fen, const void *arg,
                       enum lang lang);

static int prices(const struct form_world *world, each_price *each, const void *arg, enum lang lang,
                  json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r = list ? 1 : err_set(err, ERR_MEMORY, "price list");
    if (r == 1 &&
        db_query(world->db, PSQL_FORM_PRICES,
                 DB_ARGS(DB_TEXT(organisation_kind_name(world->organisation.kind))), &rows, err) != 0)
        r = -1;
    while (r == 1 && (r = db_next(rows, err)) == 1)
        if (offered(world->profiles, db_col_text(rows, 0)) &&
            each(list, db_col_text(rows, 0), db_col_int(rows, 1), db_col_int(rows, 2), arg, lang) != 0)
            r = err_set(err, ERR_MEMORY, "price list");
    db_rows_free(&rows);
    if (r != 0) {
        json_decref(list);
        return -1;
    }
    *ret = list;
    return 0;
}

/* A profile once, though it has several validities: they stand together. */
static int put_profile(json_t *list, const char *profile, int64_t days, int64_t fen, const void *arg,
                       enum lang lang)
{
    (void)days, (void)fen, (void)arg;
    const json_t *last = json_array_get(list, json_array_size(list) - 1);
    const char *before = json_string_value(json_object_get(last, "value"));
    if (before && strcmp(before, profile) == 0)
        return 0;
    return json_array_append_new(
        list, json_pack("{s:s,s:s}", "value", profile, "label", form_profile_title(profile, lang)));
}

static int put_validity(json_t *list, const char *profile, int64_t days, int64_t fen, const void *arg,
                        enum lang lang)
{
    char value[24], words[48], money[48], label[128];
    if (strcmp(profile, arg) != 0)
        return 0;
    snprintf(value, sizeof(value), "%" PRId64, days);
    form_validity_text(days, lang, words, sizeof(words));
    form_money(fen, lang, money, sizeof(money));
    snprintf(label, sizeof(label), "%s（%s）", words, money);
    if (lang == LANG_EN)
        snprintf(label, sizeof(label), "%s (%s)", words, money);
    return json_array_append_new(
        list, json_pack("{s:s,s:s,s:I}", "value", value, "label", label, "fen", (json_int_t)fen));
}

int form_profiles(const struct form_world *world, enum lang lang, json_t **ret, struct err *err)
{
    return prices(world, put_profile, NULL, lang, ret, err);
}

int form_validities(const struct form_world *world, const char *profile, enum lang lang, json_t **ret,
                    struct err *err)
{
    return prices(world, put_validity, profile, lang, ret, err);
}

static json_t *point(struct db_rows *rows)
{
    char label[700];
    snprintf(label, sizeof(label), "%s · %s%s", db_col_text(rows, 1), db_col_text(rows, 2),
             db_col_text(rows, 3));
    utf8_scrub(label);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "value", db_col_text(rows, 0), "label", label, "name",
                     db_col_text(rows, 1), "region", db_col_text(rows, 2), "address", db_col_text(rows, 3),
                     "phone", db_col_text(rows, 4), "hours", db_col_text(rows, 5));
}

int form_points(struct db *db, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r = list ? 1 : err_set(err, ERR_MEMORY, "service points");
    if (r == 1 && db_query(db, PSQL_FORM_POINTS, DB_NO_ARGS, &rows, err) != 0)
        r = -1;
    while (r == 1 && (r = db_next(rows, err)) == 1)
        if (json_array_append_new(list, point(rows)) != 0)
            r = err_set(err, ERR_MEMORY, "service points");
    db_rows_free(&rows);
    if (r != 0) {
        json_decref(list);
        return -1;
    }
    *ret = list;
    return 0;
}

int form_point(struct db *db, const char *id, struct form_point *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_FORM_POINT, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    *ret = (struct form_point){0};
    if (r == 1) {
        ret->found = true;
        ret->open = db_col_int(rows, 5) == 0;
        snprintf(ret->name, sizeof(ret->name), "%s", db_col_text(rows, 0));
        snprintf(ret->place, sizeof(ret->place), "%s%s", db_col_text(rows, 1), db_col_text(rows, 2));
        snprintf(ret->phone, sizeof(ret->phone), "%s", db_col_text(rows, 3));
        snprintf(ret->hours, sizeof(ret->hours), "%s", db_col_text(rows, 4));
        utf8_scrub(ret->name);
        utf8_scrub(ret->place);
    }
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

/* ---- values in words */

/* One division's own name: its province and city stand in other fields. */
static void region_text(const json_t *form, const char *key, char *ret, size_t cap)
{
    char prefix[24], province[40], city[40], name[128];
    snprintf(prefix, sizeof(prefix), "%.*s", (int)strcspn(key, "_"), key);
    snprintf(province, sizeof(province), "%s_province", prefix);
    snprintf(city, sizeof(city), "%s_city", prefix);
    bool is_province = strcmp(key, province) == 0, is_city = strcmp(key, city) == 0;
    char district[40];
    snprintf(district, sizeof(district), "%s_district", prefix);
    regions_name(form_value(form, province), is_province ? "" : form_value(form, city),
                 is_province || is_city ? "" : form_value(form, district), name);
    snprintf(ret, cap, "%s", name[0] ? name : form_value(form, key));
}

static const struct {
    const char *key, *value;
    enum text_id title;
} WORDS[] = {
    {"agent", "yes", TEXT_FORM_YES},
    {"agent", "no", TEXT_FORM_NO},
    {"delivery_method", "mail", TEXT_FORM_MAIL},
    {"delivery_method", "pickup", TEXT_FORM_PICKUP},
};

int form_display(struct db *db, const json_t *form, const char *key, enum lang lang, char *ret, size_t cap,
                 struct err *err)
{
    const char *value = form_value(form, key);
    snprintf(ret, cap, "%s", value);
    utf8_scrub(ret);
    for (size_t i = 0; i < COUNT(WORDS); i++)
        if (strcmp(key, WORDS[i].key) == 0 && strcmp(value, WORDS[i].value) == 0)
            snprintf(ret, cap, "%s", text(WORDS[i].title, lang));
    if (!*value)
        return 0;
    if (strstr(key, "_province") || strstr(key, "_city") || strstr(key, "_district"))
        region_text(form, key, ret, cap);
    else if (strcmp(key, "profile") == 0)
        snprintf(ret, cap, "%s", form_profile_title(value, lang));
    else if (strcmp(key, "validity_days") == 0 && strspn(value, "0123456789") == strlen(value))
        form_validity_text(strtoll(value, NULL, 10), lang, ret, cap);
    else if (strcmp(key, "pickup_point") == 0) {
        struct form_point p;
        if (form_point(db, value, &p, err) != 0)
            return -1;
        if (p.found)
            snprintf(ret, cap, "%s · %s", p.name, p.place);
    }
    utf8_scrub(ret);
    return 0;
}
