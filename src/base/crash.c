#include "base/crash.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef CASTATION_CRASH_POINTS
void crash_point(const char *fmt, ...)
{
    static unsigned long seen; /* of the one name asked for */
    const char *wanted = getenv("CASTATION_CRASH");
    if (!wanted || !*wanted)
        return;
    char name[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);

    size_t len = strcspn(wanted, "#");
    if (strlen(name) != len || strncmp(name, wanted, len) != 0)
        return;
    unsigned long nth = wanted[len] == '#' ? strtoul(wanted + len + 1, NULL, 10) : 1;
    if (__atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST) == nth)
        kill(getpid(), SIGKILL);
}
#endif
