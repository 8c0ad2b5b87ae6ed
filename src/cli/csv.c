#include "cli/csv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* The record being read: fields one behind the other in `text`. */
struct reader {
    const char *data;
    size_t len, at, line;
    char *text; /* as large as the whole input: no record outgrows it */
    size_t used;
    char *fields[CSV_FIELDS_MAX];
    size_t n;
    const char *problem;
};

static void problem(struct reader *r, const char *what)
{
    if (!r->problem)
        r->problem = what;
}

static bool at_end_of_line(const struct reader *r)
{
    return r->at == r->len || r->data[r->at] == '\n' ||
           (r->data[r->at] == '\r' && (r->at + 1 == r->len || r->data[r->at + 1] == '\n'));
}

static void put(struct reader *r, char c)
{
    if (c == '\0')
        problem(r, "a NUL byte");
    else
        r->text[r->used++] = c;
}

/* Behind the opening quote, to behind the closing one. */
static void read_quoted(struct reader *r)
{
    for (; r->at < r->len; r->at++) {
        if (r->data[r->at] == '"') {
            if (r->at + 1 == r->len || r->data[r->at + 1] != '"') {
                r->at++;
                return;
            }
            r->at++; /* two quotes are one */
        } else if (r->data[r->at] == '\n') {
            r->line++;
        }
        put(r, r->data[r->at]);
    }
    problem(r, "a quote is never closed");
}

static void read_field(struct reader *r)
{
    char *field = r->text + r->used;
    if (r->at < r->len && r->data[r->at] == '"') {
        r->at++;
        read_quoted(r);
        if (!at_end_of_line(r) && r->data[r->at] != ',')
            problem(r, "there is text behind a closing quote");
    }
    for (; !at_end_of_line(r) && r->data[r->at] != ','; r->at++) {
        if (r->data[r->at] == '"')
            problem(r, "a quote stands inside a field that is not quoted");
        put(r, r->data[r->at]);
    }
    r->text[r->used++] = '\0';
    if (!utf8_valid(field, strlen(field)))
        problem(r, "it is not UTF-8");
    if (r->n == CSV_FIELDS_MAX)
        problem(r, "it has too many fields");
    else
        r->fields[r->n++] = field;
}

static void read_record(struct reader *r)
{
    r->used = r->n = 0;
    r->problem = NULL;
    for (;;) {
        read_field(r);
        if (at_end_of_line(r))
            break;
        r->at++; /* the comma */
    }
    if (r->at < r->len && r->data[r->at] == '\r')
        r->at++;
    if (r->at < r->len)
        r->at++;
}

int csv_parse(const char *data, size_t len, csv_record record, void *arg, struct err *err)
{
    static const char BOM[] = "\xef\xbb\xbf";
    struct reader r = {.data = data, .len = len, .line = 1};
    int rc = 0;
    /* every field ends with a NUL of its own, and has a comma or line end less: one byte more suffices */
    r.text = malloc(len + 2);
    if (!r.text)
        return err_set(err, ERR_MEMORY, "a table of %zu bytes", len);
    if (len >= 3 && memcmp(data, BOM, 3) == 0)
        r.at = 3;
    while (rc == 0 && r.at < len) {
        size_t begin = r.at, line = r.line;
        read_record(&r);
        bool empty = r.n == 1 && r.fields[0][0] == '\0' && data[begin] != '"';
        if (!empty)
            rc = record(arg, line, r.fields, r.n, r.problem, err);
        r.line++;
    }
    free(r.text);
    return rc;
}
