#include "portal/server_watch.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

#define ROUND_MS 250

/* shutdown, not close: the descriptor stays the connection's own, which sees the end and cleans up. */
static void cut_late(struct watch *w, int64_t now)
{
    for (struct watched *c = w->first; c; c = c->next)
        if (c->deadline <= now) {
            shutdown(c->fd, SHUT_RDWR);
            c->deadline = INT64_MAX;
        }
}

static void *watch_run(void *arg)
{
    struct watch *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += ROUND_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&w->stop_asked, &w->lock, &until);
        cut_late(w, clock_mono_ms());
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int watch_start(struct watch *w)
{
    pthread_condattr_t attr;
    w->first = NULL;
    w->stopping = false;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->stop_asked, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&w->thread, NULL, watch_run, w);
    w->running = rc == 0;
    return rc;
}

void watch_stop(struct watch *w)
{
    if (!w->running)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->stop_asked);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->stop_asked);
    pthread_mutex_destroy(&w->lock);
    w->running = false;
}

struct watched *watch_add(struct watch *w, int fd, int64_t deadline)
{
    struct watched *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->fd = fd;
    c->deadline = deadline;
    pthread_mutex_lock(&w->lock);
    c->next = w->first;
    if (w->first)
        w->first->prev = c;
    w->first = c;
    pthread_mutex_unlock(&w->lock);
    return c;
}

void watch_set(struct watch *w, struct watched *c, int64_t deadline)
{
    if (!c)
        return;
    pthread_mutex_lock(&w->lock);
    c->deadline = deadline;
    pthread_mutex_unlock(&w->lock);
}

void watch_remove(struct watch *w, struct watched *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&w->lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        w->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    pthread_mutex_unlock(&w->lock);
    free(c);
}
