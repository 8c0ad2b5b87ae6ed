#include "station/http.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#define CONNECT_TIMEOUT_MS 10000L
#define CONNECTIONS_MAX    4L

struct transfer {
    struct transfer *next;
    struct http_request *request;
    CURL *easy;
    struct curl_slist *headers;
    struct buf answer;
    bool too_large;
    bool out_of_memory;
    char reason[CURL_ERROR_SIZE];
    char url[448];
    bool finished;
    CURLcode outcome;
};

struct http {
    CURLM *multi;
    struct transfer *first; /* in the order they were asked; finished ones wait here for http_next */
    size_t under_way;
    long timeout_ms;
    char url[256], ca[256], certificate[256], key[256];
};

/* What curl's outcome means for the station. What stands in no row is an answer that makes no sense. */
static const struct {
    CURLcode outcome;
    enum err_code code;
} meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_UNREACHABLE},
    {CURLE_COULDNT_CONNECT, ERR_UNREACHABLE},
    {CURLE_SEND_ERROR, ERR_UNREACHABLE},
    {CURLE_RECV_ERROR, ERR_UNREACHABLE},
    {CURLE_GOT_NOTHING, ERR_UNREACHABLE},
    {CURLE_PARTIAL_FILE, ERR_UNREACHABLE},
    {CURLE_INTERFACE_FAILED, ERR_UNREACHABLE},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
    {CURLE_SSL_CONNECT_ERROR, ERR_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_TLS},
    {CURLE_SSL_CERTPROBLEM, ERR_TLS},
    {CURLE_SSL_CIPHER, ERR_TLS},
    {CURLE_SSL_CACERT_BADFILE, ERR_TLS},
    {CURLE_SSL_ENGINE_NOTFOUND, ERR_TLS},
    {CURLE_SSL_ENGINE_SETFAILED, ERR_TLS},
    {CURLE_SSL_CRL_BADFILE, ERR_TLS},
    {CURLE_SSL_ISSUER_ERROR, ERR_TLS},
    {CURLE_SSL_SHUTDOWN_FAILED, ERR_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, ERR_TLS},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_TLS},
    {CURLE_SSL_CLIENTCERT, ERR_TLS},
    {CURLE_USE_SSL_FAILED, ERR_TLS},
    {CURLE_OUT_OF_MEMORY, ERR_MEMORY},
};

static enum err_code meaning(const struct transfer *t)
{
    /* TLS 1.3 refuses a client's certificate only after the handshake: it then shows as a broken read, and
     * only the alert's name tells it from a broken cable. */
    if ((t->outcome == CURLE_RECV_ERROR || t->outcome == CURLE_SEND_ERROR) &&
        strstr(t->reason, "alert") != NULL)
        return ERR_TLS;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].outcome == t->outcome)
            return meanings[i].code;
    return ERR_HTTP;
}

/* ---- requests ---- */

