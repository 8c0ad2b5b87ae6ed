/* The settings as a table (setting.def); their values are setting_get's (promise.h). */
#ifndef CASTATION_PORTAL_SETTING_H
#define CASTATION_PORTAL_SETTING_H

#include <stddef.h>

#include "base/err.h"

#define SETTING_VALUE_MAX 1280 /* bytes, with the NUL */

enum setting_kind { SETTING_NUMBER, SETTING_TEXT };

struct setting {
    const char *key;
    enum setting_kind kind;
    int64_t min, max;  /* of a number; characters of a text */
    const char *first; /* its value in a new portal */
    const char *title[LANG_COUNT], *help[LANG_COUNT];
};
extern const struct setting settings[];
extern const size_t n_settings;

/* ERR_FIELD: no such number, or a text that is too long or holds control characters. */
int setting_check(const struct setting *setting, const char *value, struct err *err);

#endif
