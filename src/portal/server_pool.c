#include "portal/server_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *pool_run(void *arg)
{
    struct pool *p = arg;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->n == 0 && !(p->stopping && p->reserved == 0))
            pthread_cond_wait(&p->filled, &p->lock);
        if (p->n == 0)
            break;
        void *item = p->queue[p->first];
        p->first = (p->first + 1) % p->cap;
        p->n--;
        pthread_mutex_unlock(&p->lock);
        p->run(item, p->arg);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

int pool_start(struct pool *p, size_t n, size_t cap, void (*run)(void *item, void *arg), void *arg)
{
    memset(p, 0, sizeof(*p));
    p->queue = calloc(cap, sizeof(*p->queue));
    if (!p->queue)
        return ENOMEM;
    p->cap = cap;
    p->run = run;
    p->arg = arg;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->filled, NULL);
    while (p->n_threads < n && p->n_threads < POOL_THREADS_MAX) {
        int rc = pthread_create(&p->threads[p->n_threads], NULL, pool_run, p);
        if (rc != 0) {
            pool_done(p);
            return rc;
        }
        p->n_threads++;
    }
    return 0;
}

bool pool_reserve(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    bool room = !p->stopping && p->n + p->reserved < p->cap;
    p->reserved += room;
    pthread_mutex_unlock(&p->lock);
    return room;
}

void pool_put(struct pool *p, void *item)
{
    pthread_mutex_lock(&p->lock);
    p->reserved--;
    p->queue[(p->first + p->n++) % p->cap] = item;
    if (p->stopping)
        pthread_cond_broadcast(&p->filled); /* those that waited for this reservation may go */
    else
        pthread_cond_signal(&p->filled);
    pthread_mutex_unlock(&p->lock);
}

void pool_stop(struct pool *p)
{
    if (!p->queue)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->filled);
    pthread_mutex_unlock(&p->lock);
    while (p->n_threads > 0)
        pthread_join(p->threads[--p->n_threads], NULL);
}

void pool_done(struct pool *p)
{
    if (!p->queue)
        return;
    pool_stop(p);
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
    free(p->queue);
    memset(p, 0, sizeof(*p));
}
