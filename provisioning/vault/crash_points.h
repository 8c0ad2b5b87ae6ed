/* The names of all crash points of castation-vault, so that a test can go through every one. */
#ifndef CASTATION_VAULT_CRASH_POINTS_H
#define CASTATION_VAULT_CRASH_POINTS_H

#include <stddef.h>

/* "vault.reserve.before_fsync" …; NULL past the last. */
const char *vault_crash_point(size_t i);

#endif
