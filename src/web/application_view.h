/* What every page about one application begins with. */
#ifndef CASTATION_WEB_APPLICATION_VIEW_H
#define CASTATION_WEB_APPLICATION_VIEW_H

#include "web/web.h"

/* ctx.application (staff.h; the state in this reader's words), steps, applicant, next. */
int application_put_head(struct web_call *c, struct err *err);
/* ctx.order: {id, amount, state, state_title, paid_at}; false when there is none. */
int application_put_order(struct web_call *c, struct err *err);

#endif
