#include "portal/list_text.h"

#include <string.h>

#include "base/utf8.h"

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void fold_copy(char *dst, const char *src, size_t len)
{
    for (size_t i = 0; i < len; i++)
        dst[i] = fold(src[i]);
    dst[len] = '\0';
}

int list_text_grams(const char *value, int (*each)(const char *gram, void *arg, struct err *err), void *arg,
                    struct err *err)
{
    size_t len = strlen(value), before = 0, at = 0, n;
    while ((n = utf8_char_len(value + at, len - at)) > 0) {
        char gram[LIST_GRAM_SIZE];
        if (before) {
            fold_copy(gram, value + at - before, before + n);
            if (each(gram, arg, err) != 0)
                return -1;
        }
        before = n;
        at += n;
    }
    return 0;
}

static int keep_gram(const char *gram, void *arg, struct err *err)
{
    struct list_text *text = arg;
    (void)err;
    for (size_t i = 0; i < text->n_grams; i++)
        if (strcmp(text->gram[i], gram) == 0)
            return 0;
    memcpy(text->gram[text->n_grams++], gram, strlen(gram) + 1);
    return 0;
}

int list_text_parse(const char *text, struct list_text *ret, struct err *err)
{
    static const char SPACE[] = " \t\r\n";
    text += strspn(text, SPACE);
    size_t len = strlen(text);
    while (len > 0 && strchr(SPACE, text[len - 1]))
        len--;
    if (!utf8_valid(text, len))
        return err_set(err, ERR_FIELD, "text: it is no UTF-8");
    if (len >= sizeof(ret->folded))
        return err_set(err, ERR_FIELD, "text: it has at most %d characters", LIST_TEXT_MAX);
    ret->n_grams = 0;
    memcpy(ret->typed, text, len);
    ret->typed[len] = '\0';
    fold_copy(ret->folded, text, len);
    if (utf8_chars(ret->folded) > LIST_TEXT_MAX)
        return err_set(err, ERR_FIELD, "text: it has at most %d characters", LIST_TEXT_MAX);
    if (utf8_chars(ret->folded) < 2)
        return err_set(err, ERR_FIELD, "text: it has at least 2 characters");
    return list_text_grams(ret->folded, keep_gram, ret, err);
}

bool list_text_in(const struct list_text *text, const char *value)
{
    size_t len = strlen(text->folded), left = strlen(value);
    for (; left >= len; value++, left--) {
        size_t i = 0;
        while (i < len && fold(value[i]) == text->folded[i])
            i++;
        if (i == len)
            return true;
    }
    return false;
}
