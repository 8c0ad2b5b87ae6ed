/* A mail as it goes out: RFC 5322 head, MIME body; and what may stand in it. */
#ifndef CASTATION_PORTAL_MAIL_H
#define CASTATION_PORTAL_MAIL_H

#include "base/buf.h"
#include "base/hex.h"

#define MAIL_SUBJECT_MAX 400   /* bytes */
#define MAIL_BODY_MAX    65536 /* a return with the longest reason for each field needs 24 KB */

struct mail {
    char id[UUID_SIZE];
    char recipient[65];
    const char *from, *from_name; /* addr-spec; name "" or UTF-8 */
    const char *subject, *body, *site;
    int64_t created_at;
    bool readable; /* 8bit instead of base64: for a folder that people read */
};

/* An addr-spec that needs no quoting: one '@', no white space, no control, none of ()<>,;:\"[] . ERR_FIELD.
 */
int mail_address_check(const char *address, struct err *err);

/* The whole message, lines ended by CRLF. "{site}" in the body becomes `site`. A control character in subject
 * or name becomes a space: nothing that it holds can begin another header. */
int mail_message(const struct mail *m, struct buf *out, struct err *err);

/* "20261122-200906-zhang_example.org-018f3a.eml": when it was made, for whom, its id's end. */
void mail_file_name(const struct mail *m, char ret[160]);

#endif
