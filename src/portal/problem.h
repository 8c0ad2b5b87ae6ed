/* Refusals over HTTP, RFC 9457 (application/problem+json): one table of them. */
#ifndef CASTATION_PORTAL_PROBLEM_H
#define CASTATION_PORTAL_PROBLEM_H

#include <stdbool.h>

#include "base/buf.h"

enum problem {
    PROBLEM_NONE = 0,
#define X(id, status, code, title) id,
#include "portal/problem.def"
#undef X
    PROBLEM_COUNT
};

unsigned int problem_status(enum problem p);
const char *problem_code(enum problem p);
const char *problem_title(enum problem p);

/* What an act's error is over HTTP. PROBLEM_INTERNAL for everything that is not the caller's doing. */
enum problem problem_of(enum err_code code);

/* {"type", "title", "status", "code", "detail"} appended to *b. */
int problem_json(enum problem p, const char *detail, struct buf *b, struct err *err);

#endif
