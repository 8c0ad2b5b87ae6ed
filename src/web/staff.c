#include "web/staff.h"

#include <stdio.h>
#include <string.h>

#include "domain/workday.h"
#include "portal/form.h"
#include "portal/promise.h"
#include "web/input.h"

#define LATE_LONG_MS (31 * WORKDAY_MS)

void staff_count(char *ret, size_t cap, const char *text, int64_t n)
{
    const char *at = strstr(text, "{n}");
    if (!at)
        snprintf(ret, cap, "%s", text);
    else
        snprintf(ret, cap, "%.*s%lld%s", (int)(at - text), text, (long long)n, at + 3);
}

void staff_number(const struct web_call *c, char *ret, size_t cap, enum text_id one, enum text_id many,
                  int64_t n)
{
    staff_count(ret, cap, text(n == 1 ? one : many, c->lang), n);
}

/* ---- the promise's clock ---- */

struct clock_words {
    char left[96];
    const char *kind;
    bool late;
};

static int clock_words(struct web_call *c, int64_t due, int64_t stopped_at, struct clock_words *ret,
                       struct err *err)
{
    int64_t days;
    *ret = (struct clock_words){.kind = "plain"};
    if (stopped_at > 0) {
        snprintf(ret->left, sizeof(ret->left), "%s", text(TEXT_STAFF_CLOCK_STOPPED, c->lang));
        return 0;
    }
    ret->late = c->now >= due;
    if (c->now - due > LATE_LONG_MS) { /* not worth counting day by day */
        snprintf(ret->left, sizeof(ret->left), "%s", text(TEXT_STAFF_CLOCK_LATE_LONG, c->lang));
        ret->kind = "bad";
        return 0;
    }
    if (promise_left(c->db, due, c->now, &days, err) != 0)
        return -1;
    if (ret->late && days == 0)
        snprintf(ret->left, sizeof(ret->left), "%s", text(TEXT_STAFF_CLOCK_LATE, c->lang));
    else if (ret->late)
        staff_number(c, ret->left, sizeof(ret->left), TEXT_STAFF_CLOCK_LATE_ONE, TEXT_STAFF_CLOCK_LATE_MANY,
                     -days);
    else if (days == 0)
        snprintf(ret->left, sizeof(ret->left), "%s", text(TEXT_STAFF_CLOCK_TODAY, c->lang));
    else
        staff_number(c, ret->left, sizeof(ret->left), TEXT_STAFF_CLOCK_LEFT_ONE, TEXT_STAFF_CLOCK_LEFT_MANY,
                     days);
    ret->kind = ret->late ? "bad" : days == 0 ? "waiting" : "plain";
    return 0;
}

int staff_clock(struct web_call *c, int64_t due, int64_t stopped_at, bool provisional, json_t **ret,
                struct err *err)
{
    struct clock_words words = {.kind = "plain"};
    char day[11] = "";
    if (due > 0 && clock_words(c, due, stopped_at, &words, err) != 0)
        return -1;
    if (due > 0)
        workday_text(workday_of(due - 1), day);
    *ret = json_pack("{s:s,s:s,s:s,s:b,s:b}", "due", day, "left", words.left, "kind", words.kind, "late",
                     words.late, "provisional", due > 0 && provisional);
    return *ret ? 0 : err_set(err, ERR_MEMORY, "promise");
}

/* ---- rows ---- */

static int64_t integer(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static int put_time(json_t *row, const char *key, int64_t ms)
{
    char at[20] = "";
    if (ms > 0)
        web_time_text(ms, at);
    return json_object_set_new(row, key, json_string(at));
}

/* The pages about one application, by what a template calls them. */
static int put_urls(json_t *row)
{
    static const struct {
        const char *key, *page;
    } URLS[] = {{"url", ""},
                {"review_url", "/review"},
                {"paper_url", "/paper"},
                {"reveal_url", "/reveal"},
                {"handover_url", "/handover"},
                {"retry_url", "/retry"}};
    const char *id = json_string_value(json_object_get(row, "id"));
    for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++)
        if (json_object_set_new(row, URLS[i].key, json_sprintf("/applications/%s%s", id, URLS[i].page)) != 0)
            return -1;
    return 0;
}

static const char *delivery_title(const struct web_call *c, const json_t *row)
{
    const char *method = json_string_value(json_object_get(row, "delivery_method"));
    if (!method || !method[0])
        return "";
    return text(strcmp(method, "pickup") == 0 ? TEXT_STAFF_PICKUP : TEXT_STAFF_MAIL, c->lang);
}

static const char *profile_title(const struct web_call *c, const json_t *row)
{
    return form_profile_title(json_string_value(json_object_get(row, "profile")), c->lang);
}

