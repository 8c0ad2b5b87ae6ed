#include "portal/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "portal/server_head.h"
#include "portal/server_listen.h"
#include "portal/server_pool.h"
#include "portal/server_request.h"
#include "portal/server_watch.h"

#define DRAIN_MAX                                                                                            \
    ((size_t)16 << 20) /* of a refused body: read and dropped, so that the refusal can be read */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

#define QUEUE_MAX 256 /* requests that wait for a worker */

struct server {
    const struct server_site *site;
    int64_t request_ms, idle_ms;
    size_t max_body;
    char address_header[64];
    struct MHD_Daemon *daemon;
    struct watch watch;
    struct pool pool;
    bool has_pool;
    atomic_int under_way;
    atomic_long uploads_left;
    unsigned int port;
    int quiesced_fd; /* -1: still the daemon's */
};

/* One request: while it is read, waits, is handled and answered. */
struct reading {
    struct server *server;
    struct MHD_Connection *connection;
    const char *method, *path;
    enum problem problem;
    const char *detail;
    struct buf body;
    size_t seen, max;
    bool upload;      /* it has one of the server's places for large bodies */
    bool answered;    /* by a worker */
    int64_t deadline; /* of handling */
    struct server_answer answer;
};

/* ---- answering
 * ----------------------------------------------------------------------------------------------- */

static struct watched *watched_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void arm(struct server *s, struct MHD_Connection *connection, int64_t ms)
{
    watch_set(&s->watch, watched_of(connection), clock_mono_ms() + ms);
}

/* The body is given away, not copied: to be freed by libmicrohttpd. */
static struct MHD_Response *response_of(struct server_answer *answer)
{
    struct MHD_Response *response;
    if (answer->constant)
        return MHD_create_response_from_buffer(answer->constant_len, (void *)(uintptr_t)answer->constant,
                                               /* it is only read */ MHD_RESPMEM_PERSISTENT);
    response = MHD_create_response_from_buffer(answer->body.len, answer->body.data, MHD_RESPMEM_MUST_FREE);
    if (response)
        buf_init(&answer->body);
    return response;
}

static enum MHD_Result respond(struct server *s, struct MHD_Connection *connection,
                               struct server_answer *answer)
{
    struct MHD_Response *response = response_of(answer);
    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < answer->n_headers; i++)
        MHD_add_response_header(response, answer->headers[i].name,
                                (const char *)answer->texts.data + answer->headers[i].value);
    if (answer->status == MHD_HTTP_SERVICE_UNAVAILABLE && !server_answer_header_value(answer, "Retry-After"))
        MHD_add_response_header(response, "Retry-After", "2");
    arm(s, connection, s->request_ms);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static void fill_refusal(const struct server *s, enum problem problem, const char *detail,
                         struct server_answer *answer)
{
    server_answer_reset(answer);
    answer->status = problem_status(problem);
    s->site->refuse(problem, detail, answer, s->site->arg);
    log_debug("%s: refused: %s", s->site->name, problem_code(problem));
}

static enum MHD_Result refuse(struct server *s, struct MHD_Connection *connection, enum problem problem,
                              const char *detail)
{
    struct server_answer answer;
    server_answer_init(&answer, problem_status(problem));
    fill_refusal(s, problem, detail, &answer);
    enum MHD_Result result = respond(s, connection, &answer);
    server_answer_done(&answer);
    return result;
}

/* ---- handling */

static void fill_request(const struct reading *r, char address[SERVER_ADDRESS_SIZE],
                         struct server_request *ret)
{
    *ret = (struct server_request){
        .method = r->method,
        .path = r->path,
        .has_query = MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, NULL, NULL) > 0,
        .body = &r->body,
        .address = address,
        .connection = r->connection,
    };
    server_request_address(ret, r->server->address_header, address);
}

static void drop_body(struct reading *r)
{
    if (r->body.data && r->body.len <= SERVER_LARGE)
        explicit_bzero(r->body.data, r->body.len); /* there may be a password in a form */
    buf_done(&r->body);
    if (r->upload)
        atomic_fetch_add(&r->server->uploads_left, 1);
    r->upload = false;
}

static void fill_answer(struct reading *r)
{
    char address[SERVER_ADDRESS_SIZE];
    struct server_request request;
    const struct server *s = r->server;
    fill_request(r, address, &request);
    s->site->handle(&request, &r->answer, s->site->arg);
    if (r->answer.failed)
        fill_refusal(s, PROBLEM_INTERNAL, "the answer could not be made", &r->answer);
    drop_body(r);
    r->answered = true;
}

