#include "cert/profile_rules.h"

#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* X.520 gives country and serial number no choice but PrintableString; RFC 5280 4.1.2.4 wants UTF8String
 * elsewhere. */
static const struct name_attribute ATTRIBUTES[] = {
    {"C", NID_countryName, V_ASN1_PRINTABLESTRING, 2},
    {"ST", NID_stateOrProvinceName, V_ASN1_UTF8STRING, 128},
    {"L", NID_localityName, V_ASN1_UTF8STRING, 128},
    {"street", NID_streetAddress, V_ASN1_UTF8STRING, 128},
    {"O", NID_organizationName, V_ASN1_UTF8STRING, 64},
    {"OU", NID_organizationalUnitName, V_ASN1_UTF8STRING, 64},
    {"CN", NID_commonName, V_ASN1_UTF8STRING, 64},
    {"title", NID_title, V_ASN1_UTF8STRING, 64},
    {"serialNumber", NID_serialNumber, V_ASN1_PRINTABLESTRING, 64},
    {"organizationIdentifier", NID_organizationIdentifier, V_ASN1_UTF8STRING, 64},
};

/* keyCertSign and cRLSign are missing on purpose: what this station makes is never a CA. */
static const struct {
    const char *name;
    uint32_t bit;
} USAGES[] = {
    {"digitalSignature", X509v3_KU_DIGITAL_SIGNATURE}, {"nonRepudiation", X509v3_KU_NON_REPUDIATION},
    {"keyEncipherment", X509v3_KU_KEY_ENCIPHERMENT},   {"dataEncipherment", X509v3_KU_DATA_ENCIPHERMENT},
    {"keyAgreement", X509v3_KU_KEY_AGREEMENT},
};

static const char *const FIELDS[] = {
#define F(field) #field,
    NAME_FIELDS(F)
#undef F
};

const struct name_attribute *name_attribute_find(const char *name)
{
    for (size_t i = 0; i < COUNT(ATTRIBUTES); i++)
        if (strcmp(ATTRIBUTES[i].name, name) == 0)
            return &ATTRIBUTES[i];
    return NULL;
}

const struct name_attribute *name_attribute_of(const ASN1_OBJECT *object)
{
    int nid = OBJ_obj2nid(object);
    for (size_t i = 0; i < COUNT(ATTRIBUTES); i++)
        if (ATTRIBUTES[i].nid == nid)
            return &ATTRIBUTES[i];
    return NULL;
}

uint32_t key_usage_bit(const char *name)
{
    for (size_t i = 0; i < COUNT(USAGES); i++)
        if (strcmp(USAGES[i].name, name) == 0)
            return USAGES[i].bit;
    return 0;
}

bool key_type_is_ec(enum key_type type)
{
    return type == KEY_P256 || type == KEY_P384;
}

const char *key_usage_fault(enum key_type type, uint32_t usage)
{
    if (usage == 0)
        return "a certificate must allow some use of its key";
    if (key_type_is_ec(type) && (usage & (X509v3_KU_KEY_ENCIPHERMENT | X509v3_KU_DATA_ENCIPHERMENT)))
        return "an EC key cannot encipher: keyEncipherment and dataEncipherment are for RSA";
    if (!key_type_is_ec(type) && (usage & X509v3_KU_KEY_AGREEMENT))
        return "an RSA key agrees on nothing: keyAgreement is for EC";
    return NULL;
}

/* OpenSSL lets "1.3.6." and the like pass: what does not come out as it went in was no OID. */
static bool is_dotted_form(const ASN1_OBJECT *object, const char *text)
{
    char dotted[128];
    int n = OBJ_obj2txt(dotted, sizeof(dotted), object, 1);
    return n > 0 && (size_t)n < sizeof(dotted) && strcmp(dotted, text) == 0;
}

