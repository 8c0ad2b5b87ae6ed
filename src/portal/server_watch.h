/* Deadlines of connections. libmicrohttpd's own timeout begins anew with every byte; here each phase (a
 * request's headers, its body, its answer, idleness) ends at a fixed time, so that a client that drips is cut
 * off too. */
#ifndef CASTATION_PORTAL_SERVER_WATCH_H
#define CASTATION_PORTAL_SERVER_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct watched {
    struct watched *next, *prev;
    int fd;
    int64_t deadline; /* CLOCK_MONOTONIC ms */
};

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t stop_asked;
    pthread_t thread;
    bool stopping, running;
    struct watched *first;
};

int watch_start(struct watch *watch); /* 0, or an errno */
void watch_stop(struct watch *watch);
struct watched *watch_add(struct watch *watch, int fd, int64_t deadline); /* NULL when out of memory */
void watch_set(struct watch *watch, struct watched *watched, int64_t deadline);
void watch_remove(struct watch *watch, struct watched *watched); /* before the descriptor is closed */

#endif
