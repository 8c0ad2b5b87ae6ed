#include "cert_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "cert/profile_rules.h"

static struct err err;
static char folder[64], file[96];

static const char GOOD[] = "title = { zh = \"模板\"; en = \"Profile\"; };\n"                   /* 1 */
                           "key_type = \"P-256\";\n"                                           /* 2 */
                           "validity_days = 365;\n"                                            /* 3 */
                           "validity_days_max = 1095;\n"                                       /* 4 */
                           "subject = ( { attribute = \"C\"; value = \"{country}\"; },\n"      /* 5 */
                           "  { attribute = \"CN\"; value = \"{name}\"; } );\n"                /* 6 */
                           "key_usage = [ \"digitalSignature\", \"nonRepudiation\" ];\n"       /* 7 */
                           "extended_key_usage = [ \"clientAuth\", \"1.3.6.1.5.5.7.3.4\" ];\n" /* 8 */
                           "uscc_oid = \"1.2.156.10260.4.1.4\";\n"                             /* 9 */
                           "policies = [ \"1.3.6.1.4.1.32473.1.1\" ];\n"                       /* 10 */
                           "crl_urls = [ \"http://ca.example.org/ca.crl\" ];\n"                /* 11 */
                           "aia_issuer_urls = [ \"https://ca.example.org/ca.cer\" ];\n"        /* 12 */
                           "aia_ocsp_urls = [ ];\n";                                           /* 13 */

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/test-profile-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof(file), "%s/one.conf", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* GOOD with `from` replaced by `to`. */
static void write_changed(const char *from, const char *to)
{
    char text[4096];
    const char *at = strstr(GOOD, from);
    assert_non_null(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - GOOD), GOOD, to, at + strlen(from));
    write_file(file, text);
}

static const struct {
    const char *from, *to;
    const char *line, *reason; /* "one.conf:2: " and what else must be said */
} BAD[] = {
    {"key_type", "key_typ", "one.conf:2:", "key_typ: unknown key"},
    {"zh = \"模板\"; ", "", "one.conf:", "title.zh: is missing"},
    {"\"P-256\"", "\"P-521\"", "one.conf:2:", "must be P-256"},
    {"\"P-256\"", "256", "one.conf:2:", "must be a string"},
    {"validity_days = 365", "validity_days = 0", "one.conf:3:", "not within 1"},
    {"validity_days = 365", "validity_days = 1096", "one.conf:3:", "over validity_days_max"},
    {"validity_days_max = 1095", "validity_days_max = 36500", "one.conf:4:", "not within"},
    {"validity_days = 365", "validity_days = 365.5", "one.conf:3:", "must be an integer"},
    {"validity_days = 365;\n", "\n", "one.conf", "validity_days: is missing"},
    {"\"C\"", "\"XX\"", "one.conf:5:", "XX is no attribute"},
    {"\"C\"", "\"CN\"", "one.conf:5:", "CN is there twice"},
    {"{country}", "{nation}", "one.conf:5:", "unknown field"},
    {"{country}", "{country", "one.conf:5:", "{ without a }"},
    {"{country}", "country}", "one.conf:5:", "} without a {"},
    {"{country}", "{}", "one.conf:5:", "unknown field"},
    {"{country}", "", "one.conf:5:", "is empty"},
    {"{country}", "cn", "one.conf:5:", "upper-case"},
    {"{country}", "{province}", "one.conf:5:", "upper-case"},
    {"{name}", "fixed", "one.conf:5:", "{name} stands nowhere"},
    {"value = \"{country}\"", "valu = \"{country}\"", "one.conf:5:", "unknown key"},
    {"attribute = \"C\"; ", "", "one.conf:5:", "is missing"},
    {"\"digitalSignature\"", "\"keyCertSign\"", "one.conf:7:", "keyCertSign is no usage"},
    {"\"digitalSignature\"", "\"digital\"", "one.conf:7:", "digital is no usage"},
    {"\"digitalSignature\"", "\"keyEncipherment\"", "one.conf:7:", "EC key cannot encipher"},
    {"\"digitalSignature\", \"nonRepudiation\"", "", "one.conf:7:", "some use"},
    {"\"clientAuth\"", "\"clientauth\"", "one.conf:8:", "no extended key usage"},
    {"\"clientAuth\"", "\"CN\"", "one.conf:8:", "no extended key usage"},
    {"\"clientAuth\"", "\"1.3.6.\"", "one.conf:8:", "no extended key usage"},
    {"\"clientAuth\"", "\"emailProtection\"", "one.conf:8:", "twice"}, /* the other is its number */
    {"1.2.156.10260.4.1.4", "uscc", "one.conf:9:", "no OID"},
    {"1.2.156.10260.4.1.4", "2.5.29.17", "one.conf:9:", "standard extension"},
    {"1.2.156.10260.4.1.4", "9.9.9", "one.conf:9:", "no OID"},
    {"\"1.3.6.1.4.1.32473.1.1\"", "\"1.3.6.1\", \"1.3.6.1\"", "one.conf:10:", "twice"},
    {"\"1.3.6.1.4.1.32473.1.1\"", "\"anyPolicy\"", "one.conf:10:", "no OID"},
    {"\"1.3.6.1.4.1.32473.1.1\"", "7", "one.conf:10:", "strings only"},
    {"http://ca.example.org/ca.crl", "ca.crl", "one.conf:11:", "URL"},
    {"http://ca.example.org/ca.crl", "http://", "one.conf:11:", "URL"},
    {"http://ca.example.org/ca.crl", "http://ca example.org/", "one.conf:11:", "no URL has"},
    {"http://ca.example.org/ca.crl", "http://示例.org/", "one.conf:11:", "no URL has"},
    {"https://ca.example.org/ca.cer", "ftp://ca.example.org/ca.cer", "one.conf:12:", "URL"},
    {"aia_ocsp_urls = [ ]",
     "aia_ocsp_urls = [ \"a\", \"a\", \"a\", \"a\", \"a\", \"a\", \"a\", \"a\", \"a\" ]",
     "one.conf:13:", "at most 8"},
    {"aia_ocsp_urls = [ ];", "aia_ocsp_urls = [ ", "one.conf:14:", "syntax error"},
};

