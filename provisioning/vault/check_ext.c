/* The extensions: exactly those of the profile, with its values. */
#include "vault/check_rules.h"

#include <string.h>

#include <openssl/x509v3.h>

struct expected {
    int nid; /* NID_undef: the USCC extension, known by its OID */
    bool present, critical;
};

static bool wants_uscc(const struct check *c)
{
    return c->profile->uscc_oid[0] != '\0' && c->application.organisation.identifier_kind == IDENTIFIER_USCC;
}

static bool is_uscc(const struct check *c, X509_EXTENSION *e)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(c->profile->uscc_oid, 1);
    bool same = oid && OBJ_cmp(oid, X509_EXTENSION_get_object(e)) == 0;
    ASN1_OBJECT_free(oid);
    return same;
}

#define EXPECTED 9
static void expect(const struct check *c, struct expected list[EXPECTED])
{
    const struct profile *p = c->profile;
    const struct expected all[EXPECTED] = {
        {NID_basic_constraints, true, true},
        {NID_key_usage, true, true},
        {NID_ext_key_usage, p->n_extended_key_usage > 0, false},
        {NID_subject_key_identifier, true, false},
        {NID_authority_key_identifier, true, false},
        {NID_certificate_policies, p->n_policies > 0, false},
        {NID_crl_distribution_points, p->n_crl_urls > 0, false},
        {NID_info_access, p->n_aia_issuer_urls + p->n_aia_ocsp_urls > 0, false},
        {NID_undef, wants_uscc(c), false},
    };
    memcpy(list, all, sizeof(all));
}

static struct expected *entry_of(const struct check *c, X509_EXTENSION *e, struct expected list[EXPECTED])
{
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
    bool uscc = wants_uscc(c) && is_uscc(c, e);
    for (size_t i = 0; i < EXPECTED; i++)
        if (list[i].present && (list[i].nid == NID_undef ? uscc : list[i].nid == nid))
            return &list[i];
    return NULL;
}

/* X.690 11.1: TRUE is ff in DER. OpenSSL takes any other octet for TRUE too, and writes it back as it was. */
static bool critical_is_der(const X509_EXTENSION *e)
{
    uint8_t *as_it_is = NULL, *in_der = NULL;
    X509_EXTENSION *copy = X509_EXTENSION_dup(e);
    int n = i2d_X509_EXTENSION(e, &as_it_is), m = -1;
    if (copy && X509_EXTENSION_set_critical(copy, X509_EXTENSION_get_critical(e)) == 1)
        m = i2d_X509_EXTENSION(copy, &in_der);
    bool same = as_it_is && in_der && n > 0 && n == m && memcmp(as_it_is, in_der, (size_t)n) == 0;
    OPENSSL_free(as_it_is);
    OPENSSL_free(in_der);
    X509_EXTENSION_free(copy);
    return same;
}

/* Inside the OCTET STRING: exactly one value, in DER, nothing behind it. */
static bool value_is_der(X509_EXTENSION *e)
{
    const X509V3_EXT_METHOD *method = X509V3_EXT_get(e);
    void *value = method && method->it ? X509V3_EXT_d2i(e) : NULL;
    if (!value)
        return false;
    X509_EXTENSION *again = X509V3_EXT_i2d(OBJ_obj2nid(X509_EXTENSION_get_object(e)), 0, value);
    bool same =
        again && ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(again), X509_EXTENSION_get_data(e)) == 0;
    X509_EXTENSION_free(again);
    ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
    return same;
}

int check_extensions(struct check *c, struct err *err)
{
    struct expected list[EXPECTED];
    expect(c, list);
    for (int i = 0; i < X509_get_ext_count(c->cert); i++) {
        X509_EXTENSION *e = X509_get_ext(c->cert, i);
        char oid[80];
        OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(e), 1);
        struct expected *x = entry_of(c, e, list);
        if (!x)
            return err_set(err, ERR_REFUSED, "extension %s is not the profile's, or there twice", oid);
        if ((X509_EXTENSION_get_critical(e) != 0) != x->critical)
            return err_set(err, ERR_REFUSED, "extension %s is %scritical", oid, x->critical ? "not " : "");
        if (!critical_is_der(e) || (x->nid != NID_undef && !value_is_der(e)))
            return err_set(err, ERR_REFUSED, "extension %s is not in DER", oid);
        x->present = false; /* seen: a second one is not expected */
    }
    for (size_t i = 0; i < EXPECTED; i++)
        if (list[i].present)
            return err_set(err, ERR_REFUSED, "extension %s is missing",
                           list[i].nid == NID_undef ? c->profile->uscc_oid : OBJ_nid2sn(list[i].nid));
    return 0;
}