struct http_request *http_request_new(enum http_tag tag, const char *key, const char *path,
                                      const char *idempotency, json_t *body)
{
    struct http_request *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->tag = tag;
    snprintf(r->key, sizeof r->key, "%s", key);
    snprintf(r->path, sizeof r->path, "%s", path);
    snprintf(r->idempotency, sizeof r->idempotency, "%s", idempotency);
    r->started_boot_ms = clock_boot_ms();
    r->body = body != NULL ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : strdup("{}");
    if (r->body == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

void http_request_free(struct http_request *r)
{
    if (r == NULL)
        return;
    free(r->body);
    free(r);
}

static void transfer_free(struct http *http, struct transfer *t)
{
    if (t->easy != NULL) {
        if (!t->finished)
            curl_multi_remove_handle(http->multi, t->easy);
        curl_easy_cleanup(t->easy);
    }
    curl_slist_free_all(t->headers);
    http_request_free(t->request);
    buf_done(&t->answer);
    free(t);
}

/* ---- opening ---- */

static int url_check(const char *url, struct err *err)
{
    if (strncmp(url, "https://", 8) != 0 || url[8] == '\0')
        return err_set(err, ERR_CONFIG, "portal.url: \"%s\" does not begin with https://", url);
    if (strpbrk(url, "?# ") != NULL)
        return err_set(err, ERR_CONFIG, "portal.url: \"%s\": only a host, a port and a path may stand there",
                       url);
    return 0;
}

int http_open(struct http **ret, const struct station_conf *conf, struct err *err)
{
    if (url_check(conf->portal.url, err) < 0 || file_check_owner(conf->portal.key, true, err) < 0 ||
        file_check_owner(conf->portal.certificate, false, err) < 0 ||
        file_check_owner(conf->portal.ca, false, err) < 0)
        return -1;
    struct http *h = calloc(1, sizeof *h);
    if (h == NULL)
        return err_set(err, ERR_MEMORY, "HTTPS");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (h->multi = curl_multi_init()) == NULL) {
        free(h);
        return err_set(err, ERR_MEMORY, "HTTPS: libcurl does not start");
    }
    curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
    h->timeout_ms = (long)conf->portal.timeout_seconds * 1000;
    snprintf(h->url, sizeof h->url, "%s", conf->portal.url);
    for (size_t n = strlen(h->url); n > 0 && h->url[n - 1] == '/'; n--)
        h->url[n - 1] = '\0';
    memcpy(h->ca, conf->portal.ca, sizeof h->ca);
    memcpy(h->certificate, conf->portal.certificate, sizeof h->certificate);
    memcpy(h->key, conf->portal.key, sizeof h->key);
    *ret = h;
    return 0;
}

void http_close(struct http **http)
{
    struct http *h = *http;
    if (h == NULL)
        return;
    while (h->first != NULL) {
        struct transfer *t = h->first;
        h->first = t->next;
        transfer_free(h, t);
    }
    curl_multi_cleanup(h->multi);
    curl_global_cleanup();
    free(h);
    *http = NULL;
}

/* ---- sending ---- */

static size_t on_answer(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    struct err unused;
    size_t len = size * n;
    if (len > HTTP_ANSWER_MAX - t->answer.len) {
        t->too_large = true;
        return 0;
    }
    if (buf_put(&t->answer, data, len, &unused) < 0) {
        t->out_of_memory = true;
        return 0;
    }
    return len;
}

static bool header_add(struct transfer *t, const char *name, const char *value)
{
    char line[160];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (longer != NULL)
        t->headers = longer;
    return longer != NULL;
}

#define SET(option, value) (rc = rc == CURLE_OK ? curl_easy_setopt(t->easy, option, value) : rc)

/* Trust is the one CA file and nothing of the system's; nothing leads elsewhere: no proxy, no redirect. An
 * empty KEYPASSWD keeps a key with a passphrase from asking for it on the daemon's terminal. */
static CURLcode tls_options(const struct http *h, struct transfer *t)
{
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CAINFO, h->ca);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_SSLCERT, h->certificate);
    SET(CURLOPT_SSLKEY, h->key);
    SET(CURLOPT_KEYPASSWD, "");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    return rc;
}

static CURLcode request_options(const struct http *h, struct transfer *t)
{
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_URL, t->url);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(t->request->body));
    SET(CURLOPT_POSTFIELDS, t->request->body);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_USERAGENT, "castationd/" CASTATION_VERSION);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, h->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, h->timeout_ms < CONNECT_TIMEOUT_MS ? h->timeout_ms : CONNECT_TIMEOUT_MS);
    SET(CURLOPT_WRITEFUNCTION, on_answer);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_ERRORBUFFER, t->reason);
    SET(CURLOPT_PRIVATE, t);
    return rc;
}

static CURLcode transfer_start(struct http *h, struct transfer *t)
{
    /* "Expect:" empty: no waiting for a 100 that a portal may never send. */
    if (t->easy == NULL || !header_add(t, "Content-Type", "application/json") ||
        !header_add(t, "Accept", "application/json, application/problem+json") ||
        !header_add(t, "Expect", "") ||
        (t->request->idempotency[0] != '\0' && !header_add(t, "Idempotency-Key", t->request->idempotency)))
        return CURLE_OUT_OF_MEMORY;
    CURLcode rc = tls_options(h, t);
    if (rc == CURLE_OK)
        rc = request_options(h, t);
    if (rc == CURLE_OK && curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)
        rc = CURLE_FAILED_INIT;
    return rc;
}

