/* Start a child with just the descriptors it needs. */
#ifndef CASTATION_BASE_SPAWN_H
#define CASTATION_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct spawn_fd {
    int from; /* in the parent */
    int to;   /* in the child */
};

struct spawn {
    const char *program;     /* path; no PATH search */
    const char *const *argv; /* NULL-terminated, with argv[0] */
    const char *const *envp; /* NULL-terminated; NULL: an empty environment */
    const struct spawn_fd
        *fds; /* everything else above 2 is closed; 0 and 1 are /dev/null unless mapped; 2 is inherited */
    size_t n_fds;
    bool die_with_parent; /* PR_SET_PDEATHSIG SIGKILL, race-free */
    bool own_group;             /* a process group of its own: Ctrl-C at the terminal does not reach it */
};

/* fork + exec. An exec failure in the child is reported here (through a close-on-exec pipe) as an error
 * naming program and reason. *ret_pidfd (pidfd_open, close-on-exec) becomes readable when the child ends. */
int spawn_start(const struct spawn *s, pid_t *ret_pid, int *ret_pidfd, struct err *err);

/* Harden the calling process: not dumpable, no new privileges, no core. */
int spawn_harden(struct err *err);

#endif