/* In a worker. One that waited too long has no client any more. */
static void work(void *item, void *arg)
{
    struct reading *r = item;
    (void)arg;
    if (clock_mono_ms() < r->deadline) {
        fill_answer(r);
    } else {
        fill_refusal(r->server, PROBLEM_LOAD, "no worker was free in time", &r->answer);
        r->answered = true;
    }
    MHD_resume_connection(r->connection);
}

static bool is_quick(struct reading *r)
{
    char address[SERVER_ADDRESS_SIZE];
    struct server_request request;
    const struct server_site *site = r->server->site;
    if (!site->quick)
        return false;
    fill_request(r, address, &request);
    return site->quick(&request, &r->answer, site->arg);
}

static enum MHD_Result handle(struct reading *r)
{
    struct server *s = r->server;
    r->deadline = clock_mono_ms() + s->request_ms;
    arm(s, r->connection, s->request_ms);
    server_answer_init(&r->answer, MHD_HTTP_INTERNAL_SERVER_ERROR);
    if (is_quick(r))
        return respond(s, r->connection, &r->answer);
    if (!s->has_pool) {
        fill_answer(r);
        return respond(s, r->connection, &r->answer);
    }
    if (!pool_reserve(&s->pool))
        return refuse(s, r->connection, PROBLEM_LOAD, "too many requests wait");
    MHD_suspend_connection(r->connection);
    pool_put(&s->pool, r);
    return MHD_YES;
}

/* ---- reading */

static bool take_upload(struct reading *r)
{
    if (r->upload)
        return true;
    if (atomic_fetch_sub(&r->server->uploads_left, 1) <= 0) {
        atomic_fetch_add(&r->server->uploads_left, 1);
        return false;
    }
    r->upload = true;
    return true;
}

static void check_size(struct reading *r, uint64_t size)
{
    if (r->problem == PROBLEM_NONE && size > r->max) {
        r->problem = PROBLEM_TOO_LARGE;
        r->detail = "the body is larger than the portal takes";
    } else if (r->problem == PROBLEM_NONE && size > SERVER_LARGE && !take_upload(r)) {
        r->problem = PROBLEM_LOAD;
        r->detail = "too many files are being sent at once";
    }
    if (r->problem != PROBLEM_NONE)
        drop_body(r);
}

/* A large body may take longer than a request: as long as 64 KiB a second need. */
static int64_t time_for(const struct server *s, uint64_t length)
{
    return s->request_ms + (length > SERVER_LARGE && length <= DRAIN_MAX ? (int64_t)length / 64 : 0);
}

static enum MHD_Result begin(struct server *s, struct MHD_Connection *connection, const char *method,
                             const char *path, const char *version, void **state)
{
    struct server_head head;
    struct reading *r = calloc(1, sizeof(*r));
    if (!r)
        return MHD_NO;
    r->server = s;
    r->connection = connection;
    r->method = method;
    r->path = path;
    r->max = s->site->body_max ? s->site->body_max(method, path, s->site->arg) : s->max_body;
    *state = r;
    atomic_fetch_add(&s->under_way, 1);
    server_head_read(connection, version, &head);
    arm(s, connection, time_for(s, head.length));
    if (head.problem != PROBLEM_NONE) /* where this body ends is in doubt: answer and close */
        return refuse(s, connection, head.problem, head.detail);
    check_size(r, head.length);
    if (r->problem != PROBLEM_NONE && (head.expects || head.length > DRAIN_MAX))
        return refuse(s, connection, r->problem, r->detail);
    return MHD_YES;
}

static enum MHD_Result take(struct reading *r, const char *data, size_t *len)
{
    struct err err;
    r->seen += *len;
    check_size(r, r->seen);
    if (r->seen > DRAIN_MAX || (r->problem == PROBLEM_NONE && buf_put(&r->body, data, *len, &err) != 0))
        return MHD_NO;
    *len = 0;
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *len,
                                  void **state)
{
    struct server *s = cls;
    struct reading *r = *state;
    if (!r)
        return begin(s, connection, method, url, version, state);
    if (*len > 0)
        return take(r, data, len);
    if (r->answered)
        return respond(s, connection, &r->answer);
    if (r->problem != PROBLEM_NONE)
        return refuse(s, connection, r->problem, r->detail);
    return handle(r);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    struct server *s = cls;
    struct reading *r = *state;
    (void)how;
    arm(s, connection, s->idle_ms);
    if (!r)
        return;
    drop_body(r);
    server_answer_done(&r->answer);
    free(r);
    *state = NULL;
    atomic_fetch_sub(&s->under_way, 1);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct server *s = cls;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        watch_remove(&s->watch, *context);
        *context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *context = info ? watch_add(&s->watch, info->connect_fd, clock_mono_ms() + s->request_ms) : NULL;
}

