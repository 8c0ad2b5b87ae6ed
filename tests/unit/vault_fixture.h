/* All that a sign request needs, in software: CA, portal, profile, application, key, CSR, TBS, and the
 * vault's index as if the serial number had just been reserved. A test breaks one thing and looks which rule
 * says no. */
#ifndef CASTATION_TESTS_VAULT_FIXTURE_H
#define CASTATION_TESTS_VAULT_FIXTURE_H

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "cert/cert.h"
#include "vault/check.h"
#include "vault/der.h"

#define FIXTURE_DAYS 365

/* Everything that a profile can ask for, so that every rule has something to compare. */
static const char fixture_profile[] =
    "title = { zh = \"测试\"; en = \"Test\"; };\n"
    "key_type = \"P-256\";\n"
    "validity_days = 365;\nvalidity_days_max = 730;\n"
    "subject = ( { attribute = \"C\"; value = \"{country}\"; },\n"
    " { attribute = \"ST\"; value = \"{province}\"; },\n"
    " { attribute = \"O\"; value = \"{name}\"; },\n"
    " { attribute = \"CN\"; value = \"{name} {id}\"; } );\n"
    "key_usage = [ \"digitalSignature\", \"nonRepudiation\" ];\n"
    "extended_key_usage = [ \"clientAuth\", \"emailProtection\" ];\n"
    "uscc_oid = \"1.2.156.10260.4.1.4\";\n"
    "policies = [ \"1.3.6.1.4.1.32473.1.1\" ];\n"
    "crl_urls = [ \"http://a.example.org/1.crl\", \"http://b.example.org/1.crl\" ];\n"
    "aia_issuer_urls = [ \"http://a.example.org/ca.cer\" ];\n"
    "aia_ocsp_urls = [ \"http://ocsp.example.org/\" ];\n";

struct vault_fixture {
    char folder[64];
    struct profiles *profiles;
    EVP_PKEY *ca_key, *portal_key, *key, *other_key;
    struct ca ca;
    struct application application;
    struct approval approval;
    char document[2048];
    struct buf approval_document, signature;
    struct index *index;
    uint8_t serial[16];
    struct vault_sign_req req;
    int64_t now_ms;
    struct err err;
};

/* ---- DER in and out ----------------------------------------------------------------------------- */

/* The TBS as an X509 that can be changed; put back by vf_put_tbs. */
static inline X509 *vf_tbs(const struct vault_fixture *f)
{
    static const uint8_t tail[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
                                   0x3d, 0x04, 0x03, 0x02, 0x03, 0x01, 0x00};
    struct buf b;
    struct err err;
    buf_init(&b);
    assert_int_equal(der_put_header(&b, DER_SEQUENCE, f->req.tbs.len + sizeof(tail), &err), 0);
    assert_int_equal(buf_put(&b, f->req.tbs.data, f->req.tbs.len, &err), 0);
    assert_int_equal(buf_put(&b, tail, sizeof(tail), &err), 0);
    const uint8_t *p = b.data;
    X509 *x = d2i_X509(NULL, &p, (long)b.len);
    assert_non_null(x);
    buf_done(&b);
    return x;
}

static inline void vf_put_tbs(struct vault_fixture *f, X509 *x)
{
    uint8_t *der = NULL;
    int n = i2d_re_X509_tbs(x, &der);
    assert_true(n > 0);
    assert_true(bytes_set(f->req.tbs, der, (size_t)n));
    OPENSSL_free(der);
    X509_free(x);
}

static inline void vf_put_csr(struct vault_fixture *f, EVP_PKEY *key)
{
    uint8_t *der = NULL;
    X509_REQ *r = X509_REQ_new();
    assert_int_equal(X509_REQ_set_pubkey(r, key), 1);
    assert_true(X509_REQ_sign(r, key, EVP_sha256()) > 0);
    int n = i2d_X509_REQ(r, &der);
    assert_true(bytes_set(f->req.csr, der, (size_t)n));
    OPENSSL_free(der);
    X509_REQ_free(r);
}

