#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cmocka_all.h"
#include "portal/notice.h"
#include "portal/notice_params.h"
#include "store/portal_store.h"

static struct err err;
static struct db *db;
static char folder[64], path[128];
static const int64_t NOW = 1800000000000;
#define APPLICATION  "CA20270115-ABCDEFGH"
#define ORGANISATION "0190a000-0000-7000-8000-000000000001"
#define APPLICANT    "0190a000-0000-7000-8000-000000000002"
#define FINANCE      "0190a000-0000-7000-8000-000000000003"
#define OPERATOR     "0190a000-0000-7000-8000-000000000004"

/* Statements of the test's own, straight to the file. */
static void sql(const char *text)
{
    char command[4096];
    FILE *f;
    snprintf(command, sizeof(command), "%s/run.sql", folder);
    assert_non_null(f = fopen(command, "w"));
    fputs(text, f);
    fclose(f);
    snprintf(command, sizeof(command), "sqlite3 -bail '%s' < '%s/run.sql'", path, folder);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    (void)state;
    err_clear(&err);
    snprintf(folder, sizeof(folder), "/tmp/test_notice.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/portal.db", folder);
    if (db_open(&db, path, &portal_schema, 0, &err) != 0)
        return -1;
    sql("INSERT INTO organisation VALUES ('" ORGANISATION
        "','enterprise','杭州示例科技有限公司','USCC','91330100799655058B',1);"
        "INSERT INTO account (id,email,name,mobile,organisation,roles,lang,email_checked,created_at) VALUES"
        "('" APPLICANT "','zhang@example.org','张三','13800000000','" ORGANISATION "',1,'zh',1,1),"
        "('" FINANCE "','finance@example.net','Finance','',NULL,16,'en',1,1),"
        "('" OPERATOR "','operator@example.net','Operator','',NULL,8,'en',0,1),"
        "('0190a000-0000-7000-8000-000000000005','gone@example.net','Gone','',NULL,24,'en',1,1);"
        "UPDATE account SET disabled=1 WHERE email='gone@example.net';"
        "INSERT INTO application "
        "(id,state,owner,created_at,form,organisation,identifier,profile,updated_at,promise_due,carrier,"
        "tracking_number) "
        "VALUES ('" APPLICATION "','made','" ORGANISATION
        "',1,'{\"pickup_point\":\"p1\"}','杭州示例科技有限公司','91330100799655058B','org-sign-p256',1,"
        "1800028800000,'SF','SF1234567890123');"
        "INSERT INTO payment_order (id,application,state,fen,created_at) VALUES ('O1','" APPLICATION
        "','paid',20005,1);"
        "INSERT INTO service_point (id,name,region,address,phone,hours) VALUES "
        "('p1','西湖网点','浙江省杭州市','示例路 1 号','0571-1','9–17');"
        "INSERT INTO certificate "
        "(serial,application,generation,station,token_serial,product,key_id,pem,sha256,not_before,not_after,"
        "recorded_at) "
        "VALUES ('01','" APPLICATION "',1,'bench-1','TOKEN-7','softhsm','aa','pem','sha',1,2,1);");
    return 0;
}

