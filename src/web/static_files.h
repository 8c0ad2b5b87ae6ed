/* The files under /static/: where they are, and what names their content. */
#ifndef CASTATION_WEB_STATIC_FILES_H
#define CASTATION_WEB_STATIC_FILES_H

#include "web/assets.h"

/* 16 hexadecimal digits over all of them: "/static/NAME?v=…" may be kept for ever. */
const char *static_build(void);
/* NULL when there is none. */
const struct asset *static_find(const char *name);
const char *static_etag(const struct asset *file); /* "\"…\"" */

#endif
