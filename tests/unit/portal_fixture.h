/* A portal's database in a folder of its own, an approval key, and certificates as a bench would report them.
 */
#ifndef CASTATION_TESTS_PORTAL_FIXTURE_H
#define CASTATION_TESTS_PORTAL_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/json.h"
#include "cmocka_all.h"
#include "domain/approval.h"
#include "portal/acts.h"

#define ORGANISATION "杭州示例科技有限公司"

static struct err err;
static struct act act = {.who = "test"};
static EVP_PKEY *key;
static char folder[64], path[128];
static char *profile_names[] = {"org-sign-p256", "org-sign-rsa2048", NULL};
static const struct conf_strs profiles = {profile_names, 2};

static int set_up(void **state)
{
    (void)state;
    err_clear(&err);
    snprintf(folder, sizeof(folder), "/tmp/test_portal.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/portal.db", folder);
    act.now = 1800000000000;
    key = EVP_EC_gen("P-256");
    return db_open(&act.db, path, &portal_schema, 0, &err);
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    db_close(&act.db);
    EVP_PKEY_free(key);
    for (size_t i = 0; i < COUNT(SUFFIXES); i++) {
        char name[160];
        snprintf(name, sizeof(name), "%s%s", path, SUFFIXES[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static inline json_t *document(const char *id, const char *profile)
{
    return json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s},s:{s:s,s:s}}", "id", id, "profile", profile,
                     "organisation", "name", ORGANISATION, "identifier_kind", "USCC", "identifier",
                     "91330100799655058B", "country", "CN", "delivery", "method", "pickup", "point",
                     "杭州服务点");
}

/* Each act in a transaction of its own, as all callers run them. */
#define IN_TRANSACTION(call) in_transaction_end(db_begin(act.db, &err) == 0 ? (call) : -1)
static inline int in_transaction_end(int rc)
{
    if (rc == 0)
        return db_commit(act.db, &err);
    if (db_in_transaction(act.db))
        db_rollback(act.db);
    return rc;
}

static inline int approve(const char *id, const char *profile)
{
    const struct act_review review = {.first = "张三", .final = "李四", .key = key, .profiles = &profiles};
    json_t *doc = document(id, profile);
    int rc = IN_TRANSACTION(act_approve(&act, doc, &review, NULL, &err));
    json_decref(doc);
    return rc;
}

/* Number of claims got; their application ids in order in ret_ids (at most 8). */
static inline size_t claim(const char *station, int64_t max, const char *profile, char ret_ids[8][41])
{
    const char *const names[] = {profile};
    const struct act_claim request = {
        .station = station, .max = max, .profiles = names, .n_profiles = 1, .lease_seconds = 60};
    json_t *claims = NULL;
    assert_int_equal(IN_TRANSACTION(act_claim(&act, &request, &claims, &err)), 0);
    size_t n = json_array_size(claims);
    for (size_t i = 0; ret_ids && i < n && i < 8; i++)
        snprintf(ret_ids[i], 41, "%s",
                 json_str(json_object_get(json_array_get(claims, i), "application"), "id"));
    json_decref(claims);
    return n;
}

static inline const char *state_of(const char *id)
{
    static struct portal_application row;
    assert_int_equal(portal_application_get(act.db, id, &row, &err), 0);
    return row.state;
}

static inline int64_t generation_of(const char *id)
{
    struct portal_application row;
    assert_int_equal(portal_application_get(act.db, id, &row, &err), 0);
    return row.generation;
}

/* A self-signed certificate of the organisation with this serial number; free(). */
static inline char *certificate(const char *organisation, long serial)
{
    X509 *x509 = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL, *pem;
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "O", MBSTRING_UTF8,
                               (const unsigned char *)organisation, -1, -1, 0);
    X509_set_pubkey(x509, key);
    X509_sign(x509, key, EVP_sha256());
    PEM_write_bio_X509(bio, x509);
    long len = BIO_get_mem_data(bio, &data);
    pem = strndup(data, (size_t)len);
    BIO_free(bio);
    X509_free(x509);
    return pem;
}

static inline int report(const char *station, const char *id, int64_t generation, const char *pem,
                         const char *serial)
{
    const struct act_held held = {station, id, generation};
    const struct act_report r = {.token_serial = "T1",
                                 .product = "softhsm",
                                 .key_id = "aabb",
                                 .certificate = pem,
                                 .certificate_serial = serial};
    return IN_TRANSACTION(act_report(&act, &held, &r, &err));
}

static inline int report_serial(const char *station, const char *id, int64_t generation, long serial)
{
    char hex[32];
    char *pem = certificate(ORGANISATION, serial);
    snprintf(hex, sizeof(hex), "%016lx", (unsigned long)serial);
    int rc = report(station, id, generation, pem, hex);
    free(pem);
    return rc;
}

static inline int void_serial(const char *station, const char *id, int64_t generation, const char *serial)
{
    const struct act_held held = {station, id, generation};
    enum application_state s;
    return IN_TRANSACTION(act_void(&act, &held, serial, "test", &s, &err));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
