#include "vault/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "vault/verbs.h"

#define CLIENTS_MAX      32
#define CLIENTS_PER_USER 16
#define ANSWER_MS        10000 /* a client may leave an answer for this long */
#define BEAT_MS          2000
#define CEREMONY_SECONDS 900 /* ca_init: RSA keys in a slow HSM */

struct client {
    int fd; /* -1: free */
    uid_t uid;
    struct msg_out waiting; /* an answer that the client does not take yet */
    bool is_waiting;
    int64_t waiting_until;
    int close_after;
};

struct server {
    struct vault *vault;
    int listener;
    struct client clients[CLIENTS_MAX];
    struct msg_in in; /* one for all: each request is done with before the next is read */
    int64_t next_beat;
};

/* ---- verbs -------------------------------------------------------------------------------------- */

enum who { WHO_S, WHO_C };

static const struct verb {
    const char *name;
    enum who who;
    int (*function)(struct vault *v, struct request *rq, struct err *err);
} verbs[VAULT_VERB_COUNT] = {
#define V(VERB, name, who) [VAULT_VERB_##VERB] = {#name, WHO_##who, verb_##name},
    VAULT_VERBS(V)
#undef V
};

static const char deadline_passed[] =
    "castation-vault: the HSM did not answer in time; ending to be started again\n";

static void on_deadline(int signal_number)
{
    (void)signal_number;
    ssize_t n = write(STDERR_FILENO, deadline_passed, sizeof(deadline_passed) - 1);
    (void)n;
    _exit(VAULT_EXIT_AGAIN);
}

void server_deadline(unsigned seconds)
{
    struct sigaction action = {.sa_handler = on_deadline};
    if (seconds > 0)
        sigaction(SIGALRM, &action, NULL);
    alarm(seconds);
}

/* Refusals are logged one and all. What is refused faster than is worth a log costs the client its
 * connection, so that a log full of refusals fills no disk. -1: it does. */
static int log_refusal(struct vault *v, const struct verb *verb, const struct request *rq,
                       const struct err *why)
{
    struct err err;
    if (verb->function == verb_status || verb->function == verb_lookup || verb->function == verb_unlock ||
        v->again)
        return 0;
    if (!rate_take(&v->refusal_rate, clock_mono_ms()))
        return -1;
    char text[ERR_TEXT_SIZE];
    memcpy(text, why->text, sizeof(text));
    utf8_scrub(text);
    if (vault_record(v, RECORD_REFUSED,
                     json_pack("{s:s, s:s, s:s, s:s, s:s}", "verb", verb->name, "job", rq->job, "rule",
                               rq->rule ? rq->rule : "", "code", err_name(why->code), "text", text),
                     &err) != 0)
        vault_saying(v, SAY_WARNING, "%s", err.text);
    vault_saying(v, SAY_WARNING, "%s refused: %s", verb->name, text);
    return 0;
}

/* Build the answer to s->in. -1: drop the client. */
static int answer(struct server *s, struct request *rq, const struct registration *channel)
{
    struct vault *v = s->vault;
    struct err err;
    unsigned number = s->in.verb;
    if (number == VAULT_NONE || number >= VAULT_VERB_COUNT || (s->in.flags & (MSG_REPLY | MSG_ERROR)) != 0)
        return -1;
    const struct verb *verb = &verbs[number];
    if (channel && verb->who != WHO_C)
        return -1;
    rq->in = &s->in;
    rq->channel = channel;
    rq->close_after = -1;
    msg_begin(rq->out, (uint8_t)number, MSG_REPLY, s->in.id);
    err_clear(&err);
    server_deadline(verb->function == verb_ca_init ? CEREMONY_SECONDS : (unsigned)v->conf.hsm_seconds);
    int rc = verb->function(v, rq, &err);
    server_deadline(0);
    if (rc == 0)
        return 0;
    v->again = v->again || err.code == ERR_HSM_GONE;
    if (rq->nonsense || log_refusal(v, verb, rq, &err) != 0)
        return -1;
    msg_begin(rq->out, (uint8_t)number, MSG_REPLY | MSG_ERROR, s->in.id);
    msg_put_err(rq->out, &err);
    return 0;
}

