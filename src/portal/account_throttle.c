/* Throttling: who fails often waits longer and longer. */
#include "portal/account_row.h"

#define FREE_FAILURES 5
#define WAIT_MAX_S    INT64_C(900)

int account_throttle_wait(struct db *db, int64_t now, const char *key, int64_t *ret_ms, struct err *err)
{
    struct db_rows *rows = NULL;
    int64_t until = 0;
    if (db_query(db, PSQL_THROTTLE_GET, DB_ARGS(DB_TEXT(key)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        until = db_col_int(rows, 0);
    db_rows_free(&rows);
    if (r < 0)
        return -1;
    *ret_ms = until > now ? until - now : 0;
    return 0;
}

/* 1, 2, 4 … seconds, once the free ones are used up. */
static int64_t wait_seconds(int64_t failures, int64_t free_failures)
{
    int64_t over = failures - free_failures - 1;
    if (over < 0)
        return 0;
    return over >= 10 ? WAIT_MAX_S : INT64_C(1) << over;
}

int account_throttle_fail_after(struct db *db, int64_t now, const char *key, int64_t free_failures,
                                struct err *err)
{
    struct db_rows *rows = NULL;
    int64_t failures = 0;
    if (db_query(db, PSQL_THROTTLE_FAIL, DB_ARGS(DB_TEXT(key), DB_INT(now), DB_INT(now - ACCOUNT_DAY_MS)),
                 &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        failures = db_col_int(rows, 0);
    db_rows_free(&rows);
    if (r != 1)
        return r < 0 ? -1 : err_set(err, ERR_DATABASE, "throttle: no row");
    return db_exec(db, PSQL_THROTTLE_UNTIL,
                   DB_ARGS(DB_TEXT(key), DB_INT(now + wait_seconds(failures, free_failures) * 1000)), NULL,
                   err);
}

int account_throttle_fail(struct db *db, int64_t now, const char *key, struct err *err)
{
    return account_throttle_fail_after(db, now, key, FREE_FAILURES, err);
}

int account_throttle_forgive(struct db *db, const char *key, struct err *err)
{
    return db_exec(db, PSQL_THROTTLE_FORGIVE, DB_ARGS(DB_TEXT(key)), NULL, err);
}

int account_throttle_clear(struct db *db, const char *key, struct err *err)
{
    return db_exec(db, PSQL_THROTTLE_CLEAR, DB_ARGS(DB_TEXT(key)), NULL, err);
}
