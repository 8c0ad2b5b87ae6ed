/* What may stand in a notice about an application, from its records. */
#ifndef CASTATION_PORTAL_NOTICE_PARAMS_H
#define CASTATION_PORTAL_NOTICE_PARAMS_H

#include <jansson.h>

#include "base/hex.h"
#include "base/text.h"
#include "store/db.h"

struct notice_facts {
    char owner[UUID_SIZE]; /* "" of an import */
    bool refund;           /* its order is "refund due" */
    bool submitted;        /* at any time: otherwise nobody but its author knows of it */
};

/* *ret: {application, organisation, due, order, amount, carrier, number, token, station, point, address,
 * reason, url}: all of them, "—" where there is nothing. ERR_NOT_FOUND. */
int notice_params(struct db *db, const char *application, enum lang lang, json_t **ret,
                  struct notice_facts *ret_facts, struct err *err);

#endif
