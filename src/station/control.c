/* The control socket: accept, read, dispatch by one table, answer after the commit. */
#include "station/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/call.h"
#include "base/log.h"

#define COMMAND_SIZE 32

/* ---- commands ---- */

static const struct json_field job_fields[] = {{"job", JSON_FIELD_STR, true, 40}};
static const struct json_field serial_fields[] = {{"serial", JSON_FIELD_STR, true, SERIAL_SIZE - 1}};
static const struct json_field list_fields[] = {{"limit", JSON_FIELD_INT, false, CONTROL_LIST_MAX}};
static const struct json_field state_fields[] = {{"state", JSON_FIELD_STR, false, 16},
                                                 {"limit", JSON_FIELD_INT, false, CONTROL_LIST_MAX}};
static const struct json_field reason_fields[] = {{"serial", JSON_FIELD_STR, true, SERIAL_SIZE - 1},
                                                  {"reason", JSON_FIELD_STR, true, 200}};
static const struct json_field rows_fields[] = {{"rows", JSON_FIELD_ARRAY, true, CONTROL_LIST_MAX}};

#define FIELDS(f) f, sizeof(f) / sizeof((f)[0])
static const struct command {
    const char *name;
    CONTROL_HANDLER((*handler));
    const struct json_field *fields;
    size_t n_fields;
    bool reading; /* changes nothing: answered while the station stops, too */
} commands[] = {
    {"status", view_status, NULL, 0, true},
    {"bays", view_bays, NULL, 0, true},
    {"rack", view_rack, NULL, 0, true},
    {"jobs", view_jobs, FIELDS(state_fields), true},
    {"job", view_job, FIELDS(job_fields), true},
    {"tokens", view_tokens, FIELDS(state_fields), true},
    {"token", view_token, FIELDS(serial_fields), true},
    {"stock_list", view_stock, FIELDS(list_fields), true},
    {"stock_add", act_stock_add, FIELDS(rows_fields), false},
    {"retry", act_retry, FIELDS(job_fields), false},
    {"quarantine", act_quarantine, FIELDS(reason_fields), false},
    {"unquarantine", act_unquarantine, FIELDS(serial_fields), false},
    {"recycle", act_recycle, FIELDS(serial_fields), false},
    {"letter", act_letter, FIELDS(serial_fields), false},
};

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* ---- what handlers share ---- */

int call_refused(struct err *fail, enum err_code code, const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(fail, code, "%s", text);
    return CALL_REFUSED;
}

int call_not_read(const struct err *why, struct err *fail, struct err *err)
{
    if (why->code == ERR_NOT_FOUND) {
        *fail = *why;
        return CALL_REFUSED;
    }
    *err = *why;
    return -1;
}

int call_done(json_t **ret, struct err *err)
{
    *ret = json_object();
    return *ret != NULL ? CALL_DONE : err_set(err, ERR_MEMORY, "an answer");
}

int64_t control_limit(const struct control_call *call)
{
    return json_object_get(call->arguments, "limit") != NULL ? json_int(call->arguments, "limit")
                                                             : CONTROL_LIST_DEFAULT;
}

/* ---- clients ---- */

static void client_drop(struct station *st, size_t client)
{
    struct control *c = &st->control;
    close(c->clients[client].fd);
    c->clients[client] = c->clients[--c->n_clients];
}

static size_t oldest_client(const struct control *c)
{
    size_t oldest = 0;
    for (size_t i = 1; i < c->n_clients; i++)
        if (c->clients[i].serial < c->clients[oldest].serial)
            oldest = i;
    return oldest;
}

/* With every place taken the oldest connection makes room: one that hangs must not keep the operator out. */
int control_accept(struct station *st, struct err *err)
{
    (void)err;
    struct control *c = &st->control;
    int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            log_warning("control: accept: %s", strerror(errno));
        return 0;
    }
    if (c->n_clients == CONTROL_CLIENTS_MAX) {
        log_warning("control: %d clients are connected; the oldest is dropped", CONTROL_CLIENTS_MAX);
        client_drop(st, oldest_client(c));
    }
    c->clients[c->n_clients++] = (struct control_client){.fd = fd, .serial = ++c->next_serial};
    return 0;
}

