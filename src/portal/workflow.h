/* From a draft to the token's hand-over: the acts of people. Like those of acts.h they run inside the caller's
 * transaction, know nothing of HTTP, change the state by the table of transitions, write their event, start and stop
 * the promise's clock, and put the notices of notice_rule.def into the outbox. After -1 the caller rolls back.
 * ERR_WRONG_STATE, ERR_CONFLICT (it was changed at the same time), ERR_NOT_FOUND everywhere. act.who is "user:<email>". */
#ifndef CASTATION_PORTAL_WORKFLOW_H
#define CASTATION_PORTAL_WORKFLOW_H

#include "portal/account.h"
#include "portal/acts.h"
#include "portal/form.h"

#define WORKFLOW_NUMBER_MAX 64 /* characters of a carrier, a tracking number, a bank's reference, a paper's number */

/* ---- the applicant ---- */

/* The organisation's application under way: *ret_id "" when there is none. */
int workflow_in_progress(struct db *db, const char *organisation, char ret_id[41], struct err *err);

/* A draft, with the terms agreed to. ERR_EXISTS naming the one in progress; ERR_CONFLICT: `terms` is not the present
 * version. The id: "CA" + Shanghai date + "-" + 8 of Crockford's base 32. What the account knows is filled in. */
int act_draft(const struct act *act, const struct account_user *user, int64_t terms, const char *address,
              char ret_id[41], struct err *err);
/* Put `changes` {key: value} into the form; unknown keys are ERR_FIELD. Draft or returned only. When the organisation's
 * name is entered: the account's organisation gets it, and an institution without a USCC its "zcy…" identifier. */
int act_form_save(const struct act *act, const char *id, const json_t *changes, struct err *err);
/* ERR_FIELD when form_check finds errors (the page shows them first). First time: to 待缴费 with an order, or to 待初审
 * when the fee is 0. After a return: to 待初审, no fee, its place in the queue kept. ERR_NOT_FOUND: the price list has
 * nothing for it; ERR_REFUSED: after a return it would have another fee; ERR_EXISTS: the USCC is another account's. */
int act_submit(const struct act *act, const char *id, const struct form_world *world, struct err *err);
/* Paid: the order becomes "refund due". Made: its certificate is voided here, and the operator told to recycle the
 * token. */
int act_withdraw(const struct act *act, const char *id, const char *reason, struct err *err);

/* ---- payment: bank transfer now; an online provider's adapter calls act_pay the same way ---- */
enum order_state {
#define X(state, name, zh, en) state,
#include "portal/order_state.def"
#undef X
    ORDER_STATE_COUNT
};
const char *order_state_name(enum order_state s); /* "due" … "closed" */
const char *order_state_title(enum order_state s, enum lang lang);
enum order_state order_state_from_name(const char *name); /* …_COUNT when unknown */

/* How one may pay: payment_method.def. */
size_t payment_method_count(void);
const char *payment_method_name(size_t i); /* "bank_transfer" */
const char *payment_method_title(const char *name, enum lang lang); /* "" when unknown */
struct payment_order {
    char id[33], application[41];
    enum order_state state;
    int64_t fen, created_at, paid_at, confirmed_at, refunded_at;
    char method[17], reference[65], confirmed_by[81], refund_reference[65], refunded_by[81];
};
/* A new one, due. It is the only place where orders are made. ERR_CONFLICT: the application has an open one. */
int payment_order_new(const struct act *act, const char *application, int64_t fen, char ret_id[33], struct err *err);
/* The application has ended: what was due is closed, what was paid is to be refunded. *ret_refund: that. */
int payment_order_end(const struct act *act, const char *application, bool *ret_refund, struct err *err);
int payment_order_get(struct db *db, const char *id, struct payment_order *ret, struct err *err);
/* The application's last one; *ret_found. */
int payment_order_of(struct db *db, const char *application, bool *ret_found, struct payment_order *ret, struct err *err);
struct act_payment {
    const char *order, *method; /* "bank_transfer" */
    const char *reference;      /* the bank's; unique for the method: ERR_EXISTS */
    int64_t fen;                /* ERR_FIELD unless it is the order's */
    int64_t paid_at;            /* ERR_FIELD when in the future */
};
/* The same payment again is fine and changes nothing. Of an order that was closed: the money is "refund due". */
int act_pay(const struct act *act, const struct act_payment *payment, struct err *err);
int act_refund(const struct act *act, const char *order, const char *reference, struct err *err);
/* Price in fen; ERR_NOT_FOUND: the list has none (then nobody may submit). */
int price_of(struct db *db, const char *kind, const char *profile, int64_t validity_days, int64_t *ret_fen, struct err *err);

/* ---- reviews ---- */
enum review_stage { REVIEW_FIRST, REVIEW_FINAL };
enum review_decision { REVIEW_APPROVE, REVIEW_RETURN, REVIEW_REJECT, REVIEW_DECISION_COUNT };
struct act_decision {
    enum review_stage stage; /* the one that the reviewer saw: ERR_WRONG_STATE when it is at another now */
    enum review_decision decision;
    const struct account_user *reviewer; /* ERR_REFUSED: not the role; final: approved it at first review */
    const char *review_sha256;           /* what the reviewer saw: ERR_CONFLICT when the content is another now */
    const json_t *reasons;               /* return: {key or "material_<kind>": reason}, at least one: ERR_FIELD */
    const char *note;                    /* reject: why; ERR_FIELD when empty */
    EVP_PKEY *key;                       /* final approval: signs */
};
/* Final approval needs the paper's receipt, and a first approval of the same content: ERR_REFUSED. */
int act_review(const struct act *act, const char *id, const struct act_decision *decision, struct err *err);
/* Did this person ever decide about it at first review, whatever became of that? Then the final one is another's. */
int review_took_part(struct db *db, const char *id, const char *email, bool *ret, struct err *err);
int act_paper(const struct act *act, const char *id, const char *number, struct err *err); /* again: corrects the number */
/* Reasons of the last return, {key: reason}; {} when it was not returned. */
int review_reasons(struct db *db, const char *id, json_t **ret, struct err *err);
/* All decisions, oldest first: [{stage ("first", "final"), decision ("approve", "return", "reject"), reviewer (e-mail),
 * at (Unix ms), note, reasons, void}] */
int reviews_of(struct db *db, const char *id, json_t **ret, struct err *err);

/* ---- hand-over ---- */
int act_offer(const struct act *act, const char *id, struct err *err); /* ready for pickup; delivery must be pickup */
int act_post(const struct act *act, const char *id, const char *carrier, const char *number, struct err *err);
int act_pick_up(const struct act *act, const char *id, const char *note, struct err *err);

#endif
