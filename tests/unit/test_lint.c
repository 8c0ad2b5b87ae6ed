#include "cert_fixture.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "cert/lint.h"

static struct fixture f;

/* ---- small tools of the mutations -------------------------------------------------------------- */

static void set_attribute(X509 *x, int nid, int type, const void *value, int len)
{
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    assert_true(at >= 0);
    X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, at));
    assert_int_equal(X509_NAME_add_entry_by_NID(name, nid, type, value, len, at, 0), 1);
    assert_int_equal(X509_set_subject_name(x, name), 1);
    X509_NAME_free(name);
}

static void drop(X509 *x, int nid)
{
    int at = X509_get_ext_by_NID(x, nid, -1);
    assert_true(at >= 0);
    X509_EXTENSION_free(X509_delete_ext(x, at));
}

static void put(X509 *x, int nid, bool critical, void *value)
{
    assert_int_equal(X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_APPEND), 1);
}

static void put_raw(X509 *x, const char *oid, bool critical, const void *data, int len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, data, len);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
}

static void set_critical(X509 *x, int nid, bool critical)
{
    X509_EXTENSION_set_critical(X509_get_ext(x, X509_get_ext_by_NID(x, nid, -1)), critical);
}

static void set_serial(X509 *x, const char *hex)
{
    BIGNUM *n = NULL;
    BN_hex2bn(&n, hex);
    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
    BN_free(n);
}

static void set_time(X509 *x, bool after, int type, const char *text)
{
    ASN1_TIME *time = ASN1_STRING_type_new(type);
    ASN1_STRING_set(time, text, -1);
    assert_int_equal(after ? X509_set1_notAfter(x, time) : X509_set1_notBefore(x, time), 1);
    ASN1_TIME_free(time);
}

