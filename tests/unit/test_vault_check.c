/* The vault's refusals, one by one: each case breaks one thing of a request that is otherwise good. */
#include "vault_fixture.h"

#include <openssl/rsa.h>

#define DAY 86400

/* ---- clock, CA, bytes --------------------------------------------------------------------------- */

static void clock_went_back(struct vault_fixture *f)
{
    f->now_ms -= 6 * 60 * 1000;
}

static void ca_expired(struct vault_fixture *f)
{
    f->ca.not_after = f->now_ms / 1000 - 1;
}

static void ca_not_yet(struct vault_fixture *f)
{
    f->ca.not_before = f->now_ms / 1000 + 60;
}

static void tbs_empty(struct vault_fixture *f)
{
    f->req.tbs.len = 0;
}

static void tbs_with_a_byte_behind(struct vault_fixture *f)
{
    f->req.tbs.data[f->req.tbs.len++] = 0;
}

static void tbs_cut(struct vault_fixture *f)
{
    f->req.tbs.len--;
}

/* 30 82 LL LL → 30 83 00 LL LL: the same value, in BER. */
static void tbs_in_ber(struct vault_fixture *f)
{
    assert_int_equal(f->req.tbs.data[1], 0x82);
    memmove(f->req.tbs.data + 3, f->req.tbs.data + 2, f->req.tbs.len - 2);
    f->req.tbs.data[1] = 0x83;
    f->req.tbs.data[2] = 0;
    f->req.tbs.len++;
}

static void negative_serial(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(x), -5);
    vf_put_tbs(f, x);
}

static void csr_cut(struct vault_fixture *f)
{
    f->req.csr.len--;
}

static void csr_with_a_byte_behind(struct vault_fixture *f)
{
    f->req.csr.data[f->req.csr.len++] = 0;
}

static void csr_signature_flipped(struct vault_fixture *f)
{
    f->req.csr.data[f->req.csr.len - 1] ^= 1;
}

static void csr_of_another_key(struct vault_fixture *f)
{
    vf_put_csr(f, f->other_key);
}

static void application_changed(struct vault_fixture *f)
{
    char *name = strstr((char *)f->req.application.data, "365");
    assert_non_null(name);
    memcpy(name, "366", 3);
}

static void foreign_approval(struct vault_fixture *f)
{
    EVP_PKEY *theirs = EVP_EC_gen("P-256"), *portal = f->portal_key;
    f->portal_key = theirs;
    vf_approve(f);
    f->portal_key = portal;
    EVP_PKEY_free(theirs);
}

static void unknown_profile(struct vault_fixture *f)
{
    vf_write_application(f, "not-the-vaults", FIXTURE_DAYS);
    vf_approve(f);
}

/* ---- the log ------------------------------------------------------------------------------------ */

static void serial_never_drawn(struct vault_fixture *f)
{
    vf_forget(f);
}

static void serial_made_up(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 0x1122334455667788);
    vf_put_tbs(f, x);
}

static void reservation_void(struct vault_fixture *f)
{
    char hex[33];
    hex_encode(f->serial, sizeof(f->serial), hex);
    vf_record(f, RECORD_VOID, json_pack("{s:s}", "serial_number", hex));
}

static void another_job(struct vault_fixture *f)
{
    snprintf(f->req.job, sizeof(f->req.job), "job-2");
}

static void another_token(struct vault_fixture *f)
{
    snprintf(f->req.serial, sizeof(f->req.serial), "TOKEN-2");
}

/* The same job has two reservations; the TBS takes the serial number of the other key. */
static void key_with_another_serial(struct vault_fixture *f)
{
    static const uint8_t second[16] = {0x42, 1, 2, 3};
    vf_reserve(f, second, "job-1", "TOKEN-1", f->other_key, f->approval.id, f->application.id);
    X509 *x = vf_tbs(f);
    BIGNUM *bn = BN_bin2bn(second, sizeof(second), NULL);
    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
    BN_free(bn);
    vf_put_tbs(f, x);
}

static void key_not_reserved(struct vault_fixture *f)
{
    vf_forget(f);
    vf_reserve(f, f->serial, "job-1", "TOKEN-1", f->other_key, f->approval.id, f->application.id);
}

static void another_approval(struct vault_fixture *f)
{
    vf_forget(f);
    vf_reserve(f, f->serial, "job-1", "TOKEN-1", f->key, "01a20454-60a6-70e9-910a-fc66b8c6ba23",
               f->application.id);
}

