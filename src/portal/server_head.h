/* The head of a request: what a listener refuses before anything reads the body (RFC 9112,
 * sections 3.2, 5.1, 6.3). */
#ifndef CASTATION_PORTAL_SERVER_HEAD_H
#define CASTATION_PORTAL_SERVER_HEAD_H

#include <microhttpd.h>

#include "portal/problem.h"

struct server_head {
    enum problem problem; /* PROBLEM_NONE: go on */
    const char *detail;
    bool expects;    /* the client waits for "100 Continue" */
    uint64_t length; /* Content-Length; 0 when there is none or the body is chunked */
};

void server_head_read(struct MHD_Connection *connection, const char *version, struct server_head *ret);

#endif
