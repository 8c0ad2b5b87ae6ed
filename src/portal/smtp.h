/* Mails to an SMTP server (RFC 5321) through libcurl. One of these belongs to one thread; the connection
 * stays open from one mail to the next. */
#ifndef CASTATION_PORTAL_SMTP_H
#define CASTATION_PORTAL_SMTP_H

#include <stdatomic.h>

#include "base/buf.h"
#include "portal/portal_conf.h"

struct smtp;

/* Reads the password file (0600). `stop_by`: CLOCK_MONOTONIC ms at which what is under way is broken off; 0:
 * never. */
int smtp_open(struct smtp **ret, const struct portal_conf *conf, const _Atomic int64_t *stop_by,
              struct err *err);
void smtp_close(struct smtp **smtp);

/* ERR_UNREACHABLE, ERR_TIMEOUT, ERR_TLS (a certificate that is not trusted; no STARTTLS where it has to be),
 * ERR_PERMISSION (user or password refused): any other mail would fare alike. ERR_REFUSED: the server's word
 * about this one mail. */
int smtp_send(struct smtp *smtp, const char *recipient, const struct buf *message, struct err *err);

#endif
