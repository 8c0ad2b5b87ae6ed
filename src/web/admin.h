/* What the administrator's pages share. */
#ifndef CASTATION_WEB_ADMIN_H
#define CASTATION_WEB_ADMIN_H

#include "web/web.h"

#define ADMIN_PAGE 50 /* rows of a page */

/* A change in the audit log: "before → after". No secrets. */
int admin_audit(struct web_call *c, const char *what, const char *subject, const char *before,
                const char *after, struct err *err);
/* Saved: the sentence on the next page, and there. */
int admin_done(struct web_call *c, enum text_id said, const char *path, struct err *err);

/* ctx[key] = [] */
int admin_list(struct web_call *c, const char *key, json_t **ret_borrowed, struct err *err);
int admin_append(json_t *list, json_t *row_stolen, struct err *err);

/* Keyset paging over (time, id), newest first: the query "after" is "<ms>_<id>". At first, the end of time.
 */
struct admin_after {
    int64_t at;
    char id[UUID_SIZE];
};
void admin_after(const struct web_call *c, struct admin_after *ret);
/* ctx.next_url (when `more`) and ctx.first_url for the pager; `filter`: "a=b&c=d", encoded already, or "". */
int admin_pager(struct web_call *c, const char *path, const char *filter, const struct admin_after *last,
                bool more, struct err *err);

/* A whole number in a field: false when there is none in [min, max]. */
bool admin_number(const char *text, int64_t min, int64_t max, int64_t *ret);

#endif
