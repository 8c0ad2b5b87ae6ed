#include "cert_fixture.h"

#include <openssl/x509v3.h>

#include "base/hex.h"

static struct fixture f;

static int tear_down(void **state)
{
    (void)state;
    fixture_tear_down(&f);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    fixture_set_up(&f, "p256", "p256");
    return 0;
}

/* ---- fixed vectors ----------------------------------------------------------------------------- */

static const struct {
    const char *ca, *org;
    bool internal;
    const char *vector;
} VECTORS[] = {
    {"p256", "p256", false, "tbs-p256-p256.hex"},
    {"p384", "p384", false, "tbs-p384-p384.hex"},
    {"rsa3072", "rsa2048", false, "tbs-rsa3072-rsa2048.hex"},
    {"p256", "rsa3072", true, "tbs-p256-rsa3072-internal.hex"},
};

/* CASTATION_WRITE_VECTORS=1 writes what is built: to be looked at with other programs before it is committed.
 */
static void compare(const char *vector)
{
    char *hex = malloc(2 * f.tbs.len + 2), path[128];
    assert_non_null(hex);
    hex_encode(f.tbs.data, f.tbs.len, hex);
    hex[2 * f.tbs.len] = '\n';
    snprintf(path, sizeof(path), FIXTURE_DATA "%s", vector);
    if (getenv("CASTATION_WRITE_VECTORS"))
        assert_int_equal(file_replace(path, hex, 2 * f.tbs.len + 1, 0644, &f.err), 0);
    struct buf expected;
    fixture_read(vector, &expected);
    assert_int_equal(expected.len, 2 * f.tbs.len + 1);
    assert_memory_equal(expected.data, hex, expected.len);
    buf_done(&expected);
    free(hex);
}

static void certificates_are_byte_for_byte_what_was_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(VECTORS) / sizeof(VECTORS[0]); i++) {
        fixture_set_up(&f, VECTORS[i].ca, VECTORS[i].org);
        if (VECTORS[i].internal) {
            f.application.organisation.identifier_kind = IDENTIFIER_INTERNAL;
            snprintf(f.application.organisation.identifier, sizeof(f.application.organisation.identifier),
                     "zcy-330110-0007");
        }
        if (tbs_build(&f.in, &f.tbs, &f.err) != 0)
            fail_msg("%s", f.err.text);
        compare(VECTORS[i].vector);
        fixture_tear_down(&f);
    }
}

static void building_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    struct buf again;
    buf_init(&again);
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    assert_int_equal(tbs_build(&f.in, &again, &f.err), 0);
    assert_int_equal(again.len, f.tbs.len);
    assert_memory_equal(again.data, f.tbs.data, again.len);
    buf_done(&again);
}

/* ---- what it holds ----------------------------------------------------------------------------- */

/* The TBSCertificate in a certificate whose signature is worth nothing. */
static X509 *parsed(void)
{
    static const uint8_t TAIL[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
                                   0x3d, 0x04, 0x03, 0x02, 0x03, 0x02, 0x00, 0x00};
    uint8_t der[8192] = {0x30, 0x82};
    size_t len = f.tbs.len + sizeof(TAIL);
    der[2] = (uint8_t)(len >> 8);
    der[3] = (uint8_t)len;
    memcpy(der + 4, f.tbs.data, f.tbs.len);
    memcpy(der + 4 + f.tbs.len, TAIL, sizeof(TAIL));
    const unsigned char *p = der;
    X509 *cert = d2i_X509(NULL, &p, (long)len + 4);
    assert_non_null(cert);
    return cert;
}

static void assert_time(const ASN1_TIME *time, int type, const char *text)
{
    assert_int_equal(ASN1_STRING_type(time), type);
    assert_int_equal(ASN1_STRING_length(time), strlen(text));
    assert_memory_equal(ASN1_STRING_get0_data(time), text, strlen(text));
}

static void the_last_second_belongs_to_the_validity(void **state)
{
    (void)state;
    f.application.validity_days = 1;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    X509 *cert = parsed();
    assert_time(X509_get0_notBefore(cert), V_ASN1_UTCTIME, "261122080000Z");
    assert_time(X509_get0_notAfter(cert), V_ASN1_UTCTIME, "261123075959Z");
    X509_free(cert);
}

static void the_first_second_can_be_read_back(void **state)
{
    (void)state;
    int64_t not_before = 0;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    assert_int_equal(tbs_not_before(f.tbs.data, f.tbs.len, &not_before, &f.err), 0);
    assert_int_equal(not_before, FIXTURE_NOT_BEFORE);
    assert_int_equal(tbs_not_before(f.tbs.data, f.tbs.len - 1, &not_before, &f.err), -1);
    assert_int_equal(f.err.code, ERR_FIELD);
    assert_int_equal(tbs_not_before("", 0, &not_before, &f.err), -1);
}

