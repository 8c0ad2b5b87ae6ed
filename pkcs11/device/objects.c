#include "device/objects.h"

#include <string.h>

#include "device/ckr.h"

#define FIND_CHUNK  16
#define VALUE_MAX   65536u
#define COUNTED_MAX 1024

/* ---- finding
 * ------------------------------------------------------------------------------------------------------ */

/* The search is open: take all handles, but keep only `cap`. */
static int collect(const struct session *s, CK_OBJECT_HANDLE *ret, size_t cap, size_t *ret_n, struct err *err)
{
    size_t n = 0;
    for (;;) {
        CK_OBJECT_HANDLE chunk[FIND_CHUNK];
        CK_ULONG got = 0;
        CK_RV rv = s->calls->C_FindObjects(s->handle, chunk, FIND_CHUNK, &got);
        if (rv != CKR_OK || got > FIND_CHUNK)
            return ckr_fail(err, rv, "C_FindObjects");
        if (got == 0)
            break;
        if (got > cap - n)
            return err_set(err, ERR_TOKEN_MISMATCH, "the token holds more than %zu such objects", cap);
        memcpy(ret + n, chunk, got * sizeof(chunk[0]));
        n += got;
    }
    *ret_n = n;
    return 0;
}

int objects_find(const struct session *s, CK_ATTRIBUTE *match, CK_ULONG n, CK_OBJECT_HANDLE *ret, size_t cap,
                 size_t *ret_n, struct err *err)
{
    CK_RV rv = s->calls->C_FindObjectsInit(s->handle, match, n);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_FindObjectsInit");
    int rc = collect(s, ret, cap, ret_n, err);
    rv = s->calls->C_FindObjectsFinal(s->handle);
    if (rc == 0 && rv != CKR_OK)
        return ckr_fail(err, rv, "C_FindObjectsFinal");
    return rc;
}

int objects_find_id(const struct session *s, CK_OBJECT_CLASS class, const void *id, size_t id_len,
                    CK_OBJECT_HANDLE *ret, size_t cap, size_t *ret_n, struct err *err)
{
    CK_ATTRIBUTE match[] = {ATTRIBUTE(CKA_CLASS, &class, sizeof(class)), ATTRIBUTE(CKA_ID, id, id_len)};
    return objects_find(s, match, COUNT_OF(match), ret, cap, ret_n, err);
}

int objects_count(const struct session *s, CK_OBJECT_CLASS class, size_t *ret, struct err *err)
{
    CK_OBJECT_HANDLE handles[COUNTED_MAX];
    CK_ATTRIBUTE match[] = {ATTRIBUTE(CKA_CLASS, &class, sizeof(class))};
    return objects_find(s, match, class == OBJECTS_ANY ? 0 : 1, handles, COUNTED_MAX, ret, err);
}

/* ---- reading and setting
 * ----------------------------------------------------------------------------------------- */

static bool absent(CK_RV rv, CK_ULONG len)
{
    return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
           (rv == CKR_OK && (len == 0 || len == CK_UNAVAILABLE_INFORMATION));
}

int objects_read(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *b,
                 struct err *err)
{
    buf_reset(b);
    CK_ATTRIBUTE a = {type, NULL, 0};
    CK_RV rv = s->calls->C_GetAttributeValue(s->handle, object, &a, 1);
    if (absent(rv, a.ulValueLen))
        return 0;
    if (rv != CKR_OK || a.ulValueLen > VALUE_MAX)
        return ckr_fail(err, rv, "C_GetAttributeValue");
    CK_ULONG room = a.ulValueLen;
    if (buf_reserve(b, room, err) != 0)
        return -1;
    a.pValue = b->data;
    rv = s->calls->C_GetAttributeValue(s->handle, object, &a, 1);
    if (rv != CKR_OK || a.ulValueLen > room)
        return ckr_fail(err, rv, "C_GetAttributeValue");
    b->len = a.ulValueLen;
    return 0;
}

int objects_flag(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool *ret,
                 struct err *err)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE a = {type, &value, sizeof(value)};
    CK_RV rv = s->calls->C_GetAttributeValue(s->handle, object, &a, 1);
    if (absent(rv, a.ulValueLen)) {
        *ret = false;
        return 0;
    }
    if (rv != CKR_OK || a.ulValueLen != sizeof(value))
        return ckr_fail(err, rv, "C_GetAttributeValue");
    *ret = value != CK_FALSE;
    return 0;
}

int objects_equal(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *data,
                  size_t len, bool *ret, struct err *err)
{
    struct buf b;
    buf_init(&b);
    int rc = objects_read(s, object, type, &b, err);
    if (rc == 0)
        *ret = b.len == len && (len == 0 || memcmp(b.data, data, len) == 0);
    buf_done(&b);
    return rc;
}

int objects_set(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *data,
                size_t len, struct err *err)
{
    bool same = false;
    if (objects_equal(s, object, type, data, len, &same, err) != 0)
        return -1;
    if (same)
        return 0;
    CK_ATTRIBUTE a[] = {ATTRIBUTE(type, data, len)};
    CK_RV rv = s->calls->C_SetAttributeValue(s->handle, object, a, 1);
    return rv == CKR_OK ? 0 : ckr_fail(err, rv, "C_SetAttributeValue");
}
