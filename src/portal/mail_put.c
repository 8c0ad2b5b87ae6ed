/* The outbox: what is written here is sent by the mailer. */
#include <string.h>

#include "portal/mail.h"
#include "portal/notice.h"
#include "store/portal_store.h"

int mail_put(struct db *db, int64_t now, const char *recipient, const char *subject, const char *body,
             const char *kind, struct err *err)
{
    char id[UUID_SIZE];
    if (mail_address_check(recipient, err) != 0)
        return -1;
    if (!*subject || strlen(subject) > MAIL_SUBJECT_MAX || strpbrk(subject, "\r\n"))
        return err_set(err, ERR_FIELD, "subject: one line of 1 to %d bytes", MAIL_SUBJECT_MAX);
    if (strlen(body) > MAIL_BODY_MAX)
        return err_set(err, ERR_TOO_LARGE, "mail: at most %d bytes", MAIL_BODY_MAX);
    uuid7(id);
    return db_exec(
        db, PSQL_MAIL_INSERT,
        DB_ARGS(DB_TEXT(id), DB_TEXT(recipient), DB_TEXT(subject), DB_TEXT(body), DB_TEXT(kind), DB_INT(now)),
        NULL, err);
}
