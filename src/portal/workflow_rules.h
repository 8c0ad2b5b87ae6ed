/* What the acts of people share. */
#ifndef CASTATION_PORTAL_WORKFLOW_RULES_H
#define CASTATION_PORTAL_WORKFLOW_RULES_H

#include "portal/act_rules.h"
#include "portal/workflow.h"

/* What lists and searches know of a form: taken out of it, right or wrong, cut to what the columns hold. */
struct form_columns {
    char organisation[257], identifier[33], profile[33];
    int64_t validity_days;
    const char *delivery_method; /* NULL: not chosen */
};
void form_columns(const json_t *form, struct form_columns *ret);

/* The canonical form as text; free(). */
int form_text(const json_t *form, char **ret, struct err *err);

/* The name in the form becomes the organisation's, and a USCC in it its identifier when it has none. An institution
 * without one gets its internal identifier, which is put into the form when nothing stands there. ERR_FIELD,
 * ERR_IDENTIFIER, ERR_EXISTS. */
int form_name_organisation(struct db *db, const char *organisation, json_t *form, struct err *err);

#endif
