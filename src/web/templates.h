/* All templates, parsed. */
#ifndef CASTATION_WEB_TEMPLATES_H
#define CASTATION_WEB_TEMPLATES_H

#include "web/template.h"
#include "web/template_parse.h"

const struct template *templates_find(const struct templates *templates, const char *name,
                                      size_t len); /* or NULL */

#endif
