#include "portal/certificate_words.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "portal/certificate.h"
#include "portal/certificate_text.h"

#define SHANGHAI_S 28800 /* no daylight saving since 1991 */
#define CHAIN_MAX  8

struct words {
    X509 *x509;
    enum lang lang;
    json_t *sections, *rows; /* rows: of the last section */
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "a certificate's words");
}

static int section(struct words *w, enum text_id title, struct err *err)
{
    json_t *s = json_pack("{s:s, s:b, s:[]}", "title", text(title, w->lang), "fingerprints",
                          title == TEXT_CERT_FINGERPRINTS, "rows");
    w->rows = s ? json_object_get(s, "rows") : NULL;
    return json_array_append_new(w->sections, s) != 0 ? no_memory(err) : 0;
}

/* The row's lines, borrowed: NULL when out of memory. */
static json_t *row(struct words *w, const char *title, bool code, bool critical)
{
    json_t *lines = json_array();
    json_t *r = json_pack("{s:s, s:O, s:b, s:b}", "label", title, "values", lines, "code", code, "critical",
                          critical);
    bool bad = json_array_append_new(w->rows, r) != 0;
    json_decref(lines);
    return bad ? NULL : lines;
}

static json_t *text_row(struct words *w, enum text_id title, bool code)
{
    return row(w, text(title, w->lang), code, false);
}

/* ---- values */

static int add_time(json_t *lines, const ASN1_TIME *at, const struct words *w, struct err *err)
{
    struct tm tm;
    char line[48];
    if (ASN1_TIME_to_tm(at, &tm) != 1) {
        snprintf(line, sizeof(line), "%s", text(TEXT_CERT_UNREADABLE, w->lang));
    } else {
        time_t local = timegm(&tm) + SHANGHAI_S;
        gmtime_r(&local, &tm);
        strftime(line, sizeof(line), "%Y-%m-%d %H:%M:%S", &tm);
    }
    return line_add(lines, "", line, strlen(line), err);
}

static int add_serial(json_t *lines, X509 *x509, struct err *err)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    return line_add_hex(lines, "", ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial), err);
}

static const char *digest_name(int nid)
{
    static const struct {
        int nid;
        const char *name;
    } NAMES[] = {{NID_sha1, "SHA-1"},     {NID_sha256, "SHA-256"}, {NID_sha384, "SHA-384"},
                 {NID_sha512, "SHA-512"}, {NID_sm3, "SM3"},        {NID_sha224, "SHA-224"}};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (NAMES[i].nid == nid)
            return NAMES[i].name;
    return NULL;
}

static int add_signature(json_t *lines, const struct words *w, struct err *err)
{
    int nid = X509_get_signature_nid(w->x509), digest = NID_undef, key = NID_undef;
    char line[96];
    const char *name = OBJ_find_sigid_algs(nid, &digest, &key) == 1 ? digest_name(digest) : NULL;
    const char *kind = key == NID_rsaEncryption                               ? "RSA (PKCS #1 v1.5)"
                       : key == NID_X9_62_id_ecPublicKey && digest == NID_sm3 ? "SM2"
                       : key == NID_X9_62_id_ecPublicKey                      ? "ECDSA"
                       : key == NID_sm2                                       ? "SM2"
                                                                              : NULL;
    if (name && kind)
        snprintf(line, sizeof(line), "%s%s%s", kind, text(TEXT_CERT_WITH, w->lang), name);
    else
        snprintf(line, sizeof(line), "%s", nid == NID_undef ? "?" : OBJ_nid2ln(nid));
    return line_add(lines, "", line, strlen(line), err);
}

