/* Rules of lint.h on extensions. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "cert/lint.h"
#include "cert/parse.h"
#include "cert/profile_rules.h"

static int fail(struct err *err, const char *reason)
{
    return err_set(err, ERR_CERT_LINT, "%s", reason);
}

/* ---- which there are --------------------------------------------------------------------------- */

int lint_extension_duplicate(const struct lint *l, struct err *err)
{
    for (int i = 0; i < X509_get_ext_count(l->cert); i++) {
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(X509_get_ext(l->cert, i));
        char name[80];
        OBJ_obj2txt(name, sizeof(name), oid, 0);
        if (X509_get_ext_by_OBJ(l->cert, oid, i) >= 0)
            return err_set(err, ERR_CERT_LINT, "%s is there twice", name);
    }
    return 0;
}

int lint_extension_critical(const struct lint *l, struct err *err)
{
    for (int i = 0; i < X509_get_ext_count(l->cert); i++) {
        X509_EXTENSION *extension = X509_get_ext(l->cert, i);
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(extension);
        int nid = OBJ_obj2nid(oid);
        bool must = nid == NID_basic_constraints || nid == NID_key_usage;
        char name[80];
        OBJ_obj2txt(name, sizeof(name), oid, 0);
        if (X509_EXTENSION_get_critical(extension) != must)
            return err_set(err, ERR_CERT_LINT, "%s must %sbe critical", name, must ? "" : "not ");
    }
    return 0;
}

static bool is_uscc_oid(const struct lint *l, const ASN1_OBJECT *oid)
{
    char text[64];
    return l->in->profile->uscc_oid[0] && OBJ_obj2txt(text, sizeof(text), oid, 1) > 0 &&
           strcmp(text, l->in->profile->uscc_oid) == 0;
}

int lint_extension_foreign(const struct lint *l, struct err *err)
{
    static const int KNOWN[] = {NID_basic_constraints,
                                NID_key_usage,
                                NID_ext_key_usage,
                                NID_subject_key_identifier,
                                NID_authority_key_identifier,
                                NID_certificate_policies,
                                NID_crl_distribution_points,
                                NID_info_access};
    for (int i = 0; i < X509_get_ext_count(l->cert); i++) {
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(X509_get_ext(l->cert, i));
        int nid = OBJ_obj2nid(oid);
        bool known = is_uscc_oid(l, oid);
        for (size_t k = 0; !known && k < sizeof(KNOWN) / sizeof(KNOWN[0]); k++)
            known = nid == KNOWN[k];
        char name[80];
        OBJ_obj2txt(name, sizeof(name), oid, 0);
        if (!known)
            return err_set(err, ERR_CERT_LINT, "%s is none of the profile's", name);
    }
    return 0;
}

/* ---- what stands in them ----------------------------------------------------------------------- */

/* The decoded extension, the caller's. NULL: *ret_there is 0 for absent, -1 for not decodable or not in DER.
 */
static void *decode(const struct lint *l, int nid, int *ret_there, struct err *err)
{
    int at = X509_get_ext_by_NID(l->cert, nid, -1);
    *ret_there = 0;
    if (at < 0)
        return NULL;
    X509_EXTENSION *extension = X509_get_ext(l->cert, at), *again = NULL;
    void *value = X509V3_EXT_d2i(extension);
    again = value ? X509V3_EXT_i2d(nid, X509_EXTENSION_get_critical(extension), value) : NULL;
    bool same =
        again && ASN1_STRING_cmp(X509_EXTENSION_get_data(extension), X509_EXTENSION_get_data(again)) == 0;
    X509_EXTENSION_free(again);
    ERR_clear_error();
    *ret_there = same ? 1 : fail(err, "it is not in DER");
    if (same)
        return value;
    if (value)
        ASN1_item_free(value, ASN1_ITEM_ptr(X509V3_EXT_get_nid(nid)->it));
    return NULL;
}

int lint_basic_constraints(const struct lint *l, struct err *err)
{
    int there;
    BASIC_CONSTRAINTS *bc = decode(l, NID_basic_constraints, &there, err);
    if (there < 0)
        return -1;
    bool good = there && !bc->ca && !bc->pathlen;
    BASIC_CONSTRAINTS_free(bc);
    return good ? 0 : fail(err, "it must say that this is no CA");
}

