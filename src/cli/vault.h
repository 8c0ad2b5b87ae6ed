/* Straight to the vault, past castationd: what it must not see or has no part in. */
#ifndef CASTATION_CLI_VAULT_H
#define CASTATION_CLI_VAULT_H

#include "cli/cli.h"
#include "wire/vault_client.h"

/* Connect and ask its status. *ret_fd is the caller's. */
int cli_vault(struct cli *cli, int *ret_fd, struct vault_status_rep *ret, struct err *err);

#endif
