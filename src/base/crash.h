/* Crash points: places where tests kill the process, to prove that the journal survives it.
 * Compiled in with -DCASTATION_CRASH_POINTS (the asan flavour); nothing in release.
 * CASTATION_CRASH="name" or "name#3" (the third time it is reached): SIGKILL to oneself, there. */
#ifndef CASTATION_BASE_CRASH_H
#define CASTATION_BASE_CRASH_H

#ifdef CASTATION_CRASH_POINTS
void crash_point(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#else
__attribute__((format(printf, 1, 2))) static inline void crash_point(const char *fmt, ...)
{
    (void)fmt;
}
#endif

#endif