/* X.690 11.2.2: a list of named bits ends with its last one. OpenSSL keeps how many were left over. */
static bool ends_in_one(const ASN1_BIT_STRING *bits)
{
    int len = ASN1_STRING_length(bits);
    unsigned int unused = (unsigned int)bits->flags & 7;
    return len > 0 && ASN1_STRING_get0_data(bits)[len - 1] >> unused & 1;
}

static int key_usage_of(const struct lint *l, uint32_t *ret, struct err *err)
{
    int there;
    ASN1_BIT_STRING *bits = decode(l, NID_key_usage, &there, err);
    if (there < 0)
        return -1;
    *ret = 0;
    for (int bit = 0; there && bit < 9; bit++)
        if (ASN1_BIT_STRING_get_bit(bits, bit))
            *ret |= bit < 8 ? 0x80u >> bit : 0x8000u;
    bool short_form = there && ends_in_one(bits);
    ASN1_BIT_STRING_free(bits);
    if (there && !short_form)
        return fail(err, "it is empty, or longer than its last bit");
    return there ? 0 : fail(err, "it is missing");
}

int lint_key_usage(const struct lint *l, struct err *err)
{
    uint32_t usage;
    if (key_usage_of(l, &usage, err) != 0)
        return -1;
    return usage == l->in->profile->key_usage ? 0 : fail(err, "it is not the profile's");
}

int lint_key_usage_fit(const struct lint *l, struct err *err)
{
    uint32_t usage;
    if (key_usage_of(l, &usage, err) != 0)
        return -1;
    EVP_PKEY *key = X509_get0_pubkey(l->cert);
    const char *fault = key_usage_fault(key ? key_type_of(key) : KEY_NONE, usage);
    return fault ? fail(err, fault) : 0;
}

static bool object_is(const ASN1_OBJECT *object, const char *text, bool names)
{
    ASN1_OBJECT *wanted = oid_parse(text, names);
    bool same = wanted && OBJ_cmp(object, wanted) == 0;
    ASN1_OBJECT_free(wanted);
    return same;
}

int lint_extended_key_usage(const struct lint *l, struct err *err)
{
    const struct profile *p = l->in->profile;
    int there;
    EXTENDED_KEY_USAGE *list = decode(l, NID_ext_key_usage, &there, err);
    if (there < 0)
        return -1;
    size_t n = there ? (size_t)sk_ASN1_OBJECT_num(list) : 0;
    bool same = n == p->n_extended_key_usage && (there != 0) == (n > 0);
    for (size_t i = 0; same && i < n; i++)
        same = object_is(sk_ASN1_OBJECT_value(list, (int)i), p->extended_key_usage[i], true);
    sk_ASN1_OBJECT_pop_free(list, ASN1_OBJECT_free);
    return same ? 0 : fail(err, "it is not the profile's");
}

int lint_subject_key_id(const struct lint *l, struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    int there;
    ASN1_OCTET_STRING *id = decode(l, NID_subject_key_identifier, &there, err);
    if (there < 0)
        return -1;
    bool same = there && X509_pubkey_digest(l->cert, EVP_sha1(), digest, &n) &&
                ASN1_STRING_length(id) == (int)n && memcmp(ASN1_STRING_get0_data(id), digest, n) == 0;
    ASN1_OCTET_STRING_free(id);
    return same ? 0 : fail(err, there ? "it is not SHA-1 of the public key" : "it is missing");
}

int lint_authority_key_id(const struct lint *l, struct err *err)
{
    int there;
    const ASN1_OCTET_STRING *ca = X509_get0_subject_key_id(l->ca);
    AUTHORITY_KEYID *akid = decode(l, NID_authority_key_identifier, &there, err);
    if (there < 0)
        return -1;
    bool same =
        there && ca && akid->keyid && !akid->issuer && !akid->serial && ASN1_STRING_cmp(akid->keyid, ca) == 0;
    AUTHORITY_KEYID_free(akid);
    return same ? 0 : fail(err, there ? "it is not the CA's subject key identifier" : "it is missing");
}

