/* Foreign bytes as JSON: refused with a place, or read; the canonical form of what was read is its own. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_fields(const json_t *value)
{
    static const struct json_field FIELDS[] = {
        {"a", JSON_FIELD_STR, true, 8},    {"b", JSON_FIELD_INT, false, 100},
        {"c", JSON_FIELD_ARRAY, false, 2}, {"d", JSON_FIELD_OBJECT, false, 0},
        {"e", JSON_FIELD_BOOL, false, 0},
    };
    struct err err;
    if (json_check(value, "x", FIELDS, sizeof(FIELDS) / sizeof(FIELDS[0]), &err) != 0) {
        require(err.code == ERR_FIELD && utf8_valid(err.text, strlen(err.text)));
        return;
    }
    require(json_object_get(value, "a") && strlen(json_str(value, "a")) <= 8 && json_int(value, "b") <= 100);
    require(json_object_size(value) <= 5);
}

static void check_canonical(const json_t *value)
{
    struct buf first, second;
    struct err err;
    buf_init(&first);
    buf_init(&second);
    if (json_canonical(value, &first, &err) == 0) {
        json_t *again = json_parse(first.data, first.len, &err);
        require(again && json_equal(again, value));
        require(json_canonical(again, &second, &err) == 0);
        require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        json_decref(again);
    } else {
        require(err.code == ERR_JSON && first.len == 0);
    }
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    json_t *value = json_parse(data, size, &err);
    if (!value) {
        require(err.code == ERR_JSON && strncmp(err.text, "line ", 5) == 0 &&
                utf8_valid(err.text, strlen(err.text)));
        return 0;
    }
    check_fields(value);
    check_canonical(value);
    json_decref(value);
    return 0;
}