ASN1_OBJECT *oid_parse(const char *text, bool names)
{
    bool dotted = *text && strspn(text, "0123456789.") == strlen(text);
    ASN1_OBJECT *object = dotted || names ? OBJ_txt2obj(text, dotted ? 1 : 0) : NULL;
    ERR_clear_error();
    if (object && dotted && !is_dotted_form(object, text)) {
        ASN1_OBJECT_free(object);
        object = NULL;
    }
    return object;
}

/* "1.3.6.1.5.5.7.3.2" or a name of an extended key usage. */
static bool extended_key_usage_known(const char *text)
{
    static const char *const ARCS[] = {"1.3.6.1.5.5.7.3.", "1.3.6.1.4.1.311."}; /* id-kp, Microsoft's */
    ASN1_OBJECT *object = oid_parse(text, false);
    if (object) {
        ASN1_OBJECT_free(object);
        return true;
    }
    object = oid_parse(text, true);
    char dotted[64] = "";
    if (object)
        OBJ_obj2txt(dotted, sizeof(dotted), object, 1);
    ASN1_OBJECT_free(object);
    for (size_t i = 0; i < COUNT(ARCS); i++)
        if (strncmp(dotted, ARCS[i], strlen(ARCS[i])) == 0)
            return true;
    return false;
}

static bool field_known(const char *field, size_t len)
{
    for (size_t i = 0; i < COUNT(FIELDS); i++)
        if (strlen(FIELDS[i]) == len && strncmp(FIELDS[i], field, len) == 0)
            return true;
    return false;
}

const char *name_value_fault(const char *value)
{
    if (!*value)
        return "is empty";
    for (const char *p = value; *p; p++) {
        if (*p == '}')
            return "has a } without a {";
        if (*p != '{')
            continue;
        size_t len = strcspn(p + 1, "{}");
        if (p[1 + len] != '}')
            return "has a { without a }";
        if (!field_known(p + 1, len))
            return "names an unknown field; known are {name} {identifier} {country} {province} {locality} "
                   "{id}";
        p += 1 + len;
    }
    return NULL;
}

/* ---- a whole profile --------------------------------------------------------------------------- */

static bool is_country(const char *value)
{
    return strcmp(value, "{country}") == 0 ||
           (strlen(value) == 2 && strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2);
}

static int check_rdns(const struct profile *p, const char **ret_key, struct err *err)
{
    *ret_key = "subject";
    bool names_it = false;
    for (size_t i = 0; i < p->n_rdns; i++) {
        const char *attribute = p->rdns[i].attribute, *value = p->rdns[i].value;
        const char *fault = name_value_fault(value);
        if (!name_attribute_find(attribute))
            return err_set(err, ERR_CONFIG, "element %zu: %s is no attribute of a name that is known here", i,
                           attribute);
        if (fault)
            return err_set(err, ERR_CONFIG, "element %zu: the value of %s %s", i, attribute, fault);
        if (strcmp(attribute, "C") == 0 && !is_country(value))
            return err_set(err, ERR_CONFIG, "element %zu: C must be {country} or two upper-case letters", i);
        for (size_t j = 0; j < i; j++)
            if (strcmp(attribute, p->rdns[j].attribute) == 0 && strcmp(attribute, "OU") != 0)
                return err_set(err, ERR_CONFIG, "element %zu: %s is there twice", i, attribute);
        names_it |= strstr(value, "{name}") != NULL;
    }
    return names_it
               ? 0
               : err_set(err, ERR_CONFIG, "{name} stands nowhere: all certificates would be of one name");
}

/* By name or by number. */
static bool same_usage(const char *a, const char *b)
{
    ASN1_OBJECT *x = oid_parse(a, true), *y = oid_parse(b, true);
    bool same = x && y && OBJ_cmp(x, y) == 0;
    ASN1_OBJECT_free(x);
    ASN1_OBJECT_free(y);
    return same;
}