int http_post(struct http *http, struct http_request *request, struct err *err)
{
    struct transfer *t = calloc(1, sizeof *t), **last = &http->first;
    if (t == NULL) {
        http_request_free(request);
        return err_set(err, ERR_MEMORY, "a request to %s", http->url);
    }
    t->request = request;
    buf_init(&t->answer);
    snprintf(t->url, sizeof t->url, "%s%s", http->url, request->path);
    t->easy = curl_easy_init();
    while (*last != NULL)
        last = &(*last)->next;
    *last = t;
    http->under_way++;
    /* A request that cannot start ends like one that failed on its way: http_next tells of every request. */
    t->outcome = transfer_start(http, t);
    if (t->outcome != CURLE_OK)
        t->finished = true;
    return 0;
}

int http_wait(struct http *http, struct curl_waitfd *fds, unsigned n, int timeout_ms, struct err *err)
{
    for (const struct transfer *t = http->first; t != NULL; t = t->next)
        if (t->finished)
            timeout_ms = 0;
    CURLMcode rc = curl_multi_poll(http->multi, fds, n, timeout_ms, NULL);
    if (rc != CURLM_OK)
        return err_set(err, ERR_SYSTEM, "wait for events: %s", curl_multi_strerror(rc));
    int running = 0, left = 0;
    rc = curl_multi_perform(http->multi, &running);
    if (rc != CURLM_OK)
        return err_set(err, ERR_SYSTEM, "HTTPS: %s", curl_multi_strerror(rc));
    const CURLMsg *m = NULL;
    while ((m = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) != CURLE_OK ||
            t == NULL)
            continue;
        t->outcome = m->data.result; /* before remove_handle, which ends the message */
        t->finished = true;
        curl_multi_remove_handle(http->multi, t->easy);
    }
    return 0;
}

/* ---- answers ---- */

static void answer_failed(const struct transfer *t, struct http_result *r)
{
    if (t->too_large)
        err_set(&r->err, ERR_HTTP, "%s: the answer is over %u bytes", t->url, HTTP_ANSWER_MAX);
    else if (t->out_of_memory)
        err_set(&r->err, ERR_MEMORY, "%s: the answer", t->url);
    else
        err_set(&r->err, meaning(t), "%s: %s", t->url,
                t->reason[0] != '\0' ? t->reason : curl_easy_strerror(t->outcome));
}

/* A success that is no JSON object is no success: something else than the portal may have given it, and
 * nothing is believed because of it. */
static void answer_read(const struct transfer *t, struct http_result *r)
{
    struct err why;
    err_clear(&why);
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &r->status);
    const long status = r->status;
    if (t->answer.len > 0)
        r->body = json_parse(t->answer.data, t->answer.len, &why);
    if (json_is_object(r->body))
        return;
    json_decref(r->body);
    r->body = NULL;
    if (status >= 200 && status <= 299)
        r->status = 0;
    if (t->answer.len == 0)
        err_set(&r->err, ERR_HTTP, "%s: answered %ld and nothing else%s", t->url, status,
                status >= 300 && status <= 399 ? "; redirects are not followed" : "");
    else if (why.code != ERR_NONE)
        err_set(&r->err, ERR_HTTP, "%s: answered %ld, and not with JSON: %s", t->url, status, why.text);
    else
        err_set(&r->err, ERR_HTTP, "%s: answered %ld with JSON that is no object", t->url, status);
}

int http_next(struct http *http, struct http_result *ret)
{
    struct transfer **at = &http->first;
    while (*at != NULL && !(*at)->finished)
        at = &(*at)->next;
    struct transfer *t = *at;
    if (t == NULL)
        return 0;
    *at = t->next;
    http->under_way--;

    struct http_result r = {.tag = t->request->tag, .started_boot_ms = t->request->started_boot_ms};
    memcpy(r.key, t->request->key, sizeof r.key);
    if (t->outcome == CURLE_OK)
        answer_read(t, &r);
    else
        answer_failed(t, &r);
    transfer_free(http, t);
    *ret = r;
    return 1;
}

size_t http_under_way(const struct http *http)
{
    return http->under_way;
}
