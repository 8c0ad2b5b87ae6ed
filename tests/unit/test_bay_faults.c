/* A bay whose module fails: each fault becomes the error that castationd decides by, no fault outlives its
 * deadline, and a worker that died at any moment leaves a token that can be made again. */
#include "cmocka_all.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "../rig/bay_rig.h"
#include "base/clock.h"

static struct rig rig;
static struct err err;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unsetenv("CASTATION_CRASH");
    rig_done(&rig);
    return 0;
}

#define good(call)                                                                                           \
    do {                                                                                                     \
        if ((call) != 0)                                                                                     \
            fail_msg("%s: %s [%s]", #call, err.text, err_name(err.code));                                    \
    } while (0)

/* ---- the steps of a token, in their order
 * ---------------------------------------------------------------------------- */

static enum key_type type = KEY_P256;

static int hello(struct rig *r, struct err *e)
{
    rig_process(r);
    return rig_hello(r, r->ms, e);
}

static int keygen(struct rig *r, struct err *e)
{
    return rig_step_keygen(r, type, e);
}

enum step {
    HELLO,
    CHANNEL,
    PROBE,
    INIT,
    SET_SO_PIN,
    SEAL_PIN,
    SET_USER_PIN,
    KEYGEN,
    CSR,
    WRITE,
    VERIFY,
    WIPE,
    STEPS
};

static const struct {
    const char *name;
    int (*run)(struct rig *r, struct err *e);
} STEP[STEPS] = {
    [HELLO] = {"hello", hello},
    [CHANNEL] = {"channel", rig_channel},
    [PROBE] = {"probe", rig_step_probe},
    [INIT] = {"init", rig_step_init},
    [SET_SO_PIN] = {"set_so_pin", rig_step_set_so_pin},
    [SEAL_PIN] = {"seal_pin", rig_step_seal_pin},
    [SET_USER_PIN] = {"set_user_pin", rig_step_set_user_pin},
    [KEYGEN] = {"keygen", keygen},
    [CSR] = {"csr", rig_step_csr},
    [WRITE] = {"write", rig_step_write},
    [VERIFY] = {"verify", rig_step_verify},
    [WIPE] = {"wipe", rig_step_wipe},
};

/* All before it succeed, it does not. */
static void fails_at(enum step at, enum err_code code)
{
    for (enum step s = HELLO; s < at; s++)
        if (STEP[s].run(&rig, &err) != 0)
            fail_msg("%s before %s: %s [%s]", STEP[s].name, STEP[at].name, err.text, err_name(err.code));
    if (STEP[at].run(&rig, &err) == 0)
        fail_msg("%s succeeds", STEP[at].name);
    if (err.code != code)
        fail_msg("%s: %s [%s], expected [%s]", STEP[at].name, err.text, err_name(err.code), err_name(code));
}

static void succeeds_until(enum step last)
{
    for (enum step s = HELLO; s <= last; s++)
        if (STEP[s].run(&rig, &err) != 0)
            fail_msg("%s: %s [%s]", STEP[s].name, err.text, err_name(err.code));
}

/* Whatever happened, a new worker can wipe the token: its SO PIN is the new one or the old one, tried in this
 * order. */
static void can_be_made_again(void)
{
    rig.fake = false;
    rig_start(&rig);
    rig.so_derived = true;
    if (rig_step_wipe(&rig, &err) != 0) {
        assert_int_equal(err.code, ERR_SO_PIN);
        rig.so_derived = false;
        good(rig_step_wipe(&rig, &err));
    }
    good(rig_make(&rig, KEY_P256, &err));
}

/* ---- errors
 * ----------------------------------------------------------------------------------------------------------
 */

static void each_fault_of_a_module_becomes_its_error(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        enum step at;
        enum err_code code;
        enum key_type type;
    } CASES[] = {
        {"C_Initialize 1 rv=0x5", HELLO, ERR_MODULE, KEY_P256},
        {"C_GetInfo 1 rv=0x6", HELLO, ERR_TOKEN_FAILED, KEY_P256},
        {"C_GetSlotList 1 rv=0x5", PROBE, ERR_MODULE, KEY_P256},
        {"C_OpenSession 1 rv=0xe0", PROBE, ERR_TOKEN_ABSENT, KEY_P256},
        /* the SO PIN: refused, and not even tried (a try would end the worker) */
        {"C_InitToken 1 rv=0xa0", INIT, ERR_SO_PIN, KEY_P256},
        {"C_InitToken 1 rv=0xa1", INIT, ERR_SO_PIN, KEY_P256}, /* the other words that modules have for it */
        {"C_InitToken 1 rv=0xa2", INIT, ERR_SO_PIN, KEY_P256},
        {"C_Login 1 rv=0xa2", SET_SO_PIN, ERR_SO_PIN, KEY_P256},
        {"C_InitToken 1 rv=0xa4", INIT, ERR_PIN_LOCKED, KEY_P256},
        {"C_GetTokenInfo * flags=0x100000\nC_InitToken 1 crash", INIT, ERR_PIN_LOCKED, KEY_P256},
        {"C_GetTokenInfo * flags=0x200000\nC_InitToken 1 crash", INIT, ERR_PIN_LOCKED, KEY_P256},
        {"C_GetTokenInfo * flags=0x400000\nC_InitToken 1 crash", INIT, ERR_PIN_LOCKED, KEY_P256},
        {"C_InitToken 1 rv=0x31", INIT, ERR_TOKEN_FULL, KEY_P256},
        {"C_InitToken 1 lost", INIT, ERR_TOKEN_FAILED, KEY_P256},
        {"C_InitToken 1 gone", INIT, ERR_TOKEN_ABSENT, KEY_P256},
        /* another token: before, and right after */
        {"C_GetTokenInfo 3+ serial=deadbeef\nC_InitToken 1 crash", INIT, ERR_TOKEN_CHANGED, KEY_P256},
        {"C_GetTokenInfo 5+ serial=deadbeef", INIT, ERR_TOKEN_CHANGED, KEY_P256},
        /* another while the vault derived the SO PIN: it is spared the try */
        {"C_GetTokenInfo 9+ serial=deadbeef\nC_Login 1 crash", SET_SO_PIN, ERR_TOKEN_CHANGED, KEY_P256},
        {"C_Login 1 rv=0xa0", SET_SO_PIN, ERR_SO_PIN, KEY_P256},
        {"C_SetPIN 1 rv=0xa2", SET_SO_PIN, ERR_TOKEN_FAILED, KEY_P256},
        {"C_SetPIN 1 rv=0", SET_SO_PIN, ERR_TOKEN_MISMATCH, KEY_P256}, /* said yes, did nothing */
        {"C_GenerateRandom 1 rv=0x30", SEAL_PIN, ERR_TOKEN_FAILED, KEY_P256},
        {"C_InitPIN 1 rv=0xa1", SET_USER_PIN, ERR_TOKEN_FAILED, KEY_P256},
        {"C_InitPIN 1 rv=0", SET_USER_PIN, ERR_TOKEN_MISMATCH, KEY_P256},
        {"C_GetTokenInfo * flags=0x10000\nC_Login 4 crash", SET_USER_PIN, ERR_PIN_LOCKED, KEY_P256},
        {"C_GetTokenInfo * flags=0x20000\nC_Login 4 crash", SET_USER_PIN, ERR_PIN_LOCKED, KEY_P256},
        {"C_GetTokenInfo * flags=0x40000\nC_Login 4 crash", SET_USER_PIN, ERR_PIN_LOCKED, KEY_P256},
        {"C_GenerateKeyPair 1 rv=0x31", KEYGEN, ERR_TOKEN_FULL, KEY_P256},
        {"C_GenerateKeyPair 1 lost", KEYGEN, ERR_TOKEN_FAILED, KEY_P256},
        {"C_GenerateKeyPair 1 gone", KEYGEN, ERR_TOKEN_ABSENT, KEY_RSA2048},
        {"C_GenerateKeyPair 1 gone_after", KEYGEN, ERR_TOKEN_ABSENT, KEY_P256},
        {"C_GetAttributeValue * truncate", KEYGEN, ERR_WEAK_KEY, KEY_P256},
        {"C_SetAttributeValue 2 rv=0x10", KEYGEN, ERR_TOKEN_FAILED, KEY_P256}, /* one half changed */
        {"C_SignInit 1 rv=0x70", CSR, ERR_TOKEN_FAILED, KEY_P256},
        {"C_Sign 1 rv=0x30", CSR, ERR_TOKEN_FAILED, KEY_P256},
        {"C_Sign 1 corrupt", CSR, ERR_TOKEN_MISMATCH, KEY_P256},
        {"C_Sign 2 corrupt", CSR, ERR_TOKEN_MISMATCH, KEY_P384},
        {"C_Sign 1 corrupt", CSR, ERR_TOKEN_MISMATCH, KEY_RSA2048},
        {"C_CreateObject 1 rv=0x31", WRITE, ERR_TOKEN_FULL, KEY_P256},
        {"C_CreateObject 2 rv=0x31", WRITE, ERR_TOKEN_FULL, KEY_P256},
        {"C_CreateObject 1 gone_after", WRITE, ERR_TOKEN_ABSENT, KEY_P256},
        {"C_CreateObject 1 rv=0", WRITE, ERR_NONE, KEY_P256}, /* seen by verify, below */
        {"C_CreateObject 1 rv=0", VERIFY, ERR_TOKEN_MISMATCH, KEY_P256},
        {"C_CreateObject 2 rv=0", VERIFY, ERR_TOKEN_MISMATCH, KEY_P256},
        {"C_Login 5 rv=0xa0", VERIFY, ERR_TOKEN_MISMATCH, KEY_P256},
        {"C_Sign 3 corrupt", VERIFY, ERR_TOKEN_MISMATCH, KEY_P256},
        {"C_InitToken 2 rv=0x30", WIPE, ERR_TOKEN_FAILED, KEY_P256},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        rig_done(&rig);
        rig_init(&rig);
        rig_script(&rig, CASES[i].script);
        type = CASES[i].type;
        if (CASES[i].code == ERR_NONE)
            succeeds_until(CASES[i].at);
        else
            fails_at(CASES[i].at, CASES[i].code);
        type = KEY_P256;
    }
}

