/* After submitting: how to pay, the result, and withdrawing. */
#include <stdio.h>
#include <string.h>

#include "domain/plain_text.h"
#include "portal/promise.h"
#include "portal/workflow.h"
#include "web/input.h"
#include "web/progress.h"
#include "web/staff.h"
#include "web/application_view.h"

#define REASON_MAX 200

static int to_application(struct web_call *c, struct err *err)
{
    return web_redirect(c, err, "/applications/%s", c->application.id);
}

static bool is_state(const struct web_call *c, const char *state)
{
    return strcmp(c->application.state, state) == 0;
}

/* ---- payment ---- */

static int put_setting(struct web_call *c, const char *key, struct err *err)
{
    char value[512];
    if (setting_get(c->db, key, "", value, sizeof(value), err) != 0)
        return -1;
    return web_set_text(c, key, value, err);
}

int page_payment(struct web_call *c, struct err *err)
{
    if (is_state(c, "draft"))
        return to_application(c, err);
    if (!is_state(c, "awaiting_payment")) /* paid meanwhile, or free */
        return web_redirect(c, err, "/applications/%s/submitted", c->application.id);
    if (application_put_head(c, err) != 0 || application_put_order(c, err) != 0 ||
        put_setting(c, "bank_account_name", err) != 0 || put_setting(c, "bank_account_number", err) != 0 ||
        put_setting(c, "bank_name", err) != 0)
        return -1;
    return web_render(c, "payment", 200, err);
}

/* ---- the result ---- */

int page_submitted(struct web_call *c, struct err *err)
{
    struct payment_order order;
    bool found = false;
    if (is_state(c, "awaiting_payment"))
        return web_redirect(c, err, "/applications/%s/payment", c->application.id);
    /* Nothing was achieved, or no longer: the application's page says what is. */
    if (c->application.submitted_at == 0 || is_state(c, "returned") || is_state(c, "rejected") ||
        is_state(c, "withdrawn"))
        return to_application(c, err);
    if (application_put_head(c, err) != 0 || application_put_order(c, err) != 0 ||
        payment_order_of(c->db, c->application.id, &found, &order, err) != 0)
        return -1;
    bool paid = found && order.state == ORDER_PAID;
    if (web_set(c, "result",
                json_pack("{s:s,s:s,s:s}", "kind", "success", "title",
                          text(paid ? TEXT_SUBMITTED_PAID : TEXT_SUBMITTED_GOOD, c->lang), "text",
                          is_state(c, "first_review") ? text(TEXT_SUBMITTED_TEXT, c->lang) : ""),
                err) != 0)
        return -1;
    return web_render(c, "submitted", 200, err);
}

/* ---- withdrawing ---- */

static bool can_withdraw(const struct web_call *c, bool *ret_made)
{
    enum application_state from = application_state_from_name(c->application.state), to;
    struct err why = {0};
    *ret_made = application_next(from, APPLICATION_WITHDRAW_MADE, &to, &why) == 0;
    return *ret_made || application_next(from, APPLICATION_WITHDRAW, &to, &why) == 0;
}

static int cannot(struct web_call *c, struct err *err)
{
    return web_flash(c, TEXT_WITHDRAW_CANNOT, err) == 0 ? to_application(c, err) : -1;
}

static int show_withdraw(struct web_call *c, bool made, unsigned int status, struct err *err)
{
    static const struct web_input INPUTS[] = {
        {.name = "reason",
         .label = TEXT_WITHDRAW_REASON,
         .kind = INPUT_TEXTAREA,
         .required = true,
         .help = TEXT_WITHDRAW_REASON_HELP},
        {.name = "sure", .label = TEXT_WITHDRAW_SURE, .kind = INPUT_CHECKBOX, .required = true},
    };
    struct payment_order order;
    bool found = false;
    json_t *none = json_object();
    int rc = none ? application_put_head(c, err) : err_set(err, ERR_MEMORY, "form");
    if (rc == 0)
        rc = web_put_inputs(c, "fields", INPUTS, 2, none, err);
    json_decref(none);
    if (rc != 0 || payment_order_of(c->db, c->application.id, &found, &order, err) != 0 ||
        web_set_bool(c, "refund", found && order.state == ORDER_PAID, err) != 0 ||
        web_set_bool(c, "made", made, err) != 0)
        return -1;
    return web_render(c, "withdraw", status, err);
}

int page_withdraw(struct web_call *c, struct err *err)
{
    bool made;
    return can_withdraw(c, &made) ? show_withdraw(c, made, 200, err) : cannot(c, err);
}

/* Lines are fine in a reason; what is kept has none. */
static void one_line(char *s)
{
    for (; *s; s++)
        if (*s == '\n' || *s == '\r' || *s == '\t')
            *s = ' ';
}

int page_withdraw_post(struct web_call *c, struct err *err)
{
    char reason[1024];
    struct err why = {0};
    bool made;
    if (!can_withdraw(c, &made))
        return cannot(c, err);
    staff_field(c, "reason", reason, sizeof(reason));
    one_line(reason);
    if ((utf8_chars(reason) < 2 || plain_text_check(reason, REASON_MAX, &why) != 0) &&
        web_error(c, "reason", TEXT_WITHDRAW_REASON_HELP, err) != 0)
        return -1;
    if (strcmp(web_field(c, "sure"), "yes") != 0 && web_error(c, "sure", TEXT_WITHDRAW_NOT_SURE, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show_withdraw(c, made, 422, err);
    if (act_withdraw(&c->act, c->application.id, reason, err) != 0) {
        if (err->code != ERR_WRONG_STATE && err->code != ERR_CONFLICT)
            return -1;
        return staff_undo(c, err) == 0 ? cannot(c, err) : -1;
    }
    return web_flash(c, TEXT_WITHDRAW_DONE, err) == 0 ? to_application(c, err) : -1;
}
