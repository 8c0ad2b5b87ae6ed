/* What a portal begins with: settings, terms, prices, the calendar. What is there is never touched. */
#ifndef CASTATION_PORTAL_SEED_H
#define CASTATION_PORTAL_SEED_H

#include "portal/portal_conf.h"
#include "store/db.h"

/* Settings that have no value, the terms and the price list of a portal that never had any, and each year of
 * data/calendar/ that is not loaded yet. Begins and ends its own transaction. A data folder that is not there
 * is logged. */
int portal_seed(struct db *db, const struct portal_conf *conf, int64_t now, struct err *err);
/* For trying out: one service point, unless there is any. */
int portal_seed_sample(struct db *db, struct err *err);

#endif
