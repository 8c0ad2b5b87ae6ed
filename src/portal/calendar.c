/* A year's public holidays and make-up days, as they were published. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/plain_text.h"
#include "domain/workday.h"
#include "portal/promise.h"
#include "store/portal_store.h"

#define LINE_MAX_BYTES  512
#define NOTE_MAX        60 /* characters */
#define SOURCE_MAX      200
#define SOURCE_MARK     "# source:"
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some spreadsheets begin a file with it */

struct loading {
    struct db *db;
    int64_t year;
    size_t line;
    char source[SOURCE_MAX * 4 + 1];
};

static int bad_line(const struct loading *l, const char *why, struct err *err)
{
    return err_set(err, ERR_FIELD, "line %zu: %s", l->line, why);
}

static int insert_day(const struct loading *l, const char *day, bool working, const char *note,
                      struct err *err)
{
    if (db_exec(l->db, PSQL_CALENDAR_DAY_INSERT, DB_ARGS(DB_TEXT(day), DB_INT(working), DB_TEXT(note)), NULL,
                err) == 0)
        return 0;
    return err->code == ERR_CONFLICT ? bad_line(l, "this day stands in the file already", err) : -1;
}

/* "2026-02-14,working,note"; the note may be left out. */
static int take_day(const struct loading *l, char *line, struct err *err)
{
    char *rest = line, *day = strsep(&rest, ","), *kind = strsep(&rest, ",");
    const char *note = rest ? rest : "";
    int64_t number;
    if (!workday_parse(day, &number))
        return bad_line(l, "it must begin with a day that exists, as 2026-02-14", err);
    if (strtoll(day, NULL, 10) != l->year)
        return bad_line(l, "the day is of another year", err);
    if (!kind || (strcmp(kind, "working") != 0 && strcmp(kind, "holiday") != 0))
        return bad_line(l, "after the day comes 'working' or 'holiday'", err);
    if (*note && plain_text_check(note, NOTE_MAX, err) != 0)
        return err_prepend(err, "line %zu: note", l->line);
    return insert_day(l, day, kind[0] == 'w', note, err);
}

static int take_source(struct loading *l, const char *text, struct err *err)
{
    text += strspn(text, " ");
    if (!*text || plain_text_check(text, SOURCE_MAX, err) != 0)
        return bad_line(l, "the source must be 1 to 200 characters", err);
    snprintf(l->source, sizeof(l->source), "%s", text);
    return 0;
}

static int take_line(struct loading *l, const char *begin, size_t len, struct err *err)
{
    char line[LINE_MAX_BYTES];
    while (len > 0 && strchr(" \t\r", begin[len - 1]))
        len--;
    if (len >= sizeof(line))
        return bad_line(l, "it is too long", err);
    memcpy(line, begin, len);
    line[len] = '\0';
    if (strncmp(line, SOURCE_MARK, strlen(SOURCE_MARK)) == 0)
        return *l->source ? 0 : take_source(l, line + strlen(SOURCE_MARK), err);
    return *line == '\0' || *line == '#' ? 0 : take_day(l, line, err);
}

static int clear_year(const struct loading *l, struct err *err)
{
    char first[16], last[16];
    snprintf(first, sizeof(first), "%04d-01-01", (int)l->year);
    snprintf(last, sizeof(last), "%04d-12-31", (int)l->year);
    if (db_exec(l->db, PSQL_CALENDAR_DAYS_DELETE, DB_ARGS(DB_TEXT(first), DB_TEXT(last)), NULL, err) != 0)
        return -1;
    return db_exec(l->db, PSQL_CALENDAR_YEAR_DELETE, DB_ARGS(DB_INT(l->year)), NULL, err);
}

int calendar_load(struct db *db, int64_t now, int64_t year, const char *csv, const char *source,
                  struct err *err)
{
    struct loading l = {.db = db, .year = year};
    if (year < CALENDAR_FIRST_YEAR || year > CALENDAR_LAST_YEAR)
        return err_set(err, ERR_FIELD, "a calendar is of a year from %d to %d", CALENDAR_FIRST_YEAR,
                       CALENDAR_LAST_YEAR);
    if (*source && take_source(&l, source, err) != 0)
        return -1;
    if (clear_year(&l, err) != 0)
        return -1;
    if (strncmp(csv, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        csv += strlen(BYTE_ORDER_MARK);
    while (*csv) {
        size_t len = strcspn(csv, "\n");
        l.line++;
        if (take_line(&l, csv, len, err) != 0)
            return -1;
        csv += len + (csv[len] == '\n');
    }
    return db_exec(db, PSQL_CALENDAR_YEAR_INSERT, DB_ARGS(DB_INT(year), DB_TEXT(l.source), DB_INT(now)), NULL,
                   err);
}

/* ---- reading
 * ------------------------------------------------------------------------------------------------ */

static int put_days(struct db *db, int64_t year, json_t *days, struct err *err)
{
    struct db_rows *rows = NULL;
    char first[16], last[16];
    int r;
    snprintf(first, sizeof(first), "%04d-01-01", (int)year);
    snprintf(last, sizeof(last), "%04d-12-31", (int)year);
    if (db_query(db, PSQL_CALENDAR_DAYS, DB_ARGS(DB_TEXT(first), DB_TEXT(last)), &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        if (json_array_append_new(days, json_pack("{s:s,s:b,s:s}", "day", db_col_text(rows, 0), "working",
                                                  db_col_int(rows, 1) != 0, "note", db_col_text(rows, 2))) !=
            0) {
            r = err_set(err, ERR_MEMORY, "calendar");
            break;
        }
    db_rows_free(&rows);
    return r;
}

int calendar_json(struct db *db, int64_t year, json_t **ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (year < CALENDAR_FIRST_YEAR || year > CALENDAR_LAST_YEAR)
        return err_set(err, ERR_FIELD, "a calendar is of a year from %d to %d", CALENDAR_FIRST_YEAR,
                       CALENDAR_LAST_YEAR);
    if (db_query(db, PSQL_CALENDAR_YEAR_GET, DB_ARGS(DB_INT(year)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    json_t *days = json_array(), *whole = NULL;
    if (r >= 0)
        whole = json_pack("{s:I,s:s,s:I,s:O}", "year", (json_int_t)year, "source",
                          r == 1 ? db_col_text(rows, 0) : "", "loaded_at",
                          (json_int_t)(r == 1 ? db_col_int(rows, 1) : 0), "days", days);
    db_rows_free(&rows);
    if (r >= 0 && !whole)
        r = err_set(err, ERR_MEMORY, "calendar");
    if (r >= 0)
        r = put_days(db, year, days, err);
    json_decref(days);
    if (r < 0) {
        json_decref(whole);
        return -1;
    }
    *ret = whole;
    return 0;
}