static inline void vf_spki_sha256(EVP_PKEY *key, char hex[SHA256_HEX_SIZE])
{
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    assert_true(n > 0);
    sha256_hex(der, (size_t)n, hex);
    OPENSSL_free(der);
}

static inline X509_EXTENSION *vf_extension(int nid, const char *value)
{
    X509V3_CTX ctx;
    CONF *conf = NCONF_new(NULL);
    X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, 0);
    X509V3_set_nconf(&ctx, conf); /* policies want one, be it empty */
    X509_EXTENSION *e = X509V3_EXT_nconf_nid(conf, &ctx, nid, value);
    NCONF_free(conf);
    assert_non_null(e);
    return e;
}

/* ---- the vault's log ---------------------------------------------------------------------------- */

static inline void vf_record(struct vault_fixture *f, enum record_type type, json_t *record)
{
    struct log_place place = {0, 0};
    char at[CLOCK_UTC_SIZE];
    assert_non_null(record);
    clock_utc_text(f->now_ms, at);
    assert_int_equal(json_object_set_new(record, "type", json_string(record_type_name(type))), 0);
    assert_int_equal(json_object_set_new(record, "at", json_string(at)), 0);
    if (index_apply(f->index, record, &place, &f->err) != 0)
        fail_msg("%s", f->err.text);
    json_decref(record);
}

static inline void vf_reserve(struct vault_fixture *f, const uint8_t serial[16], const char *job,
                              const char *token, EVP_PKEY *key, const char *approval, const char *application)
{
    char hex[33], spki[SHA256_HEX_SIZE];
    hex_encode(serial, 16, hex);
    vf_spki_sha256(key, spki);
    vf_record(f, RECORD_RESERVE,
              json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "serial_number", hex, "job", job, "token",
                        token, "spki_sha256", spki, "approval", approval, "application", application,
                        "organisation", "x"));
}

static inline void vf_forget(struct vault_fixture *f)
{
    index_free(&f->index);
    f->index = index_new();
}

/* ---- papers ------------------------------------------------------------------------------------- */

static inline void vf_approve(struct vault_fixture *f)
{
    memset(&f->approval, 0, sizeof(f->approval));
    snprintf(f->approval.first_reviewer, sizeof(f->approval.first_reviewer), "first");
    snprintf(f->approval.final_reviewer, sizeof(f->approval.final_reviewer), "final");
    clock_utc_text(f->now_ms, f->approval.approved_at);
    buf_reset(&f->approval_document);
    buf_reset(&f->signature);
    if (application_parse(f->document, strlen(f->document), &f->application, &f->err) != 0 ||
        approval_sign(&f->application, &f->approval, f->portal_key, &f->approval_document, &f->signature,
                      &f->err) != 0)
        fail_msg("%s", f->err.text);
    assert_true(bytes_set(f->req.application, f->document, strlen(f->document)));
    assert_true(bytes_set(f->req.approval, f->approval_document.data, f->approval_document.len));
    assert_true(bytes_set(f->req.signature, f->signature.data, f->signature.len));
}

static inline void vf_write_application(struct vault_fixture *f, const char *profile, int days)
{
    snprintf(
        f->document, sizeof(f->document),
        "{\"id\": \"CA20261122-0001\", \"organisation\": {\"name\": \"杭州示例科技有限公司\", "
        "\"identifier_kind\": \"USCC\", \"identifier\": \"91330100799655058B\", \"country\": \"CN\", "
        "\"province\": \"浙江省\", \"locality\": \"杭州市\"}, \"profile\": \"%s\", \"validity_days\": %d, "
        "\"delivery\": {\"method\": \"pickup\", \"point\": \"一号窗口\"}}",
        profile, days);
}

static inline void vf_build_tbs(struct vault_fixture *f)
{
    struct buf spki, tbs;
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(f->key, &der);
    buf_init(&spki);
    buf_init(&tbs);
    assert_int_equal(buf_put(&spki, der, (size_t)n, &f->err), 0);
    OPENSSL_free(der);
    struct tbs_input in = {.profile = profiles_find(f->profiles, "test"),
                           .application = &f->application,
                           .spki = spki.data,
                           .spki_len = spki.len,
                           .ca = f->ca.der,
                           .ca_len = f->ca.der_len,
                           .serial = f->serial,
                           .serial_len = sizeof(f->serial),
                           .not_before = f->now_ms / 1000};
    if (tbs_build(&in, &tbs, &f->err) != 0)
        fail_msg("%s", f->err.text);
    assert_true(bytes_set(f->req.tbs, tbs.data, tbs.len));
    buf_done(&spki);
    buf_done(&tbs);
}