/* ---- clients ------------------------------------------------------------------------------------ */

static void drop(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    if (c->close_after >= 0)
        close(c->close_after);
    msg_out_done(&c->waiting);
    memset(c, 0, sizeof(*c));
    c->fd = c->close_after = -1;
}

static bool may_speak(const struct vault *v, uid_t uid)
{
    if (uid == getuid() || uid == 0) /* root could become either */
        return true;
    for (size_t i = 0; i < v->conf.n_users; i++)
        if (v->conf.users[i] == uid)
            return true;
    return false;
}

static struct client *place_for(struct server *s, uid_t uid)
{
    struct client *free_one = NULL;
    unsigned of_user = 0;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (s->clients[i].fd < 0)
            free_one = &s->clients[i];
        else if (s->clients[i].uid == uid)
            of_user++;
    }
    return of_user < CLIENTS_PER_USER ? free_one : NULL;
}

static void accept_client(struct server *s)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct client *c = NULL;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || !may_speak(s->vault, peer.uid))
        vault_saying(s->vault, SAY_WARNING, "a connection of user %u was refused: see allow_users", peer.uid);
    else if (!(c = place_for(s, peer.uid)))
        vault_saying(s->vault, SAY_WARNING, "a connection of user %u was refused: too many", peer.uid);
    if (!c) {
        close(fd);
        return;
    }
    c->fd = fd;
    c->uid = peer.uid;
    c->close_after = -1;
    msg_out_init(&c->waiting, true);
}

/* 0: the answer has gone out, or waits. -1: the client is to be dropped. */
static int send_answer(struct client *c)
{
    struct err err;
    if (msg_send(c->fd, &c->waiting, 0, &err) != 0) {
        if (err.code != ERR_TIMEOUT)
            return -1;
        if (!c->is_waiting)
            c->waiting_until = clock_mono_ms() + ANSWER_MS;
        c->is_waiting = true;
        return clock_mono_ms() < c->waiting_until ? 0 : -1;
    }
    c->is_waiting = false;
    buf_reset(&c->waiting.buf); /* a secret does not wait for the next answer to be overwritten */
    if (c->close_after >= 0)
        close(c->close_after);
    c->close_after = -1;
    return 0;
}

static void serve_client(struct server *s, struct client *c)
{
    struct err err;
    struct request rq = {.out = &c->waiting, .close_after = -1};
    int rc = 0;
    if (!c->is_waiting) {
        int got = msg_recv(c->fd, &s->in, 0, &err);
        if (got < 0 && err.code == ERR_TIMEOUT)
            return;
        rc = got == 1 ? answer(s, &rq, NULL) : -1;
        c->close_after = rq.close_after;
        if (rc != 0 && got != 0)
            vault_saying(s->vault, SAY_WARNING, "user %u sent what cannot be answered: disconnected", c->uid);
    }
    if (rc != 0 || send_answer(c) != 0)
        drop(c);
}

/* A bay on its own channel. */
static void serve_channel(struct server *s, struct registration *e)
{
    struct err err;
    struct msg_out out;
    struct request rq = {.out = &out, .close_after = -1};
    msg_out_init(&out, true);
    err_clear(&err);
    int got = msg_recv(e->channel, &s->in, 0, &err);
    if (got == 1 || err.code != ERR_TIMEOUT) {
        if (got != 1 || answer(s, &rq, e) != 0 || msg_send(e->channel, &out, 0, &err) != 0)
            registry_drop(&s->vault->registry, e);
    }
    msg_out_done(&out);
}

/* ---- socket ------------------------------------------------------------------------------------- */

