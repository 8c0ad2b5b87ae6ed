/* Lists of applications: all of them with filters, their file, and the two review queues. */
#include <stdio.h>
#include <string.h>

#include "portal/carrier.h"
#include "portal/list.h"
#include "web/export.h"
#include "web/input.h"
#include "web/staff.h"

#define FILE_ROWS 10000 /* TEXT_STAFF_FILE_HINT says so */
#define FILE_PAGE 500

/* ---- filters ---- */

static const char *const FILTERS[] = {"q", "state", "owner", "from", "to"};
#define N_FILTERS (sizeof(FILTERS) / sizeof(FILTERS[0]))

/* What the address asks for; what is wrong becomes errors of the page. */
static int read_filters(struct web_call *c, struct list_query *q, struct err *err)
{
    bool from = staff_date(web_query(c, "from"), false, &q->from),
         to = staff_date(web_query(c, "to"), true, &q->to);
    q->text = web_query(c, "q");
    q->state = web_query(c, "state");
    q->owner = web_query(c, "owner");
    q->cursor = web_query(c, "cursor");
    if ((!from && web_error(c, "from", TEXT_STAFF_WRONG_DATE, err) != 0) ||
        (!to && web_error(c, "to", TEXT_STAFF_WRONG_DATE, err) != 0))
        return -1;
    return 0;
}

static int filter_url(struct web_call *c, const char *path, struct buf *url, struct err *err)
{
    if (buf_put_str(url, path, err) != 0)
        return -1;
    for (size_t i = 0; i < N_FILTERS; i++)
        if (staff_url_add(url, FILTERS[i], web_query(c, FILTERS[i]), err) != 0)
            return -1;
    return 0;
}

static int set_filter_url(struct web_call *c, const char *key, const char *path, const char *cursor,
                          struct err *err)
{
    struct buf url;
    buf_init(&url);
    int rc = filter_url(c, path, &url, err) != 0 || staff_url_add(&url, "cursor", cursor, err) != 0
                 ? -1
                 : staff_set_url(c, key, &url, err);
    buf_done(&url);
    return rc;
}

static int put_filters(struct web_call *c, struct err *err)
{
    static const struct web_input INPUTS[] = {
        {.name = "q", .label = TEXT_STAFF_SEARCH, .kind = INPUT_TEXT, .maxlength = 64},
        {.name = "state", .label = TEXT_STAFF_STATE, .kind = INPUT_SELECT, .options = "state_options"},
        {.name = "from", .label = TEXT_STAFF_FROM, .kind = INPUT_DATE},
        {.name = "to", .label = TEXT_STAFF_TO, .kind = INPUT_DATE},
        {.name = "owner", .label = TEXT_STAFF_ORGANISATION, .kind = INPUT_HIDDEN}};
    json_t *values = json_object();
    int rc = values ? 0 : err_set(err, ERR_MEMORY, "filters");
    for (size_t i = 0; rc == 0 && i < N_FILTERS; i++)
        if (json_object_set_new(values, FILTERS[i], json_string(web_query(c, FILTERS[i]))) != 0)
            rc = err_set(err, ERR_FIELD, "%s: it is no UTF-8", FILTERS[i]);
    if (rc == 0 && staff_state_options(c, "state_options", err) == 0)
        rc = web_put_inputs(c, "filters", INPUTS, sizeof(INPUTS) / sizeof(INPUTS[0]), values, err);
    else
        rc = -1;
    json_decref(values);
    return rc;
}

/* The text's and the cursor's faults are the reader's to mend; others are not. */
static int say_query_error(struct web_call *c, struct err *err)
{
    if (err->code != ERR_FIELD)
        return -1;
    if (strncmp(err->text, "cursor: ", 8) == 0)
        return web_error(c, "", TEXT_STAFF_WRONG_CURSOR, err);
    return web_error(
        c, "q", utf8_chars(web_query(c, "q")) > 2 ? TEXT_STAFF_SEARCH_LONG : TEXT_STAFF_SEARCH_SHORT, err);
}

/* ---- all applications ---- */

static int put_page(struct web_call *c, json_t *page, const char *path, struct err *err)
{
    json_t *rows = json_object_get(page, "rows");
    const char *next = json_string_value(json_object_get(page, "next"));
    bool partial = json_is_true(json_object_get(page, "partial"));
    if (staff_rows(c, rows, err) != 0 || web_set(c, "rows", json_incref(rows), err) != 0 ||
        web_set_bool(c, "partial", partial, err) != 0 ||
        (next[0] ? set_filter_url(c, "next_url", path, next, err) : web_set_text(c, "next_url", "", err)) !=
            0)
        return -1;
    return web_query(c, "cursor")[0] ? set_filter_url(c, "first_url", path, "", err) : 0;
}