static inline void vf_make_ca(struct vault_fixture *f)
{
    uint8_t *der = NULL;
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();
    X509V3_CTX ctx;
    static const struct {
        int nid;
        const char *value;
    } extensions[] = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                      {NID_key_usage, "critical,keyCertSign,cRLSign"},
                      {NID_subject_key_identifier, "hash"}};
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 0x7766554433221100);
    X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const uint8_t *)"CN", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING, (const uint8_t *)"测试根", -1, -1, 0);
    X509_set_subject_name(x, name);
    X509_set_issuer_name(x, name);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(f->now_ms / 1000 - 10 * 86400));
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(f->now_ms / 1000 + 3650 * 86400));
    X509_set_pubkey(x, f->ca_key);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    for (size_t i = 0; i < COUNT(extensions); i++) {
        X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, &ctx, extensions[i].nid, extensions[i].value);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(x, f->ca_key, EVP_sha256()) > 0);
    int n = i2d_X509(x, &der);
    if (ca_from_der(&f->ca, der, (size_t)n, &f->err) != 0)
        fail_msg("%s", f->err.text);
    OPENSSL_free(der);
    X509_NAME_free(name);
    X509_free(x);
}

static inline void vf_load_profile(struct vault_fixture *f)
{
    char path[128];
    snprintf(f->folder, sizeof(f->folder), "/tmp/castation-check-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(path, sizeof(path), "%s/test.conf", f->folder);
    assert_int_equal(file_replace(path, fixture_profile, strlen(fixture_profile), 0600, &f->err), 0);
    if (profiles_load(f->folder, &f->profiles, &f->err) != 0)
        fail_msg("%s", f->err.text);
    unlink(path);
    rmdir(f->folder);
}

static inline int vf_set_up(void **state)
{
    struct vault_fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    *state = f;
    f->now_ms = clock_utc_ms();
    buf_init(&f->approval_document);
    buf_init(&f->signature);
    f->ca_key = EVP_EC_gen("P-256");
    f->portal_key = EVP_EC_gen("P-256");
    f->key = EVP_EC_gen("P-256");
    f->other_key = EVP_EC_gen("P-256");
    vf_load_profile(f);
    vf_make_ca(f);
    vf_write_application(f, "test", FIXTURE_DAYS);
    vf_approve(f);
    random_bytes(f->serial, sizeof(f->serial));
    f->serial[0] = 0x5a;
    vf_build_tbs(f);
    vf_put_csr(f, f->key);
    snprintf(f->req.job, sizeof(f->req.job), "job-1");
    snprintf(f->req.serial, sizeof(f->req.serial), "TOKEN-1");
    f->index = index_new();
    vf_reserve(f, f->serial, "job-1", "TOKEN-1", f->key, f->approval.id, f->application.id);
    return 0;
}

static inline int vf_tear_down(void **state)
{
    struct vault_fixture *f = *state;
    profiles_free(&f->profiles);
    EVP_PKEY_free(f->ca_key);
    EVP_PKEY_free(f->portal_key);
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->other_key);
    ca_done(&f->ca);
    index_free(&f->index);
    buf_done(&f->approval_document);
    buf_done(&f->signature);
    free(f);
    return 0;
}

/* 0 or -1; *ret_rule: "" when nothing was refused. */
static inline int vf_check(struct vault_fixture *f, const char **ret_rule)
{
    struct check c = {.req = &f->req,
                      .index = f->index,
                      .profiles = f->profiles,
                      .portal_key = f->portal_key,
                      .ca = &f->ca,
                      .now_ms = f->now_ms};
    *ret_rule = "";
    err_clear(&f->err);
    int rc = check_run(&c, ret_rule, &f->err);
    check_done(&c);
    return rc;
}

#endif
