#include "vault/crash_points.h"

static const char *const names[] = {
#define X(type, name) "vault." name ".before_fsync", "vault." name ".after_fsync",
#include "vault/record.def"
#undef X
#define X(name, what) name,
#include "vault/crash.def"
#undef X
};

const char *vault_crash_point(size_t i)
{
    return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}
