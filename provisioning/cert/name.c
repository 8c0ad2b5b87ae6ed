#include "cert/name.h"

#include <string.h>

#include <openssl/err.h>

#include "cert/parse.h"
#include "cert/profile_rules.h"
#include "domain/plain_text.h"

#define VALUE_SIZE 1024

/* The value of a field in braces; NULL when there is no such field. */
static const char *field_value(const struct application *app, const char *field, size_t len)
{
    const struct {
        const char *name, *value;
    } fields[] = {
        {"name", app->organisation.name},         {"identifier", app->organisation.identifier},
        {"country", app->organisation.country},   {"province", app->organisation.province},
        {"locality", app->organisation.locality}, {"id", app->id},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strlen(fields[i].name) == len && strncmp(fields[i].name, field, len) == 0)
            return fields[i].value;
    return NULL;
}

/* Fill the braces of a template. ERR_PROFILE when it is malformed or the result is longer than `cap`. */
static int fill(const char *template, const struct application *app, char *ret, size_t cap, struct err *err)
{
    const char *fault = name_value_fault(template);
    if (fault)
        return err_set(err, ERR_PROFILE, "\"%s\" %s", template, fault);
    size_t used = 0;
    for (const char *p = template; *p;) {
        size_t len = strcspn(p, "{"), skip = len;
        const char *piece = p;
        if (len == 0) {
            size_t field = strcspn(p + 1, "}");
            piece = field_value(app, p + 1, field);
            if (!piece)
                return err_set(err, ERR_PROFILE, "\"%s\" names a field that has no value", template);
            len = strlen(piece);
            skip = field + 2;
        }
        if (len >= cap - used)
            return err_set(err, ERR_PROFILE, "\"%s\" becomes longer than %zu bytes", template, cap - 1);
        memcpy(ret + used, piece, len);
        used += len;
        p += skip;
    }
    ret[used] = '\0';
    return 0;
}

/* The same rule for each string of a name, wherever it came from: a literal of the profile counts too. */
static int check_value(const struct name_attribute *attribute, const char *value, struct err *err)
{
    if (plain_text_check(value, attribute->max_chars, err) != 0)
        return -1;
    if (attribute->string_type != V_ASN1_PRINTABLESTRING)
        return 0;
    if (ASN1_PRINTABLE_type((const unsigned char *)value, -1) != V_ASN1_PRINTABLESTRING)
        return err_set(err, ERR_FIELD, "it has a character that no PrintableString has");
    return 0;
}

static int add_rdn(X509_NAME *name, const struct profile_rdn *rdn, const struct application *app,
                   struct err *err)
{
    char value[VALUE_SIZE];
    const struct name_attribute *attribute = name_attribute_find(rdn->attribute);
    if (!attribute)
        return err_set(err, ERR_PROFILE, "%s is no attribute of a name that is known here", rdn->attribute);
    if (fill(rdn->value, app, value, sizeof(value), err) != 0)
        return -1;
    if (!*value)
        return 0;
    if (check_value(attribute, value, err) != 0)
        return -1;
    if (!X509_NAME_add_entry_by_NID(name, attribute->nid, attribute->string_type,
                                    (const unsigned char *)value, -1, -1, 0)) {
        ERR_clear_error();
        return err_set(err, ERR_MEMORY, "it cannot be added to the name");
    }
    return 0;
}

X509_NAME *name_build(const struct profile *profile, const struct application *app, struct err *err)
{
    X509_NAME *name = X509_NAME_new();
    if (!name) {
        err_set(err, ERR_MEMORY, "subject");
        return NULL;
    }
    for (size_t i = 0; i < profile->n_rdns; i++)
        if (add_rdn(name, &profile->rdns[i], app, err) != 0) {
            err_prepend(err, "subject: %s", profile->rdns[i].attribute);
            goto fail;
        }
    if (X509_NAME_entry_count(name) > 0)
        return name;
    err_set(err, ERR_PROFILE, "subject: it would be empty");
fail:
    X509_NAME_free(name);
    return NULL;
}

int cert_subject(const struct profile *profile, const struct application *app, struct buf *ret_der,
                 struct err *err)
{
    X509_NAME *name = name_build(profile, app, err);
    if (!name)
        return -1;
    int rc = put_item(name, X509_NAME, ret_der, err);
    X509_NAME_free(name);
    return rc;
}
