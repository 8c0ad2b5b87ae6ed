#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.h"

#define REPORT_FD 7

/* ---- what this program does when it is started as the child: it tells about itself on descriptor 7
 * ------------------ */

static int tell_fds(void)
{
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            dprintf(REPORT_FD, "%d ", fd);
    return 0;
}

static int tell_null(void)
{
    struct stat in, out, null;
    stat("/dev/null", &null);
    bool same = fstat(0, &in) == 0 && fstat(1, &out) == 0 && in.st_rdev == null.st_rdev &&
                out.st_rdev == null.st_rdev;
    dprintf(REPORT_FD, "%s", same ? "null" : "other");
    return 0;
}

static int tell_signals(void)
{
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int sig = 1; sig <= SIGRTMAX; sig++) {
        struct sigaction sa;
        if (sigismember(&mask, sig) == 1)
            dprintf(REPORT_FD, "blocked %d ", sig);
        /* the sanitizer's own handlers for crashes are its business */
        if (sig != SIGSEGV && sig != SIGBUS && sig != SIGFPE && sigaction(sig, NULL, &sa) == 0 &&
            sa.sa_handler != SIG_DFL)
            dprintf(REPORT_FD, "not default %d ", sig);
    }
    return 0;
}

static int tell_env(void)
{
    extern char **environ;
    for (char **e = environ; *e; e++)
        dprintf(REPORT_FD, "%s ", *e);
    return 0;
}

static int sleep_long(void)
{
    sleep(60);
    return 0;
}

static int leave_with_5(void)
{
    return 5;
}

static int copy_3_and_4(void)
{
    char c[2] = "";
    if (read(3, c, 1) != 1 || read(4, c + 1, 1) != 1)
        return 1;
    dprintf(REPORT_FD, "%c%c", c[0], c[1]);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} CHILDREN[] = {{"fds", tell_fds},     {"null", tell_null},     {"signals", tell_signals}, {"env", tell_env},
                {"sleep", sleep_long}, {"leave", leave_with_5}, {"copy", copy_3_and_4}};

/* ---- starting it
 * ------------------------------------------------------------------------------------------------ */

static char self[256];

/* Starts CHILDREN[name], with `report` as its descriptor 7 and more of `fds`; what it told is in `told`. */
static void ask(const char *name, const struct spawn_fd *more, size_t n, const char *const *envp,
                char told[256])
{
    int report[2];
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    struct spawn_fd fds[8] = {{report[1], REPORT_FD}};
    for (size_t i = 0; i < n; i++)
        fds[i + 1] = more[i];
    const char *argv[] = {"child", name, NULL};
    struct spawn s = {.program = self, .argv = argv, .envp = envp, .fds = fds, .n_fds = n + 1};
    struct err err;
    pid_t pid;
    int pidfd, status;
    if (spawn_start(&s, &pid, &pidfd, &err) != 0)
        fail_msg("%s", err.text);
    close(report[1]);
    size_t len = 0;
    for (ssize_t got; (got = read(report[0], told + len, 255 - len)) > 0;)
        len += (size_t)got;
    told[len] = '\0';
    close(report[0]);
    close(pidfd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void only_mapped_descriptors_are_open_in_the_child(void **state)
{
    (void)state;
    char told[256];
    int kept[2];
    assert_int_equal(pipe(kept), 0); /* not close-on-exec: closed all the same */
    int high = fcntl(kept[0], F_DUPFD, 500);
    assert_int_equal(high, 500);
    ask("fds", NULL, 0, NULL, told);
    assert_string_equal(told, "0 1 2 7 ");
    ask("fds", (struct spawn_fd[]){{kept[0], 3}, {kept[1], 20}}, 2, NULL, told);
    assert_string_equal(told, "0 1 2 3 7 20 ");
    close(kept[0]);
    close(kept[1]);
    close(high);
}

static void input_and_output_are_dev_null(void **state)
{
    (void)state;
    char told[256];
    ask("null", NULL, 0, NULL, told);
    assert_string_equal(told, "null");
}

static void input_and_output_may_be_mapped(void **state)
{
    (void)state;
    char told[256];
    int p[2];
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    ask("null", (struct spawn_fd[]){{p[0], 0}, {p[1], 1}}, 2, NULL, told);
    assert_string_equal(told, "other");
    close(p[0]);
    close(p[1]);
}

static void mappings_may_cross(void **state)
{
    (void)state;
    char told[256];
    int a[2], b[2];
    assert_int_equal(pipe2(a, O_CLOEXEC), 0);
    assert_int_equal(pipe2(b, O_CLOEXEC), 0);
    assert_int_equal(write(a[1], "A", 1), 1);
    assert_int_equal(write(b[1], "B", 1), 1);
    /* a's reading end stands at 4 and goes to 3, b's stands at 3 and goes to 4 */
    int three = fcntl(3, F_GETFD) >= 0 ? fcntl(3, F_DUPFD_CLOEXEC, 50) : -1;
    int four = fcntl(4, F_GETFD) >= 0 ? fcntl(4, F_DUPFD_CLOEXEC, 50) : -1;
    int a0 = fcntl(a[0], F_DUPFD_CLOEXEC, 60), b0 = fcntl(b[0], F_DUPFD_CLOEXEC, 60);
    assert_int_equal(dup2(a0, 4), 4);
    assert_int_equal(dup2(b0, 3), 3);
    ask("copy", (struct spawn_fd[]){{4, 3}, {3, 4}}, 2, NULL, told);
    assert_string_equal(told, "AB");
    if (three >= 0)
        dup2(three, 3);
    if (four >= 0)
        dup2(four, 4);
    for (int fd = 50; fd < 70; fd++)
        close(fd);
    for (size_t i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void ignore(int sig)
{
    (void)sig;
}

static void signals_are_as_new(void **state)
{
    (void)state;
    char told[256];
    sigset_t mask, before, after;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, &before);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, ignore);
    ask("signals", NULL, 0, NULL, told);
    assert_string_equal(told, "");
    sigprocmask(SIG_SETMASK, &before, &after);
    assert_int_equal(sigismember(&after, SIGTERM), 1); /* the parent's own mask is as it was */
    assert_int_equal(sigismember(&after, SIGINT), 0);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
}

static void the_environment_is_empty_or_the_one_given(void **state)
{
    (void)state;
    char told[256];
    setenv("CASTATION_SECRET_OF_THE_PARENT", "1", 1);
    ask("env", NULL, 0, NULL, told);
    assert_string_equal(told, "");
    ask("env", NULL, 0, (const char *const[]){"A=1", "B=2", NULL}, told);
    assert_string_equal(told, "A=1 B=2 ");
}

static size_t open_fds(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void a_program_that_cannot_be_executed_is_told_with_name_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        int sys;
    } CASES[] = {{"/nonexistent/castation-bay", ENOENT}, {"/etc/passwd", EACCES}, {"/tmp", EACCES}};
    size_t before = open_fds();
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct spawn s = {.program = CASES[i].program, .argv = (const char *const[]){"x", NULL}};
        struct err err;
        pid_t pid = -7;
        int pidfd = -7;
        assert_int_equal(spawn_start(&s, &pid, &pidfd, &err), -1);
        assert_int_equal(err.sys, CASES[i].sys);
        assert_non_null(strstr(err.text, CASES[i].program));
        assert_non_null(strstr(err.text, strerror(CASES[i].sys)));
        assert_int_equal(pid, -7); /* untouched */
        assert_int_equal(pidfd, -7);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and no corpse is left */
        assert_int_equal(errno, ECHILD);
    }
    assert_int_equal(open_fds(), before);
}

