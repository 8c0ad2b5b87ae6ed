#include "cert_fixture.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "cert/lint.h"

static struct fixture f;
static EVP_PKEY *key;
static struct buf subject, spki, csr;

static void take_der(struct buf *b, unsigned char *der, int n)
{
    assert_true(n > 0);
    buf_reset(b);
    assert_int_equal(buf_put(b, der, (size_t)n, &f.err), 0);
    OPENSSL_free(der);
}

/* A request of `signer` for `owner`'s public key: the same, but for a thief. */
static void make_csr(EVP_PKEY *owner, EVP_PKEY *signer, const EVP_MD *md, long version)
{
    unsigned char *der = NULL;
    const unsigned char *p = subject.data;
    X509_REQ *req = X509_REQ_new();
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)subject.len);
    X509_REQ_set_version(req, version);
    X509_REQ_set_subject_name(req, name);
    X509_REQ_set_pubkey(req, owner);
    assert_true(X509_REQ_sign(req, signer, md) > 0);
    int n = i2d_X509_REQ(req, &der);
    take_der(&csr, der, n);
    X509_NAME_free(name);
    X509_REQ_free(req);
}

static void use_key(EVP_PKEY *k)
{
    unsigned char *der = NULL;
    EVP_PKEY_free(key);
    key = k;
    int n = i2d_PUBKEY(key, &der);
    take_der(&spki, der, n);
    make_csr(key, key, EVP_sha256(), X509_REQ_VERSION_1);
}

static int set_up(void **state)
{
    (void)state;
    fixture_set_up(&f, "p256", "p256");
    buf_init(&subject);
    buf_init(&spki);
    buf_init(&csr);
    assert_int_equal(cert_subject(&f.profile, &f.application, &subject, &f.err), 0);
    use_key(EVP_EC_gen("P-256"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_tear_down(&f);
    buf_done(&subject);
    buf_done(&spki);
    buf_done(&csr);
    EVP_PKEY_free(key);
    key = NULL;
    return 0;
}

static int check(void)
{
    err_clear(&f.err);
    return csr_check(csr.data, csr.len, subject.data, subject.len, spki.data, spki.len, &f.err);
}

static void refused(const char *part)
{
    fixture_refused(&f, check(), ERR_TOKEN_MISMATCH, part);
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void a_request_of_each_key_type_is_good(void **state)
{
    (void)state;
    assert_int_equal(check(), 0);
    use_key(EVP_EC_gen("P-384"));
    assert_int_equal(check(), 0);
    make_csr(key, key, EVP_sha384(), X509_REQ_VERSION_1);
    assert_int_equal(check(), 0);
    use_key(EVP_RSA_gen(2048));
    assert_int_equal(check(), 0);
}

static void a_request_for_another_name_is_refused(void **state)
{
    (void)state;
    subject.data[subject.len - 1] ^= 1;
    refused("its subject is not the one expected");
    subject.data[subject.len - 1] ^= 1;
    subject.len = 0;
    refused("subject");
}

static void a_request_for_another_key_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *other = EVP_EC_gen("P-256");
    make_csr(other, other, EVP_sha256(), X509_REQ_VERSION_1);
    refused("its public key is not the one expected");
    EVP_PKEY_free(other);
}

static void a_request_that_another_key_signed_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *other = EVP_EC_gen("P-256");
    make_csr(key, other, EVP_sha256(), X509_REQ_VERSION_1);
    refused("its signature does not verify");
    EVP_PKEY_free(other);
}

static void a_request_with_a_broken_digest_or_version_is_refused(void **state)
{
    (void)state;
    make_csr(key, key, EVP_sha1(), X509_REQ_VERSION_1);
    refused("signed with ecdsa-with-SHA1");
    make_csr(key, key, EVP_sha256(), 1);
    refused("version");
}

static void every_changed_byte_of_a_request_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < csr.len; i++) {
        csr.data[i] ^= 0x01;
        if (check() == 0)
            fail_msg("byte %zu", i);
        csr.data[i] ^= 0x01;
    }
    assert_int_equal(check(), 0);
}

static void a_request_cut_off_or_too_long_is_refused(void **state)
{
    (void)state;
    size_t whole = csr.len;
    for (csr.len = 0; csr.len < whole; csr.len += 5)
        refused("request: ");
    csr.len = whole;
    assert_int_equal(buf_put(&csr, "x", 1, &f.err), 0);
    refused("bytes behind");
    static const uint8_t LARGE[CSR_MAX + 1];
    assert_int_equal(csr_check(LARGE, sizeof(LARGE), subject.data, subject.len, spki.data, spki.len, &f.err),
                     -1);
    assert_int_equal(f.err.code, ERR_TOO_LARGE);
}