static void what_a_token_cannot_do_is_done_another_way(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        enum key_type type;
    } CASES[] = {
        {"C_SignInit 1 rv=0x70\nC_SignInit 3 rv=0x70\nC_SignInit 5 rv=0x70",
         KEY_RSA2048},                               /* CKM_SHA256_RSA_PKCS */
        {"C_SetAttributeValue * rv=0x10", KEY_P256}, /* CKA_ID stays as it was made, CKA_SUBJECT unset */
        {"C_GenerateRandom * rv=0x121", KEY_P256},
        {"C_Initialize 1 delay=300", KEY_P256},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        rig_done(&rig);
        rig_init(&rig);
        rig_script(&rig, CASES[i].script);
        type = CASES[i].type;
        succeeds_until(VERIFY);
        type = KEY_P256;
    }
}

static void a_key_id_that_cannot_change_is_reported_as_it_is(void **state)
{
    (void)state;
    rig_script(&rig, "C_SetAttributeValue * rv=0x10");
    succeeds_until(VERIFY);
    assert_int_equal(rig.key.final_id.len, 16);
    assert_memory_equal(rig.key.final_id.data, RIG_KEY_ID, 16);
}

/* By its bytes a key is known again, and certificates have it in this form. */
static void a_point_in_compressed_form_is_written_in_full(void **state)
{
    (void)state;
    rig_script(&rig, "C_GetAttributeValue * compress");
    succeeds_until(VERIFY);
    const uint8_t *point = rig.key.spki.data + rig.key.spki.len - 65;
    assert_int_equal(rig.key.spki.len, 91);
    assert_int_equal(point[0], 0x04);
}

