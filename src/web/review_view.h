/* What the review page shows, and the decision's form. */
#ifndef CASTATION_WEB_REVIEW_VIEW_H
#define CASTATION_WEB_REVIEW_VIEW_H

#include "portal/workflow.h"
#include "web/staff.h"

/* Who may do what here, now. */
struct review_access {
    bool decides;      /* the decision's form is shown */
    bool final, paper; /* the final stage; the paper has come (or is not needed: first stage) */
    bool takes_paper;  /* may say that the paper has come */
    bool same_person;  /* was this application's first reviewer */
    bool reveals, under_review;
};
int review_access(struct web_call *c, struct review_access *ret, struct err *err);

/* The whole page; `reveal`: the key of a masked field that is shown this time (NULL: none). */
int review_page(struct web_call *c, const char *reveal, unsigned int status, struct err *err);

/* Put the machine's checks into ctx.checks: [{title, text, kind, links: [{url, text}]}]. */
int review_checks(struct web_call *c, const json_t *form, struct err *err);

/* Ready reasons: options of one select, {value, label, selected}; of a material, or of a field. */
int review_reason_options(const struct web_call *c, bool material, const char *selected, json_t **ret,
                          struct err *err);
/* The sentence of a ready reason; NULL: there is none of this name. */
const char *review_reason(const char *name, enum lang lang);

/* What can be returned: materials, and fields of the form by group. `each` gets the key of the reason, its
 * label, and whether it is a material. */
int review_each_group(const struct web_call *c, const json_t *form,
                      int (*each)(const char *key, const char *label, bool material, void *arg,
                                  struct err *err),
                      void *arg, struct err *err);

#endif
