/* Passwords, their hashing in slots, and the second factor. */
#include "account_fixture.h"

#include <pthread.h>

#include "base/clock.h"
#include "portal/account_slots.h"

static enum account_password_fault fault_of(const char *password)
{
    const struct account_user u = {.email = "wangxiaomei@example.com", .name = "Henrietta"};
    struct buf b;
    buf_init_secret(&b);
    assert_int_equal(buf_put_str(&b, password, &err), 0);
    enum account_password_fault fault = account_password_fault(&u, &b);
    assert_int_equal(account_password_check_rules(&u, &b, &err), fault == PASSWORD_FINE ? 0 : -1);
    if (fault != PASSWORD_FINE)
        assert_null(strstr(err.text, password)); /* a password never stands in an error */
    buf_done(&b);
    return fault;
}

static void common_passwords_are_refused_and_good_ones_taken(void **state)
{
    (void)state;
    static const struct {
        const char *password;
        enum account_password_fault fault;
    } ROWS[] = {
        {"123456789", PASSWORD_SHORT},
        {"密码密码密码密码密", PASSWORD_SHORT},
        {"1234567890", PASSWORD_COMMON},
        {"01234567890123", PASSWORD_COMMON},
        {"zyxwvutsrqponm", PASSWORD_COMMON},
        {"1qaz2wsx3edc", PASSWORD_COMMON},
        {"1QAZ@WSX3edc", PASSWORD_COMMON},
        {"woaini1314520", PASSWORD_COMMON},
        {"woaini19991231", PASSWORD_COMMON},
        {"5201314520.x", PASSWORD_FINE},
        {"5201314520", PASSWORD_COMMON},
        {"Admin@123456", PASSWORD_COMMON},
        {"!!Password2026", PASSWORD_COMMON},
        {"P@ssw0rd123", PASSWORD_COMMON},
        {"qwertyuiop", PASSWORD_COMMON},
        {"aaaaaaaaaaaa", PASSWORD_REPEATED},
        {"9999999999", PASSWORD_REPEATED},
        {"xy1!xy1!xy1!", PASSWORD_REPEATED},
        {"WangXiaoMei-88x", PASSWORD_PERSONAL},
        {"xx-henrietta-77", PASSWORD_PERSONAL},
        {"tab\tbetween-it", PASSWORD_BYTES},
        {"\xff\xfe not utf-8 at all", PASSWORD_BYTES},
        {"correct horse battery 9", PASSWORD_FINE},
        {"西湖边上的第七棵柳树", PASSWORD_FINE},
        {"k7#Vq2!mZx0p", PASSWORD_FINE},
    };
    for (size_t i = 0; i < COUNT(ROWS); i++)
        if (fault_of(ROWS[i].password) != ROWS[i].fault)
            fail_msg("%s: %d", ROWS[i].password, (int)fault_of(ROWS[i].password));
}

static void a_password_of_256_bytes_is_taken_and_one_more_is_not(void **state)
{
    (void)state;
    char password[ACCOUNT_PASSWORD_MAX + 2];
    for (size_t i = 0; i < sizeof(password); i++)
        password[i] = (char)('a' + (i * i + i / 7) % 26);
    password[ACCOUNT_PASSWORD_MAX + 1] = '\0';
    assert_int_equal(fault_of(password), PASSWORD_LONG);
    password[ACCOUNT_PASSWORD_MAX] = '\0';
    assert_int_equal(fault_of(password), PASSWORD_FINE);
}

static void hash(const char *password, char ret[192])
{
    struct buf b;
    buf_init_secret(&b);
    assert_int_equal(buf_put_str(&b, password, &err), 0);
    assert_int_equal(account_password_hash(&b, ret, &err), 0);
    buf_done(&b);
}

static bool right(const char *id, const char *password)
{
    struct buf b;
    bool is = !*password;
    buf_init_secret(&b);
    assert_int_equal(buf_put_str(&b, password, &err), 0);
    assert_int_equal(account_password_right(db, id, &b, &is, &err), 0);
    buf_done(&b);
    return is;
}

static void only_the_right_password_is_right(void **state)
{
    (void)state;
    char id[UUID_SIZE], encoded[192], again[192];
    staff("a@example.com", id);
    assert_false(right(id, GOOD));
    hash(GOOD, encoded);
    hash(GOOD, again);
    assert_string_not_equal(encoded, again);
    assert_int_equal(strncmp(encoded, "$argon2id$v=19$m=65536,t=3,p=1$", 31), 0);
    assert_int_equal(account_password_set(db, id, encoded, &err), 0);
    assert_true(right(id, GOOD));
    assert_false(right(id, "Correct horse battery 9"));
    assert_false(right(id, ""));
    assert_false(right("", GOOD));
}

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The work done, by this thread's own clock: a busy machine does not change it. */
static void an_unknown_user_costs_as_much_work_as_a_wrong_password(void **state)
{
    (void)state;
    char known[UUID_SIZE], bare[UUID_SIZE], encoded[192];
    staff("a@example.com", known);
    staff("b@example.com", bare);
    hash(GOOD, encoded);
    assert_int_equal(account_password_set(db, known, encoded, &err), 0);
    const char *const IDS[] = {known, bare, ""};
    int64_t spent[COUNT(IDS)] = {0};
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < COUNT(IDS); i++) {
            int64_t before = cpu_ms();
            assert_false(right(IDS[i], "wrong"));
            spent[i] += cpu_ms() - before;
        }
    for (size_t i = 1; i < COUNT(IDS); i++) {
        assert_true(spent[i] * 2 > spent[0]);
        assert_true(spent[0] * 2 > spent[i]);
    }
}

