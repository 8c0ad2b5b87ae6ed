#include "base/conf_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Past a string or comment that begins at p; p itself when none does. */
static const char *skip_quiet(const char *p)
{
    if (*p == '"') {
        for (p++; *p && *p != '"'; p++)
            if (*p == '\\' && p[1])
                p++;
        return *p ? p + 1 : p;
    }
    if (*p == '#' || (p[0] == '/' && p[1] == '/'))
        return p + strcspn(p, "\n");
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        return end ? end + 2 : p + strlen(p);
    }
    return p;
}

/* Past a word or number; *ret_fits tells whether libconfig keeps its value. */
static const char *skip_word(const char *p, bool *ret_fits)
{
    const char *end = p;
    while (isalnum((unsigned char)*end) || (*end && strchr("_-*.", *end)))
        end++;
    *ret_fits = true;
    if (!isdigit((unsigned char)*p))
        return end;
    char *after;
    errno = 0;
    long long value = strtoll(p, &after, p[0] == '0' && (p[1] == 'x' || p[1] == 'X') ? 16 : 10);
    bool is_long = *after == 'L', is_float = *after == '.' || *after == 'e' || *after == 'E';
    if (!is_float)
        *ret_fits = errno != ERANGE && (is_long || value <= INT32_MAX);
    return end > after ? end : after;
}

int conf_text_check(const char *path, const char *text, struct err *err)
{
    unsigned int line = 1;
    for (const char *p = text, *next; *p; p = next) {
        next = skip_quiet(p);
        if (next == p && *p == '@')
            return err_set(err, ERR_CONFIG, "%s:%u: @include is not supported", path, line);
        if (next == p && (isalnum((unsigned char)*p) || *p == '_' || *p == '*')) {
            bool fits;
            next = skip_word(p, &fits);
            if (!fits)
                return err_set(err, ERR_CONFIG, "%s:%u: %.*s: an integer over 2147483647 needs the suffix L",
                               path, line, (int)(next - p > 40 ? 40 : next - p), p);
        }
        if (next == p)
            next = p + 1;
        for (const char *q = p; q < next; q++)
            line += *q == '\n';
    }
    return 0;
}
