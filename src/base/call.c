#include "base/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define CALL_VERB  1
#define BACKLOG    64
#define INLINE_MAX 60000u /* leaves room in a packet for the command, or the error */
#define SEALS      (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int unix_address(const char *path, struct sockaddr_un *ret, struct err *err)
{
    size_t len = strlen(path);
    memset(ret, 0, sizeof(*ret));
    ret->sun_family = AF_UNIX;
    if (len == 0 || len >= sizeof(ret->sun_path))
        return err_set(err, ERR_CONFIG, "%s: a socket's path has 1 to %zu bytes", path,
                       sizeof(ret->sun_path) - 1);
    memcpy(ret->sun_path, path, len + 1);
    return 0;
}

/* ---- values
 * ----------------------------------------------------------------------------------------------------- */

/* memfd_create, filled and sealed; -1. */
static int sealed_memfd(const char *body, size_t len, struct err *err)
{
    int fd = memfd_create("json", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_sys(err, "memfd");
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, body + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            goto fail;
        done += (size_t)n;
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0)
        return fd;
fail:
    err_sys(err, "memfd for %zu bytes", len);
    close(fd);
    return -1;
}

/* *ret_memfd is the caller's to close after msg_send. */
static int put_value(struct msg_out *m, const char *body, size_t len, int *ret_memfd, struct err *err)
{
    msg_put_u8(m, len <= INLINE_MAX);
    if (len <= INLINE_MAX) {
        msg_put_bytes(m, body, len);
        return 0;
    }
    int fd = sealed_memfd(body, len, err);
    if (fd < 0)
        return -1;
    msg_put_fd(m, fd);
    *ret_memfd = fd;
    return 0;
}

/* A value by descriptor must be sealed: else its sender could change or cut it while it is read. */
static int read_sealed(int fd, size_t max, struct buf *b, struct err *err)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0)
        return err_set(err, ERR_PROTOCOL, "a value came as a descriptor that is not sealed");
    if (st.st_size < 0 || st.st_size > (off_t)max)
        return err_set(err, ERR_PROTOCOL, "a value over %zu bytes", max);
    size_t size = (size_t)st.st_size;
    if (buf_reserve(b, size, err) != 0)
        return -1;
    while (b->len < size) {
        ssize_t n = pread(fd, b->data + b->len, size - b->len, (off_t)b->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_sys(err, "read a value");
        b->len += (size_t)n;
    }
    return 0;
}

/* The fields must end with the value; descriptors may follow it. */
static int get_value(struct msg_in *m, size_t max, json_t **ret, struct err *err)
{
    int rc = -1, fd = -1;
    size_t len = 0;
    const uint8_t *p = NULL;
    struct buf body;
    buf_init(&body);
    if (msg_get_u8(m) == 1)
        p = msg_get_bytes(m, INLINE_MAX, &len);
    else
        fd = msg_take_fd(m);
    if (m->err.code == ERR_NONE && m->pos != m->buf.len)
        err_set(&m->err, ERR_PROTOCOL, "%zu bytes are left over", m->buf.len - m->pos);
    if (m->err.code != ERR_NONE) {
        *err = m->err;
        goto out;
    }
    if (fd >= 0) {
        if (read_sealed(fd, max, &body, err) != 0)
            goto out;
        p = body.data;
        len = body.len;
    }
    json_t *value = json_parse(p, len, err);
    if (!value)
        goto out;
    *ret = value;
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    buf_done(&body);
    return rc;
}

/* ---- client -------------------------------------------------------------------------- */

/* A full backlog makes connect wait: SO_SNDTIMEO bounds it. */
static int connect_until(int fd, const struct sockaddr_un *addr, int64_t deadline, struct err *err)
{
    int left = clock_left_ms(deadline);
    struct timeval tv = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    if (left == 0)
        return err_set(err, ERR_TIMEOUT, "%s: no time left to connect", addr->sun_path);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) != 0)
        return err_sys(err, "%s: socket", addr->sun_path);
    if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
        return 0;
    int sys = errno;
    err_sys(err, "%s", addr->sun_path);
    if (sys == EAGAIN)
        err->code = ERR_TIMEOUT;
    else if (sys == EACCES || sys == EPERM)
        err->code = ERR_PERMISSION;
    else
        err->code = ERR_UNREACHABLE;
    return -1;
}

static int send_request(int sock, const char *command, const json_t *arguments, const int *fds, size_t n_fds,
                        int64_t deadline, struct err *err)
{
    int rc = -1, memfd = -1;
    struct msg_out m;
    msg_out_init(&m, false);
    char *body = arguments ? json_dumps(arguments, JSON_COMPACT) : strdup("{}");
    size_t len = body ? strlen(body) : 0;
    if (!body) {
        err_set(err, ERR_INTERNAL, "the arguments of %s are not JSON", command);
        goto out;
    }
    if (len > CALL_ARGUMENTS_MAX) {
        err_set(err, ERR_TOO_LARGE, "the arguments of %s have %zu bytes, at most %u are sent", command, len,
                CALL_ARGUMENTS_MAX);
        goto out;
    }
    msg_begin(&m, CALL_VERB, 0, 1);
    msg_put_str(&m, command);
    if (put_value(&m, body, len, &memfd, err) != 0)
        goto out;
    for (size_t i = 0; i < n_fds; i++)
        msg_put_fd(&m, fds[i]);
    rc = msg_send(sock, &m, deadline, err);
out:
    if (memfd >= 0)
        close(memfd);
    free(body);
    msg_out_done(&m);
    return rc;
}

