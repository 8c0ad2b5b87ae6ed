#include "portal/account_slots.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "portal/account.h"

#define SLOTS_MAX 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given = PTHREAD_COND_INITIALIZER;
static unsigned int slots = 1, taken; /* one for commands, which set no number */

int account_hashing_init(unsigned int hash_slots, struct err *err)
{
    if (hash_slots < 1 || hash_slots > SLOTS_MAX)
        return err_set(err, ERR_CONFIG, "hash slots: 1 to %d", SLOTS_MAX);
    pthread_mutex_lock(&lock);
    slots = hash_slots;
    pthread_mutex_unlock(&lock);
    return 0;
}

int account_slot_take(int64_t wait_ms, struct err *err)
{
    int64_t until = clock_mono_ms() + wait_ms;
    const struct timespec at = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
    int late = 0;
    pthread_mutex_lock(&lock);
    while (taken >= slots && late != ETIMEDOUT)
        late = pthread_cond_clockwait(&given, &lock, CLOCK_MONOTONIC, &at);
    bool got = taken < slots;
    if (got)
        taken++;
    pthread_mutex_unlock(&lock);
    return got ? 0 : err_set(err, ERR_RATE, "too many passwords are being checked");
}

void account_slot_give(void)
{
    pthread_mutex_lock(&lock);
    taken--;
    pthread_cond_signal(&given);
    pthread_mutex_unlock(&lock);
}
