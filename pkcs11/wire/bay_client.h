/* castationd's side of one bay worker: start it, ask one thing at a time, never wait longer than its deadline.
 * Non-blocking: the owner polls bay_client_fd and bay_client_pidfd and calls bay_client_read, _expire, _reap. */
#ifndef CASTATION_WIRE_BAY_CLIENT_H
#define CASTATION_WIRE_BAY_CLIENT_H

#include <sys/types.h>

#include "wire/bay_wire.h"

struct bay_client;

/* Start `program` (castation-bay) with `-c config`; stderr is inherited. */
int bay_client_start(struct bay_client **ret, const char *program, const char *config, struct err *err);

/* Send a request: `body` already put by x_put into `m` (msg_begin(m, verb, 0, 0) first; the id is set here).
 * Deadline: CLOCK_MONOTONIC ms. ERR_WRONG_STATE when one is under way, ERR_PEER_GONE. */
int bay_client_send(struct bay_client *c, struct msg_out *m, int64_t deadline, struct err *err);

int bay_client_fd(const struct bay_client *c);        /* readable: call _read; -1 when closed */
int bay_client_pidfd(const struct bay_client *c);     /* readable: the process ended: call _reap; -1 when reaped */
pid_t bay_client_pid(const struct bay_client *c);
int64_t bay_client_deadline(const struct bay_client *c); /* of the request under way, or INT64_MAX */
enum bay_verb bay_client_busy(const struct bay_client *c); /* the verb under way, or BAY_NONE */

/* Read the answer. 1: *m holds the reply (verb equals the request's, MSG_REPLY set; MSG_ERROR when it failed).
 * 0: the worker has gone; its process ends within the deadline, which is a new one, or is to be killed. -1: it broke the
 * protocol (ERR_PROTOCOL): kill it. Never blocks: ERR_TIMEOUT when nothing is there. */
int bay_client_read(struct bay_client *c, struct msg_in *m, struct err *err);

void bay_client_kill(struct bay_client *c);           /* SIGKILL; then wait for pidfd */
/* 1 when reaped (*ret_status as of waitpid), 0 when it lives still. A worker that is not reaped grace_ms after
 * bay_client_kill is wedged: bay_client_wedged says so, and no other worker may touch its token. */
int bay_client_reap(struct bay_client *c, int *ret_status);
bool bay_client_wedged(const struct bay_client *c, int64_t now_mono, int64_t grace_ms);

/* Kills and reaps (bounded wait of 1 s) what still lives. */
void bay_client_free(struct bay_client **c);

#endif