static void years_from_2050_are_generalized_time(void **state)
{
    (void)state;
    f.in.not_before = INT64_C(2524521600); /* 2049-12-31T00:00:00Z */
    f.application.validity_days = 1;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    X509 *cert = parsed();
    assert_time(X509_get0_notAfter(cert), V_ASN1_UTCTIME, "491231235959Z");
    X509_free(cert);
    buf_reset(&f.tbs);
    f.application.validity_days = 2;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    cert = parsed();
    assert_time(X509_get0_notBefore(cert), V_ASN1_UTCTIME, "491231000000Z");
    assert_time(X509_get0_notAfter(cert), V_ASN1_GENERALIZEDTIME, "20500101235959Z");
    X509_free(cert);
}

static void the_profiles_default_validity_is_taken_when_none_is_asked_for(void **state)
{
    (void)state;
    f.application.validity_days = 0;
    f.profile.validity_days = 30;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    X509 *cert = parsed();
    assert_time(X509_get0_notAfter(cert), V_ASN1_UTCTIME, "261222075959Z");
    X509_free(cert);
}

static void a_serial_number_with_its_top_bit_set_stays_positive(void **state)
{
    (void)state;
    uint8_t serial[16];
    memcpy(serial, FIXTURE_SERIAL, sizeof(serial));
    serial[0] = 0xef;
    f.in.serial = serial;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    X509 *cert = parsed();
    assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(cert)), V_ASN1_INTEGER);
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    assert_int_equal(BN_num_bits(n), 128);
    BN_free(n);
    X509_free(cert);
}

static int count(X509 *cert)
{
    int n = X509_get_ext_count(cert);
    X509_free(cert);
    return n;
}

static void what_the_profile_leaves_out_is_not_there(void **state)
{
    (void)state;
    f.profile.n_extended_key_usage = f.profile.n_policies = f.profile.n_crl_urls = 0;
    f.profile.n_aia_issuer_urls = f.profile.n_aia_ocsp_urls = 0;
    f.profile.uscc_oid[0] = '\0';
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    assert_int_equal(count(parsed()), 4); /* basicConstraints, keyUsage, SKI, AKI */
}

static void several_policies_and_urls_are_all_there(void **state)
{
    (void)state;
    snprintf(f.profile.policies[1], sizeof(f.profile.policies[1]), "1.3.6.1.4.1.32473.1.2");
    f.profile.n_policies = 2;
    snprintf(f.profile.crl_urls[1], sizeof(f.profile.crl_urls[1]), "http://b.example.org/ca.crl");
    f.profile.n_crl_urls = 2;
    snprintf(f.profile.aia_ocsp_urls[0], sizeof(f.profile.aia_ocsp_urls[0]), "http://ocsp.example.org/");
    f.profile.n_aia_ocsp_urls = 1;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    X509 *cert = parsed();
    CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
    assert_int_equal(sk_DIST_POINT_num(points), 2);
    sk_DIST_POINT_pop_free(points, DIST_POINT_free);
    AUTHORITY_INFO_ACCESS *info = X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);
    assert_int_equal(sk_ACCESS_DESCRIPTION_num(info), 2);
    assert_int_equal(OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(info, 0)->method), NID_ad_OCSP);
    sk_ACCESS_DESCRIPTION_pop_free(info, ACCESS_DESCRIPTION_free);
    X509_free(cert);
}

/* ---- refusals ---------------------------------------------------------------------------------- */

static void refused(enum err_code code, const char *part)
{
    fixture_refused(&f, tbs_build(&f.in, &f.tbs, &f.err), code, part);
    assert_int_equal(f.tbs.len, 0);
}

static void end_after_a_year(X509 *ca)
{
    ASN1_TIME_set(X509_getm_notAfter(ca), (time_t)(FIXTURE_NOT_BEFORE + 365 * 86400 - 1));
}

static void end_a_second_earlier(X509 *ca)
{
    ASN1_TIME_set(X509_getm_notAfter(ca), (time_t)(FIXTURE_NOT_BEFORE + 365 * 86400 - 2));
}

static void a_certificate_may_end_with_its_ca_and_not_a_second_later(void **state)
{
    (void)state;
    fixture_change_ca(&f, end_after_a_year);
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), 0);
    buf_reset(&f.tbs);
    fixture_change_ca(&f, end_a_second_earlier);
    refused(ERR_CA_VALIDITY, "365 days would end 2027-11-22T07:59:59");
}

