#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/clock.h"
#include "base/json.h"
#include "domain/approval.h"
#include "sample.h"

static struct err err;
static EVP_PKEY *portal, *stranger;
static struct application app;
static struct approval approval;
static struct buf document, signature;

static int make_keys(void **state)
{
    (void)state;
    portal = EVP_EC_gen("P-256");
    stranger = EVP_EC_gen("P-256");
    return portal && stranger ? 0 : -1;
}

static int drop_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(portal);
    EVP_PKEY_free(stranger);
    return 0;
}

static int sign_sample(void **state)
{
    (void)state;
    buf_init(&document);
    buf_init(&signature);
    memset(&approval, 0, sizeof(approval));
    snprintf(approval.first_reviewer, sizeof(approval.first_reviewer), "%s", "李初审");
    snprintf(approval.final_reviewer, sizeof(approval.final_reviewer), "%s", "王终审");
    if (application_parse(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), &app, &err) != 0)
        return -1;
    return approval_sign(&app, &approval, portal, &document, &signature, &err);
}

static int drop_sample(void **state)
{
    (void)state;
    buf_done(&document);
    buf_done(&signature);
    return 0;
}

static int verify_text(const char *application, EVP_PKEY *key)
{
    struct application a;
    struct approval b;
    err_clear(&err);
    return approval_verify(application, strlen(application), document.data, document.len, signature.data,
                           signature.len, key, &a, &b, &err);
}

static void refused(int rc, const char *part)
{
    assert_int_equal(rc, -1);
    assert_int_equal(err.code, ERR_APPROVAL);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
}

/* Sign any bytes as the portal would: what a portal gone wrong might send. */
static void sign_bytes(const char *text)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t s[APPROVAL_SIGNATURE_MAX];
    size_t len = sizeof(s);
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, portal), 1);
    assert_int_equal(EVP_DigestSign(ctx, s, &len, (const uint8_t *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
    buf_reset(&document);
    buf_reset(&signature);
    assert_int_equal(buf_put_str(&document, text, &err), 0);
    assert_int_equal(buf_put(&signature, s, len, &err), 0);
}

/* The signed document with one member changed (NULL: removed), canonical and signed again. */
static void resign_with(const char *name, json_t *value)
{
    json_t *json = json_parse(document.data, document.len, &err);
    assert_non_null(json);
    if (value)
        assert_int_equal(json_object_set_new(json, name, value), 0);
    else
        assert_int_equal(json_object_del(json, name), 0);
    struct buf b;
    buf_init(&b);
    assert_int_equal(json_canonical(json, &b, &err), 0);
    sign_bytes(buf_cstr(&b));
    buf_done(&b);
    json_decref(json);
}

static void an_approval_verifies_and_says_what_was_approved(void **state)
{
    (void)state;
    struct application a;
    struct approval b;
    assert_int_equal(approval_verify(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), document.data,
                                     document.len, signature.data, signature.len, portal, &a, &b, &err),
                     0);
    assert_string_equal(a.id, "CA20261122-0001");
    assert_string_equal(b.application, "CA20261122-0001");
    assert_string_equal(b.content_sha256, SAMPLE_SHA256);
    assert_string_equal(b.profile, "org-sign-p256");
    assert_string_equal(b.first_reviewer, "李初审");
    assert_string_equal(b.final_reviewer, "王终审");
    assert_string_equal(b.id, approval.id);
    assert_int_equal(strlen(b.id), UUID_SIZE - 1);
    assert_true(clock_utc_parse(b.approved_at) > 0);
}

static void an_id_and_time_that_are_given_are_kept(void **state)
{
    (void)state;
    char id[UUID_SIZE];
    memcpy(id, approval.id, sizeof(id));
    snprintf(approval.approved_at, sizeof(approval.approved_at), "%s", "2026-11-22T08:15:30.123Z");
    buf_reset(&document);
    buf_reset(&signature);
    assert_int_equal(approval_sign(&app, &approval, portal, &document, &signature, &err), 0);
    assert_string_equal(approval.id, id);
    assert_string_equal(approval.approved_at, "2026-11-22T08:15:30.123Z");
    assert_int_equal(verify_text(SAMPLE_APPLICATION, portal), 0);
}

static void a_forged_approval_is_refused(void **state)
{
    (void)state;
    refused(verify_text(SAMPLE_APPLICATION, stranger), "signature is not the portal's");
}

static void every_flipped_bit_of_document_or_signature_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < document.len; i++) {
        document.data[i] ^= 1;
        refused(verify_text(SAMPLE_APPLICATION, portal), "approval");
        document.data[i] ^= 1;
    }
    for (size_t i = 0; i < signature.len; i++) {
        signature.data[i] ^= 1;
        refused(verify_text(SAMPLE_APPLICATION, portal), "approval");
        signature.data[i] ^= 1;
    }
    assert_int_equal(verify_text(SAMPLE_APPLICATION, portal), 0);
}

