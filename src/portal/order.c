/* Orders and their money: what is due, paid, refunded. */
#include "portal/workflow.h"

#include <stdio.h>
#include <string.h>

#include "portal/act_rules.h"
#include "portal/notice.h"
#include "portal/number.h"

/* ---- words
 * ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *title[LANG_COUNT];
} STATES[ORDER_STATE_COUNT] =
    {
#define X(state, name, zh, en) [state] = {name, {zh, en}},
#include "portal/order_state.def"
#undef X
},
  METHODS[] = {
#define X(name, zh, en) {name, {zh, en}},
#include "portal/payment_method.def"
#undef X
};
#define N_METHODS (sizeof(METHODS) / sizeof(METHODS[0]))

const char *order_state_name(enum order_state s)
{
    return (unsigned int)s < ORDER_STATE_COUNT ? STATES[s].name : "unknown";
}

const char *order_state_title(enum order_state s, enum lang lang)
{
    return (unsigned int)s < ORDER_STATE_COUNT ? STATES[s].title[lang == LANG_ZH ? LANG_ZH : LANG_EN] : "";
}

enum order_state order_state_from_name(const char *name)
{
    enum order_state s = 0;
    while (s < ORDER_STATE_COUNT && strcmp(STATES[s].name, name) != 0)
        s++;
    return s;
}

size_t payment_method_count(void)
{
    return N_METHODS;
}

const char *payment_method_name(size_t i)
{
    return i < N_METHODS ? METHODS[i].name : "";
}

const char *payment_method_title(const char *name, enum lang lang)
{
    for (size_t i = 0; i < N_METHODS; i++)
        if (strcmp(METHODS[i].name, name) == 0)
            return METHODS[i].title[lang == LANG_ZH ? LANG_ZH : LANG_EN];
    return "";
}

/* ---- rows
 * ----------------------------------------------------------------------------------------------------- */

#define KEEP(rows, col, field)                                                                               \
    snprintf(field, sizeof(field), "%.*s", (int)sizeof(field) - 1, db_col_text(rows, col))

static void read_order(struct db_rows *rows, struct payment_order *o)
{
    KEEP(rows, 0, o->id);
    KEEP(rows, 1, o->application);
    o->state = order_state_from_name(db_col_text(rows, 2));
    o->fen = db_col_int(rows, 3);
    o->created_at = db_col_int(rows, 4);
    KEEP(rows, 5, o->method);
    KEEP(rows, 6, o->reference);
    o->paid_at = db_col_int(rows, 7);
    KEEP(rows, 8, o->confirmed_by);
    o->confirmed_at = db_col_int(rows, 9);
    KEEP(rows, 10, o->refund_reference);
    o->refunded_at = db_col_int(rows, 11);
    KEEP(rows, 12, o->refunded_by);
}

static int find_order(struct db *db, enum portal_sql statement, const struct db_value *args, size_t n,
                      bool *ret_found, struct payment_order *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, (int)statement, args, n, &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        read_order(rows, ret);
    db_rows_free(&rows);
    *ret_found = r == 1;
    return r < 0 ? -1 : 0;
}

int payment_order_get(struct db *db, const char *id, struct payment_order *ret, struct err *err)
{
    bool found;
    if (find_order(db, PSQL_ORDER_GET, DB_ARGS(DB_TEXT(id)), &found, ret, err) != 0)
        return -1;
    return found ? 0 : err_set(err, ERR_NOT_FOUND, "order %.40s: there is none of this number", id);
}

int payment_order_of(struct db *db, const char *application, bool *ret_found, struct payment_order *ret,
                     struct err *err)
{
    return find_order(db, PSQL_ORDER_OF, DB_ARGS(DB_TEXT(application)), ret_found, ret, err);
}