static void set_algorithm(X509 *x, int nid, int parameters)
{
    X509_ALGOR_set0((X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(x), OBJ_nid2obj(nid), parameters, NULL);
}

/* Give certificate and input the same key: what the token sent is what stands there, and yet is wrong. */
static void set_key(X509 *x, EVP_PKEY *key)
{
    unsigned char *der = NULL;
    assert_int_equal(X509_set_pubkey(x, key), 1);
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    assert_true(n > 0);
    buf_reset(&f.spki);
    assert_int_equal(buf_put(&f.spki, der, (size_t)n, &f.err), 0);
    f.in.spki = f.spki.data;
    f.in.spki_len = f.spki.len;
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

static void set_key_usage(X509 *x, int bits)
{
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    for (int bit = 0; bit < 8; bit++)
        if (bits & (0x80 >> bit))
            ASN1_BIT_STRING_set_bit(usage, bit, 1);
    drop(x, NID_key_usage);
    put(x, NID_key_usage, true, usage);
    ASN1_BIT_STRING_free(usage);
}

/* ---- mutations, each against one rule ---------------------------------------------------------- */

static void version_2(X509 *x)
{
    X509_set_version(x, X509_VERSION_2);
}
static void serial_zero(X509 *x)
{
    ASN1_INTEGER_set(X509_get_serialNumber(x), 0);
}
static void serial_negative(X509 *x)
{
    set_serial(x, "-4F1C9A37D2806BE55A0E7BC14433F612");
}
static void serial_21_octets(X509 *x)
{
    set_serial(x, "8F1C9A37D2806BE55A0E7BC14433F61299887766");
}
static void serial_short(X509 *x)
{
    set_serial(x, "7F1C9A37D2806BE5");
}
static void serial_tiny(X509 *x)
{
    set_serial(x, "01");
}
static void serial_one_octet_repeated(X509 *x)
{
    set_serial(x, "77777777777777777777777777777777");
}
static void serial_counting(X509 *x)
{
    set_serial(x, "818283848586878889");
}
static void serial_nearly_empty(X509 *x)
{
    set_serial(x, "4F000000000000000000000000000001");
}
static void serial_of_another(X509 *x)
{
    set_serial(x, "4F1C9A37D2806BE55A0E7BC14433F613");
}
static void algorithm_sha384(X509 *x)
{
    set_algorithm(x, NID_ecdsa_with_SHA384, V_ASN1_UNDEF);
}
static void algorithm_rsa(X509 *x)
{
    set_algorithm(x, NID_sha256WithRSAEncryption, V_ASN1_NULL);
}
static void algorithm_with_null(X509 *x)
{
    set_algorithm(x, NID_ecdsa_with_SHA256, V_ASN1_NULL);
}
static void set_issuer_o(X509 *x, int type, const char *text, int len)
{
    X509_NAME *name = X509_NAME_dup(X509_get_issuer_name(x));
    int at = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
    X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, at));
    X509_NAME_add_entry_by_NID(name, NID_organizationName, type, (const unsigned char *)text, len, at, 0);
    X509_set_issuer_name(x, name);
    X509_NAME_free(name);
}
static void issuer_of_another(X509 *x)
{
    set_issuer_o(x, V_ASN1_UTF8STRING, "另一签发中心", -1);
}
static void issuer_encoded_otherwise(X509 *x)
{
    static const char BMP[] = "\x79\x3a\x4f\x8b\x7b\x7e\x53\xd1\x4e\x2d\x5f\xc3"; /* 示例签发中心 */
    set_issuer_o(x, V_ASN1_BMPSTRING, BMP, sizeof(BMP) - 1);
}
static void generalized_before_2050(X509 *x)
{
    set_time(x, false, V_ASN1_GENERALIZEDTIME, "20261122080000Z");
}
static void time_with_offset(X509 *x)
{
    set_time(x, true, V_ASN1_UTCTIME, "271122155959+0800");
}
static void time_without_seconds(X509 *x)
{
    set_time(x, true, V_ASN1_UTCTIME, "2711220759Z");
}
static void ends_before_it_begins(X509 *x)
{
    set_time(x, true, V_ASN1_UTCTIME, "261122075959Z");
}
static void ends_after_the_ca(X509 *x)
{
    set_time(x, true, V_ASN1_GENERALIZEDTIME, "20560101000000Z");
}
static void begins_before_the_ca(X509 *x)
{
    set_time(x, false, V_ASN1_UTCTIME, "251231235959Z");
}
static void begins_otherwise(X509 *x)
{
    set_time(x, false, V_ASN1_UTCTIME, "261122080001Z");
}
static void a_second_longer(X509 *x)
{
    set_time(x, true, V_ASN1_UTCTIME, "271122080000Z");
}
static void longer_than_the_profile(X509 *x)
{
    set_time(x, true, V_ASN1_UTCTIME, "361122075959Z");
}
static void country_lower_case(X509 *x)
{
    set_attribute(x, NID_countryName, V_ASN1_PRINTABLESTRING, "cn", -1);
}
#define TEN "一二三四五六七八九十"
static void cn_of_65(X509 *x)
{
    set_attribute(x, NID_commonName, V_ASN1_UTF8STRING, TEN TEN TEN TEN TEN TEN "长五个字呀", -1);
}
static void o_of_65(X509 *x)
{
    set_attribute(x, NID_organizationName, V_ASN1_UTF8STRING, TEN TEN TEN TEN TEN TEN "长五个字呀", -1);
}
static void cn_empty(X509 *x)
{
    set_attribute(x, NID_commonName, V_ASN1_UTF8STRING, "", 0);
}
static void cn_with_control(X509 *x)
{
    set_attribute(x, NID_commonName, V_ASN1_UTF8STRING, "示例\x01公司", -1);
}
static void cn_with_override(X509 *x)
{
    set_attribute(x, NID_commonName, V_ASN1_UTF8STRING, "示例\xe2\x80\xae公司", -1);
}
static void cn_with_nul(X509 *x)
{
    set_attribute(x, NID_commonName, V_ASN1_UTF8STRING, "a.example\0.org", 14);
}
static void cn_bmp(X509 *x)
{
    set_attribute(x, NID_commonName, V_ASN1_BMPSTRING, "\x79\x3a\x4f\x8b", 4);
}
static void cn_printable(X509 *x)
{
    set_attribute(x, NID_commonName, V_ASN1_PRINTABLESTRING, "Example", -1);
}
static void c_utf8(X509 *x)
{
    set_attribute(x, NID_countryName, V_ASN1_UTF8STRING, "CN", -1);
}
static void organisation_of_another(X509 *x)
{
    set_attribute(x, NID_organizationName, V_ASN1_UTF8STRING, "杭州冒名科技有限公司", -1);
}
static void subject_with_more(X509 *x)
{
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));
    X509_NAME_add_entry_by_NID(name, NID_organizationalUnitName, V_ASN1_UTF8STRING,
                               (const unsigned char *)"x", -1, -1, 0);
    X509_set_subject_name(x, name);
    X509_NAME_free(name);
}
static void key_of_another(X509 *x)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_set_pubkey(x, key);
    EVP_PKEY_free(key);
}
static void key_p384(X509 *x)
{
    set_key(x, EVP_EC_gen("P-384"));
}
static void key_rsa_1024(X509 *x)
{
    set_key(x, EVP_RSA_gen(1024));
}
static void key_exponent_3(X509 *x)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *e = BN_new();
    BN_set_word(e, 3);
    EVP_PKEY_keygen_init(ctx);
    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    BN_free(e);
    set_key(x, key);
    f.profile.key_type = KEY_RSA2048;
}
static void key_explicit_curve(X509 *x)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
    set_key(x, key);
}
static void key_id_twice(X509 *x)
{
    X509_add_ext(x, X509_get_ext(x, X509_get_ext_by_NID(x, NID_subject_key_identifier, -1)), -1);
}
static void key_id_critical(X509 *x)
{
    set_critical(x, NID_subject_key_identifier, true);
}
static void key_usage_not_critical(X509 *x)
{
    set_critical(x, NID_key_usage, false);
}
static void constraints_not_critical(X509 *x)
{
    set_critical(x, NID_basic_constraints, false);
}
static void uscc_critical(X509 *x)
{
    X509_EXTENSION_set_critical(X509_get_ext(x, X509_get_ext_count(x) - 1), 1);
}
static void unknown_critical(X509 *x)
{
    put_raw(x, "1.3.6.1.4.1.32473.9.9", true, "\x05\x00", 2);
}
static void unknown_extension(X509 *x)
{
    put_raw(x, "1.3.6.1.4.1.32473.9.9", false, "\x05\x00", 2);
}
static void alternative_name(X509 *x)
{
    put_raw(x, "2.5.29.17", false,
            "\x30\x0a\x82\x08"
            "evil.org",
            12);
}
static void constraints_ca(X509 *x)
{
    BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
    bc->ca = 0xff;
    drop(x, NID_basic_constraints);
    put(x, NID_basic_constraints, true, bc);
    BASIC_CONSTRAINTS_free(bc);
}
static void constraints_absent(X509 *x)
{
    drop(x, NID_basic_constraints);
}
static void constraints_false_spelled_out(X509 *x)
{
    drop(x, NID_basic_constraints);
    put_raw(x, "2.5.29.19", true, "\x30\x03\x01\x01\x00", 5);
}
static void usage_of_a_ca(X509 *x)
{
    set_key_usage(x, X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_NON_REPUDIATION | X509v3_KU_KEY_CERT_SIGN);
}
static void usage_absent(X509 *x)
{
    drop(x, NID_key_usage);
}
static void usage_empty(X509 *x)
{
    set_key_usage(x, 0);
    f.profile.key_usage = 0;
}
static void usage_trailing_bits(X509 *x)
{
    drop(x, NID_key_usage);
    put_raw(x, "2.5.29.15", true, "\x03\x02\x00\xc0", 4);
}
static void ec_key_enciphers(X509 *x)
{
    f.profile.key_usage |= X509v3_KU_KEY_ENCIPHERMENT;
    set_key_usage(x, (int)f.profile.key_usage);
}
static void extended_usage_absent(X509 *x)
{
    drop(x, NID_ext_key_usage);
}
static void extended_usage_more(X509 *x)
{
    EXTENDED_KEY_USAGE *list = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    sk_ASN1_OBJECT_push(list, OBJ_nid2obj(NID_server_auth));
    drop(x, NID_ext_key_usage);
    put(x, NID_ext_key_usage, false, list);
    sk_ASN1_OBJECT_pop_free(list, ASN1_OBJECT_free);
}
static void key_id_absent(X509 *x)
{
    drop(x, NID_subject_key_identifier);
}
static void key_id_wrong(X509 *x)
{
    drop(x, NID_subject_key_identifier);
    put_raw(x, "2.5.29.14", false,
            "\x04\x14"
            "01234567890123456789",
            22);
}
static void authority_absent(X509 *x)
{
    drop(x, NID_authority_key_identifier);
}
static void authority_wrong(X509 *x)
{
    drop(x, NID_authority_key_identifier);
    put_raw(x, "2.5.29.35", false,
            "\x30\x16\x80\x14"
            "01234567890123456789",
            24);
}
static void policies_absent(X509 *x)
{
    drop(x, NID_certificate_policies);
}
static void policies_of_another_profile(X509 *x)
{
    (void)x;
    snprintf(f.profile.policies[0], sizeof(f.profile.policies[0]), "1.3.6.1.4.1.32473.1.9");
}
static void crl_absent(X509 *x)
{
    drop(x, NID_crl_distribution_points);
}
static void crl_of_another_profile(X509 *x)
{
    (void)x;
    f.profile.crl_urls[0][8] ^= 1;
}
static void info_absent(X509 *x)
{
    drop(x, NID_info_access);
}
static void info_method_wrong(X509 *x)
{
    (void)x; /* the profile's issuer URL stands there; make the profile expect it as OCSP */
    memcpy(f.profile.aia_ocsp_urls[0], f.profile.aia_issuer_urls[0], sizeof(f.profile.aia_ocsp_urls[0]));
    f.profile.n_aia_ocsp_urls = 1;
    f.profile.n_aia_issuer_urls = 0;
}
static void drop_last(X509 *x)
{
    X509_EXTENSION_free(X509_delete_ext(x, X509_get_ext_count(x) - 1));
}
static void uscc_utf8(X509 *x)
{
    drop_last(x);
    put_raw(x, f.profile.uscc_oid, false,
            "\x0c\x12"
            "91330100799655058B",
            20);
}
static void uscc_of_another(X509 *x)
{
    drop_last(x);
    put_raw(x, f.profile.uscc_oid, false,
            "\x13\x12"
            "91350100M000100Y43",
            20);
}
static void uscc_with_bytes_behind(X509 *x)
{
    drop_last(x);
    put_raw(x, f.profile.uscc_oid, false,
            "\x13\x12"
            "91330100799655058Bx",
            21);
}
static void uscc_for_an_internal_identifier(X509 *x)
{
    (void)x;
    f.application.organisation.identifier_kind = IDENTIFIER_INTERNAL;
}

