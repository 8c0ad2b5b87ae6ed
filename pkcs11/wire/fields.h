/* Message bodies out of field tables: one table gives the struct, the writer and the reader.
 *
 *   #define THING_REQ(F) F(STR, serial, 65) F(U32, version, 0) F(BYTES, csr, 4096)
 *   FIELDS_STRUCT(thing_req, THING_REQ)     in a header:  struct thing_req, thing_req_put, thing_req_get declared
 *   FIELDS_CODEC(thing_req, THING_REQ)      in a source:  their definitions
 *
 * Kinds: U8 U16 U32 U64; STR: char name[cap], NUL-terminated; BYTES: {len, data[cap]}.
 * put and get are sticky as msg.h says: the caller ends with msg_send or msg_end. */
#ifndef CASTATION_WIRE_FIELDS_H
#define CASTATION_WIRE_FIELDS_H

#include <string.h>

#include "base/msg.h"

#define FIELD_DECL_U8(name, cap)    uint8_t name;
#define FIELD_DECL_U16(name, cap)   uint16_t name;
#define FIELD_DECL_U32(name, cap)   uint32_t name;
#define FIELD_DECL_U64(name, cap)   uint64_t name;
#define FIELD_DECL_STR(name, cap)   char name[cap];
#define FIELD_DECL_BYTES(name, cap)                                                                                    \
    struct {                                                                                                           \
        size_t len;                                                                                                    \
        uint8_t data[cap];                                                                                             \
    } name;
#define FIELD_DECL(kind, name, cap) FIELD_DECL_##kind(name, cap)

#define FIELD_PUT_U8(name, cap)    msg_put_u8(m, v->name);
#define FIELD_PUT_U16(name, cap)   msg_put_u16(m, v->name);
#define FIELD_PUT_U32(name, cap)   msg_put_u32(m, v->name);
#define FIELD_PUT_U64(name, cap)   msg_put_u64(m, v->name);
#define FIELD_PUT_STR(name, cap)   msg_put_str(m, v->name);
#define FIELD_PUT_BYTES(name, cap) msg_put_bytes(m, v->name.data, v->name.len);
#define FIELD_PUT(kind, name, cap) FIELD_PUT_##kind(name, cap)

#define FIELD_GET_U8(name, cap)  v->name = msg_get_u8(m);
#define FIELD_GET_U16(name, cap) v->name = msg_get_u16(m);
#define FIELD_GET_U32(name, cap) v->name = msg_get_u32(m);
#define FIELD_GET_U64(name, cap) v->name = msg_get_u64(m);
#define FIELD_GET_STR(name, cap) msg_get_str(m, v->name, cap);
#define FIELD_GET_BYTES(name, cap)                                                                                     \
    {                                                                                                                  \
        size_t n_ = 0;                                                                                                 \
        const uint8_t *p_ = msg_get_bytes(m, cap, &n_);                                                                \
        v->name.len = n_;                                                                                              \
        if (p_ != NULL && n_ > 0)                                                                                      \
            memcpy(v->name.data, p_, n_);                                                                              \
    }
#define FIELD_GET(kind, name, cap) FIELD_GET_##kind(name, cap)

/* Most that a field takes in a message. */
#define FIELD_SIZE_U8(cap)    1u
#define FIELD_SIZE_U16(cap)   2u
#define FIELD_SIZE_U32(cap)   4u
#define FIELD_SIZE_U64(cap)   8u
#define FIELD_SIZE_STR(cap)   (4u + (cap) - 1u)
#define FIELD_SIZE_BYTES(cap) (4u + (cap))
#define FIELD_SIZE(kind, name, cap) +FIELD_SIZE_##kind(cap)

#define FIELDS_STRUCT(type, TABLE)                                                                                     \
    struct type {                                                                                                      \
        TABLE(FIELD_DECL)                                                                                              \
    };                                                                                                                 \
    void type##_put(struct msg_out *m, const struct type *v);                                                          \
    void type##_get(struct msg_in *m, struct type *v);

#define FIELDS_CODEC(type, TABLE)                                                                                      \
    _Static_assert(MSG_HEADER TABLE(FIELD_SIZE) <= MSG_MAX, #type " fits one packet, all its fields full");            \
    void type##_put(struct msg_out *m, const struct type *v)                                                           \
    {                                                                                                                  \
        TABLE(FIELD_PUT)                                                                                               \
    }                                                                                                                  \
    void type##_get(struct msg_in *m, struct type *v)                                                                  \
    {                                                                                                                  \
        memset(v, 0, sizeof *v);                                                                                       \
        TABLE(FIELD_GET)                                                                                               \
    }

/* Set a BYTES field from (pointer, length): false, and the field empty, when it does not fit. */
#define bytes_set(field, src, n) bytes_set_at((field).data, sizeof((field).data), &(field).len, (src), (n))

static inline bool bytes_set_at(uint8_t *dst, size_t cap, size_t *len, const void *src, size_t n)
{
    *len = n <= cap ? n : 0;
    if (*len > 0)
        memcpy(dst, src, n);
    return n <= cap;
}

#endif