static void each_fault_is_refused_with_file_line_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct profiles *p = NULL;
        write_changed(BAD[i].from, BAD[i].to);
        if (profiles_load(folder, &p, &err) == 0)
            fail_msg("%s instead of %s was taken", BAD[i].to, BAD[i].from);
        if (err.code != ERR_CONFIG || !strstr(err.text, BAD[i].line) || !strstr(err.text, BAD[i].reason))
            fail_msg("%s: %s: \"%s\" lacks \"%s\" or \"%s\"", BAD[i].to, err_name(err.code), err.text,
                     BAD[i].line, BAD[i].reason);
        assert_null(p);
    }
}

static void a_good_file_is_read_whole(void **state)
{
    (void)state;
    struct profiles *list = NULL;
    write_file(file, GOOD);
    if (profiles_load(folder, &list, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(profiles_count(list), 1);
    const struct profile *p = profiles_find(list, "one");
    assert_non_null(p);
    assert_ptr_equal(p, profiles_at(list, 0));
    assert_null(profiles_at(list, 1));
    assert_null(profiles_find(list, "two"));
    assert_string_equal(p->title_zh, "模板");
    assert_string_equal(p->title_en, "Profile");
    assert_int_equal(p->key_type, KEY_P256);
    assert_int_equal(p->validity_days, 365);
    assert_int_equal(p->validity_days_max, 1095);
    assert_int_equal(p->n_rdns, 2);
    assert_string_equal(p->rdns[1].attribute, "CN");
    assert_string_equal(p->rdns[1].value, "{name}");
    assert_int_equal(p->key_usage, X509v3_KU_DIGITAL_SIGNATURE | X509v3_KU_NON_REPUDIATION);
    assert_int_equal(p->n_extended_key_usage, 2);
    assert_string_equal(p->extended_key_usage[1], "1.3.6.1.5.5.7.3.4");
    assert_string_equal(p->uscc_oid, "1.2.156.10260.4.1.4");
    assert_string_equal(p->policies[0], "1.3.6.1.4.1.32473.1.1");
    assert_string_equal(p->crl_urls[0], "http://ca.example.org/ca.crl");
    assert_int_equal(p->n_aia_issuer_urls, 1);
    assert_int_equal(p->n_aia_ocsp_urls, 0);
    profiles_free(&list);
    assert_null(list);
    profiles_free(&list);
}

static void optional_keys_may_be_absent(void **state)
{
    (void)state;
    struct profiles *list = NULL;
    char text[2048];
    snprintf(text, sizeof(text), "%.*s", (int)(strstr(GOOD, "extended_key_usage") - GOOD), GOOD);
    write_file(file, text);
    assert_int_equal(profiles_load(folder, &list, &err), 0);
    const struct profile *p = profiles_at(list, 0);
    assert_int_equal(p->n_extended_key_usage + p->n_policies + p->n_crl_urls + p->n_aia_issuer_urls, 0);
    assert_string_equal(p->uscc_oid, "");
    profiles_free(&list);
}

static void rsa_keys_may_encipher_and_not_agree(void **state)
{
    (void)state;
    assert_null(key_usage_fault(KEY_RSA2048, X509v3_KU_KEY_ENCIPHERMENT));
    assert_non_null(key_usage_fault(KEY_RSA2048, X509v3_KU_KEY_AGREEMENT));
    assert_null(key_usage_fault(KEY_P256, X509v3_KU_KEY_AGREEMENT));
    assert_non_null(key_usage_fault(KEY_P384, X509v3_KU_DATA_ENCIPHERMENT));
}

static void profiles_are_sorted_and_other_files_left_alone(void **state)
{
    (void)state;
    char other[3][96];
    static const char *const NAMES[] = {"a-first.conf", "note.txt", ".hidden.conf"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(other[i], sizeof(other[i]), "%s/%s", folder, NAMES[i]);
        write_file(other[i], i == 0 ? GOOD : "not a profile");
    }
    write_file(file, GOOD);
    struct profiles *list = NULL;
    assert_int_equal(profiles_load(folder, &list, &err), 0);
    assert_int_equal(profiles_count(list), 2);
    assert_string_equal(profiles_at(list, 0)->name, "a-first");
    assert_string_equal(profiles_at(list, 1)->name, "one");
    profiles_free(&list);
    for (size_t i = 0; i < 3; i++)
        unlink(other[i]);
}

static void names_of_files_are_names_of_profiles(void **state)
{
    (void)state;
    struct profiles *list = NULL;
    char path[160];
    snprintf(path, sizeof(path), "%s/with space.conf", folder);
    write_file(path, GOOD);
    assert_int_equal(profiles_load(folder, &list, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    unlink(path);
    snprintf(path, sizeof(path), "%s/a-name-that-is-longer-than-32-byte.conf", folder);
    write_file(path, GOOD);
    assert_int_equal(profiles_load(folder, &list, &err), -1);
    assert_non_null(strstr(err.text, "1 to 32"));
    unlink(path);
}

static void an_empty_or_absent_folder_is_refused(void **state)
{
    (void)state;
    struct profiles *list = NULL;
    assert_int_equal(profiles_load(folder, &list, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(profiles_load("/nonexistent", &list, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_null(list);
}

static void the_profiles_that_come_with_castation_are_good(void **state)
{
    (void)state;
    struct profiles *list = NULL;
    if (profiles_load("profiles", &list, &err) != 0)
        fail_msg("%s", err.text);
    static const struct {
        const char *name;
        enum key_type type;
    } EXPECTED[] = {{"org-sign-p256", KEY_P256},
                    {"org-sign-p384", KEY_P384},
                    {"org-sign-rsa2048", KEY_RSA2048},
                    {"org-sign-rsa3072", KEY_RSA3072}};
    assert_int_equal(profiles_count(list), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct profile *p = profiles_at(list, i);
        assert_string_equal(p->name, EXPECTED[i].name);
        assert_int_equal(p->key_type, EXPECTED[i].type);
        assert_int_equal(p->validity_days, 365);
        assert_int_equal(p->validity_days_max, 1095);
        assert_int_equal(p->n_rdns, 5);
    }
    profiles_free(&list);
}

/* ---- subjects ---------------------------------------------------------------------------------- */

static char *subject_text(struct fixture *f)
{
    struct buf der;
    buf_init(&der);
    if (cert_subject(&f->profile, &f->application, &der, &f->err) != 0)
        fail_msg("%s", f->err.text);
    const unsigned char *p = der.data;
    X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.len);
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(bio, name, 0,
                       (XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB) |
                           ASN1_STRFLGS_UTF8_CONVERT);
    char *text, *copy;
    long n = BIO_get_mem_data(bio, &text);
    copy = strndup(text, (size_t)n);
    BIO_free(bio);
    X509_NAME_free(name);
    buf_done(&der);
    return copy;
}

static void assert_subject(struct fixture *f, const char *expected)
{
    char *text = subject_text(f);
    assert_string_equal(text, expected);
    free(text);
}

static void set_rdn(struct fixture *f, size_t i, const char *attribute, const char *value)
{
    snprintf(f->profile.rdns[i].attribute, sizeof(f->profile.rdns[i].attribute), "%s", attribute);
    snprintf(f->profile.rdns[i].value, sizeof(f->profile.rdns[i].value), "%s", value);
}

static void subjects_are_filled_from_the_application(void **state)
{
    (void)state;
    struct fixture f;
    fixture_set_up(&f, "p256", "p256");
    assert_subject(&f, "C=CN, ST=浙江省, L=杭州市, O=杭州示例科技有限公司, CN=杭州示例科技有限公司");
    f.application.organisation.province[0] = '\0'; /* an empty element is left out */
    assert_subject(&f, "C=CN, L=杭州市, O=杭州示例科技有限公司, CN=杭州示例科技有限公司");
    set_rdn(&f, 4, "CN", "CFCA@{name}@N{identifier}@1");
    assert_subject(
        &f, "C=CN, L=杭州市, O=杭州示例科技有限公司, CN=CFCA@杭州示例科技有限公司@N91330100799655058B@1");
    set_rdn(&f, 1, "serialNumber", "{id}");
    f.profile.n_rdns = 2;
    assert_subject(&f, "C=CN, serialNumber=CA20261122-0001");
    fixture_tear_down(&f);
}

static void literal_and_field_together_keep_to_64_characters(void **state)
{
    (void)state;
    struct fixture f;
    struct buf der;
    buf_init(&der);
    fixture_set_up(&f, "p256", "p256");
    for (size_t i = 0; i < 60; i++)
        memcpy(f.application.organisation.name + 3 * i, "长", 4);
    set_rdn(&f, 4, "CN", "abcd{name}");
    assert_int_equal(cert_subject(&f.profile, &f.application, &der, &f.err), 0);
    buf_reset(&der);
    set_rdn(&f, 4, "CN", "abcde{name}");
    fixture_refused(&f, cert_subject(&f.profile, &f.application, &der, &f.err), ERR_FIELD,
                    "subject: CN: 65 characters");
    buf_done(&der);
    fixture_tear_down(&f);
}

static void a_printable_string_takes_only_its_characters(void **state)
{
    (void)state;
    struct fixture f;
    struct buf der;
    buf_init(&der);
    fixture_set_up(&f, "p256", "p256");
    set_rdn(&f, 3, "serialNumber", "{name}");
    fixture_refused(&f, cert_subject(&f.profile, &f.application, &der, &f.err), ERR_FIELD,
                    "subject: serialNumber: it has a character");
    buf_done(&der);
    fixture_tear_down(&f);
}

static void a_name_that_would_be_empty_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct buf der;
    buf_init(&der);
    fixture_set_up(&f, "p256", "p256");
    f.profile.n_rdns = 0;
    fixture_refused(&f, cert_subject(&f.profile, &f.application, &der, &f.err), ERR_PROFILE, "empty");
    set_rdn(&f, 0, "CN", "{nonsense}");
    f.profile.n_rdns = 1;
    fixture_refused(&f, cert_subject(&f.profile, &f.application, &der, &f.err), ERR_PROFILE, "unknown field");
    buf_done(&der);
    fixture_tear_down(&f);
}

int main(void)
{
#define WITH_FOLDER(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(each_fault_is_refused_with_file_line_and_reason),
        WITH_FOLDER(a_good_file_is_read_whole),
        WITH_FOLDER(optional_keys_may_be_absent),
        cmocka_unit_test(rsa_keys_may_encipher_and_not_agree),
        WITH_FOLDER(profiles_are_sorted_and_other_files_left_alone),
        WITH_FOLDER(names_of_files_are_names_of_profiles),
        WITH_FOLDER(an_empty_or_absent_folder_is_refused),
        cmocka_unit_test(the_profiles_that_come_with_castation_are_good),
        cmocka_unit_test(subjects_are_filled_from_the_application),
        cmocka_unit_test(literal_and_field_together_keep_to_64_characters),
        cmocka_unit_test(a_printable_string_takes_only_its_characters),
        cmocka_unit_test(a_name_that_would_be_empty_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