static const struct mutation {
    const char *rule, *name;
    void (*change)(X509 *x);
} MUTATIONS[] = {
#define M(rule, change)                                                                                      \
    {                                                                                                        \
#rule, #change, change                                                                               \
    }
    M(version, version_2),
    M(serial_positive, serial_zero),
    M(serial_positive, serial_negative),
    M(serial_length, serial_21_octets),
    M(serial_strength, serial_short),
    M(serial_strength, serial_tiny),
    M(serial_strength, serial_one_octet_repeated),
    M(serial_strength, serial_counting),
    M(serial_strength, serial_nearly_empty),
    M(serial_given, serial_of_another),
    M(algorithm, algorithm_sha384),
    M(algorithm, algorithm_rsa),
    M(algorithm, algorithm_with_null),
    M(issuer, issuer_of_another),
    M(issuer, issuer_encoded_otherwise),
    M(validity_encoding, generalized_before_2050),
    M(validity_encoding, time_with_offset),
    M(validity_encoding, time_without_seconds),
    M(validity_order, ends_before_it_begins),
    M(validity_ca, ends_after_the_ca),
    M(validity_ca, begins_before_the_ca),
    M(validity_profile, begins_otherwise),
    M(validity_profile, a_second_longer),
    M(validity_profile, longer_than_the_profile),
    M(name_country, country_lower_case),
    M(name_length, cn_of_65),
    M(name_length, o_of_65),
    M(name_length, cn_empty),
    M(name_characters, cn_with_control),
    M(name_characters, cn_with_override),
    M(name_country, cn_with_nul), /* the first rule that reads the text */
    M(name_encoding, cn_bmp),
    M(name_encoding, cn_printable),
    M(name_encoding, c_utf8),
    M(subject, organisation_of_another),
    M(subject, subject_with_more),
    M(public_key, key_of_another),
    M(key_type, key_p384),
    M(key_type, key_rsa_1024),
    M(key_parameters, key_exponent_3),
    M(key_parameters, key_explicit_curve),
    M(extension_duplicate, key_id_twice),
    M(extension_critical, key_id_critical),
    M(extension_critical, key_usage_not_critical),
    M(extension_critical, constraints_not_critical),
    M(extension_critical, uscc_critical),
    M(extension_critical, unknown_critical),
    M(extension_foreign, unknown_extension),
    M(extension_foreign, alternative_name),
    M(basic_constraints, constraints_ca),
    M(basic_constraints, constraints_absent),
    M(basic_constraints, constraints_false_spelled_out),
    M(key_usage, usage_of_a_ca),
    M(key_usage, usage_absent),
    M(key_usage, usage_trailing_bits),
    M(key_usage, usage_empty),
    M(key_usage_fit, ec_key_enciphers),
    M(extended_key_usage, extended_usage_absent),
    M(extended_key_usage, extended_usage_more),
    M(subject_key_id, key_id_absent),
    M(subject_key_id, key_id_wrong),
    M(authority_key_id, authority_absent),
    M(authority_key_id, authority_wrong),
    M(policies, policies_absent),
    M(policies, policies_of_another_profile),
    M(crl_urls, crl_absent),
    M(crl_urls, crl_of_another_profile),
    M(authority_info, info_absent),
    M(authority_info, info_method_wrong),
    M(uscc, drop_last),
    M(uscc, uscc_utf8),
    M(uscc, uscc_of_another),
    M(uscc, uscc_with_bytes_behind),
    M(uscc, uscc_for_an_internal_identifier),
};

