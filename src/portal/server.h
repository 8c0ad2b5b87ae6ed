/* An HTTP listener over libmicrohttpd: what is the same for the station API and for the pages. It refuses
 * what is malformed or ambiguous, collects the bounded body, keeps every phase of a connection within a
 * deadline, and hands whole requests to its site, in a bounded number of threads of their own. The site knows
 * nothing of libmicrohttpd. */
#ifndef CASTATION_PORTAL_SERVER_H
#define CASTATION_PORTAL_SERVER_H

#include <stdbool.h>

#include "base/buf.h"
#include "portal/problem.h"

#define SERVER_HEADERS_MAX  24
#define SERVER_ADDRESS_SIZE 64
#define SERVER_LARGE        ((size_t)262144) /* a body over this needs one of server_conf.uploads */

struct server_request {
    const char *method, *path; /* path as sent: never unescaped */
    bool has_query;
    const struct buf *body;
    const char *address;    /* the client's, numeric */
    const void *connection; /* opaque: for the functions below */
};
/* The field's value when it was sent exactly once, NULL when it was not sent; *ret_many true when more than
 * once. */
const char *server_header(const struct server_request *request, const char *name, bool *ret_many);
/* NULL when there is none. */
const char *server_cookie(const struct server_request *request, const char *name);
/* Every name and value of the query as sent ("+" is a blank already, "%20" is not): server_form.h decodes. */
void server_query(const struct server_request *request,
                  void (*each)(const char *name, const char *value, void *arg), void *arg);
/* The body has been read, and is not needed any more: a file need not be in memory twice. */
void server_drop_body(const struct server_request *request);
/* DER of the certificate that the TLS client showed (not verified); NULL without one. Valid during the
 * request. */
const void *server_peer_certificate(const struct server_request *request, size_t *ret_len);

struct server_answer {
    unsigned int status;
    struct buf body;
    const void *constant; /* instead of body: lives as long as the program */
    size_t constant_len;
    struct {
        const char *name; /* constant */
        size_t value;     /* where in texts */
    } headers[SERVER_HEADERS_MAX];
    size_t n_headers;
    struct buf texts;
    bool failed; /* a header could not be kept: the answer becomes 500 */
};
void server_answer_init(struct server_answer *answer, unsigned int status);
void server_answer_done(struct server_answer *answer);  /* wipes what headers held */
void server_answer_reset(struct server_answer *answer); /* no body, no headers */
/* The value is copied. A name may be added again: Set-Cookie. */
void server_answer_header(struct server_answer *answer, const char *name, const char *value);
const char *server_answer_header_value(const struct server_answer *answer,
                                       const char *name); /* first; or NULL */

struct server_site {
    const char *name; /* for logs */
    /* Fill *answer. Runs in one of the workers, or, without workers, in a thread of the listener. */
    void (*handle)(const struct server_request *request, struct server_answer *answer, void *arg);
    /* The same for a request that never got that far. */
    void (*refuse)(enum problem problem, const char *detail, struct server_answer *answer, void *arg);
    /* NULL, or: answer in the listener's thread what needs no waiting (files from memory). False: it is not
     * such a request. */
    bool (*quick)(const struct server_request *request, struct server_answer *answer, void *arg);
    /* NULL, or: the largest body that is taken for this method and path; NULL: server_conf.max_body. */
    size_t (*body_max)(const char *method, const char *path, void *arg);
    void *arg;
};

struct server_conf {
    const char *listen;                                    /* "127.0.0.1:0" */
    const char *port_file;                                 /* "" = none */
    int64_t threads, connections, connections_per_address; /* per address 0: no limit */
    int64_t workers;            /* 0: requests are handled in the listener's threads */
    int64_t uploads;            /* bodies over SERVER_LARGE in memory at once */
    const char *address_header; /* "" or NULL: the peer's address is the client's */
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
