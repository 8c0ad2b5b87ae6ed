/* UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF, shortest form only). */
#ifndef CASTATION_BASE_UTF8_H
#define CASTATION_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool utf8_valid(const char *s, size_t len);
size_t utf8_chars(const char *s); /* code points */

/* Length in bytes of the well-formed character at s, which has `len` bytes left; 0 when there is none. */
size_t utf8_char_len(const char *s, size_t len);

/* Make a NUL-terminated string valid in place: a character cut off by the end is dropped, any other byte that
 * is part of no character becomes '?'. */
void utf8_scrub(char *s);

#endif
