#include "device/certs.h"

#include <string.h>

#include "device/ckr.h"
#include "device/module.h"

#define SAME_ID_MAX 8

/* ---- parsing
 * ------------------------------------------------------------------------------------------------------ */

static X509 *parse_next(const unsigned char **p, const unsigned char *end)
{
    return d2i_X509(NULL, p, (long)(end - *p));
}

X509 *certs_parse(const void *der, size_t len, struct err *err)
{
    const unsigned char *p = der, *end = p + len;
    X509 *certificate = len > 0 ? parse_next(&p, end) : NULL;
    if (certificate && p == end)
        return certificate;
    X509_free(certificate);
    err_set(err, ERR_FIELD, "no certificate in DER");
    return NULL;
}

/* Calls `each` with every certificate of the chain and its bytes; stops at the first -1. */
static int each_of_chain(const void *chain, size_t len,
                         int (*each)(X509 *certificate, const void *der, size_t len, void *arg,
                                     struct err *err),
                         void *arg, struct err *err)
{
    const unsigned char *p = chain, *end = p + len;
    for (int n = 1; p < end; n++) {
        const unsigned char *start = p;
        X509 *certificate = n <= CHAIN_LENGTH_MAX ? parse_next(&p, end) : NULL;
        if (!certificate)
            return err_set(err, ERR_FIELD, "chain: no certificate %d in DER, or more than %d", n,
                           CHAIN_LENGTH_MAX);
        int rc = each(certificate, start, (size_t)(p - start), arg, err);
        X509_free(certificate);
        if (rc != 0)
            return err_prepend(err, "chain: certificate %d", n);
    }
    return 0;
}

int certs_check_key(X509 *certificate, EVP_PKEY *key, struct err *err)
{
    EVP_PKEY *own = X509_get0_pubkey(certificate);
    return own && EVP_PKEY_eq(own, key) == 1
               ? 0
               : err_set(err, ERR_TOKEN_MISMATCH, "the certificate is not of the key on this token");
}

/* ---- writing
 * ------------------------------------------------------------------------------------------------------ */

/* A DER encoding that OpenSSL allocated. */
struct der {
    unsigned char *data;
    int len;
};

struct names {
    struct der subject, issuer, number;
};

static int names_of(X509 *certificate, struct names *ret, struct err *err)
{
    memset(ret, 0, sizeof(*ret));
    ret->subject.len = i2d_X509_NAME(X509_get_subject_name(certificate), &ret->subject.data);
    ret->issuer.len = i2d_X509_NAME(X509_get_issuer_name(certificate), &ret->issuer.data);
    ret->number.len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &ret->number.data);
    if (ret->subject.len > 0 && ret->issuer.len > 0 && ret->number.len > 0)
        return 0;
    return err_set(err, ERR_FIELD, "its names or serial number cannot be encoded");
}

static void names_done(struct names *n)
{
    OPENSSL_free(n->subject.data);
    OPENSSL_free(n->issuer.data);
    OPENSSL_free(n->number.data);
}

#define CATEGORY_USER      1UL /* PKCS#11 v2.40 section 4.6.2 */
#define CATEGORY_AUTHORITY 2UL

static int create(const struct session *s, X509 *certificate, CK_ULONG category, const void *id,
                  size_t id_len, const char *label, const void *der, size_t len, CK_OBJECT_HANDLE *ret,
                  struct err *err)
{
    static const CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    static const CK_CERTIFICATE_TYPE type = CKC_X_509;
    static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    struct names names;
    int rc = names_of(certificate, &names, err);
    if (rc == 0) {
        CK_ATTRIBUTE template[] = {
            ATTRIBUTE(CKA_CLASS, &class, sizeof(class)),
            ATTRIBUTE(CKA_CERTIFICATE_TYPE, &type, sizeof(type)),
            ATTRIBUTE(CKA_TOKEN, &yes, sizeof(yes)),
            ATTRIBUTE(CKA_PRIVATE, &no, sizeof(no)),
            ATTRIBUTE(CKA_CERTIFICATE_CATEGORY, &category, sizeof(category)),
            ATTRIBUTE(CKA_LABEL, label, strlen(label)),
            ATTRIBUTE(CKA_ID, id, id_len),
            ATTRIBUTE(CKA_SUBJECT, names.subject.data, names.subject.len),
            ATTRIBUTE(CKA_ISSUER, names.issuer.data, names.issuer.len),
            ATTRIBUTE(CKA_SERIAL_NUMBER, names.number.data, names.number.len),
            ATTRIBUTE(CKA_VALUE, der, len),
        };
        CK_RV rv = s->calls->C_CreateObject(s->handle, template, COUNT_OF(template), ret);
        rc = rv == CKR_OK ? 0 : ckr_fail(err, rv, "C_CreateObject");
    }
    names_done(&names);
    return rc;
}

/* Certificates under an id, those with exactly these bytes first: *ret_same of them. */
static int find_under(const struct session *s, const void *id, size_t id_len, const void *der, size_t len,
                      CK_OBJECT_HANDLE found[SAME_ID_MAX], size_t *ret_n, size_t *ret_same, struct err *err)
{
    size_t same = 0;
    if (objects_find_id(s, CKO_CERTIFICATE, id, id_len, found, SAME_ID_MAX, ret_n, err) != 0)
        return -1;
    for (size_t i = 0; i < *ret_n; i++) {
        bool equal = false;
        if (objects_equal(s, found[i], CKA_VALUE, der, len, &equal, err) != 0)
            return -1;
        if (equal) {
            CK_OBJECT_HANDLE first = found[same];
            found[same++] = found[i];
            found[i] = first;
        }
    }
    *ret_same = same;
    return 0;
}

