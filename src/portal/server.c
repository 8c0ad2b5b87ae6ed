#include "portal/server.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "portal/portal_conf.h"
#include "portal/server_head.h"
#include "portal/server_watch.h"

#define DRAIN_MAX                                                                                            \
    ((size_t)16 << 20) /* of a refused body: read and dropped, so that the refusal can be read */
#define BACKLOG        128
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

struct server {
    const struct server_site *site;
    int64_t request_ms, idle_ms;
    size_t max_body;
    struct MHD_Daemon *daemon;
    struct watch watch;
    atomic_int under_way;
    unsigned int port;
    int quiesced_fd; /* -1: still the daemon's */
};

/* One request while it is read. */
struct reading {
    enum problem problem;
    const char *detail;
    struct buf body;
    size_t seen;
};

/* ---- what a site asks about a request
 * ------------------------------------------------------------------------- */

struct header_search {
    const char *name, *value;
    unsigned int n;
};

static enum MHD_Result search_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_search *s = cls;
    (void)kind;
    if (strcasecmp(name, s->name) == 0) {
        s->n++;
        s->value = value ? value : "";
    }
    return MHD_YES;
}

static struct MHD_Connection *connection_of(const struct server_request *request)
{
    return (struct MHD_Connection *)(uintptr_t)request->connection; /* its functions take no const */
}

const char *server_header(const struct server_request *request, const char *name, bool *ret_many)
{
    struct header_search s = {.name = name};
    MHD_get_connection_values(connection_of(request), MHD_HEADER_KIND, search_header, &s);
    *ret_many = s.n > 1;
    return s.n == 1 ? s.value : NULL;
}

const void *server_peer_certificate(const struct server_request *request, size_t *ret_len)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection_of(request), MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned int n = 0;
    const gnutls_datum_t *list = info && info->tls_session
                                     ? gnutls_certificate_get_peers((gnutls_session_t)info->tls_session, &n)
                                     : NULL;
    if (!list || n == 0)
        return NULL;
    *ret_len = list[0].size;
    return list[0].data;
}

void server_answer_header(struct server_answer *answer, const char *name, const char *value)
{
    if (answer->n_headers < SERVER_HEADERS_MAX) {
        answer->headers[answer->n_headers].name = name;
        answer->headers[answer->n_headers++].value = value;
    }
}

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

static enum MHD_Result respond(struct server *s, struct MHD_Connection *connection,
                               const struct server_answer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body.len, answer->body.data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    for (size_t i = 0; i < answer->n_headers; i++)
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    arm(s, connection, s->request_ms);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct server *s, struct MHD_Connection *connection, enum problem problem,
                              const char *detail)
{
    struct server_answer answer = {.status = problem_status(problem)};
    buf_init(&answer.body);
    s->site->refuse(problem, detail, &answer, s->site->arg);
    enum MHD_Result result = respond(s, connection, &answer);
    buf_done(&answer.body);
    log_debug("%s: refused: %s", s->site->name, problem_code(problem));
    return result;
}

static enum MHD_Result handle(struct server *s, struct MHD_Connection *connection, const char *method,
                              const char *path, const struct reading *r)
{
    struct server_answer answer = {.status = MHD_HTTP_INTERNAL_SERVER_ERROR};
    const struct server_request request = {
        .method = method,
        .path = path,
        .has_query = MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL) > 0,
        .body = &r->body,
        .connection = connection,
    };
    buf_init(&answer.body);
    s->site->handle(&request, &answer, s->site->arg);
    enum MHD_Result result = respond(s, connection, &answer);
    buf_done(&answer.body);
    return result;
}

/* ---- reading
 * ------------------------------------------------------------------------------------------------- */

static enum MHD_Result begin(struct server *s, struct MHD_Connection *connection, const char *version,
                             void **state)
{
    struct server_head head;
    struct reading *r = calloc(1, sizeof(*r));
    if (!r)
        return MHD_NO;
    *state = r;
    atomic_fetch_add(&s->under_way, 1);
    arm(s, connection, s->request_ms);
    server_head_read(connection, version, &head);
    if (head.problem != PROBLEM_NONE) /* where this body ends is in doubt: answer and close */
        return refuse(s, connection, head.problem, head.detail);
    if (head.length > s->max_body) {
        r->problem = PROBLEM_TOO_LARGE;
        r->detail = "the body is larger than the portal takes";
        if (head.expects || head.length > DRAIN_MAX)
            return refuse(s, connection, r->problem, r->detail);
    }
    return MHD_YES;
}

static enum MHD_Result take(struct server *s, struct reading *r, const char *data, size_t *len)
{
    struct err err;
    r->seen += *len;
    if (r->problem == PROBLEM_NONE && r->seen > s->max_body) {
        r->problem = PROBLEM_TOO_LARGE;
        r->detail = "the body is larger than the portal takes";
        buf_done(&r->body);
    }
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
        return begin(s, connection, version, state);
    if (*len > 0)
        return take(s, r, data, len);
    if (r->problem != PROBLEM_NONE)
        return refuse(s, connection, r->problem, r->detail);
    return handle(s, connection, method, url, r);
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
    buf_done(&r->body);
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

static int open_socket(const struct addrinfo *a, const char *listen_at, int *ret, struct err *err)
{
    int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(err, "%s: socket", listen_at);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        err_sys(err, "%s: cannot listen", listen_at);
        close(fd);
        return -1;
    }
    *ret = fd;
    return 0;
}

static int open_listener(const char *listen_at, int *ret_fd, unsigned int *ret_port, struct err *err)
{
    char host[64], port[8];
    struct addrinfo *a = NULL,
                    hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {0};
    socklen_t len = sizeof(at);
    if (portal_conf_address(listen_at, host, sizeof(host), port, err) != 0)
        return -1;
    int rc = getaddrinfo(host, port, &hints, &a);
    if (rc != 0)
        return err_set(err, ERR_CONFIG, "'%s': %s", listen_at, gai_strerror(rc));
    rc = open_socket(a, listen_at, ret_fd, err);
    freeaddrinfo(a);
    if (rc != 0)
        return -1;
    if (getsockname(*ret_fd, &at.any, &len) != 0) {
        err_sys(err, "%s: getsockname", listen_at);
        close(*ret_fd);
        return -1;
    }
    *ret_port = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
    return 0;
}

static void *text_option(const char *text)
{
    return (void *)(uintptr_t)text; /* libmicrohttpd's options take no const; it only reads them */
}

static int start_daemon(struct server *s, const struct server_conf *c, int fd, struct err *err)
{
    struct MHD_OptionItem options[12] = {{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
                                         {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)c->connections, NULL},
                                         {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)c->idle_seconds, NULL},
                                         {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL}};
    size_t n = 4;
    unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;
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
    s->quiesced_fd = -1;
    rc = watch_start(&s->watch);
    if (rc != 0) {
        errno = rc;
        err_sys(err, "%s: thread", site->name);
    } else if (open_listener(c->listen, &fd, &s->port, err) == 0 && start_daemon(s, c, fd, err) == 0 &&
               write_port(s, c->port_file, err) == 0) {
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
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    if (s->quiesced_fd >= 0)
        close(s->quiesced_fd);
    watch_stop(&s->watch);
    free(s);
    *server = NULL;
}
