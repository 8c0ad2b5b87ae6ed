/* Promised working days, Asia/Shanghai. The calendar is data, a year at a time; a year without data counts Monday to
 * Friday and its results are provisional. domain/workday.h has the reckoning; here is where it meets the records. */
#ifndef CASTATION_PORTAL_PROMISE_H
#define CASTATION_PORTAL_PROMISE_H

#include <jansson.h>

#include "store/db.h"

enum promise { PROMISE_FIRST_REVIEW, PROMISE_FINAL_REVIEW, PROMISE_MAKING, PROMISE_COUNT };
/* Settings "promise_first_review_days" (3), "promise_final_review_days" (1), "promise_making_days" (1). */
int promise_days(struct db *db, enum promise p, int64_t *ret, struct err *err);

/* The end (24:00 Shanghai) of the n-th working day after `from`; 2026-09-18 + 3 = 2026-09-22. */
int promise_due(struct db *db, int64_t from, int64_t days, int64_t *ret_due, bool *ret_provisional, struct err *err);
/* `due` put off by the working days between stop and now. */
int promise_resume(struct db *db, int64_t due, int64_t stopped_at, int64_t now, int64_t *ret_due, struct err *err);
/* Is a promise that ends then reckoned without a calendar? */
int promise_is_provisional(struct db *db, int64_t due, bool *ret, struct err *err);
/* Working days after today up to the promise's last day: 0 when that is today; when it is over, the working days since,
 * as a negative number. */
int promise_left(struct db *db, int64_t due, int64_t now, int64_t *ret_days, struct err *err);

/* setting: `otherwise` when there is none. setting_int: ERR_CONFIG when it is no number. */
int setting_get(struct db *db, const char *key, const char *otherwise, char *ret, size_t cap, struct err *err);
int setting_int(struct db *db, const char *key, int64_t otherwise, int64_t *ret, struct err *err);
int setting_set(struct db *db, const char *key, const char *value, struct err *err);

/* A year: lines "2026-02-14,working,note" / "2026-10-01,holiday,note"; days not named are Monday to Friday; blank lines
 * and those that begin with '#' are left out. Replaces the year. ERR_FIELD naming the line. `source`: where it was
 * published; "": what the file's line "# source: …" says. */
int calendar_load(struct db *db, int64_t now, int64_t year, const char *csv, const char *source, struct err *err);
/* {year, source, loaded_at (0: there is none of this year), days: [{day, working, note}]} */
int calendar_json(struct db *db, int64_t year, json_t **ret, struct err *err);

#define CALENDAR_FIRST_YEAR 2000
#define CALENDAR_LAST_YEAR  2099

#endif
