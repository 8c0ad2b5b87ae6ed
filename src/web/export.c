#include "web/export.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define CELL_BYTES_MAX  32000      /* Excel: 32767 characters */
#define TITLE_BYTES_MAX 31         /* Excel: 31 characters */
#define SCRATCH         "/dev/shm" /* libxlsxwriter's temporary files hold personal data: memory, not a disk */

struct export
{
    enum export_format format;
    size_t n_columns, n_rows;
    struct buf csv;
    lxw_workbook *book;
    lxw_worksheet *sheet;
    lxw_format *bold;
    int file; /* a memfd that the workbook is written to; -1 */
};

static const struct {
    const char *name, *media_type;
} FORMATS[EXPORT_FORMAT_COUNT] = {
    [EXPORT_CSV] = {"csv", "text/csv; charset=utf-8"},
    [EXPORT_XLSX] = {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
};

const char *export_format_name(enum export_format f)
{
    return f < EXPORT_FORMAT_COUNT ? FORMATS[f].name : "";
}

const char *export_media_type(enum export_format f)
{
    return f < EXPORT_FORMAT_COUNT ? FORMATS[f].media_type : "application/octet-stream";
}

enum export_format export_format_from_name(const char *name)
{
    enum export_format f = EXPORT_CSV;
    while (f < EXPORT_FORMAT_COUNT && strcmp(FORMATS[f].name, name) != 0)
        f++;
    return f;
}

/* ---- CSV */

static bool looks_like_formula(const char *cell)
{
    static const char *const BEGINNINGS[] = {"=",  "+",      "-",      "@",      "\t",    "\r",
                                             "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
    while (*cell == ' ' || strncmp(cell, "\u3000", 3) == 0 || strncmp(cell, "\u00a0", 2) == 0)
        cell += *cell == ' ' ? 1 : strncmp(cell, "\u3000", 3) == 0 ? 3 : 2;
    for (size_t i = 0; i < sizeof(BEGINNINGS) / sizeof(BEGINNINGS[0]); i++)
        if (strncmp(cell, BEGINNINGS[i], strlen(BEGINNINGS[i])) == 0)
            return true;
    return false;
}

static int csv_cell(struct buf *out, const char *cell, struct err *err)
{
    if (buf_put_str(out, looks_like_formula(cell) ? "\"'" : "\"", err) != 0)
        return -1;
    for (const char *quote; (quote = strchr(cell, '"')); cell = quote + 1)
        if (buf_put(out, cell, (size_t)(quote + 1 - cell), err) != 0 || buf_put_str(out, "\"", err) != 0)
            return -1;
    return buf_put_str(out, cell, err) != 0 || buf_put_str(out, "\"", err) != 0 ? -1 : 0;
}

static int csv_row(struct export *x, const char *const *cells, struct err *err)
{
    for (size_t i = 0; i < x->n_columns; i++)
        if ((i > 0 && buf_put_str(&x->csv, ",", err) != 0) ||
            csv_cell(&x->csv, cells[i] ? cells[i] : "", err) != 0)
            return -1;
    return buf_put_str(&x->csv, "\r\n", err);
}

/* ---- XLSX */

static int xlsx_failed(lxw_error code, struct err *err)
{
    return err_set(err, code == LXW_ERROR_MEMORY_MALLOC_FAILED ? ERR_MEMORY : ERR_SYSTEM,
                   "the spreadsheet: %s", lxw_strerror(code));
}

/* At most `max` bytes, whole characters only. */
static const char *cut(const char *text, size_t max, char *room)
{
    size_t len = strlen(text);
    if (len <= max)
        return text;
    for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
        len--;
    memcpy(room, text, len);
    room[len] = '\0';
    return room;
}

static int xlsx_row(struct export *x, const char *const *cells, struct err *err)
{
    char room[CELL_BYTES_MAX + 1];
    for (size_t i = 0; i < x->n_columns; i++) {
        const char *cell = cut(cells[i] ? cells[i] : "", CELL_BYTES_MAX, room);
        lxw_error code = worksheet_write_string(x->sheet, (lxw_row_t)x->n_rows, (lxw_col_t)i, cell,
                                                x->n_rows == 0 ? x->bold : NULL);
        if (code != LXW_NO_ERROR)
            return xlsx_failed(code, err);
    }
    return 0;
}

static void sheet_name(const char *title, char ret[TITLE_BYTES_MAX + 1])
{
    char room[TITLE_BYTES_MAX + 1];
    snprintf(ret, TITLE_BYTES_MAX + 1, "%s", cut(title, TITLE_BYTES_MAX, room));
    for (char *c = ret; *c != '\0'; c++)
        if (strchr("[]:*?/\\'", *c))
            *c = ' ';
}

static int xlsx_open(struct export *x, const char *title, const unsigned int *widths,
                     const char *const *header, struct err *err)
{
    static char scratch[] = SCRATCH;
    char path[32], name[TITLE_BYTES_MAX + 1];
    x->file = memfd_create("export", MFD_CLOEXEC);
    if (x->file < 0)
        return err_sys(err, "memfd_create");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", x->file);
    lxw_workbook_options options = {.constant_memory = LXW_TRUE,
                                    .tmpdir = access(SCRATCH, W_OK) == 0 ? scratch : NULL};
    sheet_name(title, name);
    x->book = workbook_new_opt(path, &options);
    x->sheet = x->book ? workbook_add_worksheet(x->book, name) : NULL;
    x->bold = x->sheet ? workbook_add_format(x->book) : NULL;
    if (!x->bold)
        return err_set(err, ERR_MEMORY, "a spreadsheet");
    format_set_bold(x->bold);
    for (size_t i = 0; i < x->n_columns; i++)
        worksheet_set_column(x->sheet, (lxw_col_t)i, (lxw_col_t)i,
                             widths ? (double)widths[i] : (double)(strlen(header[i]) + 4), NULL);
    worksheet_freeze_panes(x->sheet, 1, 0);
    return 0;
}

/* The library makes its parts in named temporary files: one workbook at a time. */
static int xlsx_finish(struct export *x, struct buf *out, struct err *err)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
    struct stat st;
    pthread_mutex_lock(&one);
    lxw_error code = workbook_close(x->book);
    pthread_mutex_unlock(&one);
    x->book = NULL;
    if (code != LXW_NO_ERROR)
        return xlsx_failed(code, err);
    if (fstat(x->file, &st) != 0)
        return err_sys(err, "the spreadsheet");
    size_t len = (size_t)st.st_size, done = 0;
    if (buf_reserve(out, len, err) != 0)
        return -1;
    while (done < len) {
        ssize_t n = pread(x->file, out->data + out->len + done, len - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_sys(err, "the spreadsheet");
        done += (size_t)n;
    }
    out->len += len;
    return 0;
}

/* ---- both */

int export_new(struct export **ret, enum export_format format, const char *title, const char *const *header,
               const unsigned int *widths, size_t n_columns, struct err *err)
{
    if (n_columns == 0 || n_columns > EXPORT_COLUMNS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a table of %zu columns", n_columns);
    struct export *x = calloc(1, sizeof(*x));
    if (!x)
        return err_set(err, ERR_MEMORY, "a table");
    x->format = format;
    x->n_columns = n_columns;
    x->file = -1;
    buf_init(&x->csv);
    if ((format == EXPORT_XLSX ? xlsx_open(x, title, widths, header, err)
                               : buf_put_str(&x->csv, "\xef\xbb\xbf", err)) != 0 ||
        export_row(x, header, err) != 0) {
        export_free(&x);
        return -1;
    }
    *ret = x;
    return 0;
}

int export_row(struct export *x, const char *const *cells, struct err *err)
{
    if (x->n_rows > EXPORT_ROWS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d rows", EXPORT_ROWS_MAX);
    if ((x->format == EXPORT_XLSX ? xlsx_row(x, cells, err) : csv_row(x, cells, err)) != 0)
        return -1;
    x->n_rows++;
    return 0;
}

int export_finish(struct export *x, struct buf *out, struct err *err)
{
    return x->format == EXPORT_XLSX ? xlsx_finish(x, out, err) : buf_put(out, x->csv.data, x->csv.len, err);
}

void export_free(struct export **x)
{
    if (!x || !*x)
        return;
    if ((*x)->book)
        lxw_workbook_free((*x)->book);
    if ((*x)->file >= 0)
        close((*x)->file);
    buf_done(&(*x)->csv);
    free(*x);
    *x = NULL;
}
