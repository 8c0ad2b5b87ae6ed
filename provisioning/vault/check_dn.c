/* The subject: the vault fills its own profile from the approved application and compares attribute by
 * attribute. */
#include "vault/check_rules.h"

#include <string.h>

#define VALUE_MAX 1024

/* What stands in braces in a profile's value. */
static const char *field_of(const struct application *app, const char *name, size_t len)
{
    const struct {
        const char *name, *value;
    } fields[] = {
        {"name", app->organisation.name},         {"identifier", app->organisation.identifier},
        {"country", app->organisation.country},   {"province", app->organisation.province},
        {"locality", app->organisation.locality}, {"id", app->id},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
            return fields[i].value;
    return NULL;
}

static bool append(char *dst, size_t *used, const char *text, size_t len)
{
    if (len >= VALUE_MAX - *used)
        return false;
    memcpy(dst + *used, text, len);
    *used += len;
    dst[*used] = '\0';
    return true;
}

/* False: an unknown field, a brace without its other, or too long. */
static bool expected_value(const char *template, const struct application *app, char dst[VALUE_MAX])
{
    size_t used = 0;
    dst[0] = '\0';
    while (*template != '\0') {
        const char *open = strchr(template, '{');
        size_t literal = open ? (size_t)(open - template) : strlen(template);
        if (!append(dst, &used, template, literal))
            return false;
        if (!open)
            return true;
        const char *close = strchr(open, '}');
        const char *value = close ? field_of(app, open + 1, (size_t)(close - open - 1)) : NULL;
        if (!value || !append(dst, &used, value, strlen(value)))
            return false;
        template = close + 1;
    }
    return true;
}

/* RFC 5280 appendix A: country, serialNumber and dnQualifier are PrintableString and nothing else; the others
 * are UTF8String here, which RFC 5280 4.1.2.4 demands of new certificates. */
static int string_type_of(int nid)
{
    return nid == NID_countryName || nid == NID_serialNumber || nid == NID_dnQualifier
               ? V_ASN1_PRINTABLESTRING
               : V_ASN1_UTF8STRING;
}

static int compare(const X509_NAME *name, int at, const char *attribute, const char *expected,
                   struct err *err)
{
    int nid = OBJ_sn2nid(attribute);
    if (at >= X509_NAME_entry_count(name))
        return err_set(err, ERR_REFUSED, "the subject lacks %s", attribute);
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, at);
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
    size_t len = strlen(expected);
    if (nid == NID_undef || OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != nid)
        return err_set(err, ERR_REFUSED, "attribute %d of the subject is not %s", at + 1, attribute);
    if (ASN1_STRING_type(value) != string_type_of(nid))
        return err_set(err, ERR_REFUSED, "%s of the subject is of the wrong string type", attribute);
    if (ASN1_STRING_length(value) != (int)len || memcmp(ASN1_STRING_get0_data(value), expected, len) != 0)
        return err_set(err, ERR_REFUSED, "%s of the subject is not what was approved", attribute);
    if (X509_NAME_ENTRY_set(entry) != at)
        return err_set(err, ERR_REFUSED, "%s of the subject shares an RDN with another attribute", attribute);
    return 0;
}

/* OpenSSL keeps the bytes of a name as they came, BER and empty RDNs too: written anew, they have to be the
 * same. */
static bool is_der(const X509_NAME *name)
{
    const uint8_t *found = NULL;
    uint8_t *right = NULL;
    size_t len = 0;
    X509_NAME *again = X509_NAME_new();
    bool ok = again != NULL;
    for (int i = 0; ok && i < X509_NAME_entry_count(name); i++)
        ok = X509_NAME_add_entry(again, X509_NAME_get_entry(name, i), -1, 0) == 1;
    int n = ok ? i2d_X509_NAME(again, &right) : -1;
    ok = n > 0 && right && X509_NAME_get0_der(name, &found, &len) == 1 && len == (size_t)n &&
         memcmp(found, right, len) == 0;
    OPENSSL_free(right);
    X509_NAME_free(again);
    return ok;
}

int check_subject(struct check *c, struct err *err)
{
    const X509_NAME *name = X509_get_subject_name(c->cert);
    char expected[VALUE_MAX];
    int at = 0;
    for (size_t i = 0; i < c->profile->n_rdns; i++) {
        const struct profile_rdn *rdn = &c->profile->rdns[i];
        if (!expected_value(rdn->value, &c->application, expected))
            return err_set(err, ERR_PROFILE, "profile %s: %s cannot be filled", c->profile->name,
                           rdn->attribute);
        if (expected[0] == '\0')
            continue;
        if (compare(name, at++, rdn->attribute, expected, err) != 0)
            return -1;
    }
    if (at == 0 || X509_NAME_entry_count(name) != at)
        return err_set(err, ERR_REFUSED, "the subject has %d attributes, %d were approved",
                       X509_NAME_entry_count(name), at);
    return is_der(name) ? 0 : err_set(err, ERR_REFUSED, "the subject is not in DER");
}
