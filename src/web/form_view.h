/* What the sections of the form show: inputs, divisions, tabs, errors. Shared by the pages of the form. */
#ifndef CASTATION_WEB_FORM_VIEW_H
#define CASTATION_WEB_FORM_VIEW_H

#include "portal/form.h"
#include "web/web.h"

struct form_view {
    enum form_section section;
    struct form_world world;
    json_t *form;   /* as saved; after a POST with what was just typed */
    json_t *errors; /* {key: sentence} of all sections */
    bool strict;    /* say also what is still empty */
};
int form_view_init(struct web_call *c, struct form_view *v, enum form_section section, struct err *err);
void form_view_done(struct form_view *v);

/* Check the form again and put everything of the section into the context: tabs, inputs, errors, reasons of a
 * return. */
int form_view_put(struct web_call *c, struct form_view *v, struct err *err);

/* The section's inputs and what may be chosen, each card's in ctx[card]. */
int form_view_inputs(struct web_call *c, const struct form_view *v, struct err *err);

/* What the section's posted fields change: {key: value}, trimmed; a division that is not in the one above it
 * is emptied. */
int form_view_typed(struct web_call *c, const struct form_view *v, json_t **ret, struct err *err);

/* ctx[key], a list of one, for {{> region}}: three selects of `prefix` ("authority", "delivery") at these
 * values. */
int form_view_region(struct web_call *c, const char *key, const char *prefix, const json_t *values,
                     struct err *err);

/* Kind of material and the files there are of it: ctx.kinds = [{kind, title, hint, required, files: [{…}],
 * error}] */
int form_view_materials(struct web_call *c, const json_t *form, const json_t *errors, struct err *err);

/* ctx.reasons = [{key, label, reason, reason_url}] of the last return; [] when it is not returned. */
int form_view_reasons(struct web_call *c, struct err *err);

/* The last section's: ctx.summary, faults, fee, kinds. */
int form_view_summary(struct web_call *c, struct form_view *v, struct err *err);

/* A whole section's page, for handlers beside the form's own. */
int form_page(struct web_call *c, enum form_section section, unsigned int status, struct err *err);

/* The name of the input that a form's key is typed into: error summaries link to it. */
const char *form_view_input(const char *key);

#endif