int price_of(struct db *db, const char *kind, const char *profile, int64_t validity_days, int64_t *ret_fen,
             struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_PRICE_GET, DB_ARGS(DB_TEXT(kind), DB_TEXT(profile), DB_INT(validity_days)), &rows,
                 err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        *ret_fen = db_col_int(rows, 0);
    db_rows_free(&rows);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "the price list has nothing for %s, %s, %lld days", kind, profile,
                       (long long)validity_days);
    return r < 0 ? -1 : 0;
}

int payment_order_new(const struct act *act, const char *application, int64_t fen, char ret_id[33],
                      struct err *err)
{
    number_new("", "", act->now, 12, ret_id, 33);
    return db_exec(act->db, PSQL_ORDER_INSERT,
                   DB_ARGS(DB_TEXT(ret_id), DB_TEXT(application), DB_TEXT(order_state_name(ORDER_DUE)),
                           DB_INT(fen), DB_INT(act->now)),
                   NULL, err);
}

static int set_state(const struct act *act, const struct payment_order *o, enum order_state to,
                     struct err *err)
{
    int64_t changes = 0;
    if (db_exec(act->db, PSQL_ORDER_STATE,
                DB_ARGS(DB_TEXT(o->id), DB_TEXT(order_state_name(o->state)), DB_TEXT(order_state_name(to))),
                &changes, err) != 0)
        return -1;
    return changes == 1 ? 0 : err_set(err, ERR_CONFLICT, "order %s: it was changed at the same time", o->id);
}

int payment_order_end(const struct act *act, const char *application, bool *ret_refund, struct err *err)
{
    struct payment_order o;
    bool found;
    *ret_refund = false;
    if (payment_order_of(act->db, application, &found, &o, err) != 0)
        return -1;
    if (!found || (o.state != ORDER_DUE && o.state != ORDER_PAID))
        return 0;
    *ret_refund = o.state == ORDER_PAID;
    return set_state(act, &o, *ret_refund ? ORDER_REFUND_DUE : ORDER_CLOSED, err);
}

/* ---- paying
 * --------------------------------------------------------------------------------------------------- */

static int check_payment(const struct act *act, const struct act_payment *p, char reference[65],
                         struct err *err)
{
    char typed[4 * WORKFLOW_NUMBER_MAX + 1];
    if (!*payment_method_title(p->method, LANG_EN))
        return err_set(err, ERR_FIELD, "method: there is no way to pay of this name, '%.20s'", p->method);
    if (act_note("reference", p->reference, WORKFLOW_NUMBER_MAX, true, typed, sizeof(typed), err) != 0)
        return -1;
    if (strlen(typed) > 64)
        return err_set(err, ERR_FIELD, "reference: at most 64 bytes");
    if (p->paid_at <= 0 || p->paid_at > act->now)
        return err_set(err, ERR_FIELD, "paid_at: it must not be in the future");
    memcpy(reference, typed, strlen(typed) + 1);
    return 0;
}

static int refuse_known_reference(const struct act *act, const struct act_payment *p, const char *reference,
                                  struct err *err)
{
    struct payment_order other;
    bool found;
    if (find_order(act->db, PSQL_ORDER_BY_REFERENCE, DB_ARGS(DB_TEXT(p->method), DB_TEXT(reference)), &found,
                   &other, err) != 0)
        return -1;
    if (found)
        return err_set(err, ERR_EXISTS, "reference: %s is entered for order %s already", reference, other.id);
    return 0;
}

static int record_payment(const struct act *act, const struct payment_order *o, const struct act_payment *p,
                          const char *reference, enum order_state to, struct err *err)
{
    int64_t changes = 0;
    if (db_exec(act->db, PSQL_ORDER_PAY,
                DB_ARGS(DB_TEXT(o->id), DB_TEXT(order_state_name(o->state)), DB_TEXT(order_state_name(to)),
                        DB_TEXT(p->method), DB_TEXT(reference), DB_INT(p->paid_at), DB_TEXT(act->who),
                        DB_INT(act->now)),
                &changes, err) != 0)
        return err->code == ERR_CONFLICT
                   ? err_set(err, ERR_EXISTS, "reference: %s is entered already", reference)
                   : -1;
    return changes == 1 ? 0 : err_set(err, ERR_CONFLICT, "order %s: it was changed at the same time", o->id);
}

