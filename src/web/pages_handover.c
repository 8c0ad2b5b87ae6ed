/* The bench: what has to be looked at, what is made, and its way to the organisation. */
#include <stdio.h>
#include <string.h>

#include "portal/carrier.h"
#include "portal/list.h"
#include "portal/workflow.h"
#include "web/input.h"
#include "web/review_view.h"

#define BENCH_ROWS 20
#define ALERTS     10

/* ---- the bench ---- */

static const struct bench_part {
    enum application_state state;
    enum text_id title, hint;
    bool oldest;         /* by the promise, due first */
    bool token, promise; /* which columns say something */
    bool deal;           /* the operator has something to do */
} PARTS[] = {
    {APPLICATION_FAILED, TEXT_STAFF_BENCH_FAILED, TEXT_STAFF_BENCH_FAILED_HINT, false, false, false, true},
    {APPLICATION_MADE, TEXT_STAFF_BENCH_MADE, TEXT_STAFF_BENCH_MADE_HINT, true, true, false, true},
    {APPLICATION_READY, TEXT_STAFF_BENCH_READY, TEXT_STAFF_BENCH_READY_HINT, true, true, false, true},
    {APPLICATION_CLAIMED, TEXT_STAFF_BENCH_CLAIMED, TEXT_STAFF_BENCH_CLAIMED_HINT, true, false, true, false},
    {APPLICATION_APPROVED, TEXT_STAFF_BENCH_APPROVED, TEXT_STAFF_BENCH_APPROVED_HINT, true, false, true,
     false}};

static int put_part(struct web_call *c, const struct bench_part *part, json_t *parts, struct err *err)
{
    const char *state = application_state_name(part->state);
    const struct list_query newest = {
        .owner = "", .state = state, .text = "", .cursor = "", .limit = BENCH_ROWS};
    json_t *page = NULL;
    if ((part->oldest ? list_queue(c->db, state, "", BENCH_ROWS, &page, err)
                      : list_applications(c->db, &newest, &page, err)) != 0)
        return -1;
    json_t *rows = json_object_get(page, "rows");
    int rc = staff_rows(c, rows, err);
    bool more = json_string_value(json_object_get(page, "next"))[0] != '\0';
    if (rc == 0 &&
        json_array_append_new(parts, json_pack("{s:s,s:s,s:s,s:s,s:O,s:o,s:b,s:b,s:b,s:b}", "id", state,
                                               "title", text(part->title, c->lang), "hint",
                                               text(part->hint, c->lang), "state", state, "rows", rows,
                                               "all_url", json_sprintf("/applications?state=%s", state),
                                               "more", more, "token", part->token, "clock", part->promise,
                                               "deal", part->deal && web_is(c, ROLE_OPERATOR))) != 0)
        rc = err_set(err, ERR_MEMORY, "bench");
    json_decref(page);
    return rc;
}

static int put_alerts(struct web_call *c, struct err *err)
{
    json_t *alerts = NULL, *a;
    size_t i;
    if (list_alerts(c->db, ALERTS, &alerts, err) != 0)
        return -1;
    json_array_foreach(alerts, i, a)
    {
        char at[20];
        enum application_state s =
            application_state_from_name(json_string_value(json_object_get(a, "state")));
        enum application_event e = application_event_from_name(json_string_value(json_object_get(a, "what")));
        web_time_text(json_integer_value(json_object_get(a, "at")), at);
        json_object_set_new(a, "when", json_string(at));
        json_object_set_new(a, "title", json_string(application_event_title(e, c->lang)));
        json_object_set_new(a, "state_title", json_string(application_state_title(s, c->lang)));
        json_object_set_new(a, "tag", json_string(application_state_tag(s)));
        json_object_set_new(
            a, "url",
            json_sprintf("/applications/%s/handover", json_string_value(json_object_get(a, "application"))));
    }
    return web_set(c, "alerts", alerts, err);
}

int page_bench(struct web_call *c, struct err *err)
{
    json_t *parts = json_array();
    int rc = parts ? 0 : err_set(err, ERR_MEMORY, "bench");
    for (size_t i = 0; rc == 0 && i < sizeof(PARTS) / sizeof(PARTS[0]); i++)
        rc = put_part(c, &PARTS[i], parts, err);
    if (rc != 0) {
        json_decref(parts);
        return -1;
    }
    if (web_set(c, "parts", parts, err) != 0 || put_alerts(c, err) != 0)
        return -1;
    return web_render(c, "bench", 200, err);
}

/* ---- one application at the bench ---- */

static int put_certificate(struct web_call *c, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *found = NULL;
    int r;
    if (db_query(c->db, PSQL_CERTIFICATES_OF, DB_ARGS(DB_TEXT(c->application.id)), &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1) {
        char at[20], until[20];
        if (!db_col_null(rows, 12))
            continue;
        web_time_text(db_col_int(rows, 11), at);
        web_time_text(db_col_int(rows, 10), until);
        json_decref(found);
        found = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "serial", db_col_text(rows, 0), "station",
                          db_col_text(rows, 3), "token_serial", db_col_text(rows, 4), "product",
                          db_col_text(rows, 5), "made", at, "until", until);
    }
    db_rows_free(&rows);
    if (r < 0) {
        json_decref(found);
        return -1;
    }
    return found ? web_set(c, "certificate", found, err) : 0;
}

