/* Objects on a token: finding and reading them (PKCS#11 v2.40 section 5.7). */
#ifndef CASTATION_DEVICE_OBJECTS_H
#define CASTATION_DEVICE_OBJECTS_H

#include <p11-kit/pkcs11.h>

#include "base/buf.h"

struct session {
    const CK_FUNCTION_LIST *calls;
    CK_SESSION_HANDLE handle;
};

/* A constant as a template's value: Cryptoki takes void *, and does not write through it. */
#define ATTRIBUTE(type, pointer, length)                                                                     \
    {                                                                                                        \
        (type), (void *)(uintptr_t)(const void *)(pointer), (CK_ULONG)(length)                               \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Handles of the objects that match, at most `cap`. ERR_TOKEN_MISMATCH when there are more. */
int objects_find(const struct session *s, CK_ATTRIBUTE *match, CK_ULONG n, CK_OBJECT_HANDLE *ret, size_t cap,
                 size_t *ret_n, struct err *err);

/* As objects_find, of one class, and with this CKA_ID. */
int objects_find_id(const struct session *s, CK_OBJECT_CLASS class, const void *id, size_t id_len,
                    CK_OBJECT_HANDLE *ret, size_t cap, size_t *ret_n, struct err *err);

/* How many objects of a class are to be seen; OBJECTS_ANY: of all classes. */
#define OBJECTS_ANY ((CK_OBJECT_CLASS)-1)
int objects_count(const struct session *s, CK_OBJECT_CLASS class, size_t *ret, struct err *err);

/* Replace the contents of b with an attribute's value. An attribute that the object does not have, or that is
 * empty, gives an empty buf. */
int objects_read(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct buf *b,
                 struct err *err);

/* A CK_BBOOL attribute; one that the token does not know is false. */
int objects_flag(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool *ret,
                 struct err *err);

/* Does the attribute hold exactly these bytes? */
int objects_equal(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *data,
                  size_t len, bool *ret, struct err *err);

/* Set an attribute unless it is so already. */
int objects_set(const struct session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *data,
                size_t len, struct err *err);

#endif