static int check_usages(const struct profile *p, const char **ret_key, struct err *err)
{
    *ret_key = "key_usage";
    const char *fault = key_usage_fault(p->key_type, p->key_usage);
    if (fault)
        return err_set(err, ERR_CONFIG, "%s", fault);
    *ret_key = "extended_key_usage";
    for (size_t i = 0; i < p->n_extended_key_usage; i++) {
        if (!extended_key_usage_known(p->extended_key_usage[i]))
            return err_set(err, ERR_CONFIG, "%s is no extended key usage", p->extended_key_usage[i]);
        for (size_t j = 0; j < i; j++)
            if (same_usage(p->extended_key_usage[i], p->extended_key_usage[j]))
                return err_set(err, ERR_CONFIG, "%s is there twice", p->extended_key_usage[i]);
    }
    return 0;
}

static int check_oid(const char *text, struct err *err)
{
    ASN1_OBJECT *object = oid_parse(text, false);
    int nid = object ? OBJ_obj2nid(object) : NID_undef;
    ASN1_OBJECT_free(object);
    if (!object)
        return err_set(err, ERR_CONFIG, "%s is no OID in dotted form", text);
    /* A standard extension's OID here would make a second extension of that kind, or a false one. */
    if (nid != NID_undef && X509V3_EXT_get_nid(nid))
        return err_set(err, ERR_CONFIG, "%s belongs to a standard extension", text);
    return 0;
}

static int check_oids(const struct profile *p, const char **ret_key, struct err *err)
{
    *ret_key = "uscc_oid";
    if (p->uscc_oid[0] && check_oid(p->uscc_oid, err) != 0)
        return -1;
    *ret_key = "policies";
    for (size_t i = 0; i < p->n_policies; i++) {
        if (check_oid(p->policies[i], err) != 0)
            return -1;
        for (size_t j = 0; j < i; j++)
            if (strcmp(p->policies[i], p->policies[j]) == 0)
                return err_set(err, ERR_CONFIG, "%s is there twice", p->policies[i]);
    }
    return 0;
}

static int check_url(const char *url, struct err *err)
{
    size_t scheme = strncasecmp(url, "http://", 7) == 0 ? 7 : strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c > '~')
            return err_set(err, ERR_CONFIG, "%s has a character that no URL has", url);
    if (scheme == 0 || url[scheme] == '\0')
        return err_set(err, ERR_CONFIG, "%s is no http:// or https:// URL", url);
    return 0;
}

static int check_urls(const struct profile *p, const char **ret_key, struct err *err)
{
    const struct {
        const char *key;
        const char (*urls)[256];
        size_t n;
    } lists[] = {{"crl_urls", p->crl_urls, p->n_crl_urls},
                 {"aia_issuer_urls", p->aia_issuer_urls, p->n_aia_issuer_urls},
                 {"aia_ocsp_urls", p->aia_ocsp_urls, p->n_aia_ocsp_urls}};
    for (size_t l = 0; l < COUNT(lists); l++) {
        *ret_key = lists[l].key;
        for (size_t i = 0; i < lists[l].n; i++)
            if (check_url(lists[l].urls[i], err) != 0)
                return -1;
    }
    return 0;
}

int profile_check(const struct profile *p, const char **ret_key, struct err *err)
{
    *ret_key = "key_type";
    if (p->key_type == KEY_NONE || p->key_type >= KEY_TYPE_COUNT)
        return err_set(err, ERR_CONFIG, "must be P-256, P-384, RSA-2048, RSA-3072 or RSA-4096");
    *ret_key = "validity_days";
    if (p->validity_days > p->validity_days_max)
        return err_set(err, ERR_CONFIG, "%lld is over validity_days_max, %lld", (long long)p->validity_days,
                       (long long)p->validity_days_max);
    if (check_rdns(p, ret_key, err) != 0 || check_usages(p, ret_key, err) != 0 ||
        check_oids(p, ret_key, err) != 0)
        return -1;
    return check_urls(p, ret_key, err);
}
