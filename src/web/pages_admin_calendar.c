/* The working days of a year, and another year's calendar. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "domain/workday.h"
#include "portal/promise.h"
#include "web/admin.h"
#include "web/input.h"
#include "web/staff.h"

#define CSV_MAX 20000 /* bytes */

static const struct web_input INPUTS[] = {
    {.name = "year", .label = TEXT_ADMIN_CALENDAR_YEAR, .kind = INPUT_TEXT, .required = true, .maxlength = 4},
    {.name = "source",
     .label = TEXT_ADMIN_CALENDAR_SOURCE,
     .kind = INPUT_TEXT,
     .help = TEXT_ADMIN_CALENDAR_SOURCE_HELP,
     .maxlength = 200},
    {.name = "csv",
     .label = TEXT_ADMIN_CALENDAR_CSV,
     .kind = INPUT_TEXTAREA,
     .required = true,
     .help = TEXT_ADMIN_CALENDAR_CSV_HELP,
     .maxlength = CSV_MAX},
};

static int64_t year_at(int64_t now)
{
    char day[11];
    workday_text(workday_of(now), day);
    return strtoll(day, NULL, 10);
}

/* ---- a year ---- */

struct month {
    int64_t working;
    json_t *days; /* that the calendar names; the list's own */
};

/* What the calendar says of a day: -1 nothing, 0 holiday, 1 working. */
static int named(const json_t *days, const char *day, const char **ret_note)
{
    size_t i;
    const json_t *d;
    json_array_foreach(days, i, d) if (strcmp(json_str(d, "day"), day) == 0)
    {
        *ret_note = json_str(d, "note");
        return json_is_true(json_object_get(d, "working"));
    }
    return -1;
}

static int put_day(struct month *m, int64_t day, const char *text, const json_t *days, struct err *err)
{
    const char *note = "";
    char words[160];
    const int said = named(days, text, &note);
    m->working += said >= 0 ? said : !workday_is_weekend(day);
    if (said < 0)
        return 0;
    snprintf(words, sizeof(words), "%s%s%s", text + 5, *note ? " " : "", note);
    return admin_append(m->days, json_pack("{s:s,s:s}", "text", words, "kind", said ? "active" : "waiting"),
                        err);
}

/* ctx.months: [{name, working, days: [{text, kind}]}] */
static int put_months(struct web_call *c, int64_t year, const json_t *days, struct err *err)
{
    struct month months[12] = {{0}};
    int64_t first, total = 0;
    char text[16];
    json_t *list;
    snprintf(text, sizeof(text), "%04d-01-01", (int)year);
    if (!workday_parse(text, &first) || admin_list(c, "months", &list, err) != 0)
        return -1;
    for (size_t m = 0; m < 12; m++) {
        char name[16];
        snprintf(name, sizeof(name), "%04d-%02zu", (int)year, m + 1);
        json_t *row = json_pack("{s:s,s:[]}", "name", name, "days");
        if (admin_append(list, row, err) != 0)
            return -1;
        months[m].days = json_object_get(row, "days");
    }
    for (int64_t day = first; day < first + 366; day++) {
        char d[11];
        workday_text(day, d);
        if (strtoll(d, NULL, 10) == year &&
            put_day(&months[strtol(d + 5, NULL, 10) - 1], day, d, days, err) != 0)
            return -1;
    }
    for (size_t m = 0; m < 12; m++) {
        total += months[m].working;
        if (json_object_set_new(json_array_get(list, m), "working", json_integer(months[m].working)) != 0)
            return err_set(err, ERR_MEMORY, "calendar");
    }
    return web_set_int(c, "working_days", total, err);
}