static int put_files(struct web_call *c, struct err *err)
{
    if (!web_is(c, ROLE_FIRST_REVIEWER | ROLE_FINAL_REVIEWER | ROLE_OPERATOR | ROLE_AUDITOR))
        return 0;
    return set_filter_url(c, "csv_url", "/applications.csv", "", err) != 0
               ? -1
               : set_filter_url(c, "xlsx_url", "/applications.xlsx", "", err);
}

int page_applications(struct web_call *c, struct err *err)
{
    struct list_query q = {.limit = LIST_PAGE};
    json_t *page = NULL;
    if (read_filters(c, &q, err) != 0)
        return -1;
    if (!web_has_errors(c) && list_applications(c->db, &q, &page, err) != 0 && say_query_error(c, err) != 0)
        return -1;
    if (!page)
        page = json_pack("{s:[],s:s,s:b}", "rows", "next", "", "partial", 0);
    int rc = page ? put_page(c, page, "/applications", err) : err_set(err, ERR_MEMORY, "applications");
    json_decref(page);
    if (rc != 0 || put_filters(c, err) != 0 || put_files(c, err) != 0)
        return -1;
    return web_render(c, "applications", web_has_errors(c) ? 422 : 200, err);
}

/* ---- their file ---- */

static const struct {
    const char *key;
    enum text_id header;
    unsigned int width;
} COLUMNS[] = {{"id", TEXT_STAFF_NUMBER, 22},
               {"state_title", TEXT_STAFF_STATE, 10},
               {"organisation", TEXT_STAFF_ORGANISATION, 36},
               {"identifier", TEXT_STAFF_IDENTIFIER, 22},
               {"profile_title", TEXT_STAFF_PROFILE, 28},
               {"created", TEXT_STAFF_CREATED, 18},
               {"submitted", TEXT_STAFF_SUBMITTED, 18},
               {"due", TEXT_STAFF_DUE, 12},
               {"delivery", TEXT_STAFF_DELIVERY, 18},
               {"carrier", TEXT_STAFF_CARRIER, 12},
               {"tracking_number", TEXT_STAFF_TRACKING, 20},
               {"token_serial", TEXT_STAFF_TOKEN, 24}};
#define N_COLUMNS (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

static int put_rows(struct web_call *c, struct export *x, json_t *rows, struct err *err)
{
    json_t *row;
    size_t i;
    if (staff_rows(c, rows, err) != 0)
        return -1;
    json_array_foreach(rows, i, row)
    {
        const char *cells[N_COLUMNS];
        const char *by = json_string_value(json_object_get(row, "carrier"));
        json_object_set_new(row, "carrier", json_string(carrier_title(by ? by : "", c->lang)));
        json_object_set(row, "due", json_object_get(json_object_get(row, "promise"), "due"));
        for (size_t j = 0; j < N_COLUMNS; j++)
            cells[j] = json_string_value(json_object_get(row, COLUMNS[j].key));
        if (export_row(x, cells, err) != 0)
            return -1;
    }
    return 0;
}

static int put_all(struct web_call *c, struct export *x, const struct list_query *query, struct err *err)
{
    char cursor[128] = "";
    struct list_query q = *query;
    q.limit = FILE_PAGE;
    for (size_t n = 0; n < FILE_ROWS;) {
        json_t *page = NULL;
        q.cursor = cursor;
        if (list_applications(c->db, &q, &page, err) != 0)
            return -1;
        json_t *rows = json_object_get(page, "rows");
        int rc = put_rows(c, x, rows, err);
        n += json_array_size(rows);
        snprintf(cursor, sizeof(cursor), "%s", json_string_value(json_object_get(page, "next")));
        json_decref(page);
        if (rc != 0 || !cursor[0])
            return rc;
    }
    return 0;
}

static int new_export(const struct web_call *c, enum export_format format, struct export **ret,
                      struct err *err)
{
    const char *header[N_COLUMNS];
    unsigned int widths[N_COLUMNS];
    for (size_t i = 0; i < N_COLUMNS; i++) {
        header[i] = text(COLUMNS[i].header, c->lang);
        widths[i] = COLUMNS[i].width;
    }
    return export_new(ret, format, text(TEXT_STAFF_APPLICATIONS, c->lang), header, widths, N_COLUMNS, err);
}

static int send_file(struct web_call *c, enum export_format format, struct list_query *q, struct err *err)
{
    struct export *x = NULL;
    struct buf file;
    char name[64];
    int rc = -1;
    buf_init(&file);
    snprintf(name, sizeof(name), "applications.%s", export_format_name(format));
    if (new_export(c, format, &x, err) == 0 && put_all(c, x, q, err) == 0 &&
        export_finish(x, &file, err) == 0)
        rc = web_send(c, export_media_type(format), name, file.data, file.len, 0, err);
    export_free(&x);
    buf_done(&file);
    return rc;
}

