/* The login guard: what a restart, a crash and a wrong PIN may and may not do. The "HSM" is a callback that
 * counts. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "vault/login.h"

static char folder[] = "/tmp/castation-login-XXXXXX";
static int tries;
static const char *right_pin = "246802";

static int hsm(void *arg, const struct buf *pin, struct err *err)
{
    (void)arg;
    tries++;
    if (pin->len == strlen(right_pin) && memcmp(pin->data, right_pin, pin->len) == 0)
        return 0;
    return err_set(err, ERR_HSM_PIN, "CKR_PIN_INCORRECT");
}

static int dying_hsm(void *arg, const struct buf *pin, struct err *err)
{
    (void)arg, (void)pin, (void)err;
    _exit(9);
}

static int vanishing_hsm(void *arg, const struct buf *pin, struct err *err)
{
    (void)arg, (void)pin;
    tries++;
    return err_set(err, ERR_HSM_GONE, "CKR_DEVICE_ERROR");
}

static struct login start(void)
{
    struct login l;
    struct err err;
    assert_int_equal(login_load(&l, folder, &err), 0);
    return l;
}

static void pin_of(struct buf *pin, const char *text)
{
    struct err err;
    buf_init_secret(pin);
    assert_int_equal(buf_put_str(pin, text, &err), 0);
}

/* What the vault does at start: a fresh process, the file, one automatic try if the guard lets it. */
static int start_with(const char *credential, enum err_code *ret_code)
{
    struct err err;
    struct buf pin;
    struct login l = start();
    pin_of(&pin, credential);
    err_clear(&err);
    int rc = login_may_try(&l, &pin, &err);
    if (rc == 0)
        rc = login_try(&l, LOGIN_CREDENTIAL, &pin, hsm, NULL, &err);
    *ret_code = err.code;
    buf_done(&pin);
    return rc;
}

static int type_pin(const char *text)
{
    struct err err;
    struct buf pin;
    struct login l = start();
    pin_of(&pin, text);
    int rc = login_try(&l, LOGIN_TYPED, &pin, hsm, NULL, &err);
    buf_done(&pin);
    return rc;
}

static int fresh(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof(path), "%s/login", folder);
    unlink(path);
    tries = 0;
    right_pin = "246802";
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    fresh(state);
    return rmdir(folder);
}

static void a_right_pin_is_tried_at_every_start(void **state)
{
    enum err_code code;
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(start_with("246802", &code), 0);
    assert_int_equal(tries, 3);
}

static void a_wrong_pin_is_tried_once_however_often_the_vault_is_started(void **state)
{
    enum err_code code;
    (void)state;
    assert_int_equal(start_with("999999", &code), -1);
    assert_int_equal(code, ERR_HSM_PIN);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(start_with("999999", &code), -1);
        assert_int_equal(code, ERR_HSM_LOCKED);
    }
    assert_int_equal(tries, 1);
}

static void a_crash_in_the_try_counts_as_a_refusal(void **state)
{
    enum err_code code;
    (void)state;
    struct login l = start();
    struct err err;
    struct buf pin;
    pid_t child = fork();
    if (child == 0) {
        pin_of(&pin, "246802"); /* here: a secret page is not given to a forked child */
        login_try(&l, LOGIN_CREDENTIAL, &pin, dying_hsm, NULL, &err);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 9);
    assert_int_equal(start_with("246802", &code), -1);
    assert_int_equal(code, ERR_HSM_LOCKED);
    assert_int_equal(tries, 0);
    assert_int_equal(type_pin("246802"), 0); /* somebody's explicit try is not held up */
}

static void an_hsm_that_vanished_in_the_try_leaves_it_pending(void **state)
{
    enum err_code code;
    (void)state;
    struct login l = start();
    struct err err;
    struct buf pin;
    pin_of(&pin, "246802");
    assert_int_equal(login_try(&l, LOGIN_CREDENTIAL, &pin, vanishing_hsm, NULL, &err), -1);
    assert_int_equal(err.code, ERR_HSM_GONE);
    buf_done(&pin);
    assert_int_equal(start_with("246802", &code), -1);
    assert_int_equal(tries, 1);
}

/* One changed PIN in 256 looks like the refused one; of 12, more than two doing so has a chance of 1 in
 * 80,000. */
static void a_changed_credential_is_tried(void **state)
{
    enum err_code code;
    (void)state;
    int held = 0;
    for (int i = 0; i < 12; i++) {
        char pin[16];
        snprintf(pin, sizeof(pin), "%06d", 100 + i);
        start_with(pin, &code);
        held += code == ERR_HSM_LOCKED;
    }
    assert_true(held <= 2);
    assert_int_equal(tries, 12 - held);
}

static void a_refused_credential_stays_refused_after_a_wrong_typed_pin(void **state)
{
    enum err_code code;
    (void)state;
    start_with("999999", &code);
    assert_int_equal(type_pin("888888"), -1);
    assert_int_equal(tries, 2);
    assert_int_equal(start_with("999999", &code), -1);
    assert_int_equal(code, ERR_HSM_LOCKED);
    assert_int_equal(tries, 2);
}

static void a_typed_pin_that_was_refused_is_not_tried_as_a_credential(void **state)
{
    enum err_code code;
    (void)state;
    assert_int_equal(type_pin("888888"), -1);
    assert_int_equal(start_with("888888", &code), -1);
    assert_int_equal(code, ERR_HSM_LOCKED);
    assert_int_equal(tries, 1);
}

static void a_right_typed_pin_does_not_make_a_wrong_credential_good(void **state)
{
    enum err_code code;
    (void)state;
    start_with("999999", &code);
    assert_int_equal(type_pin("246802"), 0);
    start_with("999999", &code);
    assert_int_equal(code, ERR_HSM_LOCKED);
    assert_int_equal(tries, 2);
}