static void another_tbs_intended(struct vault_fixture *f)
{
    char hex[33];
    hex_encode(f->serial, sizeof(f->serial), hex);
    vf_record(f, RECORD_SIGN_INTENT,
              json_pack("{s:s, s:s}", "serial_number", hex, "tbs_sha256",
                        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"));
}

static void approval_used_again(struct vault_fixture *f)
{
    static const uint8_t second[16] = {0x43, 1};
    vf_reserve(f, second, "job-2", "TOKEN-2", f->other_key, f->approval.id, f->application.id);
}

static void application_approved_twice(struct vault_fixture *f)
{
    static const uint8_t second[16] = {0x44, 1};
    vf_reserve(f, second, "job-2", "TOKEN-2", f->other_key, "01a20454-60a6-70e9-910a-fc66b8c6ba23",
               f->application.id);
}

/* ---- fields ------------------------------------------------------------------------------------- */

static void version_2(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    X509_set_version(x, X509_VERSION_2);
    vf_put_tbs(f, x);
}

static void set_algorithm(struct vault_fixture *f, int nid, int parameters)
{
    X509 *x = vf_tbs(f);
    X509_ALGOR *a = NULL;
    const X509_ALGOR *inside = X509_get0_tbs_sigalg(x);
    memcpy(&a, &inside, sizeof(a));
    assert_int_equal(X509_ALGOR_set0(a, OBJ_nid2obj(nid), parameters, NULL), 1);
    vf_put_tbs(f, x);
}

static void algorithm_sha384(struct vault_fixture *f)
{
    set_algorithm(f, NID_ecdsa_with_SHA384, V_ASN1_UNDEF);
}

static void algorithm_sha1(struct vault_fixture *f)
{
    set_algorithm(f, NID_ecdsa_with_SHA1, V_ASN1_UNDEF);
}

static void algorithm_with_null(struct vault_fixture *f)
{
    set_algorithm(f, NID_ecdsa_with_SHA256, V_ASN1_NULL);
}

static void set_issuer(struct vault_fixture *f, int type)
{
    X509 *x = vf_tbs(f);
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const uint8_t *)"CN", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", type,
                               (const uint8_t *)(type == V_ASN1_UTF8STRING ? "别的根" : "x"), -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_NAME_free(name);
    vf_put_tbs(f, x);
}

static void issuer_another(struct vault_fixture *f)
{
    set_issuer(f, V_ASN1_UTF8STRING);
}

/* add: index at which, or -1: replace the whole subject by these. */
static X509_NAME *subject_of(X509 *x)
{
    return X509_NAME_dup(X509_get_subject_name(x));
}

static void put_subject(struct vault_fixture *f, X509 *x, X509_NAME *name)
{
    assert_int_equal(X509_set_subject_name(x, name), 1);
    X509_NAME_free(name);
    vf_put_tbs(f, x);
}

static void replace_entry(struct vault_fixture *f, int at, const char *attribute, int type, const char *value)
{
    X509 *x = vf_tbs(f);
    X509_NAME *name = subject_of(x);
    X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, at));
    assert_int_equal(X509_NAME_add_entry_by_txt(name, attribute, type, (const uint8_t *)value, -1, at, 0), 1);
    put_subject(f, x, name);
}

static void subject_wrong_organisation(struct vault_fixture *f)
{
    replace_entry(f, 2, "O", V_ASN1_UTF8STRING, "杭州示例科技有限公司 ");
}

static void subject_wrong_country(struct vault_fixture *f)
{
    replace_entry(f, 0, "C", V_ASN1_PRINTABLESTRING, "cn");
}

static void subject_wrong_string_type(struct vault_fixture *f)
{
    replace_entry(f, 0, "C", V_ASN1_UTF8STRING, "CN");
}

static void subject_bmp_string(struct vault_fixture *f)
{
    static const uint8_t bmp[] = {0x67, 0x6d};
    X509 *x = vf_tbs(f);
    X509_NAME *name = subject_of(x);
    X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, 2));
    X509_NAME_add_entry_by_NID(name, NID_organizationName, V_ASN1_BMPSTRING, bmp, sizeof(bmp), 2, 0);
    put_subject(f, x, name);
}

static void subject_one_more(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    X509_NAME *name = subject_of(x);
    X509_NAME_add_entry_by_txt(name, "OU", V_ASN1_UTF8STRING, (const uint8_t *)"财务部", -1, -1, 0);
    put_subject(f, x, name);
}

static void subject_one_less(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    X509_NAME *name = subject_of(x);
    X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, 3));
    put_subject(f, x, name);
}

static void subject_in_another_order(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    X509_NAME *name = subject_of(x);
    X509_NAME_ENTRY *e = X509_NAME_delete_entry(name, 1);
    X509_NAME_add_entry(name, e, 2, 0);
    X509_NAME_ENTRY_free(e);
    put_subject(f, x, name);
}

static void subject_in_one_rdn(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    X509_NAME *name = subject_of(x);
    X509_NAME_ENTRY *e = X509_NAME_delete_entry(name, 3);
    X509_NAME_add_entry(name, e, -1, -1);
    X509_NAME_ENTRY_free(e);
    put_subject(f, x, name);
}

static void subject_empty(struct vault_fixture *f)
{
    put_subject(f, vf_tbs(f), X509_NAME_new());
}

