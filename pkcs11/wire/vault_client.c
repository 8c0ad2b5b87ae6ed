/* The asking side of the vault's socket and of a bay's direct channel. */
#include "wire/vault_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ID_OFFSET 4 /* of the request id in a message: see base/msg.h */

int vault_connect(const char *socket_path, int *ret_fd, struct err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t len = strlen(socket_path);
    if (len >= sizeof(addr.sun_path))
        return err_set(err, ERR_UNREACHABLE, "vault at %s: the path is longer than %zu bytes", socket_path,
                       sizeof(addr.sun_path) - 1);
    memcpy(addr.sun_path, socket_path, len + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(err, "vault at %s: socket", socket_path);
    if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
        int saved = errno;
        close(fd);
        return err_set(err, ERR_UNREACHABLE, "vault at %s: %s", socket_path, strerror(saved));
    }
    *ret_fd = fd;
    return 0;
}

static uint32_t next_id(void)
{
    static uint32_t last;
    uint32_t id = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    return id != 0 ? id : __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static uint32_t stamp_id(struct msg_out *m)
{
    uint32_t id = next_id();
    if (m->buf.len >= MSG_HEADER)
        for (size_t i = 0; i < 4; i++)
            m->buf.data[ID_OFFSET + i] = (uint8_t)(id >> (24 - 8 * i));
    return id;
}

int vault_call(int fd, struct msg_out *m, struct msg_in *reply, int64_t deadline, struct err *err)
{
    uint32_t id = stamp_id(m);
    uint8_t verb = m->buf.len >= MSG_HEADER ? m->buf.data[1] : 0;
    const char *name = vault_verb_name(verb);
    if (msg_send(fd, m, deadline, err) != 0)
        return err_prepend(err, "vault %s", name);
    for (;;) {
        int got = msg_recv(fd, reply, deadline, err);
        if (got == 0)
            return err_set(err, ERR_PEER_GONE, "vault %s: the vault closed the connection", name);
        if (got < 0)
            return err_prepend(err, "vault %s", name);
        if (reply->id == id)
            break; /* an older id answers a call that was given up at its deadline */
    }
    if (!(reply->flags & MSG_REPLY) || reply->verb != verb)
        return err_set(err, ERR_PROTOCOL, "vault %s: the answer is of another verb", name);
    if (reply->flags & MSG_ERROR) {
        struct err said;
        msg_get_err(reply, &said);
        if (msg_end(reply, err) != 0)
            return err_prepend(err, "vault %s", name);
        *err = said;
        return err->code != ERR_NONE ? -1
                                     : err_set(err, ERR_PROTOCOL, "vault %s: an error without a code", name);
    }
    return 0;
}

int vault_derive_so_pin(int channel, const char *product, const char *serial, uint32_t version,
                        struct buf *so_pin, int64_t deadline, struct err *err)
{
    int rc = -1;
    struct msg_out m;
    struct msg_in reply;
    msg_out_init(&m, false);
    msg_in_init(&reply, true);

    struct vault_derive_req req = {.version = version};
    if (strlen(product) >= sizeof(req.product) || strlen(serial) >= sizeof(req.serial)) {
        err_set(err, ERR_PROTOCOL, "vault derive_so_pin: product or serial is too long");
        goto out;
    }
    memcpy(req.product, product, strlen(product) + 1);
    memcpy(req.serial, serial, strlen(serial) + 1);
    msg_begin(&m, VAULT_VERB_DERIVE_SO_PIN, 0, 0);
    vault_derive_req_put(&m, &req);
    if (vault_call(channel, &m, &reply, deadline, err) != 0)
        goto out;

    /* read in place: a struct on the stack would be one more copy of the secret */
    size_t len = 0;
    const uint8_t *pin = msg_get_bytes(&reply, SO_PIN_MAX, &len);
    if (msg_end(&reply, err) != 0)
        goto out;
    if (len == 0) {
        err_set(err, ERR_PROTOCOL, "vault derive_so_pin: an empty SO PIN");
        goto out;
    }
    buf_reset(so_pin);
    rc = buf_put(so_pin, pin, len, err);
out:
    msg_out_done(&m);
    msg_in_done(&reply);
    return rc;
}