int lint_policies(const struct lint *l, struct err *err)
{
    const struct profile *p = l->in->profile;
    int there;
    CERTIFICATEPOLICIES *list = decode(l, NID_certificate_policies, &there, err);
    if (there < 0)
        return -1;
    size_t n = there ? (size_t)sk_POLICYINFO_num(list) : 0;
    bool same = n == p->n_policies && (there != 0) == (n > 0);
    for (size_t i = 0; same && i < n; i++) {
        const POLICYINFO *info = sk_POLICYINFO_value(list, (int)i);
        same = !info->qualifiers && object_is(info->policyid, p->policies[i], false);
    }
    sk_POLICYINFO_pop_free(list, POLICYINFO_free);
    return same ? 0 : fail(err, "they are not the profile's");
}

static bool url_is(const GENERAL_NAME *name, const char *url)
{
    int type;
    const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &type);
    return type == GEN_URI && ASN1_STRING_length(text) == (int)strlen(url) &&
           memcmp(ASN1_STRING_get0_data(text), url, strlen(url)) == 0;
}

static bool distribution_point_is(const DIST_POINT *point, const char *url)
{
    return point->distpoint && point->distpoint->type == 0 && !point->reasons && !point->CRLissuer &&
           sk_GENERAL_NAME_num(point->distpoint->name.fullname) == 1 &&
           url_is(sk_GENERAL_NAME_value(point->distpoint->name.fullname, 0), url);
}

int lint_crl_urls(const struct lint *l, struct err *err)
{
    const struct profile *p = l->in->profile;
    int there;
    CRL_DIST_POINTS *list = decode(l, NID_crl_distribution_points, &there, err);
    if (there < 0)
        return -1;
    size_t n = there ? (size_t)sk_DIST_POINT_num(list) : 0;
    bool same = n == p->n_crl_urls && (there != 0) == (n > 0);
    for (size_t i = 0; same && i < n; i++)
        same = distribution_point_is(sk_DIST_POINT_value(list, (int)i), p->crl_urls[i]);
    sk_DIST_POINT_pop_free(list, DIST_POINT_free);
    return same ? 0 : fail(err, "they are not the profile's");
}

int lint_authority_info(const struct lint *l, struct err *err)
{
    const struct profile *p = l->in->profile;
    int there;
    AUTHORITY_INFO_ACCESS *list = decode(l, NID_info_access, &there, err);
    if (there < 0)
        return -1;
    size_t n = there ? (size_t)sk_ACCESS_DESCRIPTION_num(list) : 0, ocsp = p->n_aia_ocsp_urls;
    bool same = n == ocsp + p->n_aia_issuer_urls && (there != 0) == (n > 0);
    for (size_t i = 0; same && i < n; i++) {
        const ACCESS_DESCRIPTION *access = sk_ACCESS_DESCRIPTION_value(list, (int)i);
        same = OBJ_obj2nid(access->method) == (i < ocsp ? NID_ad_OCSP : NID_ad_ca_issuers) &&
               url_is(access->location, i < ocsp ? p->aia_ocsp_urls[i] : p->aia_issuer_urls[i - ocsp]);
    }
    sk_ACCESS_DESCRIPTION_pop_free(list, ACCESS_DESCRIPTION_free);
    return same ? 0 : fail(err, "they are not the profile's");
}

/* Read by hand: tag 19, one octet of length, the code. */
int lint_uscc(const struct lint *l, struct err *err)
{
    const char *code = l->in->application->organisation.identifier;
    size_t len = strlen(code);
    bool wanted =
        l->in->profile->uscc_oid[0] && l->in->application->organisation.identifier_kind == IDENTIFIER_USCC;
    const ASN1_OCTET_STRING *data = NULL;
    for (int i = 0; i < X509_get_ext_count(l->cert) && !data; i++)
        if (is_uscc_oid(l, X509_EXTENSION_get_object(X509_get_ext(l->cert, i))))
            data = X509_EXTENSION_get_data(X509_get_ext(l->cert, i));
    if (!wanted)
        return data ? fail(err, "it must not be there: the organisation has none, or the profile wants none")
                    : 0;
    if (!data)
        return fail(err, "it is missing");
    const uint8_t *der = ASN1_STRING_get0_data(data);
    size_t n = (size_t)ASN1_STRING_length(data);
    if (n < 2 || der[0] != V_ASN1_PRINTABLESTRING || der[1] != n - 2)
        return fail(err, "it is no PrintableString");
    return n - 2 == len && memcmp(der + 2, code, len) == 0 ? 0 : fail(err, "it is not the organisation's");
}
