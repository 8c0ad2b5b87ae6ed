#include "portal_fixture.h"

#include <sqlite3.h>

#include "portal/list.h"

#define BEGIN 1800000000000

static sqlite3 *raw; /* what no act of the portal does: times, states and promises at will */

static int set_up_raw(void **state)
{
    return set_up(state) != 0 || sqlite3_open(path, &raw) != SQLITE_OK ? -1 : 0;
}

static int tear_down_raw(void **state)
{
    sqlite3_close(raw);
    return tear_down(state);
}

#define RAW_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_raw, tear_down_raw)

static void run(const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(raw, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static void put(const char *id, const char *state, int64_t created_at, int64_t due, const char *organisation,
                const char *identifier)
{
    char *sql =
        sqlite3_mprintf("INSERT INTO application (id, state, created_at, promise_due, organisation, "
                        "identifier, profile, updated_at) VALUES (%Q, %Q, %lld, %lld, %Q, %Q, 'p', 0)",
                        id, state, (long long)created_at, (long long)due, organisation, identifier);
    run(sql);
    sqlite3_free(sql);
    assert_int_equal(IN_TRANSACTION(list_index(act.db, id, &err)), 0);
}

static struct list_query all(void)
{
    return (struct list_query){.owner = "", .state = "", .text = "", .cursor = "", .limit = 7};
}

/* Walk every page; the ids in the order in which they came, each followed by a space. */
static void walk(struct list_query query, bool queue, char ret[4096])
{
    char cursor[128] = "";
    size_t len = 0, pages = 0;
    ret[0] = '\0';
    do {
        json_t *page = NULL, *row;
        size_t i;
        query.cursor = cursor;
        assert_int_equal(queue ? list_queue(act.db, query.state, cursor, query.limit, &page, &err)
                               : list_applications(act.db, &query, &page, &err),
                         0);
        assert_true(json_array_size(json_object_get(page, "rows")) <= (size_t)query.limit);
        json_array_foreach(json_object_get(page, "rows"), i, row) len +=
            (size_t)snprintf(ret + len, 4096 - len, "%s ", json_str(row, "id"));
        snprintf(cursor, sizeof(cursor), "%s", json_str(page, "next"));
        json_decref(page);
        assert_true(++pages < 100);
    } while (cursor[0]);
}

static void assert_walk(struct list_query query, const char *expected)
{
    char ids[4096];
    walk(query, false, ids);
    assert_string_equal(ids, expected);
}

/* ---- pages ---- */

static void every_row_comes_exactly_once_newest_first_even_of_one_instant(void **state)
{
    (void)state;
    char expected[4096] = "", ids[4096];
    size_t len = 0;
    for (int i = 0; i < 45; i++) {
        char id[16];
        snprintf(id, sizeof(id), "CA-%03d", i);
        put(id, "draft", BEGIN + (i / 20) * 1000, 0, ORGANISATION, "zcy1"); /* 20 have the same time */
    }
    for (int i = 44; i >= 0; i--)
        len += (size_t)snprintf(expected + len, sizeof(expected) - len, "CA-%03d ", i);
    for (int64_t limit = 1; limit <= 46; limit += 3) {
        struct list_query query = all();
        query.limit = limit;
        walk(query, false, ids);
        assert_string_equal(ids, expected);
        query.text = "示例";
        walk(query, false, ids);
        assert_string_equal(ids, expected);
    }
}

static void a_page_that_ends_with_the_list_has_no_next(void **state)
{
    (void)state;
    struct list_query query = all();
    json_t *page = NULL;
    put("CA-1", "draft", BEGIN, 0, ORGANISATION, "");
    put("CA-2", "draft", BEGIN, 0, ORGANISATION, "");
    query.limit = 2;
    assert_int_equal(list_applications(act.db, &query, &page, &err), 0);
    assert_int_equal(json_array_size(json_object_get(page, "rows")), 2);
    assert_string_equal(json_str(page, "next"), "");
    json_decref(page);
}

static void filters_hold_together(void **state)
{
    (void)state;
    struct list_query query = all();
    run("INSERT INTO organisation VALUES ('o1', 'enterprise', 'a', 'USCC', 'x', 0)");
    put("CA-1", "issued", BEGIN + 1, 0, "甲公司", "91330100799655058B");
    put("CA-2", "failed", BEGIN + 2, 0, "乙公司", "91350100M000100Y43");
    put("CA-3", "issued", BEGIN + 3, 0, "乙公司", "91350100M000100Y43");
    run("UPDATE application SET owner = 'o1' WHERE id IN ('CA-2', 'CA-3')");
    query.state = "issued";
    assert_walk(query, "CA-3 CA-1 ");
    query.owner = "o1";
    assert_walk(query, "CA-3 ");
    query.state = "";
    assert_walk(query, "CA-3 CA-2 ");
    query.text = "m000100";
    assert_walk(query, "CA-3 CA-2 ");
    query.from = BEGIN + 2, query.to = BEGIN + 3;
    assert_walk(query, "CA-2 ");
    query.owner = "", query.text = "公司", query.from = BEGIN, query.to = BEGIN + 3;
    assert_walk(query, "CA-2 CA-1 ");
    query.state = "failed";
    assert_walk(query, "CA-2 ");
}

static void a_cursor_that_was_edited_or_is_of_other_filters_is_refused(void **state)
{
    (void)state;
    struct list_query query = all();
    json_t *page = NULL;
    char cursor[128], next[128];
    put("CA-1", "draft", BEGIN, 0, ORGANISATION, "");
    put("CA-2", "draft", BEGIN, 0, ORGANISATION, "");
    query.limit = 1;
    assert_int_equal(list_applications(act.db, &query, &page, &err), 0);
    snprintf(next, sizeof(next), "%s", json_str(page, "next"));
    json_decref(page);
    assert_true(next[0]);
    for (size_t i = 0; next[i]; i++) {
        snprintf(cursor, sizeof(cursor), "%s", next);
        cursor[i] = cursor[i] == '0' ? '1' : '0';
        query.cursor = cursor;
        assert_int_equal(list_applications(act.db, &query, &page, &err), -1);
        assert_int_equal(err.code, ERR_FIELD);
    }
    static const char *const WRONG[] = {"x",   "1",      "1.",
                                        "1..", "1.CA-1", "99999999999999999999.CA-1.00000000"};
    for (size_t i = 0; i < COUNT(WRONG); i++) {
        query.cursor = WRONG[i];
        assert_int_equal(list_applications(act.db, &query, &page, &err), -1);
        assert_int_equal(err.code, ERR_FIELD);
    }
    query.cursor = next, query.state = "draft";
    assert_int_equal(list_applications(act.db, &query, &page, &err), -1);
    assert_int_equal(list_queue(act.db, "draft", next, 1, &page, &err), -1);
    query.state = "";
    assert_int_equal(list_applications(act.db, &query, &page, &err), 0);
    json_decref(page);
}

static void a_queue_goes_by_the_promise_and_ends_with_those_that_have_none(void **state)
{
    (void)state;
    char ids[4096];
    put("CA-1", "final_review", BEGIN + 1, 0, ORGANISATION, "");
    put("CA-2", "final_review", BEGIN + 2, BEGIN + 9, ORGANISATION, "");
    put("CA-3", "final_review", BEGIN + 3, BEGIN + 8, ORGANISATION, "");
    put("CA-4", "final_review", BEGIN + 4, BEGIN + 8, ORGANISATION, "");
    put("CA-5", "final_review", BEGIN + 5, 0, ORGANISATION, "");
    put("CA-6", "first_review", BEGIN + 6, BEGIN + 1, ORGANISATION, "");
    for (int64_t limit = 1; limit < 8; limit++) {
        walk((struct list_query){.state = "final_review", .limit = limit}, true, ids);
        assert_string_equal(ids, "CA-3 CA-4 CA-2 CA-1 CA-5 ");
    }
}

static void a_promise_over_a_year_without_a_calendar_is_provisional(void **state)
{
    (void)state;
    struct list_query query = all();
    json_t *page = NULL;
    run("INSERT INTO calendar_year VALUES (2026, 'test', 0)");
    put("CA-1", "first_review", BEGIN, 1798732800000, ORGANISATION,
        ""); /* the end of 2026-12-31 in Shanghai */
    put("CA-2", "first_review", BEGIN, 1798819200000, ORGANISATION, ""); /* the end of 2027-01-01 */
    put("CA-3", "final_review", BEGIN, 0, ORGANISATION, "");
    assert_int_equal(list_applications(act.db, &query, &page, &err), 0);
    const json_t *rows = json_object_get(page, "rows");
    assert_false(json_is_true(json_object_get(json_array_get(rows, 0), "provisional")));
    assert_true(json_is_true(json_object_get(json_array_get(rows, 1), "provisional")));
    assert_false(json_is_true(json_object_get(json_array_get(rows, 2), "provisional")));
    json_decref(page);
}

/* ---- searching ---- */

static void any_part_of_name_identifier_number_or_token_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ids;
    } CASES[] = {{"示例", "CA20261122-7K3M9QXA "},
                 {"杭州示例科技有限公司", "CA20261122-7K3M9QXA "},
                 {"科技", "CA20261122-7K3M9QXA "},
                 {"有限", "CA20261122-BBBBBBBB CA20261122-7K3M9QXA "},
                 {"技有限", "CA20261122-7K3M9QXA "},
                 {"公司有限", ""},
                 {"91330100799655058b", "CA20261122-7K3M9QXA "},
                 {"55058", "CA20261122-7K3M9QXA "},
                 {"ca20261122-7k3m9qxa", "CA20261122-7K3M9QXA "},
                 {"  7K3M  ", "CA20261122-7K3M9QXA "},
                 {"UK-0099", "CA20261122-BBBBBBBB "},
                 {"uk-0098", "CA20261122-BBBBBBBB "}, /* of the token before, whose certificate is void */
                 {"BBBBBBBB", "CA20261122-BBBBBBBB "},
                 {"a' OR 1=1 --", ""},
                 {"%%", ""},
                 {"__", ""},
                 {"司9", ""}}; /* not across two fields */
    put("CA20261122-7K3M9QXA", "draft", BEGIN, 0, ORGANISATION, "91330100799655058B");
    put("CA20261122-BBBBBBBB", "issued", BEGIN + 1, 0, "宁波海曙有限公司", "zcy000000000001");
    run("INSERT INTO certificate VALUES "
        "('01', 'CA20261122-BBBBBBBB', 1, 's', 'UK-0098', 'p', 'k', 'pem', 'a', 0, 0, 0, 5), "
        "('02', 'CA20261122-BBBBBBBB', 2, 's', 'UK-0099', 'p', 'k', 'pem', 'b', 0, 0, 0, NULL)");
    assert_int_equal(IN_TRANSACTION(list_index(act.db, "CA20261122-BBBBBBBB", &err)), 0);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct list_query query = all();
        query.text = CASES[i].text;
        assert_walk(query, CASES[i].ids);
    }
}

