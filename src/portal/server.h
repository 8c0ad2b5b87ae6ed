/* An HTTP listener over libmicrohttpd: what is the same for the station API and for the pages. It refuses
 * what is malformed or ambiguous, collects the bounded body, keeps every phase of a connection within a
 * deadline, and hands whole requests to its site. The site knows nothing of libmicrohttpd. */
#ifndef CASTATION_PORTAL_SERVER_H
#define CASTATION_PORTAL_SERVER_H

#include <stdbool.h>

#include "base/buf.h"
#include "portal/problem.h"

#define SERVER_HEADERS_MAX 12

struct server_request {
    const char *method, *path; /* path as sent: never unescaped */
    bool has_query;
    const struct buf *body;
    const void *connection; /* opaque: for server_header and server_peer */
};
/* The field's value when it was sent exactly once, NULL when it was not sent; *ret_many true when more than
 * once. */
const char *server_header(const struct server_request *request, const char *name, bool *ret_many);
/* DER of the certificate that the TLS client showed (not verified); NULL without one. Valid during the
 * request. */
const void *server_peer_certificate(const struct server_request *request, size_t *ret_len);

struct server_answer {
    unsigned int status;
    struct buf body;
    struct {
        const char *name;
        const char *value; /* constant */
    } headers[SERVER_HEADERS_MAX];
    size_t n_headers;
};
void server_answer_header(struct server_answer *answer, const char *name, const char *value);

struct server_site {
    const char *name; /* for logs */
    /* Fill *answer. Runs in one of the listener's threads. */
    void (*handle)(const struct server_request *request, struct server_answer *answer, void *arg);
    /* The same for a request that never got that far. */
    void (*refuse)(enum problem problem, const char *detail, struct server_answer *answer, void *arg);
    void *arg;
};

struct server_conf {
    const char *listen;                                    /* "127.0.0.1:0" */
    const char *port_file;                                 /* "" = none */
    int64_t threads, connections, connections_per_address; /* per address 0: no limit */
    int64_t request_seconds, idle_seconds, max_body;
    const char *tls_certificate, *tls_key, *tls_client_ca; /* PEM texts; all NULL: plain HTTP */
};

struct server;
/* Starts its threads. The site must outlive it. ERR_SYSTEM (address in use …), ERR_CONFIG, ERR_TLS. */
int server_start(struct server **ret, const struct server_site *site, const struct server_conf *conf,
                 struct err *err);
unsigned int server_port(const struct server *server);
/* Accept no more; wait at most `ms` for requests under way. */
void server_drain(struct server *server, int ms);
void server_stop(struct server **server);

#endif
