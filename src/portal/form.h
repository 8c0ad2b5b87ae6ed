/* The application form: its fields as a table, what each may hold, and the application document that comes of
 * it. What an applicant typed is kept as it is, right or wrong, as a JSON object of strings {key: value}. */
#ifndef CASTATION_PORTAL_FORM_H
#define CASTATION_PORTAL_FORM_H

#include <jansson.h>

#include "base/text.h"
#include "base/conf.h"
#include "portal/account.h"

enum form_section {
    FORM_ORGANISATION,
    FORM_PEOPLE,
    FORM_MATERIALS,
    FORM_DELIVERY,
    FORM_CHECK,
    FORM_SECTION_COUNT
};
const char *form_section_name(enum form_section s);         /* "organisation" … "check": in the path */
enum form_section form_section_from_name(const char *name); /* …_COUNT when unknown */

/* X(key, section, label, required, group, max characters, masked, check) in form_field.def. `required`:
 * always, or only when another field has a value ("agent=yes"). Keys: authority_province, authority_city,
 * authority_district (division codes; province- and city-level authorities leave the rest empty),
 * authority_name; name, identifier; legal_representative; agent ("yes"/"no"), agent_name, agent_id_number,
 * agent_mobile; profile, validity_days; delivery_method ("mail"/"pickup"), delivery_name, delivery_phone,
 * delivery_province, delivery_city, delivery_district, delivery_address; pickup_point (service point) */
struct form_field {
    const char *key;
    enum form_section section;
    enum text_id label;
    const char *required; /* "" no, "always", "agent=yes", "delivery_method=mail" … */
    const char *group;    /* for reviewers: fields returned together; the key itself when alone */
    size_t max;           /* characters */
    bool masked;          /* ID numbers, phones, addresses */
};
extern const struct form_field form_fields[];
extern const size_t form_n_fields;
const struct form_field *form_field(const char *key); /* NULL when unknown */
bool form_field_needed(const struct form_field *field, const json_t *form);
/* "", "always" or "key=value", of fields and of kinds of materials. */
bool form_needs(const char *required, const json_t *form);

/* What an application's applicant typed. {} of an application that was imported: it has no form. The
 * caller's. */
int form_read(struct db *db, const char *application, json_t **ret, struct err *err);
/* The value of a key; "" when there is none. */
const char *form_value(const json_t *form, const char *key);
/* What is shown for a value: names of divisions, kinds, profiles and service points in words, the rest as it
 * is. */
int form_display(struct db *db, const json_t *form, const char *key, enum lang lang, char *ret, size_t cap,
                 struct err *err);

/* What the form may choose from; read from the database by form_world_read (its profiles are the
 * configuration's). */
struct form_world {
    const struct conf_strs *profiles;
    struct db *db;
    struct account_organisation organisation;
};
int form_world_read(struct db *db, const struct conf_strs *profiles, const char *organisation,
                    struct form_world *ret, struct err *err);
/* [{value, label}]: profiles that the price list has for this kind of organisation; validities of one of
 * them, with "fen"; service points that are open: {value, label, name, region, address, phone, hours}. */
int form_profiles(const struct form_world *world, enum lang lang, json_t **ret, struct err *err);
int form_validities(const struct form_world *world, const char *profile, enum lang lang, json_t **ret,
                    struct err *err);
int form_points(struct db *db, json_t **ret, struct err *err);
struct form_point {
    bool found, open;
    char name[401], place[1201], phone[65], hours[257];
};
/* One of them, also when it was closed since; found false: there is none. */
int form_point(struct db *db, const char *id, struct form_point *ret, struct err *err);
/* "1 year", "90 days" */
void form_validity_text(int64_t days, enum lang lang, char *ret, size_t cap);
/* "¥200.00", or "free of charge". */
void form_money(int64_t fen, enum lang lang, char *ret, size_t cap);
const char *form_profile_title(const char *profile,
                               enum lang lang); /* the name itself of one that is not shipped */

/* *ret_errors: {key: sentence in `lang`} of one section, or of all (FORM_SECTION_COUNT): {} when it may be
 * submitted. Materials that lack stand under "material_<kind>". */
int form_check(const json_t *form, enum form_section section, const struct form_world *world,
               const char *application, enum lang lang, json_t **ret_errors, struct err *err);
/* Warnings that refuse nothing: unknown USCC pair, …: an array of {key, text}. */
int form_warnings(const json_t *form, enum lang lang, json_t **ret, struct err *err);

/* The application document (domain/application.h) of a form that has no errors. DN: country CN and the
 * organisation's name alone; the authority's region is for review. */
int form_document(const json_t *form, const char *id, const struct form_world *world, json_t **ret,
                  struct err *err);

/* What reviewers decide about: SHA-256 over the canonical form and every material's kind and SHA-256. */
int form_review_sha256(struct db *db, const char *application, char ret[SHA256_HEX_SIZE], struct err *err);

/* Last digits and first of an ID number or a phone, stars between; of an address, the first six characters.
 */
void form_mask(const char *key, const char *value, char *ret, size_t cap);

/* Administrative divisions (regions.c over a generated table; GB/T 2260 codes): provinces when `code` is "",
 * otherwise what is under it. [{code, name}] */
int regions_under(const char *code, json_t **ret, struct err *err);
/* "浙江省杭州市西湖区" of the deepest code given; "" when unknown. */
void regions_name(const char *province, const char *city, const char *district, char ret[128]);
bool regions_known(const char *province, const char *city, const char *district);

#endif
