#include "portal/promise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/workday.h"
#include "store/portal_store.h"

/* ---- settings
 * ------------------------------------------------------------------------------------------------- */

int setting_get(struct db *db, const char *key, const char *otherwise, char *ret, size_t cap, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_SETTING_GET, DB_ARGS(DB_TEXT(key)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    const char *value = r == 1 ? db_col_text(rows, 0) : otherwise;
    if (r >= 0 && strlen(value) >= cap)
        r = err_set(err, ERR_TOO_LARGE, "setting %s: %zu bytes, at most %zu here", key, strlen(value),
                    cap - 1);
    if (r >= 0)
        memcpy(ret, value, strlen(value) + 1);
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

int setting_int(struct db *db, const char *key, int64_t otherwise, int64_t *ret, struct err *err)
{
    char value[32], *end = NULL;
    if (setting_get(db, key, "", value, sizeof(value), err) != 0)
        return -1;
    if (!*value) {
        *ret = otherwise;
        return 0;
    }
    *ret = strtoll(value, &end, 10);
    return *end == '\0' ? 0 : err_set(err, ERR_CONFIG, "setting %s: '%s' is no number", key, value);
}

int setting_set(struct db *db, const char *key, const char *value, struct err *err)
{
    return db_exec(db, PSQL_SETTING_SET, DB_ARGS(DB_TEXT(key), DB_TEXT(value)), NULL, err);
}

/* ---- the calendar, as far as it is known
 * ---------------------------------------------------------------------- */

/* The reckoning has no errors of its own: the first of the database's is kept here. */
struct look {
    struct db *db;
    int rc;
    struct err *err;
};

static bool is_working(int64_t day, bool *ret_provisional, void *arg)
{
    struct look *look = arg;
    struct db_rows *rows = NULL;
    char text[11];
    bool working = !workday_is_weekend(day);
    *ret_provisional = false;
    workday_text(day, text);
    if (look->rc != 0 ||
        db_query(look->db, PSQL_CALENDAR_LOOK, DB_ARGS(DB_TEXT(text), DB_INT(strtoll(text, NULL, 10))), &rows,
                 look->err) != 0) {
        look->rc = -1;
        return true; /* so that whoever counts comes to an end */
    }
    int r = db_next(rows, look->err);
    if (r == 1) {
        *ret_provisional = db_col_int(rows, 0) == 0;
        if (!db_col_null(rows, 1))
            working = db_col_int(rows, 1) != 0;
    }
    if (r < 0)
        look->rc = -1;
    db_rows_free(&rows);
    return working;
}

/* ---- promises
 * ------------------------------------------------------------------------------------------------- */

int promise_days(struct db *db, enum promise p, int64_t *ret, struct err *err)
{
    static const struct {
        const char *setting;
        int64_t days;
    } PROMISES[PROMISE_COUNT] = {[PROMISE_FIRST_REVIEW] = {"promise_first_review_days", 3},
                                 [PROMISE_FINAL_REVIEW] = {"promise_final_review_days", 1},
                                 [PROMISE_MAKING] = {"promise_making_days", 1}};
    return setting_int(db, PROMISES[p].setting, PROMISES[p].days, ret, err);
}

int promise_due(struct db *db, int64_t from, int64_t days, int64_t *ret_due, bool *ret_provisional,
                struct err *err)
{
    struct look look = {db, 0, err};
    const struct workday_calendar calendar = {is_working, &look};
    bool provisional;
    int64_t day = workday_add(&calendar, workday_of(from), days, &provisional);
    if (look.rc != 0)
        return -1;
    *ret_due = workday_begin(day + 1);
    if (ret_provisional)
        *ret_provisional = provisional;
    return 0;
}

int promise_resume(struct db *db, int64_t due, int64_t stopped_at, int64_t now, int64_t *ret_due,
                   struct err *err)
{
    struct look look = {db, 0, err};
    const struct workday_calendar calendar = {is_working, &look};
    bool ignored;
    int64_t stood = workday_between(&calendar, workday_of(stopped_at), workday_of(now));
    int64_t day = workday_add(&calendar, workday_of(due - 1), stood, &ignored);
    if (look.rc != 0)
        return -1;
    *ret_due = workday_begin(day + 1);
    return 0;
}

int promise_is_provisional(struct db *db, int64_t due, bool *ret, struct err *err)
{
    struct look look = {db, 0, err};
    is_working(workday_of(due - 1), ret, &look);
    return look.rc;
}

int promise_left(struct db *db, int64_t due, int64_t now, int64_t *ret_days, struct err *err)
{
    struct look look = {db, 0, err};
    const struct workday_calendar calendar = {is_working, &look};
    int64_t last = workday_of(due - 1), today = workday_of(now);
    int64_t days =
        today <= last ? workday_between(&calendar, today, last) : -workday_between(&calendar, last, today);
    if (look.rc != 0)
        return -1;
    *ret_days = days;
    return 0;
}
