/* Numbers that people read out and type: a Shanghai date and random characters of Crockford's base 32 (no I,
 * L, O, U). */
#ifndef CASTATION_PORTAL_NUMBER_H
#define CASTATION_PORTAL_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* prefix + "20261122" + separator + n characters; n ≤ 12; what does not fit is cut. */
void number_new(const char *prefix, const char *separator, int64_t now, size_t n, char *ret, size_t cap);

#endif
