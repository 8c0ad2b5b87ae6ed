/* calendar load, calendar show: which days are worked. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "portal/caportal.h"
#include "portal/promise.h"

#define CALENDAR_MAX 65536 /* bytes of a file */

static int take_year(const struct caportal *c, int64_t *ret, struct err *err)
{
    char *end = NULL;
    long long year = strtoll(c->words[0], &end, 10);
    if (end == c->words[0] || *end || year < CALENDAR_FIRST_YEAR || year > CALENDAR_LAST_YEAR)
        return err_set(err, ERR_USAGE, "'%.20s' is no year from %d to %d", c->words[0], CALENDAR_FIRST_YEAR,
                       CALENDAR_LAST_YEAR);
    *ret = year;
    return 0;
}

static int load(struct db *db, int64_t year, const char *csv, size_t *ret_days, struct err *err)
{
    json_t *whole = NULL;
    if (db_begin(db, err) != 0)
        return -1;
    if (calendar_load(db, clock_utc_ms(), year, csv, "", err) != 0 ||
        calendar_json(db, year, &whole, err) != 0 || db_commit(db, err) != 0) {
        db_rollback(db);
        json_decref(whole);
        return -1;
    }
    *ret_days = json_array_size(json_object_get(whole, "days"));
    json_decref(whole);
    return 0;
}

int caportal_calendar_load(struct caportal *c, struct err *err)
{
    struct buf file;
    struct db *db = NULL;
    int64_t year;
    size_t days = 0;
    int rc = -1;
    buf_init(&file);
    if (take_year(c, &year, err) != 0 || file_read(c->words[1], CALENDAR_MAX, &file, err) != 0)
        goto out;
    const char *csv = buf_cstr(&file);
    if (!csv) {
        err_set(err, ERR_MEMORY, "calendar");
        goto out;
    }
    if (caportal_db(c, &db, err) != 0)
        goto out;
    rc = load(db, year, csv, &days, err);
    if (rc != 0)
        err_prepend(err, "%s", c->words[1]);
    else
        caportal_say(c, stdout, TEXT_CAPORTAL_CALENDAR_LOADED, (long long)year, days);
out:
    db_close(&db);
    buf_done(&file);
    return rc;
}

static void print_calendar(const struct caportal *c, const json_t *whole)
{
    const json_t *days = json_object_get(whole, "days");
    if (json_int(whole, "loaded_at") == 0) {
        caportal_say(c, stdout, TEXT_CAPORTAL_CALENDAR_ABSENT, (long long)json_int(whole, "year"));
        return;
    }
    if (*json_str(whole, "source"))
        printf("# source: %s\n", json_str(whole, "source"));
    for (size_t i = 0; i < json_array_size(days); i++) {
        const json_t *day = json_array_get(days, i);
        printf("%s,%s,%s\n", json_str(day, "day"),
               json_is_true(json_object_get(day, "working")) ? "working" : "holiday", json_str(day, "note"));
    }
}

int caportal_calendar_show(struct caportal *c, struct err *err)
{
    struct db *db = NULL;
    json_t *whole = NULL;
    int64_t year;
    if (take_year(c, &year, err) != 0 || caportal_db(c, &db, err) != 0)
        return -1;
    int rc = calendar_json(db, year, &whole, err);
    db_close(&db);
    if (rc != 0)
        return -1;
    if (c->given & OPTION_JSON)
        return caportal_print_json(whole, err);
    print_calendar(c, whole);
    json_decref(whole);
    return 0;
}
