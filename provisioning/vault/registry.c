#include "vault/registry.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MINUTE_MS 60000

void registry_init(struct registry *r)
{
    memset(r, 0, sizeof(*r));
    for (size_t i = 0; i < REGISTRATIONS_MAX; i++)
        r->entries[i].channel = -1;
}

void registry_done(struct registry *r)
{
    for (size_t i = 0; i < REGISTRATIONS_MAX; i++)
        registry_drop(r, &r->entries[i]);
}

void registry_drop(struct registry *r, struct registration *e)
{
    (void)r;
    if (e->channel >= 0)
        close(e->channel);
    memset(e, 0, sizeof(*e));
    e->channel = -1;
}

/* The job's entry, else a free one, else NULL. */
static struct registration *entry_for(struct registry *r, const char *job)
{
    struct registration *free_one = NULL;
    for (size_t i = 0; i < REGISTRATIONS_MAX; i++) {
        struct registration *e = &r->entries[i];
        if (e->channel >= 0 && strcmp(e->job, job) == 0)
            return e;
        if (e->channel < 0 && !free_one)
            free_one = e;
    }
    return free_one;
}

int registry_put(struct registry *r, const struct vault_register_req *req, int *ret_bay_end, struct err *err)
{
    int ends[2];
    struct registration *e = entry_for(r, req->job);
    if (!e)
        return err_set(err, ERR_RATE, "%d jobs are registered, no more at a time", REGISTRATIONS_MAX);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return err_sys(err, "make a channel");
    registry_drop(r, e);
    memcpy(e->job, req->job, sizeof(e->job));
    memcpy(e->bay, req->bay, sizeof(e->bay));
    memcpy(e->product, req->product, sizeof(e->product));
    memcpy(e->serial, req->serial, sizeof(e->serial));
    e->purpose = req->purpose;
    e->channel = ends[0];
    *ret_bay_end = ends[1];
    return 0;
}

void rate_init(struct rate *r, int64_t per_minute, int64_t now_mono)
{
    *r = (struct rate){.per_minute = per_minute, .level_ms = MINUTE_MS, .at = now_mono};
}

/* The level is counted in milliseconds of filling: one taking costs a minute's share. */
bool rate_take(struct rate *r, int64_t now_mono)
{
    int64_t cost = MINUTE_MS / r->per_minute > 0 ? MINUTE_MS / r->per_minute : 1;
    r->level_ms += now_mono - r->at;
    if (r->level_ms > MINUTE_MS)
        r->level_ms = MINUTE_MS;
    r->at = now_mono;
    if (r->level_ms < cost)
        return false;
    r->level_ms -= cost;
    return true;
}
