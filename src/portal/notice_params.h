/* What may stand in a notice about an application, from its records. */
#ifndef CASTATION_PORTAL_NOTICE_PARAMS_H
#define CASTATION_PORTAL_NOTICE_PARAMS_H

#include <jansson.h>

#include "base/text.h"
#include "store/db.h"

/* *ret: {application, organisation, due, order, amount, carrier, number, token, station, point, address,
 * reason, url}: all of them, "—" where there is nothing. *ret_owner: the organisation's id, "" of an import.
 * *ret_refund: its order is "refund due". ERR_NOT_FOUND. */
int notice_params(struct db *db, const char *application, enum lang lang, json_t **ret, char ret_owner[37],
                  bool *ret_refund, struct err *err);

#endif
