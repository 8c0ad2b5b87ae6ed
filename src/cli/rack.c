/* rack plug, rack pull. */
#include "cli/rack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/verbs.h"

static int from_conf(struct cli *cli, struct rack_info *ret, struct err *err)
{
    const struct station_conf *c = &cli->conf;
    if (!c->rack.folder[0] || !c->rack.drawer[0])
        return err_set(err, ERR_CONFIG, "%s: rack.folder and rack.drawer: this station has no rack",
                       cli->conf_path);
    memcpy(ret->folder, c->rack.folder, sizeof(ret->folder));
    memcpy(ret->drawer, c->rack.drawer, sizeof(ret->drawer));
    memcpy(ret->product, c->rack.product, sizeof(ret->product));
    ret->bays = (int)c->rack.bays;
    return 0;
}

static int from_station(const json_t *result, struct rack_info *ret, struct err *err)
{
    int a = snprintf(ret->folder, sizeof(ret->folder), "%s", json_str(result, "folder"));
    int b = snprintf(ret->drawer, sizeof(ret->drawer), "%s", json_str(result, "drawer"));
    int c = snprintf(ret->product, sizeof(ret->product), "%s", json_str(result, "product"));
    ret->states = json_incref(json_object_get(result, "bays"));
    ret->bays = (int)json_array_size(ret->states);
    if (a <= 0 || b <= 0)
        return err_set(err, ERR_CONFIG, "this station has no rack");
    return a < (int)sizeof(ret->folder) && b < (int)sizeof(ret->drawer) && c < (int)sizeof(ret->product)
               ? 0
               : err_set(err, ERR_PROTOCOL, "rack: a path that is too long");
}

int rack_info_get(struct cli *cli, struct rack_info *ret, struct err *err)
{
    json_t *result = NULL;
    memset(ret, 0, sizeof(*ret));
    if (cli_conf(cli, err) != 0)
        return -1;
    if (cli_ask(cli, "rack", NULL, &result, err) != 0)
        return err->code == ERR_UNREACHABLE ? from_conf(cli, ret, err) : -1;
    int rc = from_station(result, ret, err);
    json_decref(result);
    if (rc != 0)
        rack_info_done(ret);
    return rc;
}

void rack_info_done(struct rack_info *r)
{
    json_decref(r->states);
    r->states = NULL;
}

bool rack_occupied(const struct rack_info *r, int bay)
{
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof(path), "%s/bay-%d", r->folder, bay);
    return n < 0 || n >= (int)sizeof(path) || lstat(path, &st) == 0 || errno != ENOENT;
}

const json_t *rack_bay(const struct rack_info *r, int bay)
{
    char name[BAY_NAME_SIZE];
    size_t i;
    json_t *one;
    snprintf(name, sizeof(name), "bay-%d", bay);
    json_array_foreach(r->states, i, one)
    {
        if (strcmp(json_str(one, "bay"), name) == 0)
            return one;
    }
    return NULL;
}

/* The first free bay at or behind `from`; 0: none. */
static int free_bay(const struct rack_info *r, int from)
{
    for (int bay = from; bay <= r->bays; bay++)
        if (!rack_occupied(r, bay))
            return bay;
    return 0;
}

static int plug_from_drawer(const struct cli *cli, const struct rack_info *r, const char *serial,
                            struct err *err)
{
    char dir[PATH_MAX];
    struct stat st;
    int bay = free_bay(r, 1);
    if (strchr(serial, '/') || serial[0] == '.' || path_join(dir, sizeof(dir), r->drawer, serial, err) != 0 ||
        lstat(dir, &st) != 0)
        return err_set(err, ERR_NOT_FOUND, "%s: there is no token %s", r->drawer, serial);
    if (bay == 0)
        return err_set(err, ERR_WRONG_STATE, "all %d bays are taken", r->bays);
    if (rack_plug(r, dir, bay, err) != 0)
        return -1;
    cli_say(cli, TEXT_PLUGGED, bay, serial);
    return 0;
}

static int plug_blank(struct cli *cli, const struct rack_info *r, int bay, const char *lot, struct err *err)
{
    char dir[PATH_MAX], serial[SERIAL_SIZE];
    if (blank_make(r, dir, serial, err) != 0)
        return -1;
    if ((lot && blank_register(cli, r, serial, lot, err) != 0) || rack_plug(r, dir, bay, err) != 0) {
        blank_remove(dir);
        return -1;
    }
    cli_say(cli, TEXT_PLUGGED, bay, serial);
    return 0;
}

static int plug_blanks(struct cli *cli, const struct rack_info *r, int64_t count, const char *lot,
                       struct err *err)
{
    int64_t room = 0;
    for (int bay = free_bay(r, 1); bay > 0; bay = free_bay(r, bay + 1))
        room++;
    if (count > room)
        return err_set(err, ERR_WRONG_STATE, "%lld of %d bays are free; nothing was plugged in",
                       (long long)room, r->bays);
    for (int bay = 0; count > 0; count--) {
        bay = free_bay(r, bay + 1);
        if (bay == 0)
            return err_set(err, ERR_WRONG_STATE, "the last free bay was taken meanwhile");
        if (plug_blank(cli, r, bay, lot, err) != 0)
            return -1;
    }
    return 0;
}

int verb_rack_plug(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *serial = NULL, *lot = NULL, *count_text = NULL;
    const struct arg_option options[] = {{"--serial", &serial, NULL}, {"--lot", &lot, NULL}};
    int64_t count = 1;
    struct rack_info r;
    if (args_parse(argc, argv, options, 2, &count_text, 0, 1, NULL, err) != 0 ||
        (count_text && args_int(count_text, "N", 1, STATION_BAYS_MAX, &count, err) != 0))
        return -1;
    if (serial && (lot || count_text))
        return err_set(err, ERR_USAGE, "--serial goes with nothing else");
    if (rack_info_get(cli, &r, err) != 0)
        return -1;
    int rc = serial ? plug_from_drawer(cli, &r, serial, err) : plug_blanks(cli, &r, count, lot, err);
    rack_info_done(&r);
    return rc;
}

int verb_rack_pull(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *name;
    int64_t bay = 0;
    char serial[SERIAL_SIZE];
    struct rack_info r;
    if (args_parse(argc, argv, NULL, 0, &name, 1, 1, NULL, err) != 0 ||
        args_int(strncmp(name, "bay-", 4) == 0 ? name + 4 : name, "BAY", 1, STATION_BAYS_MAX, &bay, err) !=
            0 ||
        rack_info_get(cli, &r, err) != 0)
        return -1;
    int rc = rack_occupied(&r, (int)bay)
                 ? rack_pull(&r, (int)bay, serial, err)
                 : err_set(err, ERR_NOT_FOUND, "bay-%d: there is no token in it", (int)bay);
    if (rc == 0)
        cli_say(cli, TEXT_PULLED, (int)bay, serial, r.drawer);
    rack_info_done(&r);
    return rc;
}