static void a_weak_exponent_can_be_seen_in_the_answer(void **state)
{
    (void)state;
    BIGNUM *e = NULL;
    rig_script(&rig, "C_GenerateKeyPair 1 weak");
    type = KEY_RSA2048;
    succeeds_until(KEYGEN);
    type = KEY_P256;
    const unsigned char *p = rig.key.spki.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)rig.key.spki.len);
    assert_int_equal(EVP_PKEY_get_bn_param(key, "e", &e), 1);
    assert_true(BN_is_word(e, 3));
    BN_free(e);
    EVP_PKEY_free(key);
}

/* ---- crashes and hangs
 * ------------------------------------------------------------------------------------------------ */

static void a_module_that_crashes_ends_only_its_worker(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        enum step at;
    } CASES[] = {
        {"load 1 crash", HELLO},
        {"C_Initialize 1 crash", HELLO},
        {"C_GetTokenInfo 1 crash", PROBE},
        {"C_InitToken 1 crash", INIT},
        {"C_InitToken 1 crash_after", INIT},
        {"C_SetPIN 1 crash_after", SET_SO_PIN},
        {"C_InitPIN 1 crash", SET_USER_PIN},
        {"C_GenerateKeyPair 1 crash_after", KEYGEN},
        {"C_Sign 1 crash", CSR},
        {"C_CreateObject 1 crash_after", WRITE},
        {"C_Sign 3 crash", VERIFY},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        rig_done(&rig);
        rig_init(&rig);
        rig_script(&rig, CASES[i].script);
        fails_at(CASES[i].at, ERR_PEER_GONE);
        assert_true(WIFSIGNALED(rig.last_status));
        assert_int_equal(WTERMSIG(rig.last_status), SIGSEGV);
        can_be_made_again();
    }
}

