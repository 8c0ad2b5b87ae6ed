/* How far an application is, for every page about one: the guide's five steps and the timeline. */
#ifndef CASTATION_WEB_PROGRESS_H
#define CASTATION_WEB_PROGRESS_H

#include "portal/application_state.h"
#include "web/web.h"

/* ctx.steps for {{> stepper}}: of c->application (its way of delivery names the last step). */
int web_put_steps(struct web_call *c, enum application_state state, struct err *err);
/* ctx.timeline for {{> timeline}}: {at, title, who, note, kind}, oldest first. Applicants read which role
 * acted, and notes meant for them; staff read names and details. */
int web_put_timeline(struct web_call *c, const char *id, struct err *err);

/* What comes next, in a sentence for this reader. */
enum text_id progress_next(const struct web_call *c, enum application_state state);

#endif
