#include "base/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"

#define WAIT_MS 120000
#define CTRL_C  0x03
#define CTRL_D  0x04
#define CTRL_U  0x15

static int open_tty(int *ret_fd, struct err *err)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_USAGE, "there is no terminal to ask at");
    *ret_fd = fd;
    return 0;
}

static int show(int fd, const char *s, struct err *err)
{
    return write(fd, s, strlen(s)) < 0 ? err_sys(err, "write to the terminal") : 0;
}

/* One byte: 1, 0 at the end, -1. */
static int read_byte(int fd, char *ret, int64_t deadline, struct err *err)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n = poll(&p, 1, clock_left_ms(deadline));
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return err_set(err, ERR_TIMEOUT, "nothing was typed for two minutes");
        ssize_t got = read(fd, ret, 1);
        if (got < 0 && errno == EINTR)
            continue;
        return got < 0 ? err_sys(err, "read from the terminal") : (int)got;
    }
}

int tty_line(const char *prompt, char *ret, size_t cap, struct err *err)
{
    int fd, got;
    size_t len = 0;
    char c = 0;
    if (open_tty(&fd, err) != 0)
        return -1;
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    int rc = show(fd, prompt, err);
    while (rc == 0 && (got = read_byte(fd, &c, deadline, err)) != 0 && c != '\n') {
        if (got < 0)
            rc = -1;
        else if (len + 1 < cap)
            ret[len++] = c;
    }
    ret[len] = '\0';
    close(fd);
    return rc;
}

/* Byte by byte, so that neither echo nor the terminal's line buffer nor a signal gets in between. */
static int read_hidden(int fd, struct buf *ret, size_t max, struct err *err)
{
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    for (;;) {
        if (buf_reserve(ret, 1, err) != 0)
            return -1;
        char *c = (char *)ret->data + ret->len;
        int got = read_byte(fd, c, deadline, err);
        if (got < 0)
            return -1;
        if (got == 0 || *c == CTRL_C || *c == CTRL_D)
            return err_set(err, ERR_REFUSED, "broken off at the terminal");
        if (*c == '\n' || *c == '\r') {
            *c = '\0';
            return 0;
        }
        if (*c == CTRL_U)
            buf_reset(ret);
        else if (*c == 0x7f || *c == '\b')
            ret->len -= ret->len > 0;
        else if (ret->len == max)
            return err_set(err, ERR_TOO_LARGE, "over %zu characters", max);
        else
            ret->len++;
    }
}

int tty_secret(const char *prompt, struct buf *ret, size_t max, struct err *err)
{
    int fd, rc = -1;
    struct termios before, hidden;
    if (open_tty(&fd, err) != 0)
        return -1;
    if (tcgetattr(fd, &before) != 0) {
        err_sys(err, "terminal");
        goto out;
    }
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    hidden.c_cc[VMIN] = 1;
    hidden.c_cc[VTIME] = 0;
    if (show(fd, prompt, err) != 0)
        goto out;
    if (tcsetattr(fd, TCSAFLUSH, &hidden) != 0) {
        err_sys(err, "terminal");
        goto out;
    }
    rc = read_hidden(fd, ret, max, err);
    tcsetattr(fd, TCSAFLUSH, &before);
    if (rc == 0)
        rc = show(fd, "\n", err);
out:
    close(fd);
    return rc;
}