int page_applications_file(struct web_call *c, struct err *err)
{
    enum export_format format = export_format_from_name(c->param);
    struct list_query q = {0};
    if (format == EXPORT_FORMAT_COUNT)
        return err_set(err, ERR_NOT_FOUND, "applications.%s: there is no such file", c->param);
    if (read_filters(c, &q, err) != 0)
        return -1;
    if (web_has_errors(c))
        return err_set(err, ERR_FIELD, "the dates are not valid");
    return send_file(c, format, &q, err);
}

/* ---- queues ---- */

static int put_queue_url(struct web_call *c, const char *key, const char *path, const char *cursor,
                         struct err *err)
{
    struct buf url;
    buf_init(&url);
    int rc = buf_put_str(&url, path, err) != 0 || staff_url_add(&url, "cursor", cursor, err) != 0
                 ? -1
                 : staff_set_url(c, key, &url, err);
    buf_done(&url);
    return rc;
}

static int put_queue(struct web_call *c, enum application_state state, struct err *err)
{
    const char *cursor = web_query(c, "cursor"), *path = c->page->path;
    json_t *page = NULL;
    if (list_queue(c->db, application_state_name(state), cursor, LIST_PAGE, &page, err) != 0) {
        if (err->code != ERR_FIELD || web_error(c, "", TEXT_STAFF_WRONG_CURSOR, err) != 0 ||
            list_queue(c->db, application_state_name(state), "", LIST_PAGE, &page, err) != 0)
            return -1;
    }
    json_t *rows = json_object_get(page, "rows");
    int rc =
        staff_rows(c, rows, err) == 0 && web_set(c, "rows", json_incref(rows), err) == 0 &&
                put_queue_url(c, "next_url", json_string_value(json_object_get(page, "next"))[0] ? path : "",
                              json_string_value(json_object_get(page, "next")), err) == 0
            ? 0
            : -1;
    json_decref(page);
    return rc == 0 && cursor[0] ? web_set_text(c, "first_url", path, err) : rc;
}

int page_queue_first(struct web_call *c, struct err *err)
{
    if (put_queue(c, APPLICATION_FIRST_REVIEW, err) != 0 ||
        web_set_bool(c, "may_act", web_is(c, ROLE_FIRST_REVIEWER), err) != 0)
        return -1;
    return web_render(c, "queue_first", web_has_errors(c) ? 422 : 200, err);
}

static int find(struct web_call *c, const char *id, bool *ret_found, struct portal_application *ret,
                struct err *err)
{
    *ret_found = portal_application_get(c->db, id, ret, err) == 0;
    return *ret_found || err->code == ERR_NOT_FOUND ? 0 : -1;
}

/* A scanned number leads to its application, with the paper's field ready. Typed, it may be in lower case. */
static int go_to_scanned(struct web_call *c, const char *number, bool *ret_found, struct err *err)
{
    struct portal_application a;
    char upper[41];
    size_t n = 0;
    for (; n < sizeof(upper) - 1 && number[n]; n++)
        upper[n] = number[n] >= 'a' && number[n] <= 'z' ? (char)(number[n] - 'a' + 'A') : number[n];
    upper[n] = '\0';
    if (find(c, number, ret_found, &a, err) != 0 || (!*ret_found && find(c, upper, ret_found, &a, err) != 0))
        return -1;
    return *ret_found ? web_redirect(c, err, "/applications/%s/review#paper", a.id) : 0;
}

int page_queue_final(struct web_call *c, struct err *err)
{
    static const struct web_input SCAN = {.name = "number",
                                          .label = TEXT_STAFF_SCAN,
                                          .kind = INPUT_TEXT,
                                          .maxlength = 40,
                                          .help = TEXT_STAFF_SCAN_HELP};
    const char *number = web_query(c, "number");
    bool found = false;
    if (number[0] && go_to_scanned(c, number, &found, err) != 0)
        return -1;
    if (found)
        return 0;
    if (number[0] && web_error(c, "number", TEXT_STAFF_SCAN_UNKNOWN, err) != 0)
        return -1;
    json_t *values = json_pack("{s:s}", "number", number);
    int rc = web_put_inputs(c, "scan", &SCAN, 1, values, err);
    json_decref(values);
    if (rc != 0 || put_queue(c, APPLICATION_FINAL_REVIEW, err) != 0 ||
        web_set_bool(c, "may_act", web_is(c, ROLE_FINAL_REVIEWER), err) != 0)
        return -1;
    return web_render(c, "queue_final", web_has_errors(c) ? 422 : 200, err);
}
