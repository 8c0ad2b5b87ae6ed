/* Sends the outbox: to an SMTP server through libcurl (smtp://, smtps://; STARTTLS unless loopback; user and password
 * file), or into a folder (mail.folder: one .eml a mail). A thread of caportald with its own database handle. A failure
 * is tried again after 1, 5, 15, 60 … minutes, and given up after 3 days; ERR_… stands in mail.last_error. Also does
 * what is due by the clock: promises about to be broken, paper due, purges (portal_chores). */
#ifndef CASTATION_PORTAL_MAILER_H
#define CASTATION_PORTAL_MAILER_H

#include "portal/portal.h"

struct mailer;
int mailer_start(struct mailer **ret, struct portal *p, struct err *err);
void mailer_stop(struct mailer **mailer); /* lets the mail under way end, at most 10 s */

/* For tests and `caportal mail send`: one round. *ret_sent: how many. */
int mailer_round(struct portal *p, struct db *db, int64_t now, int64_t *ret_sent, struct err *err);
/* Everything that is due by the clock: called every minute. */
int portal_chores(struct portal *p, struct db *db, int64_t now, struct err *err);

#endif
