/* Blanks, made and moved by castation-blank: the command line itself loads no PKCS#11 module. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/spawn.h"
#include "cli/rack.h"

#define PROGRAM  "castation-blank"
#define BLANK_MS 60000

/* Beside this program, or in ../libexec/castation. */
static int find_program(char dst[PATH_MAX], struct err *err)
{
    static const char *const PLACES[] = {"/" PROGRAM, "/../libexec/castation/" PROGRAM};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0)
        return err_sys(err, "/proc/self/exe");
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
        int len = snprintf(dst, PATH_MAX, "%s%s", self, PLACES[i]);
        if (len > 0 && len < PATH_MAX && access(dst, X_OK) == 0)
            return 0;
    }
    return err_set(err, ERR_NOT_FOUND, "%s: neither in %s nor in ../libexec/castation", PROGRAM, self);
}

/* Until it has closed its output. */
static int read_output(int fd, char *dst, size_t cap, int64_t deadline, struct err *err)
{
    size_t len = 0;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, clock_left_ms(deadline));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "%s: not done within %d s", PROGRAM, BLANK_MS / 1000);
        ssize_t n = read(fd, dst + len, cap - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "%s", PROGRAM);
        len += (size_t)n;
        dst[len] = '\0';
        if (n == 0 || len + 1 == cap)
            return 0;
    }
}

static int reap(pid_t pid, int pidfd, int64_t deadline, const char *verb, struct err *err)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int status = 0;
    while (poll(&p, 1, clock_left_ms(deadline)) < 0 && errno == EINTR)
        ;
    if (!(p.revents & POLLIN))
        kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) != pid)
        return err_sys(err, "%s %s", PROGRAM, verb);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status))
        return err_set(err, ERR_TOKEN_FAILED, "%s %s: exit %d; it said why above", PROGRAM, verb,
                       WEXITSTATUS(status));
    return err_set(err, ERR_TOKEN_FAILED, "%s %s: ended by signal %d", PROGRAM, verb, WTERMSIG(status));
}

static int run_blank(const char *verb, const char *a, const char *b, char *output, size_t cap,
                     struct err *err)
{
    char program[PATH_MAX];
    int out[2], pidfd = -1, rc;
    pid_t pid = -1;
    if (find_program(program, err) != 0)
        return -1;
    if (pipe2(out, O_CLOEXEC) != 0)
        return err_sys(err, "%s: pipe", PROGRAM);
    const char *const argv[] = {PROGRAM, verb, a, b, NULL};
    const struct spawn_fd fds[] = {{out[1], STDOUT_FILENO}};
    const struct spawn s = {.program = program,
                            .argv = argv,
                            .envp = (const char *const *)(uintptr_t)environ,
                            .fds = fds,
                            .n_fds = 1,
                            .die_with_parent = true,
                            .own_group = true};
    int64_t deadline = clock_mono_ms() + BLANK_MS;
    rc = spawn_start(&s, &pid, &pidfd, err);
    close(out[1]);
    if (rc == 0) {
        struct err of_read;
        int read_rc = read_output(out[0], output, cap, deadline, &of_read);
        rc = reap(pid, pidfd, deadline, verb, err);
        if (rc == 0 && read_rc != 0) {
            *err = of_read;
            rc = -1;
        }
        close(pidfd);
    }
    close(out[0]);
    return rc;
}

/* What would stand on the case of a real token: its number, readable with nothing running. */
static int write_serial(const char *dir, const char *serial, struct err *err)
{
    char path[PATH_MAX], line[SERIAL_SIZE + 1];
    snprintf(line, sizeof(line), "%s\n", serial);
    return path_join(path, sizeof(path), dir, "serial", err) == 0
               ? file_replace(path, line, strlen(line), 0644, err)
               : -1;
}

