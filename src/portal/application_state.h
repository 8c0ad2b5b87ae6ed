/* States of an application, what may happen to it, and the legal changes: one table each. */
#ifndef CASTATION_PORTAL_APPLICATION_STATE_H
#define CASTATION_PORTAL_APPLICATION_STATE_H

#include <stdbool.h>

#include "base/err.h"

enum application_state {
#define X(state, name, zh, en) state,
#include "portal/application_state.def"
#undef X
    APPLICATION_STATE_COUNT
};

enum application_event {
#define X(event, name, alert) event,
#include "portal/application_event.def"
#undef X
    APPLICATION_EVENT_COUNT
};

const char *application_state_name(enum application_state s);
const char *application_state_title(enum application_state s, enum lang lang);
enum application_state
application_state_from_name(const char *name); /* APPLICATION_STATE_COUNT when unknown */
const char *application_event_name(enum application_event e);
bool application_event_alerts(enum application_event e);

/* What `event` makes of `from`. ERR_WRONG_STATE naming both. */
int application_next(enum application_state from, enum application_event event, enum application_state *ret,
                     struct err *err);

#endif
