/* The text of a search: folded, and its pairs of neighbouring characters. */
#ifndef CASTATION_PORTAL_LIST_TEXT_H
#define CASTATION_PORTAL_LIST_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define LIST_TEXT_MAX  64 /* characters */
#define LIST_GRAMS_MAX (LIST_TEXT_MAX - 1)
#define LIST_GRAM_SIZE 9 /* two characters of UTF-8 and the NUL */

struct list_text {
    char typed[LIST_TEXT_MAX * 4 + 1];  /* without white space at its ends */
    char folded[LIST_TEXT_MAX * 4 + 1]; /* and with ASCII in lower case */
    char gram[LIST_GRAMS_MAX][LIST_GRAM_SIZE];
    size_t n_grams; /* each once */
};

/* ERR_FIELD "text: …": one character alone, more than LIST_TEXT_MAX, or no text at all. */
int list_text_parse(const char *text, struct list_text *ret, struct err *err);

/* Whether `value`, folded, contains it. */
bool list_text_in(const struct list_text *text, const char *value);

/* Every pair of `value`, folded, in order; the same may come twice. */
int list_text_grams(const char *value, int (*each)(const char *gram, void *arg, struct err *err), void *arg,
                    struct err *err);

#endif
