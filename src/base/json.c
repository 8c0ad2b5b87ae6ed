#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define DEPTH_MAX 16
#define EXACT_MAX INT64_C(9007199254740991) /* 2^53 - 1: RFC 8785 numbers are IEEE doubles */

/* ---- reading
 * ---------------------------------------------------------------------------------------------------- */

/* jansson nests 2048 deep; look at the brackets first. What else is wrong is jansson's to say. */
static int check_depth(const char *data, size_t len, struct err *err)
{
    size_t depth = 0, line = 1, column = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = data[i];
        column += ((unsigned char)c & 0xc0) != 0x80;
        if (c == '\n') {
            line++;
            column = 0;
        }
        if (in_string && c == '\\')
            i++, column++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > DEPTH_MAX)
            return err_set(err, ERR_JSON, "line %zu column %zu: nested over %d deep", line, column,
                           DEPTH_MAX);
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return 0;
}

json_t *json_parse(const void *data, size_t len, struct err *err)
{
    if (check_depth(data, len, err) != 0)
        return NULL;
    json_error_t e;
    json_t *value = json_loadb(len > 0 ? data : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!value) {
        enum err_code code = json_error_code(&e) == json_error_out_of_memory ? ERR_MEMORY : ERR_JSON;
        err_set(err, code, "line %d column %d: %s", e.line, e.column, e.text);
    }
    return value;
}

json_t *json_parse_file(const char *path, size_t max, struct err *err)
{
    struct buf b;
    json_t *value = NULL;
    buf_init(&b);
    if (file_read(path, max, &b, err) == 0) {
        value = json_parse(b.data, b.len, err);
        if (!value)
            err_prepend(err, "%s", path);
    }
    buf_done(&b);
    return value;
}

/* ---- canonical form (RFC 8785)
 * ---------------------------------------------------------------------------------- */

static int write_value(const json_t *value, size_t depth, struct buf *b, struct err *err);

/* Section 3.2.2.2: two-character escapes where there are any, \u00xx in lower case for the other controls. */
static int write_string(const char *s, size_t len, struct buf *b, struct err *err)
{
    static const char FROM[] = "\"\\\b\f\n\r\t", TO[] = "\"\\bfnrt";
    if (buf_put(b, "\"", 1, err) != 0)
        return -1;
    size_t plain = 0; /* where the run not yet written begins */
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        const char *two = c != '\0' ? strchr(FROM, c) : NULL;
        if (buf_put(b, s + plain, i - plain, err) != 0 ||
            (two ? buf_printf(b, err, "\\%c", TO[two - FROM]) : buf_printf(b, err, "\\u%04x", c)) != 0)
            return -1;
        plain = i + 1;
    }
    return buf_put(b, s + plain, len - plain, err) != 0 || buf_put(b, "\"", 1, err) != 0 ? -1 : 0;
}

/* Section 3.2.3 sorts by UTF-16 code unit: as bytes of UTF-8, but for U+E000 … U+FFFF, which come after the
 * surrogates that stand for everything above. */
static int compare_keys(const void *a, const void *b)
{
    const unsigned char *x = *(const unsigned char *const *)a, *y = *(const unsigned char *const *)b;
    while (*x && *x == *y)
        x++, y++;
    bool x_high = *x >= 0xee && *x <= 0xef, y_high = *y >= 0xee && *y <= 0xef;
    if (x_high && *y >= 0xf0)
        return 1;
    if (y_high && *x >= 0xf0)
        return -1;
    return *x - *y;
}

static int write_object(const json_t *object, size_t depth, struct buf *b, struct err *err)
{
    size_t n = json_object_size(object), i = 0;
    const char **keys = calloc(n + 1, sizeof(*keys));
    if (!keys)
        return err_set(err, ERR_MEMORY, "an object of %zu fields", n);
    json_t *walk = (json_t *)(uintptr_t)object; /* jansson's iterators take no const */
    for (void *it = json_object_iter(walk); it; it = json_object_iter_next(walk, it))
        keys[i++] = json_object_iter_key(it);
    qsort(keys, n, sizeof(*keys), compare_keys);
    int ret = buf_put(b, "{", 1, err);
    for (i = 0; ret == 0 && i < n; i++) {
        if ((i > 0 && buf_put(b, ",", 1, err) != 0) || write_string(keys[i], strlen(keys[i]), b, err) != 0 ||
            buf_put(b, ":", 1, err) != 0 || write_value(json_object_get(object, keys[i]), depth, b, err) != 0)
            ret = -1;
    }
    free(keys);
    return ret == 0 ? buf_put(b, "}", 1, err) : -1;
}

static int write_array(const json_t *array, size_t depth, struct buf *b, struct err *err)
{
    if (buf_put(b, "[", 1, err) != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(array); i++)
        if ((i > 0 && buf_put(b, ",", 1, err) != 0) ||
            write_value(json_array_get(array, i), depth, b, err) != 0)
            return -1;
    return buf_put(b, "]", 1, err);
}

