/* How wide a text stands on a terminal. wcwidth would need a UTF-8 locale to be installed and set. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/table.h"

struct range {
    uint32_t first, last;
};

/* East_Asian_Width W and F (Unicode 15), neighbouring ranges joined. */
static const struct range WIDE[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x23f0, 0x23f0},
    {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26a1, 0x26a1},   {0x2705, 0x2705},
    {0x274c, 0x274c},   {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff},
    {0x1b000, 0x1b2ff}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static const struct range ZERO[] = {
    {0x0300, 0x036f}, {0x200b, 0x200f}, {0x20d0, 0x20f0},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
};

static int within(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return 1;
    return 0;
}

static uint32_t decode(const char *s, size_t len)
{
    static const uint8_t LEAD[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (uint8_t)s[0] & LEAD[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((uint8_t)s[i] & 0x3f);
    return c;
}

int table_width(const char *utf8)
{
    int width = 0;
    size_t left = strlen(utf8);
    while (left > 0) {
        size_t n = utf8_char_len(utf8, left);
        uint32_t c = n > 0 ? decode(utf8, n) : '?';
        if (!within(c, ZERO, sizeof(ZERO) / sizeof(ZERO[0])))
            width += within(c, WIDE, sizeof(WIDE) / sizeof(WIDE[0])) ? 2 : 1;
        n = n > 0 ? n : 1;
        utf8 += n;
        left -= n;
    }
    return width;
}
