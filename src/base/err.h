/* Errors: one value that says what went wrong, in words a machine and an operator both understand.
 *
 * A function that can fail returns 0 or -1 and fills its last parameter, `struct err *err` (never NULL).
 * Callers branch on err->code, never on err->text. Each level prepends its context with err_prepend, so the
 * text reads from the outside in: "bay 3: initialise: C_InitToken: CKR_PIN_INCORRECT". The text never holds
 * a secret. Every code has a sentence and a remedy in zh and en in err.def. */
#ifndef CASTATION_BASE_ERR_H
#define CASTATION_BASE_ERR_H

#include <stdint.h>

enum err_code {
    ERR_NONE = 0,
#define X(code, name, exit_code, zh, zh_remedy, en, en_remedy) code,
#include "base/err.def"
#undef X
    ERR_CODE_COUNT
};

#define ERR_TEXT_SIZE 256

struct err {
    enum err_code code;
    int sys;      /* errno, or 0 */
    uint64_t ckr; /* CK_RV of PKCS#11, or 0 */
    char text[ERR_TEXT_SIZE];
};

/* Fill *err and return -1. The text is always valid UTF-8: stray bytes become '?', and one too long is cut at
 * a whole character. Arguments may point into err->text. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, from errno: appends ": strerror", code by errno (ENOSPC, EDQUOT → ERR_DISK_FULL,
 * ETIMEDOUT → ERR_TIMEOUT, ENOMEM → ERR_MEMORY, otherwise ERR_SYSTEM). What is too long loses the end of its
 * own words, never the reason. Returns -1. */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with a CK_RV kept beside it. Returns -1. */
int err_ckr(struct err *err, enum err_code code, uint64_t rv, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "context: " before the text. Returns -1, so that `return err_prepend(...)` reads well. */
int err_prepend(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* The compiler sees one file at a time: this tells it what they return, so that it neither warns of what a
 * failed call left unset nor keeps checks that never fail. */
/* clang-format off */
#define err_set(...)     __extension__({ (err_set)(__VA_ARGS__); -1; })
#define err_sys(...)     __extension__({ (err_sys)(__VA_ARGS__); -1; })
#define err_ckr(...)     __extension__({ (err_ckr)(__VA_ARGS__); -1; })
#define err_prepend(...) __extension__({ (err_prepend)(__VA_ARGS__); -1; })
/* clang-format on */

const char *err_name(enum err_code code);      /* "token-changed": stable, for JSON and reports */
enum err_code err_from_name(const char *name); /* ERR_INTERNAL when unknown */
int err_exit_code(enum err_code code);         /* what a command exits with */

enum lang { LANG_ZH, LANG_EN, LANG_COUNT };
enum lang lang_from_env(void); /* LC_ALL, LC_MESSAGES, LANG: zh* → zh, else en */
const char *err_sentence(enum err_code code, enum lang lang);
const char *err_remedy(enum err_code code, enum lang lang);

#endif
