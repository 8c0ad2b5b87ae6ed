/* The configuration of mail: what it must be before anything is sent by it. */
#ifndef CASTATION_PORTAL_MAIL_CONF_H
#define CASTATION_PORTAL_MAIL_CONF_H

#include <stdbool.h>

#include "portal/portal_conf.h"

/* ERR_CONFIG naming the key. */
int mail_conf_check(const struct portal_conf *conf, const char *path, struct err *err);
/* Is anything to be sent at all? */
bool mail_conf_sends(const struct portal_conf *conf);
/* Must the connection be encrypted before the first mail goes over it? Not to a server on this very machine,
 * unless mail.ca says whom to trust. */
bool mail_conf_needs_tls(const struct portal_conf *conf);

#endif
