/* What the operating organisation's pages share: rows of applications, the promise's clock in words,
 * addresses of pages with a query, what an applicant typed. */
#ifndef CASTATION_WEB_STAFF_H
#define CASTATION_WEB_STAFF_H

#include "base/buf.h"
#include "portal/form.h"
#include "web/web.h"

/* `text` with every "{n}" replaced. */
void staff_count(char *ret, size_t cap, const char *text, int64_t n);
/* A sentence, or two of which the first is for 1. */
void staff_number(const struct web_call *c, char *ret, size_t cap, enum text_id one, enum text_id many,
                  int64_t n);

/* {due: "2026-11-25", left: words, kind: a tag's, late, provisional}; `due` is "" when no promise runs. */
int staff_clock(struct web_call *c, int64_t due, int64_t stopped_at, bool provisional, json_t **ret,
                struct err *err);

/* Rows of list.h get state_title, tag, created, submitted, delivery, profile_title, the addresses of their
 * pages and promise (as above). */
int staff_rows(struct web_call *c, json_t *rows, struct err *err);

/* ctx.application: what every page about one application begins with: id, url, state, state_title, tag,
 * organisation, identifier, profile_title, submitted, paper_number, promise. */
int staff_application(struct web_call *c, struct err *err);

/* Append "name=value" to a path: "?" or "&" before it as needed, percent-encoded (RFC 3986); nothing when
 * value is "". */
int staff_url_add(struct buf *url, const char *name, const char *value, struct err *err);
int staff_set_url(struct web_call *c, const char *key, struct buf *url, struct err *err);

/* {state titles} as options of a select: "" (all) first; `key` in the context. */
int staff_state_options(struct web_call *c, const char *key, struct err *err);

/* "2026-11-22" is the beginning of that day in Shanghai, or of the one after it; "" is 0. False: no date. */
bool staff_date(const char *text, bool after, int64_t *ret_ms);

/* The form as it was typed; of an imported application, what its document says, under the form's keys. */
int staff_form(struct web_call *c, json_t **ret, struct err *err);

/* Undo what an act that failed may have begun, so that the page that says so can be answered and committed.
 */
int staff_undo(struct web_call *c, struct err *err);

/* Yuan with at most two decimals ("1,234.50") as fen, exactly. */
bool staff_money(const char *typed, int64_t *ret_fen);

/* Field values trimmed of white space at their ends; cut at cap - 1. */
void staff_field(const struct web_call *c, const char *name, char *ret, size_t cap);

/* Fields of one section for reading: [{key, label, value, masked, shown}]; of masked ones the value's stars,
 * but for `reveal` (NULL: none). */
int staff_section(struct web_call *c, const json_t *form, int section, const char *reveal, json_t **ret,
                  struct err *err);
/* The label of a field, or of the group that stands in one line with it. */
enum text_id staff_field_label(const struct form_field *field);
/* The field that may be revealed and was asked for; NULL: none such. Writes the audit's line. */
int staff_reveal(struct web_call *c, const char **ret_key, struct err *err);

#endif
