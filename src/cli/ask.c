/* Asking castationd, and saying what came of it. */
#include <stdarg.h>
#include <stdio.h>

#include "base/call.h"
#include "base/clock.h"
#include "cli/cli.h"

#define ASK_MS 30000 /* castationd answers at its next turn; a letter waits for the vault */

int cli_conf(struct cli *cli, struct err *err)
{
    if (cli->conf_loaded)
        return 0;
    if (station_conf_load(cli->conf_path, &cli->conf, err) != 0)
        return err->code != ERR_NOT_FOUND
                   ? -1
                   : err_set(err, ERR_NOT_FOUND, "%s is not there; -c FILE names another", cli->conf_path);
    cli->conf_loaded = true;
    return 0;
}

static int ask(struct cli *cli, const char *command, json_t *arguments, const int *fds, size_t n_fds,
               json_t **ret, struct err *err)
{
    int rc = -1;
    if (cli_conf(cli, err) == 0)
        rc = call_json(cli->conf.control_socket, command, arguments, fds, n_fds, clock_mono_ms() + ASK_MS,
                       ret, err);
    json_decref(arguments);
    return rc;
}

int cli_ask(struct cli *cli, const char *command, json_t *arguments, json_t **ret, struct err *err)
{
    return ask(cli, command, arguments, NULL, 0, ret, err);
}

int cli_ask_with_fd(struct cli *cli, const char *command, json_t *arguments, int fd, json_t **ret,
                    struct err *err)
{
    return ask(cli, command, arguments, &fd, 1, ret, err);
}

int cli_tell(struct cli *cli, const char *command, json_t *arguments, struct err *err)
{
    json_t *result = NULL;
    int rc = cli_ask(cli, command, arguments, &result, err);
    json_decref(result);
    return rc;
}

int cli_print_json(const json_t *value, struct err *err)
{
    if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) != 0 || putchar('\n') == EOF ||
        fflush(stdout) != 0)
        return err_sys(err, "write to standard output");
    return 0;
}

static void say(FILE *to, const struct cli *cli, enum text_id id, va_list ap)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vfprintf(to, text(id, cli->lang), ap); /* the formats of both languages stand in text.def */
#pragma GCC diagnostic pop
    fputc('\n', to);
    fflush(to);
}

void cli_say(const struct cli *cli, enum text_id id, ...)
{
    va_list ap;
    va_start(ap, id);
    say(stdout, cli, id, ap);
    va_end(ap);
}

void cli_warn(const struct cli *cli, enum text_id id, ...)
{
    va_list ap;
    va_start(ap, id);
    say(stderr, cli, id, ap);
    va_end(ap);
}
