/* The table of pages for tests (caportald --pages). */
#ifndef CASTATION_WEB_PAGE_JSON_H
#define CASTATION_WEB_PAGE_JSON_H

#include <jansson.h>

/* [{name, path, readers, writers, upload, static}], readers and writers by name; the caller's. */
json_t *pages_json(void);

#endif
