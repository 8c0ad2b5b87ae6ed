/* Where tokens come from: a source of arrivals says which bay has a token and how its worker reaches it. The virtual
 * rack is one; USB hot-plug comes as a second. A source never blocks and loads no module. */
#ifndef CASTATION_STATION_ARRIVALS_H
#define CASTATION_STATION_ARRIVALS_H

#include <stdbool.h>

#include "base/err.h"
#include "wire/bay_wire.h"

struct arrival {
    bool plugged;                /* false: pulled */
    char bay[BAY_NAME_SIZE];
    char environment[2048];      /* for bay hello: "SOFTHSM2_CONF=/…/softhsm2.conf\n" */
};

struct arrivals;
struct arrivals_ops {
    int (*fd)(const struct arrivals *a);                 /* readable: call next until it answers 0 */
    int (*next)(struct arrivals *a, struct arrival *ret, struct err *err); /* 1 one, 0 none now, -1 */
    void (*free)(struct arrivals *a);
};
struct arrivals {
    const struct arrivals_ops *ops;
};

/* The rack: sub-folders bay-1 … bay-<bays> of `folder`; what is there at the start arrives first. A sub-folder that
 * appears complete (renamed in, holding softhsm2.conf) is a token plugged in; one that goes is a token pulled; one
 * replaced between two looks is a pull and a plug. inotify, with a full look after an overflow. */
int rack_open(struct arrivals **ret, const char *folder, int bays, struct err *err);

int arrivals_fd(const struct arrivals *a);
int arrivals_next(struct arrivals *a, struct arrival *ret, struct err *err);
void arrivals_free(struct arrivals **a);

#endif