/* Every replacement keeps the application valid by itself. */
static void an_application_changed_after_approval_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *reason;
    } CHANGES[] = {
        {"杭州示例科技", "杭州冒名科技", "was changed after its approval"},
        {"文三路 1 号", "文三路 2 号", "was changed after its approval"},
        {"365", "366", "was changed after its approval"},
        {"91330100799655058B", "91350100M000100Y43", "was changed after its approval"},
        {"org-sign-p256", "org-sign-p384", "approves profile org-sign-p256"},
        {"CA20261122-0001", "CA20261122-0002", "approves application CA20261122-0001"},
        {"91330100799655058B", "91330100799655058C", "approved application: organisation.identifier"},
        {"\"id\"", "\"id\": \"x\", \"id\"", "approved application: line 1"},
    };
    for (size_t i = 0; i < sizeof(CHANGES) / sizeof(CHANGES[0]); i++) {
        char text[2048];
        const char *at = strstr(SAMPLE_APPLICATION, CHANGES[i].from);
        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - SAMPLE_APPLICATION), SAMPLE_APPLICATION,
                 CHANGES[i].to, at + strlen(CHANGES[i].from));
        refused(verify_text(text, portal), CHANGES[i].reason);
    }
}

static void one_reviewer_twice_is_neither_signed_nor_believed(void **state)
{
    (void)state;
    static const char *const SAME[] = {"王终审", "王终审"}, *const CASE[] = {"alice", "Alice"};
    const char *const *pairs[] = {SAME, CASE};
    for (size_t i = 0; i < 2; i++) {
        struct approval a = {0};
        snprintf(a.first_reviewer, sizeof(a.first_reviewer), "%s", pairs[i][0]);
        snprintf(a.final_reviewer, sizeof(a.final_reviewer), "%s", pairs[i][1]);
        size_t before = document.len;
        refused(approval_sign(&app, &a, portal, &document, &signature, &err), "another person");
        assert_int_equal(document.len, before);
        assert_string_equal(a.id, "");
    }
    resign_with("first_reviewer", json_string("王终审"));
    refused(verify_text(SAMPLE_APPLICATION, portal), "another person");
}

static void a_reviewer_must_have_a_name(void **state)
{
    (void)state;
    struct approval a = {.first_reviewer = "李初审"};
    refused(approval_sign(&app, &a, portal, &document, &signature, &err), "final_reviewer: it is empty");
    snprintf(a.final_reviewer, sizeof(a.final_reviewer), "%s", "王 ");
    refused(approval_sign(&app, &a, portal, &document, &signature, &err), "final_reviewer");
}

static void a_signed_document_that_is_not_well_formed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *reason;
    } CASES[] = {
        {"id", "not-a-uuid", "UUIDv7"},
        {"id", "0190a5f0-0000-4000-8000-000000000000", "UUIDv7"},
        {"id", "0190a5f0-0000-7000-c000-000000000000", "UUIDv7"},
        {"id", "0190A5F0-0000-7000-8000-000000000000", "UUIDv7"},
        {"application", "a b", "application"},
        {"profile", "../x", "profile"},
        {"content_sha256", "00", "content_sha256"},
        {"approved_at", "yesterday", "approved_at"},
        {"approved_at", "2026-02-30T00:00:00.000Z", "approved_at"},
        {"first_reviewer", "", "first_reviewer"},
        {"note", "x", "note: unknown"},
        {"final_reviewer", NULL, "final_reviewer: is missing"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        resign_with(CASES[i].name, CASES[i].value ? json_string(CASES[i].value) : NULL);
        refused(verify_text(SAMPLE_APPLICATION, portal), CASES[i].reason);
        drop_sample(NULL);
        assert_int_equal(sign_sample(NULL), 0);
    }
    resign_with("version", json_integer(2));
    refused(verify_text(SAMPLE_APPLICATION, portal), "version: 2");
}

