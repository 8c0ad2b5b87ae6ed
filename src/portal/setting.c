#include "portal/setting.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

const struct setting settings[] = {
#define X(key, kind, min, max, first, title_zh, title_en, help_zh, help_en)                                  \
    {key, kind, min, max, first, {title_zh, title_en}, {help_zh, help_en}},
#include "portal/setting.def"
#undef X
};
const size_t n_settings = sizeof(settings) / sizeof(settings[0]);

int setting_check(const struct setting *s, const char *value, struct err *err)
{
    const size_t len = strlen(value);
    if (s->kind == SETTING_NUMBER) {
        const int64_t n =
            len > 0 && len < 10 && strspn(value, "0123456789") == len ? strtoll(value, NULL, 10) : -1;
        if (n >= s->min && n <= s->max)
            return 0;
        return err_set(err, ERR_FIELD, "%s: a whole number from %" PRId64 " to %" PRId64, s->key, s->min,
                       s->max);
    }
    if (len >= SETTING_VALUE_MAX || !utf8_valid(value, len) || utf8_chars(value) > (size_t)s->max)
        return err_set(err, ERR_FIELD, "%s: at most %" PRId64 " characters", s->key, s->max);
    for (const char *p = value; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\n') || *p == 127)
            return err_set(err, ERR_FIELD, "%s: control characters", s->key);
    return 0;
}