/* Where the field at `at` of the TBS begins (0: the version, 5: the subject) and where it ends. */
static void find_field(const struct vault_fixture *f, int at, size_t *ret_from, size_t *ret_to)
{
    long len;
    int tag, class;
    const uint8_t *p = f->req.tbs.data, *from = p;
    ASN1_get_object(&p, &len, &tag, &class, (long)f->req.tbs.len);
    for (int i = 0; i <= at; i++) {
        from = p;
        ASN1_get_object(&p, &len, &tag, &class, (long)f->req.tbs.len);
        p += len;
    }
    *ret_from = (size_t)(from - f->req.tbs.data);
    *ret_to = (size_t)(p - f->req.tbs.data);
}

/* Put these bytes, whatever they are, where the field is: OpenSSL would write them its own way. */
static void put_field(struct vault_fixture *f, int at, const void *bytes, size_t len)
{
    struct buf b;
    size_t from, to, first, ignored;
    buf_init(&b);
    find_field(f, 0, &first, &ignored);
    find_field(f, at, &from, &to);
    size_t content = f->req.tbs.len - first - (to - from) + len;
    assert_int_equal(der_put_header(&b, DER_SEQUENCE, content, &f->err), 0);
    assert_int_equal(buf_put(&b, f->req.tbs.data + first, from - first, &f->err), 0);
    assert_int_equal(buf_put(&b, bytes, len, &f->err), 0);
    assert_int_equal(buf_put(&b, f->req.tbs.data + to, f->req.tbs.len - to, &f->err), 0);
    assert_true(bytes_set(f->req.tbs, b.data, b.len));
    buf_done(&b);
}

/* The subject with `more` behind its RDNs, or with the length of its first RDN in a longer form. */
static void put_subject_bytes(struct vault_fixture *f, const void *more, size_t n_more, bool long_form)
{
    enum { SUBJECT = 5 };
    static const uint8_t ber_set[] = {0x31, 0x81};
    struct buf rdns, b;
    size_t from, to;
    long len;
    int tag, class;
    buf_init(&rdns);
    buf_init(&b);
    find_field(f, SUBJECT, &from, &to);
    const uint8_t *p = f->req.tbs.data + from, *end = f->req.tbs.data + to;
    ASN1_get_object(&p, &len, &tag, &class, end - p);
    if (long_form) {
        assert_int_equal(buf_put(&rdns, ber_set, sizeof(ber_set), &f->err), 0);
        p++;
    }
    assert_int_equal(buf_put(&rdns, p, (size_t)(end - p), &f->err), 0);
    assert_int_equal(buf_put(&rdns, more, n_more, &f->err), 0);
    assert_int_equal(der_put_header(&b, DER_SEQUENCE, rdns.len, &f->err), 0);
    assert_int_equal(buf_put(&b, rdns.data, rdns.len, &f->err), 0);
    put_field(f, SUBJECT, b.data, b.len);
    buf_done(&rdns);
    buf_done(&b);
}

static void subject_in_ber(struct vault_fixture *f)
{
    put_subject_bytes(f, "", 0, true);
}

static void subject_with_an_empty_rdn(struct vault_fixture *f)
{
    put_subject_bytes(f, "\x31\x00", 2, false);
}

/* [1] IMPLICIT UniqueIdentifier before the extensions. */
static void unique_id(struct vault_fixture *f)
{
    static const uint8_t id[] = {0x81, 0x02, 0x00, 0x55};
    struct buf b;
    long len;
    int tag, class;
    const uint8_t *p = f->req.tbs.data, *end = p + f->req.tbs.len;
    buf_init(&b);
    ASN1_get_object(&p, &len, &tag, &class, (long)f->req.tbs.len);
    const uint8_t *content = p, *at = p;
    while (at < end && *at != 0xa3) {
        ASN1_get_object(&p, &len, &tag, &class, end - at);
        at = p += len;
    }
    assert_true(at < end);
    assert_int_equal(der_put_header(&b, DER_SEQUENCE, (size_t)(end - content) + sizeof(id), &f->err), 0);
    assert_int_equal(buf_put(&b, content, (size_t)(at - content), &f->err), 0);
    assert_int_equal(buf_put(&b, id, sizeof(id), &f->err), 0);
    assert_int_equal(buf_put(&b, at, (size_t)(end - at), &f->err), 0);
    assert_true(bytes_set(f->req.tbs, b.data, b.len));
    buf_done(&b);
}

static void shift(struct vault_fixture *f, int64_t from, int64_t to)
{
    X509 *x = vf_tbs(f);
    int64_t now = f->now_ms / 1000;
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now + from));
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now + to));
    vf_put_tbs(f, x);
}

static void begins_in_two_days(struct vault_fixture *f)
{
    shift(f, 2 * DAY, (FIXTURE_DAYS + 2) * DAY - 1);
}

static void began_two_days_ago(struct vault_fixture *f)
{
    shift(f, -2 * DAY, (FIXTURE_DAYS - 2) * DAY - 1);
}

