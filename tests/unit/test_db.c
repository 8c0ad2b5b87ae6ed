#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/db.h"

enum {
    INSERT,
    GET,
    ALL,
    RENAME,
    CLAIM,
    CHILD,
    SMALL,
    PRAGMA_FK,
    PRAGMA_SYNC,
    PRAGMA_SECURE,
    PRAGMA_JOURNAL,
    WRONG,
    N
};

static const struct db_statement STATEMENTS[N] = {
    [INSERT] = {"thing_insert", "INSERT INTO thing (id, name, body) VALUES ($1, $2, $3)"},
    [GET] = {"thing_get", "SELECT id, name, body FROM thing WHERE id = $1"},
    [ALL] = {"thing_all", "SELECT id FROM thing ORDER BY id"},
    [RENAME] = {"thing_rename", "UPDATE thing SET name = $2 WHERE id = $1 AND name <> $2"},
    [CLAIM] = {"thing_claim",
               "UPDATE thing SET name = $1 WHERE id = (SELECT min(id) FROM thing) RETURNING id"},
    [CHILD] = {"child_insert", "INSERT INTO child (thing) VALUES ($1)"},
    [SMALL] = {"small", "PRAGMA max_page_count = 8"},
    [PRAGMA_FK] = {"fk", "PRAGMA foreign_keys"},
    [PRAGMA_SYNC] = {"sync", "PRAGMA synchronous"},
    [PRAGMA_SECURE] = {"secure", "PRAGMA secure_delete"},
    [PRAGMA_JOURNAL] = {"journal", "PRAGMA journal_mode"},
    [WRONG] = {"wrong_sql", "SELECT nothing FROM nowhere"},
};

static const char *const STEPS[] = {
    "CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT UNIQUE, body BLOB)",
    "CREATE TABLE child (thing BIGINT REFERENCES thing (id))",
};
static const struct db_schema SCHEMA = {STEPS, 2, STATEMENTS, N};
static const struct db_schema OLD_SCHEMA = {STEPS, 1, STATEMENTS, N};

