/* One application as rows for people: what is exported, and what stands on the form to be stamped. */
#ifndef CASTATION_WEB_EXPORT_ROWS_H
#define CASTATION_WEB_EXPORT_ROWS_H

#include "web/web.h"

#define EXPORT_ROWS_CAP   80
#define EXPORT_VALUE_SIZE 2048

/* Whose eyes it is for: identity numbers, phones and addresses are masked otherwise. */
enum export_sight { EXPORT_SEES_ALL, EXPORT_SEES_DELIVERY, EXPORT_SEES_MASKED };
enum export_sight export_sight_of(const struct account_user *user);

enum export_part {
    EXPORT_HEAD,
    EXPORT_ORGANISATION,
    EXPORT_PEOPLE,
    EXPORT_MATERIALS,
    EXPORT_DELIVERY,
    EXPORT_RESULT,
    EXPORT_PART_COUNT
};

struct export_line {
    enum export_part part;
    const char *key; /* of the form's field, or the kind of material; "" of others */
    bool given;      /* a material: there is a file of it */
    const char *title[LANG_COUNT];
    char value[EXPORT_VALUE_SIZE];
};
struct export_rows {
    size_t n;
    struct export_line rows[EXPORT_ROWS_CAP];
};

/* Of c->application; values in `lang`. The caller's: free(). */
int export_rows_read(struct web_call *c, enum export_sight sight, enum lang lang, struct export_rows **ret,
                     struct err *err);

#endif
