/* A portal's database in a folder of its own, and accounts in it. */
#ifndef CASTATION_TESTS_ACCOUNT_FIXTURE_H
#define CASTATION_TESTS_ACCOUNT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "portal/account.h"
#include "store/portal_store.h"

#define NOW  INT64_C(1800000000000)
#define USCC "91330100799655058B"
#define GOOD "correct horse battery 9"

static struct err err;
static struct db *db;
static char folder[64], path[128];

static int set_up(void **state)
{
    (void)state;
    err_clear(&err);
    snprintf(folder, sizeof(folder), "/tmp/test_account.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/portal.db", folder);
    return db_open(&db, path, &portal_schema, 0, &err);
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    db_close(&db);
    for (size_t i = 0; i < COUNT(SUFFIXES); i++) {
        char name[160];
        snprintf(name, sizeof(name), "%s%s", path, SUFFIXES[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static inline int new_user(const char *email, const char *organisation, unsigned int roles, bool checked,
                           char ret_id[UUID_SIZE])
{
    const struct account_new a = {.email = email,
                                  .name = "张三",
                                  .mobile = "13800000000",
                                  .organisation = organisation,
                                  .roles = roles,
                                  .email_checked = checked};
    return account_new(db, NOW, &a, ret_id, &err);
}

static inline void staff(const char *email, char ret_id[UUID_SIZE])
{
    assert_int_equal(new_user(email, "", ROLE_FIRST_REVIEWER, true, ret_id), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
