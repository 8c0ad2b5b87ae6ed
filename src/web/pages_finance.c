/* Orders: what was paid by bank transfer is confirmed here, and what is due back. */
#include <stdio.h>
#include <string.h>

#include "domain/workday.h"
#include "portal/list.h"
#include "portal/workflow.h"
#include "web/input.h"
#include "web/staff.h"

/* ---- money and time as people type them ---- */

/* Yuan with at most two decimals, "1,234.50" or "¥1234.5", to fen: exactly, no floating point. */
bool staff_money(const char *typed, int64_t *ret_fen)
{
    int64_t yuan = 0, fen = 0;
    int digits = 0, decimals = 0;
    bool point = false;
    const char *p = typed;
    if (strncmp(p, "¥", strlen("¥")) == 0)
        p += strlen("¥");
    for (; *p; p++) {
        if (*p == ',' && !point && digits > 0)
            continue;
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9' || (point && ++decimals > 2) || (!point && ++digits > 9))
            return false;
        if (point)
            fen = fen * 10 + (*p - '0');
        else
            yuan = yuan * 10 + (*p - '0');
    }
    if (digits == 0 || (point && decimals == 0))
        return false;
    *ret_fen = yuan * 100 + (decimals == 1 ? fen * 10 : fen);
    return true;
}

/* "2026-11-22" and "09:30", Shanghai. */
static bool moment(const char *date, const char *time, int64_t *ret_ms)
{
    int64_t day;
    if (!workday_parse(date, &day) || strlen(time) != 5 || strspn(time, "0123456789:") != 5 || time[2] != ':')
        return false;
    int hour = (time[0] - '0') * 10 + time[1] - '0', minute = (time[3] - '0') * 10 + time[4] - '0';
    if (time[1] == ':' || time[4] == ':' || time[0] == ':' || time[3] == ':' || hour > 23 || minute > 59)
        return false;
    *ret_ms = workday_begin(day) + (hour * INT64_C(60) + minute) * 60000;
    return true;
}

/* ---- the list ---- */

static const char *order_tag(enum order_state s)
{
    static const char *const TAGS[ORDER_STATE_COUNT] = {
        [ORDER_DUE] = "waiting", [ORDER_PAID] = "good", [ORDER_REFUND_DUE] = "bad"};
    return TAGS[s] ? TAGS[s] : "plain";
}

static int put_tabs(struct web_call *c, enum order_state now, struct err *err)
{
    json_t *tabs = json_array();
    for (int s = 0; tabs && s < ORDER_STATE_COUNT; s++)
        json_array_append_new(
            tabs, json_pack("{s:s,s:o,s:b}", "title", order_state_title((enum order_state)s, c->lang), "url",
                            json_sprintf("/finance/orders?state=%s", order_state_name((enum order_state)s)),
                            "now", s == (int)now));
    return web_set(c, "tabs", tabs, err);
}

static int order_rows(struct web_call *c, json_t *rows, struct err *err)
{
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        char money[32], at[20], paid[20] = "";
        int64_t paid_at = json_integer_value(json_object_get(row, "paid_at"));
        form_money(json_integer_value(json_object_get(row, "fen")), c->lang, money, sizeof(money));
        web_time_text(json_integer_value(json_object_get(row, "created_at")), at);
        if (paid_at > 0)
            web_time_text(paid_at, paid);
        if (json_object_set_new(row, "money", json_string(money)) != 0 ||
            json_object_set_new(row, "created", json_string(at)) != 0 ||
            json_object_set_new(row, "paid", json_string(paid)) != 0 ||
            json_object_set_new(
                row, "url",
                json_sprintf("/finance/orders/%s", json_string_value(json_object_get(row, "id")))) != 0 ||
            json_object_set_new(row, "application_url",
                                json_sprintf("/applications/%s",
                                             json_string_value(json_object_get(row, "application")))) != 0)
            return err_set(err, ERR_MEMORY, "orders");
    }
    return 0;
}

static int set_url(struct web_call *c, const char *key, enum order_state state, const char *cursor,
                   struct err *err)
{
    struct buf url;
    buf_init(&url);
    int rc = buf_put_str(&url, "/finance/orders", err) != 0 ||
                     staff_url_add(&url, "state", order_state_name(state), err) != 0 ||
                     staff_url_add(&url, "cursor", cursor, err) != 0
                 ? -1
                 : staff_set_url(c, key, &url, err);
    buf_done(&url);
    return rc;
}

static int put_orders(struct web_call *c, enum order_state state, struct err *err)
{
    const char *cursor = web_query(c, "cursor");
    json_t *page = NULL;
    if (list_orders(c->db, order_state_name(state), cursor, LIST_PAGE, &page, err) != 0) {
        if (err->code != ERR_FIELD || web_error(c, "", TEXT_STAFF_WRONG_CURSOR, err) != 0 ||
            list_orders(c->db, order_state_name(state), "", LIST_PAGE, &page, err) != 0)
            return -1;
    }
    json_t *rows = json_object_get(page, "rows");
    const char *next = json_string_value(json_object_get(page, "next"));
    int rc = order_rows(c, rows, err) == 0 && web_set(c, "rows", json_incref(rows), err) == 0 &&
                     (next[0] ? set_url(c, "next_url", state, next, err)
                              : web_set_text(c, "next_url", "", err)) == 0 &&
                     (!cursor[0] || set_url(c, "first_url", state, "", err) == 0)
                 ? 0
                 : -1;
    json_decref(page);
    return rc;
}

