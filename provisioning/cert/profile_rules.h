/* What a profile may say: attributes of names, key usages, OIDs. Shared by profile, builder and lint. */
#ifndef CASTATION_CERT_PROFILE_RULES_H
#define CASTATION_CERT_PROFILE_RULES_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "cert/profile.h"

/* An attribute of a name: what string it is, and how long (RFC 5280 appendix A, X.520). */
struct name_attribute {
    const char *name; /* OpenSSL's short name */
    int nid;
    int string_type; /* V_ASN1_UTF8STRING or V_ASN1_PRINTABLESTRING */
    size_t max_chars;
};
const struct name_attribute *name_attribute_find(const char *name); /* NULL when unknown */
const struct name_attribute *name_attribute_of(const ASN1_OBJECT *object);

/* X509v3_KU_* bit of "digitalSignature" … "keyAgreement"; 0 when unknown or a CA's. */
uint32_t key_usage_bit(const char *name);
/* NULL, or why a key of this type cannot have these usages (RFC 8813 section 3, RFC 4055 section 1.2). */
const char *key_usage_fault(enum key_type type, uint32_t usage);

bool key_type_is_ec(enum key_type type);

/* The object of a dotted OID, or with `names` of OpenSSL's name too; the caller's. NULL when it is none. */
ASN1_OBJECT *oid_parse(const char *text, bool names);

/* The fields that may stand in braces in a name's value, in the order of struct profile_rdn's comment. */
#define NAME_FIELDS(F) F(name) F(identifier) F(country) F(province) F(locality) F(id)
/* NULL, or what is wrong with the braces in `value`. */
const char *name_value_fault(const char *value);

/* Everything that the values say together. ERR_CONFIG with the reason; *ret_key names the setting at fault.
 */
int profile_check(const struct profile *p, const char **ret_key, struct err *err);

#endif
