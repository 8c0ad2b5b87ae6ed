/* A bounded number of threads with a bounded queue before them. */
#ifndef CASTATION_PORTAL_SERVER_POOL_H
#define CASTATION_PORTAL_SERVER_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define POOL_THREADS_MAX 64

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_t threads[POOL_THREADS_MAX];
    size_t n_threads;
    void **queue; /* a ring */
    size_t cap, first, n, reserved;
    bool stopping;
    void (*run)(void *item, void *arg);
    void *arg;
};

/* 0, or an errno. Starts n threads; at most `cap` items wait. */
int pool_start(struct pool *pool, size_t n, size_t cap, void (*run)(void *item, void *arg), void *arg);
/* A place for one item that will surely be put; false: full, or stopping. */
bool pool_reserve(struct pool *pool);
void pool_put(struct pool *pool, void *item); /* after pool_reserve */
/* Every item that has its place is still run; then the threads end. From now on no place is given. */
void pool_stop(struct pool *pool);
void pool_done(struct pool *pool); /* a pool that was never started is fine */

#endif
