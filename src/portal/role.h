/* What an account may be. A user has a set of them. */
#ifndef CASTATION_PORTAL_ROLE_H
#define CASTATION_PORTAL_ROLE_H

#include "base/text.h"

enum role {
#define X(role, bit, name, zh, en) role = 1u << (bit),
#include "portal/role.def"
#undef X
};
#define ROLE_STAFF                                                                                           \
    (ROLE_FIRST_REVIEWER | ROLE_FINAL_REVIEWER | ROLE_OPERATOR | ROLE_FINANCE | ROLE_AUDITOR |               \
     ROLE_ADMINISTRATOR)

const char *role_name(unsigned int role); /* of one bit; "unknown" */
const char *role_title(unsigned int role, enum lang lang);
unsigned int role_from_name(const char *name); /* 0 when unknown */

#endif
