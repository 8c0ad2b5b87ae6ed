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

static const struct pair_kind {
    CK_MECHANISM_TYPE mechanism;
    const uint8_t *curve;
    size_t curve_len;
    CK_ULONG bits;
} kinds[KEY_TYPE_COUNT] = {
    [KEY_P256] = {CKM_EC_KEY_PAIR_GEN, p256_oid, sizeof(p256_oid), 0},
    [KEY_P384] = {CKM_EC_KEY_PAIR_GEN, p384_oid, sizeof(p384_oid), 0},
    [KEY_RSA3072] = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 3072},
    [KEY_RSA4096] = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0, 4096},
};

static int make_pair(struct hsm *h, enum hsm_key which, enum key_type type, struct made *made,
                     struct err *err)
{
    const struct pair_kind *kind = &kinds[type];
    char label[64];
    uint8_t id[8], curve[sizeof(p256_oid)], exponent[] = {1, 0, 1};
    CK_ULONG bits = kind->bits;
    random_bytes(id, sizeof(id));
    snprintf(label, sizeof(label), "%s", hsm_key_label(which));
    if (kind->curve)
        memcpy(curve, kind->curve, kind->curve_len);
    CK_BBOOL *signs = which == HSM_SEALING ? &no : &yes, *opens = which == HSM_SEALING ? &yes : &no;
    CK_ATTRIBUTE public[] = {
        FLAG(CKA_TOKEN, yes),
        FLAG(CKA_PRIVATE, no),
        {CKA_LABEL, label, strlen(label)},
        {CKA_ID, id, sizeof(id)},
        {CKA_VERIFY, signs, sizeof(CK_BBOOL)},
        {CKA_ENCRYPT, opens, sizeof(CK_BBOOL)},
        {CKA_EC_PARAMS, curve, kind->curve_len},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)}, /* RSA: these two in the place of the curve */
        {CKA_MODULUS_BITS, &bits, sizeof(bits)},
    };
    CK_ULONG n_public = 7;
    if (!kind->curve) {
        public[6] = public[8];
        n_public = 8;
    }
    CK_ATTRIBUTE private[] = {
        FLAG(CKA_TOKEN, yes),
        FLAG(CKA_PRIVATE, yes),
        FLAG(CKA_SENSITIVE, yes),
        FLAG(CKA_EXTRACTABLE, no),
        {CKA_LABEL, label, strlen(label)},
        {CKA_ID, id, sizeof(id)},
        {CKA_SIGN, signs, sizeof(CK_BBOOL)},
        {CKA_DECRYPT, opens, sizeof(CK_BBOOL)},
    };
    CK_MECHANISM mechanism = {.mechanism = kind->mechanism};
    CK_OBJECT_HANDLE *pair = &made->handles[made->n];
    CK_RV rv = h->f->C_GenerateKeyPair(h->session, &mechanism, public, n_public, private,
                                       sizeof(private) / sizeof(private[0]), &pair[0], &pair[1]);
    if (rv != CKR_OK) {
        hsm_fault(err, rv, "C_GenerateKeyPair");
        return err_prepend(err, "%s (%s)", label, key_type_name(type));
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
    if ((unsigned)ca >= KEY_TYPE_COUNT || kinds[ca].mechanism == 0)
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
