/* Logging, for mains, station/ and portal/ only. One line per call to stderr, with the sd-daemon priority
 * prefix
 * ("<6>") when stderr is the journal, else with a UTC time. Control characters are escaped. Never pass a
 * secret. */
#ifndef CASTATION_BASE_LOG_H
#define CASTATION_BASE_LOG_H

#include "base/err.h"

void log_init(const char *program); /* kept by reference */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* with CASTATION_DEBUG set */
void log_err(const struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* error + its sentence and remedy */

#endif
