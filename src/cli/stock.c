/* stock add: a lot's list goes in whole or not at all. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cli/args.h"
#include "cli/csv.h"
#include "cli/verbs.h"

#define FILE_MAX (2u << 20)

static const struct {
    const char *name;
    size_t most;        /* bytes */
    bool needed, plain; /* plain: printable ASCII without blanks */
} COLUMNS[] = {
    {"serial", 64, true, true},
    {"product", 32, true, true},
    {"lot", 64, true, false},
    {"box", 64, false, false},
};
#define N_COLUMNS (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

struct sheet {
    const struct cli *cli;
    json_t *rows, *lines; /* lines: serial → line, to find one that is there twice */
    bool header_seen;
    size_t bad;
};

static void __attribute__((format(printf, 3, 4))) bad_line(struct sheet *s, size_t line, const char *fmt, ...)
{
    char why[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    utf8_scrub(why);
    cli_warn(s->cli, TEXT_BAD_LINE, line, why);
    s->bad++;
}

static int check_header(char *const *fields, size_t n, struct err *err)
{
    bool right = n == N_COLUMNS;
    for (size_t i = 0; right && i < N_COLUMNS; i++)
        right = strcmp(fields[i], COLUMNS[i].name) == 0;
    return right ? 0 : err_set(err, ERR_FIELD, "its first line is not serial,product,lot,box");
}

static bool plain(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s > '~')
            return false;
    return true;
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

static bool check_row(struct sheet *s, size_t line, char *const *fields, size_t n)
{
    if (n != N_COLUMNS) {
        bad_line(s, line, "%zu fields, not %zu", n, N_COLUMNS);
        return false;
    }
    for (size_t i = 0; i < N_COLUMNS; i++) {
        size_t len = strlen(fields[i]);
        if (len == 0 && COLUMNS[i].needed)
            bad_line(s, line, "%s: empty", COLUMNS[i].name);
        else if (len > COLUMNS[i].most)
            bad_line(s, line, "%s: %zu bytes, at most %zu", COLUMNS[i].name, len, COLUMNS[i].most);
        else if (COLUMNS[i].plain && !plain(fields[i]))
            bad_line(s, line, "%s: \"%s\" has a blank or is not ASCII", COLUMNS[i].name, fields[i]);
        else if (has_control(fields[i]))
            bad_line(s, line, "%s: a control character", COLUMNS[i].name);
        else
            continue;
        return false;
    }
    return true;
}

static int take_record(void *arg, size_t line, char *const *fields, size_t n, const char *problem,
                       struct err *err)
{
    struct sheet *s = arg;
    if (problem) {
        bad_line(s, line, "%s", problem);
        return 0;
    }
    if (!s->header_seen) {
        s->header_seen = true;
        return check_header(fields, n, err);
    }
    if (!check_row(s, line, fields, n))
        return 0;
    const json_t *before = json_object_get(s->lines, fields[0]);
    if (before) {
        bad_line(s, line, "serial %s is on line %" JSON_INTEGER_FORMAT " already", fields[0],
                 json_integer_value(before));
        return 0;
    }
    json_object_set_new(s->lines, fields[0], json_integer((json_int_t)line));
    json_t *row = json_object();
    for (size_t i = 0; i < N_COLUMNS; i++)
        json_object_set_new(row, COLUMNS[i].name, json_string(fields[i]));
    return json_array_append_new(s->rows, row) == 0 ? 0 : err_set(err, ERR_MEMORY, "rows");
}

static int read_sheet(struct sheet *s, const char *path, struct err *err)
{
    struct buf b;
    buf_init(&b);
    int rc = file_read(path, FILE_MAX, &b, err);
    if (rc == 0 && (rc = csv_parse((const char *)b.data, b.len, take_record, s, err)) != 0)
        err_prepend(err, "%s", path);
    buf_done(&b);
    if (rc != 0)
        return -1;
    if (s->bad > 0)
        return err_set(err, ERR_FIELD, "%s: not right, lines: %zu; nothing was added", path, s->bad);
    if (json_array_size(s->rows) == 0)
        return err_set(err, ERR_FIELD, "%s: there are no tokens in it", path);
    return 0;
}

int verb_stock_add(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *path;
    if (args_parse(argc, argv, NULL, 0, &path, 1, 1, NULL, err) != 0)
        return -1;
    struct sheet s = {.cli = cli, .rows = json_array(), .lines = json_object()};
    json_t *result = NULL;
    int rc = read_sheet(&s, path, err);
    if (rc == 0)
        rc = cli_ask(cli, "stock_add", json_pack("{s:O}", "rows", s.rows), &result, err);
    if (rc == 0)
        cli_say(cli, TEXT_STOCK_ADDED, (long long)json_int(result, "added"));
    json_decref(result);
    json_decref(s.rows);
    json_decref(s.lines);
    return rc;
}
