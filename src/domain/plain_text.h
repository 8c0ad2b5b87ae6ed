/* What may stand in a name, an address or an id that people read: rules that applications and certificates
 * share. */
#ifndef CASTATION_DOMAIN_PLAIN_TEXT_H
#define CASTATION_DOMAIN_PLAIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* 1 to max_chars code points, valid UTF-8; no control character, line separator, bidirectional control,
 * invisible format character or noncharacter; no space at either end. ERR_FIELD with the reason, which names
 * the position. */
int plain_text_check(const char *s, size_t max_chars, struct err *err);

/* Is the code point one that plain text never has? */
bool plain_text_forbidden(uint32_t code_point);

/* 1 to max of [0-9A-Za-z-]: ids of applications, names of profiles. */
bool plain_id_ok(const char *s, size_t max);

#endif
