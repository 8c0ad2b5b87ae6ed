#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "portal/account.h"
#include "portal/mailer.h"
#include "portal/notice.h"
#include "store/portal_store.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  INT64_C(1800000000000)

static struct err err;
static struct portal portal;
static struct db *db;
static char folder[64], path[128];

static int set_up(void **state)
{
    (void)state;
    err_clear(&err);
    memset(&portal, 0, sizeof(portal));
    snprintf(folder, sizeof(folder), "/tmp/test_mailer.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/portal.db", folder);
    snprintf(portal.conf.mail.folder, sizeof(portal.conf.mail.folder), "%s/mail", folder);
    strcpy(portal.conf.mail.from, "ca@example.org");
    strcpy(portal.conf.pages.public_url, "https://ca.example.org");
    portal.conf.mail.retry_seconds = 60;
    portal.conf.mail.timeout_seconds = 30;
    return db_open(&db, path, &portal_schema, 0, &err);
}

/* Files in the mail folder; each is removed when `remove_them`. */
static int mails(bool remove_them)
{
    char name[512];
    int n = 0;
    DIR *d = opendir(portal.conf.mail.folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.') {
            n++;
            snprintf(name, sizeof(name), "%s/%.200s", portal.conf.mail.folder, e->d_name);
            if (remove_them)
                unlink(name);
        }
    if (d)
        closedir(d);
    return n;
}