static void generalized_time_too_early(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    ASN1_GENERALIZEDTIME_set(X509_getm_notBefore(x), (time_t)(f->now_ms / 1000));
    vf_put_tbs(f, x);
}

static void a_day_longer(struct vault_fixture *f)
{
    shift(f, 0, (FIXTURE_DAYS + 1) * DAY - 1);
}

static void a_second_longer(struct vault_fixture *f)
{
    shift(f, 0, FIXTURE_DAYS * DAY);
}

static void a_day_shorter(struct vault_fixture *f)
{
    shift(f, 0, (FIXTURE_DAYS - 1) * DAY - 1);
}

/* Approved, and built so, but more than the vault's profile lets it. */
static void longer_than_the_profile(struct vault_fixture *f)
{
    vf_write_application(f, "test", 731);
    vf_approve(f);
    vf_forget(f);
    vf_reserve(f, f->serial, "job-1", "TOKEN-1", f->key, f->approval.id, f->application.id);
    shift(f, 0, 731LL * DAY - 1);
}

static void outlives_its_ca(struct vault_fixture *f)
{
    f->ca.not_after = f->now_ms / 1000 + 100 * DAY;
}

static void older_than_its_ca(struct vault_fixture *f)
{
    f->ca.not_before = f->now_ms / 1000 - 100;
    shift(f, -200, FIXTURE_DAYS * DAY - 201);
}

/* Another key all through: CSR, TBS with its key identifier, reservation. */
static void rekey(struct vault_fixture *f, EVP_PKEY *key)
{
    X509 *x = vf_tbs(f);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_int_equal(X509_pubkey_digest(x, EVP_sha1(), digest, &n), 1);
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(id, digest, (int)n);
    assert_int_equal(X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, X509V3_ADD_REPLACE), 1);
    ASN1_OCTET_STRING_free(id);
    vf_put_tbs(f, x);
    vf_put_csr(f, key);
    vf_forget(f);
    vf_reserve(f, f->serial, "job-1", "TOKEN-1", key, f->approval.id, f->application.id);
    EVP_PKEY_free(key);
}

static void key_p384(struct vault_fixture *f)
{
    rekey(f, EVP_EC_gen("P-384"));
}

static void key_rsa(struct vault_fixture *f)
{
    rekey(f, EVP_RSA_gen(2048));
}

static void key_of_another_curve(struct vault_fixture *f)
{
    rekey(f, EVP_EC_gen("secp256k1"));
}

/* The same key in another encoding has another hash: it could have a second serial number. */
static void key_compressed(struct vault_fixture *f)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
    rekey(f, key);
}

static void key_hybrid(struct vault_fixture *f)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "hybrid"), 1);
    rekey(f, key);
}

/* Everywhere the fixture's key as `spki` says it. */
static void respell_key(struct vault_fixture *f, const void *spki, size_t len)
{
    enum { SUBJECT_PUBLIC_KEY_INFO = 6 };
    char hex[SHA256_HEX_SIZE], serial[33];
    uint8_t *der = NULL, *again = NULL;
    const uint8_t *p = spki;
    X509_PUBKEY *odd = d2i_X509_PUBKEY(NULL, &p, (long)len);
    assert_non_null(odd);
    assert_int_equal(i2d_X509_PUBKEY(odd, &again), len);
    assert_memory_equal(again, spki, len); /* what OpenSSL itself would mend proves nothing */
    X509_REQ *r = X509_REQ_new();
    assert_int_equal(X509_REQ_set_pubkey(r, f->key), 1);
    X509_ALGOR *algorithm = NULL;
    ASN1_OBJECT *oid = NULL;
    const uint8_t *bits = NULL;
    int n_bits = 0, type = 0;
    const void *value = NULL;
    assert_int_equal(X509_PUBKEY_get0_param(&oid, &bits, &n_bits, &algorithm, odd), 1);
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    X509_PUBKEY *theirs = X509_REQ_get_X509_PUBKEY(r);
    uint8_t *copy = OPENSSL_memdup(bits, (size_t)n_bits);
    void *parameter = type == V_ASN1_OBJECT ? OBJ_dup(value) : NULL;
    assert_int_equal(X509_PUBKEY_set0_param(theirs, OBJ_dup(oid), type, parameter, copy, n_bits), 1);
    assert_true(X509_REQ_sign(r, f->key, EVP_sha256()) > 0);
    int n = i2d_X509_REQ(r, &der);
    assert_true(bytes_set(f->req.csr, der, (size_t)n));
    put_field(f, SUBJECT_PUBLIC_KEY_INFO, spki, len);
    sha256_hex(spki, len, hex);
    hex_encode(f->serial, sizeof(f->serial), serial);
    vf_forget(f);
    vf_record(f, RECORD_RESERVE,
              json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "serial_number", serial, "job", "job-1",
                        "token", "TOKEN-1", "spki_sha256", hex, "approval", f->approval.id, "application",
                        f->application.id, "organisation", "x"));
    X509_PUBKEY_free(odd);
    X509_REQ_free(r);
    OPENSSL_free(der);
    OPENSSL_free(again);
}