static const char *curve_name(EVP_PKEY *key, char room[64])
{
    static const char *const NAMES[][2] = {
        {"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}, {"SM2", "SM2"}};
    size_t len = 0;
    if (EVP_PKEY_get_group_name(key, room, 64, &len) != 1)
        return "?";
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (strcmp(room, NAMES[i][0]) == 0)
            return NAMES[i][1];
    return room;
}

static int add_key(json_t *lines, const struct words *w, struct err *err)
{
    EVP_PKEY *key = X509_get0_pubkey(w->x509); /* NULL: of no kind that OpenSSL knows */
    const char *kind = key ? EVP_PKEY_get0_type_name(key) : NULL;
    char line[160], curve[64];
    if (!kind)
        snprintf(line, sizeof(line), "%s", text(TEXT_CERT_UNREADABLE, w->lang));
    else if (strcmp(kind, "EC") == 0 || strcmp(kind, "SM2") == 0)
        snprintf(line, sizeof(line), "%s %s (%d %s)", text(TEXT_CERT_CURVE, w->lang), curve_name(key, curve),
                 EVP_PKEY_get_bits(key), text(TEXT_CERT_BITS, w->lang));
    else
        snprintf(line, sizeof(line), "%s %d %s", kind, EVP_PKEY_get_bits(key), text(TEXT_CERT_BITS, w->lang));
    ERR_clear_error();
    return line_add(lines, "", line, strlen(line), err);
}

static int add_digest(json_t *lines, X509 *x509, const EVP_MD *md, struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len;
    if (X509_digest(x509, md, digest, &len) != 1)
        return no_memory(err);
    return line_add_hex(lines, "", digest, len, err);
}

/* ---- sections */

static int put_names(struct words *w, struct err *err)
{
    json_t *lines;
    if (section(w, TEXT_CERT_BASICS, err) != 0)
        return -1;
    if (!(lines = text_row(w, TEXT_CERT_SUBJECT, false)))
        return no_memory(err);
    if (line_add_name(lines, X509_get_subject_name(w->x509), w->lang, err) != 0)
        return -1;
    if (!(lines = text_row(w, TEXT_CERT_ISSUER, false)))
        return no_memory(err);
    return line_add_name(lines, X509_get_issuer_name(w->x509), w->lang, err);
}

static int put_basics(struct words *w, struct err *err)
{
    char version[24];
    json_t *lines;
    snprintf(version, sizeof(version), "V%ld", X509_get_version(w->x509) + 1);
    if (!(lines = text_row(w, TEXT_CERT_SERIAL, true)))
        return no_memory(err);
    if (add_serial(lines, w->x509, err) != 0)
        return -1;
    if (!(lines = text_row(w, TEXT_CERT_NOT_BEFORE, false)))
        return no_memory(err);
    if (add_time(lines, X509_get0_notBefore(w->x509), w, err) != 0)
        return -1;
    if (!(lines = text_row(w, TEXT_CERT_NOT_AFTER, false)))
        return no_memory(err);
    if (add_time(lines, X509_get0_notAfter(w->x509), w, err) != 0)
        return -1;
    if (!(lines = text_row(w, TEXT_CERT_ALGORITHM, false)))
        return no_memory(err);
    if (add_key(lines, w, err) != 0)
        return -1;
    if (!(lines = text_row(w, TEXT_CERT_SIGNATURE, false)))
        return no_memory(err);
    if (add_signature(lines, w, err) != 0)
        return -1;
    lines = text_row(w, TEXT_CERT_VERSION, false);
    return lines ? line_add(lines, "", version, strlen(version), err) : no_memory(err);
}

static int put_extensions(struct words *w, struct err *err)
{
    int n = X509_get_ext_count(w->x509);
    if (n > 0 && section(w, TEXT_CERT_EXTENSIONS, err) != 0)
        return -1;
    for (int i = 0; i < n; i++) {
        X509_EXTENSION *ext = X509_get_ext(w->x509, i);
        const char *title = "";
        bool code = false;
        json_t *lines = json_array();
        int rc = lines ? extension_lines(ext, w->lang, &title, &code, lines, err) : no_memory(err);
        json_t *mine = rc == 0 ? row(w, title, code, X509_EXTENSION_get_critical(ext) == 1) : NULL;
        if (rc == 0 && (!mine || json_array_extend(mine, lines) != 0))
            rc = no_memory(err);
        json_decref(lines);
        if (rc != 0)
            return -1;
    }
    return 0;
}

static int put_fingerprints(struct words *w, json_t *ret, struct err *err)
{
    static const struct {
        const char *title, *key;
        const EVP_MD *(*md)(void);
    } KINDS[] = {{"SHA-256", "sha256", EVP_sha256}, {"SHA-1", "sha1", EVP_sha1}};
    if (section(w, TEXT_CERT_FINGERPRINTS, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        json_t *lines = row(w, KINDS[i].title, true, false);
        if (!lines)
            return no_memory(err);
        if (add_digest(lines, w->x509, KINDS[i].md(), err) != 0)
            return -1;
        if (json_object_set(ret, KINDS[i].key, json_array_get(lines, 0)) != 0)
            return no_memory(err);
    }
    return 0;
}

/* The subject's CN, otherwise its O, otherwise "?". */
static int put_subject(const struct words *w, json_t *ret, struct err *err)
{
    X509_NAME *subject = X509_get_subject_name(w->x509);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        at = X509_NAME_get_index_by_NID(subject, NID_organizationName, -1);
    json_t *lines = json_array(), *serial = json_array();
    int rc = lines && serial ? 0 : no_memory(err);
    if (rc == 0)
        rc = line_add_string(lines, "",
                             at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), err);
    if (rc == 0)
        rc = add_serial(serial, w->x509, err);
    if (rc == 0 && (json_object_set(ret, "subject", json_array_get(lines, 0)) != 0 ||
                    json_object_set(ret, "serial", json_array_get(serial, 0)) != 0))
        rc = no_memory(err);
    json_decref(lines);
    json_decref(serial);
    return rc;
}

int certificate_words_x509(X509 *x509, enum lang lang, json_t **ret, struct err *err)
{
    json_t *all = json_pack("{s:[]}", "sections");
    struct words w = {.x509 = x509, .lang = lang, .sections = json_object_get(all, "sections")};
    if (!all)
        return no_memory(err);
    if (put_subject(&w, all, err) != 0 || put_names(&w, err) != 0 || put_basics(&w, err) != 0 ||
        put_extensions(&w, err) != 0 || put_fingerprints(&w, all, err) != 0) {
        json_decref(all);
        return -1;
    }
    *ret = all;
    return 0;
}

int certificate_words(const char *pem, enum lang lang, json_t **ret, struct err *err)
{
    X509 *x509 = NULL;
    int rc = certificate_parse(pem, &x509, err);
    if (rc == 0)
        rc = certificate_words_x509(x509, lang, ret, err);
    X509_free(x509);
    return rc;
}

/* ---- parsing, and the way up */

int certificate_parse(const char *pem, X509 **ret, struct err *err)
{
    struct certificate c;
    if (certificate_read(pem, &c, err) != 0)
        return -1;
    BIO *bio = BIO_new_mem_buf(pem, -1);
    *ret = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return *ret ? 0 : err_set(err, ERR_FIELD, "it is not a certificate");
}

static STACK_OF(X509) * read_all(const char *pem, size_t len)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    X509 *x509;
    while (all && bio && sk_X509_num(all) < 64 && (x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        if (sk_X509_push(all, x509) <= 0)
            X509_free(x509);
    BIO_free(bio);
    ERR_clear_error();
    return all;
}

static X509 *issuer_of(X509 *below, STACK_OF(X509) * all)
{
    for (int i = 0; i < sk_X509_num(all); i++) {
        X509 *one = sk_X509_value(all, i);
        EVP_PKEY *key = X509_get0_pubkey(one);
        if (X509_NAME_cmp(X509_get_subject_name(one), X509_get_issuer_name(below)) == 0 && key &&
            X509_verify(below, key) == 1)
            return one;
    }
    return NULL;
}

int certificate_chain(X509 *leaf, const char *chain_pem, size_t len, STACK_OF(X509) * *ret, struct err *err)
{
    STACK_OF(X509) *all = read_all(chain_pem, len), *chain = sk_X509_new_null();
    X509 *at = leaf, *above;
    int rc = all && chain ? 0 : no_memory(err);
    while (rc == 0 && sk_X509_num(chain) < CHAIN_MAX && (above = issuer_of(at, all))) {
        if (X509_cmp(above, at) == 0)
            break;
        if (X509_up_ref(above) != 1) {
            rc = no_memory(err);
        } else if (sk_X509_push(chain, above) <= 0) {
            X509_free(above);
            rc = no_memory(err);
        }
        at = above;
    }
    ERR_clear_error();
    sk_X509_pop_free(all, X509_free);
    if (rc == 0) {
        *ret = chain;
        return 0;
    }
    sk_X509_pop_free(chain, X509_free);
    return -1;
}
