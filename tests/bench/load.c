/* Asks a server on loopback one request over and over, over connections that stay open, and says how that
 * went. usage: load PORT CONNECTIONS SECONDS FILE…   FILE: one whole HTTP/1.1 request each; a connection
 * takes them in turn. Prints a line of JSON: requests, seconds, per_second, p50_ms, p99_ms, max_ms, and how
 * many answers of each class. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define CONNECTIONS_MAX 64
#define FILES_MAX       64
#define HEAD_MAX        16384
#define TIMES_MAX       2000000

struct worker {
    pthread_t thread;
    size_t first; /* of the requests */
    uint32_t *us; /* of each answer */
    size_t n, class_[6], failed;
};

static struct buf requests[FILES_MAX];
static size_t n_requests;
static uint16_t port;
static int64_t end_ms;

static int dial(void)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {.tv_sec = 60};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The body's length; -1 when the head does not say. */
static long length_of(const char *head)
{
    const char *at = strcasestr(head, "\r\nContent-Length:");
    return at ? strtol(at + strlen("\r\nContent-Length:"), NULL, 10) : -1;
}

/* The status, the answer read to its end; 0 when there is none. *ret_closes: the server will close. */
static int read_answer(int fd, bool *ret_closes)
{
    char head[HEAD_MAX + 1], rest[65536];
    size_t n = 0;
    char *body;
    do {
        ssize_t got = n < HEAD_MAX ? recv(fd, head + n, HEAD_MAX - n, 0) : 0;
        if (got <= 0)
            return 0;
        n += (size_t)got;
        head[n] = 0;
        body = strstr(head, "\r\n\r\n");
    } while (!body);
    long left = length_of(head);
    *ret_closes = strcasestr(head, "\r\nConnection: close") != NULL;
    left = left < 0 ? 0 : left - (long)(n - (size_t)(body + 4 - head));
    while (left > 0) {
        ssize_t got = recv(fd, rest, (size_t)left < sizeof(rest) ? (size_t)left : sizeof(rest), 0);
        if (got <= 0)
            return 0;
        left -= got;
    }
    return (int)strtol(head + strlen("HTTP/1.1 "), NULL, 10);
}

static void count(struct worker *w, int status, int64_t us)
{
    if (status < 100 || status > 599) {
        w->failed++;
        return;
    }
    w->class_[status / 100]++;
    if (w->n < TIMES_MAX)
        w->us[w->n++] = (uint32_t)us;
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    int fd = -1;
    for (size_t i = w->first; clock_mono_ms() < end_ms && w->failed < 100; i++) {
        const struct buf *request = &requests[i % n_requests];
        bool closes = false;
        int status = 0;
        int64_t from = now_us();
        if (fd < 0)
            fd = dial();
        if (fd >= 0 && send(fd, request->data, request->len, MSG_NOSIGNAL) == (ssize_t)request->len)
            status = read_answer(fd, &closes);
        count(w, status, now_us() - from);
        if (fd >= 0 && (status == 0 || closes)) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void report(struct worker *workers, size_t n_workers, double seconds)
{
    static uint32_t all[TIMES_MAX];
    size_t n = 0, class_[6] = {0}, failed = 0;
    for (size_t i = 0; i < n_workers; i++) {
        for (size_t k = 0; k < workers[i].n && n < TIMES_MAX; k++)
            all[n++] = workers[i].us[k];
        for (size_t k = 0; k < 6; k++)
            class_[k] += workers[i].class_[k];
        failed += workers[i].failed;
    }
    qsort(all, n, sizeof(all[0]), by_time);
    printf("{\"requests\": %zu, \"seconds\": %.2f, \"per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"max_ms\": %.3f, \"2xx\": %zu, \"3xx\": %zu, \"4xx\": %zu, \"5xx\": %zu, \"failed\": %zu}\n",
           n, seconds, (double)n / seconds, n ? all[n / 2] / 1e3 : 0, n ? all[n * 99 / 100] / 1e3 : 0,
           n ? all[n - 1] / 1e3 : 0, class_[2], class_[3], class_[4], class_[5], failed);
}

int main(int argc, char **argv)
{
    static struct worker workers[CONNECTIONS_MAX];
    struct err err;
    size_t n = argc > 4 ? strtoul(argv[2], NULL, 10) : 0;
    long seconds = argc > 4 ? strtol(argv[3], NULL, 10) : 0;
    if (n == 0 || n > CONNECTIONS_MAX || seconds <= 0 || argc - 4 > FILES_MAX)
        return fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS FILE...\n"), 2;
    port = (uint16_t)strtoul(argv[1], NULL, 10);
    for (int i = 4; i < argc; i++) {
        buf_init(&requests[n_requests]);
        if (file_read(argv[i], 1 << 20, &requests[n_requests++], &err) != 0)
            return fprintf(stderr, "load: %s\n", err.text), 1;
    }
    int64_t from = now_us();
    end_ms = clock_mono_ms() + seconds * 1000;
    for (size_t i = 0; i < n; i++) {
        workers[i].first = i;
        workers[i].us = malloc(TIMES_MAX * sizeof(uint32_t));
        if (!workers[i].us || pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return fprintf(stderr, "load: no memory\n"), 1;
    }
    for (size_t i = 0; i < n; i++)
        pthread_join(workers[i].thread, NULL);
    report(workers, n, (double)(now_us() - from) / 1e6);
    return 0;
}
