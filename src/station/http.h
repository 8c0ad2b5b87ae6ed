/* HTTPS with JSON for castationd's loop: libcurl's multi interface, mutual TLS, bounded answers, a deadline each. */
#ifndef CASTATION_STATION_HTTP_H
#define CASTATION_STATION_HTTP_H

#include <curl/curl.h>
#include <jansson.h>

#include "domain/station_conf.h"

#define HTTP_ANSWER_MAX (4u << 20)

enum http_tag { HTTP_CLAIM, HTTP_RENEW, HTTP_OUTBOX };
struct http_request {
    enum http_tag tag;
    char key[65];          /* the job or outbox row it is for */
    char path[160];        /* "/v1/claim" */
    char idempotency[65];
    char *body;            /* owned */
    int64_t started_boot_ms;
};
struct http_result {
    enum http_tag tag;
    char key[65];
    int64_t started_boot_ms;
    long status;           /* 0: no answer, or a 2xx without a JSON object, which is none: see err */
    json_t *body;          /* an object; NULL when there was none (then err says so); the caller's */
    struct err err;
};

struct http;
int http_open(struct http **ret, const struct station_conf *conf, struct err *err);
void http_close(struct http **http);
struct http_request *http_request_new(enum http_tag tag, const char *key, const char *path, const char *idempotency, json_t *body);
void http_request_free(struct http_request *r);
int http_post(struct http *http, struct http_request *request, struct err *err); /* takes the request */
int http_wait(struct http *http, struct curl_waitfd *fds, unsigned n, int timeout_ms, struct err *err);
/* 1 = one finished, 0 = none */
int http_next(struct http *http, struct http_result *ret);
size_t http_under_way(const struct http *http);

#endif
