/* The short acts on one job or token. */
#include "base/json.h"
#include "cli/args.h"
#include "cli/verbs.h"

int verb_retry(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *job;
    if (args_parse(argc, argv, NULL, 0, &job, 1, 1, NULL, err) != 0 ||
        cli_tell(cli, "retry", json_pack("{s:s}", "job", job), err) != 0)
        return -1;
    cli_say(cli, TEXT_RETRIED, job);
    return 0;
}

int verb_quarantine(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *serial, *reason = NULL;
    const struct arg_option options[] = {{"--reason", &reason, NULL}};
    if (args_parse(argc, argv, options, 1, &serial, 1, 1, NULL, err) != 0)
        return -1;
    if (!reason || !*reason)
        return err_set(err, ERR_USAGE, "--reason is missing: whoever finds this token later must know why");
    if (cli_tell(cli, "quarantine", json_pack("{s:s, s:s}", "serial", serial, "reason", reason), err) != 0)
        return -1;
    cli_say(cli, TEXT_QUARANTINED, serial);
    return 0;
}

int verb_unquarantine(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *serial;
    if (args_parse(argc, argv, NULL, 0, &serial, 1, 1, NULL, err) != 0 ||
        cli_tell(cli, "unquarantine", json_pack("{s:s}", "serial", serial), err) != 0)
        return -1;
    cli_say(cli, TEXT_UNQUARANTINED, serial);
    return 0;
}

int verb_recycle(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *serial;
    json_t *result = NULL;
    if (args_parse(argc, argv, NULL, 0, &serial, 1, 1, NULL, err) != 0 ||
        cli_ask(cli, "recycle", json_pack("{s:s}", "serial", serial), &result, err) != 0)
        return -1;
    cli_say(cli, TEXT_RECYCLING, serial, json_str(result, "job"));
    json_decref(result);
    return 0;
}