/* RFC 3279 2.3.1: rsaEncryption has NULL parameters. OpenSSL takes none, too. */
static void key_without_parameters(struct vault_fixture *f)
{
    struct buf b;
    uint8_t *bits = NULL;
    static const uint8_t algorithm[] = {0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                        0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    struct profile *profile = (struct profile *)(uintptr_t)profiles_find(f->profiles, "test");
    profile->key_type = KEY_RSA2048;
    EVP_PKEY_free(f->key);
    f->key = EVP_RSA_gen(2048);
    vf_forget(f);
    vf_build_tbs(f);
    int n = i2d_PublicKey(f->key, &bits);
    buf_init(&b);
    assert_int_equal(der_put_header(&b, DER_SEQUENCE, sizeof(algorithm) + 5 + (size_t)n, &f->err), 0);
    assert_int_equal(buf_put(&b, algorithm, sizeof(algorithm), &f->err), 0);
    assert_int_equal(der_put_header(&b, DER_BIT_STRING, 1 + (size_t)n, &f->err), 0);
    assert_int_equal(buf_put(&b, "", 1, &f->err), 0);
    assert_int_equal(buf_put(&b, bits, (size_t)n, &f->err), 0);
    respell_key(f, b.data, b.len);
    OPENSSL_free(bits);
    buf_done(&b);
}

static void curve_spelled_out(struct vault_fixture *f)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "encoding", "explicit"), 1);
    rekey(f, key);
}

/* ---- extensions --------------------------------------------------------------------------------- */

static void add_extension(struct vault_fixture *f, X509_EXTENSION *e)
{
    X509 *x = vf_tbs(f);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
    vf_put_tbs(f, x);
}

static void drop_extension(struct vault_fixture *f, int nid)
{
    X509 *x = vf_tbs(f);
    int at = X509_get_ext_by_NID(x, nid, -1);
    assert_true(at >= 0);
    X509_EXTENSION_free(X509_delete_ext(x, at));
    vf_put_tbs(f, x);
}

static void replace_extension(struct vault_fixture *f, int nid, const char *value)
{
    drop_extension(f, nid);
    add_extension(f, vf_extension(nid, value));
}

static void name_constraints_added(struct vault_fixture *f)
{
    add_extension(f, vf_extension(NID_subject_alt_name, "DNS:bank.example.org"));
}

static void key_usage_twice(struct vault_fixture *f)
{
    add_extension(f, vf_extension(NID_key_usage, "critical,digitalSignature,nonRepudiation"));
}

static void policies_missing(struct vault_fixture *f)
{
    drop_extension(f, NID_certificate_policies);
}

static void key_usage_not_critical(struct vault_fixture *f)
{
    replace_extension(f, NID_key_usage, "digitalSignature,nonRepudiation");
}

static void policies_critical(struct vault_fixture *f)
{
    replace_extension(f, NID_certificate_policies, "critical,1.3.6.1.4.1.32473.1.1");
}

static void bytes_behind_an_extension(struct vault_fixture *f)
{
    X509 *x = vf_tbs(f);
    int at = X509_get_ext_by_NID(x, NID_ext_key_usage, -1);
    X509_EXTENSION *e = X509_get_ext(x, at);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_dup(X509_EXTENSION_get_data(e));
    uint8_t longer[256];
    int n = ASN1_STRING_length(value);
    memcpy(longer, ASN1_STRING_get0_data(value), (size_t)n);
    longer[n] = 0;
    ASN1_OCTET_STRING_set(value, longer, n + 1);
    X509_EXTENSION_set_data(e, value);
    ASN1_OCTET_STRING_free(value);
    vf_put_tbs(f, x);
}

static void a_ca(struct vault_fixture *f)
{
    replace_extension(f, NID_basic_constraints, "critical,CA:TRUE");
}

static void a_path_length(struct vault_fixture *f)
{
    replace_extension(f, NID_basic_constraints, "critical,CA:FALSE,pathlen:3");
}

static void may_sign_certificates(struct vault_fixture *f)
{
    replace_extension(f, NID_key_usage, "critical,digitalSignature,nonRepudiation,keyCertSign");
}

/* The usages of the profile, in a BIT STRING that DER does not have. */
static void put_key_usage(struct vault_fixture *f, const void *bytes, int len)
{
    X509 *x = vf_tbs(f);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, bytes, len);
    X509_EXTENSION_set_data(X509_get_ext(x, X509_get_ext_by_NID(x, NID_key_usage, -1)), value);
    ASN1_OCTET_STRING_free(value);
    vf_put_tbs(f, x);
}

static void usages_with_zero_bits_behind(struct vault_fixture *f)
{
    put_key_usage(f, "\x03\x02\x00\xc0", 4);
}

static void usages_that_no_standard_knows(struct vault_fixture *f)
{
    put_key_usage(f, "\x03\x04\x00\xc0\x00\x01", 6);
}

