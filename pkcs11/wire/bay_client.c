/* castationd's side of a bay worker. Nothing here blocks, but for the bounded farewell in bay_client_free. */
#include "wire/bay_client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"

#define ID_OFFSET   4 /* of the request id in a message: see base/msg.h */
#define FAREWELL_MS 1000

struct bay_client {
    pid_t pid;
    int pidfd, fd; /* -1: reaped, closed */
    uint32_t id;   /* of the last request */
    enum bay_verb busy;
    int64_t deadline;
    bool killed;
    int64_t killed_at; /* CLOCK_MONOTONIC ms, when killed */
    bool crash_armed;  /* it was given a crash point */
};

/* ---- the worker's environment
 * -------------------------------------------------------------------------------------- */

/* A worker gets no environment but these; what its module needs comes with hello. */
static const char *const PASSED[] = {"CASTATION_DEBUG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
#define PASSED_COUNT (sizeof(PASSED) / sizeof(PASSED[0]))

/* A crash point in a worker is passed on until one worker died of it: its successors must show the recovery.
 */
static char crash_spent[64];

static char *variable(const char *name)
{
    const char *value = getenv(name);
    char *line = NULL;
    if (!value || asprintf(&line, "%s=%s", name, value) < 0)
        return NULL;
    return line;
}

static size_t environment(char *env[PASSED_COUNT + 2], bool *ret_crash_armed)
{
    size_t n = 0;
    for (size_t i = 0; i < PASSED_COUNT; i++)
        if ((env[n] = variable(PASSED[i])))
            n++;
    const char *crash = getenv("CASTATION_CRASH");
    *ret_crash_armed = crash && strncmp(crash, "bay.", 4) == 0 && strcmp(crash, crash_spent) != 0;
    if (*ret_crash_armed && (env[n] = variable("CASTATION_CRASH")))
        n++;
    env[n] = NULL;
    return n;
}

/* ---- start
 * ------------------------------------------------------------------------------------------------------- */

static int start_process(struct bay_client *c, const char *program, const char *config, int worker_end,
                         struct err *err)
{
    char *env[PASSED_COUNT + 2];
    size_t n = environment(env, &c->crash_armed);
    const char *const argv[] = {"castation-bay", "-c", config, NULL};
    const struct spawn_fd fds[] = {{.from = worker_end, .to = BAY_FD}};
    const struct spawn s = {.program = program,
                            .argv = argv,
                            .envp = (const char *const *)env,
                            .fds = fds,
                            .n_fds = 1,
                            .die_with_parent = true};
    int rc = spawn_start(&s, &c->pid, &c->pidfd, err);
    while (n > 0)
        free(env[--n]);
    return rc;
}

int bay_client_start(struct bay_client **ret, const char *program, const char *config, struct err *err)
{
    int ends[2];
    struct bay_client *c = calloc(1, sizeof(*c));
    if (!c)
        return err_set(err, ERR_MEMORY, "a bay's client");
    c->pidfd = c->fd = -1;
    c->deadline = INT64_MAX;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        free(c);
        return err_sys(err, "socketpair for a bay worker");
    }
    c->fd = ends[0];
    int rc = start_process(c, program, config, ends[1], err);
    close(ends[1]);
    if (rc != 0) {
        close(c->fd);
        free(c);
        return err_prepend(err, "start a bay worker");
    }
    *ret = c;
    return 0;
}

/* ---- asking
 * ------------------------------------------------------------------------------------------------------ */

static void stamp_id(struct msg_out *m, uint32_t id)
{
    for (size_t i = 0; i < 4; i++)
        m->buf.data[ID_OFFSET + i] = (uint8_t)(id >> (24 - 8 * i));
}