static void nothing_is_built_under_an_expired_or_future_ca(void **state)
{
    (void)state;
    f.in.not_before = INT64_C(1767225599); /* 2025-12-31T23:59:59Z */
    refused(ERR_CA_EXPIRED, "is not valid yet");
    f.in.not_before = INT64_C(2713910400); /* 2056-01-01 */
    refused(ERR_CA_EXPIRED, "has expired");
}

static void validity_beyond_the_profile_is_refused(void **state)
{
    (void)state;
    f.application.validity_days = 1096;
    refused(ERR_PROFILE, "1096");
    f.application.validity_days = -1;
    refused(ERR_PROFILE, "-1");
}

static void a_key_of_another_type_is_refused(void **state)
{
    (void)state;
    static const char *const OTHERS[] = {"org-p384.pub.pem", "org-rsa2048.pub.pem"};
    for (size_t i = 0; i < 2; i++) {
        buf_done(&f.spki);
        fixture_der(OTHERS[i], &f.spki);
        f.in.spki = f.spki.data;
        f.in.spki_len = f.spki.len;
        refused(ERR_PROFILE, "profile org-sign-p256 is for P-256");
    }
}

static void bytes_that_are_no_key_are_refused(void **state)
{
    (void)state;
    f.in.spki_len--;
    refused(ERR_FIELD, "public key");
    f.in.spki_len = 0;
    refused(ERR_FIELD, "public key");
}

static void drop_ski(X509 *ca)
{
    X509_EXTENSION_free(X509_delete_ext(ca, X509_get_ext_by_NID(ca, NID_subject_key_identifier, -1)));
}

static void a_ca_without_a_subject_key_identifier_is_refused(void **state)
{
    (void)state;
    fixture_change_ca(&f, drop_ski);
    refused(ERR_CERT_LINT, "subject key identifier");
}

static void drop_basic_constraints(X509 *ca)
{
    X509_EXTENSION_free(X509_delete_ext(ca, X509_get_ext_by_NID(ca, NID_basic_constraints, -1)));
}

static void a_ca_certificate_that_is_no_ca_is_refused(void **state)
{
    (void)state;
    fixture_change_ca(&f, drop_basic_constraints);
    refused(ERR_CERT_LINT, "verification");
}

static void a_weak_serial_number_is_refused(void **state)
{
    (void)state;
    static const uint8_t LONG[22] = {1};
    f.in.serial_len = 4;
    refused(ERR_CERT_LINT, "serial_strength");
    f.in.serial_len = 0;
    refused(ERR_CERT_LINT, "serial number of 0 octets");
    f.in.serial = LONG;
    f.in.serial_len = sizeof(LONG);
    refused(ERR_CERT_LINT, "serial number of 22 octets");
}

static void a_subject_that_cannot_be_filled_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 65; i++)
        memcpy(f.application.organisation.name + 3 * i, "长", 4);
    refused(ERR_FIELD, "subject: O: ");
}

int main(void)
{
#define WITH_FIXTURE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_byte_for_byte_what_was_looked_at),
        WITH_FIXTURE(building_twice_gives_the_same_bytes),
        WITH_FIXTURE(the_last_second_belongs_to_the_validity),
        WITH_FIXTURE(the_first_second_can_be_read_back),
        WITH_FIXTURE(years_from_2050_are_generalized_time),
        WITH_FIXTURE(the_profiles_default_validity_is_taken_when_none_is_asked_for),
        WITH_FIXTURE(a_serial_number_with_its_top_bit_set_stays_positive),
        WITH_FIXTURE(what_the_profile_leaves_out_is_not_there),
        WITH_FIXTURE(several_policies_and_urls_are_all_there),
        WITH_FIXTURE(a_certificate_may_end_with_its_ca_and_not_a_second_later),
        WITH_FIXTURE(nothing_is_built_under_an_expired_or_future_ca),
        WITH_FIXTURE(validity_beyond_the_profile_is_refused),
        WITH_FIXTURE(a_key_of_another_type_is_refused),
        WITH_FIXTURE(bytes_that_are_no_key_are_refused),
        WITH_FIXTURE(a_ca_without_a_subject_key_identifier_is_refused),
        WITH_FIXTURE(a_ca_certificate_that_is_no_ca_is_refused),
        WITH_FIXTURE(a_weak_serial_number_is_refused),
        WITH_FIXTURE(a_subject_that_cannot_be_filled_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