static void a_module_that_hangs_is_killed_at_its_deadline(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        enum step at;
    } CASES[] = {
        {"load 1 hang", HELLO},       {"C_Initialize 1 hang", HELLO},       {"C_GetSlotList 1 hang", PROBE},
        {"C_InitToken 1 hang", INIT}, {"C_GenerateKeyPair 1 hang", KEYGEN}, {"C_CreateObject 1 hang", WRITE}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        rig_done(&rig);
        rig_init(&rig);
        rig_script(&rig, CASES[i].script);
        rig.ms = 1500;
        fails_at(CASES[i].at, ERR_TIMEOUT);
        assert_true(WIFSIGNALED(rig.last_status));
        assert_int_equal(WTERMSIG(rig.last_status), SIGKILL);
        rig.ms = RIG_MS;
        can_be_made_again();
    }
}

static void a_worker_killed_in_any_verb_leaves_a_token_that_can_be_made(void **state)
{
    (void)state;
#ifndef CASTATION_CRASH_POINTS
    skip();
#endif
    static const char *const MOMENTS[] = {"before", "after"};
    for (enum step at = HELLO; at < STEPS; at++)
        for (size_t m = 0; m < COUNT(MOMENTS); m++) {
            char point[64];
            snprintf(point, sizeof(point), "bay.%s.%s", STEP[at].name, MOMENTS[m]);
            rig_done(&rig);
            rig_init(&rig);
            setenv("CASTATION_CRASH", point, 1);
            fails_at(at, ERR_PEER_GONE);
            assert_true(WIFSIGNALED(rig.last_status));
            assert_int_equal(WTERMSIG(rig.last_status), SIGKILL);
            can_be_made_again();
        }
}

static void a_worker_that_does_not_die_is_wedged_after_a_while(void **state)
{
    (void)state;
    struct bay_client *c = NULL;
    good(bay_client_start(&c, "/bin/sleep", "60", &err)); /* its arguments make it end at once, unreaped */
    int64_t now = clock_mono_ms();
    assert_false(bay_client_wedged(c, now + 100000, 1000)); /* not killed yet */
    bay_client_kill(c);
    assert_false(bay_client_wedged(c, clock_mono_ms(), 1000));
    assert_true(bay_client_wedged(c, clock_mono_ms() + 1001, 1000));
    bay_client_free(&c);
    assert_null(c);
}

static void a_program_that_cannot_be_started_is_named(void **state)
{
    (void)state;
    struct bay_client *c = NULL;
    assert_int_equal(bay_client_start(&c, "/nonexistent/castation-bay", "x", &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/castation-bay"));
    assert_null(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_fault_of_a_module_becomes_its_error),
        TEST(what_a_token_cannot_do_is_done_another_way),
        TEST(a_key_id_that_cannot_change_is_reported_as_it_is),
        TEST(a_point_in_compressed_form_is_written_in_full),
        TEST(a_weak_exponent_can_be_seen_in_the_answer),
        TEST(a_module_that_crashes_ends_only_its_worker),
        TEST(a_module_that_hangs_is_killed_at_its_deadline),
        TEST(a_worker_killed_in_any_verb_leaves_a_token_that_can_be_made),
        TEST(a_worker_that_does_not_die_is_wedged_after_a_while),
        TEST(a_program_that_cannot_be_started_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
