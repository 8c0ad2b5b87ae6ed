#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define EXEC_MS 10000 /* from fork to exec: longer only if the program's disk hangs */
#define REAP_MS 1000
#define FDS_MAX 16u

/* What a child that cannot exec writes into the pipe. */
struct failure {
    int stage, sys;
};
enum stage { STAGE_PARENT, STAGE_FDS, STAGE_EXEC };

/* ---- in the child: async-signal-safe calls only
 * ------------------------------------------------------------------- */

static _Noreturn void child_fails(int pipe_fd, enum stage stage)
{
    struct failure failure = {.stage = (int)stage, .sys = errno};
    ssize_t n = write(pipe_fd, &failure, sizeof(failure));
    _exit(n == sizeof(failure) ? 127 : 126);
}

static void default_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        sigaction(sig, &dfl, NULL); /* SIGKILL and SIGSTOP refuse, as they should */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Sources first move out of the way of all targets: mappings may cross (3→4, 4→3). Whatever is not put in
 * place here is close-on-exec. */
static int arrange_fds(const struct spawn *s, int *pipe_fd, int above)
{
    int moved[FDS_MAX];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int null_high = null < 0 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, above);
    int pipe_high = fcntl(*pipe_fd, F_DUPFD_CLOEXEC, above);
    if (pipe_high < 0 || null_high < 0)
        return -1;
    *pipe_fd = pipe_high;
    for (size_t i = 0; i < s->n_fds; i++)
        if ((moved[i] = fcntl(s->fds[i].from, F_DUPFD_CLOEXEC, above)) < 0)
            return -1;
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
        return -1;
    if (dup2(null_high, STDIN_FILENO) < 0 || dup2(null_high, STDOUT_FILENO) < 0)
        return -1;
    for (size_t i = 0; i < s->n_fds; i++)
        if (dup2(moved[i], s->fds[i].to) < 0)
            return -1;
    return 0;
}

static _Noreturn void child(const struct spawn *s, pid_t parent, int pipe_fd, int above)
{
    static char *const empty[] = {NULL};
    default_signals();
    if (s->own_group)
        setpgid(0, 0); /* cannot fail for a child that leads nothing */
    if (s->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        child_fails(pipe_fd, STAGE_PARENT);
    if (s->die_with_parent && getppid() != parent)
        _exit(127); /* it died before the prctl: nobody is left to tell */
    if (arrange_fds(s, &pipe_fd, above) != 0)
        child_fails(pipe_fd, STAGE_FDS);
    /* execve does not write to them; its prototype is older than const. */
    execve(s->program, (char *const *)(uintptr_t)s->argv,
           s->envp ? (char *const *)(uintptr_t)s->envp : empty);
    child_fails(pipe_fd, STAGE_EXEC);
}

/* ---- in the parent
 * ------------------------------------------------------------------------------------------------ */

static int check(const struct spawn *s, int *ret_above, struct err *err)
{
    int above = 3;
    if (!s->program || !s->argv || !s->argv[0] || s->n_fds > FDS_MAX)
        return err_set(err, ERR_INTERNAL, "start %s: wrong arguments", s->program ? s->program : "nothing");
    for (size_t i = 0; i < s->n_fds; i++) {
        if (s->fds[i].from < 0 || s->fds[i].to < 0)
            return err_set(err, ERR_INTERNAL, "start %s: descriptor %d as %d", s->program, s->fds[i].from,
                           s->fds[i].to);
        for (size_t j = 0; j < i; j++)
            if (s->fds[j].to == s->fds[i].to)
                return err_set(err, ERR_INTERNAL, "start %s: two descriptors as %d", s->program,
                               s->fds[i].to);
        if (s->fds[i].to >= above)
            above = s->fds[i].to + 1;
    }
    *ret_above = above;
    return 0;
}

/* No signal handler of ours may run in the child before its signals are reset. */
static pid_t fork_child(const struct spawn *s, int pipe_fd, int above)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    int sys = errno;
    if (pid == 0)
        child(s, parent, pipe_fd, above);
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = sys;
    return pid;
}

/* The pipe closes by itself when exec succeeds. */
static int wait_exec(const char *program, int pipe_fd, struct err *err)
{
    static const char *const STAGES[] = {[STAGE_PARENT] = "tie it to its parent",
                                         [STAGE_FDS] = "arrange its descriptors",
                                         [STAGE_EXEC] = "execute it"};
    int64_t deadline = clock_mono_ms() + EXEC_MS;
    struct failure failure;
    ssize_t n;
    do {
        struct pollfd p = {.fd = pipe_fd, .events = POLLIN};
        int ready = poll(&p, 1, clock_left_ms(deadline));
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "start %s: not executed within %d ms", program, EXEC_MS);
        n = ready < 0 ? -1 : read(pipe_fd, &failure, sizeof(failure));
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        return 0;
    if (n != sizeof(failure) || failure.stage < 0 || failure.stage > STAGE_EXEC)
        return err_set(err, ERR_INTERNAL, "start %s: it failed and did not say why", program);
    errno = failure.sys;
    return err_sys(err, "start %s: %s", program, STAGES[failure.stage]);
}

static void kill_and_reap(pid_t pid, int pidfd)
{
    kill(pid, SIGKILL);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (pidfd >= 0)
        poll(&p, 1, REAP_MS); /* one that hangs in the kernel is left behind rather than waited for */
    waitpid(pid, NULL, pidfd >= 0 ? WNOHANG : 0);
}

int spawn_start(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
    int above = 3, pipe_fds[2];
    if (check(s, &above, err) != 0)
        return -1;
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return err_sys(err, "start %s: pipe", s->program);
    pid_t pid = fork_child(s, pipe_fds[1], above);
    if (pid < 0)
        err_sys(err, "start %s: fork", s->program);
    close(pipe_fds[1]);

    int ret = -1, pidfd = -1;
    if (pid > 0) {
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by nature */
        if (pidfd < 0)
            err_sys(err, "start %s: pidfd_open", s->program);
        else
            ret = wait_exec(s->program, pipe_fds[0], err);
    }
    close(pipe_fds[0]);
    if (ret == 0) {
        *ret_pid = pid;
        *ret_pidfd = pidfd;
        return 0;
    }
    if (pid > 0)
        kill_and_reap(pid, pidfd);
    if (pidfd >= 0)
        close(pidfd);
    return -1;
}

int spawn_harden(struct err *err)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return err_sys(err, "forbid core dumps");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_sys(err, "give up new privileges");
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer attaches to its own process */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_sys(err, "become undumpable");
#endif
    return 0;
}