/* Every pair of its characters is common: only the whole of it is rare. */
static void a_whole_identifier_is_found_among_many_alike(void **state)
{
    (void)state;
    struct list_query query = all();
    run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 21000) "
        "INSERT INTO application (id, state, created_at, organisation, identifier, profile, updated_at) "
        "SELECT 'X' || i, 'draft', 1800000000000 + i, 'x', 'zcy111222', 'p', 0 FROM n");
    for (int i = 0; i < 3; i++) {
        char id[8];
        snprintf(id, sizeof(id), "CA-%d", i);
        put(id, i ? "issued" : "draft", BEGIN - 10 + i, 0, "y", "zcy222111");
    }
    run("INSERT INTO search_gram SELECT g.column1, a.created_at, a.id FROM application AS a, "
        "(VALUES ('zc'), ('cy'), ('y1'), ('11'), ('12'), ('22'), ('y2'), ('21')) AS g WHERE a.id LIKE 'X%'");
    query.text = "ZCY222111";
    assert_walk(query, "CA-2 CA-1 CA-0 ");
    query.limit = 1;
    assert_walk(query, "CA-2 CA-1 CA-0 ");
    query.state = "issued";
    assert_walk(query, "CA-2 CA-1 ");
    query.to = BEGIN - 8;
    assert_walk(query, "CA-1 ");
    query.text = "ca-1";
    assert_walk(query, "CA-1 ");
    query.from = BEGIN;
    assert_walk(query, "");
}

