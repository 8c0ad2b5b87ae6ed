/* States of an application, what may happen to it, and the legal changes: one table each. */
#ifndef CASTATION_PORTAL_APPLICATION_STATE_H
#define CASTATION_PORTAL_APPLICATION_STATE_H

#include <stdbool.h>

#include "base/err.h"

enum application_state {
#define X(state, name, zh, en, public_zh, public_en, step, tag) state,
#include "portal/application_state.def"
#undef X
    APPLICATION_STATE_COUNT
};

enum application_event {
#define X(event, name, alert, zh, en) event,
#include "portal/application_event.def"
#undef X
    APPLICATION_EVENT_COUNT
};

const char *application_state_name(enum application_state s);
const char *application_state_title(enum application_state s, enum lang lang);
/* In the guide's words, as the applicant reads it. */
const char *application_state_public_title(enum application_state s, enum lang lang);
int application_state_step(enum application_state s); /* 1 … 5 of the stepper; 6: over */
const char *application_state_tag(enum application_state s);
enum application_state
application_state_from_name(const char *name); /* APPLICATION_STATE_COUNT when unknown */
const char *application_event_name(enum application_event e);
const char *application_event_title(enum application_event e, enum lang lang);
enum application_event
application_event_from_name(const char *name); /* APPLICATION_EVENT_COUNT when unknown */
bool application_event_alerts(enum application_event e);

/* What `event` makes of `from`. ERR_WRONG_STATE naming both. */
int application_next(enum application_state from, enum application_event event, enum application_state *ret,
                     struct err *err);

#endif