int blank_make(const struct rack_info *r, char dir[PATH_MAX], char serial[SERIAL_SIZE], struct err *err)
{
    char name[64], id[17], output[SERIAL_SIZE + 1] = "";
    uint8_t random[8];
    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), id);
    snprintf(name, sizeof(name), "new-%s", id);
    if (file_mkdir_p(r->folder, 0700, err) != 0 || path_join(dir, PATH_MAX, r->folder, name, err) != 0 ||
        run_blank("token", dir, NULL, output, sizeof(output), err) != 0)
        return -1;
    output[strcspn(output, "\n")] = '\0';
    if (output[0] == '\0' || strlen(output) >= SERIAL_SIZE ||
        strspn(output, "0123456789abcdefABCDEF") != strlen(output)) {
        blank_remove(dir);
        return err_set(err, ERR_TOKEN_FAILED, "%s token: \"%s\" is no serial number", PROGRAM, output);
    }
    memcpy(serial, output, strlen(output) + 1);
    if (write_serial(dir, serial, err) == 0)
        return 0;
    blank_remove(dir);
    return -1;
}

int blank_register(struct cli *cli, const struct rack_info *r, const char *serial, const char *lot,
                   struct err *err)
{
    return cli_tell(cli, "stock_add",
                    json_pack("{s:[{s:s, s:s, s:s, s:s}]}", "rows", "serial", serial, "product", r->product,
                              "lot", lot, "box", ""),
                    err);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void blank_remove(const char *dir)
{
    nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int move(const char *from, const char *to, struct err *err)
{
    char nothing[64];
    return run_blank("move", from, to, nothing, sizeof(nothing), err);
}

int rack_plug(const struct rack_info *r, const char *dir, int bay, struct err *err)
{
    char place[PATH_MAX], name[BAY_NAME_SIZE];
    snprintf(name, sizeof(name), "bay-%d", bay);
    if (path_join(place, sizeof(place), r->folder, name, err) != 0)
        return -1;
    if (rack_occupied(r, bay))
        return err_set(err, ERR_WRONG_STATE, "%s was taken meanwhile", name);
    if (move(dir, place, err) == 0)
        return 0;
    return rack_occupied(r, bay) ? err_set(err, ERR_WRONG_STATE, "%s was taken meanwhile", name) : -1;
}

/* From its case; else as castationd read it. */
static int serial_of(const struct rack_info *r, int bay, const char *dir, char ret[SERIAL_SIZE],
                     struct err *err)
{
    char path[PATH_MAX];
    struct buf b;
    buf_init(&b);
    const char *serial = json_str(rack_bay(r, bay), "serial");
    if (path_join(path, sizeof(path), dir, "serial", err) == 0 &&
        file_read(path, SERIAL_SIZE, &b, err) == 0 && buf_cstr(&b)) {
        b.data[strcspn((char *)b.data, "\n")] = '\0';
        serial = (const char *)b.data;
    }
    size_t len = strlen(serial);
    int rc = 0;
    if (len == 0 || len >= SERIAL_SIZE || serial[0] == '.' || strchr(serial, '/'))
        rc = err_set(err, ERR_NOT_FOUND,
                     "bay-%d: its token's serial number is not known; is castationd running?", bay);
    else
        memcpy(ret, serial, len + 1);
    buf_done(&b);
    return rc;
}

int rack_pull(const struct rack_info *r, int bay, char ret_serial[SERIAL_SIZE], struct err *err)
{
    char from[PATH_MAX], to[PATH_MAX], name[BAY_NAME_SIZE];
    snprintf(name, sizeof(name), "bay-%d", bay);
    if (path_join(from, sizeof(from), r->folder, name, err) != 0 || file_mkdir_p(r->drawer, 0700, err) != 0 ||
        serial_of(r, bay, from, ret_serial, err) != 0 ||
        path_join(to, sizeof(to), r->drawer, ret_serial, err) != 0 || move(from, to, err) != 0)
        return rack_occupied(r, bay) ? -1 : err_set(err, ERR_WRONG_STATE, "%s was emptied meanwhile", name);
    return 0;
}
