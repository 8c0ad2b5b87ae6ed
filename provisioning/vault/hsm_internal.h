/* What the files of hsm_*.c share. */
#ifndef CASTATION_VAULT_HSM_INTERNAL_H
#define CASTATION_VAULT_HSM_INTERNAL_H

#include <libp11.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include "vault/hsm.h"

struct hsm {
    void *module; /* dlopen handle; the same library that libp11 loads */
    CK_FUNCTION_LIST *f;
    bool initialized; /* C_Initialize was ours */
    bool instances;   /* each C_GetFunctionList makes an instance with its own login (p11-kit-client.so) */
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    bool has_session, logged_in;
    PKCS11_CTX *ctx;
    PKCS11_SLOT *slots, *p11_slot; /* enumerated once: libp11's objects die with a second enumeration */
    unsigned n_slots;
    EVP_PKEY *keys[HSM_KEY_COUNT];
    CK_OBJECT_HANDLE so_pin[HSM_SO_VERSION_MAX + 1];
    uint32_t so_version;
    char title[HSM_TITLE_SIZE];
    char found[64]; /* label that hsm_any_object names */
};

/* -1, with ERR_HSM_GONE, ERR_HSM_PIN or ERR_HSM as the CK_RV says. */
int hsm_fault(struct err *err, CK_RV rv, const char *what);

/* The URI parsed and checked; the caller frees it with p11_kit_uri_free. */
int hsm_uri_parse(const char *uri, P11KitUri **ret, struct err *err);

#endif