/* What a transfer's memo says: an order's number, or an application's. */
static int go_to_number(struct web_call *c, const char *number, bool *ret_found, struct err *err)
{
    struct payment_order order;
    *ret_found = payment_order_get(c->db, number, &order, err) == 0;
    if (!*ret_found && err->code != ERR_NOT_FOUND)
        return -1;
    if (!*ret_found && payment_order_of(c->db, number, ret_found, &order, err) != 0)
        return -1;
    return *ret_found ? web_redirect(c, err, "/finance/orders/%s", order.id) : 0;
}

int page_orders(struct web_call *c, struct err *err)
{
    static const struct web_input FIND = {
        .name = "number", .label = TEXT_STAFF_ORDER_FIND, .kind = INPUT_TEXT, .maxlength = 40};
    const char *number = web_query(c, "number");
    enum order_state state = order_state_from_name(web_query(c, "state"));
    bool found = false;
    if (number[0] && go_to_number(c, number, &found, err) != 0)
        return -1;
    if (found)
        return 0;
    if (number[0] && web_error(c, "number", TEXT_STAFF_ORDER_UNKNOWN, err) != 0)
        return -1;
    if (state == ORDER_STATE_COUNT)
        state = ORDER_DUE;
    json_t *values = json_pack("{s:s}", "number", number);
    int rc = web_put_inputs(c, "find", &FIND, 1, values, err);
    json_decref(values);
    if (rc != 0 || put_tabs(c, state, err) != 0 || put_orders(c, state, err) != 0)
        return -1;
    return web_render(c, "orders", web_has_errors(c) ? 422 : 200, err);
}

/* ---- one order ---- */

static const struct web_input PAY[] = {
    {.name = "amount",
     .label = TEXT_STAFF_AMOUNT,
     .kind = INPUT_TEXT,
     .required = true,
     .maxlength = 16,
     .help = TEXT_STAFF_AMOUNT_HELP},
    {.name = "reference",
     .label = TEXT_STAFF_REFERENCE,
     .kind = INPUT_TEXT,
     .required = true,
     .maxlength = 64,
     .help = TEXT_STAFF_REFERENCE_HELP},
    {.name = "paid_date", .label = TEXT_STAFF_PAID_DATE, .kind = INPUT_DATE, .required = true},
    {.name = "paid_time",
     .label = TEXT_STAFF_PAID_TIME,
     .kind = INPUT_TEXT,
     .required = true,
     .maxlength = 5,
     .help = TEXT_STAFF_PAID_TIME_HELP}};
static const struct web_input REFUND = {.name = "refund_reference",
                                        .label = TEXT_STAFF_REFUND_REFERENCE,
                                        .kind = INPUT_TEXT,
                                        .required = true,
                                        .maxlength = 64,
                                        .help = TEXT_STAFF_REFUND_HELP};

static json_t *time_json(int64_t ms)
{
    char at[20] = "";
    if (ms > 0)
        web_time_text(ms, at);
    return json_string(at);
}

static int put_order(struct web_call *c, const struct payment_order *o, struct err *err)
{
    struct portal_application a;
    char money[32];
    if (portal_application_get(c->db, o->application, &a, err) != 0)
        return -1;
    enum application_state s = application_state_from_name(a.state);
    form_money(o->fen, c->lang, money, sizeof(money));
    return web_set(c, "order",
                   json_pack("{s:s,s:o,s:o,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:s}",
                             "id", o->id, "url", json_sprintf("/finance/orders/%s", o->id), "application_url",
                             json_sprintf("/applications/%s", o->application), "state",
                             order_state_name(o->state), "state_title", order_state_title(o->state, c->lang),
                             "tag", order_tag(o->state), "money", money, "application", o->application,
                             "organisation", a.organisation, "application_state",
                             application_state_title(s, c->lang), "application_tag", application_state_tag(s),
                             "reference", o->reference, "confirmed_by", o->confirmed_by, "created",
                             time_json(o->created_at), "paid", time_json(o->paid_at), "confirmed",
                             time_json(o->confirmed_at), "refunded", time_json(o->refunded_at),
                             "refund_reference", o->refund_reference),
                   err);
}

