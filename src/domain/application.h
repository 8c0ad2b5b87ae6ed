/* The application document: what an organisation asks for, as JSON, believed alike by portal, station and vault.
 *
 * {"id": "CA20261122-0001",
 *  "organisation": {"name": "…", "identifier_kind": "USCC"|"INTERNAL", "identifier": "…",
 *                   "country": "CN", "province": "浙江省", "locality": "杭州市"},
 *  "registration_authority": {"region": "…", "name": "…"},                       (for review only; never in a DN)
 *  "profile": "org-sign-p256", "validity_days": 365 (optional; the profile's default),
 *  "delivery": {"method": "mail", "name": "…", "phone": "…", "region": "…", "address": "…"}
 *            | {"method": "pickup", "point": "…"}}
 *
 * Its content hash is SHA-256 over its canonical form (json_canonical). Unknown and duplicate keys are refused. */
#ifndef CASTATION_DOMAIN_APPLICATION_H
#define CASTATION_DOMAIN_APPLICATION_H

#include <jansson.h>

#include "base/err.h"
#include "base/hex.h"

#define APPLICATION_DOCUMENT_MAX 16384
#define DN_CHARACTERS_MAX        64 /* O and CN: RFC 5280 ub-organization-name, ub-common-name */

enum identifier_kind { IDENTIFIER_USCC, IDENTIFIER_INTERNAL };
enum delivery_method { DELIVERY_MAIL, DELIVERY_PICKUP };

struct application {
    char id[41]; /* [0-9A-Za-z-]{1,40} */
    struct {
        char name[257];
        enum identifier_kind identifier_kind;
        char identifier[33];
        char country[3];
        char province[193], locality[193]; /* may be empty */
    } organisation;
    char profile[33];
    int64_t validity_days; /* 0: the profile's default */
    enum delivery_method delivery_method;
    char content_sha256[SHA256_HEX_SIZE];
};

/* Parse, check every rule that needs no configuration, and hash. ERR_JSON, ERR_FIELD ("organisation.name: …"),
 * ERR_IDENTIFIER, ERR_TOO_LARGE. */
int application_parse(const void *document, size_t len, struct application *ret, struct err *err);
int application_from_json(const json_t *document, struct application *ret, struct err *err);

/* ERR_PROFILE naming the known ones. */
int application_check_profile(const struct application *app, const char *const *known, size_t n, struct err *err);

const char *identifier_kind_name(enum identifier_kind kind); /* "USCC", "INTERNAL" */
const char *delivery_method_name(enum delivery_method method); /* "mail", "pickup" */

#endif