/* ---- challenges -------------------------------------------------------------------------------- */

static size_t sign(EVP_PKEY *k, const void *data, size_t len, uint8_t *dst, size_t cap)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k), 1);
    assert_int_equal(EVP_DigestSign(ctx, dst, &cap, data, len), 1);
    EVP_MD_CTX_free(ctx);
    return cap;
}

static void challenge_case(EVP_PKEY *k)
{
    uint8_t challenge[32] = {1, 2, 3}, signature[512];
    use_key(k);
    size_t len = sign(key, challenge, sizeof(challenge), signature, sizeof(signature));
    assert_int_equal(challenge_check(spki.data, spki.len, challenge, 32, signature, len, &f.err), 0);
    fixture_refused(&f, challenge_check(spki.data, spki.len, challenge, 31, signature, len, &f.err),
                    ERR_TOKEN_MISMATCH, "not the key's");
    fixture_refused(&f, challenge_check(spki.data, spki.len, challenge, 32, signature, len - 1, &f.err),
                    ERR_TOKEN_MISMATCH, "not the key's");
    fixture_refused(&f, challenge_check(spki.data, spki.len, challenge, 32, signature, 0, &f.err),
                    ERR_TOKEN_MISMATCH, "not the key's");
    challenge[0] ^= 1;
    fixture_refused(&f, challenge_check(spki.data, spki.len, challenge, 32, signature, len, &f.err),
                    ERR_TOKEN_MISMATCH, "not the key's");
    assert_int_equal(challenge_check(spki.data, 10, challenge, 32, signature, len, &f.err), -1);
}

static void a_challenge_is_believed_only_from_its_key(void **state)
{
    (void)state;
    challenge_case(EVP_EC_gen("P-256"));
    challenge_case(EVP_EC_gen("P-384"));
    challenge_case(EVP_RSA_gen(2048));
}

/* ---- certificates ------------------------------------------------------------------------------ */

/* A certificate of the fixture's TBS, signed as the vault would. */
static void make_certificate(EVP_PKEY *signer, struct buf *ret)
{
    struct buf shadow;
    buf_init(&shadow);
    assert_int_equal(lint_sign(f.tbs.data, f.tbs.len, KEY_P256, &shadow, &f.err), 0);
    const unsigned char *p = shadow.data;
    unsigned char *der = NULL;
    X509 *x = d2i_X509(NULL, &p, (long)shadow.len);
    assert_non_null(x);
    assert_true(X509_sign(x, signer, EVP_sha256()) > 0); /* re-encodes to the same bytes */
    int n = i2d_X509(x, &der);
    buf_init(ret);
    take_der(ret, der, n);
    X509_free(x);
    buf_done(&shadow);
}

static void a_certificate_matches_its_tbs_and_ca(void **state)
{
    (void)state;
    struct buf cert;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    make_certificate(f.ca_key, &cert);
    if (cert_matches(cert.data, cert.len, f.tbs.data, f.tbs.len, f.ca.data, f.ca.len, &f.err) != 0)
        fail_msg("%s", f.err.text);
    for (size_t i = 0; i < cert.len; i += 3) {
        cert.data[i] ^= 0x01;
        assert_int_equal(
            cert_matches(cert.data, cert.len, f.tbs.data, f.tbs.len, f.ca.data, f.ca.len, &f.err), -1);
        cert.data[i] ^= 0x01;
    }
    f.tbs.data[f.tbs.len - 1] ^= 1;
    fixture_refused(&f, cert_matches(cert.data, cert.len, f.tbs.data, f.tbs.len, f.ca.data, f.ca.len, &f.err),
                    ERR_TOKEN_MISMATCH, "not what was reserved");
    f.tbs.data[f.tbs.len - 1] ^= 1;
    fixture_refused(&f,
                    cert_matches(cert.data, cert.len, f.tbs.data, f.tbs.len - 1, f.ca.data, f.ca.len, &f.err),
                    ERR_TOKEN_MISMATCH, "not what was reserved");
    buf_done(&cert);
}

