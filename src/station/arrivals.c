#include "station/arrivals.h"

#include <stddef.h>

int arrivals_fd(const struct arrivals *a)
{
    return a->ops->fd(a);
}

int arrivals_next(struct arrivals *a, struct arrival *ret, struct err *err)
{
    return a->ops->next(a, ret, err);
}

void arrivals_free(struct arrivals **a)
{
    if (!a || !*a)
        return;
    (*a)->ops->free(*a);
    *a = NULL;
}
