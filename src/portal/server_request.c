/* What a site asks about a request, and what it answers with. */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>

#include "portal/server_request.h"

static struct MHD_Connection *connection_of(const struct server_request *request)
{
    return (struct MHD_Connection *)(uintptr_t)request->connection; /* its functions take no const */
}

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

const char *server_header(const struct server_request *request, const char *name, bool *ret_many)
{
    struct header_search s = {.name = name};
    MHD_get_connection_values(connection_of(request), MHD_HEADER_KIND, search_header, &s);
    *ret_many = s.n > 1;
    return s.n == 1 ? s.value : NULL;
}

const char *server_cookie(const struct server_request *request, const char *name)
{
    return MHD_lookup_connection_value(connection_of(request), MHD_COOKIE_KIND, name);
}

struct query_walk {
    void (*each)(const char *name, const char *value, void *arg);
    void *arg;
};

static enum MHD_Result walk_query(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    const struct query_walk *w = cls;
    (void)kind;
    w->each(name, value ? value : "", w->arg);
    return MHD_YES;
}

void server_query(const struct server_request *request,
                  void (*each)(const char *name, const char *value, void *arg), void *arg)
{
    struct query_walk w = {each, arg};
    MHD_get_connection_values(connection_of(request), MHD_GET_ARGUMENT_KIND, walk_query, &w);
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

void server_drop_body(const struct server_request *request)
{
    struct buf *body = (struct buf *)(uintptr_t)request->body; /* const for sites, but for this */
    if (body->data && body->len <= SERVER_LARGE)
        explicit_bzero(body->data, body->len); /* there may be a password in a form */
    buf_done(body);
}

/* ---- the client's address */

static bool is_address(const char *s)
{
    unsigned char any[16];
    return inet_pton(AF_INET, s, any) == 1 || inet_pton(AF_INET6, s, any) == 1;
}

static void peer_address(const struct server_request *request, char ret[SERVER_ADDRESS_SIZE])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection_of(request), MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    const void *bytes = NULL;
    ret[0] = '\0';
    if (a && a->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
    else if (a && a->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    if (bytes && !inet_ntop(a->sa_family, bytes, ret, SERVER_ADDRESS_SIZE))
        ret[0] = '\0';
}

void server_request_address(const struct server_request *request, const char *header,
                            char ret[SERVER_ADDRESS_SIZE])
{
    bool many = false;
    const char *named = header && *header ? server_header(request, header, &many) : NULL;
    if (named && strlen(named) < SERVER_ADDRESS_SIZE && is_address(named))
        memcpy(ret, named, strlen(named) + 1);
    else
        peer_address(request, ret);
}

/* ---- the answer */

void server_answer_init(struct server_answer *answer, unsigned int status)
{
    memset(answer, 0, sizeof(*answer));
    answer->status = status;
    buf_init(&answer->body);
    buf_init(&answer->texts);
}

static void drop_texts(struct server_answer *answer)
{
    if (answer->texts.data)
        explicit_bzero(answer->texts.data, answer->texts.len);
    buf_reset(&answer->texts);
    answer->n_headers = 0;
}

void server_answer_done(struct server_answer *answer)
{
    drop_texts(answer);
    buf_done(&answer->texts);
    buf_done(&answer->body);
    answer->constant = NULL;
}

void server_answer_reset(struct server_answer *answer)
{
    drop_texts(answer);
    buf_reset(&answer->body);
    answer->constant = NULL;
    answer->constant_len = 0;
    answer->failed = false;
}

void server_answer_header(struct server_answer *answer, const char *name, const char *value)
{
    struct err err;
    size_t at = answer->texts.len;
    if (answer->n_headers == SERVER_HEADERS_MAX ||
        buf_put(&answer->texts, value, strlen(value) + 1, &err) != 0) {
        answer->failed = true;
        return;
    }
    answer->headers[answer->n_headers].name = name;
    answer->headers[answer->n_headers++].value = at;
}

const char *server_answer_header_value(const struct server_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->n_headers; i++)
        if (strcasecmp(answer->headers[i].name, name) == 0)
            return (const char *)answer->texts.data + answer->headers[i].value;
    return NULL;
}
