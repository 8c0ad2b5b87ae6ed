/* The audit of what people saw or changed that is no event of an application. */
#include "portal/account_row.h"

int account_audit(struct db *db, int64_t now, const char *who, const char *what, const char *subject,
                  const char *detail, struct err *err)
{
    char id[UUID_SIZE];
    uuid7(id);
    return db_exec(
        db, PSQL_AUDIT_INSERT,
        DB_ARGS(DB_TEXT(id), DB_INT(now), DB_TEXT(who), DB_TEXT(what), DB_TEXT(subject), DB_TEXT(detail)),
        NULL, err);
}