/* ---- tests ------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    fixture_set_up(&f, "p256", "p256");
    if (tbs_build(&f.in, &f.tbs, &f.err) != 0)
        fail_msg("%s", f.err.text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_tear_down(&f);
    return 0;
}

static X509 *parse_tbs(void)
{
    struct buf der;
    buf_init(&der);
    assert_int_equal(lint_sign(f.tbs.data, f.tbs.len, KEY_P256, &der, &f.err), 0);
    const unsigned char *p = der.data;
    X509 *x = d2i_X509(NULL, &p, (long)der.len);
    assert_non_null(x);
    buf_done(&der);
    return x;
}

/* The error of the rule, by its name in front. */
static void broken(const char *rule, const char *what)
{
    char begin[64];
    snprintf(begin, sizeof(begin), "%s: ", rule);
    err_clear(&f.err);
    if (tbs_lint(&f.in, f.tbs.data, f.tbs.len, &f.err) == 0)
        fail_msg("%s was let through", what);
    if (f.err.code != ERR_CERT_LINT || strncmp(f.err.text, begin, strlen(begin)) != 0)
        fail_msg("%s: %s: \"%s\", not the rule %s", what, err_name(f.err.code), f.err.text, rule);
}

static void a_good_certificate_breaks_no_rule(void **state)
{
    (void)state;
    assert_int_equal(tbs_lint(&f.in, f.tbs.data, f.tbs.len, &f.err), 0);
}