static char folder[64], path[96];
static struct db *db;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/test_db.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/test.db", folder);
    db = NULL;
    err_clear(&err);
    return db_open(&db, path, &SCHEMA, 0, &err);
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const SUFFIXES[] = {"", "-wal", "-shm", ".lock"};
    db_close(&db);
    for (size_t i = 0; i < sizeof(SUFFIXES) / sizeof(SUFFIXES[0]); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", path, SUFFIXES[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static int insert(struct db *d, int64_t id, const char *name)
{
    return db_exec(d, INSERT, DB_ARGS(DB_INT(id), DB_TEXT(name), DB_NULL), NULL, &err);
}

static int64_t count(struct db *d)
{
    struct db_rows *rows = NULL;
    int64_t n = 0;
    int r;
    assert_int_equal(db_query(d, ALL, DB_NO_ARGS, &rows, &err), 0);
    while ((r = db_next(rows, &err)) == 1)
        n++;
    assert_int_equal(r, 0);
    db_rows_free(&rows);
    return n;
}

static void values_come_back_as_they_were_put(void **state)
{
    (void)state;
    struct db_rows *rows = NULL;
    size_t len;
    assert_int_equal(
        db_exec(db, INSERT, DB_ARGS(DB_INT(INT64_MAX), DB_TEXT("杭州"), DB_BLOB("a\0b", 3)), NULL, &err), 0);
    assert_int_equal(db_query(db, GET, DB_ARGS(DB_INT(INT64_MAX)), &rows, &err), 0);
    assert_int_equal(db_next(rows, &err), 1);
    assert_true(db_col_int(rows, 0) == INT64_MAX);
    assert_string_equal(db_col_text(rows, 1), "杭州");
    assert_memory_equal(db_col_blob(rows, 2, &len), "a\0b", 3);
    assert_int_equal(len, 3);
    assert_int_equal(db_next(rows, &err), 0);
    assert_int_equal(db_next(rows, &err), 0); /* the end stays the end */
    db_rows_free(&rows);
    assert_null(rows);
}

static void a_null_pointer_is_a_null(void **state)
{
    (void)state;
    struct db_rows *rows = NULL;
    assert_int_equal(insert(db, 1, NULL), 0);
    assert_int_equal(db_query(db, GET, DB_ARGS(DB_INT(1)), &rows, &err), 0);
    assert_int_equal(db_next(rows, &err), 1);
    assert_true(db_col_null(rows, 1));
    assert_true(db_col_null(rows, 2));
    assert_false(db_col_null(rows, 0));
    assert_string_equal(db_col_text(rows, 1), "");
    db_rows_free(&rows);
}

static void a_parameter_is_bound_by_its_number_not_by_its_place(void **state)
{
    (void)state;
    int64_t changes = -1;
    assert_int_equal(insert(db, 1, "before"), 0);
    assert_int_equal(db_exec(db, RENAME, DB_ARGS(DB_INT(1), DB_TEXT("after")), &changes, &err), 0);
    assert_int_equal(changes, 1);
    assert_int_equal(db_exec(db, RENAME, DB_ARGS(DB_INT(1), DB_TEXT("after")), &changes, &err), 0);
    assert_int_equal(changes, 0);
    assert_int_equal(db_exec(db, RENAME, DB_ARGS(DB_INT(1)), &changes, &err), -1);
    assert_int_equal(err.code, ERR_INTERNAL);
}

static void an_update_returns_rows(void **state)
{
    (void)state;
    struct db_rows *rows = NULL;
    assert_int_equal(insert(db, 7, "a"), 0);
    assert_int_equal(db_query(db, CLAIM, DB_ARGS(DB_TEXT("b")), &rows, &err), 0);
    assert_int_equal(db_next(rows, &err), 1);
    assert_int_equal(db_col_int(rows, 0), 7);
    db_rows_free(&rows);
}

static void one_statement_is_open_once(void **state)
{
    (void)state;
    struct db_rows *rows = NULL, *again = NULL;
    assert_int_equal(db_query(db, ALL, DB_NO_ARGS, &rows, &err), 0);
    assert_int_equal(db_query(db, ALL, DB_NO_ARGS, &again, &err), -1);
    assert_int_equal(err.code, ERR_INTERNAL);
    db_rows_free(&rows);
    assert_int_equal(count(db), 0);
}

static void the_same_key_twice_is_a_conflict_that_names_the_statement(void **state)
{
    (void)state;
    assert_int_equal(insert(db, 1, "a"), 0);
    assert_int_equal(insert(db, 1, "b"), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "thing_insert"));
    assert_int_equal(insert(db, 2, "a"), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(db_exec(db, CHILD, DB_ARGS(DB_INT(99)), NULL, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(count(db), 1);
}

static void wrong_sql_is_a_database_error(void **state)
{
    (void)state;
    struct db_rows *rows = NULL;
    assert_int_equal(db_query(db, WRONG, DB_NO_ARGS, &rows, &err), -1);
    assert_int_equal(err.code, ERR_DATABASE);
    assert_non_null(strstr(err.text, "wrong_sql"));
}

static void what_is_rolled_back_is_gone_and_what_is_committed_stays(void **state)
{
    (void)state;
    struct db_counts before = db_counts(db);
    assert_int_equal(db_begin(db, &err), 0);
    assert_true(db_in_transaction(db));
    assert_int_equal(insert(db, 1, "a"), 0);
    db_rollback(db);
    assert_false(db_in_transaction(db));
    assert_int_equal(count(db), 0);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(insert(db, 1, "a"), 0);
    assert_int_equal(db_commit(db, &err), 0);
    db_close(&db);
    assert_int_equal(db_open(&db, path, &SCHEMA, 0, &err), 0);
    assert_int_equal(count(db), 1);
    assert_true(before.transactions >= 2); /* two migrations */
}

static void a_commit_outside_a_transaction_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(db_commit(db, &err), -1);
    assert_int_equal(err.code, ERR_DATABASE);
    db_rollback(db);
}

static void transactions_and_statements_are_counted(void **state)
{
    (void)state;
    struct db_counts before = db_counts(db), after;
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(insert(db, 1, "a"), 0);
    assert_int_equal(insert(db, 2, "b"), 0);
    assert_int_equal(db_commit(db, &err), 0);
    after = db_counts(db);
    assert_int_equal(after.transactions - before.transactions, 1);
    assert_int_equal(after.statements - before.statements, 2);
}

static void a_database_locked_by_another_is_busy(void **state)
{
    (void)state;
    struct db *other = NULL;
    assert_int_equal(db_open(&other, path, &SCHEMA, 0, &err), 0);
    assert_int_equal(db_begin(other, &err), 0);
    assert_int_equal(db_begin(db, &err), -1);
    assert_int_equal(err.code, ERR_DB_BUSY);
    assert_int_equal(insert(db, 1, "a"), -1);
    assert_int_equal(err.code, ERR_DB_BUSY);
    assert_int_equal(count(db), 0); /* readers go on */
    db_rollback(other);
    assert_int_equal(insert(db, 1, "a"), 0);
    db_close(&other);
}

static void a_full_disk_is_named_and_leaves_what_was_there(void **state)
{
    (void)state;
    static char body[65536];
    int r = 0;
    memset(body, 'x', sizeof(body));
    assert_int_equal(insert(db, 1, "a"), 0);
    assert_int_equal(db_exec(db, SMALL, DB_NO_ARGS, NULL, &err), 0);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(insert(db, 2, "b"), 0);
    r = db_exec(db, INSERT, DB_ARGS(DB_INT(3), DB_TEXT("c"), DB_BLOB(body, sizeof(body))), NULL, &err);
    assert_int_equal(r, -1);
    assert_int_equal(err.code, ERR_DISK_FULL);
    db_rollback(db);
    assert_int_equal(count(db), 1);
    assert_int_equal(insert(db, 4, "d"), 0);
}

static void a_newer_database_is_refused_and_an_older_one_brought_up(void **state)
{
    (void)state;
    db_close(&db);
    assert_int_equal(db_open(&db, path, &OLD_SCHEMA, 0, &err), -1);
    assert_int_equal(err.code, ERR_DB_NEWER);
    assert_null(db);
    unlink(path);
    assert_int_equal(db_open(&db, path, &OLD_SCHEMA, 0, &err), 0);
    assert_int_equal(insert(db, 1, "kept"), 0);
    db_close(&db);
    assert_int_equal(db_open(&db, path, &SCHEMA, DB_READ_ONLY, &err), -1);
    assert_int_equal(err.code, ERR_DATABASE);
    assert_non_null(strstr(err.text, "older"));
    assert_int_equal(db_open(&db, path, &SCHEMA, 0, &err), 0);
    assert_int_equal(count(db), 1);
    assert_int_equal(db_exec(db, CHILD, DB_ARGS(DB_INT(1)), NULL, &err), 0);
}

static void a_second_process_is_refused_by_the_lock(void **state)
{
    (void)state;
    struct db *second = NULL;
    db_close(&db);
    assert_int_equal(db_open(&db, path, &SCHEMA, DB_EXCLUSIVE, &err), 0);
    assert_int_equal(db_open(&second, path, &SCHEMA, DB_EXCLUSIVE, &err), -1);
    assert_int_equal(err.code, ERR_RUNNING);
    assert_null(second);
    char pid[32];
    snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    assert_non_null(strstr(err.text, pid));
    assert_int_equal(db_open(&second, path, &SCHEMA, DB_READ_ONLY, &err), 0);
    db_close(&second);
    db_close(&db);
    assert_int_equal(db_open(&db, path, &SCHEMA, DB_EXCLUSIVE, &err), 0);
}

static void read_only_reads_and_never_writes(void **state)
{
    (void)state;
    struct db *reader = NULL;
    char absent[128];
    assert_int_equal(insert(db, 1, "a"), 0);
    assert_int_equal(db_open(&reader, path, &SCHEMA, DB_READ_ONLY, &err), 0);
    assert_int_equal(count(reader), 1);
    assert_int_equal(insert(reader, 2, "b"), -1);
    assert_int_equal(count(db), 1);
    db_close(&reader);
    snprintf(absent, sizeof(absent), "%s/absent.db", folder);
    assert_int_equal(db_open(&reader, absent, &SCHEMA, DB_READ_ONLY, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(access(absent, F_OK), -1);
}

static void a_file_that_is_no_database_is_said_to_be_none(void **state)
{
    (void)state;
    db_close(&db);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        fputs("this is a letter, not a database\n", f);
    fclose(f);
    assert_int_equal(db_open(&db, path, &SCHEMA, 0, &err), -1);
    assert_int_equal(err.code, ERR_DATABASE);
    assert_non_null(strstr(err.text, path));
}

static int64_t pragma(int statement)
{
    struct db_rows *rows = NULL;
    assert_int_equal(db_query(db, statement, DB_NO_ARGS, &rows, &err), 0);
    assert_int_equal(db_next(rows, &err), 1);
    int64_t v = db_col_int(rows, 0);
    if (statement == PRAGMA_JOURNAL)
        v = strcmp(db_col_text(rows, 0), "wal") == 0;
    db_rows_free(&rows);
    return v;
}

static void a_new_database_is_private_durable_and_wipes_what_it_deletes(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(pragma(PRAGMA_FK), 1);
    assert_int_equal(pragma(PRAGMA_SYNC), 2);
    assert_int_equal(pragma(PRAGMA_SECURE), 1);
    assert_int_equal(pragma(PRAGMA_JOURNAL), 1);
}

static void processes_that_open_a_new_database_together_all_succeed(void **state)
{
    (void)state;
    pid_t children[6];
    db_close(&db);
    unlink(path);
    for (int i = 0; i < 6; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct db *mine = NULL;
            int r = db_open(&mine, path, &SCHEMA, 0, &err) == 0 && insert(mine, i, NULL) == 0;
            db_close(&mine);
            _exit(r ? 0 : 1);
        }
    }
    for (int i = 0; i < 6; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(db_open(&db, path, &SCHEMA, 0, &err), 0);
    assert_int_equal(count(db), 6);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back_as_they_were_put),
        TEST(a_null_pointer_is_a_null),
        TEST(a_parameter_is_bound_by_its_number_not_by_its_place),
        TEST(an_update_returns_rows),
        TEST(one_statement_is_open_once),
        TEST(the_same_key_twice_is_a_conflict_that_names_the_statement),
        TEST(wrong_sql_is_a_database_error),
        TEST(what_is_rolled_back_is_gone_and_what_is_committed_stays),
        TEST(a_commit_outside_a_transaction_is_an_error),
        TEST(transactions_and_statements_are_counted),
        TEST(a_database_locked_by_another_is_busy),
        TEST(a_full_disk_is_named_and_leaves_what_was_there),
        TEST(a_newer_database_is_refused_and_an_older_one_brought_up),
        TEST(a_second_process_is_refused_by_the_lock),
        TEST(read_only_reads_and_never_writes),
        TEST(a_file_that_is_no_database_is_said_to_be_none),
        TEST(a_new_database_is_private_durable_and_wipes_what_it_deletes),
        TEST(processes_that_open_a_new_database_together_all_succeed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