int bay_client_send(struct bay_client *c, struct msg_out *m, int64_t deadline, struct err *err)
{
    if (c->fd < 0)
        return err_set(err, ERR_PEER_GONE, "the bay worker is gone");
    if (m->err.code != ERR_NONE) {
        *err = m->err;
        return -1;
    }
    if (m->buf.len < MSG_HEADER || m->buf.data[1] == BAY_NONE || m->buf.data[1] >= BAY_VERB_COUNT)
        return err_set(err, ERR_PROTOCOL, "a message without a verb of the bay");
    enum bay_verb verb = (enum bay_verb)m->buf.data[1];
    if (c->busy != BAY_NONE)
        return err_set(err, ERR_WRONG_STATE, "the bay worker is still at %s, %s must wait",
                       bay_verb_name(c->busy), bay_verb_name(verb));
    if (++c->id == 0)
        c->id = 1;
    stamp_id(m, c->id);
    if (msg_send(c->fd, m, 0, err) != 0)
        return err_prepend(err, "%s", bay_verb_name(verb));
    c->busy = verb;
    c->deadline = deadline;
    return 0;
}

int bay_client_fd(const struct bay_client *c)
{
    return c->fd;
}

int bay_client_pidfd(const struct bay_client *c)
{
    return c->pidfd;
}

pid_t bay_client_pid(const struct bay_client *c)
{
    return c->pid;
}

int64_t bay_client_deadline(const struct bay_client *c)
{
    return c->deadline;
}

enum bay_verb bay_client_busy(const struct bay_client *c)
{
    return c->busy;
}

static void close_socket(struct bay_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* Nothing is under way any more. `busy` is kept for a worker that went, so that its owner can see at what. */
static void answered(struct bay_client *c)
{
    c->busy = BAY_NONE;
    c->deadline = INT64_MAX;
}

int bay_client_read(struct bay_client *c, struct msg_in *m, struct err *err)
{
    if (c->fd < 0)
        return 0;
    int got = msg_recv(c->fd, m, 0, err);
    if (got == 0) {
        close_socket(c);
        c->deadline = clock_mono_ms() + FAREWELL_MS; /* for its end, which says why */
        return 0;
    }
    if (got < 0)
        return -1;
    const char *name = bay_verb_name(c->busy);
    if (c->busy == BAY_NONE)
        return err_set(err, ERR_PROTOCOL, "the bay worker spoke without being asked");
    if (!(m->flags & MSG_REPLY) || m->id != c->id || m->verb != (uint8_t)c->busy)
        return err_set(err, ERR_PROTOCOL,
                       "%s: the bay worker answered request %u, verb %u; asked was %u, verb %u", name, m->id,
                       m->verb, c->id, (unsigned int)c->busy);
    if (m->n_fds > 0)
        return err_set(err, ERR_PROTOCOL, "%s: the bay worker sent a descriptor", name);
    answered(c);
    return 1;
}

/* ---- ending
 * ------------------------------------------------------------------------------------------------------ */

void bay_client_kill(struct bay_client *c)
{
    if (c->pidfd < 0)
        return;
    if (!c->killed)
        c->killed_at = clock_mono_ms();
    c->killed = true;
    kill(c->pid, SIGKILL); /* not reaped yet: the pid is still this worker's */
}

int bay_client_reap(struct bay_client *c, int *ret_status)
{
    if (c->pidfd < 0)
        return 1;
    int status = 0;
    pid_t pid;
    do
        pid = waitpid(c->pid, &status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return 0;
    const char *crash = getenv("CASTATION_CRASH");
    if (c->crash_armed && crash && !c->killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(crash_spent, sizeof(crash_spent), "%s", crash);
    close(c->pidfd);
    c->pidfd = -1;
    if (ret_status)
        *ret_status = status;
    return 1;
}

bool bay_client_wedged(const struct bay_client *c, int64_t now_mono, int64_t grace_ms)
{
    return c->killed && c->pidfd >= 0 && now_mono - c->killed_at >= grace_ms;
}

void bay_client_free(struct bay_client **ref)
{
    struct bay_client *c = *ref;
    if (!c)
        return;
    *ref = NULL;
    int64_t deadline = clock_mono_ms() + FAREWELL_MS;
    bay_client_kill(c);
    while (bay_client_reap(c, NULL) == 0 && clock_left_ms(deadline) > 0) {
        struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
        poll(&p, 1, clock_left_ms(deadline));
    }
    if (c->pidfd >= 0)
        close(c->pidfd);
    close_socket(c);
    free(c);
}