/* Told of the application without a change of its state. */
static int tell(const struct act *act, const char *application, enum application_event event,
                const char *detail, struct err *err)
{
    const struct portal_event e = {.application = application,
                                   .who = act->who,
                                   .what = application_event_name(event),
                                   .alert = application_event_alerts(event),
                                   .detail = detail};
    if (portal_event_add(act->db, act->now, &e, err) != 0)
        return -1;
    return notice_of_event(act->db, act->now, application, event, NULL, err);
}

static int pay_due(const struct act *act, const struct payment_order *o, const struct act_payment *p,
                   const char *reference, const char *detail, struct err *err)
{
    struct portal_application row;
    struct act_clock clock;
    struct act_move move = {.detail = detail, .clock = &clock};
    if (act_take(act, o->application, APPLICATION_PAY, &row, &move, err) != 0 ||
        act_clock_start(act, PROMISE_FIRST_REVIEW, &clock, err) != 0 ||
        record_payment(act, o, p, reference, ORDER_PAID, err) != 0)
        return -1;
    return act_move(act, &move, err);
}

int act_pay(const struct act *act, const struct act_payment *payment, struct err *err)
{
    struct payment_order o;
    char reference[65], detail[256];
    if (payment_order_get(act->db, payment->order, &o, err) != 0 ||
        check_payment(act, payment, reference, err) != 0)
        return -1;
    if (payment->fen != o.fen)
        return err_set(err, ERR_FIELD, "amount: the order's is %lld.%02d", (long long)(o.fen / 100),
                       (int)(o.fen % 100));
    if (strcmp(o.method, payment->method) == 0 && strcmp(o.reference, reference) == 0)
        return 0; /* told again */
    if (o.state != ORDER_DUE && o.state != ORDER_CLOSED)
        return err_set(err, ERR_WRONG_STATE,
                       "order %s: it is %s; another payment of it is refunded by the bank", o.id,
                       order_state_name(o.state));
    if (refuse_known_reference(act, payment, reference, err) != 0)
        return -1;
    snprintf(detail, sizeof(detail), "order %s; %s %s", o.id, payment->method, reference);
    if (o.state == ORDER_DUE)
        return pay_due(act, &o, payment, reference, detail, err);
    if (record_payment(act, &o, payment, reference, ORDER_REFUND_DUE, err) != 0)
        return -1;
    return tell(act, o.application, APPLICATION_PAY_LATE, detail, err);
}

int act_refund(const struct act *act, const char *order, const char *reference, struct err *err)
{
    struct payment_order o;
    char typed[65], detail[256];
    int64_t changes = 0;
    if (payment_order_get(act->db, order, &o, err) != 0 ||
        act_note("refund_reference", reference, WORKFLOW_NUMBER_MAX, true, typed, sizeof(typed), err) != 0)
        return -1;
    if (o.state == ORDER_REFUNDED && strcmp(o.refund_reference, typed) == 0)
        return 0; /* told again */
    if (o.state != ORDER_REFUND_DUE)
        return err_set(err, ERR_WRONG_STATE, "order %s: it is %s, no refund is due", o.id,
                       order_state_name(o.state));
    if (db_exec(act->db, PSQL_ORDER_REFUND,
                DB_ARGS(DB_TEXT(o.id), DB_TEXT(typed), DB_INT(act->now), DB_TEXT(act->who)), &changes,
                err) != 0)
        return -1;
    if (changes != 1)
        return err_set(err, ERR_CONFLICT, "order %s: it was changed at the same time", o.id);
    snprintf(detail, sizeof(detail), "order %s; %s", o.id, typed);
    return tell(act, o.application, APPLICATION_REFUND, detail, err);
}