static void each_mutation_breaks_its_rule(void **state)
{
    for (size_t i = 0; i < sizeof(MUTATIONS) / sizeof(MUTATIONS[0]); i++) {
        set_up(state);
        X509 *x = parse_tbs();
        MUTATIONS[i].change(x);
        unsigned char *der = NULL;
        int n = i2d_re_X509_tbs(x, &der);
        assert_true(n > 0);
        buf_reset(&f.tbs);
        assert_int_equal(buf_put(&f.tbs, der, (size_t)n, &f.err), 0);
        OPENSSL_free(der);
        X509_free(x);
        broken(MUTATIONS[i].rule, MUTATIONS[i].name);
        tear_down(state);
    }
}

/* These three have tests of their own below. */
static void every_rule_has_a_mutation(void **state)
{
    (void)state;
    static const char *const RULES[] = {
#define R(name) #name,
        LINT_RULES(R)
#undef R
    };
    for (size_t r = 0; r < sizeof(RULES) / sizeof(RULES[0]); r++) {
        bool found = strcmp(RULES[r], "encoding") == 0 || strcmp(RULES[r], "unique_ids") == 0 ||
                     strcmp(RULES[r], "verification") == 0;
        for (size_t i = 0; i < sizeof(MUTATIONS) / sizeof(MUTATIONS[0]); i++)
            found |= strcmp(RULES[r], MUTATIONS[i].rule) == 0;
        if (!found)
            fail_msg("no mutation breaks %s", RULES[r]);
    }
}