static int tear_down(void **state)
{
    static const char *const NAMES[] = {"portal.db", "portal.db-wal", "portal.db-shm", "run.sql"};
    char name[160];
    (void)state;
    db_close(&db);
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        snprintf(name, sizeof(name), "%s/%s", folder, NAMES[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static json_t *notices_of(const char *account, enum lang lang)
{
    json_t *list = NULL;
    assert_int_equal(notice_list(db, account, lang, 0, "", 100, &list, &err), 0);
    return list;
}

static char *text_of(enum notice_kind kind, bool body, const json_t *params, enum lang lang)
{
    struct buf out;
    buf_init(&out);
    if (notice_text(kind, body, params, lang, &out, &err) != 0)
        print_error("%s: %s\n", notice_kind_name(kind), err.text);
    char *s = strdup(buf_cstr(&out));
    buf_done(&out);
    return s;
}

static void every_kind_reads_in_both_languages_with_what_an_application_gives(void **state)
{
    (void)state;
    for (enum lang lang = 0; lang < LANG_COUNT; lang++) {
        json_t *params = NULL;
        struct notice_facts facts;
        assert_int_equal(notice_params(db, APPLICATION, lang, &params, &facts, &err), 0);
        assert_string_equal(facts.owner, ORGANISATION);
        assert_false(facts.refund);
        for (enum notice_kind kind = 0; kind < NOTICE_KIND_COUNT; kind++)
            for (int body = 0; body < 2; body++) {
                char *s = text_of(kind, body, params, lang);
                assert_true(strlen(s) > 10);
                assert_null(strpbrk(s, "{}"));
                assert_true(strstr(s, APPLICATION) || strstr(s, "O1"));
                free(s);
            }
        json_decref(params);
    }
}

static void a_param_that_is_not_given_is_an_error(void **state)
{
    (void)state;
    struct buf out;
    json_t *params = json_pack("{s:s}", "application", APPLICATION);
    buf_init(&out);
    assert_int_equal(notice_text(NOTICE_POSTED, true, params, LANG_ZH, &out, &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_non_null(strstr(err.text, "{carrier}"));
    buf_done(&out);
    json_decref(params);
}

static void what_is_put_into_a_text_is_not_read_again(void **state)
{
    (void)state;
    json_t *params = json_pack("{s:s,s:s,s:s}", "application", "{due}", "organisation", "{x}", "due", "D");
    char *s = text_of(NOTICE_APPROVED, true, params, LANG_EN);
    assert_non_null(strstr(s, "The application {due} of {x} passed"));
    free(s);
    json_decref(params);
}

static void each_event_tells_those_whom_the_rule_names_and_mails_who_has_an_address(void **state)
{
    (void)state;
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(notice_of_event(db, NOW, APPLICATION, APPLICATION_OFFER, NULL, &err), 0);
    assert_int_equal(notice_of_event(db, NOW + 1, APPLICATION, APPLICATION_WITHDRAW_MADE, NULL, &err), 0);
    assert_int_equal(db_commit(db, &err), 0);
    json_t *applicant = notices_of(APPLICANT, LANG_ZH), *operators = notices_of(OPERATOR, LANG_EN),
           *finance = notices_of(FINANCE, LANG_EN);
    assert_int_equal(json_array_size(applicant), 2);
    assert_int_equal(json_array_size(operators), 1);
    assert_int_equal(json_array_size(finance), 0); /* nothing is to be refunded yet */
    const json_t *ready = json_array_get(applicant, 1);
    assert_string_equal(json_str(ready, "kind"), "ready_for_pickup");
    assert_non_null(strstr(json_str(ready, "body"), "西湖网点\n浙江省杭州市示例路 1 号\n9–17"));
    assert_string_equal(json_str(json_array_get(operators, 0), "title"),
                        "Recycle token TOKEN-7: application " APPLICATION " was withdrawn");
    json_decref(applicant);
    json_decref(operators);
    json_decref(finance);
    sql("CREATE TEMP TABLE t (n CHECK (n)); INSERT INTO t SELECT count(*) = 2 FROM mail WHERE recipient = "
        "'zhang@example.org';"
        "INSERT INTO t SELECT count(*) = 0 FROM mail WHERE recipient LIKE '%example.net';"
        "INSERT INTO t SELECT body LIKE '%{site}/applications/" APPLICATION "%' FROM mail;"
        "INSERT INTO t SELECT body NOT LIKE '%13800000000%' AND body NOT LIKE '%91330100799655058B%' FROM "
        "mail;");
}

static void a_refund_that_is_due_is_told_to_finance_and_applicant(void **state)
{
    (void)state;
    sql("UPDATE payment_order SET state = 'refund_due'; INSERT INTO review "
        "(id,application,stage,decision,reviewer,review_sha256,reasons,note,at) "
        "VALUES ('r','" APPLICATION "','first','reject','x','s','{}','公章与机构名称不符',5);");
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(notice_of_event(db, NOW, APPLICATION, APPLICATION_FIRST_REJECT, NULL, &err), 0);
    assert_int_equal(db_commit(db, &err), 0);
    json_t *applicant = notices_of(APPLICANT, LANG_ZH), *finance = notices_of(FINANCE, LANG_EN);
    assert_int_equal(json_array_size(applicant), 2);
    assert_int_equal(json_array_size(finance), 1);
    assert_non_null(strstr(json_str(json_array_get(finance, 0), "title"), "order O1, CNY 200.05"));
    const json_t *first = json_array_get(applicant, 0), *second = json_array_get(applicant, 1);
    const json_t *rejected = strcmp(json_str(first, "kind"), "rejected") == 0 ? first : second;
    assert_non_null(strstr(json_str(rejected, "body"), "公章与机构名称不符"));
    json_decref(applicant);
    json_decref(finance);
}

static void the_reasons_of_a_return_stand_under_their_fields_names(void **state)
{
    (void)state;
    sql("INSERT INTO review (id,application,stage,decision,reviewer,review_sha256,reasons,note,at) "
        "VALUES ('r','" APPLICATION
        "','first','return','x','s','{\"material_licence\":\"公章不清晰\",\"nonsense\":\"?\"}','',5);");
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(notice_of_event(db, NOW, APPLICATION, APPLICATION_FIRST_RETURN, NULL, &err), 0);
    assert_int_equal(db_commit(db, &err), 0);
    json_t *applicant = notices_of(APPLICANT, LANG_ZH);
    const char *body = json_str(json_array_get(applicant, 0), "body");
    assert_non_null(strstr(body, "：公章不清晰"));
    assert_null(strstr(body, "material_licence"));
    json_decref(applicant);
}

static void reading_is_ones_own(void **state)
{
    (void)state;
    int64_t unread = -1;
    char application[41];
    assert_int_equal(notice_about(db, NOW, APPLICATION, ROLE_APPLICANT, NOTICE_MADE, NULL, &err), 0);
    assert_int_equal(notice_about(db, NOW + 1, APPLICATION, ROLE_APPLICANT, NOTICE_READY, NULL, &err), 0);
    json_t *list = notices_of(APPLICANT, LANG_EN);
    const char *id = json_str(json_array_get(list, 0), "id");
    assert_int_equal(notice_application(db, FINANCE, id, application, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(notice_read(db, NOW, FINANCE, id, &err), 0);
    assert_int_equal(notice_unread(db, APPLICANT, &unread, &err), 0);
    assert_int_equal(unread, 2);
    assert_int_equal(notice_application(db, APPLICANT, id, application, &err), 0);
    assert_string_equal(application, APPLICATION);
    assert_int_equal(notice_read(db, NOW, APPLICANT, id, &err), 0);
    assert_int_equal(notice_unread(db, APPLICANT, &unread, &err), 0);
    assert_int_equal(unread, 1);
    assert_int_equal(notice_read(db, NOW, APPLICANT, "all", &err), 0);
    assert_int_equal(notice_unread(db, APPLICANT, &unread, &err), 0);
    assert_int_equal(unread, 0);
    json_decref(list);
}

static void an_import_that_belongs_to_nobody_is_told_to_nobody(void **state)
{
    (void)state;
    sql("UPDATE application SET owner = NULL;");
    assert_int_equal(notice_of_event(db, NOW, APPLICATION, APPLICATION_REPORT, NULL, &err), 0);
    sql("CREATE TEMP TABLE t (n CHECK (n = 0)); INSERT INTO t SELECT count(*) FROM notice;");
}

static void a_draft_that_is_thrown_away_is_no_news(void **state)
{
    (void)state;
    int64_t unread = -1;
    assert_int_equal(notice_of_event(db, NOW, APPLICATION, APPLICATION_WITHDRAW, NULL, &err), 0);
    assert_int_equal(notice_unread(db, APPLICANT, &unread, &err), 0);
    assert_int_equal(unread, 0);
    sql("UPDATE application SET submitted_at = 5;");
    assert_int_equal(notice_of_event(db, NOW, APPLICATION, APPLICATION_WITHDRAW, NULL, &err), 0);
    assert_int_equal(notice_unread(db, APPLICANT, &unread, &err), 0);
    assert_int_equal(unread, 1);
}

static void nothing_can_be_mailed_that_would_break_a_head(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "a@b.c\r\nBcc: x@y.z", "a b@c.d", "a@b@c", "@b", "a@", "<a@b>", "a", "a@b,c@d", "名@b.c"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        assert_int_equal(mail_put(db, NOW, BAD[i], "s", "b", "test", &err), -1);
        assert_int_equal(err.code, ERR_FIELD);
    }
    assert_int_equal(mail_put(db, NOW, "a@b.c", "s\r\nBcc: x@y.z", "b", "test", &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_int_equal(mail_put(db, NOW, "a@b.c", "s", "b", "test", &err), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_reads_in_both_languages_with_what_an_application_gives),
        TEST(a_param_that_is_not_given_is_an_error),
        TEST(what_is_put_into_a_text_is_not_read_again),
        TEST(each_event_tells_those_whom_the_rule_names_and_mails_who_has_an_address),
        TEST(a_refund_that_is_due_is_told_to_finance_and_applicant),
        TEST(the_reasons_of_a_return_stand_under_their_fields_names),
        TEST(reading_is_ones_own),
        TEST(an_import_that_belongs_to_nobody_is_told_to_nobody),
        TEST(a_draft_that_is_thrown_away_is_no_news),
        TEST(nothing_can_be_mailed_that_would_break_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
