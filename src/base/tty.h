/* Asking the person at the terminal: dialogue on /dev/tty. Both wait at most two minutes (ERR_TIMEOUT); ERR_USAGE
 * when there is no terminal. */
#ifndef CASTATION_BASE_TTY_H
#define CASTATION_BASE_TTY_H

#include "base/buf.h"

/* One line, shown as it is typed. */
int tty_line(const char *prompt, char *ret, size_t cap, struct err *err);
/* One line that is not shown, into a secret buffer. ERR_REFUSED when broken off by Ctrl-C. */
int tty_secret(const char *prompt, struct buf *ret, size_t max, struct err *err);

#endif
