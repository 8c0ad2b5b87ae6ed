#include "cli/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"

#define CELL_SIZE 512
#define GAP       2

/* ---- one value as text ------------------------------------------------------------- */

static void local_time(const char *utc, char *dst, size_t cap)
{
    int64_t ms = clock_utc_parse(utc);
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (ms < 0 || !localtime_r(&seconds, &tm))
        snprintf(dst, cap, "%s", utc);
    else
        strftime(dst, cap, "%Y-%m-%d %H:%M:%S", &tm);
}

/* A terminal obeys control characters; what a record holds must not. */
static void defang(char *s)
{
    utf8_scrub(s);
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
        else if ((unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0) /* C1 controls */
            s[0] = s[1] = '?';
    }
}

static void shorten(char s[CELL_SIZE], int most)
{
    if (most <= 0 || table_width(s) <= most)
        return;
    size_t at = 0, left = strlen(s);
    for (;;) {
        size_t n = utf8_char_len(s + at, left);
        char kept = s[at + n];
        s[at + n] = '\0';
        int width = table_width(s);
        s[at + n] = kept;
        if (width > most - 1)
            break;
        at += n;
        left -= n;
    }
    snprintf(s + at, CELL_SIZE - at, "…");
}

static void cell(const struct column *c, enum lang lang, const json_t *row, char dst[CELL_SIZE])
{
    const json_t *value = json_object_get(row, c->key);
    dst[0] = '\0';
    if (!value)
        return;
    switch (json_typeof(value)) {
    case JSON_STRING:
        if (c->kind == COLUMN_TIME)
            local_time(json_string_value(value), dst, CELL_SIZE);
        else
            snprintf(dst, CELL_SIZE, "%s",
                     c->kind == COLUMN_WORD ? table_word(json_string_value(value), lang)
                                            : json_string_value(value));
        break;
    case JSON_INTEGER:
        snprintf(dst, CELL_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_TRUE:
        snprintf(dst, CELL_SIZE, "%s", lang == LANG_ZH ? "是" : "yes");
        break;
    case JSON_FALSE:
        snprintf(dst, CELL_SIZE, "%s", lang == LANG_ZH ? "否" : "no");
        break;
    case JSON_NULL:
        break;
    default: {
        char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (dump && strcmp(dump, "{}") != 0 && strcmp(dump, "[]") != 0)
            snprintf(dst, CELL_SIZE, "%s", dump);
        free(dump);
    }
    }
    defang(dst);
    shorten(dst, c->most);
}

/* ---- printing ---------------------------------------------------------------------- */

static void pad(FILE *out, int n)
{
    if (n > 0)
        fprintf(out, "%*s", n, "");
}

/* Blanks are owed until text follows: no line ends in them. */
static void put(FILE *out, const struct column *c, const char *text, int width, int *owed)
{
    int own = table_width(text), left = width - own;
    if (c->kind == COLUMN_NUMBER)
        *owed += left;
    if (own > 0) {
        pad(out, *owed);
        *owed = 0;
        fputs(text, out);
    }
    *owed += (c->kind == COLUMN_NUMBER ? 0 : left) + GAP;
}

void table_print(FILE *out, enum lang lang, const struct column *columns, size_t n, const json_t *rows)
{
    char text[CELL_SIZE];
    size_t i;
    json_t *row;
    if (json_array_size(rows) == 0) {
        fputs(lang == LANG_ZH ? "（无）\n" : "(none)\n", out);
        return;
    }
    int *widths = calloc(n, sizeof(*widths));
    if (!widths)
        abort(); /* a few bytes: nothing goes on without them */
    for (size_t c = 0; c < n; c++) {
        widths[c] = table_width(columns[c].title[lang]);
        json_array_foreach(rows, i, row)
        {
            cell(&columns[c], lang, row, text);
            int width = table_width(text);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    int owed = 0;
    for (size_t c = 0; c < n; c++)
        put(out, &columns[c], columns[c].title[lang], widths[c], &owed);
    fputc('\n', out);
    json_array_foreach(rows, i, row)
    {
        owed = 0;
        for (size_t c = 0; c < n; c++) {
            cell(&columns[c], lang, row, text);
            put(out, &columns[c], text, widths[c], &owed);
        }
        fputc('\n', out);
    }
    free(widths);
}

void table_fields(FILE *out, enum lang lang, const struct column *columns, size_t n, const json_t *object)
{
    char text[CELL_SIZE];
    int width = 0;
    for (size_t c = 0; c < n; c++)
        if (table_width(columns[c].title[lang]) > width)
            width = table_width(columns[c].title[lang]);
    for (size_t c = 0; c < n; c++) {
        cell(&columns[c], lang, object, text);
        if (text[0] == '\0')
            continue;
        fputs(columns[c].title[lang], out);
        pad(out, width + GAP - table_width(columns[c].title[lang]));
        fprintf(out, "%s\n", text);
    }
}
