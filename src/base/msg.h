/* Messages between castation's processes: AF_UNIX SOCK_SEQPACKET, one packet one message, at most 64 KiB.
 *
 * Layout, big-endian: version u8, verb u8, flags u16, request id u32, then positional fields: u8, u16, u32,
 * u64 as they are; bytes and strings as u32 length + octets. A string has no NUL and is valid UTF-8.
 * Descriptors travel as SCM_RIGHTS in the order they were put.
 *
 * Builder and reader are sticky: put and get never fail one by one; msg_send and msg_end report the first
 * fault. A reader must end exactly: bytes or descriptors left over are an error (ERR_PROTOCOL). */
#ifndef CASTATION_BASE_MSG_H
#define CASTATION_BASE_MSG_H

#include "base/buf.h"

#define MSG_VERSION 1
#define MSG_MAX     65536u
#define MSG_HEADER  8u
#define MSG_FDS_MAX 4u

enum msg_flags {
    MSG_REPLY = 1, /* answers the request with the same id */
    MSG_ERROR = 2, /* with MSG_REPLY: the body is an err */
};

struct msg_out {
    struct buf buf;
    int fds[MSG_FDS_MAX]; /* borrowed */
    size_t n_fds;
    struct err err; /* first fault, code ERR_NONE while good */
};

struct msg_in {
    struct buf buf;
    size_t pos;
    uint8_t verb;
    uint16_t flags;
    uint32_t id;
    int fds[MSG_FDS_MAX]; /* owned until taken; -1 once taken */
    size_t n_fds, next_fd;
    struct err err;
};

/* Begin a message; `secret` keeps its bytes in locked memory. May be called again on a used msg_out (no leak)
 * after msg_out_init. */
void msg_out_init(struct msg_out *m, bool secret);
void msg_begin(struct msg_out *m, uint8_t verb, uint16_t flags, uint32_t id);
void msg_set_id(struct msg_out *m, uint32_t id); /* after msg_begin: another request id */
void msg_out_done(struct msg_out *m);
void msg_put_u8(struct msg_out *m, uint8_t v);
void msg_put_u16(struct msg_out *m, uint16_t v);
void msg_put_u32(struct msg_out *m, uint32_t v);
void msg_put_u64(struct msg_out *m, uint64_t v);
void msg_put_bytes(struct msg_out *m, const void *data, size_t len);
void msg_put_str(struct msg_out *m, const char *s);
void msg_put_fd(struct msg_out *m, int fd); /* borrowed: must stay open until msg_send */
void msg_put_err(struct msg_out *m, const struct err *e);

/* Send whole or not at all. deadline: CLOCK_MONOTONIC ms (clock_mono_ms), 0 = do not wait.
 * ERR_PEER_GONE (EPIPE, ECONNRESET), ERR_TIMEOUT, ERR_PROTOCOL (too large, or the builder's fault). */
int msg_send(int sock, struct msg_out *m, int64_t deadline, struct err *err);

void msg_in_init(struct msg_in *m, bool secret);
void msg_in_done(struct msg_in *m); /* closes descriptors not taken */

/* Receive one message. Returns 1 got one, 0 the peer is gone (0 bytes or ECONNRESET), -1 error.
 * With deadline 0 and nothing there: -1 with ERR_TIMEOUT. Truncated or too short: ERR_PROTOCOL. */
int msg_recv(int sock, struct msg_in *m, int64_t deadline, struct err *err);

/* As msg_recv out of bytes already here (tests, fuzzing). */
int msg_parse(struct msg_in *m, const void *data, size_t len, struct err *err);

uint8_t msg_get_u8(struct msg_in *m);
uint16_t msg_get_u16(struct msg_in *m);
uint32_t msg_get_u32(struct msg_in *m);
uint64_t msg_get_u64(struct msg_in *m);
/* A view into the message, valid until its next receive; NULL and *ret_len 0 on a fault or when over max. */
const uint8_t *msg_get_bytes(struct msg_in *m, size_t max, size_t *ret_len);
void msg_get_str(struct msg_in *m, char *dst, size_t cap); /* NUL-terminated; empty on a fault */
int msg_take_fd(struct msg_in *m); /* the next descriptor, now the caller's; -1 and a fault if none */
void msg_get_err(struct msg_in *m, struct err *ret);

/* All read, nothing left over? ERR_PROTOCOL otherwise. */
int msg_end(struct msg_in *m, struct err *err);

#endif