static int bind_socket(struct server *s, struct err *err)
{
    const struct vault_conf *conf = &s->vault->conf;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    memcpy(addr.sun_path, conf->socket, strlen(conf->socket) + 1);
    if (lstat(conf->socket, &st) == 0) {
        if (!S_ISSOCK(st.st_mode))
            return err_set(err, ERR_EXISTS, "%s is there and is no socket", conf->socket);
        unlink(conf->socket); /* whose it was is gone: the state folder's lock is ours */
    }
    s->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0 || bind(s->listener, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
        return err_sys(err, "%s", conf->socket);
    /* other users get as far as SO_PEERCRED, if the folder lets them */
    if (chmod(conf->socket, conf->n_users > 0 ? 0666 : 0600) != 0 || listen(s->listener, CLIENTS_MAX) != 0)
        return err_sys(err, "%s", conf->socket);
    return 0;
}

int server_open(struct vault *v, struct server **ret, struct err *err)
{
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, ERR_MEMORY, "a server");
    s->vault = v;
    s->listener = -1;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        s->clients[i].fd = s->clients[i].close_after = -1;
    msg_in_init(&s->in, true);
    if (bind_socket(s, err) != 0) {
        if (s->listener >= 0)
            close(s->listener);
        msg_in_done(&s->in);
        free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void server_close(struct server **sp)
{
    struct server *s = sp ? *sp : NULL;
    if (!s)
        return;
    unlink(s->vault->conf.socket);
    close(s->listener);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        drop(&s->clients[i]);
    msg_in_done(&s->in);
    free(s);
    *sp = NULL;
}

/* ---- loop --------------------------------------------------------------------------------------- */

/* Whose is poll entry i: neither means stop_fd (0) or the listener (1). */
struct owner {
    struct client *client;
    struct registration *channel;
};
#define POLL_MAX (2 + CLIENTS_MAX + REGISTRATIONS_MAX)

static size_t fill(struct server *s, int stop_fd, struct pollfd fds[POLL_MAX], struct owner owners[POLL_MAX])
{
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = s->listener, .events = POLLIN};
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &s->clients[i];
        if (c->fd < 0)
            continue;
        owners[n] = (struct owner){.client = c};
        fds[n++] = (struct pollfd){.fd = c->fd, .events = c->is_waiting ? POLLOUT : POLLIN};
    }
    for (size_t i = 0; i < REGISTRATIONS_MAX; i++) {
        struct registration *e = &s->vault->registry.entries[i];
        if (e->channel < 0)
            continue;
        owners[n] = (struct owner){.channel = e};
        fds[n++] = (struct pollfd){.fd = e->channel, .events = POLLIN};
    }
    return n;
}

static void beat(struct server *s)
{
    struct err err;
    int64_t now = clock_mono_ms();
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (s->clients[i].is_waiting && now >= s->clients[i].waiting_until)
            drop(&s->clients[i]);
    if (now < s->next_beat)
        return;
    server_deadline((unsigned)s->vault->conf.hsm_seconds);
    if (vault_beat(s->vault, &err) != 0)
        vault_saying(s->vault, SAY_WARNING, "%s", err.text);
    server_deadline(0);
    s->next_beat = clock_mono_ms() + BEAT_MS;
}

int server_run(struct server *s, int stop_fd)
{
    struct pollfd fds[POLL_MAX];
    struct owner owners[POLL_MAX];
    s->next_beat = clock_mono_ms() + BEAT_MS;
    while (!s->vault->again) {
        size_t n = fill(s, stop_fd, fds, owners);
        int ready = poll(fds, n, clock_left_ms(s->next_beat));
        if (ready < 0 && errno != EINTR)
            return VAULT_EXIT_AGAIN;
        if (ready > 0 && fds[0].revents != 0)
            return 0;
        for (size_t i = 2; ready > 0 && i < n && !s->vault->again; i++) {
            if (fds[i].revents == 0)
                continue;
            if (owners[i].client)
                serve_client(s, owners[i].client);
            else if (owners[i].channel->channel ==
                     fds[i].fd) /* a registration in this turn may have replaced it */
                serve_channel(s, owners[i].channel);
        }
        if (ready > 0 && fds[1].revents != 0)
            accept_client(s);
        beat(s);
    }
    return VAULT_EXIT_AGAIN;
}