static void lacks_a_usage(struct vault_fixture *f)
{
    replace_extension(f, NID_key_usage, "critical,digitalSignature");
}

static void a_tls_server(struct vault_fixture *f)
{
    replace_extension(f, NID_ext_key_usage, "clientAuth,serverAuth");
}

static void one_usage_twice(struct vault_fixture *f)
{
    replace_extension(f, NID_ext_key_usage, "clientAuth,clientAuth");
}

static void any_usage(struct vault_fixture *f)
{
    replace_extension(f, NID_ext_key_usage, "clientAuth,emailProtection,anyExtendedKeyUsage");
}

static void wrong_key_id(struct vault_fixture *f)
{
    replace_extension(f, NID_subject_key_identifier, "00112233445566778899aabbccddeeff00112233");
}

static void put_aki(struct vault_fixture *f, bool with_serial)
{
    AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
    id->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(f->ca.cert));
    if (with_serial) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        GENERAL_NAME_set0_value(name, GEN_DIRNAME, X509_NAME_dup(X509_get_subject_name(f->ca.cert)));
        id->issuer = GENERAL_NAMES_new();
        sk_GENERAL_NAME_push(id->issuer, name);
        id->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(f->ca.cert));
    } else {
        ASN1_OCTET_STRING_set(id->keyid, (const uint8_t *)"not the CA's", 12);
    }
    drop_extension(f, NID_authority_key_identifier);
    add_extension(f, X509V3_EXT_i2d(NID_authority_key_identifier, 0, id));
    AUTHORITY_KEYID_free(id);
}

static void wrong_authority(struct vault_fixture *f)
{
    put_aki(f, false);
}

static void authority_by_serial_too(struct vault_fixture *f)
{
    put_aki(f, true);
}

static void another_policy(struct vault_fixture *f)
{
    replace_extension(f, NID_certificate_policies, "1.3.6.1.4.1.32473.1.2");
}

static void one_policy_more(struct vault_fixture *f)
{
    replace_extension(f, NID_certificate_policies, "1.3.6.1.4.1.32473.1.1,2.23.140.1.1");
}

static void another_crl_address(struct vault_fixture *f)
{
    replace_extension(f, NID_crl_distribution_points,
                      "URI:http://a.example.org/1.crl,URI:http://evil.example.org/1.crl");
}

static void one_crl_address_less(struct vault_fixture *f)
{
    replace_extension(f, NID_crl_distribution_points, "URI:http://a.example.org/1.crl");
}

static void another_responder(struct vault_fixture *f)
{
    replace_extension(f, NID_info_access,
                      "OCSP;URI:http://evil.example.org/,caIssuers;URI:http://a.example.org/ca.cer");
}

static void no_responder(struct vault_fixture *f)
{
    replace_extension(f, NID_info_access, "caIssuers;URI:http://a.example.org/ca.cer");
}

static void put_uscc(struct vault_fixture *f, const char *code, int tag)
{
    uint8_t value[64];
    X509 *x = vf_tbs(f);
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.156.10260.4.1.4", 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    value[0] = (uint8_t)tag;
    value[1] = (uint8_t)strlen(code);
    memcpy(value + 2, code, strlen(code));
    ASN1_OCTET_STRING_set(octets, value, (int)strlen(code) + 2);
    X509_EXTENSION_free(X509_delete_ext(x, X509_get_ext_by_OBJ(x, oid, -1)));
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
    vf_put_tbs(f, x);
}

static void another_uscc(struct vault_fixture *f)
{
    put_uscc(f, "91330100MA27XL0D5R", V_ASN1_PRINTABLESTRING);
}

static void uscc_in_utf8(struct vault_fixture *f)
{
    put_uscc(f, "91330100799655058B", V_ASN1_UTF8STRING);
}

/* ---- all of them -------------------------------------------------------------------------------- */

