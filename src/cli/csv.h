/* Comma-separated values, RFC 4180. */
#ifndef CASTATION_CLI_CSV_H
#define CASTATION_CLI_CSV_H

#include <stddef.h>

#include "base/err.h"

#define CSV_FIELDS_MAX 16

/* One record, its fields NUL-terminated and good until the call returns; `line` is where it begins, from 1.
 * `problem`: NULL, or what is wrong with its form; the fields are then what could be read. -1 stops. */
typedef int (*csv_record)(void *arg, size_t line, char *const *fields, size_t n, const char *problem,
                          struct err *err);

/* Quoted fields may hold commas, line ends and doubled quotes; a byte order mark and CRLF or LF are taken;
 * empty lines are passed over. Bytes that are no UTF-8, NUL, a quote in an unquoted field, text behind a
 * closing quote and a quote that never closes are a problem of their record. ERR_MEMORY, or what `record`
 * returned. */
int csv_parse(const char *data, size_t len, csv_record record, void *arg, struct err *err);

#endif
