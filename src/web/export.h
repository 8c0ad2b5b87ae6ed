/* Tables for people's spreadsheet programs: CSV and XLSX. Every cell is text, never a formula: what a cell
 * holds comes from applicants.
 *
 * CSV: RFC 4180, every cell quoted, CRLF, UTF-8 with a byte order mark (Excel takes it for GBK otherwise). A
 * cell that a spreadsheet would take for a formula (= + - @, their full-width forms, TAB, CR, LF at its
 * beginning or after spaces) gets an apostrophe before it. */
#ifndef CASTATION_WEB_EXPORT_H
#define CASTATION_WEB_EXPORT_H

#include "base/buf.h"

enum export_format { EXPORT_CSV, EXPORT_XLSX, EXPORT_FORMAT_COUNT };
const char *export_format_name(enum export_format f);         /* "csv", "xlsx": also the file name's end */
enum export_format export_format_from_name(const char *name); /* …_COUNT when unknown */
const char *export_media_type(enum export_format f);

#define EXPORT_COLUMNS_MAX 64
#define EXPORT_ROWS_MAX    100000 /* ERR_TOO_LARGE beyond */

struct export;

/* Begin a table with its header. `title`: the sheet's name in XLSX (cut to what Excel takes); unused in CSV.
 * `widths`: of the columns, in characters; NULL: as the header's. ERR_TOO_LARGE: too many columns;
 * ERR_MEMORY. */
int export_new(struct export **ret, enum export_format format, const char *title, const char *const *header,
               const unsigned int *widths, size_t n_columns, struct err *err);
/* One row of n_columns cells, UTF-8; NULL is "". */
int export_row(struct export *x, const char *const *cells, struct err *err);
/* Append the whole file. The export is over, then, and is freed by export_free as always. */
int export_finish(struct export *x, struct buf *out, struct err *err);
void export_free(struct export **x); /* NULL-safe */

#endif