static int take_reply(struct msg_in *m, json_t **ret, struct err *err)
{
    if (m->verb != CALL_VERB || !(m->flags & MSG_REPLY))
        return err_set(err, ERR_PROTOCOL, "the answer is of verb %u, flags %u", m->verb, m->flags);
    if (!(m->flags & MSG_ERROR)) {
        json_t *result = NULL;
        if (get_value(m, CALL_RESULT_MAX, &result, err) != 0 || msg_end(m, err) != 0) {
            json_decref(result);
            err->code = ERR_PROTOCOL;
            return -1;
        }
        *ret = result;
        return 0;
    }
    struct err said;
    msg_get_err(m, &said);
    if (msg_end(m, err) != 0)
        return -1;
    *err = said;
    return -1;
}

int call_json(const char *socket_path, const char *command, json_t *arguments, const int *fds, size_t n_fds,
              int64_t deadline, json_t **ret, struct err *err)
{
    int rc = -1, got;
    struct sockaddr_un addr;
    struct msg_in m;
    msg_in_init(&m, false);
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0) {
        err_sys(err, "%s: socket", socket_path);
        goto out;
    }
    if (unix_address(socket_path, &addr, err) != 0 || connect_until(sock, &addr, deadline, err) != 0 ||
        send_request(sock, command, arguments, fds, n_fds, deadline, err) != 0)
        goto out;
    got = msg_recv(sock, &m, deadline, err);
    if (got == 0)
        err_set(err, ERR_PEER_GONE, "%s: it closed the connection without an answer to %s", socket_path,
                command);
    else if (got > 0)
        rc = take_reply(&m, ret, err);
out:
    msg_in_done(&m);
    if (sock >= 0)
        close(sock);
    return rc;
}

/* ---- server -------------------------------------------------------------------------- */

/* A socket file outlives its server. Whoever refuses a connection is gone; whoever takes it lives. Two
 * servers started in the same instant are kept apart by the lock on their database, not here. */
static int remove_stale(const struct sockaddr_un *addr, struct err *err)
{
    struct stat st;
    if (lstat(addr->sun_path, &st) != 0)
        return errno == ENOENT ? 0 : err_sys(err, "%s", addr->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, ERR_EXISTS, "%s: is there and is no socket", addr->sun_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(err, "%s: socket", addr->sun_path);
    int rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)), sys = errno;
    close(fd);
    if (rc == 0 || (sys != ECONNREFUSED && sys != ENOENT))
        return err_set(err, ERR_RUNNING, "%s: another process serves this socket", addr->sun_path);
    if (unlink(addr->sun_path) != 0 && errno != ENOENT)
        return err_sys(err, "%s: remove the stale socket", addr->sun_path);
    return 0;
}

int call_listen(const char *socket_path, int *ret_fd, struct err *err)
{
    struct sockaddr_un addr;
    if (unix_address(socket_path, &addr, err) != 0 || remove_stale(&addr, err) != 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(err, "%s: socket", socket_path);
    /* fchmod before bind: the file is born with this mode, never wider for a moment. */
    if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int sys = errno;
        err_sys(err, "%s: listen", socket_path);
        if (sys == EADDRINUSE)
            err->code = ERR_RUNNING;
        close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

int call_parse(struct msg_in *m, char *command, size_t cap, json_t **ret_arguments, struct err *err)
{
    if (m->verb != CALL_VERB || m->flags != 0)
        return err_set(err, ERR_PROTOCOL, "a request of verb %u, flags %u", m->verb, m->flags);
    json_t *arguments = NULL;
    msg_get_str(m, command, cap);
    if (get_value(m, CALL_ARGUMENTS_MAX, &arguments, err) != 0)
        return err_prepend(err, "arguments");
    if (!json_is_object(arguments)) {
        json_decref(arguments);
        return err_set(err, ERR_JSON, "the arguments of %s are no object", command);
    }
    *ret_arguments = arguments;
    return 0;
}

int call_reply(int fd, uint32_t id, const json_t *result, struct err *err)
{
    int rc = -1, memfd = -1;
    struct msg_out m;
    msg_out_init(&m, false);
    char *body = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t len = body ? strlen(body) : 0;
    if (!body) {
        err_set(err, ERR_INTERNAL, "a result that is not JSON");
        goto out;
    }
    if (len > CALL_RESULT_MAX) {
        struct err large;
        err_set(&large, ERR_TOO_LARGE, "the result has %zu bytes, at most %u are sent; ask for less", len,
                CALL_RESULT_MAX);
        rc = call_reply_err(fd, id, &large, err);
        goto out;
    }
    msg_begin(&m, CALL_VERB, MSG_REPLY, id);
    if (put_value(&m, body, len, &memfd, err) == 0)
        rc = msg_send(fd, &m, 0, err);
out:
    if (memfd >= 0)
        close(memfd);
    free(body);
    msg_out_done(&m);
    return rc;
}

int call_reply_err(int fd, uint32_t id, const struct err *e, struct err *err)
{
    struct msg_out m;
    msg_out_init(&m, false);
    msg_begin(&m, CALL_VERB, MSG_REPLY | MSG_ERROR, id);
    msg_put_err(&m, e);
    int rc = msg_send(fd, &m, 0, err);
    msg_out_done(&m);
    return rc;
}