static const struct {
    const char *rule;
    enum err_code code;
    void (*break_it)(struct vault_fixture *f);
    const char *name;
} cases[] = {
#define CASE(rule, code, function)                                                                           \
    {                                                                                                        \
#rule, code, function, #function                                                                     \
    }
    CASE(clock, ERR_CLOCK, clock_went_back),
    CASE(ca_dates, ERR_CA_EXPIRED, ca_expired),
    CASE(ca_dates, ERR_CA_EXPIRED, ca_not_yet),
    CASE(tbs_der, ERR_REFUSED, tbs_empty),
    CASE(tbs_der, ERR_REFUSED, tbs_with_a_byte_behind),
    CASE(tbs_der, ERR_REFUSED, tbs_cut),
    CASE(tbs_der, ERR_REFUSED, tbs_in_ber),
    CASE(tbs_der, ERR_REFUSED, negative_serial),
    CASE(csr_der, ERR_REFUSED, csr_cut),
    CASE(csr_der, ERR_REFUSED, csr_with_a_byte_behind),
    CASE(csr_signature, ERR_REFUSED, csr_signature_flipped),
    CASE(same_key, ERR_REFUSED, csr_of_another_key),
    CASE(approval, ERR_APPROVAL, application_changed),
    CASE(approval, ERR_APPROVAL, foreign_approval),
    CASE(profile, ERR_PROFILE, unknown_profile),
    CASE(reserved, ERR_RESERVATION, serial_never_drawn),
    CASE(reserved, ERR_RESERVATION, serial_made_up),
    CASE(not_void, ERR_RESERVATION, reservation_void),
    CASE(same_job, ERR_RESERVATION, another_job),
    CASE(same_job, ERR_RESERVATION, another_token),
    CASE(one_serial, ERR_RESERVATION, key_with_another_serial),
    CASE(reserved_key, ERR_RESERVATION, key_not_reserved),
    CASE(reserved_approval, ERR_RESERVATION, another_approval),
    CASE(one_tbs, ERR_RESERVATION, another_tbs_intended),
    CASE(one_certificate, ERR_ALREADY_SIGNED, approval_used_again),
    CASE(one_certificate, ERR_ALREADY_SIGNED, application_approved_twice),
    CASE(version, ERR_REFUSED, version_2),
    CASE(algorithm, ERR_REFUSED, algorithm_sha384),
    CASE(algorithm, ERR_REFUSED, algorithm_sha1),
    CASE(algorithm, ERR_REFUSED, algorithm_with_null),
    CASE(issuer, ERR_REFUSED, issuer_another),
    CASE(subject, ERR_REFUSED, subject_wrong_organisation),
    CASE(subject, ERR_REFUSED, subject_wrong_country),
    CASE(subject, ERR_REFUSED, subject_wrong_string_type),
    CASE(subject, ERR_REFUSED, subject_bmp_string),
    CASE(subject, ERR_REFUSED, subject_one_more),
    CASE(subject, ERR_REFUSED, subject_one_less),
    CASE(subject, ERR_REFUSED, subject_in_another_order),
    CASE(subject, ERR_REFUSED, subject_in_one_rdn),
    CASE(subject, ERR_REFUSED, subject_empty),
    CASE(subject, ERR_REFUSED, subject_in_ber),
    CASE(subject, ERR_REFUSED, subject_with_an_empty_rdn),
    CASE(unique_ids, ERR_REFUSED, unique_id),
    CASE(not_before, ERR_REFUSED, begins_in_two_days),
    CASE(not_before, ERR_REFUSED, began_two_days_ago),
    CASE(not_before, ERR_REFUSED, generalized_time_too_early),
    CASE(validity, ERR_REFUSED, a_day_longer),
    CASE(validity, ERR_REFUSED, a_second_longer),
    CASE(validity, ERR_REFUSED, a_day_shorter),
    CASE(validity, ERR_PROFILE, longer_than_the_profile),
    CASE(within_ca, ERR_CA_VALIDITY, outlives_its_ca),
    CASE(within_ca, ERR_CA_VALIDITY, older_than_its_ca),
    CASE(key_type, ERR_PROFILE, key_p384),
    CASE(key_type, ERR_PROFILE, key_rsa),
    CASE(key_type, ERR_PROFILE, key_of_another_curve),
    CASE(key_type, ERR_REFUSED, curve_spelled_out),
    CASE(key_form, ERR_REFUSED, key_compressed),
    CASE(key_form, ERR_REFUSED, key_hybrid),
    CASE(key_form, ERR_REFUSED, key_without_parameters),
    CASE(extensions, ERR_REFUSED, name_constraints_added),
    CASE(extensions, ERR_REFUSED, key_usage_twice),
    CASE(extensions, ERR_REFUSED, policies_missing),
    CASE(extensions, ERR_REFUSED, key_usage_not_critical),
    CASE(extensions, ERR_REFUSED, policies_critical),
    CASE(extensions, ERR_REFUSED, bytes_behind_an_extension),
    CASE(basic_constraints, ERR_REFUSED, a_ca),
    CASE(basic_constraints, ERR_REFUSED, a_path_length),
    CASE(key_usage, ERR_REFUSED, may_sign_certificates),
    CASE(key_usage, ERR_REFUSED, lacks_a_usage),
    CASE(key_usage, ERR_REFUSED, usages_with_zero_bits_behind),
    CASE(key_usage, ERR_REFUSED, usages_that_no_standard_knows),
    CASE(extended_key_usage, ERR_REFUSED, a_tls_server),
    CASE(extended_key_usage, ERR_REFUSED, one_usage_twice),
    CASE(extended_key_usage, ERR_REFUSED, any_usage),
    CASE(subject_key_id, ERR_REFUSED, wrong_key_id),
    CASE(authority_key_id, ERR_REFUSED, wrong_authority),
    CASE(authority_key_id, ERR_REFUSED, authority_by_serial_too),
    CASE(policies, ERR_REFUSED, another_policy),
    CASE(policies, ERR_REFUSED, one_policy_more),
    CASE(crl_points, ERR_REFUSED, another_crl_address),
    CASE(crl_points, ERR_REFUSED, one_crl_address_less),
    CASE(information_access, ERR_REFUSED, another_responder),
    CASE(information_access, ERR_REFUSED, no_responder),
    CASE(uscc, ERR_REFUSED, another_uscc),
    CASE(uscc, ERR_REFUSED, uscc_in_utf8),
#undef CASE
};

