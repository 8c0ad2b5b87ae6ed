#include "domain/plain_text.h"

#include <string.h>

#include "base/utf8.h"

struct range {
    uint32_t first, last;
};

/* Characters that show nothing, break the line or turn the reading order: a reviewer would not see what he
 * approves. */
static const struct range FORBIDDEN[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f},   /* C0, DEL, C1 */
    {0x00ad, 0x00ad}, {0x061c, 0x061c},   /* soft hyphen, Arabic letter mark */
    {0x200b, 0x200b}, {0x200e, 0x200f},   /* zero width space, left-to-right and right-to-left mark */
    {0x2028, 0x202e}, {0x2060, 0x206f},   /* line and paragraph separator, embeddings, isolates */
    {0xfdd0, 0xfdef}, {0xfeff, 0xfeff},   /* noncharacters, byte order mark */
    {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}, /* interlinear annotation, tags and variation selectors */
};

static const struct range SPACES[] = {
    {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

static bool in(const struct range *ranges, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

bool plain_text_forbidden(uint32_t code_point)
{
    return in(FORBIDDEN, sizeof(FORBIDDEN) / sizeof(FORBIDDEN[0]), code_point) ||
           (code_point & 0xfffe) == 0xfffe;
}

static bool space(uint32_t c)
{
    return in(SPACES, sizeof(SPACES) / sizeof(SPACES[0]), c);
}

/* The code point of a well-formed character of n bytes. */
static uint32_t decode(const char *s, size_t n)
{
    static const uint8_t MASK[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (uint8_t)s[0] & MASK[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((uint8_t)s[i] & 0x3f);
    return c;
}

int plain_text_check(const char *s, size_t max_chars, struct err *err)
{
    size_t len = strlen(s), chars = 0;
    bool first_space = false, last_space = false;
    if (len == 0)
        return err_set(err, ERR_FIELD, "it is empty");
    while (len > 0) {
        size_t n = utf8_char_len(s, len);
        if (n == 0)
            return err_set(err, ERR_FIELD, "not valid UTF-8 after character %zu", chars);
        uint32_t c = decode(s, n);
        chars++;
        if (plain_text_forbidden(c))
            return err_set(err, ERR_FIELD, "character %zu is U+%04X, a control or invisible character", chars,
                           (unsigned int)c);
        last_space = space(c);
        if (chars == 1)
            first_space = last_space;
        s += n;
        len -= n;
    }
    if (first_space || last_space)
        return err_set(err, ERR_FIELD, "it is blank, or begins or ends with a space");
    if (chars > max_chars)
        return err_set(err, ERR_FIELD, "%zu characters, at most %zu are allowed", chars, max_chars);
    return 0;
}

bool plain_id_ok(const char *s, size_t max)
{
    size_t len = strlen(s);
    return len > 0 && len <= max &&
           strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") == len;
}
