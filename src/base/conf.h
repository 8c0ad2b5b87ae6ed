/* Configuration files (libconfig syntax), read through a table. An unknown key, a wrong type, a missing key and an
 * out-of-range value are ERR_CONFIG with "file:line: key: reason". */
#ifndef CASTATION_BASE_CONF_H
#define CASTATION_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum conf_kind {
    CONF_STR,   /* char[size]  */
    CONF_PATH,  /* char[size]; a relative path is taken from the file's folder */
    CONF_INT,   /* int64_t; min ≤ value ≤ max */
    CONF_BOOL,  /* bool */
    CONF_STRS,  /* struct conf_strs */
};

struct conf_strs {
    char **items; /* NULL-terminated */
    size_t n;
};

struct conf_key {
    const char *path; /* "portal.url": dots descend into groups */
    enum conf_kind kind;
    size_t offset, size; /* of the field in the caller's struct */
    bool required;
    int64_t min, max;       /* CONF_INT */
    const char *fallback;   /* value when absent, as text; NULL: zero or empty */
};

#define CONF_FIELD(type, member) offsetof(type, member), sizeof(((type *)0)->member)

int conf_load(const char *path, const struct conf_key *keys, size_t n, void *out, struct err *err);
void conf_free(const struct conf_key *keys, size_t n, void *out);

/* The same for each element of a list of groups, `list` ("bays"): calls `each` with a zeroed element of `size`
 * bytes, filled; stops at its first -1. */
int conf_load_list(const char *path, const char *list, const struct conf_key *keys, size_t n, size_t size,
                   int (*each)(void *element, void *arg, struct err *err), void *arg, struct err *err);

#endif
