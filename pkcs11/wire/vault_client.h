/* The vault's clients: blocking calls with a deadline (command line, tests), and the pieces for castationd's loop. */
#ifndef CASTATION_WIRE_VAULT_CLIENT_H
#define CASTATION_WIRE_VAULT_CLIENT_H

#include "wire/vault_wire.h"

/* Connect to the vault's socket. *ret_fd is SOCK_SEQPACKET, close-on-exec, non-blocking. ERR_UNREACHABLE naming the path. */
int vault_connect(const char *socket_path, int *ret_fd, struct err *err);

/* One request, one answer: sends m (id set here), waits for its reply until the deadline. An error reply becomes *err
 * and -1. *reply is initialised by the caller (msg_in_init). */
int vault_call(int fd, struct msg_out *m, struct msg_in *reply, int64_t deadline, struct err *err);

/* The bay's use of its direct channel. so_pin: a secret buf, filled. */
int vault_derive_so_pin(int channel, const char *product, const char *serial, uint32_t version, struct buf *so_pin,
                        int64_t deadline, struct err *err);

#endif
