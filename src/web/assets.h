/* Files compiled into the program: templates, style sheet, scripts. */
#ifndef CASTATION_WEB_ASSETS_H
#define CASTATION_WEB_ASSETS_H

#include <stddef.h>
#include <stdint.h>

struct asset {
    const char *name; /* "login", "castation.css" */
    const char *type; /* media type; "" of a template */
    const char *data; /* a NUL follows it */
    size_t len;
};

/* In the order of templates.def and of static.def; NULL behind the last. */
const struct asset *assets_template(size_t i);
const struct asset *assets_static(size_t i);

#endif
