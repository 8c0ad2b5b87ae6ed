/* JSON over jansson: strict in, canonical out. */
#ifndef CASTATION_BASE_JSON_H
#define CASTATION_BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"

/* One JSON value, whole input: duplicate keys, trailing bytes, NUL in strings and nesting over 16 are
 * refused. ERR_JSON with line and column. The result is the caller's (json_decref). */
json_t *json_parse(const void *data, size_t len, struct err *err);
json_t *json_parse_file(const char *path, size_t max, struct err *err);

/* Canonical form, what hashes and signatures cover: RFC 8785 (keys sorted by UTF-16 code unit, no white
 * space, UTF-8 unescaped). Only objects, arrays, strings, integers up to ±(2^53-1), booleans and null;
 * anything else is ERR_JSON. */
int json_canonical(const json_t *value, struct buf *b, struct err *err);

/* Object fields by a table. Unknown fields are an error unless one entry of the table is named JSON_OPEN. */
#define JSON_OPEN "*"
enum json_kind { JSON_FIELD_STR, JSON_FIELD_INT, JSON_FIELD_BOOL, JSON_FIELD_OBJECT, JSON_FIELD_ARRAY };
struct json_field {
    const char *name;
    enum json_kind kind;
    bool required;
    size_t max; /* strings: most bytes; integers: largest value; arrays: most elements; 0: no limit */
};
/* Check `object` against the table: ERR_FIELD naming "path.name" and the reason. `path` is "" at the top. */
int json_check(const json_t *object, const char *path, const struct json_field *fields, size_t n,
               struct err *err);

/* After json_check: "" / 0 when absent. */
const char *json_str(const json_t *object, const char *name);
int64_t json_int(const json_t *object, const char *name);

#endif
