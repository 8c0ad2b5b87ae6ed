#include "base/key_type.h"

#include <string.h>

static const char *const KEY_TYPE_NAMES[KEY_TYPE_COUNT] = {
    [KEY_NONE] = "none",        [KEY_P256] = "P-256",       [KEY_P384] = "P-384",
    [KEY_RSA2048] = "RSA-2048", [KEY_RSA3072] = "RSA-3072", [KEY_RSA4096] = "RSA-4096",
};

const char *key_type_name(enum key_type t)
{
    return (unsigned int)t < KEY_TYPE_COUNT ? KEY_TYPE_NAMES[t] : "unknown";
}

enum key_type key_type_from_name(const char *name)
{
    for (enum key_type t = KEY_NONE + 1; t < KEY_TYPE_COUNT; t++)
        if (strcmp(KEY_TYPE_NAMES[t], name) == 0)
            return t;
    return KEY_NONE;
}
