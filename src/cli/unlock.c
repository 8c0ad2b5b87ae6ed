/* unlock: the HSM's PIN goes from the terminal, or a descriptor, straight to the vault. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tty.h"
#include "cli/args.h"
#include "cli/table.h"
#include "cli/vault.h"
#include "cli/verbs.h"

#define LOGIN_MS 60000
#define FD_MS    30000

/* To the end of the file or line. */
static int read_fd(int fd, struct buf *pin, struct err *err)
{
    int64_t deadline = clock_mono_ms() + FD_MS;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, clock_left_ms(deadline));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "descriptor %d: nothing to read", fd);
        if (buf_reserve(pin, 1, err) != 0)
            return -1;
        ssize_t n = read(fd, pin->data + pin->len, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "descriptor %d", fd);
        if (n == 0 || pin->data[pin->len] == '\n')
            return 0;
        if (pin->len == HSM_PIN_MAX)
            return err_set(err, ERR_TOO_LARGE, "descriptor %d: over %d characters", fd, HSM_PIN_MAX);
        pin->len++;
    }
}

static int send_pin(int vault, const struct buf *pin, struct vault_unlock_rep *ret, struct err *err)
{
    struct msg_out m;
    struct msg_in reply;
    msg_out_init(&m, true);
    msg_in_init(&reply, false);
    msg_begin(&m, VAULT_VERB_UNLOCK, 0, 0);
    msg_put_bytes(&m, pin->data,
                  pin->len); /* VAULT_UNLOCK_REQ, without its struct: one copy of the PIN less */
    int rc = vault_call(vault, &m, &reply, clock_mono_ms() + LOGIN_MS, err);
    if (rc == 0) {
        vault_unlock_rep_get(&reply, ret);
        rc = msg_end(&reply, err);
    }
    msg_in_done(&reply);
    msg_out_done(&m);
    return rc;
}

int verb_unlock(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *fd_text = NULL;
    const struct arg_option options[] = {{"--fd", &fd_text, NULL}};
    int64_t fd = -1;
    int vault = -1, rc = -1;
    struct vault_status_rep status;
    struct vault_unlock_rep answer;
    struct buf pin;
    if (args_parse(argc, argv, options, 1, NULL, 0, 0, NULL, err) != 0 ||
        (fd_text && args_int(fd_text, "--fd", 0, 1023, &fd, err) != 0))
        return -1;
    buf_init_secret(&pin);
    if (cli_vault(cli, &vault, &status, err) != 0)
        goto out;
    if (status.state != VAULT_LOCKED) {
        cli_say(cli, TEXT_UNLOCKED_ALREADY, table_word(vault_state_name(status.state), cli->lang));
        rc = 0;
        goto out;
    }
    if (fd_text ? read_fd((int)fd, &pin, err) != 0
                : tty_secret(text(TEXT_ASK_PIN, cli->lang), &pin, HSM_PIN_MAX, err) != 0)
        goto out;
    if (pin.len == 0) {
        err_set(err, ERR_USAGE, "an empty PIN; nothing was tried");
        goto out;
    }
    if (send_pin(vault, &pin, &answer, err) != 0)
        goto out;
    cli_say(cli, TEXT_UNLOCKED, table_word(vault_state_name(answer.state), cli->lang));
    rc = 0;
out:
    buf_done(&pin);
    if (vault >= 0)
        close(vault);
    return rc;
}