static void a_signed_document_that_is_not_canonical_is_refused(void **state)
{
    (void)state;
    char text[APPROVAL_DOCUMENT_MAX];
    snprintf(text, sizeof(text), "{ %.*s", (int)document.len - 1, (const char *)document.data + 1);
    sign_bytes(text);
    refused(verify_text(SAMPLE_APPLICATION, portal), "canonical");
    sign_bytes("{\"version\":1");
    refused(verify_text(SAMPLE_APPLICATION, portal), "line 1");
}

static void too_large_a_document_or_signature_is_refused(void **state)
{
    (void)state;
    struct application a;
    struct approval b;
    static const uint8_t LARGE[APPROVAL_DOCUMENT_MAX + 1];
    refused(approval_verify(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), LARGE, sizeof(LARGE),
                            signature.data, signature.len, portal, &a, &b, &err),
            "too large");
    refused(approval_verify(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), document.data, document.len,
                            LARGE, APPROVAL_SIGNATURE_MAX + 1, portal, &a, &b, &err),
            "too large");
}

static void another_kind_of_key_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *p384 = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(2048);
    refused(verify_text(SAMPLE_APPLICATION, p384), "P-256");
    refused(verify_text(SAMPLE_APPLICATION, rsa), "P-256");
    refused(approval_sign(&app, &approval, p384, &document, &signature, &err), "P-256");
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
}

/* ---- key files ------------------------------------------------------------------------------- */

static char path[64];

static void write_key(EVP_PKEY *key, bool private, const char *passphrase, mode_t mode)
{
    snprintf(path, sizeof(path), "/tmp/test-approval-%ld.pem", (long)getpid());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (private)
        assert_int_equal(PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL,
                                              (const unsigned char *)passphrase,
                                              passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
                         1);
    else
        assert_int_equal(PEM_write_PUBKEY(f, key), 1);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static void keys_are_read_from_files(void **state)
{
    (void)state;
    EVP_PKEY *private = NULL, *public = NULL;
    write_key(portal, true, NULL, 0600);
    assert_int_equal(approval_load_private(path, &private, &err), 0);
    write_key(portal, false, NULL, 0644);
    assert_int_equal(approval_load_public(path, &public, &err), 0);
    assert_int_equal(EVP_PKEY_eq(private, public), 1);
    assert_int_equal(verify_text(SAMPLE_APPLICATION, public), 0);
    EVP_PKEY_free(private);
    EVP_PKEY_free(public);
    unlink(path);
}

static void unfit_key_files_are_refused_with_their_name(void **state)
{
    (void)state;
    EVP_PKEY *key = NULL, *p384 = EVP_EC_gen("P-384");
    write_key(portal, true, NULL, 0640);
    assert_int_equal(approval_load_private(path, &key, &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    write_key(portal, true, "secret", 0600);
    assert_int_equal(approval_load_private(path, &key, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.text, path));
    write_key(p384, true, NULL, 0600);
    assert_int_equal(approval_load_private(path, &key, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    write_key(portal, true, NULL, 0600);
    assert_int_equal(approval_load_public(path, &key, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    unlink(path);
    assert_int_equal(approval_load_public(path, &key, &err), -1);
    assert_null(key);
    EVP_PKEY_free(p384);
}

#define WITH_SAMPLE(f) cmocka_unit_test_setup_teardown(f, sign_sample, drop_sample)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SAMPLE(an_approval_verifies_and_says_what_was_approved),
        WITH_SAMPLE(an_id_and_time_that_are_given_are_kept),
        WITH_SAMPLE(a_forged_approval_is_refused),
        WITH_SAMPLE(every_flipped_bit_of_document_or_signature_is_refused),
        WITH_SAMPLE(an_application_changed_after_approval_is_refused),
        WITH_SAMPLE(one_reviewer_twice_is_neither_signed_nor_believed),
        WITH_SAMPLE(a_reviewer_must_have_a_name),
        WITH_SAMPLE(a_signed_document_that_is_not_well_formed_is_refused),
        WITH_SAMPLE(a_signed_document_that_is_not_canonical_is_refused),
        WITH_SAMPLE(too_large_a_document_or_signature_is_refused),
        WITH_SAMPLE(another_kind_of_key_is_refused),
        WITH_SAMPLE(keys_are_read_from_files),
        WITH_SAMPLE(unfit_key_files_are_refused_with_their_name),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
