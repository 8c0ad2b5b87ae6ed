#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "cmocka_all.h"
#include "portal/pki.h"
#include "portal/portal_conf.h"

static struct err err;
static EVP_PKEY *ca_key, *key;
static X509 *ca;

static int set_up(void **state)
{
    (void)state;
    return pki_key_new(&ca_key, &err) == 0 && pki_key_new(&key, &err) == 0 ? pki_ca_new(ca_key, &ca, &err)
                                                                           : -1;
}

static int tear_down(void **state)
{
    (void)state;
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    return 0;
}

static int verify(X509 *x509, int purpose)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX_init(ctx, store, x509, NULL);
    X509_STORE_CTX_set_purpose(ctx, purpose);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
    int rc = X509_verify_cert(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return rc;
}

static char *request(EVP_PKEY *own, EVP_PKEY *signer)
{
    X509_REQ *req = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    X509_REQ_set_pubkey(req, own);
    X509_REQ_sign(req, signer, EVP_sha256());
    PEM_write_bio_X509_REQ(bio, req);
    long len = BIO_get_mem_data(bio, &data);
    char *pem = strndup(data, (size_t)len);
    BIO_free(bio);
    X509_REQ_free(req);
    return pem;
}

static void a_stations_certificate_is_for_tls_clients_only(void **state)
{
    (void)state;
    char *csr = request(key, key);
    X509 *x509 = NULL;
    assert_int_equal(pki_station_new(ca, ca_key, csr, "bench-1", &x509, &err), 0);
    assert_int_equal(verify(x509, X509_PURPOSE_SSL_CLIENT), 1);
    assert_int_equal(verify(x509, X509_PURPOSE_SSL_SERVER), 0);
    char cn[80];
    X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, cn, sizeof(cn));
    assert_string_equal(cn, "bench-1");
    int days, seconds;
    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x509));
    assert_in_range(days, 364, 365);
    X509_free(x509);
    free(csr);
}

static void a_request_not_signed_by_its_own_key_is_refused(void **state)
{
    (void)state;
    char *csr = request(key, ca_key);
    X509 *x509 = NULL;
    assert_int_equal(pki_station_new(ca, ca_key, csr, "bench-1", &x509, &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_int_equal(pki_station_new(ca, ca_key, "rubbish", "bench-1", &x509, &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
    free(csr);
}

static void a_weak_key_and_a_bad_name_are_refused(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"",
                                        "a b",
                                        "a/b",
                                        "a,CN=b",
                                        "机",
                                        "..",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    char *csr = request(weak, weak), *good = request(key, key);
    X509 *x509 = NULL;
    assert_int_equal(pki_station_new(ca, ca_key, csr, "bench-1", &x509, &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_non_null(strstr(err.text, "1024"));
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        assert_int_equal(pki_station_new(ca, ca_key, good, NAMES[i], &x509, &err), -1);
        assert_int_equal(err.code, ERR_FIELD);
    }
    EVP_PKEY_free(weak);
    free(csr);
    free(good);
}

static void a_servers_certificate_carries_its_names_and_nothing_smuggled_into_them(void **state)
{
    (void)state;
    const char *const names[] = {"portal.example", "192.0.2.7", "2001:db8::1"}, *const bad[] = {"a,DNS:b"};
    X509 *x509 = NULL;
    assert_int_equal(pki_server_new(ca, ca_key, key, names, 3, &x509, &err), 0);
    assert_int_equal(verify(x509, X509_PURPOSE_SSL_SERVER), 1);
    assert_int_equal(verify(x509, X509_PURPOSE_SSL_CLIENT), 0);
    assert_int_equal(X509_check_host(x509, "portal.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x509, "other.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(x509, "192.0.2.7", 0), 1);
    assert_int_equal(X509_check_ip_asc(x509, "2001:db8::1", 0), 1);
    X509_free(x509);
    assert_int_equal(pki_server_new(ca, ca_key, key, bad, 1, &x509, &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
}

static void serial_numbers_are_long_positive_and_never_twice_the_same(void **state)
{
    (void)state;
    char *csr = request(key, key);
    X509 *a = NULL, *b = NULL;
    assert_int_equal(pki_station_new(ca, ca_key, csr, "a", &a, &err), 0);
    assert_int_equal(pki_station_new(ca, ca_key, csr, "a", &b, &err), 0);
    assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(a)), 16);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(a), X509_get0_serialNumber(b)), 0);
    X509_free(a);
    X509_free(b);
    free(csr);
}

static void a_private_key_is_private_and_is_never_overwritten(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_pki.XXXXXX", path[64];
    struct stat st;
    EVP_PKEY *back = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/key.pem", folder);
    assert_int_equal(pki_write_private(path, key, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(pki_write_private(path, ca_key, &err), -1);
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(pki_read_private(path, &back, &err), 0);
    assert_int_equal(EVP_PKEY_eq(back, key), 1);
    EVP_PKEY_free(back);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(pki_read_private(path, &back, &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    unlink(path);
    rmdir(folder);
}

static void addresses_are_taken_apart_or_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "", "7443", ":7443", "127.0.0.1:", "127.0.0.1:http", "[]:1", "127.0.0.1:123456"};
    char host[64], port[8];
    assert_int_equal(portal_conf_address("127.0.0.1:0", host, sizeof(host), port, &err), 0);
    assert_string_equal(host, "127.0.0.1");
    assert_string_equal(port, "0");
    assert_int_equal(portal_conf_address("[::1]:7443", host, sizeof(host), port, &err), 0);
    assert_string_equal(host, "::1");
    for (size_t i = 0; i < COUNT(BAD); i++) {
        assert_int_equal(portal_conf_address(BAD[i], host, sizeof(host), port, &err), -1);
        assert_int_equal(err.code, ERR_CONFIG);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stations_certificate_is_for_tls_clients_only),
        TEST(a_request_not_signed_by_its_own_key_is_refused),
        TEST(a_weak_key_and_a_bad_name_are_refused),
        TEST(a_servers_certificate_carries_its_names_and_nothing_smuggled_into_them),
        TEST(serial_numbers_are_long_positive_and_never_twice_the_same),
        TEST(a_private_key_is_private_and_is_never_overwritten),
        TEST(addresses_are_taken_apart_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
