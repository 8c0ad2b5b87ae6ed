/* Messages over SOCK_SEQPACKET, with their descriptors and a deadline. */
#include "base/msg.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/msg_layout.h"

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
};

/* 0: worth another try. Past the deadline: ERR_TIMEOUT. */
static int wait_for(int sock, short events, int64_t deadline, struct err *err)
{
    int left = deadline > 0 ? clock_left_ms(deadline) : 0;
    struct pollfd p = {.fd = sock, .events = events};
    int n = left > 0 ? poll(&p, 1, left) : 0;
    if (n < 0 && errno != EINTR)
        return err_sys(err, "wait for a message");
    if (n == 0)
        return err_set(err, ERR_TIMEOUT,
                       events == POLLIN ? "no message came in time"
                                        : "the other side takes no message in time");
    return 0;
}

static int send_failed(const struct msg_out *m, struct err *err)
{
    switch (errno) {
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        return err_set(err, ERR_PEER_GONE, "the other side is gone: nothing was sent");
    case EMSGSIZE:
        return err_set(err, ERR_PROTOCOL, "a message of %zu bytes is too large for its socket", m->buf.len);
    default:
        return err_sys(err, "send a message of %zu bytes", m->buf.len);
    }
}

int msg_send(int sock, struct msg_out *m, int64_t deadline, struct err *err)
{
    if (m->err.code != ERR_NONE) {
        *err = m->err;
        return -1;
    }
    if (m->buf.len < MSG_HEADER)
        return err_set(err, ERR_PROTOCOL, "a message that was never begun");
    union control control;
    memset(&control, 0, sizeof(control));
    struct iovec iov = {.iov_base = m->buf.data, .iov_len = m->buf.len};
    struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
    if (m->n_fds > 0) {
        hdr.msg_control = control.bytes;
        hdr.msg_controllen = CMSG_SPACE(sizeof(int) * m->n_fds);
        control.align.cmsg_level = SOL_SOCKET;
        control.align.cmsg_type = SCM_RIGHTS;
        control.align.cmsg_len = CMSG_LEN(sizeof(int) * m->n_fds);
        memcpy(CMSG_DATA(&control.align), m->fds, sizeof(int) * m->n_fds);
    }
    for (;;) {
        ssize_t n = sendmsg(sock, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            return 0; /* a packet goes whole or not at all */
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return send_failed(m, err);
        if (wait_for(sock, POLLOUT, deadline, err) != 0)
            return -1;
    }
}

/* All descriptors that came are owned from here on, whatever else is wrong with the message. */
static void collect_fds(struct msg_in *m, struct msghdr *hdr)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (m->n_fds < MSG_FDS_MAX)
                m->fds[m->n_fds++] = fd;
            else
                close(fd);
        }
    }
}

/* One recvmsg. 1 got bytes, 0 gone, -1 error with *ret_again telling whether waiting may help. */
static int receive(int sock, struct msg_in *m, bool *ret_again, struct err *err)
{
    union control control;
    struct iovec iov = {.iov_base = m->buf.data, .iov_len = MSG_MAX};
    struct msghdr hdr = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(sock, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *ret_again = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (n < 0)
        return errno == ECONNRESET ? 0 : err_sys(err, "receive a message");
    collect_fds(m, &hdr);
    m->buf.len = (size_t)n;
    if (n == 0)
        return 0;
    if (hdr.msg_flags & MSG_TRUNC)
        return err_set(err, ERR_PROTOCOL, "a message over %u bytes", MSG_MAX);
    if (hdr.msg_flags & MSG_CTRUNC)
        return err_set(err, ERR_PROTOCOL, "a message with more descriptors than %u, or none free here",
                       MSG_FDS_MAX);
    return 1;
}

int msg_recv(int sock, struct msg_in *m, int64_t deadline, struct err *err)
{
    msg_in_reset(m);
    if (buf_reserve(&m->buf, MSG_MAX, err) != 0)
        return -1;
    for (;;) {
        bool again;
        int got = receive(sock, m, &again, err);
        if (got > 0 && msg_in_header(m, err) == 0)
            return 1;
        if (got >= 0 || !again) {
            msg_in_reset(m);
            if (got == 0) {
                err_set(&m->err, ERR_PEER_GONE, "the other side is gone");
                return 0;
            }
            m->err = *err;
            return -1;
        }
        if (wait_for(sock, POLLIN, deadline, err) != 0) {
            m->err = *err;
            return -1;
        }
    }
}
