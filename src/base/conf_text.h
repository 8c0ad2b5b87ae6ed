/* What libconfig lets pass in silence, looked for in the text before it is parsed. */
#ifndef CASTATION_BASE_CONF_TEXT_H
#define CASTATION_BASE_CONF_TEXT_H

#include "base/err.h"

/* ERR_CONFIG "path:line: reason": an integer over 32 bits without the suffix L (libconfig 1.5 would cut it),
 * and
 * @include (the file included would escape the checks made on this one). */
int conf_text_check(const char *path, const char *text, struct err *err);

#endif