/* ---- slots ---- */

static void no_more_hash_at_once_than_there_are_slots(void **state)
{
    (void)state;
    char encoded[192];
    struct buf b = {0};
    buf_init_secret(&b);
    assert_int_equal(buf_put_str(&b, GOOD, &err), 0);
    assert_int_equal(account_hashing_init(2, &err), 0);
    assert_int_equal(account_slot_take(0, &err), 0);
    assert_int_equal(account_slot_take(0, &err), 0);
    int64_t before = clock_mono_ms();
    assert_int_equal(account_slot_take(100, &err), -1);
    assert_int_equal(err.code, ERR_RATE);
    assert_true(clock_mono_ms() - before >= 100);
    assert_int_equal(account_password_hash(&b, encoded, &err), -1); /* waits 5 s in vain */
    assert_int_equal(err.code, ERR_RATE);
    account_slot_give();
    assert_int_equal(account_password_hash(&b, encoded, &err), 0);
    account_slot_give();
    assert_int_equal(account_hashing_init(0, &err), -1);
    buf_done(&b);
}

static void *give_soon(void *arg)
{
    (void)arg;
    usleep(50000);
    account_slot_give();
    return NULL;
}

static void a_slot_that_is_given_back_goes_to_who_waits(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(account_hashing_init(1, &err), 0);
    assert_int_equal(account_slot_take(0, &err), 0);
    assert_int_equal(pthread_create(&thread, NULL, give_soon, NULL), 0);
    assert_int_equal(account_slot_take(30000, &err), 0);
    pthread_join(thread, NULL);
    account_slot_give();
}

/* ---- TOTP ---- */

/* RFC 6238, appendix B: the ASCII secret "12345678901234567890", the last six of its eight digits. */
#define RFC_SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static void the_codes_are_those_of_rfc_6238(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *code;
    } VECTORS[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                   {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    int64_t step = 0;
    for (size_t i = 0; i < COUNT(VECTORS); i++) {
        int64_t now = VECTORS[i].seconds * 1000;
        assert_true(account_totp_matches(RFC_SECRET, VECTORS[i].code, now, 0, &step));
        assert_int_equal(step, VECTORS[i].seconds / 30);
        assert_true(account_totp_matches(RFC_SECRET, VECTORS[i].code, now + 30000, 0, &step));
        assert_true(account_totp_matches(RFC_SECRET, VECTORS[i].code, now - 30000, 0, &step));
        assert_false(account_totp_matches(RFC_SECRET, VECTORS[i].code, now + 60000, 0, &step));
        if (now > 60000)
            assert_false(account_totp_matches(RFC_SECRET, VECTORS[i].code, now - 60000, 0, &step));
    }
    assert_false(account_totp_matches(RFC_SECRET, "28708", 59000, 0, &step));
    assert_false(account_totp_matches(RFC_SECRET, "2870820", 59000, 0, &step));
    assert_false(account_totp_matches(RFC_SECRET, "", 59000, 0, &step));
    assert_false(account_totp_matches("", "287082", 59000, 0, &step));
    assert_false(account_totp_matches("not base32 !", "287082", 59000, 0, &step));
}

static void a_code_is_used_once(void **state)
{
    (void)state;
    char id[UUID_SIZE];
    bool is = false;
    struct account_user u;
    staff("a@example.com", id);
    assert_int_equal(account_totp_right(db, id, "287082", 59000, &is, &err), 0);
    assert_false(is); /* there is no secret yet */
    assert_int_equal(account_totp_set(db, id, RFC_SECRET, &err), 0);
    assert_int_equal(account_by_id(db, id, &u, &err), 0);
    assert_true(u.has_totp);
    assert_int_equal(account_totp_right(db, id, "287083", 59000, &is, &err), 0);
    assert_false(is);
    assert_int_equal(account_totp_right(db, id, "287082", 59000, &is, &err), 0);
    assert_true(is);
    assert_int_equal(account_totp_right(db, id, "287082", 60000, &is, &err), 0);
    assert_false(is);
    assert_int_equal(account_totp_set(db, id, NULL, &err), 0);
    assert_int_equal(account_totp_right(db, id, "287082", 59000, &is, &err), 0);
    assert_false(is);
    assert_int_equal(account_totp_set(db, id, "SHORT", &err), -1);
}

static void a_new_secret_is_base32_and_never_the_same(void **state)
{
    (void)state;
    char a[ACCOUNT_TOTP_SIZE], b[ACCOUNT_TOTP_SIZE];
    account_totp_new(a);
    account_totp_new(b);
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 32);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(common_passwords_are_refused_and_good_ones_taken),
        TEST(a_password_of_256_bytes_is_taken_and_one_more_is_not),
        TEST(only_the_right_password_is_right),
        TEST(an_unknown_user_costs_as_much_work_as_a_wrong_password),
        TEST(no_more_hash_at_once_than_there_are_slots),
        TEST(a_slot_that_is_given_back_goes_to_who_waits),
        TEST(the_codes_are_those_of_rfc_6238),
        TEST(a_code_is_used_once),
        TEST(a_new_secret_is_base32_and_never_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