int check_basic_constraints(struct check *c, struct err *err)
{
    BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(c->cert, NID_basic_constraints, NULL, NULL);
    bool fine = bc && !bc->ca && !bc->pathlen;
    BASIC_CONSTRAINTS_free(bc);
    return fine ? 0
                : err_set(err, ERR_REFUSED,
                          "it would be the certificate of a CA, or says something about paths");
}

/* X.690 11.2.2: a list of named bits ends with its last one. OpenSSL reads any length, and nine bits of it.
 */
static bool usage_is_der(const X509 *cert)
{
    ASN1_BIT_STRING *bits = X509_get_ext_d2i(cert, NID_key_usage, NULL, NULL);
    int len = bits ? ASN1_STRING_length(bits) : 0;
    bool der = (len == 1 || len == 2) && (bits->flags & ASN1_STRING_FLAG_BITS_LEFT) &&
               (ASN1_STRING_get0_data(bits)[len - 1] >> (bits->flags & 7) & 1);
    ASN1_BIT_STRING_free(bits);
    return der;
}

int check_key_usage(struct check *c, struct err *err)
{
    if (!usage_is_der(c->cert))
        return err_set(err, ERR_REFUSED, "the key usage is not in DER");
    uint32_t usage = X509_get_key_usage(c->cert);
    if (usage != c->profile->key_usage || usage == 0)
        return err_set(err, ERR_REFUSED, "key usage 0x%x is not the profile's 0x%x", usage,
                       c->profile->key_usage);
    return 0;
}

/* ---- lists of OIDs ------------------------------------------------------------------------------ */

/* Is `oid` among the profile's? Texts are dotted or OpenSSL's names. */
static bool listed(const ASN1_OBJECT *oid, const char list[][64], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ASN1_OBJECT *one = OBJ_txt2obj(list[i], 0);
        bool same = one && OBJ_cmp(one, oid) == 0;
        ASN1_OBJECT_free(one);
        if (same)
            return true;
    }
    return false;
}

int check_extended_key_usage(struct check *c, struct err *err)
{
    if (c->profile->n_extended_key_usage == 0)
        return 0;
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(c->cert, NID_ext_key_usage, NULL, NULL);
    bool fine = eku && (size_t)sk_ASN1_OBJECT_num(eku) == c->profile->n_extended_key_usage;
    for (int i = 0; fine && i < sk_ASN1_OBJECT_num(eku); i++) {
        const ASN1_OBJECT *oid = sk_ASN1_OBJECT_value(eku, i);
        fine = listed(oid, c->profile->extended_key_usage, c->profile->n_extended_key_usage);
        for (int j = 0; fine && j < i; j++)
            fine = OBJ_cmp(oid, sk_ASN1_OBJECT_value(eku, j)) != 0;
    }
    EXTENDED_KEY_USAGE_free(eku);
    return fine ? 0 : err_set(err, ERR_REFUSED, "the extended key usages are not the profile's");
}

int check_policies(struct check *c, struct err *err)
{
    if (c->profile->n_policies == 0)
        return 0;
    CERTIFICATEPOLICIES *list = X509_get_ext_d2i(c->cert, NID_certificate_policies, NULL, NULL);
    bool fine = list && (size_t)sk_POLICYINFO_num(list) == c->profile->n_policies;
    for (int i = 0; fine && i < sk_POLICYINFO_num(list); i++) {
        const POLICYINFO *info = sk_POLICYINFO_value(list, i);
        fine = !info->qualifiers && listed(info->policyid, c->profile->policies, c->profile->n_policies);
        for (int j = 0; fine && j < i; j++)
            fine = OBJ_cmp(info->policyid, sk_POLICYINFO_value(list, j)->policyid) != 0;
    }
    CERTIFICATEPOLICIES_free(list);
    return fine ? 0 : err_set(err, ERR_REFUSED, "the policies are not the profile's");
}

/* ---- key identifiers: RFC 5280 4.2.1.1, 4.2.1.2 method 1 ---------------------------------------- */

int check_subject_key_id(struct check *c, struct err *err)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    ASN1_OCTET_STRING *id = X509_get_ext_d2i(c->cert, NID_subject_key_identifier, NULL, NULL);
    bool fine = id && X509_pubkey_digest(c->cert, EVP_sha1(), digest, &n) == 1 &&
                ASN1_STRING_length(id) == (int)n && memcmp(ASN1_STRING_get0_data(id), digest, n) == 0;
    ASN1_OCTET_STRING_free(id);
    return fine ? 0 : err_set(err, ERR_REFUSED, "the subject key identifier is not the hash of the key");
}

