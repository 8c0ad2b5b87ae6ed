#include "base/clock.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAST_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

static int64_t now_ms(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0)
        return 0; /* only a wrong clock id fails */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
    return now_ms(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
    return now_ms(CLOCK_BOOTTIME);
}

int64_t clock_utc_ms(void)
{
    return now_ms(CLOCK_REALTIME);
}

void clock_utc_text(int64_t utc_ms, char ret[CLOCK_UTC_SIZE])
{
    int64_t ms = utc_ms < 0 ? 0 : utc_ms > LAST_MS ? LAST_MS : utc_ms;
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char whole[20];
    strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret, CLOCK_UTC_SIZE, "%s.%03uZ", whole, (unsigned int)(ms % 1000) % 1000u);
}

/* Digits where the pattern has '0', the character itself elsewhere. */
static int matches(const char *text, const char *pattern)
{
    for (; *pattern; pattern++, text++)
        if (*pattern == '0' ? !(*text >= '0' && *text <= '9') : *text != *pattern)
            return 0;
    return *text == '\0';
}

static int number(const char *digits, size_t n)
{
    int value = 0;
    while (n-- > 0)
        value = value * 10 + (*digits++ - '0');
    return value;
}

int64_t clock_utc_parse(const char *text)
{
    int ms = 0;
    if (matches(text, "0000-00-00T00:00:00.000Z"))
        ms = number(text + 20, 3);
    else if (!matches(text, "0000-00-00T00:00:00Z"))
        return -1;
    struct tm tm = {.tm_year = number(text, 4) - 1900,
                    .tm_mon = number(text + 5, 2) - 1,
                    .tm_mday = number(text + 8, 2),
                    .tm_hour = number(text + 11, 2),
                    .tm_min = number(text + 14, 2),
                    .tm_sec = number(text + 17, 2)};
    time_t seconds = timegm(&tm);
    if (seconds < 0)
        return -1;
    /* timegm carries 31 April over to 1 May: what does not come back the same was no date. */
    char again[CLOCK_UTC_SIZE];
    clock_utc_text((int64_t)seconds * 1000, again);
    if (strncmp(again, text, 19) != 0)
        return -1;
    return (int64_t)seconds * 1000 + ms;
}

void clock_boot_id(char ret[BOOT_ID_SIZE])
{
    ret[0] = '\0';
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    char id[BOOT_ID_SIZE] = "";
    ssize_t n = read(fd, id, BOOT_ID_SIZE - 1);
    close(fd);
    if (n != BOOT_ID_SIZE - 1)
        return;
    for (size_t i = 0; i < BOOT_ID_SIZE - 1; i++)
        if (id[i] != '-' && !isxdigit((unsigned char)id[i]))
            return;
    memcpy(ret, id, BOOT_ID_SIZE);
}

int clock_left_ms(int64_t mono_deadline)
{
    int64_t now = clock_mono_ms();
    if (mono_deadline <= now)
        return 0;
    return mono_deadline - now > INT_MAX ? INT_MAX : (int)(mono_deadline - now);
}
