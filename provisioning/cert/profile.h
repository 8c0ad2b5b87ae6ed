/* Profiles: the named rules of a certificate, one libconfig file each in a folder (NAME.conf). */
#ifndef CASTATION_CERT_PROFILE_H
#define CASTATION_CERT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/key_type.h"

#define PROFILE_RDN_MAX   12
#define PROFILE_LIST_MAX  8
#define PROFILE_TEXT_SIZE 128

struct profile_rdn {
    char attribute[32]; /* OpenSSL short name: C, ST, L, O, OU, CN, serialNumber, organizationIdentifier … */
    char value[PROFILE_TEXT_SIZE]; /* literal text with {name} {identifier} {country} {province} {locality}
                                      {id} */
};

struct profile {
    char name[33];
    char title_zh[PROFILE_TEXT_SIZE], title_en[PROFILE_TEXT_SIZE];
    enum key_type key_type;
    int64_t validity_days, validity_days_max;
    struct profile_rdn
        rdns[PROFILE_RDN_MAX]; /* in order; one whose value is empty after filling is left out */
    size_t n_rdns;
    uint32_t key_usage;                            /* X509v3_KU_* bits */
    char extended_key_usage[PROFILE_LIST_MAX][64]; /* dotted OIDs or OpenSSL names */
    size_t n_extended_key_usage;
    char uscc_oid[64]; /* "" = no such extension; PrintableString, non-critical, only for a USCC */
    char policies[PROFILE_LIST_MAX][64];
    size_t n_policies;
    char crl_urls[PROFILE_LIST_MAX][256];
    size_t n_crl_urls;
    char aia_issuer_urls[PROFILE_LIST_MAX][256], aia_ocsp_urls[PROFILE_LIST_MAX][256];
    size_t n_aia_issuer_urls, n_aia_ocsp_urls;
};

struct profiles;
/* Every *.conf of the folder; a fault in one is ERR_CONFIG with file and line, nothing is loaded. */
int profiles_load(const char *folder, struct profiles **ret, struct err *err);
void profiles_free(struct profiles **p);
const struct profile *profiles_find(const struct profiles *p, const char *name); /* NULL when unknown */
size_t profiles_count(const struct profiles *p);
const struct profile *profiles_at(const struct profiles *p, size_t i); /* sorted by name */

#endif