static void a_good_request_passes_every_rule(void **state)
{
    const char *rule;
    if (vf_check(*state, &rule) != 0)
        fail_msg("%s", ((struct vault_fixture *)*state)->err.text);
    assert_string_equal(rule, "");
}

static void each_violation_is_refused_by_its_own_rule_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *fresh = NULL;
        const char *rule;
        vf_set_up(&fresh);
        struct vault_fixture *f = fresh;
        cases[i].break_it(f);
        if (vf_check(f, &rule) == 0)
            fail_msg("%s would be signed", cases[i].name);
        if (strcmp(rule, cases[i].rule) != 0 || f->err.code != cases[i].code)
            fail_msg("%s was refused by %s (%s), not by %s: %s", cases[i].name, rule, err_name(f->err.code),
                     cases[i].rule, f->err.text);
        assert_true(strlen(f->err.text) > 30);
        vf_tear_down(&fresh);
    }
}

static void no_rule_is_without_a_violation_above(void **state)
{
    (void)state;
    for (size_t r = 0; check_rule_name(r); r++) {
        size_t i = 0;
        while (i < COUNT(cases) && strcmp(cases[i].rule, check_rule_name(r)) != 0)
            i++;
        if (i == COUNT(cases))
            fail_msg("nothing here violates %s", check_rule_name(r));
    }
}

static void what_the_rules_allow_is_not_refused(void **state)
{
    struct vault_fixture *f = *state;
    const char *rule;
    shift(f, -3600, FIXTURE_DAYS * DAY - 3601); /* an hour ago */
    assert_int_equal(vf_check(f, &rule), 0);
    f->now_ms -= 4 * 60 * 1000; /* a clock four minutes behind */
    assert_int_equal(vf_check(f, &rule), 0);
}

/* The same TBS after its intent was logged, as after a crash between intent and signature. */
static void an_intended_tbs_may_be_signed_again(void **state)
{
    struct vault_fixture *f = *state;
    char serial[33], tbs[SHA256_HEX_SIZE];
    const char *rule;
    hex_encode(f->serial, sizeof(f->serial), serial);
    sha256_hex(f->req.tbs.data, f->req.tbs.len, tbs);
    vf_record(f, RECORD_SIGN_INTENT, json_pack("{s:s, s:s}", "serial_number", serial, "tbs_sha256", tbs));
    assert_int_equal(vf_check(f, &rule), 0);
    shift(f, -1, FIXTURE_DAYS * DAY - 2);
    assert_int_equal(vf_check(f, &rule), -1);
    assert_string_equal(rule, "one_tbs");
}

static void a_voided_certificate_frees_its_application(void **state)
{
    static const uint8_t second[16] = {0x45, 1};
    struct vault_fixture *f = *state;
    char hex[33];
    const char *rule;
    vf_reserve(f, second, "job-2", "TOKEN-2", f->other_key, f->approval.id, f->application.id);
    assert_int_equal(vf_check(f, &rule), -1);
    hex_encode(second, sizeof(second), hex);
    vf_record(f, RECORD_VOID, json_pack("{s:s}", "serial_number", hex));
    assert_int_equal(vf_check(f, &rule), 0);
}

/* Any one byte changed: refused, whatever the byte means. Of the serial number too: that one was never drawn.
 */
static void no_byte_of_a_tbs_can_be_changed(void **state)
{
    struct vault_fixture *f = *state;
    const char *rule;
    for (size_t i = 0; i < f->req.tbs.len; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            f->req.tbs.data[i] ^= (uint8_t)(1u << bit);
            /* seconds of notBefore and notAfter alone could both move; one of them cannot */
            if (vf_check(f, &rule) == 0)
                fail_msg("byte %zu of the TBS can be changed", i);
            f->req.tbs.data[i] ^= (uint8_t)(1u << bit);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_request_passes_every_rule, vf_set_up, vf_tear_down),
        cmocka_unit_test(each_violation_is_refused_by_its_own_rule_with_a_reason),
        cmocka_unit_test(no_rule_is_without_a_violation_above),
        cmocka_unit_test_setup_teardown(what_the_rules_allow_is_not_refused, vf_set_up, vf_tear_down),
        cmocka_unit_test_setup_teardown(an_intended_tbs_may_be_signed_again, vf_set_up, vf_tear_down),
        cmocka_unit_test_setup_teardown(a_voided_certificate_frees_its_application, vf_set_up, vf_tear_down),
        cmocka_unit_test_setup_teardown(no_byte_of_a_tbs_can_be_changed, vf_set_up, vf_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
