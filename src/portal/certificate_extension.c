/* Extensions in words. Each is decoded on its own: one that is broken, or comes twice, spoils no other. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "portal/certificate_text.h"

struct line {
    json_t *lines;
    enum lang lang;
};

typedef int extension_words(const void *value, const struct line *to, struct err *err);

static int add_text(const struct line *to, enum text_id id, struct err *err)
{
    const char *sentence = text(id, to->lang);
    return line_add(to->lines, "", sentence, strlen(sentence), err);
}

static int key_usage(const void *value, const struct line *to, struct err *err)
{
    static const enum text_id BITS[] = {
        TEXT_CERT_KU_SIGN,          TEXT_CERT_KU_NON_REPUDIATION, TEXT_CERT_KU_KEY_ENCIPHER,
        TEXT_CERT_KU_DATA_ENCIPHER, TEXT_CERT_KU_KEY_AGREE,       TEXT_CERT_KU_CERT_SIGN,
        TEXT_CERT_KU_CRL_SIGN,      TEXT_CERT_KU_ENCIPHER_ONLY,   TEXT_CERT_KU_DECIPHER_ONLY,
    };
    const ASN1_BIT_STRING *bits = value;
    for (size_t i = 0; i < sizeof(BITS) / sizeof(BITS[0]); i++)
        if (ASN1_BIT_STRING_get_bit(bits, (int)i) && add_text(to, BITS[i], err) != 0)
            return -1;
    return 0;
}

static int extended_key_usage(const void *value, const struct line *to, struct err *err)
{
    static const struct {
        int nid;
        enum text_id title;
    } PURPOSES[] = {
        {NID_client_auth, TEXT_CERT_EKU_CLIENT},      {NID_server_auth, TEXT_CERT_EKU_SERVER},
        {NID_email_protect, TEXT_CERT_EKU_MAIL},      {NID_code_sign, TEXT_CERT_EKU_CODE},
        {NID_time_stamp, TEXT_CERT_EKU_TIME},         {NID_OCSP_sign, TEXT_CERT_EKU_OCSP},
        {NID_anyExtendedKeyUsage, TEXT_CERT_EKU_ANY},
    };
    const EXTENDED_KEY_USAGE *purposes = value;
    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++) {
        const ASN1_OBJECT *purpose = sk_ASN1_OBJECT_value(purposes, i);
        size_t p = 0;
        while (p < sizeof(PURPOSES) / sizeof(PURPOSES[0]) && PURPOSES[p].nid != OBJ_obj2nid(purpose))
            p++;
        if ((p < sizeof(PURPOSES) / sizeof(PURPOSES[0]) ? add_text(to, PURPOSES[p].title, err)
                                                        : line_add_object(to->lines, "", purpose, err)) != 0)
            return -1;
    }
    return 0;
}

static int basic_constraints(const void *value, const struct line *to, struct err *err)
{
    const BASIC_CONSTRAINTS *basic = value;
    return add_text(to, basic->ca ? TEXT_CERT_IS_CA : TEXT_CERT_END_ENTITY, err);
}

static int octets(const void *value, const struct line *to, struct err *err)
{
    const ASN1_OCTET_STRING *s = value;
    return line_add_hex(to->lines, "", ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s), err);
}

static int authority_key(const void *value, const struct line *to, struct err *err)
{
    const AUTHORITY_KEYID *id = value;
    return id->keyid ? octets(id->keyid, to, err) : 0;
}

static int policies(const void *value, const struct line *to, struct err *err)
{
    const CERTIFICATEPOLICIES *list = value;
    for (int i = 0; i < sk_POLICYINFO_num(list); i++) {
        const POLICYINFO *policy = sk_POLICYINFO_value(list, i);
        if (line_add_object(to->lines, "", policy->policyid, err) != 0)
            return -1;
        for (int q = 0; q < sk_POLICYQUALINFO_num(policy->qualifiers); q++) {
            const POLICYQUALINFO *info = sk_POLICYQUALINFO_value(policy->qualifiers, q);
            if (OBJ_obj2nid(info->pqualid) == NID_id_qt_cps && info->d.cpsuri &&
                line_add_string(to->lines, "CPS: ", info->d.cpsuri, err) != 0)
                return -1;
        }
    }
    return 0;
}

static int general_name(const GENERAL_NAME *name, const char *before, const struct line *to, struct err *err)
{
    switch (name->type) {
    case GEN_URI:
    case GEN_DNS:
    case GEN_EMAIL:
        return line_add_string(to->lines, before, name->d.ia5, err);
    case GEN_DIRNAME:
        return line_add_name(to->lines, name->d.directoryName, to->lang, err);
    case GEN_IPADD:
        return line_add_hex(to->lines, before, ASN1_STRING_get0_data(name->d.iPAddress),
                            (size_t)ASN1_STRING_length(name->d.iPAddress), err);
    default:
        return line_add(to->lines, before, "?", 1, err);
    }
}

static int general_names(const void *value, const struct line *to, struct err *err)
{
    const GENERAL_NAMES *names = value;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        if (general_name(sk_GENERAL_NAME_value(names, i), "", to, err) != 0)
            return -1;
    return 0;
}

static int crl_points(const void *value, const struct line *to, struct err *err)
{
    const CRL_DIST_POINTS *points = value;
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        if (point->distpoint && point->distpoint->type == 0 &&
            general_names(point->distpoint->name.fullname, to, err) != 0)
            return -1;
    }
    return 0;
}

static int access_points(const void *value, const struct line *to, struct err *err)
{
    const AUTHORITY_INFO_ACCESS *list = value;
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(list); i++) {
        const ACCESS_DESCRIPTION *access = sk_ACCESS_DESCRIPTION_value(list, i);
        int nid = OBJ_obj2nid(access->method);
        char before[64];
        snprintf(before, sizeof(before), "%s%s",
                 nid == NID_ad_OCSP         ? text(TEXT_CERT_AIA_OCSP, to->lang)
                 : nid == NID_ad_ca_issuers ? text(TEXT_CERT_AIA_ISSUER, to->lang)
                                            : "?",
                 text(TEXT_CERT_COLON, to->lang));
        if (general_name(access->location, before, to, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- those that OpenSSL decodes, and strings under Chinese OIDs (GM/T 0015) */

