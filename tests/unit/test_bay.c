/* The real castation-bay, over a real SoftHSM token, spoken to through bay_client. */
#include "cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "../rig/bay_rig.h"
#include "base/file.h"
#include "products/products.h"

static struct rig rig;
static struct err err;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

#define good(call)                                                                                           \
    do {                                                                                                     \
        if ((call) != 0)                                                                                     \
            fail_msg("%s: %s [%s]", #call, err.text, err_name(err.code));                                    \
    } while (0)
#define bad(call, wanted)                                                                                    \
    do {                                                                                                     \
        if ((call) == 0)                                                                                     \
            fail_msg("%s: succeeded", #call);                                                                \
        if (err.code != (wanted))                                                                            \
            fail_msg("%s: %s [%s], expected [%s]", #call, err.text, err_name(err.code), err_name(wanted));   \
    } while (0)

static void probe(const char *serial, const void *id, size_t id_len, struct bay_probe_rep *ret)
{
    struct bay_probe_req q;
    memset(&q, 0, sizeof(q));
    rig_text(q.serial, serial);
    (void)bytes_set(q.key_id, id, id_len);
    good(rig_ask_probe(&rig, &q, ret, RIG_MS, &err));
}

/* ---- making
 * -------------------------------------------------------------------------------------------------------- */

static void is_made_of(enum key_type type)
{
    struct bay_probe_rep p;
    probe("", NULL, 0, &p);
    assert_string_equal(p.serial, rig.serial);
    assert_true(p.blank);
    good(rig_make(&rig, type, &err));
    assert_int_equal(rig.key.attributes, KEY_ATTRIBUTES_DEMANDED);
    probe(rig.serial, rig.key.final_id.data, rig.key.final_id.len, &p);
    assert_false(p.blank);
    assert_string_equal(p.label, "测试机构 1");
    assert_int_equal(p.public_keys, 1);
    assert_int_equal(p.certificates, 2);
    assert_int_equal(p.spki.len, rig.key.spki.len);
    assert_memory_equal(p.spki.data, rig.key.spki.data, p.spki.len);
    assert_int_equal(p.certificate.len, rig.certificate_len);
    assert_memory_equal(p.certificate.data, rig.certificate, rig.certificate_len);
    good(rig_step_wipe(&rig, &err));
    probe(rig.serial, NULL, 0, &p);
    assert_true(p.blank);
    assert_string_equal(p.label, "BLANK");
}

static void a_p256_token_is_made_and_wiped(void **state)
{
    (void)state;
    is_made_of(KEY_P256);
}

static void a_p384_token_is_made_and_wiped(void **state)
{
    (void)state;
    is_made_of(KEY_P384);
}

static void an_rsa_2048_token_is_made_and_wiped(void **state)
{
    (void)state;
    is_made_of(KEY_RSA2048);
}

static void an_rsa_3072_token_is_made_and_wiped(void **state)
{
    (void)state;
    is_made_of(KEY_RSA3072);
}

static void a_wiped_token_is_made_again(void **state)
{
    (void)state;
    good(rig_make(&rig, KEY_P256, &err));
    good(rig_step_wipe(&rig, &err));
    good(rig_make(&rig, KEY_P256, &err));
}

static void the_key_id_becomes_the_hash_of_the_public_key(void **state)
{
    (void)state;
    good(rig_make(&rig, KEY_P256, &err));
    uint8_t hash[20];
    /* the last 65 bytes of a P-256 SubjectPublicKeyInfo are the BIT STRING's content */
    assert_true(EVP_Digest(rig.key.spki.data + rig.key.spki.len - 65, 65, hash, NULL, EVP_sha1(), NULL));
    assert_int_equal(rig.key.final_id.len, 20);
    assert_memory_equal(rig.key.final_id.data, hash, 20);
}

static void the_request_bears_the_subject_byte_for_byte(void **state)
{
    (void)state;
    good(rig_make(&rig, KEY_P256, &err));
    const unsigned char *p = rig.csr.csr.data;
    X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)rig.csr.csr.len);
    unsigned char *der = NULL;
    int n = i2d_X509_NAME(X509_REQ_get_subject_name(req), &der);
    assert_int_equal(n, rig.subject_len);
    assert_memory_equal(der, rig.subject, (size_t)n);
    OPENSSL_free(der);
    X509_REQ_free(req);
}

static void the_challenge_is_signed_with_sha256(void **state)
{
    (void)state;
    good(rig_make(&rig, KEY_P384, &err));
    const unsigned char *p = rig.key.spki.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)rig.key.spki.len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(ctx, rig.csr.signature.data, rig.csr.signature.len,
                                      (const unsigned char *)"0123456789abcdef0123456789abcdef", 32),
                     1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

/* ---- the user PIN
 * ---------------------------------------------------------------------------------------------------- */

static void the_sealed_pin_names_its_job_token_and_version(void **state)
{
    (void)state;
    struct sealed_pin who;
    char pin[USER_PIN_MAX + 1];
    const struct product *p = product_find("softhsm");
    rig.pin_version = 4;
    good(rig_step_init(&rig, &err));
    good(rig_step_seal_pin(&rig, &err));
    assert_int_equal(rig_unseal(&rig, &who, pin), 0);
    assert_string_equal(who.job, RIG_JOB);
    assert_string_equal(who.serial, rig.serial);
    assert_int_equal(who.pin_version, 4);
    assert_in_range(strlen(pin), p->pin_min, p->pin_max);
    assert_int_equal(strspn(pin, p->pin_alphabet), strlen(pin));
}

static void seal_bounds_of_the_request_hold(void **state)
{
    (void)state;
    struct bay_seal_pin_req q = {.pin_version = 1, .pin_min = 12, .pin_max = 40};
    struct sealed_pin who;
    char pin[USER_PIN_MAX + 1];
    rig_text(q.serial, rig.serial);
    rig_text(q.job, RIG_JOB);
    good(rig_ask_seal_pin(&rig, &q, &rig.sealed, RIG_MS, &err));
    assert_int_equal(rig_unseal(&rig, &who, pin), 0);
    assert_int_equal(strlen(pin), 12);
    q.pin_min = 13; /* more than the product allows */
    bad(rig_ask_seal_pin(&rig, &q, &rig.sealed, RIG_MS, &err), ERR_REFUSED);
}

static void a_pin_is_sealed_only_for_the_job_of_the_channel(void **state)
{
    (void)state;
    struct bay_seal_pin_req q = {.pin_version = 1};
    rig_text(q.serial, rig.serial);
    rig_text(q.job, "another");
    bad(rig_ask_seal_pin(&rig, &q, &rig.sealed, RIG_MS, &err), ERR_WRONG_STATE);
}

static void a_new_worker_has_no_pin_and_says_so(void **state)
{
    (void)state;
    good(rig_make(&rig, KEY_P256, &err));
    rig_start(&rig);
    bad(rig_step_keygen(&rig, KEY_P256, &err), ERR_WRONG_STATE);
    bad(rig_step_csr(&rig, &err), ERR_WRONG_STATE);
    bad(rig_step_write(&rig, &err), ERR_WRONG_STATE);
    bad(rig_step_verify(&rig, &err), ERR_WRONG_STATE);
    bad(rig_step_set_user_pin(&rig, &err), ERR_WRONG_STATE);
}

static void a_new_worker_sets_a_new_pin_and_key_and_certificate_stay(void **state)
{
    (void)state;
    struct sealed_pin who;
    char first[USER_PIN_MAX + 1], second[USER_PIN_MAX + 1];
    good(rig_make(&rig, KEY_P256, &err));
    assert_int_equal(rig_unseal(&rig, &who, first), 0);
    rig_start(&rig);
    rig.pin_version = 2;
    good(rig_step_seal_pin(&rig, &err));
    assert_int_equal(rig_unseal(&rig, &who, second), 0);
    assert_string_not_equal(first, second);
    good(rig_step_set_user_pin(&rig, &err));
    good(rig_step_verify(&rig, &err));
}

static void another_version_of_the_pin_is_not_used(void **state)
{
    (void)state;
    good(rig_make(&rig, KEY_P256, &err));
    rig.pin_version = 2;
    bad(rig_step_verify(&rig, &err), ERR_WRONG_STATE);
    bad(rig_step_set_user_pin(&rig, &err), ERR_WRONG_STATE);
}

static void init_forgets_the_pin(void **state)
{
    (void)state;
    good(rig_step_init(&rig, &err));
    good(rig_step_seal_pin(&rig, &err));
    good(rig_step_init(&rig, &err));
    bad(rig_step_set_user_pin(&rig, &err), ERR_WRONG_STATE);
}

/* ---- the SO PIN
 * ------------------------------------------------------------------------------------------------------ */

static int init_with(uint8_t kind, uint32_t version)
{
    struct bay_init_req q = {.so_kind = kind, .so_version = version};
    struct bay_init_rep p;
    rig_text(q.serial, rig.serial);
    rig_text(q.label, "X");
    return rig_ask_init(&rig, &q, &p, RIG_MS, &err);
}

static void after_a_refused_so_pin_one_other_is_tried_and_no_third(void **state)
{
    (void)state;
    bad(init_with(SO_PIN_DERIVED, 1), ERR_SO_PIN);
    bad(init_with(SO_PIN_DERIVED, 1), ERR_SO_PIN); /* the same again: not tried, as the next one shows */
    assert_non_null(strstr(err.text, "not tried again"));
    bad(init_with(SO_PIN_DERIVED, 2), ERR_SO_PIN);
    bad(init_with(SO_PIN_FACTORY, 0), ERR_PIN_LOCKED);
}

static void after_a_refused_so_pin_the_old_one_still_opens(void **state)
{
    (void)state;
    bad(init_with(SO_PIN_DERIVED, 1), ERR_SO_PIN);
    good(init_with(SO_PIN_FACTORY, 0));
    bad(init_with(SO_PIN_DERIVED, 1), ERR_SO_PIN); /* a new episode */
    good(init_with(SO_PIN_FACTORY, 0));
}

static void a_new_worker_does_not_try_where_the_token_warns(void **state)
{
    (void)state;
    bad(init_with(SO_PIN_DERIVED, 1), ERR_SO_PIN);
    rig_start(&rig);
    bad(init_with(SO_PIN_FACTORY, 0), ERR_PIN_LOCKED);
    bad(rig_step_set_so_pin(&rig, &err), ERR_PIN_LOCKED);
}

static void set_so_pin_really_changes_it(void **state)
{
    (void)state;
    good(rig_step_init(&rig, &err));
    good(rig_step_set_so_pin(&rig, &err));
    bad(init_with(SO_PIN_FACTORY, 0), ERR_SO_PIN);
    good(init_with(SO_PIN_DERIVED, RIG_SO_VERSION));
}

static void a_derived_so_pin_is_asked_of_the_vault_each_time(void **state)
{
    (void)state;
    good(rig_step_init(&rig, &err));
    assert_int_equal(bay_vault_asked(rig.vault), 0);
    good(rig_step_set_so_pin(&rig, &err));
    assert_int_equal(bay_vault_asked(rig.vault), 1);
    good(rig_step_seal_pin(&rig, &err));
    good(rig_step_set_user_pin(&rig, &err));
    assert_int_equal(bay_vault_asked(rig.vault), 2);
}

static void without_a_channel_there_is_no_derived_so_pin(void **state)
{
    (void)state;
    rig_process(&rig);
    good(rig_hello(&rig, RIG_MS, &err));
    bad(init_with(SO_PIN_DERIVED, 1), ERR_WRONG_STATE);
    good(init_with(SO_PIN_FACTORY, 0));
}

static void what_the_vault_refuses_is_passed_on_and_nothing_is_tried(void **state)
{
    (void)state;
    bay_vault_mood(rig.vault, VAULT_REFUSES);
    bad(init_with(SO_PIN_DERIVED, 1), ERR_REFUSED);
    bay_vault_mood(rig.vault, VAULT_IS_SILENT);
    bad(init_with(SO_PIN_DERIVED, 1), ERR_UNREACHABLE); /* waited for: no try of the token's is lost */
    bay_vault_mood(rig.vault, VAULT_ANSWERS);
    good(init_with(SO_PIN_FACTORY, 0));
}

static void an_unknown_kind_of_so_pin_is_refused(void **state)
{
    (void)state;
    bad(init_with(9, 1), ERR_FIELD);
}

/* ---- identity
 * -------------------------------------------------------------------------------------------------------- */

static void each_verb_refuses_another_token_and_leaves_it_alone(void **state)
{
    (void)state;
    char own[SERIAL_SIZE];
    struct bay_probe_rep p;
    good(rig_step_init(&rig, &err));
    good(rig_step_seal_pin(&rig, &err));
    memcpy(own, rig.serial, sizeof(own));
    rig_text(rig.serial, "0123456789abcdef");
    bad(rig_step_probe(&rig, &err), ERR_TOKEN_CHANGED);
    bad(rig_step_init(&rig, &err), ERR_TOKEN_CHANGED);
    bad(rig_step_set_so_pin(&rig, &err), ERR_TOKEN_CHANGED);
    bad(rig_step_seal_pin(&rig, &err), ERR_TOKEN_CHANGED);
    bad(rig_step_set_user_pin(&rig, &err), ERR_TOKEN_CHANGED);
    bad(rig_step_keygen(&rig, KEY_P256, &err), ERR_TOKEN_CHANGED);
    bad(rig_step_csr(&rig, &err), ERR_TOKEN_CHANGED);
    bad(rig_step_wipe(&rig, &err), ERR_TOKEN_CHANGED);
    assert_non_null(strstr(err.text, own));
    probe(own, NULL, 0, &p);
    assert_true(p.blank);
}

static void a_change_without_a_serial_number_is_refused(void **state)
{
    (void)state;
    rig.serial[0] = '\0';
    bad(rig_step_init(&rig, &err), ERR_FIELD);
    bad(rig_step_wipe(&rig, &err), ERR_FIELD);
}

static void each_verb_says_that_the_token_is_gone(void **state)
{
    (void)state;
    good(rig_make(&rig, KEY_P256, &err));
    rig_pull(&rig);
    bad(rig_step_probe(&rig, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_init(&rig, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_set_so_pin(&rig, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_set_user_pin(&rig, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_keygen(&rig, KEY_P256, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_csr(&rig, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_write(&rig, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_verify(&rig, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_seal_pin(&rig, &err), ERR_TOKEN_ABSENT);
    bad(rig_step_wipe(&rig, &err), ERR_TOKEN_ABSENT);
    rig_plug(&rig);
    rig_start(&rig);
    good(rig_step_probe(&rig, &err));
}

/* ---- key and certificate
 * --------------------------------------------------------------------------------------------- */

static void a_key_id_is_used_once(void **state)
{
    (void)state;
    good(rig_make(&rig, KEY_P256, &err));
    struct bay_keygen_req q = {.key_type = KEY_P256};
    rig_text(q.serial, rig.serial);
    (void)bytes_set(q.key_id, rig.key.final_id.data, rig.key.final_id.len);
    struct bay_keygen_rep p;
    bad(rig_ask_keygen(&rig, &q, &p, RIG_MS, &err), ERR_EXISTS);
    q.key_type = KEY_RSA4096; /* not made by this product */
    bad(rig_ask_keygen(&rig, &q, &p, RIG_MS, &err), ERR_REFUSED);
    q.key_type = 200;
    bad(rig_ask_keygen(&rig, &q, &p, RIG_MS, &err), ERR_REFUSED);
}

static int write_again(struct bay_write_rep *p)
{
    struct bay_write_req q;
    memset(&q, 0, sizeof(q));
    rig_text(q.serial, rig.serial);
    rig_text(q.label, "张三 signing");
    (void)bytes_set(q.key_id, rig.key.final_id.data, rig.key.final_id.len);
    (void)bytes_set(q.certificate, rig.certificate, rig.certificate_len);
    (void)bytes_set(q.chain, rig.chain, rig.chain_len);
    return rig_ask_write(&rig, &q, p, RIG_MS, &err);
}

static void writing_twice_writes_once(void **state)
{
    (void)state;
    struct bay_write_rep p;
    struct bay_probe_rep seen;
    good(rig_make(&rig, KEY_P256, &err));
    good(write_again(&p));
    assert_int_equal(p.written, 0);
    probe(rig.serial, NULL, 0, &seen);
    assert_int_equal(seen.certificates, 2);
}

static void another_certificate_of_the_key_replaces_the_first(void **state)
{
    (void)state;
    struct bay_write_rep p;
    struct bay_probe_rep seen;
    good(rig_make(&rig, KEY_P256, &err));
    rig_issue(&rig, "李四");
    good(write_again(&p));
    assert_int_equal(p.written, 1);
    probe(rig.serial, rig.key.final_id.data, rig.key.final_id.len, &seen);
    assert_int_equal(seen.certificates, 2);
    assert_memory_equal(seen.certificate.data, rig.certificate, rig.certificate_len);
    good(rig_step_verify(&rig, &err));
}

static void a_certificate_of_another_key_is_neither_written_nor_verified(void **state)
{
    (void)state;
    struct bay_write_rep p;
    struct bay_probe_rep seen;
    good(rig_make(&rig, KEY_P256, &err));
    memcpy(rig.certificate, rig.chain, rig.chain_len); /* the CA's own */
    rig.certificate_len = rig.chain_len;
    bad(write_again(&p), ERR_TOKEN_MISMATCH);
    bad(rig_step_verify(&rig, &err), ERR_TOKEN_MISMATCH);
    probe(rig.serial, NULL, 0, &seen);
    assert_int_equal(seen.certificates, 2);
}

static void verify_misses_a_chain_certificate(void **state)
{
    (void)state;
    uint8_t own[CERTIFICATE_MAX];
    size_t len;
    good(rig_make(&rig, KEY_P256, &err));
    memcpy(own, rig.certificate, len = rig.certificate_len);
    rig_issue(&rig, "another"); /* one that was never written takes the CA's place in the chain */
    memcpy(rig.chain, rig.certificate, rig.chain_len = rig.certificate_len);
    memcpy(rig.certificate, own, rig.certificate_len = len);
    bad(rig_step_verify(&rig, &err), ERR_TOKEN_MISMATCH);
    assert_non_null(strstr(err.text, "chain"));
}

static void what_is_no_certificate_is_refused(void **state)
{
    (void)state;
    struct bay_write_rep p;
    good(rig_make(&rig, KEY_P256, &err));
    rig.certificate_len--;
    bad(write_again(&p), ERR_FIELD);
    rig.certificate_len = 0;
    bad(write_again(&p), ERR_FIELD);
}

/* ---- hello and protocol
 * ----------------------------------------------------------------------------------------------- */

static int hello(const char *product, const char *module, const char *environment, uint32_t protocol)
{
    struct bay_hello_req q = {.protocol = protocol};
    struct bay_hello_rep p;
    rig_text(q.bay, "7");
    rig_text(q.product, product);
    rig_text(q.module, module);
    rig_text(q.environment, environment);
    return rig_ask_hello(&rig, &q, &p, RIG_MS, &err);
}

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

static void hello_refuses_what_is_not_configured(void **state)
{
    (void)state;
    rig_process(&rig);
    bad(rig_step_probe(&rig, &err), ERR_WRONG_STATE);
    bad(rig_step_init(&rig, &err), ERR_WRONG_STATE);
    bad(hello("unheard-of", SOFTHSM, "", BAY_PROTOCOL), ERR_CONFIG);
    bad(hello("softhsm", "/usr/lib/x86_64-linux-gnu/libc.so.6", "", BAY_PROTOCOL), ERR_CONFIG);
    bad(hello("softhsm", SOFTHSM, "LD_PRELOAD=/tmp/x.so", BAY_PROTOCOL), ERR_FIELD);
    bad(hello("softhsm", SOFTHSM, "CASTATION_CRASH=x", BAY_PROTOCOL), ERR_FIELD);
    bad(hello("softhsm", SOFTHSM, "no variable", BAY_PROTOCOL), ERR_FIELD);
    bad(hello("softhsm", SOFTHSM, "", BAY_PROTOCOL + 1), ERR_PROTOCOL);
    good(rig_hello(&rig, RIG_MS, &err));
    bad(rig_hello(&rig, RIG_MS, &err), ERR_WRONG_STATE);
}

static void a_module_that_cannot_be_loaded_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *content; /* NULL: no such file */
        mode_t mode;
        enum err_code code;
    } CASES[] = {
        {NULL, 0, ERR_NOT_FOUND}, {"no library", 0644, ERR_MODULE}, {"no library", 0666, ERR_PERMISSION}};
    char module[128], config[512];
    snprintf(module, sizeof(module), "%s/module.so", rig.dir);
    snprintf(config, sizeof(config), "sealing_key = \"sealing.pem\"; modules = [ \"%s\" ];", module);
    good(file_replace(rig.config, config, strlen(config), 0600, &err));
    for (size_t i = 0; i < COUNT(CASES); i++) {
        if (CASES[i].content)
            good(file_replace(module, CASES[i].content, strlen(CASES[i].content), CASES[i].mode, &err));
        rig_process(&rig);
        bad(hello("softhsm", module, "", BAY_PROTOCOL), CASES[i].code);
        assert_non_null(strstr(err.text, module));
    }
}

static void a_bad_configuration_ends_the_worker_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        mode_t mode;
        int exit;
    } CASES[] = {
        {"modules = [ \"/x\" ];", 0600, 7},                                   /* a key is missing */
        {"sealing_key = \"k\"; modules = [ \"/x\" ]; sealing = 1;", 0600, 7}, /* one is unknown */
        {"sealing_key = \"k\"; modules = [ \"/x\" ", 0600, 7},                /* no syntax */
        {"sealing_key = \"k\"; modules = [ \"/x\" ];", 0666, 4}, /* anybody could have written it */
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        good(file_replace(rig.config, CASES[i].content, strlen(CASES[i].content), CASES[i].mode, &err));
        rig_process(&rig);
        bad(rig_hello(&rig, RIG_MS, &err), ERR_PEER_GONE);
        assert_true(WIFEXITED(rig.last_status));
        assert_int_equal(WEXITSTATUS(rig.last_status), CASES[i].exit);
    }
}

/* 0 to 2, the socket, and the channel once it is there: nothing of castationd's. */
static void a_worker_has_only_the_descriptors_it_needs(void **state)
{
    (void)state;
    char path[64];
    int inherited = open("/dev/null", O_RDONLY); /* not close-on-exec */
    rig_start(&rig);
    good(rig_make(&rig, KEY_P256, &err));
    snprintf(path, sizeof(path), "/proc/%ld/fd", (long)bay_client_pid(rig.bay));
    DIR *dir = opendir(path);
    assert_non_null(dir);
    int sockets = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char link[400], to[256] = "";
        snprintf(link, sizeof(link), "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.' || readlink(link, to, sizeof(to) - 1) < 0)
            continue;
        if (strncmp(to, "socket:", 7) == 0)
            sockets++;
        else if (atoi(e->d_name) > 2)
            fail_msg("descriptor %s is %s", e->d_name, to);
    }
    closedir(dir);
    close(inherited);
    assert_in_range(sockets, 2, 3); /* SoftHSM may open one to syslog */
}

static void errors_name_bay_verb_and_function(void **state)
{
    (void)state;
    bad(init_with(SO_PIN_DERIVED, 1), ERR_SO_PIN);
    assert_string_equal(err.text, "bay 7: init: C_InitToken: CKR_PIN_INCORRECT");
    assert_int_equal(err.ckr, 0xa0);
}

/* Send raw bytes past the client's checks. */
static int ask_raw(uint8_t verb, uint16_t flags, const void *body, size_t len)
{
    struct msg_out m;
    struct msg_in reply;
    msg_out_init(&m, false);
    msg_in_init(&reply, false);
    msg_begin(&m, verb, flags, 0);
    good(buf_put(&m.buf, body, len, &err));
    int rc = rig_ask(&rig, &m, RIG_MS, &reply, &err);
    msg_out_done(&m);
    msg_in_done(&reply);
    return rc;
}

static void a_malformed_message_ends_the_worker(void **state)
{
    (void)state;
    static const struct {
        uint8_t verb;
        uint16_t flags;
        const char *body;
        size_t len;
    } BAD[] = {
        {BAY_PROBE, 0, "", 0},                         /* too short */
        {BAY_PROBE, 0, "\0\0\0\0\0\0\0\0\0", 9},       /* too long */
        {BAY_PROBE, 0, "\0\0\0\1\xff\0\0\0\0", 9},     /* not UTF-8 */
        {BAY_PROBE, 0, "\xff\xff\xff\xff", 4},         /* a length beyond all */
        {BAY_PROBE, MSG_REPLY, "\0\0\0\0\0\0\0\0", 8}, /* an answer */
        {BAY_CHANNEL, 0, "\0\0\0\0", 4},               /* no descriptor */
        {BAY_QUIT, 0, "x", 1},
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        rig_start(&rig);
        bad(ask_raw(BAD[i].verb, BAD[i].flags, BAD[i].body, BAD[i].len), ERR_PEER_GONE);
        assert_true(WIFEXITED(rig.last_status));
        assert_int_equal(WEXITSTATUS(rig.last_status), 1);
    }
}

static void quit_ends_the_worker_well(void **state)
{
    (void)state;
    good(ask_raw(BAY_QUIT, 0, "", 0));
    bad(rig_step_probe(&rig, &err), ERR_PEER_GONE);
    assert_true(WIFEXITED(rig.last_status));
    assert_int_equal(WEXITSTATUS(rig.last_status), 0);
}

static void one_request_at_a_time(void **state)
{
    (void)state;
    struct msg_out m;
    msg_out_init(&m, false);
    msg_begin(&m, BAY_QUIT, 0, 0);
    good(bay_client_send(rig.bay, &m, INT64_MAX, &err));
    assert_int_equal(bay_client_busy(rig.bay), BAY_QUIT);
    bad(bay_client_send(rig.bay, &m, INT64_MAX, &err), ERR_WRONG_STATE);
    msg_out_done(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_p256_token_is_made_and_wiped),
        TEST(a_p384_token_is_made_and_wiped),
        TEST(an_rsa_2048_token_is_made_and_wiped),
        TEST(an_rsa_3072_token_is_made_and_wiped),
        TEST(a_wiped_token_is_made_again),
        TEST(the_key_id_becomes_the_hash_of_the_public_key),
        TEST(the_request_bears_the_subject_byte_for_byte),
        TEST(the_challenge_is_signed_with_sha256),
        TEST(the_sealed_pin_names_its_job_token_and_version),
        TEST(seal_bounds_of_the_request_hold),
        TEST(a_pin_is_sealed_only_for_the_job_of_the_channel),
        TEST(a_new_worker_has_no_pin_and_says_so),
        TEST(a_new_worker_sets_a_new_pin_and_key_and_certificate_stay),
        TEST(another_version_of_the_pin_is_not_used),
        TEST(init_forgets_the_pin),
        TEST(after_a_refused_so_pin_one_other_is_tried_and_no_third),
        TEST(after_a_refused_so_pin_the_old_one_still_opens),
        TEST(a_new_worker_does_not_try_where_the_token_warns),
        TEST(set_so_pin_really_changes_it),
        TEST(a_derived_so_pin_is_asked_of_the_vault_each_time),
        TEST(without_a_channel_there_is_no_derived_so_pin),
        TEST(what_the_vault_refuses_is_passed_on_and_nothing_is_tried),
        TEST(an_unknown_kind_of_so_pin_is_refused),
        TEST(each_verb_refuses_another_token_and_leaves_it_alone),
        TEST(a_change_without_a_serial_number_is_refused),
        TEST(each_verb_says_that_the_token_is_gone),
        TEST(a_key_id_is_used_once),
        TEST(writing_twice_writes_once),
        TEST(another_certificate_of_the_key_replaces_the_first),
        TEST(a_certificate_of_another_key_is_neither_written_nor_verified),
        TEST(verify_misses_a_chain_certificate),
        TEST(what_is_no_certificate_is_refused),
        TEST(hello_refuses_what_is_not_configured),
        TEST(a_module_that_cannot_be_loaded_is_named),
        TEST(a_bad_configuration_ends_the_worker_at_once),
        TEST(a_worker_has_only_the_descriptors_it_needs),
        TEST(errors_name_bay_verb_and_function),
        TEST(a_malformed_message_ends_the_worker),
        TEST(quit_ends_the_worker_well),
        TEST(one_request_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
