/* Straight to the vault, past castationd: what it must not see or has no part in. */
#ifndef CASTATION_CLI_VAULT_H
#define CASTATION_CLI_VAULT_H

#include "cli/cli.h"
#include "wire/vault_client.h"

/* Connect and ask its status. *ret_fd is the caller's. */
int cli_vault(struct cli *cli, int *ret_fd, struct vault_status_rep *ret, struct err *err);

/* Terminal dialogue on /dev/tty. Both wait at most two minutes (ERR_TIMEOUT); ERR_USAGE when there is no
 * terminal. */
/* One line, shown as it is typed. */
int tty_line(const char *prompt, char *ret, size_t cap, struct err *err);
/* One line that is not shown, into a secret buffer. ERR_REFUSED when broken off by Ctrl-C. */
int tty_secret(const char *prompt, struct buf *ret, size_t max, struct err *err);

#endif
