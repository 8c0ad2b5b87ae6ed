#include "cli/vault.h"

#include <unistd.h>

#include "base/clock.h"

#define STATUS_MS 10000

int cli_vault(struct cli *cli, int *ret_fd, struct vault_status_rep *ret, struct err *err)
{
    int fd = -1, rc = -1;
    struct msg_out m;
    struct msg_in reply;
    msg_out_init(&m, false);
    msg_in_init(&reply, false);
    if (cli_conf(cli, err) != 0 || vault_connect(cli->conf.vault_socket, &fd, err) != 0)
        goto out;
    const struct vault_status_req req = {.protocol = VAULT_PROTOCOL};
    msg_begin(&m, VAULT_VERB_STATUS, 0, 0);
    vault_status_req_put(&m, &req);
    if (vault_call(fd, &m, &reply, clock_mono_ms() + STATUS_MS, err) != 0)
        goto out;
    vault_status_rep_get(&reply, ret);
    if (msg_end(&reply, err) != 0)
        goto out;
    *ret_fd = fd;
    fd = -1;
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    msg_in_done(&reply);
    msg_out_done(&m);
    return rc;
}
