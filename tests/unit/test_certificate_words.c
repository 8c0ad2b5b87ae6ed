/* Certificates in words, and the way up to their CA. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "cmocka_all.h"
#include "portal/certificate_words.h"
#include "portal/pki.h"

static EVP_PKEY *key, *ca_key;
static X509 *ca;

static int set_up(void **state)
{
    struct err err;
    (void)state;
    return pki_key_new(&key, &err) || pki_key_new(&ca_key, &err) || pki_ca_new(ca_key, &ca, &err);
}

static int tear_down(void **state)
{
    (void)state;
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return 0;
}

static void extend(X509 *x509, const char *name, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, ca, x509, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    X509_EXTENSION *ext = X509V3_EXT_conf(NULL, &ctx, name, value);
    if (!ext)
        fail_msg("%s: %s", name, ERR_error_string(ERR_get_error(), NULL));
    assert_int_equal(X509_add_ext(x509, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

static void extend_raw(X509 *x509, const char *oid, const void *der, int len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    X509_EXTENSION *ext;
    ASN1_OCTET_STRING_set(data, der, len);
    ext = X509_EXTENSION_create_by_OBJ(NULL, object, 0, data);
    assert_int_equal(X509_add_ext(x509, ext, -1), 1);
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(object);
}

static void name_it(X509 *x509, const char *attribute, const char *value)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), attribute, MBSTRING_UTF8,
                                                (const unsigned char *)value, -1, -1, 0),
                     1);
}

/* Without extensions; 2026-11-22 16:00:00 UTC to a year later. */
static X509 *bare(const char *organisation)
{
    X509 *x509 = X509_new();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 0x4f1c9a37d2806be5);
    assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), "261122160000Z"), 1);
    assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), "271122160000Z"), 1);
    X509_set_issuer_name(x509, X509_get_subject_name(ca));
    name_it(x509, "C", "CN");
    name_it(x509, "O", organisation);
    name_it(x509, "CN", organisation);
    X509_set_pubkey(x509, key);
    return x509;
}

static void sign(X509 *x509)
{
    assert_true(X509_sign(x509, ca_key, EVP_sha256()) > 0);
}

static const char *said; /* every section, label and value, a line each */

static const char *words(X509 *x509, enum lang lang)
{
    static struct buf all;
    struct err err;
    json_t *said_of, *section, *row, *line;
    size_t s, r, l;
    buf_done(&all);
    buf_init(&all);
    assert_int_equal(certificate_words_x509(x509, lang, &said_of, &err), 0);
    json_array_foreach(json_object_get(said_of, "sections"), s, section)
    {
        buf_printf(&all, &err, "[%s]\n", json_string_value(json_object_get(section, "title")));
        json_array_foreach(json_object_get(section, "rows"), r, row)
        {
            bool critical = json_is_true(json_object_get(row, "critical"));
            json_array_foreach(json_object_get(row, "values"), l, line)
                buf_printf(&all, &err, "%s%s=%s\n", json_string_value(json_object_get(row, "label")),
                           critical ? "!" : "", json_string_value(line));
        }
    }
    buf_printf(&all, &err, "subject=%s serial=%s\n", json_string_value(json_object_get(said_of, "subject")),
               json_string_value(json_object_get(said_of, "serial")));
    json_decref(said_of);
    return said = buf_cstr(&all);
}

static void says(const char *line)
{
    if (!strstr(said, line))
        fail_msg("'%s' is not in:\n%s", line, said);
}

static X509 *whole(void)
{
    static const unsigned char USCC[] = "\x13\x12"
                                        "91330100799655058B";
    X509 *x509 = bare("杭州云采软件有限公司");
    extend(x509, "basicConstraints", "critical,CA:FALSE");
    extend(x509, "keyUsage", "critical,digitalSignature,nonRepudiation");
    extend(x509, "extendedKeyUsage", "clientAuth,emailProtection,1.2.3.4");
    extend_raw(x509, "2.5.29.32", "\x30\x0e\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x81\xfd\x59\x01\x01", 16);
    extend(x509, "crlDistributionPoints", "URI:http://ca.example.org/crl/ca.crl");
    extend(x509, "authorityInfoAccess",
           "caIssuers;URI:http://ca.example.org/ca.cer,OCSP;URI:http://ocsp.example.org/");
    extend_raw(x509, "1.2.156.10260.4.1.4", USCC, sizeof(USCC) - 1);
    sign(x509);
    return x509;
}

static void every_field_is_said_in_chinese(void **state)
{
    (void)state;
    X509 *x509 = whole();
    words(x509, LANG_ZH);
    says("证书主体=国家 (C)：CN\n");
    says("证书主体=机构 (O)：杭州云采软件有限公司\n");
    says("证书序列号=4F:1C:9A:37:D2:80:6B:E5\n");
    says("生效时间（北京时间）=2026-11-23 00:00:00\n");
    says("失效时间（北京时间）=2027-11-23 00:00:00\n");
    says("公钥算法=椭圆曲线 P-256 (256 位)\n");
    says("签名算法=ECDSA，摘要 SHA-256\n");
    says("版本=V3\n");
    says("基本约束!=最终用户证书（不能签发证书）\n");
    says("密钥用途!=数字签名\n");
    says("密钥用途!=抗抵赖\n");
    says("统一社会信用代码（1.2.156.10260.4.1.4）=91330100799655058B\n");
    says("subject=杭州云采软件有限公司 serial=4F:1C:9A:37:D2:80:6B:E5\n");
    X509_free(x509);
}

