/* castation-bay: does device verbs on one token, for castationd, which holds the other end of descriptor 3.
 * A process of its own because vendor modules crash, hang and keep global state. It opens no database and no
 * network. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/spawn.h"
#include "device/verbs.h"

static const struct conf_key KEYS[] = {
    {.path = "sealing_key", .kind = CONF_PATH, CONF_FIELD(struct bay_config, sealing_key), .required = true},
    {.path = "modules", .kind = CONF_STRS, CONF_FIELD(struct bay_config, modules), .required = true},
};

static int load_config(const char *path, struct bay_config *ret, struct err *err)
{
    if (file_check_owner(path, false, err) != 0)
        return -1;
    return conf_load(path, KEYS, COUNT_OF(KEYS), ret, err);
}

/* Where the limit allows it: the module keeps the PINs it is given somewhere too. Our own are locked in any
 * case. With a limit, locking all to come would make allocations fail later. */
static void lock_memory(void)
{
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit now;
    setrlimit(RLIMIT_MEMLOCK, &all);
    if (getrlimit(RLIMIT_MEMLOCK, &now) == 0 && now.rlim_cur == RLIM_INFINITY)
        mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static int check_socket(struct err *err)
{
    int type = 0;
    socklen_t len = sizeof(type);
    if (getsockopt(BAY_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
        return 0;
    return err_set(err, ERR_USAGE, "descriptor %d is no socket: castation-bay is started by castationd",
                   BAY_FD);
}

/* Until the peer goes or says quit: 0. */
static int serve(struct bay *b, struct msg_in *request, struct msg_out *answer, struct err *err)
{
    while (!b->quit) {
        int got = msg_recv(BAY_FD, request, INT64_MAX, err);
        if (got == 0)
            return 0;
        if (got < 0 && err->code == ERR_TIMEOUT)
            continue;
        if (got < 0 || verbs_serve(b, request, answer, err) != 0)
            return -1;
        if (msg_send(BAY_FD, answer, INT64_MAX, err) != 0)
            return err->code == ERR_PEER_GONE ? 0 : -1;
    }
    return 0;
}

static int run(struct bay *b, const char *config, struct err *err)
{
    if (spawn_harden(err) != 0 || check_socket(err) != 0 || load_config(config, &b->config, err) != 0)
        return -1;
    lock_memory();
    signal(SIGPIPE, SIG_IGN); /* a module that talks to a dead server must not take us along */
    struct msg_in request;
    struct msg_out answer;
    msg_in_init(&request, false);
    msg_out_init(&answer, false);
    int rc = serve(b, &request, &answer, err);
    msg_in_done(&request);
    msg_out_done(&answer);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err;
    struct bay b;
    log_init("castation-bay");
    err_clear(&err);
    if (argc != 3 || strcmp(argv[1], "-c") != 0) {
        log_error("usage: castation-bay -c FILE (it is started by castationd)");
        return err_exit_code(ERR_USAGE);
    }
    bay_init(&b);
    int rc = run(&b, argv[2], &err);
    if (rc != 0)
        log_err(&err, "%s%s", b.name[0] != '\0' ? "bay " : "start", b.name);
    bay_done(&b);
    conf_free(KEYS, COUNT_OF(KEYS), &b.config);
    return rc == 0 ? 0 : err.code == ERR_PROTOCOL ? 1 : err_exit_code(err.code);
}
