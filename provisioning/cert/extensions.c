#include "cert/extensions.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "cert/parse.h"
#include "cert/profile_rules.h"

struct source {
    X509 *cert, *ca;
    const struct profile *profile;
    const struct application *app;
};

/* Encode `value` as the extension `nid` and add it; `value` stays the caller's. NULL: want of memory before.
 */
static int add(X509 *cert, int nid, bool critical, void *value, struct err *err)
{
    X509_EXTENSION *extension = value ? X509V3_EXT_i2d(nid, critical, value) : NULL;
    bool good = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    ERR_clear_error();
    return good ? 0 : err_set(err, ERR_MEMORY, "extension %s", OBJ_nid2sn(nid));
}

static int add_basic_constraints(const struct source *s, struct err *err)
{
    BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new(); /* cA is FALSE, the default: an empty SEQUENCE */
    int rc = add(s->cert, NID_basic_constraints, true, bc, err);
    BASIC_CONSTRAINTS_free(bc);
    return rc;
}

/* X509v3_KU_DIGITAL_SIGNATURE (0x80) is bit 0 of the BIT STRING. The five usages a profile can name are in
 * one octet. */
static int add_key_usage(const struct source *s, struct err *err)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool good = bits != NULL;
    for (int bit = 0; good && bit < 8; bit++)
        if (s->profile->key_usage & (0x80u >> bit))
            good = ASN1_BIT_STRING_set_bit(bits, bit, 1);
    int rc =
        good ? add(s->cert, NID_key_usage, true, bits, err) : err_set(err, ERR_MEMORY, "extension keyUsage");
    ASN1_BIT_STRING_free(bits);
    return rc;
}

static int add_extended_key_usage(const struct source *s, struct err *err)
{
    if (s->profile->n_extended_key_usage == 0)
        return 0;
    EXTENDED_KEY_USAGE *list = sk_ASN1_OBJECT_new_null();
    int rc = list ? 0 : err_set(err, ERR_MEMORY, "extension extendedKeyUsage");
    for (size_t i = 0; rc == 0 && i < s->profile->n_extended_key_usage; i++) {
        ASN1_OBJECT *usage = oid_parse(s->profile->extended_key_usage[i], true);
        if (!usage || !sk_ASN1_OBJECT_push(list, usage)) {
            ASN1_OBJECT_free(usage);
            rc = err_set(err, ERR_PROFILE, "%s is no extended key usage", s->profile->extended_key_usage[i]);
        }
    }
    if (rc == 0)
        rc = add(s->cert, NID_ext_key_usage, false, list, err);
    sk_ASN1_OBJECT_pop_free(list, ASN1_OBJECT_free);
    return rc;
}

/* RFC 5280 4.2.1.2 method 1, the same bytes that become the key's CKA_ID on the token. */
static int add_subject_key_id(const struct source *s, struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    int rc = -1;
    if (id && X509_pubkey_digest(s->cert, EVP_sha1(), digest, &n) &&
        ASN1_OCTET_STRING_set(id, digest, (int)n))
        rc = add(s->cert, NID_subject_key_identifier, false, id, err);
    else
        err_set(err, ERR_MEMORY, "extension subjectKeyIdentifier");
    ASN1_OCTET_STRING_free(id);
    return rc;
}

static int add_authority_key_id(const struct source *s, struct err *err)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(s->ca);
    if (!id)
        return err_set(err, ERR_CERT_LINT, "the CA certificate has no subject key identifier");
    AUTHORITY_KEYID *akid = AUTHORITY_KEYID_new();
    int rc = -1;
    if (akid && (akid->keyid = ASN1_OCTET_STRING_dup(id)) != NULL)
        rc = add(s->cert, NID_authority_key_identifier, false, akid, err);
    else
        err_set(err, ERR_MEMORY, "extension authorityKeyIdentifier");
    AUTHORITY_KEYID_free(akid);
    return rc;
}

static int add_policies(const struct source *s, struct err *err)
{
    if (s->profile->n_policies == 0)
        return 0;
    CERTIFICATEPOLICIES *list = sk_POLICYINFO_new_null();
    int rc = list ? 0 : err_set(err, ERR_MEMORY, "extension certificatePolicies");
    for (size_t i = 0; rc == 0 && i < s->profile->n_policies; i++) {
        POLICYINFO *info = POLICYINFO_new();
        ASN1_OBJECT *policy = oid_parse(s->profile->policies[i], false);
        if (info && policy) {
            ASN1_OBJECT_free(info->policyid);
            info->policyid = policy;
            policy = NULL;
        }
        if (!info || !info->policyid || !sk_POLICYINFO_push(list, info)) {
            POLICYINFO_free(info);
            rc = err_set(err, ERR_PROFILE, "%s is no OID", s->profile->policies[i]);
        }
        ASN1_OBJECT_free(policy);
    }
    if (rc == 0)
        rc = add(s->cert, NID_certificate_policies, false, list, err);
    sk_POLICYINFO_pop_free(list, POLICYINFO_free);
    return rc;
}

static GENERAL_NAME *new_url(const char *url)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (name && text && ASN1_STRING_set(text, url, -1)) {
        GENERAL_NAME_set0_value(name, GEN_URI, text);
        return name;
    }
    GENERAL_NAME_free(name);
    ASN1_IA5STRING_free(text);
    return NULL;
}

