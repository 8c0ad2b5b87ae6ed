/* Jobs that may derive SO PINs: each bound to one token, each with a channel of its own that castationd hands
 * to the bay without reading it. They live in memory only: when the vault ends, so do the channels, and
 * castationd registers anew. */
#ifndef CASTATION_VAULT_REGISTRY_H
#define CASTATION_VAULT_REGISTRY_H

#include "wire/vault_wire.h"

#define REGISTRATIONS_MAX 256

struct registration {
    char job[JOB_ID_SIZE]; /* "": free */
    char bay[BAY_NAME_SIZE];
    char product[PRODUCT_SIZE];
    char serial[SERIAL_SIZE];
    uint8_t purpose;
    int channel; /* the vault's end */
};

struct registry {
    struct registration entries[REGISTRATIONS_MAX];
};

void registry_init(struct registry *r);
void registry_done(struct registry *r); /* closes all channels */

/* Enter a job, or replace it and close its old channel. *ret_bay_end: the other end, the caller's. ERR_RATE:
 * all entries are in use. ERR_SYSTEM. */
int registry_put(struct registry *r, const struct vault_register_req *req, int *ret_bay_end, struct err *err);
void registry_drop(struct registry *r, struct registration *e); /* its bay has gone */

/* A bucket that holds `per_minute` and fills up at that rate. */
struct rate {
    int64_t per_minute, level_ms, at;
};
void rate_init(struct rate *r, int64_t per_minute, int64_t now_mono);
bool rate_take(struct rate *r, int64_t now_mono);

#endif
