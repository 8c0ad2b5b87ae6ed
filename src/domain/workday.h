/* Working days: pure reckoning on civil days, Asia/Shanghai (UTC+8, no summer time). */
#ifndef CASTATION_DOMAIN_WORKDAY_H
#define CASTATION_DOMAIN_WORKDAY_H

#include <stdbool.h>
#include <stdint.h>

#define WORKDAY_MS INT64_C(86400000)

/* Days since 1970-01-01 in Shanghai of an instant (Unix ms), and the instant at which such a day begins. */
int64_t workday_of(int64_t ms);
int64_t workday_begin(int64_t day);
void workday_text(int64_t day, char ret[11]);          /* "2026-09-18" */
bool workday_parse(const char *text, int64_t *ret_day); /* exact, and a date that exists */
bool workday_is_weekend(int64_t day);

/* A calendar: is `day` worked, and is that certain? */
struct workday_calendar {
    bool (*is_working)(int64_t day, bool *ret_provisional, void *arg);
    void *arg;
};
/* The n-th working day after `day` (n ≥ 1); n = 0: `day` itself. *ret_provisional when any day on the way was. */
int64_t workday_add(const struct workday_calendar *calendar, int64_t day, int64_t n, bool *ret_provisional);
/* Working days in (from, to]. */
int64_t workday_between(const struct workday_calendar *calendar, int64_t from, int64_t to);

#endif