static void a_former_name_is_found_no_more(void **state)
{
    (void)state;
    struct list_query query = all();
    put("CA-1", "draft", BEGIN, 0, "旧名称公司", "");
    run("UPDATE application SET organisation = '新名称公司'");
    assert_int_equal(IN_TRANSACTION(list_index(act.db, "CA-1", &err)), 0);
    query.text = "旧名称";
    assert_walk(query, "");
    query.text = "新名称";
    assert_walk(query, "CA-1 ");
}

static void one_character_and_what_is_no_text_are_refused_in_words(void **state)
{
    (void)state;
    char large[65 * 3 + 1] = "";
    for (int i = 0; i < 65; i++)
        strncat(large, "中", sizeof(large) - strlen(large) - 1);
    const char *const WRONG[] = {"中", "a", " a ", "   ", "\xff\xfe\xfd", large};
    for (size_t i = 0; i < COUNT(WRONG); i++) {
        struct list_query query = all();
        json_t *page = NULL;
        query.text = WRONG[i];
        assert_int_equal(list_applications(act.db, &query, &page, &err), -1);
        assert_int_equal(err.code, ERR_FIELD);
        assert_memory_equal(err.text, "text: ", 6);
    }
}

/* Everybody has the text, and nobody in this state but the oldest: the search says so, and goes on. */
static void a_search_that_looks_too_long_answers_and_goes_on(void **state)
{
    (void)state;
    struct list_query query = all();
    json_t *page = NULL;
    run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24000) "
        "INSERT INTO application (id, state, created_at, organisation, identifier, profile, updated_at) "
        "SELECT 'X' || i, 'draft', 1800000000000 + i, '甲乙丙丁', '', 'p', 0 FROM n");
    run("INSERT INTO search_gram SELECT '甲乙', created_at, id FROM application");
    run("INSERT INTO search_gram SELECT '乙丙', created_at, id FROM application");
    put("CA-1", "issued", BEGIN, 0, "甲乙甲公司", "");
    put("CA-2", "draft", BEGIN, 0, "乙丙", "");
    run("UPDATE application SET state = 'issued' WHERE id <> 'CA-2'");
    query.text = "甲乙丙", query.state = "draft";
    assert_walk(query, "");
    query.state = "", query.text = "甲乙甲";
    assert_walk(query, "CA-1 ");
    run("INSERT INTO search_gram SELECT '乙甲', created_at, id FROM application WHERE id <> 'CA-1'");
    assert_int_equal(list_applications(act.db, &query, &page, &err), 0);
    assert_int_equal(json_array_size(json_object_get(page, "rows")), 0);
    assert_true(json_is_true(json_object_get(page, "partial")));
    assert_true(json_str(page, "next")[0]);
    json_decref(page);
    assert_walk(query, "CA-1 ");
}

