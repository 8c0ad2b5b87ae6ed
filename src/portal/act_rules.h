/* What the acts share. */
#ifndef CASTATION_PORTAL_ACT_RULES_H
#define CASTATION_PORTAL_ACT_RULES_H

#include "portal/acts.h"

/* The application, provided that `held` is its present lending and `event` may happen to it; *ret_next is
 * where that leads. */
int act_hold(const struct act *act, const struct act_held *held, enum application_event event,
             struct portal_application *ret, enum application_state *ret_next, struct err *err);

struct act_move {
    const struct portal_application *from;
    enum application_event event;
    enum application_state to;
    const char *station; /* NULL: held by none from now on */
    const char *fault_code, *fault_detail;
    const char *detail; /* of the event */
};
/* Change the state, guarded by what was read, and write the event. ERR_CONFLICT when it changed meanwhile. */
int act_move(const struct act *act, const struct act_move *move, struct err *err);

int act_end_lending(const struct act *act, const struct act_held *held, const char *outcome, struct err *err);

#endif
