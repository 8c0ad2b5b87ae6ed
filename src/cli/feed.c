/* rack feed: the hands at the bench. Blanks go in where a bay is empty; what is finished comes out, into the
 * drawer. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/rack.h"
#include "cli/verbs.h"

#define LOOK_MS     200
#define ABSENT_MS   600000 /* castationd may restart; beyond this the hands give up */
#define REFUSED_MAX 5      /* in a row: blanks are then no good here */

struct feed {
    struct cli *cli;
    int64_t count; /* made tokens wanted; 0: no end */
    bool until_idle, register_blanks;
    char lot[32];
    int signals;                                    /* signalfd */
    char pulled[STATION_BAYS_MAX + 1][SERIAL_SIZE]; /* last out of each bay: castationd may still name it */
    int64_t made, refused_in_a_row;
    int64_t idle_since, absent_since; /* CLOCK_MONOTONIC ms; 0: it is not */
};

/* SIGINT and SIGTERM end the round, never a move half done. */
static int catch_signals(int *ret, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
        (*ret = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return err_sys(err, "signals");
    return 0;
}

/* True: a signal came. */
static bool pause_or_signal(const struct feed *f)
{
    struct pollfd p = {.fd = f->signals, .events = POLLIN};
    return poll(&p, 1, LOOK_MS) > 0;
}

static int find_policy(struct feed *f, struct err *err)
{
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(f->lot, sizeof(f->lot), "RACK-%Y%m%d", &tm);
    if (cli_conf(f->cli, err) != 0)
        return -1;
    f->register_blanks = strcmp(f->cli->conf.stock_policy, "known_only") == 0;
    return 0;
}

/* Asked before it is pulled: what cannot be judged now is pulled at a later look. */
static int judge(struct feed *f, const struct rack_info *r, int bay, json_t **ret, struct err *err)
{
    const char *serial = json_str(rack_bay(r, bay), "serial");
    if (*serial && cli_ask(f->cli, "token", json_pack("{s:s}", "serial", serial), ret, err) != 0 &&
        err->code != ERR_NOT_FOUND)
        return -1;
    return 0;
}

static int take_out(struct feed *f, const struct rack_info *r, int bay, bool refused, struct err *err)
{
    char serial[SERIAL_SIZE];
    json_t *result = NULL;
    if (judge(f, r, bay, &result, err) != 0)
        return -1;
    int rc = rack_pull(r, bay, serial, err);
    if (rc != 0)
        goto out;
    memcpy(f->pulled[bay], serial, sizeof(serial));
    const json_t *token = json_object_get(result, "token");
    const char *state = json_str(token, "state");
    if (strcmp(state, "made") == 0 || strcmp(state, "deliverable") == 0) {
        f->made++;
        f->refused_in_a_row = 0;
        cli_say(f->cli, TEXT_FEED_MADE, bay, serial, json_str(token, "organisation"));
    } else {
        f->refused_in_a_row += refused;
        cli_say(f->cli, TEXT_FEED_OUT, bay, serial, json_str(token, "reason"));
    }
    if (f->refused_in_a_row >= REFUSED_MAX)
        rc = err_set(err, ERR_REFUSED, "%d blanks were refused one after the other; see castation bays",
                     REFUSED_MAX);
out:
    json_decref(result);
    return rc;
}

static int put_in(struct feed *f, const struct rack_info *r, int bay, struct err *err)
{
    char dir[PATH_MAX], serial[SERIAL_SIZE];
    if (blank_make(r, dir, serial, err) != 0)
        return -1;
    int rc = rack_occupied(r, bay) ? err_set(err, ERR_WRONG_STATE, "bay-%d was taken meanwhile", bay) : 0;
    if (rc != 0 || (f->register_blanks && blank_register(f->cli, r, serial, f->lot, err) != 0) ||
        rack_plug(r, dir, bay, err) != 0) {
        blank_remove(dir);
        return -1;
    }
    return 0;
}

/* An operator's hand was at the bay between look and move: it is looked at again, at the next turn. */
static int yield_to_hand(const struct rack_info *r, int bay, const struct err *err)
{
    return err->code == ERR_WRONG_STATE ? rack_occupied(r, bay) : -1;
}

/* 1: there is a token in the bay afterwards. `others`: in how many bays besides there is one, which may be
 * made. */
static int serve_bay(struct feed *f, const struct rack_info *r, int bay, int64_t others, struct err *err)
{
    if (rack_occupied(r, bay)) {
        const json_t *told = rack_bay(r, bay);
        const char *state = json_str(told, "state");
        bool refused = strcmp(state, "refused") == 0;
        if ((!refused && strcmp(state, "finished") != 0) ||
            strcmp(json_str(told, "serial"), f->pulled[bay]) == 0)
            return 1;
        if (take_out(f, r, bay, refused, err) != 0)
            return yield_to_hand(r, bay, err);
    }
    if (f->count > 0 && f->count - f->made - others <= 0)
        return 0;
    return put_in(f, r, bay, err) == 0 ? 1 : yield_to_hand(r, bay, err);
}

static int serve_all(struct feed *f, const struct rack_info *r, struct err *err)
{
    int64_t occupied = 0;
    for (int bay = 1; bay <= r->bays; bay++)
        occupied += rack_occupied(r, bay);
    for (int bay = 1; bay <= r->bays; bay++) {
        int64_t others = occupied - rack_occupied(r, bay);
        int now = serve_bay(f, r, bay, others, err);
        if (now < 0)
            return -1;
        occupied = others + now;
    }
    return 0;
}

/* Nothing to make, and two polls of the portal brought nothing new. */
static int idle(struct feed *f, bool *ret, struct err *err)
{
    static const char *const UNDER_WAY[] = {"queued", "active", "waiting", "made"};
    json_t *result = NULL;
    if (cli_ask(f->cli, "status", NULL, &result, err) != 0)
        return -1;
    int64_t open = json_int(json_object_get(result, "portal"), "outbox"), now = clock_mono_ms();
    for (size_t i = 0; i < sizeof(UNDER_WAY) / sizeof(UNDER_WAY[0]); i++)
        open += json_int(json_object_get(result, "jobs"), UNDER_WAY[i]);
    json_decref(result);
    if (open > 0)
        f->idle_since = 0;
    else if (f->idle_since == 0)
        f->idle_since = now;
    *ret = open == 0 && now - f->idle_since > 2000 * f->cli->conf.portal.poll_seconds;
    return 0;
}

/* One look and what it asks for. *ret_end: all is made. */
static int turn(struct feed *f, bool *ret_end, struct err *err)
{
    struct rack_info r;
    if (rack_info_get(f->cli, &r, err) != 0)
        return -1;
    int rc = 0;
    if (!r.states)
        rc = err_set(err, ERR_UNREACHABLE, "%s", f->cli->conf.control_socket);
    if (rc == 0)
        rc = serve_all(f, &r, err);
    rack_info_done(&r);
    *ret_end = f->count > 0 && f->made >= f->count;
    if (rc == 0 && f->until_idle && !*ret_end)
        rc = idle(f, ret_end, err);
    return rc;
}

/* A castationd that restarts is waited for; any other error ends the feeding. */
static int bear(struct feed *f, const struct err *said, struct err *err)
{
    bool absent = said->code == ERR_UNREACHABLE || said->code == ERR_PEER_GONE || said->code == ERR_STOPPED ||
                  said->code == ERR_TIMEOUT;
    int64_t now = clock_mono_ms();
    if (!absent) {
        *err = *said;
        return -1;
    }
    if (f->absent_since == 0) {
        f->absent_since = now;
        cli_warn(f->cli, TEXT_FEED_ABSENT, said->text);
    }
    if (now - f->absent_since < ABSENT_MS)
        return 0;
    *err = *said;
    return err_prepend(err, "castationd was away for %d minutes", ABSENT_MS / 60000);
}

static int feed(struct feed *f, struct err *err)
{
    for (;;) {
        struct err said;
        bool end = false;
        if (turn(f, &end, &said) == 0)
            f->absent_since = 0;
        else if (bear(f, &said, err) != 0)
            return -1;
        if (end || pause_or_signal(f))
            return 0;
    }
}

int verb_rack_feed(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *count = NULL;
    struct feed f = {.cli = cli, .signals = -1};
    const struct arg_option options[] = {{"--count", &count, NULL}, {"--until-idle", NULL, &f.until_idle}};
    if (args_parse(argc, argv, options, 2, NULL, 0, 0, NULL, err) != 0 ||
        (count && args_int(count, "--count", 1, 1000000, &f.count, err) != 0) || find_policy(&f, err) != 0 ||
        catch_signals(&f.signals, err) != 0)
        return -1;
    int rc = feed(&f, err);
    cli_say(cli, TEXT_FEED_END, (long long)f.made);
    close(f.signals);
    return rc;
}