/* ctx.years: those that are loaded, and the shown one with its neighbours. */
static int put_years(struct web_call *c, int64_t shown, struct err *err)
{
    bool there[CALENDAR_LAST_YEAR - CALENDAR_FIRST_YEAR + 1] = {false};
    struct db_rows *rows = NULL;
    json_t *list;
    int r;
    if (admin_list(c, "years", &list, err) != 0 ||
        db_query(c->db, PSQL_CALENDAR_YEARS, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        if (db_col_int(rows, 0) >= CALENDAR_FIRST_YEAR && db_col_int(rows, 0) <= CALENDAR_LAST_YEAR)
            there[db_col_int(rows, 0) - CALENDAR_FIRST_YEAR] = true;
    db_rows_free(&rows);
    for (int64_t year = CALENDAR_FIRST_YEAR; r == 0 && year <= CALENDAR_LAST_YEAR; year++)
        if (there[year - CALENDAR_FIRST_YEAR] || (year >= shown - 1 && year <= shown + 1))
            r = admin_append(list, json_pack("{s:I,s:b}", "year", (json_int_t)year, "now", year == shown),
                             err);
    return r;
}

static int put_year(struct web_call *c, int64_t year, struct err *err)
{
    json_t *calendar = NULL;
    char loaded[20];
    if (calendar_json(c->db, year, &calendar, err) != 0)
        return -1;
    web_time_text(json_int(calendar, "loaded_at"), loaded);
    int rc = put_months(c, year, json_object_get(calendar, "days"), err);
    if (rc == 0)
        rc = web_set_text(c, "source_text", json_str(calendar, "source"), err);
    if (rc == 0)
        rc = web_set_text(c, "loaded", loaded, err);
    json_decref(calendar);
    if (rc != 0 || web_set_int(c, "year", year, err) != 0)
        return -1;
    return put_years(c, year, err);
}

static int show(struct web_call *c, int64_t year, unsigned int status, struct err *err)
{
    char next[24];
    snprintf(next, sizeof(next), "%" PRId64, year);
    json_t *values = json_pack("{s:s}", "year", next);
    int rc = values ? web_put_inputs(c, "fields", INPUTS, sizeof(INPUTS) / sizeof(INPUTS[0]), values, err)
                    : err_set(err, ERR_MEMORY, "calendar");
    json_decref(values);
    if (rc != 0 || put_year(c, year, err) != 0 ||
        web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR), err) != 0)
        return -1;
    return web_render(c, "admin_calendar", status, err);
}

int page_admin_calendar(struct web_call *c, struct err *err)
{
    int64_t year;
    if (!admin_number(web_query(c, "year"), CALENDAR_FIRST_YEAR + 1, CALENDAR_LAST_YEAR - 1, &year))
        year = year_at(c->now);
    return show(c, year, 200, err);
}

/* ---- loading ---- */

/* calendar_load says "line 3: …" in its own words: the page says which line, and what a line looks like. */
static int say_line(struct web_call *c, const char *why, struct err *err)
{
    static const char LINE[] = "line ";
    char words[256];
    const char *at = strstr(why, LINE);
    int64_t line = at ? strtoll(at + sizeof(LINE) - 1, NULL, 10) : 0;
    if (line <= 0)
        return web_error(c, "csv", TEXT_ADMIN_CALENDAR_BAD, err);
    staff_count(words, sizeof(words), text(TEXT_ADMIN_CALENDAR_LINE, c->lang), line);
    return web_error_text(c, "csv", words, err);
}

static int audit_load(struct web_call *c, int64_t year, int64_t before, struct err *err)
{
    char subject[16], was[40], is[40];
    json_t *calendar = NULL;
    if (calendar_json(c->db, year, &calendar, err) != 0)
        return -1;
    snprintf(subject, sizeof(subject), "%" PRId64, year);
    snprintf(was, sizeof(was), "%" PRId64 " days", before);
    snprintf(is, sizeof(is), "%zu days", json_array_size(json_object_get(calendar, "days")));
    json_decref(calendar);
    return admin_audit(c, "calendar", subject, before < 0 ? "" : was, is, err);
}

/* How many days are named; -1: the year is not loaded. */
static int days_before(struct web_call *c, int64_t year, int64_t *ret, struct err *err)
{
    json_t *calendar = NULL;
    if (calendar_json(c->db, year, &calendar, err) != 0)
        return -1;
    *ret = json_int(calendar, "loaded_at") ? (int64_t)json_array_size(json_object_get(calendar, "days")) : -1;
    json_decref(calendar);
    return 0;
}

int page_admin_calendar_post(struct web_call *c, struct err *err)
{
    int64_t year, before;
    char typed[16], source[816], path[48];
    const char *csv = web_field(c, "csv");
    staff_field(c, "year", typed, sizeof(typed));
    staff_field(c, "source", source, sizeof(source));
    if (!admin_number(typed, CALENDAR_FIRST_YEAR + 1, CALENDAR_LAST_YEAR - 1, &year)) {
        if (web_error(c, "year", TEXT_ADMIN_CALENDAR_YEAR_BAD, err) != 0)
            return -1;
        return show(c, year_at(c->now), 422, err);
    }
    if (days_before(c, year, &before, err) != 0)
        return -1;
    if (strlen(csv) > CSV_MAX || strspn(csv, " \r\n\t") == strlen(csv)) {
        if (web_error(c, "csv", TEXT_ADMIN_CALENDAR_BAD, err) != 0)
            return -1;
        return show(c, year, 422, err);
    }
    if (calendar_load(c->db, c->now, year, csv, source, err) != 0) {
        struct err why = *err;
        if (why.code != ERR_FIELD)
            return -1;
        if (staff_undo(c, err) != 0 || say_line(c, why.text, err) != 0)
            return -1;
        return show(c, year, 422, err);
    }
    if (audit_load(c, year, before, err) != 0)
        return -1;
    snprintf(path, sizeof(path), "/admin/calendar?year=%" PRId64, year);
    return admin_done(c, TEXT_ADMIN_CALENDAR_LOADED, path, err);
}