static void a_certificate_of_another_signer_is_refused(void **state)
{
    (void)state;
    struct buf cert, other;
    EVP_PKEY *stranger = EVP_EC_gen("P-256");
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    make_certificate(stranger, &cert);
    fixture_refused(&f, cert_matches(cert.data, cert.len, f.tbs.data, f.tbs.len, f.ca.data, f.ca.len, &f.err),
                    ERR_CA_MISMATCH, "signature is not the CA's");
    fixture_der("ca-p384.pem", &other);
    fixture_refused(&f,
                    cert_matches(cert.data, cert.len, f.tbs.data, f.tbs.len, other.data, other.len, &f.err),
                    ERR_CA_MISMATCH, "another issuer");
    buf_done(&cert);
    buf_done(&other);
    EVP_PKEY_free(stranger);
}

static void pem_goes_there_and_back(void **state)
{
    (void)state;
    struct buf pem, der, file;
    buf_init(&pem);
    buf_init(&der);
    assert_int_equal(cert_to_pem(f.ca.data, f.ca.len, &pem, &f.err), 0);
    fixture_read("ca-p256.pem", &file);
    assert_int_equal(pem.len, file.len);
    assert_memory_equal(pem.data, file.data, file.len);
    assert_int_equal(cert_from_pem(pem.data, pem.len, &der, &f.err), 0);
    assert_int_equal(der.len, f.ca.len);
    assert_memory_equal(der.data, f.ca.data, der.len);
    buf_reset(&der);
    fixture_refused(&f, cert_from_pem("hello", 5, &der, &f.err), ERR_FIELD, "no certificate");
    fixture_refused(&f, cert_from_pem("", 0, &der, &f.err), ERR_FIELD, "no certificate");
    fixture_refused(&f, cert_to_pem("hello", 5, &pem, &f.err), ERR_FIELD, "no certificate in DER");
    buf_done(&pem);
    buf_done(&der);
    buf_done(&file);
}

static void the_first_certificate_of_a_pem_file_is_taken(void **state)
{
    (void)state;
    struct buf a, b, der;
    buf_init(&der);
    fixture_read("org-p256.pub.pem", &a); /* another kind of object before it is passed over */
    fixture_read("ca-p256.pem", &b);
    assert_int_equal(buf_put(&a, b.data, b.len, &f.err), 0);
    buf_done(&b);
    fixture_read("ca-p384.pem", &b);
    assert_int_equal(buf_put(&a, b.data, b.len, &f.err), 0);
    assert_int_equal(cert_from_pem(a.data, a.len, &der, &f.err), 0);
    assert_int_equal(der.len, f.ca.len);
    assert_memory_equal(der.data, f.ca.data, der.len);
    buf_done(&a);
    buf_done(&b);
    buf_done(&der);
}

static void serial_numbers_are_lower_case_hex_of_even_length(void **state)
{
    (void)state;
    char hex[41];
    assert_int_equal(cert_serial_hex(f.ca.data, f.ca.len, hex, sizeof(hex), &f.err), 0);
    assert_string_equal(hex, "6a39c40d17e2b58f90a1");
    assert_int_equal(cert_serial_hex(f.ca.data, f.ca.len, hex, 20, &f.err), -1);
    assert_int_equal(f.err.code, ERR_TOO_LARGE);
    assert_int_equal(cert_serial_hex(f.ca.data, f.ca.len - 1, hex, sizeof(hex), &f.err), -1);
    assert_int_equal(f.err.code, ERR_FIELD);
}

int main(void)
{
#define WITH_FIXTURE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_request_of_each_key_type_is_good),
        WITH_FIXTURE(a_request_for_another_name_is_refused),
        WITH_FIXTURE(a_request_for_another_key_is_refused),
        WITH_FIXTURE(a_request_that_another_key_signed_is_refused),
        WITH_FIXTURE(a_request_with_a_broken_digest_or_version_is_refused),
        WITH_FIXTURE(every_changed_byte_of_a_request_is_noticed),
        WITH_FIXTURE(a_request_cut_off_or_too_long_is_refused),
        WITH_FIXTURE(a_challenge_is_believed_only_from_its_key),
        WITH_FIXTURE(a_certificate_matches_its_tbs_and_ca),
        WITH_FIXTURE(a_certificate_of_another_signer_is_refused),
        WITH_FIXTURE(pem_goes_there_and_back),
        WITH_FIXTURE(the_first_certificate_of_a_pem_file_is_taken),
        WITH_FIXTURE(serial_numbers_are_lower_case_hex_of_even_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
