/* JSON calls over a local SOCK_SEQPACKET socket (base/msg.h): how the command line asks castationd.
 *
 * Request: verb 1, fields: command (string), arguments (a JSON object as a value), and descriptors.
 * Reply: MSG_REPLY, the result as a value.
 * A value: u8 1 → the JSON as bytes; 0 → one descriptor, before all others: a sealed memfd that holds it.
 * Error: MSG_REPLY|MSG_ERROR with the err. */
#ifndef CASTATION_BASE_CALL_H
#define CASTATION_BASE_CALL_H

#include "base/json.h"
#include "base/msg.h"

#define CALL_ARGUMENTS_MAX (4u << 20)
#define CALL_RESULT_MAX    (16u << 20)

/* Client: connect, ask once, wait until the deadline. *ret is the caller's. ERR_UNREACHABLE names the
 * socket's path. */
int call_json(const char *socket_path, const char *command, json_t *arguments, const int *fds, size_t n_fds,
              int64_t deadline, json_t **ret, struct err *err);

/* Server: listen (0600; a stale socket is replaced, a live one is ERR_RUNNING; a path that is no socket is
 * ERR_EXISTS). */
int call_listen(const char *socket_path, int *ret_fd, struct err *err);
/* Parse a request: command and arguments (an object; the caller's). Descriptors stay in m: msg_take_fd. */
int call_parse(struct msg_in *m, char *command, size_t cap, json_t **ret_arguments, struct err *err);
/* Answer; never blocks: a peer that does not read loses its answer. */
int call_reply(int fd, uint32_t id, const json_t *result, struct err *err);
int call_reply_err(int fd, uint32_t id, const struct err *e, struct err *err);

#endif
