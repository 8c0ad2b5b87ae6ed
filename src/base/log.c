#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define LINE_SIZE 2048

enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

static const struct {
    int priority; /* sd-daemon(3) */
    const char *word;
} LEVELS[] = {[LEVEL_ERROR] = {3, "error: "},
              [LEVEL_WARNING] = {4, "warning: "},
              [LEVEL_INFO] = {6, ""},
              [LEVEL_DEBUG] = {7, "debug: "}};

static const char *program = "castation";
static bool journal, debug;
static enum lang lang = LANG_EN;

/* systemd says in JOURNAL_STREAM which device and inode the journal's pipe has (systemd.exec(5)). The
 * variable is inherited; only if it names *our* stderr do we write to the journal. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    if (!stream || fstat(STDERR_FILENO, &st) != 0)
        return false;
    char ours[48];
    snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, ours) == 0;
}

void log_init(const char *name)
{
    program = name;
    journal = stderr_is_journal();
    debug = getenv("CASTATION_DEBUG") != NULL;
    lang = lang_from_env();
}

/* Control characters (C0, DEL, C1) and stray bytes become \xNN: no line is forged, no terminal driven. */
static size_t escape(const char *text, char *dst, size_t cap)
{
    size_t n = 0, left = strlen(text);
    while (left > 0) {
        const uint8_t *p = (const uint8_t *)text;
        size_t len = utf8_char_len(text, left);
        bool control = p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && len == 2 && p[1] < 0xa0);
        size_t take = len > 0 ? len : 1;
        if (len > 0 && !control) {
            if (n + len > cap)
                break;
            memcpy(dst + n, p, len);
            n += len;
        } else {
            if (n + 4 * take + 1 > cap)
                break;
            for (size_t i = 0; i < take; i++)
                n += (size_t)snprintf(dst + n, cap - n, "\\x%02x", p[i]);
        }
        text += take;
        left -= take;
    }
    return n;
}

/* One write: lines of several processes on one pipe do not mix. */
static void put_line(enum level level, const char *text)
{
    char line[LINE_SIZE], at[CLOCK_UTC_SIZE];
    int n;
    if (journal) {
        n = snprintf(line, sizeof(line), "<%d>%s", LEVELS[level].priority, LEVELS[level].word);
    } else {
        clock_utc_text(clock_utc_ms(), at);
        n = snprintf(line, sizeof(line), "%s %s: %s", at, program, LEVELS[level].word);
    }
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(line) / 2 ? (size_t)n : sizeof(line) / 2;
    len += escape(text, line + len, sizeof(line) - len - 1);
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return; /* nowhere left to say it */
}

static void __attribute__((format(printf, 2, 0))) put_format(enum level level, const char *fmt, va_list ap)
{
    char text[LINE_SIZE];
    if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
        put_line(level, text);
}

#define LOG_FUNCTION(function, level, condition)                                                             \
    void function(const char *fmt, ...)                                                                      \
    {                                                                                                        \
        if (!(condition))                                                                                    \
            return;                                                                                          \
        va_list ap;                                                                                          \
        va_start(ap, fmt);                                                                                   \
        put_format(level, fmt, ap);                                                                          \
        va_end(ap);                                                                                          \
    }

LOG_FUNCTION(log_error, LEVEL_ERROR, true)
LOG_FUNCTION(log_warning, LEVEL_WARNING, true)
LOG_FUNCTION(log_info, LEVEL_INFO, true)
LOG_FUNCTION(log_debug, LEVEL_DEBUG, debug)

void log_err(const struct err *err, const char *fmt, ...)
{
    char context[ERR_TEXT_SIZE], text[LINE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(context, sizeof(context), fmt, ap) < 0)
        context[0] = '\0';
    va_end(ap);
    snprintf(text, sizeof(text), "%s: %s [%s] %s %s", context, err->text, err_name(err->code),
             err_sentence(err->code, lang), err_remedy(err->code, lang));
    put_line(LEVEL_ERROR, text);
}