static uint8_t *find(const void *bytes, size_t len)
{
    uint8_t *at = memmem(f.tbs.data, f.tbs.len, bytes, len);
    assert_non_null(at);
    return at;
}

static void a_boolean_that_is_not_der_breaks_encoding(void **state)
{
    (void)state;
    static const uint8_t CRITICAL[] = {0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff};
    find(CRITICAL, sizeof(CRITICAL))[7] = 0x01;
    broken("encoding", "BOOLEAN 01");
}

static void a_name_that_is_not_utf8_is_no_certificate(void **state)
{
    (void)state;
    find("杭州示例", strlen("杭州示例"))[1] = 0xff;
    broken("parsing", "UTF8String with FF");
}

static void a_unique_identifier_breaks_its_rule(void **state)
{
    (void)state;
    static const uint8_t EXTENSIONS[] = {0xa3, 0x82}, UNIQUE[] = {0x82, 0x02, 0x00, 0xaa};
    size_t at = (size_t)(find(EXTENSIONS, sizeof(EXTENSIONS)) - f.tbs.data);
    assert_int_equal(buf_put(&f.tbs, UNIQUE, sizeof(UNIQUE), &f.err), 0);
    memmove(f.tbs.data + at + sizeof(UNIQUE), f.tbs.data + at, f.tbs.len - at - sizeof(UNIQUE));
    memcpy(f.tbs.data + at, UNIQUE, sizeof(UNIQUE));
    size_t content = f.tbs.len - 4; /* 30 82 hi lo */
    f.tbs.data[2] = (uint8_t)(content >> 8);
    f.tbs.data[3] = (uint8_t)content;
    broken("unique_ids", "subjectUniqueID");
}

static void usage_without_signing(X509 *ca)
{
    X509_EXTENSION_free(X509_delete_ext(ca, X509_get_ext_by_NID(ca, NID_key_usage, -1)));
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    ASN1_BIT_STRING_set_bit(usage, 6, 1); /* cRLSign alone */
    X509_add1_ext_i2d(ca, NID_key_usage, usage, 1, X509V3_ADD_APPEND);
    ASN1_BIT_STRING_free(usage);
}

