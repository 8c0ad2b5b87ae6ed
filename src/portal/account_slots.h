/* How many passwords are hashed at once: each takes 64 MiB and a core for a tenth of a second. */
#ifndef CASTATION_PORTAL_ACCOUNT_SLOTS_H
#define CASTATION_PORTAL_ACCOUNT_SLOTS_H

#include <stdint.h>

#include "base/err.h"

/* Waits for a slot; ERR_RATE after wait_ms. Give back what was taken. */
int account_slot_take(int64_t wait_ms, struct err *err);
void account_slot_give(void);

#endif