int check_authority_key_id(struct check *c, struct err *err)
{
    AUTHORITY_KEYID *id = X509_get_ext_d2i(c->cert, NID_authority_key_identifier, NULL, NULL);
    const ASN1_OCTET_STRING *ca = X509_get0_subject_key_id(c->ca->cert);
    bool fine =
        id && id->keyid && !id->issuer && !id->serial && ca && ASN1_OCTET_STRING_cmp(id->keyid, ca) == 0;
    AUTHORITY_KEYID_free(id);
    return fine ? 0 : err_set(err, ERR_REFUSED, "the authority key identifier is not the CA's");
}

/* ---- addresses ---------------------------------------------------------------------------------- */

static bool is_address(const GENERAL_NAME *name, const char *expected)
{
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    size_t len = strlen(expected);
    return type == GEN_URI && ASN1_STRING_length(value) == (int)len &&
           memcmp(ASN1_STRING_get0_data(value), expected, len) == 0;
}

/* In the profile's order, in as many distribution points as the builder likes. */
int check_crl_points(struct check *c, struct err *err)
{
    size_t n = 0;
    if (c->profile->n_crl_urls == 0)
        return 0;
    CRL_DIST_POINTS *points = X509_get_ext_d2i(c->cert, NID_crl_distribution_points, NULL, NULL);
    bool fine = points != NULL;
    for (int i = 0; fine && i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        fine = !point->reasons && !point->CRLissuer && point->distpoint && point->distpoint->type == 0;
        for (int j = 0; fine && j < sk_GENERAL_NAME_num(point->distpoint->name.fullname); j++, n++)
            fine = n < c->profile->n_crl_urls &&
                   is_address(sk_GENERAL_NAME_value(point->distpoint->name.fullname, j),
                              c->profile->crl_urls[n]);
    }
    CRL_DIST_POINTS_free(points);
    return fine && n == c->profile->n_crl_urls
               ? 0
               : err_set(err, ERR_REFUSED, "the CRL addresses are not the profile's");
}

int check_information_access(struct check *c, struct err *err)
{
    const struct profile *p = c->profile;
    size_t issuers = 0, responders = 0;
    if (p->n_aia_issuer_urls + p->n_aia_ocsp_urls == 0)
        return 0;
    AUTHORITY_INFO_ACCESS *list = X509_get_ext_d2i(c->cert, NID_info_access, NULL, NULL);
    bool fine = list != NULL;
    for (int i = 0; fine && i < sk_ACCESS_DESCRIPTION_num(list); i++) {
        const ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(list, i);
        int method = OBJ_obj2nid(a->method);
        if (method == NID_ad_ca_issuers)
            fine = issuers < p->n_aia_issuer_urls && is_address(a->location, p->aia_issuer_urls[issuers]),
            issuers++;
        else if (method == NID_ad_OCSP)
            fine = responders < p->n_aia_ocsp_urls && is_address(a->location, p->aia_ocsp_urls[responders]),
            responders++;
        else
            fine = false;
    }
    AUTHORITY_INFO_ACCESS_free(list);
    return fine && issuers == p->n_aia_issuer_urls && responders == p->n_aia_ocsp_urls
               ? 0
               : err_set(err, ERR_REFUSED, "the issuer and OCSP addresses are not the profile's");
}

/* ---- the organisation's identifier -------------------------------------------------------------- */

/* extnValue is the DER of a PrintableString. */
int check_uscc(struct check *c, struct err *err)
{
    if (!wants_uscc(c))
        return 0; /* check_extensions: then there is none */
    const char *id = c->application.organisation.identifier;
    size_t len = strlen(id);
    for (int i = 0; i < X509_get_ext_count(c->cert); i++) {
        X509_EXTENSION *e = X509_get_ext(c->cert, i);
        if (!is_uscc(c, e))
            continue;
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);
        const uint8_t *p = ASN1_STRING_get0_data(value);
        if (ASN1_STRING_length(value) == (int)(len + 2) && len < 0x80 && p[0] == V_ASN1_PRINTABLESTRING &&
            p[1] == len && memcmp(p + 2, id, len) == 0)
            return 0;
        return err_set(err, ERR_REFUSED, "the USCC extension is not the organisation's identifier");
    }
    return err_set(err, ERR_REFUSED, "the USCC extension is missing");
}