static void a_credential_equal_to_the_typed_pin_is_good_again(void **state)
{
    enum err_code code;
    struct buf pin;
    struct err err;
    (void)state;
    right_pin = "somethingelse"; /* refused at first: the HSM's PIN is changed to it afterwards */
    start_with("246802", &code);
    right_pin = "246802";
    assert_int_equal(type_pin("246802"), 0);
    struct login l = start();
    pin_of(&pin, "246802");
    assert_int_equal(login_settle_credential(&l, &pin, &err), 0);
    buf_done(&pin);
    assert_int_equal(start_with("246802", &code), 0);
}

static void a_damaged_file_lets_nothing_be_tried_by_itself(void **state)
{
    static const char *const damaged[] = {
        "",
        "{}",
        "not json",
        "{\"version\":1,\"salt\":\"00\",\"credential\":{\"outcome\":\"ok\",\"fingerprint\":1},"
        "\"typed\":{\"outcome\":\"ok\",\"fingerprint\":1}}",
        "{\"version\":1,\"salt\":\"000102030405060708090a0b0c0d0e0f\",\"credential\":{\"outcome\":\"maybe\","
        "\"fingerprint\":1},\"typed\":{\"outcome\":\"ok\",\"fingerprint\":1}}",
    };
    char path[128];
    struct err err;
    struct login l;
    (void)state;
    snprintf(path, sizeof(path), "%s/login", folder);
    for (size_t i = 0; i < COUNT(damaged); i++) {
        assert_int_equal(file_replace(path, damaged[i], strlen(damaged[i]), 0600, &err), 0);
        assert_int_equal(login_load(&l, folder, &err), -1);
        assert_int_equal(err.code, ERR_HSM_LOCKED);
    }
    struct buf pin;
    pin_of(&pin, "246802");
    assert_int_equal(login_may_try(&l, &pin, &err), -1); /* not even a credential that was written anew */
    assert_int_equal(err.code, ERR_HSM_LOCKED);
    assert_int_equal(login_try(&l, LOGIN_TYPED, &pin, hsm, NULL, &err), 0); /* and this mends the file */
    assert_int_equal(login_may_try(&l, &pin, &err), 0);
    buf_done(&pin);
    assert_int_equal(login_load(&l, folder, &err), 0);
}

static void nothing_is_tried_when_the_try_cannot_be_written_down(void **state)
{
    struct err err;
    struct buf pin;
    (void)state;
    struct login l = start();
    snprintf(l.path, sizeof(l.path), "%s/no/such/folder/login", folder);
    pin_of(&pin, "246802");
    assert_int_equal(login_try(&l, LOGIN_CREDENTIAL, &pin, hsm, NULL, &err), -1);
    buf_done(&pin);
    assert_int_equal(tries, 0);
}

static void the_file_holds_eight_bits_of_the_pin_under_one_salt(void **state)
{
    char path[128], salt[64] = "";
    enum err_code code;
    struct err err;
    (void)state;
    snprintf(path, sizeof(path), "%s/login", folder);
    for (int i = 0; i < 3; i++) {
        struct buf b;
        buf_init(&b);
        start_with("246802", &code);
        assert_int_equal(file_read(path, 4096, &b, &err), 0);
        const char *text = buf_cstr(&b), *at = strstr(text, "\"salt\":\"");
        assert_non_null(at);
        assert_null(strstr(text, "246802"));
        if (i > 0)
            assert_memory_equal(at, salt, 32);
        memcpy(salt, at, 32);
        struct login l = start();
        assert_true(sizeof(l.tries[0].fingerprint) == 1);
        buf_done(&b);
    }
}

static void a_pin_file_that_others_can_read_is_not_used(void **state)
{
    char path[128];
    struct err err;
    struct buf pin;
    (void)state;
    buf_init_secret(&pin);
    snprintf(path, sizeof(path), "%s/pin", folder);
    assert_int_equal(file_replace(path, "246802\n", 7, 0600, &err), 0);
    assert_int_equal(login_read_pin(path, &pin, &err), 0);
    assert_int_equal(pin.len, 6);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(login_read_pin(path, &pin, &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_int_equal(file_replace(path, "\n", 1, 0600, &err), 0);
    assert_int_equal(login_read_pin(path, &pin, &err), -1);
    unlink(path);
    buf_done(&pin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_right_pin_is_tried_at_every_start, fresh),
        cmocka_unit_test_setup(a_wrong_pin_is_tried_once_however_often_the_vault_is_started, fresh),
        cmocka_unit_test_setup(a_crash_in_the_try_counts_as_a_refusal, fresh),
        cmocka_unit_test_setup(an_hsm_that_vanished_in_the_try_leaves_it_pending, fresh),
        cmocka_unit_test_setup(a_changed_credential_is_tried, fresh),
        cmocka_unit_test_setup(a_refused_credential_stays_refused_after_a_wrong_typed_pin, fresh),
        cmocka_unit_test_setup(a_typed_pin_that_was_refused_is_not_tried_as_a_credential, fresh),
        cmocka_unit_test_setup(a_right_typed_pin_does_not_make_a_wrong_credential_good, fresh),
        cmocka_unit_test_setup(a_credential_equal_to_the_typed_pin_is_good_again, fresh),
        cmocka_unit_test_setup(a_damaged_file_lets_nothing_be_tried_by_itself, fresh),
        cmocka_unit_test_setup(nothing_is_tried_when_the_try_cannot_be_written_down, fresh),
        cmocka_unit_test_setup(the_file_holds_eight_bits_of_the_pin_under_one_salt, fresh),
        cmocka_unit_test_setup(a_pin_file_that_others_can_read_is_not_used, fresh),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