static int order_page(struct web_call *c, const struct payment_order *o, unsigned int status, struct err *err)
{
    bool finance = web_is(c, ROLE_FINANCE);
    char day[11];
    workday_text(workday_of(c->now), day);
    json_t *values = json_pack("{s:s}", "paid_date", day);
    int rc = web_put_inputs(c, "pay", PAY, sizeof(PAY) / sizeof(PAY[0]), values, err) != 0 ||
                     web_put_inputs(c, "refund", &REFUND, 1, values, err) != 0
                 ? -1
                 : 0;
    json_decref(values);
    if (rc != 0 || put_order(c, o, err) != 0 ||
        web_set_bool(c, "may_pay", finance && (o->state == ORDER_DUE || o->state == ORDER_CLOSED), err) !=
            0 ||
        web_set_bool(c, "closed", o->state == ORDER_CLOSED, err) != 0 ||
        web_set_bool(c, "may_refund", finance && o->state == ORDER_REFUND_DUE, err) != 0)
        return -1;
    return web_render(c, "order", status, err);
}

int page_order(struct web_call *c, struct err *err)
{
    struct payment_order o;
    return payment_order_get(c->db, c->param, &o, err) != 0 ? -1 : order_page(c, &o, 200, err);
}

struct paid {
    char amount[32], reference[65], date[16], time[16];
    int64_t fen, at;
};

static int read_paid(struct web_call *c, struct paid *p, struct err *err)
{
    staff_field(c, "amount", p->amount, sizeof(p->amount));
    staff_field(c, "reference", p->reference, sizeof(p->reference));
    staff_field(c, "paid_date", p->date, sizeof(p->date));
    staff_field(c, "paid_time", p->time, sizeof(p->time));
    if ((!staff_money(p->amount, &p->fen) && web_error(c, "amount", TEXT_STAFF_AMOUNT_WRONG, err) != 0) ||
        (!p->reference[0] && web_error(c, "reference", TEXT_STAFF_REFERENCE_NEEDED, err) != 0))
        return -1;
    if (!moment(p->date, p->time, &p->at))
        return web_error(c, "paid_time", TEXT_STAFF_PAID_WRONG, err);
    return p->at > c->now ? web_error(c, "paid_time", TEXT_STAFF_PAID_FUTURE, err) : 0;
}

/* What of an act's refusal the clerk can mend; -1: it is not that. */
static int say_pay_error(struct web_call *c, const struct payment_order *o, const struct paid *p,
                         struct err *err)
{
    enum err_code code = err->code;
    if ((code != ERR_FIELD && code != ERR_EXISTS && code != ERR_WRONG_STATE) || staff_undo(c, err) != 0)
        return -1;
    if (code == ERR_EXISTS)
        return web_error(c, "reference", TEXT_STAFF_REFERENCE_TAKEN, err);
    if (code == ERR_FIELD && p->fen != o->fen)
        return web_error(c, "amount", TEXT_STAFF_AMOUNT_DIFFERS, err);
    return web_error(c, "", code == ERR_FIELD ? TEXT_STAFF_PAY_WRONG : TEXT_STAFF_ORDER_OTHER, err);
}

static int pay(struct web_call *c, const struct payment_order *o, struct err *err)
{
    struct paid p;
    if (read_paid(c, &p, err) != 0)
        return -1;
    if (web_has_errors(c))
        return order_page(c, o, 422, err);
    const struct act_payment payment = {
        .order = o->id, .method = "bank_transfer", .reference = p.reference, .fen = p.fen, .paid_at = p.at};
    if (act_pay(&c->act, &payment, err) != 0)
        return say_pay_error(c, o, &p, err) != 0 ? -1 : order_page(c, o, 422, err);
    if (web_flash(c, o->state == ORDER_CLOSED ? TEXT_STAFF_DONE_PAID_LATE : TEXT_STAFF_DONE_PAID, err) != 0)
        return -1;
    return web_redirect(c, err, "/finance/orders/%s", o->id);
}

static int refund(struct web_call *c, const struct payment_order *o, struct err *err)
{
    char reference[65];
    staff_field(c, "refund_reference", reference, sizeof(reference));
    if (!reference[0]) {
        if (web_error(c, "refund_reference", TEXT_STAFF_REFERENCE_NEEDED, err) != 0)
            return -1;
        return order_page(c, o, 422, err);
    }
    /* A second click finds it done already. */
    if (o->state != ORDER_REFUNDED || strcmp(o->refund_reference, reference) != 0) {
        if (act_refund(&c->act, o->id, reference, err) != 0) {
            enum err_code code = err->code;
            if ((code != ERR_WRONG_STATE && code != ERR_FIELD && code != ERR_EXISTS) ||
                staff_undo(c, err) != 0 ||
                web_error(c, code == ERR_WRONG_STATE ? "" : "refund_reference",
                          code == ERR_WRONG_STATE ? TEXT_STAFF_ORDER_OTHER : TEXT_STAFF_REFUND_WRONG,
                          err) != 0)
                return -1;
            return order_page(c, o, 422, err);
        }
    }
    if (web_flash(c, TEXT_STAFF_DONE_REFUND, err) != 0)
        return -1;
    return web_redirect(c, err, "/finance/orders/%s", o->id);
}

int page_order_post(struct web_call *c, struct err *err)
{
    struct payment_order o;
    if (payment_order_get(c->db, c->param, &o, err) != 0)
        return -1;
    return web_has_field(c, "refund_reference") ? refund(c, &o, err) : pay(c, &o, err);
}
