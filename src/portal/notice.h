/* Notices on the site, and their mails, through an outbox: written in the transaction of what they tell of,
 * sent by the mailer (mailer.h) afterwards.
 *
 * notice_kind.def: X(kind, name, title zh, en, body zh, en): texts with {application} {organisation} {reason}
 * {due} {order} {amount} {point} {address} {carrier} {number} {token} {station} {url} replaced; a name that
 * is not given is an error. notice_rule.def: X(event, audience, when, kind): what an event of an application
 * sends, and to whom. */
#ifndef CASTATION_PORTAL_NOTICE_H
#define CASTATION_PORTAL_NOTICE_H

#include <jansson.h>

#include "portal/account.h"
#include "portal/application_state.h"

enum notice_kind {
#define X(kind, name, title_zh, title_en, body_zh, body_en) kind,
#include "portal/notice_kind.def"
#undef X
    NOTICE_KIND_COUNT
};
const char *notice_kind_name(enum notice_kind kind);
enum notice_kind notice_kind_from_name(const char *name); /* NOTICE_KIND_COUNT when unknown */

/* One account's notice and mail, in its language. params: object of strings; stolen. */
int notice_to(struct db *db, int64_t now, const struct account_user *to, enum notice_kind kind,
              const char *application, json_t *params, struct err *err);
/* All who hold one of `roles` (staff), or all users of an organisation. */
int notice_to_roles(struct db *db, int64_t now, unsigned int roles, enum notice_kind kind,
                    const char *application, const json_t *params, struct err *err);
int notice_to_organisation(struct db *db, int64_t now, const char *organisation, enum notice_kind kind,
                           const char *application, const json_t *params, struct err *err);
/* About an application, whatever its event: to its organisation (ROLE_APPLICANT) or to staff. All params come
 * from the application's records as they are now (notice_params.h); `params` may add or replace some; NULL:
 * none. So "refunded" is notice_about(db, now, application, ROLE_APPLICANT, NOTICE_REFUNDED, NULL, err). */
int notice_about(struct db *db, int64_t now, const char *application, unsigned int audience,
                 enum notice_kind kind, const json_t *params, struct err *err);
/* After an application's event, at the end of its act (order, review, promise are written): everything
 * notice_rule.def says. `params` as above: the reasons of a return, a failure's fault, the order, the token
 * are found without it. */
int notice_of_event(struct db *db, int64_t now, const char *application, enum application_event event,
                    const json_t *params, struct err *err);

/* The title or body of a kind with its params replaced. */
int notice_text(enum notice_kind kind, bool body, const json_t *params, enum lang lang, struct buf *out,
                struct err *err);
int notice_unread(struct db *db, const char *account, int64_t *ret, struct err *err);
/* Newest first, after the one of that time and id (0 and "": the newest):
 * [{id, kind, application, title, body, created_at, read}] */
int notice_list(struct db *db, const char *account, enum lang lang, int64_t before, const char *before_id,
                int64_t limit, json_t **ret, struct err *err);
int notice_read(struct db *db, int64_t now, const char *account, const char *id_or_all, struct err *err);

/* Whether there is such a notice, and its application ("": none). ERR_NOT_FOUND. */
int notice_application(struct db *db, const char *account, const char *id, char ret_application[41],
                       struct err *err);

/* A mail without a notice (a link for one who is not logged in). Plain text; "{site}" in it becomes the
 * pages' public address when it is sent: "{site}/email/TOKEN". ERR_FIELD: recipient or subject could not
 * stand in a mail's head. */
int mail_put(struct db *db, int64_t now, const char *recipient, const char *subject, const char *body,
             const char *kind, struct err *err);

#endif
