/* Before the form: the workbench, the list of one's applications, the terms. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/form.h"
#include "portal/workflow.h"
#include "web/progress.h"
#include "web/staff.h"

#define CERTIFICATES_PAGE 20
#define COUNT_MAX         1000 /* what PSQL_APPLY_QUEUE_COUNT counts to */
#define COUNT(a)          (sizeof(a) / sizeof((a)[0]))

/* ---- the workbench ---- */

/* What waits for whom, and where it is done. */
static const struct {
    unsigned int roles;
    enum text_id title;
    int statement;
    const char *state, *url;
} QUEUES[] = {
    {ROLE_FIRST_REVIEWER | ROLE_AUDITOR, TEXT_WORKBENCH_FIRST, PSQL_APPLY_QUEUE_COUNT, "first_review",
     "/review/first"},
    {ROLE_FINAL_REVIEWER | ROLE_AUDITOR, TEXT_WORKBENCH_FINAL, PSQL_APPLY_QUEUE_COUNT, "final_review",
     "/review/final"},
    {ROLE_OPERATOR | ROLE_AUDITOR, TEXT_WORKBENCH_TO_MAKE, PSQL_APPLY_QUEUE_COUNT, "approved", "/bench"},
    {ROLE_OPERATOR | ROLE_AUDITOR, TEXT_WORKBENCH_FAILED, PSQL_APPLY_QUEUE_COUNT, "failed", "/bench"},
    {ROLE_OPERATOR | ROLE_AUDITOR, TEXT_WORKBENCH_MADE, PSQL_APPLY_QUEUE_COUNT, "made", "/bench"},
    {ROLE_OPERATOR | ROLE_AUDITOR, TEXT_WORKBENCH_READY, PSQL_APPLY_QUEUE_COUNT, "ready_for_pickup",
     "/bench"},
    {ROLE_FINANCE | ROLE_AUDITOR, TEXT_WORKBENCH_DUE, PSQL_APPLY_ORDERS_COUNT, "due", "/finance/orders"},
    {ROLE_FINANCE | ROLE_AUDITOR, TEXT_WORKBENCH_REFUND, PSQL_APPLY_ORDERS_COUNT, "refund_due",
     "/finance/orders"},
};

static int count(struct db *db, int statement, const char *state, int64_t *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, statement, DB_ARGS(DB_TEXT(state)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    *ret = r == 1 ? db_col_int(rows, 0) : 0;
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

static int put_queues(struct web_call *c, struct err *err)
{
    json_t *list = json_array();
    int rc = list ? 0 : err_set(err, ERR_MEMORY, "queues");
    for (size_t i = 0; rc == 0 && i < COUNT(QUEUES); i++) {
        char shown[24];
        int64_t n = 0;
        if (!web_is(c, QUEUES[i].roles))
            continue;
        rc = count(c->db, QUEUES[i].statement, QUEUES[i].state, &n, err);
        snprintf(shown, sizeof(shown), "%" PRId64 "%s", n, n >= COUNT_MAX ? "+" : "");
        if (rc == 0 &&
            json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "title", text(QUEUES[i].title, c->lang),
                                                  "count", shown, "url", QUEUES[i].url)) != 0)
            rc = err_set(err, ERR_MEMORY, "queues");
    }
    if (rc != 0)
        return json_decref(list), -1;
    return web_set(c, "queues", list, err);
}

/* ctx.current and the steps of the application under way; `current` is false when there is none. */
static int put_current(struct web_call *c, bool with_steps, struct err *err)
{
    char id[41] = "";
    if (workflow_in_progress(c->db, c->user.organisation, id, err) != 0)
        return -1;
    if (!*id)
        return web_set_bool(c, "current", false, err);
    if (portal_application_get(c->db, id, &c->application, err) != 0)
        return -1;
    enum application_state s = application_state_from_name(c->application.state);
    bool open = s == APPLICATION_DRAFT || s == APPLICATION_RETURNED;
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:b}", "id", id, "state_title",
                          application_state_public_title(s, c->lang), "tag", application_state_tag(s), "next",
                          text(progress_next(c, s), c->lang), "open", open);
    if (!o || json_object_set_new(o, "url", json_sprintf("/applications/%s", id)) != 0 ||
        json_object_set_new(o, "form_url", json_sprintf("/applications/%s/form/organisation", id)) != 0)
        return json_decref(o), err_set(err, ERR_MEMORY, "application %s", id);
    if (web_set(c, "current", o, err) != 0)
        return -1;
    return with_steps ? web_put_steps(c, s, err) : 0;
}

int page_workbench(struct web_call *c, struct err *err)
{
    bool applicant = web_is(c, ROLE_APPLICANT);
    if (web_set_bool(c, "applicant", applicant, err) != 0 || put_queues(c, err) != 0 ||
        (applicant && put_current(c, true, err) != 0))
        return -1;
    return web_render(c, "workbench", 200, err);
}

/* ---- CA certificates ---- */

