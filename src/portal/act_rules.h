/* What the acts share. */
#ifndef CASTATION_PORTAL_ACT_RULES_H
#define CASTATION_PORTAL_ACT_RULES_H

#include "base/buf.h"
#include "domain/application.h"
#include "domain/approval.h"
#include "portal/acts.h"
#include "portal/promise.h"

#define ACT_NOTE_MAX  500                    /* characters of a reason or a remark */
#define ACT_NOTE_SIZE (4 * ACT_NOTE_MAX + 1) /* bytes */

/* The application, provided that `held` is its present lending and `event` may happen to it; *ret_next is
 * where that leads. */
int act_hold(const struct act *act, const struct act_held *held, enum application_event event,
             struct portal_application *ret, enum application_state *ret_next, struct err *err);

/* The promise's clock: due 0 = none runs; stopped_at not 0 = it stands still since then. */
struct act_clock {
    int64_t due, days, stopped_at;
};
int act_clock_start(const struct act *act, enum promise p, struct act_clock *ret, struct err *err);
extern const struct act_clock ACT_CLOCK_OFF;

struct act_move {
    const struct portal_application *from;
    enum application_event event;
    enum application_state to;
    const char *station; /* NULL: held by none from now on */
    const char *fault_code, *fault_detail;
    const char *detail;            /* of the event: for the operating organisation */
    const char *note;              /* of the event: for everybody; NULL: none */
    const struct act_clock *clock; /* NULL: it goes on as it does */
};
/* Change the state, guarded by what was read, write the event and its notices: what these tell of is written before.
 * ERR_CONFLICT when it changed meanwhile. */
int act_move(const struct act *act, const struct act_move *move, struct err *err);

/* move->from and move->to of `event`. ERR_NOT_FOUND, ERR_WRONG_STATE. */
int act_take(const struct act *act, const char *id, enum application_event event, struct portal_application *ret,
             struct act_move *move, struct err *err);

int act_end_lending(const struct act *act, const struct act_held *held, const char *outcome, struct err *err);

/* What a person typed as one line: white space of any kind becomes single spaces, none at the ends. ERR_FIELD naming
 * `field`: too long, forbidden characters, or empty where it is needed. typed may be NULL. */
int act_note(const char *field, const char *typed, size_t max_chars, bool needed, char *ret, size_t cap,
             struct err *err);

/* ---- approvals: one way to sign, whoever reviewed where ---- */
struct act_signed {
    struct approval approval;
    char document[APPROVAL_DOCUMENT_MAX + 1];
    char signature[4 * (APPROVAL_SIGNATURE_MAX + 2) / 3 + 1]; /* base64 */
};
/* ERR_APPROVAL: the reviewers are one, or a name is too long. */
int act_sign(const struct act *act, const struct application *app, const char *first, const char *final,
             EVP_PKEY *key, struct act_signed *ret, struct err *err);

/* ---- the certificate that stands ---- */
/* *ret_found: it is void from now on, at the portal's wish; *ret tells which it was. */
int act_void_standing(const struct act *act, const char *application, const char *reason, bool *ret_found,
                      struct portal_certificate *ret, struct err *err);

#endif