static int destroy(const struct session *s, CK_OBJECT_HANDLE object, struct err *err)
{
    CK_RV rv = s->calls->C_DestroyObject(s->handle, object);
    return rv == CKR_OK ? 0 : ckr_fail(err, rv, "C_DestroyObject");
}

/* Find the key by the certificate's subject, as NSS does. A token that does not let it be set is found by
 * CKA_ID. */
static int set_subject(const struct session *s, const struct key_pair *pair, X509 *certificate,
                       struct err *err)
{
    struct names names;
    bool refused = false;
    int rc = names_of(certificate, &names, err);
    if (rc == 0)
        rc = keys_set(s, pair, CKA_SUBJECT, names.subject.data, (size_t)names.subject.len, &refused, err);
    names_done(&names);
    return rc;
}

int certs_write_own(const struct session *s, const struct key_pair *pair, const void *id, size_t id_len,
                    const char *label, const void *der, size_t len, uint32_t *ret_written, struct err *err)
{
    CK_OBJECT_HANDLE there[SAME_ID_MAX], fresh;
    size_t n = 0, same = 0;
    X509 *certificate = certs_parse(der, len, err);
    int rc = certificate ? find_under(s, id, id_len, der, len, there, &n, &same, err) : -1;
    *ret_written = 0;
    if (rc == 0 && same == 0) {
        rc = create(s, certificate, CATEGORY_USER, id, id_len, label, der, len, &fresh, err);
        *ret_written = rc == 0;
    }
    /* only now the others, so that the token is never without one */
    for (size_t i = same > 0 ? 1 : 0; rc == 0 && i < n; i++)
        rc = destroy(s, there[i], err);
    if (rc == 0)
        rc = set_subject(s, pair, certificate, err);
    X509_free(certificate);
    return rc;
}

/* ---- chain
 * -------------------------------------------------------------------------------------------------------- */

static void authority_label(X509 *certificate, char *ret, size_t cap)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *text = NULL;
    int len =
        at < 0 ? -1 : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    module_text(len > 0 ? text : (const unsigned char *)"CA", len > 0 ? (size_t)len : 2, ret, cap);
    OPENSSL_free(text);
}

struct chain_work {
    const struct session *s;
    uint32_t written;
};

/* An authority goes under the hash of its own key, as its certificate's SKI mostly is. */
static int find_authority(const struct session *s, X509 *certificate, const void *der, size_t len,
                          uint8_t id[KEY_HASH_SIZE], size_t *ret_same, struct err *err)
{
    CK_OBJECT_HANDLE there[SAME_ID_MAX];
    size_t n = 0;
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (!key)
        return err_set(err, ERR_FIELD, "its public key is of no known kind");
    if (keys_hash(key, id, err) != 0)
        return -1;
    return find_under(s, id, KEY_HASH_SIZE, der, len, there, &n, ret_same, err);
}

static int write_authority(X509 *certificate, const void *der, size_t len, void *arg, struct err *err)
{
    struct chain_work *w = arg;
    CK_OBJECT_HANDLE fresh;
    uint8_t id[KEY_HASH_SIZE];
    char label[128];
    size_t same = 0;
    if (find_authority(w->s, certificate, der, len, id, &same, err) != 0)
        return -1;
    if (same > 0)
        return 0;
    authority_label(certificate, label, sizeof(label));
    w->written++;
    return create(w->s, certificate, CATEGORY_AUTHORITY, id, sizeof(id), label, der, len, &fresh, err);
}

int certs_write_chain(const struct session *s, const void *chain, size_t len, uint32_t *ret_written,
                      struct err *err)
{
    struct chain_work w = {.s = s};
    if (each_of_chain(chain, len, write_authority, &w, err) != 0)
        return -1;
    *ret_written = w.written;
    return 0;
}

/* ---- reading back
 * ------------------------------------------------------------------------------------------------- */

int certs_read(const struct session *s, const void *id, size_t id_len, struct buf *ret, struct err *err)
{
    CK_OBJECT_HANDLE found;
    size_t n = 0;
    if (objects_find_id(s, CKO_CERTIFICATE, id, id_len, &found, 1, &n, err) != 0)
        return err_prepend(err, "certificate");
    return n == 0 ? 0 : objects_read(s, found, CKA_VALUE, ret, err);
}

static int check_authority(X509 *certificate, const void *der, size_t len, void *arg, struct err *err)
{
    const struct session *s = arg;
    uint8_t id[KEY_HASH_SIZE];
    size_t same = 0;
    if (find_authority(s, certificate, der, len, id, &same, err) != 0)
        return -1;
    return same > 0 ? 0 : err_set(err, ERR_TOKEN_MISMATCH, "it is not on the token");
}

int certs_check(const struct session *s, const void *id, size_t id_len, const void *der, size_t len,
                const void *chain, size_t chain_len, struct err *err)
{
    struct buf there;
    buf_init(&there);
    int rc = certs_read(s, id, id_len, &there, err);
    if (rc == 0 && (there.len != len || len == 0 || memcmp(there.data, der, len) != 0))
        rc = err_set(err, ERR_TOKEN_MISMATCH,
                     there.len == 0 ? "no certificate is under the key's id"
                                    : "another certificate is under the key's id");
    buf_done(&there);
    /* the session is only read; each_of_chain's argument is not const for its other user's sake */
    struct session copy = *s;
    return rc == 0 ? each_of_chain(chain, chain_len, check_authority, &copy, err) : -1;
}
