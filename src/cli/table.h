/* Tables and lists on a terminal, out of JSON, driven by columns. */
#ifndef CASTATION_CLI_TABLE_H
#define CASTATION_CLI_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

enum column_kind {
    COLUMN_TEXT,   /* any scalar as it is; objects and arrays as compact JSON */
    COLUMN_WORD,   /* a state or step: its word in the language */
    COLUMN_TIME,   /* RFC 3339 UTC, shown in local time */
    COLUMN_NUMBER, /* to the right */
};

struct column {
    const char *title[LANG_COUNT];
    const char *key; /* of the row's object */
    enum column_kind kind;
    int most; /* widest, in terminal columns; what is longer ends in "…"; 0: as wide as it is */
};

/* rows: an array of objects. An empty one prints the language's "(none)". */
void table_print(FILE *out, enum lang lang, const struct column *columns, size_t n, const json_t *rows);

/* One object, a line a field: "title  value". Absent and empty ones are left out. */
void table_fields(FILE *out, enum lang lang, const struct column *columns, size_t n, const json_t *object);

/* Terminal columns of a UTF-8 text: East Asian Wide and Fullwidth take two (UAX #11), combining marks none.
 */
int table_width(const char *utf8);

/* A state, step or like word in the language; itself when it has no translation. */
const char *table_word(const char *name, enum lang lang);

#endif