static const struct known {
    int nid; /* NID_undef: by its OID */
    const char *oid;
    enum text_id title;
    bool code;
    extension_words *words; /* NULL: a character string */
} KNOWN[] = {
    {NID_basic_constraints, NULL, TEXT_CERT_EXT_BASIC, false, basic_constraints},
    {NID_key_usage, NULL, TEXT_CERT_EXT_KEY_USAGE, false, key_usage},
    {NID_ext_key_usage, NULL, TEXT_CERT_EXT_EKU, false, extended_key_usage},
    {NID_undef, "1.2.156.10260.4.1.4", TEXT_CERT_EXT_USCC, true, NULL},
    {NID_undef, "1.2.156.10260.4.1.3", TEXT_CERT_EXT_REGISTRATION, true, NULL},
    {NID_undef, "1.2.156.10260.4.1.5", TEXT_CERT_EXT_TAX, true, NULL},
    {NID_certificate_policies, NULL, TEXT_CERT_EXT_POLICIES, true, policies},
    {NID_crl_distribution_points, NULL, TEXT_CERT_EXT_CRL, true, crl_points},
    {NID_info_access, NULL, TEXT_CERT_EXT_AIA, true, access_points},
    {NID_subject_alt_name, NULL, TEXT_CERT_EXT_SAN, true, general_names},
    {NID_subject_key_identifier, NULL, TEXT_CERT_EXT_SKI, true, octets},
    {NID_authority_key_identifier, NULL, TEXT_CERT_EXT_AKI, true, authority_key},
};

static const struct known *find_known(const ASN1_OBJECT *o)
{
    int nid = OBJ_obj2nid(o);
    char oid[96] = "";
    OBJ_obj2txt(oid, sizeof(oid), o, 1);
    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++)
        if (KNOWN[i].oid ? strcmp(KNOWN[i].oid, oid) == 0 : KNOWN[i].nid == nid)
            return &KNOWN[i];
    return NULL;
}

/* *ret_done false: it is no character string, or more than one. */
static int string_value(const ASN1_OCTET_STRING *data, const struct line *to, bool *ret_done, struct err *err)
{
    const unsigned char *at = ASN1_STRING_get0_data(data), *end = at + ASN1_STRING_length(data);
    ASN1_TYPE *value = d2i_ASN1_TYPE(NULL, &at, ASN1_STRING_length(data));
    int type = value && at == end ? ASN1_TYPE_get(value) : -1;
    int rc = 0;
    *ret_done = type == V_ASN1_PRINTABLESTRING || type == V_ASN1_UTF8STRING || type == V_ASN1_IA5STRING;
    if (*ret_done)
        rc = line_add_string(to->lines, "", value->value.asn1_string, err);
    ASN1_TYPE_free(value);
    return rc;
}

static int decoded_value(const struct known *known, X509_EXTENSION *ext, const struct line *to,
                         bool *ret_done, struct err *err)
{
    void *value = X509V3_EXT_d2i(ext);
    size_t before = json_array_size(to->lines);
    int rc = value ? known->words(value, to, err) : 0;
    const X509V3_EXT_METHOD *method = X509V3_EXT_get(ext);
    if (value && method && method->it)
        ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
    *ret_done = json_array_size(to->lines) > before;
    return rc;
}

int extension_lines(X509_EXTENSION *ext, enum lang lang, const char **ret_title, bool *ret_code,
                    json_t *lines, struct err *err)
{
    const struct line to = {lines, lang};
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(ext);
    const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(ext);
    const struct known *known = find_known(object);
    bool done = false;
    int rc = 0;
    if (known)
        rc = known->words ? decoded_value(known, ext, &to, &done, err) : string_value(data, &to, &done, err);
    else
        rc = line_add_object(lines, "OID ", object, err);
    ERR_clear_error();
    *ret_title = text(known ? known->title : TEXT_CERT_EXT_OTHER, lang);
    *ret_code = known && done ? known->code : true;
    if (rc != 0 || done)
        return rc;
    return line_add_hex(lines, "", ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data), err);
}