/* Root and the daemon's own user. */
static int peer_check(int fd, char ret_actor[CONTROL_ACTOR_SIZE], struct err *fail)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return err_sys(fail, "peer credentials");
    if (peer.uid != 0 && peer.uid != geteuid())
        return err_set(fail, ERR_PERMISSION, "uid %u may not command castationd; run it as root or as uid %u",
                       (unsigned)peer.uid, (unsigned)geteuid());
    snprintf(ret_actor, CONTROL_ACTOR_SIZE, "uid %u", (unsigned)peer.uid);
    return 0;
}

/* ---- one request ---- */

static int call_check(const struct station *st, const struct command *command, const char *name,
                      const json_t *arguments, struct err *fail)
{
    if (command == NULL)
        return err_set(fail, ERR_USAGE, "\"%s\" is no command of castationd " CASTATION_VERSION, name);
    if (json_check(arguments, "", command->fields, command->n_fields, fail) < 0)
        return -1;
    const json_t *limit = json_object_get(arguments, "limit");
    if (limit != NULL && json_integer_value(limit) < 1)
        return err_set(fail, ERR_FIELD, "limit: must be 1 to %d", CONTROL_LIST_MAX);
    if (st->stopping && !command->reading)
        return err_set(fail, ERR_STOPPED, "%s: castationd is stopping", name);
    return 0;
}

static void reply_later(struct station *st, const struct control_call *call, json_t *result,
                        const struct err *fail)
{
    struct effect *e = effect_new(st, EFFECT_REPLY);
    e->client = call->client;
    e->client_serial = call->client_serial;
    e->client_id = call->id;
    e->result = result;
    if (result == NULL)
        e->error = *fail;
}

static int call_run(struct station *st, const char *name, struct control_call *call, struct err *err)
{
    struct err fail = {0};
    json_t *result = NULL;
    const struct command *command = command_find(name);
    int rc = CALL_REFUSED;
    if (call_check(st, command, name, call->arguments, &fail) == 0)
        rc = command->handler(st, call, &result, &fail, err);
    if (rc < 0)
        return err_prepend(err, "control: %s", name);
    if (rc != CALL_LATER)
        reply_later(st, call, rc == CALL_DONE ? result : NULL, &fail);
    return 0;
}

/* A message that is no request: said once, at once (nothing was changed that could have to wait for the
 * commit), and the connection ends. */
static void client_refuse(struct station *st, size_t client, uint32_t id, const struct err *why)
{
    struct err unsent;
    log_err(why, "control");
    call_reply_err(st->control.clients[client].fd, id, why, &unsent);
    client_drop(st, client);
}

static int request_read(struct station *st, size_t client, struct msg_in *m, struct err *err)
{
    const struct control_client *c = &st->control.clients[client];
    struct control_call call = {.client = c->fd, .client_serial = c->serial, .id = m->id, .message = m};
    char name[COMMAND_SIZE];
    struct err why;
    json_t *arguments = NULL;
    if (peer_check(c->fd, call.actor, &why) < 0 || call_parse(m, name, sizeof name, &arguments, &why) < 0) {
        client_refuse(st, client, m->id, &why);
        return 0;
    }
    call.arguments = arguments;
    int rc = call_run(st, name, &call, err);
    json_decref(arguments);
    return rc;
}

int control_readable(struct station *st, size_t client, struct err *err)
{
    if (client >= st->control.n_clients)
        return 0; /* it was dropped earlier in this turn */
    struct msg_in m;
    struct err why;
    int rc = 0;
    msg_in_init(&m, false);
    int got = msg_recv(st->control.clients[client].fd, &m, 0, &why);
    if (got == 1)
        rc = request_read(st, client, &m, err);
    else if (got == 0)
        client_drop(st, client);
    else if (why.code != ERR_TIMEOUT)
        client_refuse(st, client, 0, &why);
    msg_in_done(&m);
    return rc;
}
