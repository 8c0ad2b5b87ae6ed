/* The vault's socket: who may speak, one request at a time, answers in order.
 *
 * A client is known by SO_PEERCRED: root, the vault's own user and allow_users. Connections are counted, all
 * and per user. A client that sends what cannot be read loses its connection; one that does not take its
 * answers is not read from until it does, and loses its connection after a while. Each request has a
 * deadline, past which the process ends with VAULT_EXIT_AGAIN: a PKCS#11 module that hangs cannot be stopped
 * in any other way. */
#ifndef CASTATION_VAULT_SERVER_H
#define CASTATION_VAULT_SERVER_H

#include "vault/vault.h"

struct server;

/* Replaces a stale socket: so call it with the state folder's lock held (vault_open). */
int server_open(struct vault *v, struct server **ret, struct err *err);

/* Until stop_fd is readable (0) or the vault has to end (VAULT_EXIT_AGAIN). */
int server_run(struct server *s, int stop_fd);
void server_close(struct server **s); /* removes the socket */

/* Before anything that calls the HSM: the process ends with VAULT_EXIT_AGAIN when `seconds` pass. 0: no
 * longer. */
void server_deadline(unsigned seconds);

#endif