static int one_row(struct web_call *c, json_t *row, struct err *err)
{
    enum application_state s = application_state_from_name(json_string_value(json_object_get(row, "state")));
    json_t *promise = NULL;
    if (staff_clock(c, integer(row, "promise_due"), integer(row, "promise_stopped_at"),
                    json_is_true(json_object_get(row, "provisional")), &promise, err) != 0)
        return -1;
    bool late = json_is_true(json_object_get(promise, "late"));
    if (json_object_set_new(row, "promise", promise) != 0 ||
        json_object_set_new(row, "late", json_boolean(late)) != 0 ||
        json_object_set_new(row, "state_title", json_string(application_state_title(s, c->lang))) != 0 ||
        json_object_set_new(row, "tag", json_string(application_state_tag(s))) != 0 || put_urls(row) != 0 ||
        json_object_set_new(row, "delivery", json_string(delivery_title(c, row))) != 0 ||
        json_object_set_new(row, "profile_title", json_string(profile_title(c, row))) != 0 ||
        put_time(row, "created", integer(row, "created_at")) != 0 ||
        put_time(row, "submitted", integer(row, "submitted_at")) != 0)
        return err_set(err, ERR_MEMORY, "list of applications");
    return 0;
}

int staff_rows(struct web_call *c, json_t *rows, struct err *err)
{
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (one_row(c, row, err) != 0)
            return -1;
    }
    return 0;
}

int staff_application(struct web_call *c, struct err *err)
{
    const struct portal_application *a = &c->application;
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:s}", "id", a->id, "state", a->state,
                  "organisation", a->organisation, "identifier", a->identifier, "profile", a->profile,
                  "created_at", (json_int_t)a->created_at, "submitted_at", (json_int_t)a->submitted_at,
                  "promise_due", (json_int_t)a->promise_due, "promise_stopped_at",
                  (json_int_t)a->promise_stopped_at, "paper_number", a->paper_number, "station", a->station);
    bool provisional = false;
    if (!o)
        return err_set(err, ERR_MEMORY, "application %s", a->id);
    if ((a->promise_due > 0 && promise_is_provisional(c->db, a->promise_due, &provisional, err) != 0) ||
        json_object_set_new(o, "provisional", json_boolean(provisional)) != 0 || one_row(c, o, err) != 0) {
        json_decref(o);
        return -1;
    }
    return web_set(c, "application", o, err);
}

/* ---- small things ---- */

int staff_undo(struct web_call *c, struct err *err)
{
    if (db_in_transaction(c->db))
        db_rollback(c->db);
    return db_begin(c->db, err);
}

void staff_field(const struct web_call *c, const char *name, char *ret, size_t cap)
{
    static const char SPACE[] = " \t\r\n";
    const char *value = web_field(c, name);
    value += strspn(value, SPACE);
    size_t len = strlen(value);
    while (len > 0 && strchr(SPACE, value[len - 1]))
        len--;
    if (len >= cap)
        len = cap - 1;
    memcpy(ret, value, len);
    ret[len] = '\0';
    utf8_scrub(ret);
}

bool staff_date(const char *text_, bool after, int64_t *ret_ms)
{
    int64_t day;
    *ret_ms = 0;
    if (!text_[0])
        return true;
    if (!workday_parse(text_, &day))
        return false;
    *ret_ms = workday_begin(day + (after ? 1 : 0));
    return true;
}

int staff_url_add(struct buf *url, const char *name, const char *value, struct err *err)
{
    static const char PLAIN[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~";
    if (!value[0])
        return 0;
    bool first = memchr(url->data, '?', url->len) == NULL;
    if (buf_printf(url, err, "%c%s=", first ? '?' : '&', name) != 0)
        return -1;
    for (const char *p = value; *p; p++)
        if (strchr(PLAIN, *p) ? buf_put(url, p, 1, err) != 0
                              : buf_printf(url, err, "%%%02X", (unsigned int)(unsigned char)*p) != 0)
            return -1;
    return 0;
}

int staff_set_url(struct web_call *c, const char *key, struct buf *url, struct err *err)
{
    const char *s = buf_cstr(url);
    return s ? web_set_text(c, key, s, err) : err_set(err, ERR_MEMORY, "%s", key);
}

int staff_state_options(struct web_call *c, const char *key, struct err *err)
{
    if (web_add_option(c, key, "", text(TEXT_STAFF_ALL_STATES, c->lang), err) != 0)
        return -1;
    for (int s = 0; s < APPLICATION_STATE_COUNT; s++)
        if (web_add_option(c, key, application_state_name((enum application_state)s),
                           application_state_title((enum application_state)s, c->lang), err) != 0)
            return -1;
    return 0;
}
