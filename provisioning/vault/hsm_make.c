/* The keys of a new CA, made in the HSM: never there in the clear, never to leave it. */
#include "vault/hsm_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
#define FLAG(type, value)                                                                                    \
    {                                                                                                        \
        type, &(value), sizeof(CK_BBOOL)                                                                     \
    }

/* Objects made so far, to be destroyed again when a later one fails. */
struct made {
    CK_OBJECT_HANDLE handles[2 * HSM_KEY_COUNT + 1];
    size_t n;
};

/* DER object identifiers for CKA_EC_PARAMS (RFC 5480 2.1.1.1). */
static const uint8_t p256_oid[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384_oid[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};

/* CKM_RSA_PKCS_KEY_PAIR_GEN is 0, so a flag of its own says which key types there are. */
static const struct pair_kind {
    bool known;
    CK_MECHANISM_TYPE mechanism;
    const uint8_t *curve;
    size_t curve_len;
    CK_ULONG bits;
} kinds[KEY_TYPE_COUNT] = {
    [KEY_P256] = {true, CKM_EC_KEY_PAIR_GEN, p256_oid, sizeof(p256_oid), 0},
    [KEY_P384] = {true, CKM_EC_KEY_PAIR_GEN, p384_oid, sizeof(p384_oid), 0},
    [KEY_RSA3072] = {true, CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 3072},
    [KEY_RSA4096] = {true, CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 4096},
};

/* Values that the templates point to: Cryptoki's attributes take pointers to non-const. */
struct pair_values {
    char label[64];
    uint8_t id[8], curve[sizeof(p256_oid)], exponent[3];
    CK_ULONG bits;
    CK_BBOOL signs, opens; /* a signing pair, or the sealing pair */
};

static void set_values(struct pair_values *v, enum hsm_key which, const struct pair_kind *kind)
{
    static const uint8_t f4[] = {1, 0, 1};
    memset(v, 0, sizeof(*v));
    snprintf(v->label, sizeof(v->label), "%s", hsm_key_label(which));
    random_bytes(v->id, sizeof(v->id));
    memcpy(v->exponent, f4, sizeof(f4));
    if (kind->curve)
        memcpy(v->curve, kind->curve, kind->curve_len);
    v->bits = kind->bits;
    v->opens = which == HSM_SEALING;
    v->signs = which != HSM_SEALING;
}

static int make_pair(struct hsm *h, enum hsm_key which, enum key_type type, struct made *made,
                     struct err *err)
{
    const struct pair_kind *kind = &kinds[type];
    struct pair_values v;
    set_values(&v, which, kind);
    const CK_ATTRIBUTE curve = {CKA_EC_PARAMS, v.curve, kind->curve_len},
                       bits = {CKA_MODULUS_BITS, &v.bits, sizeof(v.bits)};
    CK_ATTRIBUTE public[] = {
        FLAG(CKA_TOKEN, yes),
        FLAG(CKA_PRIVATE, no),
        {CKA_LABEL, v.label, strlen(v.label)},
        {CKA_ID, v.id, sizeof(v.id)},
        FLAG(CKA_VERIFY, v.signs),
        FLAG(CKA_ENCRYPT, v.opens),
        kind->curve ? curve : bits,
        {CKA_PUBLIC_EXPONENT, v.exponent, sizeof(v.exponent)}, /* RSA only: the last one */
    };
    CK_ATTRIBUTE private[] = {
        FLAG(CKA_TOKEN, yes),
        FLAG(CKA_PRIVATE, yes),
        FLAG(CKA_SENSITIVE, yes),
        FLAG(CKA_EXTRACTABLE, no),
        {CKA_LABEL, v.label, strlen(v.label)},
        {CKA_ID, v.id, sizeof(v.id)},
        FLAG(CKA_SIGN, v.signs),
        FLAG(CKA_DECRYPT, v.opens),
    };
    CK_MECHANISM mechanism = {.mechanism = kind->mechanism};
    CK_OBJECT_HANDLE *pair = &made->handles[made->n];
    CK_RV rv = h->f->C_GenerateKeyPair(h->session, &mechanism, public, kind->curve ? 7 : 8, private, 8,
                                       &pair[0], &pair[1]);
    if (rv != CKR_OK) {
        hsm_fault(err, rv, "C_GenerateKeyPair");
        return err_prepend(err, "%s (%s)", v.label, key_type_name(type));
    }
    made->n += 2;
    return 0;
}

static int make_so_pin(struct hsm *h, uint32_t version, struct made *made, struct err *err)
{
    char label[64];
    snprintf(label, sizeof(label), HSM_SO_PIN_LABEL, version);
    CK_ULONG len = 32;
    CK_ATTRIBUTE key[] = {
        FLAG(CKA_TOKEN, yes),
        FLAG(CKA_PRIVATE, yes),
        FLAG(CKA_SENSITIVE, yes),
        FLAG(CKA_EXTRACTABLE, no),
        FLAG(CKA_SIGN, yes),
        FLAG(CKA_VERIFY, yes),
        {CKA_LABEL, label, strlen(label)},
        {CKA_VALUE_LEN, &len, sizeof(len)},
    };
    CK_MECHANISM mechanism = {.mechanism = CKM_GENERIC_SECRET_KEY_GEN};
    CK_RV rv = h->f->C_GenerateKey(h->session, &mechanism, key, sizeof(key) / sizeof(key[0]),
                                   &made->handles[made->n]);
    if (rv != CKR_OK) {
        hsm_fault(err, rv, "C_GenerateKey");
        return err_prepend(err, "%s", label);
    }
    made->n++;
    return 0;
}

int hsm_make_keys(struct hsm *h, enum key_type ca, struct err *err)
{
    if ((unsigned)ca >= KEY_TYPE_COUNT || !kinds[ca].known)
        return err_set(err, ERR_FIELD, "key_type: a CA key is P-256, P-384, RSA-3072 or RSA-4096");
    struct made made = {.n = 0};
    if (make_pair(h, HSM_CA, ca, &made, err) == 0 && make_so_pin(h, 1, &made, err) == 0 &&
        make_pair(h, HSM_SEALING, KEY_RSA3072, &made, err) == 0 &&
        make_pair(h, HSM_AUDIT, KEY_P256, &made, err) == 0)
        return 0;
    while (made.n > 0)
        h->f->C_DestroyObject(h->session,
                              made.handles[--made.n]); /* of what this very call made, and nothing else */
    return -1;
}
