/* One application, for whoever may see it: where it stands, what comes next, what was said, who did what. */
#include <stdio.h>
#include <string.h>

#include "portal/carrier.h"
#include "portal/promise.h"
#include "portal/workflow.h"
#include "web/application_view.h"
#include "web/form_view.h"
#include "web/progress.h"
#include "web/staff.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static enum application_state state_of(const struct web_call *c)
{
    return application_state_from_name(c->application.state);
}

static bool may(enum application_state from, enum application_event event)
{
    enum application_state to;
    struct err why = {0};
    return application_next(from, event, &to, &why) == 0;
}

static bool can_withdraw(const struct web_call *c)
{
    enum application_state s = state_of(c);
    return may(s, APPLICATION_WITHDRAW) || may(s, APPLICATION_WITHDRAW_MADE);
}

static bool was_submitted(const struct web_call *c)
{
    return c->application.submitted_at > 0;
}

/* ---- what can be done now: a row is shown when its state and role fit ---- */

static const struct action {
    enum application_state state;
    unsigned int roles;
    enum text_id title;
    const char *path; /* behind /applications/{id} */
    bool primary;
} ACTIONS[] = {
    {APPLICATION_DRAFT, ROLE_APPLICANT, TEXT_APPLICATION_FILL, "/form/organisation", true},
    {APPLICATION_RETURNED, ROLE_APPLICANT, TEXT_APPLICATION_CORRECT, "/form/check", true},
    {APPLICATION_AWAITING_PAYMENT, ROLE_APPLICANT, TEXT_APPLICATION_PAY, "/payment", true},
    {APPLICATION_FIRST_REVIEW, ROLE_FIRST_REVIEWER, TEXT_APPLICATION_REVIEW, "/review", true},
    {APPLICATION_FINAL_REVIEW, ROLE_FINAL_REVIEWER, TEXT_APPLICATION_REVIEW, "/review", true},
    {APPLICATION_MADE, ROLE_OPERATOR, TEXT_APPLICATION_HANDOVER, "/handover", true},
    {APPLICATION_READY, ROLE_OPERATOR, TEXT_APPLICATION_HANDOVER, "/handover", true},
    {APPLICATION_FAILED, ROLE_OPERATOR, TEXT_APPLICATION_HANDOVER, "/handover", true},
    {APPLICATION_MADE, ROLE_APPLICANT | ROLE_STAFF, TEXT_APPLICATION_CERTIFICATE, "/certificate", false},
    {APPLICATION_READY, ROLE_APPLICANT | ROLE_STAFF, TEXT_APPLICATION_CERTIFICATE, "/certificate", false},
    {APPLICATION_ISSUED, ROLE_APPLICANT | ROLE_STAFF, TEXT_APPLICATION_CERTIFICATE, "/certificate", true},
};

static int put_action(const struct web_call *c, json_t *list, enum text_id title, const char *path,
                      bool primary, struct err *err)
{
    json_t *o = json_pack("{s:s,s:b}", "title", text(title, c->lang), "primary", primary);
    if (!o ||
        json_object_set_new(o, "action_url", json_sprintf("/applications/%s%s", c->application.id, path)) !=
            0 ||
        json_array_append(list, o) != 0) {
        json_decref(o);
        return err_set(err, ERR_MEMORY, "actions");
    }
    json_decref(o);
    return 0;
}

static int put_actions(struct web_call *c, struct err *err)
{
    json_t *list = json_array();
    int rc = list ? 0 : err_set(err, ERR_MEMORY, "actions");
    for (size_t i = 0; rc == 0 && i < COUNT(ACTIONS); i++)
        if (ACTIONS[i].state == state_of(c) && web_is(c, ACTIONS[i].roles))
            rc = put_action(c, list, ACTIONS[i].title, ACTIONS[i].path, ACTIONS[i].primary, err);
    if (rc != 0)
        return json_decref(list), -1;
    return web_set(c, "actions", list, err);
}

/* What PAGE_EXPORT and PAGE_WITHDRAW let this reader do. */
static int put_more(struct web_call *c, struct err *err)
{
    static const struct {
        enum text_id title;
        const char *path;
    } EXPORTS[] = {{TEXT_APPLICATION_EXPORT_PDF, "/export/pdf"},
                   {TEXT_APPLICATION_EXPORT_XLSX, "/export/xlsx"},
                   {TEXT_APPLICATION_EXPORT_CSV, "/export/csv"}};
    json_t *list = json_array();
    int rc = list ? 0 : err_set(err, ERR_MEMORY, "actions");
    for (size_t i = 0; rc == 0 && i < COUNT(EXPORTS) && web_is(c, pages[PAGE_EXPORT].readers); i++)
        rc = put_action(c, list, EXPORTS[i].title, EXPORTS[i].path, false, err);
    if (rc == 0 && web_is(c, ROLE_APPLICANT) && can_withdraw(c))
        rc = put_action(c, list, TEXT_APPLICATION_WITHDRAW, "/withdraw", false, err);
    if (rc != 0)
        return json_decref(list), -1;
    return web_set(c, "more", list, err);
}

/* ---- boxes at the top ---- */

/* The red one: paper is due. */
static int put_paper(struct web_call *c, struct err *err)
{
    char address[1300];
    bool due = state_of(c) == APPLICATION_FINAL_REVIEW && !c->application.paper_number[0] &&
               web_is(c, ROLE_APPLICANT);
    if (setting_get(c->db, "paper_address", "", address, sizeof(address), err) != 0)
        return -1;
    return web_set_bool(c, "paper_due", due, err) == 0 ? web_set_text(c, "paper_address", address, err) : -1;
}

