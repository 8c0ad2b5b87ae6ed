#include "cert/parse.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>

X509 *parse_certificate(const void *der, size_t len, const char *what, struct err *err)
{
    const unsigned char *p = der;
    X509 *cert = len > 0 && len <= INT_MAX ? d2i_X509(NULL, &p, (long)len) : NULL;
    ERR_clear_error();
    if (cert && p == (const unsigned char *)der + len)
        return cert;
    err_set(err, ERR_FIELD, "%s: %s", what,
            cert ? "bytes behind the certificate" : "it is no certificate in DER");
    X509_free(cert);
    return NULL;
}

X509_PUBKEY *parse_spki(const void *der, size_t len, struct err *err)
{
    const unsigned char *p = der;
    X509_PUBKEY *spki = len > 0 && len <= INT_MAX ? d2i_X509_PUBKEY(NULL, &p, (long)len) : NULL;
    ERR_clear_error();
    if (spki && p == (const unsigned char *)der + len)
        return spki;
    err_set(err, ERR_FIELD, "the public key is no SubjectPublicKeyInfo in DER");
    X509_PUBKEY_free(spki);
    return NULL;
}

EVP_PKEY *parse_public_key(const void *spki, size_t len, struct err *err)
{
    X509_PUBKEY *parsed = parse_spki(spki, len, err);
    if (!parsed)
        return NULL;
    EVP_PKEY *key = X509_PUBKEY_get(parsed);
    X509_PUBKEY_free(parsed);
    ERR_clear_error();
    if (!key)
        err_set(err, ERR_WEAK_KEY, "the public key cannot be read: not of a known kind, or not on its curve");
    return key;
}

static enum key_type ec_type(EVP_PKEY *key)
{
    char group[32] = "";
    size_t len;
    if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1)
        return KEY_NONE;
    return strcmp(group, SN_X9_62_prime256v1) == 0 ? KEY_P256
           : strcmp(group, SN_secp384r1) == 0      ? KEY_P384
                                                   : KEY_NONE;
}

static enum key_type rsa_type(EVP_PKEY *key)
{
    switch (EVP_PKEY_get_bits(key)) {
    case 2048:
        return KEY_RSA2048;
    case 3072:
        return KEY_RSA3072;
    case 4096:
        return KEY_RSA4096;
    default:
        return KEY_NONE;
    }
}

enum key_type key_type_of(EVP_PKEY *key)
{
    enum key_type type = EVP_PKEY_is_a(key, "EC")    ? ec_type(key)
                         : EVP_PKEY_is_a(key, "RSA") ? rsa_type(key)
                                                     : KEY_NONE;
    ERR_clear_error();
    return type;
}

int put_item_of(const void *object, const ASN1_ITEM *item, const char *what, struct buf *b, struct err *err)
{
    unsigned char *der = NULL;
    int n = ASN1_item_i2d(object, &der, item);
    ERR_clear_error();
    if (n <= 0)
        return err_set(err, ERR_INTERNAL, "%s: it cannot be encoded", what);
    int rc = buf_put(b, der, (size_t)n, err);
    OPENSSL_free(der);
    return rc;
}

int put_sequence(size_t len, struct buf *b, struct err *err)
{
    if (len > INT_MAX / 2)
        return err_set(err, ERR_TOO_LARGE, "a SEQUENCE of %zu bytes", len);
    int header = ASN1_object_size(1, (int)len, V_ASN1_SEQUENCE) - (int)len;
    if (header <= 0 || buf_reserve(b, (size_t)header, err) != 0)
        return -1;
    unsigned char *p = b->data + b->len;
    ASN1_put_object(&p, 1, (int)len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    b->len += (size_t)header;
    return 0;
}

struct tlv {
    uint8_t tag;
    const uint8_t *content;
    size_t len;
};

/* Take one TLV with a low tag number off *p; X.690 8.1, 10.1. */
static bool take_tlv(const uint8_t **p, const uint8_t *end, struct tlv *ret)
{
    if (end - *p < 2 || (**p & 0x1f) == 0x1f)
        return false;
    ret->tag = *(*p)++;
    ret->len = *(*p)++;
    if (ret->len >= 0x80) {
        size_t octets = ret->len & 0x7f;
        ret->len = 0;
        if (octets == 0 || octets > 3 || (size_t)(end - *p) < octets || **p == 0)
            return false;
        while (octets-- > 0)
            ret->len = ret->len << 8 | *(*p)++;
        if (ret->len < 0x80)
            return false;
    }
    if ((size_t)(end - *p) < ret->len)
        return false;
    ret->content = *p;
    *p += ret->len;
    return true;
}

static bool primitive_is_strict(const struct tlv *t)
{
    const uint8_t *c = t->content;
    switch (t->tag) {
    case V_ASN1_BOOLEAN:
        return t->len == 1 && (c[0] == 0 || c[0] == 0xff);
    case V_ASN1_INTEGER:
    case V_ASN1_ENUMERATED:
        return t->len > 0 && (t->len == 1 || !((c[0] == 0 && c[1] < 0x80) || (c[0] == 0xff && c[1] >= 0x80)));
    case V_ASN1_BIT_STRING:
        return t->len > 0 && c[0] < 8 && (t->len > 1 || c[0] == 0) &&
               (c[t->len - 1] & ((1u << c[0]) - 1)) == 0;
    case V_ASN1_NULL:
        return t->len == 0;
    case V_ASN1_SEQUENCE:
    case V_ASN1_SET:
        return false;
    default:
        return true;
    }
}

static bool tlvs_are_strict(const uint8_t *p, const uint8_t *end, int depth)
{
    if (depth > 16)
        return false;
    while (p < end) {
        struct tlv t;
        if (!take_tlv(&p, end, &t))
            return false;
        bool constructed = t.tag & V_ASN1_CONSTRUCTED, universal = t.tag < 0x40;
        uint8_t number = t.tag & 0x1f;
        if (constructed && universal && number != V_ASN1_SEQUENCE && number != V_ASN1_SET)
            return false;
        if (constructed ? !tlvs_are_strict(t.content, t.content + t.len, depth + 1)
                        : !primitive_is_strict(&t))
            return false;
    }
    return true;
}

bool der_is_strict(const void *der, size_t len)
{
    const uint8_t *p = der, *end = p + len;
    struct tlv t;
    return take_tlv(&p, end, &t) && p == end && tlvs_are_strict(der, end, 0);
}

const uint8_t *first_in_sequence(const void *der, size_t len, size_t *ret_len)
{
    const unsigned char *p = der, *start;
    long content;
    int tag, class;
    if (len > INT_MAX || ASN1_get_object(&p, &content, &tag, &class, (long)len) != V_ASN1_CONSTRUCTED ||
        tag != V_ASN1_SEQUENCE || class != V_ASN1_UNIVERSAL)
        goto none;
    start = p;
    if (ASN1_get_object(&p, &content, &tag, &class, content) != V_ASN1_CONSTRUCTED)
        goto none;
    *ret_len = (size_t)(p - start) + (size_t)content;
    return start;
none:
    ERR_clear_error();
    return NULL;
}