static int tear_down(void **state)
{
    static const char *const NAMES[] = {"portal.db", "portal.db-wal", "portal.db-shm", "file", "run.sql"};
    char name[160];
    (void)state;
    db_close(&db);
    mails(true);
    rmdir(portal.conf.mail.folder);
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        snprintf(name, sizeof(name), "%s/%s", folder, NAMES[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static void sql(const char *text)
{
    char command[512];
    FILE *f;
    snprintf(command, sizeof(command), "%s/run.sql", folder);
    assert_non_null(f = fopen(command, "w"));
    fputs(text, f);
    fclose(f);
    snprintf(command, sizeof(command), "sqlite3 -bail '%s' < '%s/run.sql'", path, folder);
    assert_int_equal(system(command), 0);
}

static int64_t round_at(int64_t now)
{
    int64_t sent = -1;
    assert_int_equal(mailer_round(&portal, db, now, &sent, &err), 0);
    return sent;
}

/* A folder that cannot be: a file stands in its place. */
static void break_folder(void)
{
    snprintf(portal.conf.mail.folder, sizeof(portal.conf.mail.folder), "%s/file", folder);
    FILE *f = fopen(portal.conf.mail.folder, "w");
    assert_non_null(f);
    fclose(f);
}

struct outbox {
    int64_t next_try_at, tries, sent_at, given_up_at;
};
static struct outbox outbox(void)
{
    struct outbox o = {0};
    struct db_rows *rows = NULL;
    assert_int_equal(db_query(db, PSQL_MAIL_LIST,
                              DB_ARGS(DB_TEXT(""), DB_INT(INT64_MAX), DB_TEXT(""), DB_INT(1)), &rows, &err),
                     0);
    assert_int_equal(db_next(rows, &err), 1);
    o = (struct outbox){db_col_int(rows, 5), db_col_int(rows, 6), db_col_int(rows, 7), db_col_int(rows, 8)};
    db_rows_free(&rows);
    return o;
}

static void a_mail_that_cannot_go_is_tried_later_and_later_and_given_up_after_three_days(void **state)
{
    (void)state;
    static const int64_t WAITS[] = {1, 5, 15, 60, 180, 360, 360};
    break_folder();
    assert_int_equal(mail_put(db, START, "a@example.org", "s", "b", "test", &err), 0);
    int64_t now = START;
    for (size_t i = 0; i < COUNT(WAITS); i++) {
        assert_int_equal(round_at(now), 0);
        const struct outbox o = outbox();
        assert_int_equal(o.tries, i + 1);
        assert_in_range(o.next_try_at - now, WAITS[i] * MINUTE, WAITS[i] * MINUTE + 5000);
        assert_int_equal(round_at(o.next_try_at - 1), 0); /* not before */
        assert_int_equal(outbox().tries, i + 1);
        now = o.next_try_at;
    }
    while (outbox().given_up_at == 0) {
        assert_int_equal(round_at(now), 0);
        now = outbox().next_try_at;
        assert_true(now < START + 4 * DAY);
    }
    assert_true(outbox().given_up_at >= START + 3 * DAY - 7 * HOUR);
    const int64_t tries = outbox().tries;
    assert_int_equal(round_at(now + DAY), 0);
    assert_int_equal(outbox().tries, tries);
}

static void who_dies_with_a_mail_leaves_it_to_be_sent(void **state)
{
    (void)state;
    struct db_rows *rows = NULL;
    assert_int_equal(mail_put(db, START, "a@example.org", "s", "b", "test", &err), 0);
    assert_int_equal(
        db_query(db, PSQL_MAIL_TAKE, DB_ARGS(DB_INT(START), DB_INT(START + MINUTE)), &rows, &err), 0);
    assert_int_equal(db_next(rows, &err), 1);
    assert_int_equal(db_next(rows, &err), 0);
    db_rows_free(&rows);
    assert_int_equal(round_at(START + MINUTE - 1), 0);
    assert_int_equal(round_at(START + MINUTE), 1);
    assert_int_equal(mails(false), 1);
}

static void in_a_folder_a_mail_is_there_once_though_its_mark_was_lost(void **state)
{
    (void)state;
    assert_int_equal(mail_put(db, START, "a@example.org", "s", "b", "test", &err), 0);
    assert_int_equal(round_at(START), 1);
    sql("UPDATE mail SET sent_at = 0, body = 'b';");
    assert_int_equal(round_at(START + HOUR), 1);
    assert_int_equal(mails(false), 1);
    assert_int_equal(round_at(START + 2 * HOUR), 0);
}

static void without_a_way_out_mails_wait(void **state)
{
    (void)state;
    portal.conf.mail.folder[0] = '\0';
    assert_int_equal(mail_put(db, START, "a@example.org", "s", "b", "test", &err), 0);
    assert_int_equal(round_at(START + 9 * DAY), 0);
    assert_int_equal(outbox().tries, 0);
    assert_int_equal(outbox().given_up_at, 0);
}

/* ---- what is due by the clock */

static const char *const STAFF =
    "INSERT INTO account (id,email,name,mobile,roles,lang,email_checked,created_at) VALUES"
    "('f','first@example.org','F','',2,'zh',1,1),('l','final@example.org','L','',4,'zh',1,1),"
    "('o','operator@example.org','O','',8,'en',1,1);";

static int64_t told(const char *account)
{
    int64_t n = -1;
    assert_int_equal(notice_unread(db, account, &n, &err), 0);
    return n;
}

static void chores_at(int64_t now)
{
    assert_int_equal(portal_chores(&portal, db, now, &err), 0);
}

static void a_promise_about_to_be_broken_is_told_once_to_those_who_have_to_act(void **state)
{
    (void)state;
    sql(STAFF);
    sql("INSERT INTO application "
        "(id,state,created_at,organisation,identifier,profile,updated_at,promise_due) VALUES"
        "('A1','first_review',1,'x','x','p',1,1800086400000),('A2','final_review',1,'x','x','p',1,"
        "1800086400000),"
        "('A3','approved',1,'x','x','p',1,1800086400000),('A4','failed',1,'x','x','p',1,1800086400000),"
        "('A5','first_review',1,'x','x','p',1,1800086400001),('A6','returned',1,'x','x','p',1,1),"
        "('A7','issued',1,'x','x','p',1,1);"
        "INSERT INTO application "
        "(id,state,created_at,organisation,identifier,profile,updated_at,promise_due,promise_stopped_at) "
        "VALUES ('A8','first_review',1,'x','x','p',1,1,5);");
    portal.purged_at = START;
    chores_at(START - 1);
    assert_int_equal(told("f") + told("l") + told("o"), 0);
    chores_at(START);
    assert_int_equal(told("f"), 1);
    assert_int_equal(told("l"), 1);
    assert_int_equal(told("o"), 2);
    chores_at(START + MINUTE);
    assert_int_equal(told("f"), 2); /* A5 */
    assert_int_equal(told("o"), 2);
    sql("INSERT INTO setting VALUES ('promise_warn_hours', '0');"
        "UPDATE application SET promise_due = 1800007200000, promise_warned = 0 WHERE id = 'A1';");
    chores_at(START + HOUR);
    assert_int_equal(told("f"), 2);
    chores_at(START + 2 * HOUR);
    assert_int_equal(told("f"), 3);
}

static void what_is_old_is_purged_and_nothing_else(void **state)
{
    (void)state;
    sql(STAFF);
    sql("INSERT INTO mail (id,recipient,subject,body,kind,created_at,next_try_at,sent_at,given_up_at) VALUES"
        "('old-sent','a','s','','k',1,1,1,0),('old-failed','a','s','','k',1,1,0,1),('old-waiting','a','s','',"
        "'k',1,1,0,0);"
        "INSERT INTO mail (id,recipient,subject,body,kind,created_at,next_try_at,sent_at) VALUES "
        "('new','a','s','','k',1799990000000,1,1);"
        "INSERT INTO notice (id,account,kind,params,created_at) VALUES "
        "('old','f','made','{}',1),('new','f','made','{}',1799990000000);");
    chores_at(START);
    sql("CREATE TEMP TABLE t (n CHECK (n)); INSERT INTO t SELECT group_concat(id) = 'new,old-waiting' FROM "
        "(SELECT id FROM mail ORDER BY id);"
        "INSERT INTO t SELECT group_concat(id) = 'new' FROM notice;");
}

static void what_nobody_goes_on_with_is_withdrawn_and_nothing_else(void **state)
{
    (void)state;
    sql("INSERT INTO organisation (id,kind,name,identifier_kind,created_at) VALUES "
        "('O1','enterprise','x','',1),"
        "('O2','enterprise','x','',1),('O3','enterprise','x','',1),('O4','enterprise','x','',1);"
        "INSERT INTO application (id,owner,state,created_at,organisation,identifier,profile,updated_at) "
        "VALUES "
        "('A1','O1','draft',1,'x','','',1),('A2','O2','returned',1,'x','x','p',1),"
        "('A3','O3','draft',1,'x','','',1799990000000),('A4','O4','first_review',1,'x','x','p',1);"
        "INSERT INTO payment_order (id,application,state,fen,created_at) VALUES ('P2','A2','paid',100,1);");
    chores_at(START);
    sql("CREATE TEMP TABLE t (n CHECK (n)); INSERT INTO t SELECT group_concat(id || ' ' || state) = "
        "'A1 withdrawn,A2 withdrawn,A3 draft,A4 first_review' FROM (SELECT id, state FROM application ORDER "
        "BY "
        "id);"
        "INSERT INTO t SELECT state = 'refund_due' FROM payment_order;");
}

/* Whoever else wants to write waits for a round: it deletes a little, and the next goes on. */
static void a_round_purges_a_little_and_the_next_goes_on(void **state)
{
    (void)state;
    sql(STAFF);
    sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
        "INSERT INTO notice (id,account,kind,params,created_at) SELECT 'n' || i,'f','made','{}',i FROM n;"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
        "INSERT INTO mail (id,recipient,subject,body,kind,created_at,next_try_at,sent_at) "
        "SELECT 'm' || i,'a','s','','k',i,1,1 FROM n;"
        "INSERT INTO application (id,state,created_at,organisation,identifier,profile,updated_at) VALUES "
        "('A1','issued',1,'x','x','p',1);"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) "
        "INSERT INTO material (id,application,kind,name,media_type,size,sha256,added_by,added_at) "
        "SELECT 'f' || i,'A1','licence','x','image/png',1,'00','u',1 FROM n;");
    chores_at(START);
    sql("CREATE TEMP TABLE t (n CHECK (n)); INSERT INTO t SELECT count(*) = 1000 FROM notice;"
        "INSERT INTO t SELECT count(*) = 1000 FROM mail;"
        "INSERT INTO t SELECT count(*) = 4 FROM material WHERE purged_at = 0;");
    chores_at(START + MINUTE);
    sql("CREATE TEMP TABLE t (n CHECK (n)); INSERT INTO t SELECT count(*) = 0 FROM notice;"
        "INSERT INTO t SELECT count(*) = 0 FROM mail;"
        "INSERT INTO t SELECT count(*) = 0 FROM material WHERE purged_at = 0;");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mail_that_cannot_go_is_tried_later_and_later_and_given_up_after_three_days),
        TEST(who_dies_with_a_mail_leaves_it_to_be_sent),
        TEST(in_a_folder_a_mail_is_there_once_though_its_mark_was_lost),
        TEST(without_a_way_out_mails_wait),
        TEST(a_promise_about_to_be_broken_is_told_once_to_those_who_have_to_act),
        TEST(what_nobody_goes_on_with_is_withdrawn_and_nothing_else),
        TEST(what_is_old_is_purged_and_nothing_else),
        TEST(a_round_purges_a_little_and_the_next_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