static void every_field_is_said_in_english(void **state)
{
    (void)state;
    X509 *x509 = whole();
    unsigned char digest[32];
    char line[128];
    words(x509, LANG_EN);
    says("Extended key usage=Client authentication\n");
    says("Extended key usage=E-mail protection\n");
    says("Extended key usage=1.2.3.4\n");
    says("Certificate policies=1.3.6.1.4.1.32473.1.1\n");
    says("CRL distribution points=http://ca.example.org/crl/ca.crl\n");
    says("Authority information access=CA certificate: http://ca.example.org/ca.cer\n");
    says("Authority information access=OCSP: http://ocsp.example.org/\n");
    says("Public key=Elliptic curve P-256 (256 bits)\n");
    assert_int_equal(X509_digest(x509, EVP_sha256(), digest, NULL), 1);
    snprintf(line, sizeof(line), "SHA-256=%02X:%02X:%02X:", digest[0], digest[1], digest[2]);
    says(line);
    assert_int_equal(X509_digest(x509, EVP_sha1(), digest, NULL), 1);
    snprintf(line, sizeof(line), "SHA-1=%02X:%02X:%02X:", digest[0], digest[1], digest[2]);
    says(line);
    X509_free(x509);
}

static void other_keys_are_named(void **state)
{
    (void)state;
    EVP_PKEY *ec = key;
    key = EVP_RSA_gen(2048);
    X509 *x509 = bare("甲");
    sign(x509);
    words(x509, LANG_ZH);
    says("公钥算法=RSA 2048 位\n");
    X509_free(x509);
    EVP_PKEY_free(key);
    key = ec;
}

static void broken_extensions_are_shown_as_octets_and_spoil_nothing(void **state)
{
    (void)state;
    X509 *x509 = bare("甲");
    extend_raw(x509, "2.5.29.15", "\x03\x09\x07", 3); /* key usage: longer than there is */
    extend_raw(x509, "2.5.29.37", "\x30\x00\x00", 3); /* something behind it */
    extend_raw(x509, "1.2.156.10260.4.1.4",
               "\x13\x02"
               "AB"
               "C",
               5);                                          /* something behind it */
    extend_raw(x509, "1.2.156.10260.4.1.3", "\x30\x00", 2); /* no string */
    extend_raw(x509, "1.2.3.4.5", "\x04\x01\xff", 3);       /* unknown */
    extend_raw(x509, "2.5.29.19", "", 0);                   /* empty */
    extend(x509, "subjectKeyIdentifier", "hash");
    sign(x509);
    words(x509, LANG_EN);
    says("Key usage=03:09:07\n");
    says("Extended key usage=30:00:00\n");
    says("(1.2.156.10260.4.1.4)=13:02:41:42:43\n");
    says("(1.2.156.10260.4.1.3)=30:00\n");
    says("Other extension=OID 1.2.3.4.5\nOther extension=04:01:FF\n");
    says("Subject key identifier=");
    X509_free(x509);
}

static void control_characters_do_not_get_through(void **state)
{
    (void)state;
    X509 *x509 = bare("甲\x1b[31m\n<script>乙");
    sign(x509);
    words(x509, LANG_ZH);
    says("机构 (O)：甲?[31m?<script>乙\n");
    X509_free(x509);
}

static void long_values_are_cut(void **state)
{
    (void)state;
    static unsigned char octets[3000];
    X509 *x509 = bare("甲");
    extend_raw(x509, "1.2.3.4.5", octets, sizeof(octets));
    sign(x509);
    const char *all = words(x509, LANG_ZH);
    assert_true(strlen(all) < 4000);
    X509_free(x509);
}

static void what_is_no_certificate_is_refused(void **state)
{
    (void)state;
    struct err err;
    json_t *ret = NULL;
    assert_int_equal(certificate_words("hello", LANG_ZH, &ret, &err), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_null(ret);
}

static void append_pem(struct buf *all, X509 *x509)
{
    struct err err;
    char *pem;
    assert_int_equal(pki_pem(x509, &pem, &err), 0);
    assert_int_equal(buf_put_str(all, pem, &err), 0);
    free(pem);
}

static int chain_length(X509 *leaf, const struct buf *pem)
{
    struct err err;
    STACK_OF(X509) *chain = NULL;
    assert_int_equal(certificate_chain(leaf, (const char *)pem->data, pem->len, &chain, &err), 0);
    int n = sk_X509_num(chain);
    sk_X509_pop_free(chain, X509_free);
    return n;
}

static void the_chain_holds_only_what_signed(void **state)
{
    (void)state;
    struct err err;
    struct buf all;
    X509 *leaf = bare("甲"), *stranger = NULL;
    EVP_PKEY *other = NULL;
    assert_int_equal(pki_key_new(&other, &err), 0);
    assert_int_equal(pki_ca_new(other, &stranger, &err), 0);
    sign(leaf);
    buf_init(&all);
    assert_int_equal(chain_length(leaf, &all), 0);
    append_pem(&all, stranger); /* of the same name, another key */
    append_pem(&all, leaf);
    assert_int_equal(
        buf_put_str(&all, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", &err), 0);
    assert_int_equal(chain_length(leaf, &all), 0);
    append_pem(&all, ca);
    assert_int_equal(chain_length(leaf, &all), 1);
    buf_done(&all);
    X509_free(leaf);
    X509_free(stranger);
    EVP_PKEY_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_said_in_chinese),
        cmocka_unit_test(every_field_is_said_in_english),
        cmocka_unit_test(other_keys_are_named),
        cmocka_unit_test(broken_extensions_are_shown_as_octets_and_spoil_nothing),
        cmocka_unit_test(control_characters_do_not_get_through),
        cmocka_unit_test(long_values_are_cut),
        cmocka_unit_test(what_is_no_certificate_is_refused),
        cmocka_unit_test(the_chain_holds_only_what_signed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