static json_t *certificate_row(const struct web_call *c, struct db_rows *rows)
{
    char created[20], submitted[20] = "", validity[48] = "";
    const char *id = db_col_text(rows, 0);
    enum application_state s = application_state_from_name(db_col_text(rows, 1));
    bool open = s == APPLICATION_DRAFT || s == APPLICATION_RETURNED;
    web_time_text(db_col_int(rows, 4), created);
    if (db_col_int(rows, 5) > 0)
        web_time_text(db_col_int(rows, 5), submitted);
    form_validity_text(db_col_int(rows, 3), c->lang, validity, sizeof(validity));
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b}", "id", id, "state_title",
                          application_state_public_title(s, c->lang), "tag", application_state_tag(s),
                          "profile", form_profile_title(db_col_text(rows, 2), c->lang), "validity",
                          db_col_int(rows, 3) > 0 ? validity : "", "created", created, "submitted", submitted,
                          "open", open, "issued", s == APPLICATION_ISSUED);
    if (o &&
        (json_object_set_new(o, "url", json_sprintf("/applications/%s", id)) != 0 ||
         json_object_set_new(o, "form_url", json_sprintf("/applications/%s/form/organisation", id)) != 0 ||
         json_object_set_new(o, "certificate_url", json_sprintf("/applications/%s/certificate", id)) != 0)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

struct keyset {
    int64_t created_at;
    char id[41];
};

/* "1795370000000_CA20261122-0K3M5N7P" */
static struct keyset keyset_from(const char *text_)
{
    struct keyset k = {INT64_MAX, ""};
    char *end = NULL;
    long long at = strtoll(text_, &end, 10);
    if (end && end != text_ && *end == '_' && at > 0) {
        k.created_at = at;
        snprintf(k.id, sizeof(k.id), "%s", end + 1);
    }
    return k;
}

static int put_certificates(struct web_call *c, struct err *err)
{
    struct keyset k = keyset_from(web_query(c, "before"));
    struct db_rows *rows = NULL;
    char next[80] = "";
    json_t *list = json_array();
    int n = 0, r = list ? 1 : err_set(err, ERR_MEMORY, "list of applications");
    if (r == 1 && db_query(c->db, PSQL_APPLY_OF,
                           DB_ARGS(DB_TEXT(c->user.organisation), DB_INT(k.created_at), DB_TEXT(k.id),
                                   DB_INT(CERTIFICATES_PAGE + 1)),
                           &rows, err) != 0)
        r = -1;
    while (r == 1 && (r = db_next(rows, err)) == 1) {
        if (++n > CERTIFICATES_PAGE) { /* the one beyond says that there is more */
            snprintf(next, sizeof(next), "/certificates?before=%" PRId64 "_%s", k.created_at, k.id);
            r = 0;
        } else if (json_array_append_new(list, certificate_row(c, rows)) != 0) {
            r = err_set(err, ERR_MEMORY, "list of applications");
        } else {
            k.created_at = db_col_int(rows, 4);
            snprintf(k.id, sizeof(k.id), "%s", db_col_text(rows, 0));
        }
    }
    db_rows_free(&rows);
    if (r != 0)
        return json_decref(list), -1;
    if (web_set(c, "rows", list, err) != 0 || web_set_text(c, "next_url", next, err) != 0)
        return -1;
    return web_set_text(c, "first_url", *web_query(c, "before") ? "/certificates" : "", err);
}

int page_certificates(struct web_call *c, struct err *err)
{
    if (put_current(c, false, err) != 0 || put_certificates(c, err) != 0)
        return -1;
    return web_render(c, "certificates", 200, err);
}

/* ---- the terms ---- */

/* ctx.terms: {version, text, published}; false when none were ever published. */
static int put_terms(struct web_call *c, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *terms = NULL;
    char at[20];
    if (db_query(c->db, PSQL_APPLY_TERMS, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        web_time_text(db_col_int(rows, 3), at);
        terms = json_pack("{s:I,s:s,s:s}", "version", (json_int_t)db_col_int(rows, 0), "text",
                          db_col_text(rows, c->lang == LANG_ZH ? 1 : 2), "published", at);
    }
    db_rows_free(&rows);
    if (r < 0)
        return -1;
    return web_set(c, "terms", r == 1 ? terms : json_false(), err);
}

int page_apply(struct web_call *c, struct err *err)
{
    if (put_current(c, false, err) != 0 || put_terms(c, err) != 0)
        return -1;
    return web_render(c, "apply", 200, err);
}

int page_apply_post(struct web_call *c, struct err *err)
{
    char id[41];
    int64_t version = strtoll(web_field(c, "terms"), NULL, 10);
    if (act_draft(&c->act, &c->user, version, c->address, id, err) == 0) {
        if (web_flash(c, TEXT_APPLY_BEGUN, err) != 0)
            return -1;
        return web_redirect(c, err, "/applications/%s/form/organisation", id);
    }
    enum err_code code = err->code;
    if (code != ERR_EXISTS && code != ERR_CONFLICT)
        return -1;
    if (staff_undo(c, err) != 0)
        return -1;
    enum text_id said = code == ERR_EXISTS ? TEXT_CERTIFICATES_UNDER_WAY : TEXT_APPLY_TERMS_CHANGED;
    if (web_flash(c, said, err) != 0)
        return -1;
    return web_redirect(c, err, "%s", code == ERR_EXISTS ? "/certificates" : "/apply");
}
