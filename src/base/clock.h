/* Clocks. Deadlines are CLOCK_MONOTONIC milliseconds; leases are CLOCK_BOOTTIME milliseconds together with
 * the kernel's boot id; records are UTC, RFC 3339 with milliseconds ("2026-11-22T08:15:30.123Z"). */
#ifndef CASTATION_BASE_CLOCK_H
#define CASTATION_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_UTC_SIZE 25
#define BOOT_ID_SIZE   37

int64_t clock_mono_ms(void);
int64_t clock_boot_ms(void);
int64_t clock_utc_ms(void); /* Unix time in ms */
void clock_utc_text(int64_t utc_ms, char ret[CLOCK_UTC_SIZE]);
int64_t clock_utc_parse(const char *text);  /* Unix ms, or -1 */
void clock_boot_id(char ret[BOOT_ID_SIZE]); /* "" when the kernel does not say */
int clock_left_ms(int64_t mono_deadline);   /* for poll(): ≥ 0, at most INT_MAX */

#endif