static const struct web_input POST[] = {{.name = "carrier",
                                         .label = TEXT_STAFF_CARRIER,
                                         .kind = INPUT_SELECT,
                                         .required = true,
                                         .options = "carriers"},
                                        {.name = "number",
                                         .label = TEXT_STAFF_TRACKING,
                                         .kind = INPUT_TEXT,
                                         .required = true,
                                         .maxlength = 64,
                                         .help = TEXT_STAFF_TRACKING_HELP}};
static const struct web_input PICKED = {.name = "note",
                                        .label = TEXT_STAFF_PICKED_BY,
                                        .kind = INPUT_TEXT,
                                        .required = true,
                                        .maxlength = 100,
                                        .help = TEXT_STAFF_PICKED_HELP};
static const struct web_input RETRY = {.name = "reason",
                                       .label = TEXT_STAFF_RETRY_REASON,
                                       .kind = INPUT_TEXT,
                                       .required = true,
                                       .maxlength = 200,
                                       .help = TEXT_STAFF_RETRY_HELP};

static int put_inputs(struct web_call *c, struct err *err)
{
    json_t *none = json_object();
    int rc = none ? 0 : err_set(err, ERR_MEMORY, "inputs");
    for (size_t i = 0; rc == 0 && i < n_carriers; i++)
        rc = web_add_option(c, "carriers", carriers[i].name, text(carriers[i].title, c->lang), err);
    if (rc == 0 && (web_put_inputs(c, "post_inputs", POST, sizeof(POST) / sizeof(POST[0]), none, err) != 0 ||
                    web_put_inputs(c, "picked_inputs", &PICKED, 1, none, err) != 0 ||
                    web_put_inputs(c, "retry_inputs", &RETRY, 1, none, err) != 0))
        rc = -1;
    json_decref(none);
    return rc;
}

static int put_delivery(struct web_call *c, const char *reveal, struct err *err)
{
    json_t *form = NULL, *fields = NULL;
    if (staff_form(c, &form, err) != 0)
        return -1;
    int rc = staff_section(c, form, FORM_DELIVERY, reveal, &fields, err);
    json_decref(form);
    return rc != 0 ? -1 : web_set(c, "delivery", fields, err);
}

static int put_acts(struct web_call *c, struct err *err)
{
    enum application_state s = application_state_from_name(c->application.state);
    bool works = web_is(c, ROLE_OPERATOR), mail = strcmp(c->application.delivery_method, "pickup") != 0;
    const struct {
        const char *name;
        bool value;
    } FLAGS[] = {{"may_post", works && s == APPLICATION_MADE && mail},
                 {"may_offer", works && s == APPLICATION_MADE && !mail},
                 {"may_pick_up", works && s == APPLICATION_READY},
                 {"may_retry", works && s == APPLICATION_FAILED},
                 {"issued", s == APPLICATION_ISSUED},
                 {"failed", s == APPLICATION_FAILED},
                 {"to_hand_over", s == APPLICATION_MADE || s == APPLICATION_READY}};
    for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++)
        if (web_set_bool(c, FLAGS[i].name, FLAGS[i].value, err) != 0)
            return -1;
    return web_set_text(c, "fault_code", c->application.fault_code, err) != 0 ||
                   web_set_text(c, "fault_detail", c->application.fault_detail, err) != 0 ||
                   web_set_text(c, "carrier", carrier_title(c->application.carrier, c->lang), err) != 0 ||
                   web_set_text(c, "tracking_number", c->application.tracking_number, err) != 0 ||
                   web_set_time(c, "handed_over", c->application.handed_over_at, err) != 0
               ? -1
               : 0;
}

static int handover_page(struct web_call *c, const char *reveal, unsigned int status, struct err *err)
{
    if (staff_application(c, err) != 0 || put_certificate(c, err) != 0 || put_delivery(c, reveal, err) != 0 ||
        put_inputs(c, err) != 0 || put_acts(c, err) != 0)
        return -1;
    return web_render(c, "handover", status, err);
}

int page_handover(struct web_call *c, struct err *err)
{
    return handover_page(c, NULL, 200, err);
}

/* ---- acts ---- */

static int done(struct web_call *c, enum text_id sentence, const char *path, struct err *err)
{
    return web_flash(c, sentence, err) != 0 ? -1 : web_redirect(c, err, "%s", path);
}

static int again(struct web_call *c, const char *field, enum text_id sentence, struct err *err)
{
    return web_error(c, field, sentence, err) != 0 ? -1 : handover_page(c, NULL, 422, err);
}

