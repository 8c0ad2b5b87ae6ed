/* Sessions, throttling, audit: what the clock decides. */
#include "account_fixture.h"

#define MINUTE INT64_C(60000)

static char user[UUID_SIZE], token[ACCOUNT_TOKEN_SIZE];
static struct account_session session;
static struct account_user u;

static void log_in(void)
{
    staff("a@example.com", user);
    assert_int_equal(account_session_new(db, NOW, user, true, "127.0.0.1", token, &err), 0);
}

#define FIND(at) account_session_find(db, (at), token, &session, &u, &err)

static void a_session_is_found_by_its_token_only(void **state)
{
    (void)state;
    log_in();
    assert_int_equal(strlen(token), ACCOUNT_TOKEN_SIZE - 1);
    assert_int_equal(FIND(NOW + 1), 0);
    assert_string_equal(u.email, "a@example.com");
    assert_string_equal(session.user, user);
    assert_string_equal(session.address, "127.0.0.1");
    assert_true(session.second_factor);
    memcpy(token, session.sha256, ACCOUNT_TOKEN_SIZE - 1); /* what stands in the database opens nothing */
    assert_int_equal(FIND(NOW + 1), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void a_session_that_is_used_lives_and_an_idle_one_ends(void **state)
{
    (void)state;
    log_in();
    for (int64_t at = 0; at <= 5 * ACCOUNT_IDLE_MS; at += ACCOUNT_IDLE_MS - MINUTE)
        assert_int_equal(FIND(NOW + at), 0);
    int64_t last = session.seen_at;
    assert_int_equal(FIND(last + 3 * ACCOUNT_IDLE_MS), -1);
}

static void the_idle_limit_is_exact(void **state)
{
    (void)state;
    log_in();
    assert_int_equal(FIND(NOW + ACCOUNT_IDLE_MS - 1), 0);
    assert_int_equal(FIND(NOW + ACCOUNT_IDLE_MS - 1 + ACCOUNT_IDLE_MS), -1);
}

static void a_session_ends_after_twelve_hours_of_use(void **state)
{
    (void)state;
    log_in();
    for (int64_t at = 0; at < ACCOUNT_ABSOLUTE_MS; at += 20 * MINUTE)
        assert_int_equal(FIND(NOW + at), 0);
    assert_int_equal(FIND(NOW + ACCOUNT_ABSOLUTE_MS - 1), 0);
    assert_int_equal(FIND(NOW + ACCOUNT_ABSOLUTE_MS), -1);
}

static void it_is_marked_as_seen_once_a_minute(void **state)
{
    (void)state;
    log_in();
    assert_int_equal(FIND(NOW + MINUTE - 1), 0);
    assert_int_equal(FIND(NOW + MINUTE), 0);
    assert_int_equal(session.seen_at, NOW); /* the marks before it */
    assert_int_equal(FIND(NOW + MINUTE + 1), 0);
    assert_int_equal(session.seen_at, NOW + MINUTE);
}

static void a_disabled_users_session_ends_at_once(void **state)
{
    (void)state;
    log_in();
    assert_int_equal(account_set_disabled(db, user, true, &err), 0);
    assert_int_equal(FIND(NOW + 1), -1);
    assert_int_equal(account_set_disabled(db, user, false, &err), 0);
    assert_int_equal(FIND(NOW + 2), -1);
}

static void a_new_password_ends_every_session_and_link(void **state)
{
    (void)state;
    char link[ACCOUNT_TOKEN_SIZE];
    log_in();
    assert_int_equal(account_link_new(db, NOW, ACCOUNT_LINK_RESET, user, link, &err), 0);
    assert_int_equal(account_password_set(db, user, "hash", &err), 0);
    assert_int_equal(FIND(NOW + 1), -1);
    assert_int_equal(account_link_take(db, NOW, ACCOUNT_LINK_RESET, link, false, &u, &err), -1);
}

static void all_sessions_but_one_can_be_ended(void **state)
{
    (void)state;
    char other[ACCOUNT_TOKEN_SIZE];
    log_in();
    assert_int_equal(account_session_new(db, NOW, user, true, "::1", other, &err), 0);
    assert_int_equal(FIND(NOW), 0);
    assert_int_equal(account_session_end_all(db, user, session.sha256, &err), 0);
    assert_int_equal(FIND(NOW), 0);
    assert_int_equal(account_session_find(db, NOW, other, &session, &u, &err), -1);
    assert_int_equal(FIND(NOW), 0);
    assert_int_equal(account_session_end(db, session.sha256, &err), 0);
    assert_int_equal(FIND(NOW), -1);
}

static void what_is_over_is_purged_and_what_runs_is_not(void **state)
{
    (void)state;
    log_in();
    assert_int_equal(account_purge(db, NOW + ACCOUNT_IDLE_MS - 1, &err), 0);
    assert_int_equal(FIND(NOW + 1), 0);
    assert_int_equal(account_purge(db, NOW + ACCOUNT_IDLE_MS, &err), 0);
    assert_int_equal(FIND(NOW + 1), -1);
}

/* ---- throttling ---- */

static int64_t wait_after(int64_t now, const char *key)
{
    int64_t ms = -1;
    assert_int_equal(account_throttle_wait(db, now, key, &ms, &err), 0);
    return ms;
}

static void five_failures_are_free_then_the_wait_doubles_to_a_quarter_of_an_hour(void **state)
{
    (void)state;
    static const int64_t SECONDS[] = {0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900};
    int64_t now = NOW;
    for (size_t i = 0; i < COUNT(SECONDS); i++) {
        assert_int_equal(account_throttle_fail(db, now, "account:a", &err), 0);
        assert_int_equal(wait_after(now, "account:a"), SECONDS[i] * 1000);
        now += SECONDS[i] * 1000;
        assert_int_equal(wait_after(now, "account:a"), 0);
    }
    assert_int_equal(wait_after(now - 1, "account:b"), 0); /* each key for itself */
}

static void failures_are_forgotten_after_a_day_or_a_success(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(account_throttle_fail(db, NOW, "address:::1", &err), 0);
    assert_int_equal(wait_after(NOW, "address:::1"), 4000);
    assert_int_equal(account_throttle_fail(db, NOW + INT64_C(86400000), "address:::1", &err), 0);
    assert_int_equal(wait_after(NOW + INT64_C(86400000), "address:::1"), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(account_throttle_fail(db, NOW, "account:a", &err), 0);
    assert_int_equal(account_throttle_clear(db, "account:a", &err), 0);
    assert_int_equal(wait_after(NOW, "account:a"), 0);
    assert_int_equal(account_throttle_fail(db, NOW, "account:a", &err), 0);
    assert_int_equal(wait_after(NOW, "account:a"), 0);
}

static void a_key_that_many_share_has_more_free_failures(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        assert_int_equal(account_throttle_fail_after(db, NOW, "address:::1", 30, &err), 0);
    assert_int_equal(wait_after(NOW, "address:::1"), 0);
    assert_int_equal(account_throttle_fail_after(db, NOW, "address:::1", 30, &err), 0);
    assert_int_equal(wait_after(NOW, "address:::1"), 1000);
}

static void a_failure_that_was_none_is_taken_back(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        assert_int_equal(account_throttle_fail(db, NOW, "address:::1", &err), 0);
    assert_int_equal(account_throttle_forgive(db, "address:::1", &err), 0);
    assert_int_equal(wait_after(NOW, "address:::1"), 0);
    assert_int_equal(account_throttle_fail(db, NOW, "address:::1", &err), 0);
    assert_int_equal(wait_after(NOW, "address:::1"), 1000); /* the five before it stand */
}

/* ---- audit ---- */

static void nothing_in_the_audit_can_be_changed(void **state)
{
    (void)state;
    char command[256];
    assert_int_equal(account_audit(db, NOW, "a@example.com", "password_set", "", "", &err), 0);
    snprintf(command, sizeof(command), "sqlite3 %s \"UPDATE audit SET who = 'b'\" 2>/dev/null", path);
    FILE *tool = popen(command, "r");
    assert_non_null(tool);
    assert_int_not_equal(pclose(tool), 0);
    snprintf(command, sizeof(command),
             "sqlite3 %s \"SELECT count(*) FROM audit WHERE who = 'a@example.com'\"", path);
    tool = popen(command, "r");
    assert_int_equal(fgetc(tool), '1');
    assert_int_equal(pclose(tool), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_found_by_its_token_only),
        TEST(a_session_that_is_used_lives_and_an_idle_one_ends),
        TEST(the_idle_limit_is_exact),
        TEST(a_session_ends_after_twelve_hours_of_use),
        TEST(it_is_marked_as_seen_once_a_minute),
        TEST(a_disabled_users_session_ends_at_once),
        TEST(a_new_password_ends_every_session_and_link),
        TEST(all_sessions_but_one_can_be_ended),
        TEST(what_is_over_is_purged_and_what_runs_is_not),
        TEST(five_failures_are_free_then_the_wait_doubles_to_a_quarter_of_an_hour),
        TEST(failures_are_forgotten_after_a_day_or_a_success),
        TEST(a_key_that_many_share_has_more_free_failures),
        TEST(a_failure_that_was_none_is_taken_back),
        TEST(nothing_in_the_audit_can_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