/* ---- cost ---- */

static void assert_plan(int id, bool may_sort)
{
    const struct db_statement *s = &portal_schema.statements[id];
    sqlite3_stmt *plan = NULL;
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", s->sql);
    int lines = 0;
    assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &plan, NULL), SQLITE_OK);
    sqlite3_free(sql);
    for (; sqlite3_step(plan) == SQLITE_ROW; lines++) {
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        bool whole = strncmp(detail, "SCAN", 4) == 0 && strncmp(detail, "SCAN CONSTANT", 13) != 0 &&
                     strncmp(detail, "SCAN some", 9) != 0 && /* a subquery that has a limit of its own */
                     !strstr(detail, "USING INDEX event_alert") && /* the few that alert, from the newest */
                     !strstr(detail, "USING INDEX mail_unsent");   /* the few that wait */
        if (whole || (!may_sort && strstr(detail, "TEMP B-TREE")))
            fail_msg("%s: %s", s->name, detail);
    }
    sqlite3_finalize(plan);
    assert_true(lines > 0);
}

static void every_statement_walks_an_index_and_sorts_nothing(void **state)
{
    (void)state;
    for (int id = PSQL_LIST_ALL; id <= PSQL_LIST_TOKENS; id++)
        assert_plan(id, false);
    assert_plan(PSQL_LIST_ORDERS, false);
    assert_plan(PSQL_LIST_ALERTS, false);
    for (int id = PSQL_CHECK_IDENTIFIER; id <= PSQL_CHECK_TOKEN; id++)
        assert_plan(id, id == PSQL_CHECK_MATERIAL); /* DISTINCT, of five */
}