static void a_ca_that_may_not_sign_certificates_breaks_verification(void **state)
{
    (void)state;
    fixture_change_ca(&f, usage_without_signing);
    broken("verification", "CA without keyCertSign");
}

static void bytes_cut_off_or_added_are_no_certificate(void **state)
{
    (void)state;
    for (size_t len = 0; len < f.tbs.len; len += 7) {
        assert_int_equal(tbs_lint(&f.in, f.tbs.data, len, &f.err), -1);
        assert_int_equal(f.err.code, ERR_CERT_LINT);
    }
    assert_int_equal(buf_put(&f.tbs, "\x05\x00", 2, &f.err), 0);
    broken("parsing", "two bytes behind");
}

/* Whatever single byte is changed, some rule notices: nothing in a certificate is unlooked at. */
static void every_changed_byte_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < f.tbs.len; i++) {
        f.tbs.data[i] ^= 0x01;
        if (tbs_lint(&f.in, f.tbs.data, f.tbs.len, &f.err) == 0)
            fail_msg("byte %zu changed and no rule noticed", i);
        f.tbs.data[i] ^= 0x01;
    }
    assert_int_equal(tbs_lint(&f.in, f.tbs.data, f.tbs.len, &f.err), 0);
}

static void rsa_cas_and_keys_are_linted_too(void **state)
{
    (void)state;
    static const char *const PAIRS[][2] = {{"rsa3072", "rsa2048"}, {"rsa3072", "p384"}, {"p384", "rsa3072"}};
    for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++) {
        fixture_tear_down(&f);
        fixture_set_up(&f, PAIRS[i][0], PAIRS[i][1]);
        assert_int_equal(tbs_lint_prepare(f.ca.data, f.ca.len, &f.err), 0);
        if (tbs_build(&f.in, &f.tbs, &f.err) != 0)
            fail_msg("%s under %s: %s", PAIRS[i][1], PAIRS[i][0], f.err.text);
    }
}

static void an_rsa_key_that_agrees_breaks_key_usage_fit(void **state)
{
    (void)state;
    fixture_tear_down(&f);
    fixture_set_up(&f, "p256", "rsa2048");
    f.profile.key_usage |= X509v3_KU_KEY_AGREEMENT;
    assert_int_equal(tbs_build(&f.in, &f.tbs, &f.err), -1);
    assert_int_equal(f.err.code, ERR_CERT_LINT);
    assert_non_null(strstr(f.err.text, "key_usage_fit: "));
}

static void another_ca_of_the_same_name_is_noticed(void **state)
{
    (void)state;
    struct fixture other;
    fixture_set_up(&other, "p384", "p256");
    f.in.ca = other.ca.data;
    f.in.ca_len = other.ca.len;
    broken("algorithm", "P-384 CA");
    fixture_tear_down(&other);
}

int main(void)
{
#define WITH_FIXTURE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_good_certificate_breaks_no_rule),
        cmocka_unit_test(each_mutation_breaks_its_rule),
        cmocka_unit_test(every_rule_has_a_mutation),
        WITH_FIXTURE(a_boolean_that_is_not_der_breaks_encoding),
        WITH_FIXTURE(a_name_that_is_not_utf8_is_no_certificate),
        WITH_FIXTURE(a_unique_identifier_breaks_its_rule),
        WITH_FIXTURE(a_ca_that_may_not_sign_certificates_breaks_verification),
        WITH_FIXTURE(bytes_cut_off_or_added_are_no_certificate),
        WITH_FIXTURE(every_changed_byte_is_noticed),
        WITH_FIXTURE(rsa_cas_and_keys_are_linted_too),
        WITH_FIXTURE(an_rsa_key_that_agrees_breaks_key_usage_fit),
        WITH_FIXTURE(another_ca_of_the_same_name_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