/* One DistributionPoint a URL: each is a whole CRL of the CA. */
static DIST_POINT *new_distribution_point(const char *url)
{
    DIST_POINT *point = DIST_POINT_new();
    GENERAL_NAME *name = new_url(url);
    if (!point || !name || !(point->distpoint = DIST_POINT_NAME_new()) ||
        !(point->distpoint->name.fullname = GENERAL_NAMES_new()) ||
        !sk_GENERAL_NAME_push(point->distpoint->name.fullname, name)) {
        GENERAL_NAME_free(name);
        DIST_POINT_free(point);
        return NULL;
    }
    point->distpoint->type = 0; /* fullName */
    return point;
}

static int add_crl_urls(const struct source *s, struct err *err)
{
    if (s->profile->n_crl_urls == 0)
        return 0;
    CRL_DIST_POINTS *list = sk_DIST_POINT_new_null();
    int rc = list ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < s->profile->n_crl_urls; i++) {
        DIST_POINT *point = new_distribution_point(s->profile->crl_urls[i]);
        if (!point || !sk_DIST_POINT_push(list, point)) {
            DIST_POINT_free(point);
            rc = -1;
        }
    }
    rc = rc == 0 ? add(s->cert, NID_crl_distribution_points, false, list, err)
                 : err_set(err, ERR_MEMORY, "extension cRLDistributionPoints");
    sk_DIST_POINT_pop_free(list, DIST_POINT_free);
    return rc;
}

static bool push_access(AUTHORITY_INFO_ACCESS *list, int method, const char *url)
{
    ACCESS_DESCRIPTION *access = ACCESS_DESCRIPTION_new();
    GENERAL_NAME *name = new_url(url);
    if (access && name) {
        ASN1_OBJECT_free(access->method);
        GENERAL_NAME_free(access->location);
        access->method = OBJ_nid2obj(method);
        access->location = name;
        if (sk_ACCESS_DESCRIPTION_push(list, access))
            return true;
        name = NULL;
    }
    GENERAL_NAME_free(name);
    ACCESS_DESCRIPTION_free(access);
    return false;
}

static int add_authority_info(const struct source *s, struct err *err)
{
    const struct profile *p = s->profile;
    if (p->n_aia_ocsp_urls + p->n_aia_issuer_urls == 0)
        return 0;
    AUTHORITY_INFO_ACCESS *list = sk_ACCESS_DESCRIPTION_new_null();
    bool good = list != NULL;
    for (size_t i = 0; good && i < p->n_aia_ocsp_urls; i++)
        good = push_access(list, NID_ad_OCSP, p->aia_ocsp_urls[i]);
    for (size_t i = 0; good && i < p->n_aia_issuer_urls; i++)
        good = push_access(list, NID_ad_ca_issuers, p->aia_issuer_urls[i]);
    int rc = good ? add(s->cert, NID_info_access, false, list, err)
                  : err_set(err, ERR_MEMORY, "extension authorityInfoAccess");
    sk_ACCESS_DESCRIPTION_pop_free(list, ACCESS_DESCRIPTION_free);
    return rc;
}

/* The identifier as a PrintableString within the extension's OCTET STRING. An internal identifier is none of
 * the registry's and never stands here. */
static int add_uscc(const struct source *s, struct err *err)
{
    if (!s->profile->uscc_oid[0] || s->app->organisation.identifier_kind != IDENTIFIER_USCC)
        return 0;
    struct buf der;
    buf_init(&der);
    int rc = -1;
    ASN1_OBJECT *oid = oid_parse(s->profile->uscc_oid, false);
    ASN1_PRINTABLESTRING *code = ASN1_PRINTABLESTRING_new();
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    if (!oid) {
        err_set(err, ERR_PROFILE, "uscc_oid: %s is no OID", s->profile->uscc_oid);
        goto out;
    }
    if (!code || !octets || !ASN1_STRING_set(code, s->app->organisation.identifier, -1) ||
        put_item(code, ASN1_PRINTABLESTRING, &der, err) != 0 ||
        !ASN1_OCTET_STRING_set(octets, der.data, (int)der.len) ||
        !(extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets)) ||
        !X509_add_ext(s->cert, extension, -1)) {
        err_set(err, ERR_MEMORY, "extension %s", s->profile->uscc_oid);
        goto out;
    }
    rc = 0;
out:
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_PRINTABLESTRING_free(code);
    ASN1_OBJECT_free(oid);
    buf_done(&der);
    ERR_clear_error();
    return rc;
}

int extensions_add(X509 *cert, X509 *ca, const struct profile *profile, const struct application *app,
                   struct err *err)
{
    static int (*const ORDER[])(const struct source *, struct err *) = {
        add_basic_constraints, add_key_usage,        add_extended_key_usage,
        add_subject_key_id,    add_authority_key_id, add_policies,
        add_crl_urls,          add_authority_info,   add_uscc,
    };
    struct source s = {cert, ca, profile, app};
    for (size_t i = 0; i < sizeof(ORDER) / sizeof(ORDER[0]); i++)
        if (ORDER[i](&s, err) != 0)
            return -1;
    return 0;
}
