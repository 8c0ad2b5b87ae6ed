/* castation-vault: the one process that uses the HSM. See docs/SECURITY.md. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/spawn.h"
#include "vault/crash_points.h"
#include "vault/server.h"

#define START_SECONDS 120

static void say(enum vault_say level, const char *text)
{
    if (level == SAY_WARNING)
        log_warning("%s", text);
    else
        log_info("%s", text);
}

/* Best effort: what must never reach the swap lies in locked pages of its own. With a limit on locked memory,
 * later allocations would fail; under the address sanitizer its shadow would be locked. */
static void lock_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
        (void)mlockall(MCL_CURRENT | MCL_FUTURE);
#endif
}

static int stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tell(const struct vault *v)
{
    if (v->conf.n_users == 0)
        log_warning(
            "the vault runs as the same user as its clients (uid %u); in production it has its own user, and "
            "allow_users names theirs",
            getuid());
    log_info("HSM %s, %s, socket %s", hsm_title(v->hsm), vault_state_name(vault_state_of(v)), v->conf.socket);
}

static int run(const char *conf)
{
    struct vault v;
    struct server *server = NULL;
    struct err err;
    int code, stop = stop_signals();
    umask(077);
    if (stop < 0)
        code = err_sys(&err, "signalfd");
    else
        code = spawn_harden(&err);
    if (code != 0) {
        log_err(&err, "castation-vault");
        return err_exit_code(err.code);
    }
    lock_memory();
    code = vault_open(&v, conf, say, &err);
    server_deadline(START_SECONDS); /* from here on the HSM may hang */
    if (code != 0 || vault_start(&v, &err) != 0 || server_open(&v, &server, &err) != 0) {
        log_err(&err, "castation-vault");
        code = err.code == ERR_HSM_GONE ? VAULT_EXIT_AGAIN : err_exit_code(err.code);
    } else {
        server_deadline(0);
        tell(&v);
        code = server_run(server, stop);
        log_info(code == 0 ? "stopped" : "ending, to be started again");
    }
    server_deadline(START_SECONDS); /* C_Finalize may hang too */
    server_close(&server);
    vault_close(&v);
    return code;
}

static int print_crash_points(void)
{
#ifdef CASTATION_CRASH_POINTS
    for (size_t i = 0; vault_crash_point(i); i++)
        puts(vault_crash_point(i));
    return 0;
#else
    fputs("castation-vault: this build has no crash points\n", stderr);
    return 2;
#endif
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"crash-points", no_argument, NULL, 'p'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *conf = NULL;
    log_init("castation-vault");
    for (int c; (c = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1;)
        switch (c) {
        case 'c':
            conf = optarg;
            break;
        case 'p':
            return print_crash_points();
        case 'V':
            puts("castation-vault " CASTATION_VERSION);
            return 0;
        case 'h':
            puts("usage: castation-vault -c FILE");
            return 0;
        default:
            return 2;
        }
    if (!conf || optind != argc) {
        fputs("usage: castation-vault -c FILE\n", stderr);
        return 2;
    }
    return run(conf);
}
