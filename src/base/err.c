#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* The macros of err.h end where the functions themselves are. */
#undef err_set
#undef err_sys
#undef err_ckr
#undef err_prepend

struct code_info {
    const char *name;
    int exit_code;
    const char *sentence[LANG_COUNT], *remedy[LANG_COUNT];
};

static const struct code_info CODES[ERR_CODE_COUNT] = {
    [ERR_NONE] = {"none", 0, {"没有错误。", "No error."}, {"", ""}},
#define X(code, name, exit_code, zh, zh_remedy, en, en_remedy)                                               \
    [code] = {name, exit_code, {zh, en}, {zh_remedy, en_remedy}},
#include "base/err.def"
#undef X
};

static const struct code_info *info(enum err_code code)
{
    return &CODES[(unsigned int)code < ERR_CODE_COUNT ? code : ERR_INTERNAL];
}

/* Formatted aside first: an argument may be err->text itself. */
static void __attribute__((format(printf, 2, 0))) set_text(struct err *err, const char *fmt, va_list ap)
{
    char text[ERR_TEXT_SIZE];
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        text[0] = '\0';
    utf8_scrub(text);
    memcpy(err->text, text, sizeof(text));
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(err, fmt, ap);
    va_end(ap);
    err->code = code;
    err->sys = 0;
    err->ckr = 0;
    return -1;
}

static enum err_code code_of_errno(int sys)
{
    static const struct {
        int sys;
        enum err_code code;
    } MAP[] = {
        {ENOSPC, ERR_DISK_FULL}, {EDQUOT, ERR_DISK_FULL}, {ETIMEDOUT, ERR_TIMEOUT}, {ENOMEM, ERR_MEMORY}};
    for (size_t i = 0; i < sizeof(MAP) / sizeof(MAP[0]); i++)
        if (MAP[i].sys == sys)
            return MAP[i].code;
    return ERR_SYSTEM;
}

int err_sys(struct err *err, const char *fmt, ...)
{
    int sys = errno;
    char reason[96], text[ERR_TEXT_SIZE];
    const char *why = strerror_r(sys, reason, sizeof(reason));
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    /* The reason matters more than the end of a long name: the name is cut, not the reason. */
    size_t room = sizeof(text) - 1 - strnlen(why, sizeof(reason)) - 2;
    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n > room)
        text[room] = '\0';
    utf8_scrub(text);
    err_set(err, code_of_errno(sys), "%s: %s", text, why);
    err->sys = sys;
    return -1;
}

int err_ckr(struct err *err, enum err_code code, uint64_t rv, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_text(err, fmt, ap);
    va_end(ap);
    err->code = code;
    err->sys = 0;
    err->ckr = rv;
    return -1;
}

int err_prepend(struct err *err, const char *fmt, ...)
{
    struct err context;
    va_list ap;
    va_start(ap, fmt);
    set_text(&context, fmt, ap);
    va_end(ap);
    char text[2 * ERR_TEXT_SIZE + 2];
    snprintf(text, sizeof(text), "%s: %s", context.text, err->text);
    text[ERR_TEXT_SIZE - 1] = '\0';
    utf8_scrub(text);
    memcpy(err->text, text, ERR_TEXT_SIZE);
    return -1;
}

void err_clear(struct err *err)
{
    memset(err, 0, sizeof(*err));
}

const char *err_name(enum err_code code)
{
    return info(code)->name;
}

enum err_code err_from_name(const char *name)
{
    /* "none" is no error's name: who reports an error must not be read as reporting success. */
    for (enum err_code code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++)
        if (strcmp(CODES[code].name, name) == 0)
            return code;
    return ERR_INTERNAL;
}

int err_exit_code(enum err_code code)
{
    return info(code)->exit_code;
}

enum lang lang_from_env(void)
{
    static const char *const NAMES[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        const char *value = getenv(NAMES[i]);
        if (value && *value)
            return strncmp(value, "zh", 2) == 0 ? LANG_ZH : LANG_EN;
    }
    return LANG_EN;
}

const char *err_sentence(enum err_code code, enum lang lang)
{
    return info(code)->sentence[(unsigned int)lang < LANG_COUNT ? lang : LANG_EN];
}

const char *err_remedy(enum err_code code, enum lang lang)
{
    return info(code)->remedy[(unsigned int)lang < LANG_COUNT ? lang : LANG_EN];
}
