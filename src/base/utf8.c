#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* First bytes, their length, and the range their second byte must lie in (RFC 3629 section 4). */
static const struct {
    uint8_t first_low, first_high, len, second_low, second_high;
} FORMS[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* As utf8_char_len, but *ret_cut tells of a character that is right as far as it goes and ends too early. */
static size_t char_len(const uint8_t *s, size_t len, bool *ret_cut)
{
    *ret_cut = false;
    if (len == 0)
        return 0;
    for (size_t f = 0; f < sizeof(FORMS) / sizeof(FORMS[0]); f++) {
        if (s[0] < FORMS[f].first_low || s[0] > FORMS[f].first_high)
            continue;
        for (size_t i = 1; i < FORMS[f].len; i++) {
            if (i == len) {
                *ret_cut = true;
                return 0;
            }
            uint8_t low = i == 1 ? FORMS[f].second_low : 0x80, high = i == 1 ? FORMS[f].second_high : 0xbf;
            if (s[i] < low || s[i] > high)
                return 0;
        }
        return FORMS[f].len;
    }
    return 0;
}

size_t utf8_char_len(const char *s, size_t len)
{
    bool cut;
    return char_len((const uint8_t *)s, len, &cut);
}

bool utf8_valid(const char *s, size_t len)
{
    while (len > 0) {
        size_t n = utf8_char_len(s, len);
        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}

size_t utf8_chars(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((uint8_t)*s & 0xc0) != 0x80;
    return n;
}

void utf8_scrub(char *s)
{
    size_t len = strlen(s);
    while (len > 0) {
        bool cut;
        size_t n = char_len((const uint8_t *)s, len, &cut);
        if (cut) {
            *s = '\0';
            return;
        }
        if (n == 0) {
            *s = '?';
            n = 1;
        }
        s += n;
        len -= n;
    }
}