static void a_descriptor_that_is_not_open_is_an_error(void **state)
{
    (void)state;
    struct spawn s = {.program = self,
                      .argv = (const char *const[]){"child", "leave", NULL},
                      .fds = (struct spawn_fd[]){{999, 5}},
                      .n_fds = 1};
    struct err err;
    pid_t pid;
    int pidfd;
    assert_int_equal(spawn_start(&s, &pid, &pidfd, &err), -1);
    assert_int_equal(err.sys, EBADF);
    s.fds = (struct spawn_fd[]){{1, 5}, {2, 5}};
    s.n_fds = 2;
    assert_int_equal(spawn_start(&s, &pid, &pidfd, &err), -1);
    assert_int_equal(err.code, ERR_INTERNAL);
}

static void the_pidfd_tells_of_the_end(void **state)
{
    (void)state;
    struct err err;
    pid_t pid;
    int pidfd, status;
    struct spawn s = {.program = self, .argv = (const char *const[]){"child", "leave", NULL}};
    assert_int_equal(spawn_start(&s, &pid, &pidfd, &err), 0);
    assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 20000), 1);
    assert_int_equal(waitpid(pid, &status, WNOHANG), pid);
    assert_int_equal(WEXITSTATUS(status), 5);
    close(pidfd);
}

static void a_child_tied_to_its_parent_dies_with_it(void **state)
{
    (void)state;
    int report[2];
    assert_int_equal(pipe2(report, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct err err;
        pid_t pid;
        int pidfd;
        struct spawn s = {.program = self,
                          .argv = (const char *const[]){"child", "sleep", NULL},
                          .fds = (struct spawn_fd[]){{report[1], REPORT_FD}},
                          .n_fds = 1,
                          .die_with_parent = true};
        _exit(spawn_start(&s, &pid, &pidfd, &err) == 0 ? 0 : 1);
    }
    close(report[1]);
    int status;
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(status, 0);
    struct pollfd p = {.fd = report[0], .events = POLLIN};
    assert_int_equal(poll(&p, 1, 20000), 1); /* the last writer is gone long before its 60 s */
    assert_true(p.revents & POLLHUP);
    close(report[0]);
}

static void a_hardened_process_gains_nothing_and_leaves_no_core(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct err err;
        struct rlimit core;
        bool right = spawn_harden(&err) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                     getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0;
#ifndef __SANITIZE_ADDRESS__
        right = right && prctl(PR_GET_DUMPABLE) == 0;
#endif
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < COUNT(CHILDREN); i++)
        if (strcmp(argv[1], CHILDREN[i].name) == 0)
            return CHILDREN[i].run();
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_mapped_descriptors_are_open_in_the_child),
        cmocka_unit_test(input_and_output_are_dev_null),
        cmocka_unit_test(input_and_output_may_be_mapped),
        cmocka_unit_test(mappings_may_cross),
        cmocka_unit_test(signals_are_as_new),
        cmocka_unit_test(the_environment_is_empty_or_the_one_given),
        cmocka_unit_test(a_program_that_cannot_be_executed_is_told_with_name_and_reason),
        cmocka_unit_test(a_descriptor_that_is_not_open_is_an_error),
        cmocka_unit_test(the_pidfd_tells_of_the_end),
        cmocka_unit_test(a_child_tied_to_its_parent_dies_with_it),
        cmocka_unit_test(a_hardened_process_gains_nothing_and_leaves_no_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
