/* A listening socket. */
#ifndef CASTATION_PORTAL_SERVER_LISTEN_H
#define CASTATION_PORTAL_SERVER_LISTEN_H

#include "base/err.h"

/* At "127.0.0.1:7080" or "[::1]:0"; *ret_fd the caller's; *ret_port the port that was taken. ERR_CONFIG,
 * ERR_SYSTEM. */
int server_listen(const char *listen_at, int *ret_fd, unsigned int *ret_port, struct err *err);

#endif