/* Paths are compared as they are sent: an escaped one names nothing. */
static size_t no_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static void __attribute__((format(printf, 2, 0))) on_log(void *cls, const char *fmt, va_list ap)
{
    const struct server *s = cls;
    char text[512];
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    log_debug("%s: %s", s->site->name, text);
}

/* ---- starting
 * ------------------------------------------------------------------------------------------------ */

static void *text_option(const char *text)
{
    return (void *)(uintptr_t)text; /* libmicrohttpd's options take no const; it only reads them */
}

static int start_daemon(struct server *s, const struct server_conf *c, int fd, struct err *err)
{
    struct MHD_OptionItem options[16] = {{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
                                         {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)c->connections, NULL},
                                         {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)c->idle_seconds, NULL},
                                         {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL}};
    size_t n = 4;
    unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    if (s->has_pool)
        flags |= MHD_ALLOW_SUSPEND_RESUME;
    if (c->threads > 1)
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)c->threads, NULL};
    if (c->connections_per_address > 0)
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                               (intptr_t)c->connections_per_address, NULL};
    if (c->tls_certificate) {
        flags |= MHD_USE_TLS;
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, text_option(c->tls_certificate)};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, text_option(c->tls_key)};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, text_option(c->tls_client_ca)};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, text_option(TLS_PRIORITIES)};
    }
    options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, s,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
                                 on_connection, s, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, s,
                                 MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (s->daemon)
        return 0;
    /* The socket is not closed here: libmicrohttpd has done so in most of its failures, and this process
     * ends. */
    return err_set(err, c->tls_certificate ? ERR_TLS : ERR_SYSTEM, "%s: the listener on %s cannot start%s",
                   s->site->name, c->listen, c->tls_certificate ? " (are certificate and key a pair?)" : "");
}

static int write_port(const struct server *s, const char *path, struct err *err)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%u\n", s->port);
    return *path ? file_replace(path, text, (size_t)len, 0644, err) : 0;
}

static int start_pool(struct server *s, const struct server_conf *c, struct err *err)
{
    if (c->workers <= 0)
        return 0;
    int rc = pool_start(&s->pool, (size_t)c->workers, QUEUE_MAX, work, NULL);
    s->has_pool = rc == 0;
    errno = rc;
    return rc == 0 ? 0 : err_sys(err, "%s: threads", s->site->name);
}

int server_start(struct server **ret, const struct server_site *site, const struct server_conf *c,
                 struct err *err)
{
    int fd = -1, rc;
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, ERR_MEMORY, "%s", site->name);
    s->site = site;
    s->request_ms = c->request_seconds * 1000;
    s->idle_ms = c->idle_seconds * 1000;
    s->max_body = (size_t)c->max_body;
    atomic_store(&s->uploads_left, c->uploads);
    snprintf(s->address_header, sizeof(s->address_header), "%s", c->address_header ? c->address_header : "");
    s->quiesced_fd = -1;
    rc = watch_start(&s->watch);
    if (rc != 0) {
        errno = rc;
        err_sys(err, "%s: thread", site->name);
    } else if (start_pool(s, c, err) == 0 && server_listen(c->listen, &fd, &s->port, err) == 0 &&
               start_daemon(s, c, fd, err) == 0 && write_port(s, c->port_file, err) == 0) {
        *ret = s;
        return 0;
    }
    server_stop(&s);
    return -1;
}

unsigned int server_port(const struct server *server)
{
    return server->port;
}

void server_drain(struct server *s, int ms)
{
    int64_t deadline = clock_mono_ms() + ms;
    if (s->quiesced_fd < 0)
        s->quiesced_fd = MHD_quiesce_daemon(s->daemon);
    while (atomic_load(&s->under_way) > 0 && clock_mono_ms() < deadline)
        usleep(10000);
}

void server_stop(struct server **server)
{
    struct server *s = server ? *server : NULL;
    if (!s)
        return;
    pool_stop(&s->pool); /* whoever is suspended is resumed; libmicrohttpd insists on it */
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    pool_done(&s->pool);
    if (s->quiesced_fd >= 0)
        close(s->quiesced_fd);
    watch_stop(&s->watch);
    free(s);
    *server = NULL;
}