static int post(struct web_call *c, enum text_id *ret_done, struct err *err)
{
    const struct carrier *by = carrier(web_field(c, "carrier"));
    char number[65];
    staff_field(c, "number", number, sizeof(number));
    if (!by)
        return web_error(c, "carrier", TEXT_STAFF_CARRIER_NEEDED, err);
    if (!number[0])
        return web_error(c, "number", TEXT_STAFF_TRACKING_NEEDED, err);
    /* An unusual number is asked about once: what was scanned counts, but posting tells the applicant. */
    if (!by->usual(number) && strcmp(web_field(c, "unusual"), number) != 0)
        return web_set_text(c, "unusual", number, err) != 0
                   ? -1
                   : web_error(c, "number", TEXT_STAFF_TRACKING_UNUSUAL, err);
    *ret_done = TEXT_STAFF_DONE_POSTED;
    return act_post(&c->act, c->application.id, by->name, number, err);
}

static int offer(struct web_call *c, enum text_id *ret_done, struct err *err)
{
    *ret_done = TEXT_STAFF_DONE_OFFERED;
    return act_offer(&c->act, c->application.id, err);
}

static int pick_up(struct web_call *c, enum text_id *ret_done, struct err *err)
{
    char note[201];
    staff_field(c, "note", note, sizeof(note));
    if (!note[0])
        return web_error(c, "note", TEXT_STAFF_PICKED_NEEDED, err);
    *ret_done = TEXT_STAFF_DONE_PICKED_UP;
    return act_pick_up(&c->act, c->application.id, note, err);
}

static const struct {
    const char *name;
    int (*run)(struct web_call *c, enum text_id *ret_done, struct err *err);
    const char *field; /* where what the act refuses was typed */
    enum text_id wrong;
} ACTS[] = {{"post", post, "number", TEXT_STAFF_TRACKING_WRONG},
            {"offer", offer, "", TEXT_STAFF_LINE_WRONG},
            {"pick_up", pick_up, "note", TEXT_STAFF_LINE_WRONG}};

/* Somebody was quicker, or the same click came twice: the page as it is now says it all. */
static int say_failed(struct web_call *c, const char *field, enum text_id wrong, struct err *err)
{
    enum err_code code = err->code;
    if (code != ERR_FIELD && code != ERR_WRONG_STATE && code != ERR_CONFLICT && code != ERR_REFUSED)
        return -1;
    if (staff_undo(c, err) != 0)
        return -1;
    if (code == ERR_FIELD)
        return again(c, field, wrong, err);
    char path[80];
    snprintf(path, sizeof(path), "/applications/%s/handover", c->application.id);
    return done(c, TEXT_STAFF_HANDOVER_OTHER, path, err);
}

/* Another token may have been made since the page was shown: the one in the operator's hand is void then. */
static int check_token(struct web_call *c, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(c->db, PSQL_CERTIFICATE_STANDING, DB_ARGS(DB_TEXT(c->application.id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    bool same = r == 1 && strcmp(db_col_text(rows, 0), web_field(c, "certificate")) == 0;
    db_rows_free(&rows);
    if (r < 0 || same)
        return r < 0 ? -1 : 0;
    return err_set(err, ERR_CONFLICT, "application %s: its token is another than the one looked at",
                   c->application.id);
}

int page_handover_post(struct web_call *c, struct err *err)
{
    const char *name = web_field(c, "act");
    enum text_id sentence = TEXT_STAFF_DONE_POSTED;
    char path[80];
    size_t i = 0;
    while (i < sizeof(ACTS) / sizeof(ACTS[0]) && strcmp(ACTS[i].name, name) != 0)
        i++;
    if (i == sizeof(ACTS) / sizeof(ACTS[0]))
        return err_set(err, ERR_FIELD, "act: '%s' is none", name);
    if (check_token(c, err) != 0 || ACTS[i].run(c, &sentence, err) != 0)
        return say_failed(c, ACTS[i].field, ACTS[i].wrong, err);
    if (web_has_errors(c))
        return handover_page(c, NULL, 422, err);
    snprintf(path, sizeof(path), "/applications/%s/handover", c->application.id);
    return done(c, sentence, path, err);
}

int page_retry_post(struct web_call *c, struct err *err)
{
    char reason[401];
    staff_field(c, "reason", reason, sizeof(reason));
    if (!reason[0])
        return again(c, "reason", TEXT_STAFF_RETRY_NEEDED, err);
    if (act_retry(&c->act, c->application.id, reason, err) != 0)
        return say_failed(c, "reason", TEXT_STAFF_LINE_WRONG, err);
    return done(c, TEXT_STAFF_DONE_RETRIED, "/bench", err);
}

/* ---- a masked value, once, on the page that asked ---- */

int page_reveal_post(struct web_call *c, struct err *err)
{
    const char *key = NULL;
    if (staff_reveal(c, &key, err) != 0)
        return -1;
    if (strcmp(web_field(c, "from"), "handover") == 0 && web_is(c, ROLE_OPERATOR | ROLE_AUDITOR))
        return handover_page(c, key, 200, err);
    if (!web_is(c, ROLE_FIRST_REVIEWER | ROLE_FINAL_REVIEWER | ROLE_AUDITOR))
        return handover_page(c, key, 200, err);
    return review_page(c, key, 200, err);
}
