/* The application document of a form, and the hash that reviewers decide about. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "domain/application.h"
#include "portal/form.h"
#include "store/portal_store.h"

/* Take `value` over under `key`; both may be NULL (out of memory), which the caller sees in the end. */
static void put(json_t *object, const char *key, json_t *value, bool *ret_failed)
{
    *ret_failed |= json_object_set_new(object, key, value) != 0;
}

static json_t *region_of(const json_t *form, const char *province, const char *city, const char *district)
{
    char name[128];
    regions_name(form_value(form, province), form_value(form, city), form_value(form, district), name);
    return json_string(name);
}

static json_t *organisation(const json_t *form)
{
    const char *identifier = form_value(form, "identifier");
    enum identifier_kind kind = strncmp(identifier, "zcy", 3) == 0 ? IDENTIFIER_INTERNAL : IDENTIFIER_USCC;
    return json_pack("{s:s,s:s,s:s,s:s}", "name", form_value(form, "name"), "identifier_kind",
                     identifier_kind_name(kind), "identifier", identifier, "country", "CN");
}

static json_t *mail(const json_t *form)
{
    return json_pack("{s:s,s:s,s:s,s:o,s:s}", "method", "mail", "name", form_value(form, "delivery_name"),
                     "phone", form_value(form, "delivery_phone"), "region",
                     region_of(form, "delivery_province", "delivery_city", "delivery_district"), "address",
                     form_value(form, "delivery_address"));
}

static int delivery(const json_t *form, const struct form_world *world, json_t **ret, struct err *err)
{
    struct form_point point = {0};
    bool pickup = strcmp(form_value(form, "delivery_method"), "pickup") == 0;
    if (pickup && form_point(world->db, form_value(form, "pickup_point"), &point, err) != 0)
        return -1;
    *ret = pickup ? json_pack("{s:s,s:s}", "method", "pickup", "point", point.name) : mail(form);
    return *ret ? 0 : err_set(err, ERR_MEMORY, "application document");
}

int form_document(const json_t *form, const char *id, const struct form_world *world, json_t **ret,
                  struct err *err)
{
    json_t *document = json_object(), *to = NULL, *authority = json_object();
    bool failed = !document || !authority;
    if (delivery(form, world, &to, err) != 0) {
        json_decref(document);
        json_decref(authority);
        return -1;
    }
    put(authority, "region", region_of(form, "authority_province", "authority_city", "authority_district"),
        &failed);
    put(authority, "name", json_string(form_value(form, "authority_name")), &failed);
    put(document, "id", json_string(id), &failed);
    put(document, "organisation", organisation(form), &failed);
    put(document, "registration_authority", authority, &failed);
    put(document, "profile", json_string(form_value(form, "profile")), &failed);
    put(document, "validity_days", json_integer(strtoll(form_value(form, "validity_days"), NULL, 10)),
        &failed);
    put(document, "delivery", to, &failed);
    if (failed) {
        json_decref(document);
        return err_set(err, ERR_MEMORY, "application document of %s", id);
    }
    *ret = document;
    return 0;
}

/* [["kind", "sha256"], …] in an order that does not depend on when they were uploaded. */
static int materials(struct db *db, const char *application, json_t *into, struct err *err)
{
    struct db_rows *rows = NULL;
    int r = db_query(db, PSQL_MATERIAL_HASHES, DB_ARGS(DB_TEXT(application)), &rows, err) == 0 ? 1 : -1;
    while (r == 1 && (r = db_next(rows, err)) == 1)
        if (json_array_append_new(into, json_pack("[s,s]", db_col_text(rows, 0), db_col_text(rows, 1))) != 0)
            r = err_set(err, ERR_MEMORY, "materials of %s", application);
    db_rows_free(&rows);
    return r;
}

int form_review_sha256(struct db *db, const char *application, char ret[SHA256_HEX_SIZE], struct err *err)
{
    json_t *form = NULL, *content = NULL, *list = json_array();
    struct buf b;
    buf_init(&b);
    int rc = list ? form_read(db, application, &form, err) : err_set(err, ERR_MEMORY, "review hash");
    if (rc == 0)
        rc = materials(db, application, list, err);
    if (rc == 0 && !(content = json_pack("{s:O,s:O}", "form", form, "materials", list)))
        rc = err_set(err, ERR_MEMORY, "review hash");
    if (rc == 0 && (rc = json_canonical(content, &b, err)) == 0)
        sha256_hex(b.data, b.len, ret);
    json_decref(content);
    json_decref(form);
    json_decref(list);
    buf_done(&b);
    return rc;
}
