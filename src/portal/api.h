/* The station API: one table of routes drives dispatch, what bodies may hold, and what docs/openapi.yaml is
 * checked against. */
#ifndef CASTATION_PORTAL_API_H
#define CASTATION_PORTAL_API_H

#include "base/json.h"
#include "portal/acts.h"
#include "portal/portal_conf.h"
#include "portal/problem.h"

struct api_call {
    const struct portal_conf *conf;
    struct act act;
    const char *station;  /* authenticated */
    char application[41]; /* of the path; "" when it has none */
    const json_t *body;   /* checked against the route's fields */
    bool unchanged;       /* set by a run that wrote nothing: its answer need not be kept */
};

struct api_route {
    const char *method, *path; /* "/v1/applications/{id}/renew" */
    const char *operation;
    const struct json_field *fields; /* of the body; NULL: takes none */
    size_t n_fields;
    const struct json_field *answer; /* of a good answer */
    size_t n_answer;
    /* Within a transaction. *ret: the answer; the caller's. */
    int (*run)(struct api_call *call, json_t **ret, struct err *err);
    /* A kept answer is given again: bring what ages in it up to date. NULL: nothing does. */
    int (*refresh)(struct api_call *call, json_t *answer, struct err *err);
};

extern const struct api_route api_routes[];
extern const size_t api_n_routes;

/* The route of a path and method: PROBLEM_NONE with *ret and the id in the path; PROBLEM_ROUTE;
 * PROBLEM_METHOD with *ret one of another method. */
enum problem api_find(const char *method, const char *path, const struct api_route **ret, char ret_id[41]);

/* The table as JSON (caportal api). */
json_t *api_table_json(void);

/* A write: Idempotency-Key looked up, the act and its answer committed together. *ret_status and *ret_body
 * (JSON text) are what to send, for good and for ill. -1: nothing can be said but *err. */
struct api_write {
    const struct api_route *route;
    const char *key; /* checked */
    const char *request_sha256;
};
int api_write(struct api_call *call, const struct api_write *write, unsigned int *ret_status,
              struct buf *ret_body, struct err *err);

#endif
