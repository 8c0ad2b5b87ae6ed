#include "domain/workday.h"

#include <stdio.h>
#include <string.h>

#define SHANGHAI_MS INT64_C(28800000) /* UTC+8 */
#define DAYS_MAX    36525             /* a calendar that has no working day for a century is none */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t workday_of(int64_t ms)
{
    return floor_div(ms + SHANGHAI_MS, WORKDAY_MS);
}

int64_t workday_begin(int64_t day)
{
    return day * WORKDAY_MS - SHANGHAI_MS;
}

/* The Gregorian calendar in years that begin on 1 March, so that the leap day is the last one: 146097 days in
 * 400 years, 153 in each 5 months. */
struct civil {
    int64_t year;
    int month, day;
};

static struct civil civil_of(int64_t day)
{
    int64_t shifted = day + 719468; /* since 0000-03-01 */
    int64_t era = floor_div(shifted, 146097), in_era = shifted - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;
    struct civil c = {.year = era * 400 + year + (month >= 10),
                      .month = (int)(month < 10 ? month + 3 : month - 9),
                      .day = (int)(in_year - (153 * month + 2) / 5 + 1)};
    return c;
}

static int64_t day_of(struct civil c)
{
    int64_t shifted = c.year - (c.month <= 2), era = floor_div(shifted, 400), year = shifted - era * 400;
    int64_t month = c.month > 2 ? c.month - 3 : c.month + 9, in_year = (153 * month + 2) / 5 + c.day - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + in_year - 719468;
}

void workday_text(int64_t day, char ret[11])
{
    struct civil c = civil_of(day);
    char text[48];
    if (c.year < 0 || c.year > 9999)
        c = (struct civil){0, 1, 1}; /* no instant that is recorded lies there */
    snprintf(text, sizeof(text), "%04lld-%02d-%02d", (long long)c.year, c.month, c.day);
    memcpy(ret, text, 10);
    ret[10] = '\0';
}

static int number(const char *s, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (s[i] - '0');
    return value;
}

bool workday_parse(const char *text, int64_t *ret_day)
{
    static const char SHAPE[] = "dddd-dd-dd";
    char again[11];
    for (size_t i = 0; i < sizeof(SHAPE); i++)
        if (SHAPE[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != SHAPE[i])
            return false;
    struct civil c = {number(text, 4), number(text + 5, 2), number(text + 8, 2)};
    if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31)
        return false;
    int64_t day = day_of(c);
    workday_text(day, again);
    if (strcmp(text, again) != 0) /* the 31st of a month that has 30 */
        return false;
    *ret_day = day;
    return true;
}

bool workday_is_weekend(int64_t day)
{
    int64_t weekday = day + 4 - floor_div(day + 4, 7) * 7; /* 1970-01-01 was a Thursday; 0: Sunday */
    return weekday == 0 || weekday == 6;
}

int64_t workday_add(const struct workday_calendar *calendar, int64_t day, int64_t n, bool *ret_provisional)
{
    bool provisional = false;
    for (int64_t looked = 0; n > 0 && looked < DAYS_MAX; looked++) {
        bool uncertain = false;
        day++;
        if (calendar->is_working(day, &uncertain, calendar->arg))
            n--;
        provisional |= uncertain;
    }
    *ret_provisional = provisional;
    return day;
}

int64_t workday_between(const struct workday_calendar *calendar, int64_t from, int64_t to)
{
    int64_t n = 0;
    bool ignored;
    for (int64_t day = from + 1; day <= to && day - from <= DAYS_MAX; day++)
        if (calendar->is_working(day, &ignored, calendar->arg))
            n++;
    return n;
}
