/* Configuration files (libconfig syntax), read through a table. An unknown key, a wrong type, a missing key
 * and an out-of-range value are ERR_CONFIG with "file:line: key: reason". Strings must be valid UTF-8 without
 * control characters. */
#ifndef CASTATION_BASE_CONF_H
#define CASTATION_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum conf_kind {
    CONF_STR,  /* char[size]  */
    CONF_PATH, /* char[size]; a relative path is taken from the file's folder */
    CONF_INT,  /* int64_t; min ≤ value ≤ max */
    CONF_BOOL, /* bool */
    CONF_STRS, /* struct conf_strs */
    CONF_LIST, /* a list of groups that conf_load_list reads; conf_load only lets it stand (offset, size
                  unused) */
};

struct conf_strs {
    char **items; /* NULL-terminated */
    size_t n;
};

struct conf_key {
    const char *path; /* "portal.url": dots descend into groups */
    enum conf_kind kind;
    size_t offset, size; /* CONF_FIELD: of the field in the caller's struct */
    bool required;
    int64_t min, max;     /* CONF_INT */
    const char *fallback; /* value when absent, as text (lists: commas between); NULL: zero or empty */
};

#define CONF_FIELD(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

/* ERR_NOT_FOUND, ERR_PERMISSION when the file cannot be read. On failure *out holds nothing to free. */
int conf_load(const char *path, const struct conf_key *keys, size_t n, void *out, struct err *err);
void conf_free(const struct conf_key *keys, size_t n, void *out);

/* The same for each element of a list of groups, `list` ("bays"): calls `each` with a zeroed element of
 * `size` bytes, filled; stops at its first -1, and puts "file:line: bays[0]" before the error. No such list:
 * no elements, 0. The element's memory ends with the call; what its CONF_STRS hold belongs to `each` from
 * then on (conf_free), unless it returns -1. */
int conf_load_list(const char *path, const char *list, const struct conf_key *keys, size_t n, size_t size,
                   int (*each)(void *element, void *arg, struct err *err), void *arg, struct err *err);

#endif