/* Why it was rejected: the last decision's note. */
static int put_rejection(struct web_call *c, struct err *err)
{
    json_t *all = NULL;
    if (state_of(c) != APPLICATION_REJECTED)
        return web_set_text(c, "rejection", "", err);
    if (reviews_of(c->db, c->application.id, &all, err) != 0)
        return -1;
    const json_t *last = json_array_get(all, json_array_size(all) - 1);
    int rc = web_set_text(c, "rejection", form_value(last, "note"), err);
    json_decref(all);
    return rc;
}

static int put_fault(struct web_call *c, struct err *err)
{
    bool shown = state_of(c) == APPLICATION_FAILED && web_is(c, ROLE_STAFF);
    return web_set_text(c, "fault", shown ? c->application.fault_detail : "", err);
}

/* ---- cards ---- */

static int put_form(struct web_call *c, struct err *err)
{
    static const struct {
        enum form_section section;
        enum text_id title;
    } CARDS[] = {
        {FORM_ORGANISATION, TEXT_FORM_TAB_ORGANISATION},
        {FORM_PEOPLE, TEXT_FORM_TAB_PEOPLE},
        {FORM_DELIVERY, TEXT_FORM_TAB_DELIVERY},
    };
    json_t *form = NULL, *cards = json_array(), *none = json_object();
    int rc = cards && none ? staff_form(c, &form, err) : err_set(err, ERR_MEMORY, "form");
    for (size_t i = 0; rc == 0 && i < COUNT(CARDS); i++) {
        json_t *rows = NULL;
        rc = staff_section(c, form, (int)CARDS[i].section, NULL, &rows, err);
        if (rc == 0 && json_array_size(rows) > 0 &&
            json_array_append_new(
                cards, json_pack("{s:s,s:O}", "title", text(CARDS[i].title, c->lang), "rows", rows)) != 0)
            rc = err_set(err, ERR_MEMORY, "form");
        json_decref(rows);
    }
    if (rc == 0)
        rc = form_view_materials(c, form, none, err);
    json_decref(form);
    json_decref(none);
    if (rc != 0)
        return json_decref(cards), -1;
    return web_set(c, "summary", cards, err);
}

/* ctx.order: {id, amount, state_title, paid_at}, or false. */
int application_put_order(struct web_call *c, struct err *err)
{
    struct payment_order order;
    char amount[48], paid[20] = "";
    bool found = false;
    if (payment_order_of(c->db, c->application.id, &found, &order, err) != 0)
        return -1;
    if (!found)
        return web_set_bool(c, "order", false, err);
    form_money(order.fen, c->lang, amount, sizeof(amount));
    if (order.paid_at > 0)
        web_time_text(order.paid_at, paid);
    return web_set(c, "order",
                   json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", order.id, "amount", amount, "state",
                             order_state_name(order.state), "state_title",
                             order_state_title(order.state, c->lang), "paid_at", paid),
                   err);
}

/* What is known of the way it is handed over, and of the terms. */
static int put_overview(struct web_call *c, struct err *err)
{
    const struct portal_application *a = &c->application;
    char created[20], submitted[20] = "", handed[20] = "", agreed[20] = "", terms[24] = "";
    struct db_rows *rows = NULL;
    web_time_text(a->created_at, created);
    if (was_submitted(c))
        web_time_text(a->submitted_at, submitted);
    if (a->handed_over_at > 0)
        web_time_text(a->handed_over_at, handed);
    if (db_query(c->db, PSQL_APPLY_AGREEMENT, DB_ARGS(DB_TEXT(a->id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        snprintf(terms, sizeof(terms), "%lld", (long long)db_col_int(rows, 0));
        web_time_text(db_col_int(rows, 1), agreed);
    }
    db_rows_free(&rows);
    if (r < 0)
        return -1;
    return web_set(c, "overview",
                   json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "created", created, "submitted", submitted,
                             "handed", handed, "carrier", carrier_title(a->carrier, c->lang), "tracking",
                             a->tracking_number, "paper", a->paper_number, "terms", terms, "agreed", agreed),
                   err);
}

/* staff_application says the state in the operating organisation's words. */
int application_put_head(struct web_call *c, struct err *err)
{
    enum application_state s = state_of(c);
    if (staff_application(c, err) != 0 || web_put_steps(c, s, err) != 0 ||
        web_set_bool(c, "applicant", web_is(c, ROLE_APPLICANT), err) != 0)
        return -1;
    json_t *a = json_object_get(c->ctx, "application");
    if (web_is(c, ROLE_APPLICANT) &&
        json_object_set_new(a, "state_title", json_string(application_state_public_title(s, c->lang))) != 0)
        return err_set(err, ERR_MEMORY, "application %s", c->application.id);
    return web_set_text(c, "next", text(progress_next(c, s), c->lang), err);
}

int page_application(struct web_call *c, struct err *err)
{
    if (application_put_head(c, err) != 0 || put_actions(c, err) != 0 || put_more(c, err) != 0 ||
        put_paper(c, err) != 0 || form_view_reasons(c, err) != 0 || put_rejection(c, err) != 0 ||
        put_fault(c, err) != 0 || put_form(c, err) != 0 || application_put_order(c, err) != 0 ||
        put_overview(c, err) != 0 || web_put_timeline(c, c->application.id, err) != 0)
        return -1;
    if (web_set_bool(c, "sees_contents", web_is(c, pages[PAGE_EXPORT].readers), err) != 0 ||
        web_set_bool(c, "imported", !*c->application.owner, err) != 0 ||
        web_set_bool(c, "sees_materials", web_is(c, pages[PAGE_MATERIAL].readers), err) != 0)
        return -1;
    return web_render(c, "application", 200, err);
}