/* Of tables that stay short, or counts that are read for people, not for each page. */
static bool may_be_read_whole(const char *statement)
{
    static const char *const SHORT[] = {
        "application_counts", "application_claim", "station_list",  "session_purge", "form_points",
        "apply_terms",        "terms_count",       "terms_list",    "price_count",   "price_list",
        "point_count",        "point_list",        "calendar_years"};
    for (size_t i = 0; i < COUNT(SHORT); i++)
        if (strcmp(statement, SHORT[i]) == 0)
            return true;
    return false;
}

static void no_statement_reads_the_whole_of_a_table_that_grows(void **state)
{
    (void)state;
    for (int id = 0; id < PSQL_COUNT; id++)
        if (!may_be_read_whole(portal_schema.statements[id].name) &&
            !strstr(portal_schema.statements[id].sql, " VALUES "))
            assert_plan(id, true);
}

static void orders_of_a_state_come_once_each_newest_first(void **state)
{
    (void)state;
    char cursor[128] = "", ids[256] = "";
    size_t len = 0;
    put("CA-1", "issued", BEGIN, 0, ORGANISATION, "");
    run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) "
        "INSERT INTO payment_order (id, application, state, fen, created_at) "
        "SELECT 'O' || i, 'CA-1', 'closed', 100, 1800000000000 + i / 3 FROM n");
    do {
        json_t *page = NULL, *row;
        size_t i;
        assert_int_equal(list_orders(act.db, "closed", cursor, 4, &page, &err), 0);
        json_array_foreach(json_object_get(page, "rows"), i, row) len +=
            (size_t)snprintf(ids + len, sizeof(ids) - len, "%s ", json_str(row, "id"));
        snprintf(cursor, sizeof(cursor), "%s", json_str(page, "next"));
        json_decref(page);
    } while (cursor[0]);
    assert_string_equal(ids, "O9 O8 O7 O6 O5 O4 O3 O2 O1 ");
    json_t *page = NULL;
    assert_int_equal(list_orders(act.db, "due", "1.O1.00000000", 4, &page, &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RAW_TEST(every_row_comes_exactly_once_newest_first_even_of_one_instant),
        RAW_TEST(a_page_that_ends_with_the_list_has_no_next),
        RAW_TEST(filters_hold_together),
        RAW_TEST(a_cursor_that_was_edited_or_is_of_other_filters_is_refused),
        RAW_TEST(a_queue_goes_by_the_promise_and_ends_with_those_that_have_none),
        RAW_TEST(a_promise_over_a_year_without_a_calendar_is_provisional),
        RAW_TEST(any_part_of_name_identifier_number_or_token_is_found),
        RAW_TEST(a_whole_identifier_is_found_among_many_alike),
        RAW_TEST(a_former_name_is_found_no_more),
        RAW_TEST(one_character_and_what_is_no_text_are_refused_in_words),
        RAW_TEST(a_search_that_looks_too_long_answers_and_goes_on),
        RAW_TEST(every_statement_walks_an_index_and_sorts_nothing),
        RAW_TEST(no_statement_reads_the_whole_of_a_table_that_grows),
        RAW_TEST(orders_of_a_state_come_once_each_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
