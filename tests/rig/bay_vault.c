#include "bay_vault.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"

struct bay_vault {
    int fd;
    pthread_t thread;
    int mood;
    unsigned int asked;
};

void bay_vault_so_pin(const char *product, const char *serial, uint32_t version, char ret[25])
{
    char text[256], hex[SHA256_HEX_SIZE];
    int n = snprintf(text, sizeof(text), "%s|%s|%u", product, serial, version);
    sha256_hex(text, (size_t)n, hex);
    snprintf(ret, 25, "%.24s", hex);
}

static void answer(struct bay_vault *v, struct msg_in *m)
{
    struct vault_derive_req q;
    struct vault_derive_rep r = {.so_pin = {.len = 24}};
    struct msg_out out;
    struct err err;
    char pin[25];
    vault_derive_req_get(m, &q);
    if (msg_end(m, &err) != 0)
        abort();
    bay_vault_so_pin(q.product, q.serial, q.version, pin);
    memcpy(r.so_pin.data, pin, 24);
    msg_out_init(&out, true);
    if (__atomic_load_n(&v->mood, __ATOMIC_SEQ_CST) == VAULT_REFUSES) {
        msg_begin(&out, m->verb, MSG_REPLY | MSG_ERROR, m->id);
        err_set(&err, ERR_REFUSED, "this job may not derive SO PINs");
        msg_put_err(&out, &err);
    } else {
        msg_begin(&out, m->verb, MSG_REPLY, m->id);
        vault_derive_rep_put(&out, &r);
    }
    msg_send(v->fd, &out, clock_mono_ms() + 1000, &err);
    msg_out_done(&out);
}

static void *serve(void *arg)
{
    struct bay_vault *v = arg;
    struct msg_in m;
    struct err err;
    msg_in_init(&m, false);
    while (msg_recv(v->fd, &m, INT64_MAX, &err) == 1) {
        __atomic_add_fetch(&v->asked, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&v->mood, __ATOMIC_SEQ_CST) != VAULT_IS_SILENT)
            answer(v, &m);
    }
    msg_in_done(&m);
    return NULL;
}

struct bay_vault *bay_vault_new(int *ret_bay_end)
{
    int ends[2];
    struct bay_vault *v = calloc(1, sizeof(*v));
    if (!v || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        abort();
    v->fd = ends[0];
    *ret_bay_end = ends[1];
    if (pthread_create(&v->thread, NULL, serve, v) != 0)
        abort();
    return v;
}

void bay_vault_free(struct bay_vault **v)
{
    if (!*v)
        return;
    shutdown((*v)->fd, SHUT_RDWR);
    pthread_join((*v)->thread, NULL);
    close((*v)->fd);
    free(*v);
    *v = NULL;
}

void bay_vault_mood(struct bay_vault *v, enum bay_vault_mood mood)
{
    __atomic_store_n(&v->mood, mood, __ATOMIC_SEQ_CST);
}

unsigned int bay_vault_asked(struct bay_vault *v)
{
    return __atomic_load_n(&v->asked, __ATOMIC_SEQ_CST);
}