static int write_integer(json_int_t value, struct buf *b, struct err *err)
{
    if (value > EXACT_MAX || value < -EXACT_MAX)
        return err_set(err, ERR_JSON, "%" JSON_INTEGER_FORMAT " has no canonical form (over 2^53-1)", value);
    return buf_printf(b, err, "%" JSON_INTEGER_FORMAT, value);
}

static int write_value(const json_t *value, size_t depth, struct buf *b, struct err *err)
{
    if (depth > DEPTH_MAX)
        return err_set(err, ERR_JSON, "nested over %d deep", DEPTH_MAX);
    if (!value)
        return err_set(err, ERR_JSON, "no value to write");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(value, depth + 1, b, err);
    case JSON_ARRAY:
        return write_array(value, depth + 1, b, err);
    case JSON_STRING:
        return write_string(json_string_value(value), json_string_length(value), b, err);
    case JSON_INTEGER:
        return write_integer(json_integer_value(value), b, err);
    case JSON_TRUE:
        return buf_put_str(b, "true", err);
    case JSON_FALSE:
        return buf_put_str(b, "false", err);
    case JSON_NULL:
        return buf_put_str(b, "null", err);
    case JSON_REAL:
        break;
    }
    return err_set(err, ERR_JSON, "a number with a fraction or exponent has no canonical form");
}

int json_canonical(const json_t *value, struct buf *b, struct err *err)
{
    size_t start = b->len;
    if (write_value(value, 0, b, err) == 0)
        return 0;
    b->len = start;
    return -1;
}

/* ---- fields
 * ----------------------------------------------------------------------------------------------------- */

static const char *kind_name(enum json_kind kind)
{
    static const char *const NAMES[] = {
        [JSON_FIELD_STR] = "a string",       [JSON_FIELD_INT] = "an integer",
        [JSON_FIELD_BOOL] = "true or false", [JSON_FIELD_OBJECT] = "an object",
        [JSON_FIELD_ARRAY] = "an array",
    };
    return NAMES[kind];
}

static bool is_kind(const json_t *value, enum json_kind kind)
{
    switch (kind) {
    case JSON_FIELD_STR:
        return json_is_string(value);
    case JSON_FIELD_INT:
        return json_is_integer(value);
    case JSON_FIELD_BOOL:
        return json_is_boolean(value);
    case JSON_FIELD_OBJECT:
        return json_is_object(value);
    case JSON_FIELD_ARRAY:
        return json_is_array(value);
    }
    return false;
}

static int check_limit(const json_t *value, const char *path, const char *dot, const struct json_field *f,
                       struct err *err)
{
    if (f->max == 0)
        return 0;
    if (f->kind == JSON_FIELD_STR && json_string_length(value) > f->max)
        return err_set(err, ERR_FIELD, "%s%s%s: %zu bytes, at most %zu are allowed", path, dot, f->name,
                       json_string_length(value), f->max);
    if (f->kind == JSON_FIELD_ARRAY && json_array_size(value) > f->max)
        return err_set(err, ERR_FIELD, "%s%s%s: %zu elements, at most %zu are allowed", path, dot, f->name,
                       json_array_size(value), f->max);
    if (f->kind == JSON_FIELD_INT && json_integer_value(value) > 0 &&
        (uintmax_t)json_integer_value(value) > f->max)
        return err_set(err, ERR_FIELD, "%s%s%s: %" JSON_INTEGER_FORMAT " is over %zu", path, dot, f->name,
                       json_integer_value(value), f->max);
    return 0;
}

static int check_known(const json_t *object, const char *path, const char *dot,
                       const struct json_field *fields, size_t n, struct err *err)
{
    json_t *walk = (json_t *)(uintptr_t)object;
    for (void *it = json_object_iter(walk); it; it = json_object_iter_next(walk, it)) {
        size_t i = 0;
        while (i < n && strcmp(fields[i].name, json_object_iter_key(it)) != 0 &&
               strcmp(fields[i].name, JSON_OPEN) != 0)
            i++;
        if (i == n)
            return err_set(err, ERR_FIELD, "%s%s%s: unknown field", path, dot, json_object_iter_key(it));
    }
    return 0;
}

int json_check(const json_t *object, const char *path, const struct json_field *fields, size_t n,
               struct err *err)
{
    const char *dot = *path ? "." : "";
    if (!json_is_object(object))
        return err_set(err, ERR_FIELD, "%s: must be an object", *path ? path : "the document");
    for (size_t i = 0; i < n; i++) {
        if (strcmp(fields[i].name, JSON_OPEN) == 0)
            continue;
        const json_t *value = json_object_get(object, fields[i].name);
        if (!value && fields[i].required)
            return err_set(err, ERR_FIELD, "%s%s%s: is missing", path, dot, fields[i].name);
        if (value && !is_kind(value, fields[i].kind))
            return err_set(err, ERR_FIELD, "%s%s%s: must be %s", path, dot, fields[i].name,
                           kind_name(fields[i].kind));
        if (value && check_limit(value, path, dot, &fields[i], err) != 0)
            return -1;
    }
    return check_known(object, path, dot, fields, n, err);
}

const char *json_str(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));
    return s ? s : "";
}

int64_t json_int(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}
