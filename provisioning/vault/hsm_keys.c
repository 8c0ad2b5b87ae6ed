/* The HSM's keys: found by label, checked, held for the life of the login. */
#include "vault/hsm_internal.h"

#include <stdio.h>
#include <string.h>

#define OBJECTS_MAX 32

/* Handles of the objects with this label; class: CK_UNAVAILABLE_INFORMATION for any. At most OBJECTS_MAX. */
static int find(struct hsm *h, const char *label, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE found[OBJECTS_MAX],
                size_t *ret_n, struct err *err)
{
    char text[64];
    size_t len = strlen(label);
    memcpy(text, label, len + 1);
    CK_ATTRIBUTE query[] = {{CKA_LABEL, text, len}, {CKA_CLASS, &class, sizeof(class)}};
    CK_ULONG n_query = class == CK_UNAVAILABLE_INFORMATION ? 1 : 2, n = 0;
    CK_RV rv = h->f->C_FindObjectsInit(h->session, query, n_query);
    if (rv != CKR_OK)
        return hsm_fault(err, rv, "C_FindObjectsInit");
    rv = h->f->C_FindObjects(h->session, found, OBJECTS_MAX, &n);
    CK_RV rv_final = h->f->C_FindObjectsFinal(h->session);
    if (rv != CKR_OK || rv_final != CKR_OK)
        return hsm_fault(err, rv != CKR_OK ? rv : rv_final, "C_FindObjects");
    *ret_n = n;
    return 0;
}

/* Zero or one object; its handle, or 0. */
static int find_one(struct hsm *h, const char *label, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret,
                    struct err *err)
{
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    size_t n = 0;
    if (find(h, label, class, found, &n, err) != 0)
        return -1;
    if (n > 1)
        return err_set(err, ERR_HSM,
                       "HSM: %zu keys are labelled \"%s\": remove the ones that are not this CA's", n, label);
    *ret = n == 1 ? found[0] : 0;
    return 0;
}

static int check_guarded(struct hsm *h, const char *label, CK_OBJECT_HANDLE key, struct err *err)
{
    CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
    CK_ATTRIBUTE query[] = {{CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
                            {CKA_EXTRACTABLE, &extractable, sizeof(extractable)}};
    CK_RV rv = h->f->C_GetAttributeValue(h->session, key, query, 2);
    if (rv != CKR_OK)
        return hsm_fault(err, rv, "C_GetAttributeValue");
    if (!sensitive || extractable)
        return err_set(err, ERR_HSM,
                       "HSM: the key \"%s\" could leave the HSM (not sensitive, or extractable): not used",
                       label);
    return 0;
}

static PKCS11_KEY *by_label(PKCS11_KEY *keys, unsigned n, const char *label)
{
    for (unsigned i = 0; i < n; i++)
        if (keys[i].label && strcmp(keys[i].label, label) == 0)
            return &keys[i];
    return NULL;
}

static int take_pair(struct hsm *h, enum hsm_key which, PKCS11_KEY *keys, unsigned n, struct err *err)
{
    const char *label = hsm_key_label(which);
    CK_OBJECT_HANDLE handle = 0;
    if (find_one(h, label, CKO_PRIVATE_KEY, &handle, err) != 0)
        return -1;
    if (handle == 0)
        return 0;
    if (check_guarded(h, label, handle, err) != 0)
        return -1;
    PKCS11_KEY *key = by_label(keys, n, label);
    if (!key)
        return err_set(err, ERR_HSM, "HSM: libp11 does not see the key \"%s\" among %u", label, n);
    h->keys[which] = PKCS11_get_private_key(key);
    return h->keys[which] ? 0 : hsm_evp_failed(h, label, err);
}

static int take_so_pin_keys(struct hsm *h, struct err *err)
{
    h->so_version = 0;
    for (uint32_t v = 1; v <= HSM_SO_VERSION_MAX; v++) {
        char label[64];
        snprintf(label, sizeof(label), HSM_SO_PIN_LABEL, v);
        if (find_one(h, label, CKO_SECRET_KEY, &h->so_pin[v], err) != 0)
            return -1;
        if (h->so_pin[v] == 0)
            continue;
        if (check_guarded(h, label, h->so_pin[v], err) != 0)
            return -1;
        h->so_version = v;
    }
    return 0;
}

int hsm_find_keys(struct hsm *h, struct err *err)
{
    for (size_t i = 0; i < HSM_KEY_COUNT; i++) {
        EVP_PKEY_free(h->keys[i]);
        h->keys[i] = NULL;
    }
    PKCS11_KEY *keys = NULL;
    unsigned n = 0;
    if (PKCS11_enumerate_keys(h->p11_slot->token, &keys, &n) != 0)
        return hsm_evp_failed(h, "libp11 cannot list the keys", err);
    for (int i = 0; i < HSM_KEY_COUNT; i++)
        if (take_pair(h, (enum hsm_key)i, keys, n, err) != 0)
            return -1;
    return take_so_pin_keys(h, err);
}

EVP_PKEY *hsm_key(const struct hsm *h, enum hsm_key which)
{
    return h->keys[which];
}

uint32_t hsm_so_version(const struct hsm *h)
{
    return h->so_version;
}

static int any_of(struct hsm *h, const char *label, bool *ret, struct err *err)
{
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    size_t n = 0;
    if (find(h, label, CK_UNAVAILABLE_INFORMATION, found, &n, err) != 0)
        return -1;
    *ret = n > 0;
    if (n > 0)
        snprintf(h->found, sizeof(h->found), "%s", label);
    return 0;
}

int hsm_any_object(struct hsm *h, const char **ret_label, struct err *err)
{
    bool any = false;
    for (int i = 0; i < HSM_KEY_COUNT && !any; i++)
        if (any_of(h, hsm_key_label((enum hsm_key)i), &any, err) != 0)
            return -1;
    for (uint32_t v = 1; v <= HSM_SO_VERSION_MAX && !any; v++) {
        char label[64];
        snprintf(label, sizeof(label), HSM_SO_PIN_LABEL, v);
        if (any_of(h, label, &any, err) != 0)
            return -1;
    }
    *ret_label = any ? h->found : NULL;
    return 0;
}
