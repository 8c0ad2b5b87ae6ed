/* The floor: what a P-256 token costs in bare PKCS#11 calls, one process, no journal, no proof.
 * usage: floor CONF COUNT   (CONF: a SoftHSM configuration whose token was factory-initialised by
 * castation-blank) Prints seconds per token. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "base/clock.h"
#include "products/products.h"

static CK_FUNCTION_LIST *p11;

#define MUST(call)                                                                                           \
    do {                                                                                                     \
        CK_RV rv_ = (call);                                                                                  \
        if (rv_ != CKR_OK) {                                                                                 \
            fprintf(stderr, "floor: %s: 0x%lx\n", #call, rv_);                                               \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static CK_SLOT_ID initialised_slot(void)
{
    CK_SLOT_ID slots[8];
    CK_ULONG n = 8;
    MUST(p11->C_GetSlotList(CK_TRUE, slots, &n));
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;
        MUST(p11->C_GetTokenInfo(slots[i], &info));
        if ((info.flags & CKF_TOKEN_INITIALIZED) != 0)
            return slots[i];
    }
    fprintf(stderr, "floor: no token\n");
    exit(1);
}

static void keygen(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *ret_private)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public[] = {
        {CKA_EC_PARAMS, p256, sizeof p256}, {CKA_TOKEN, &yes, sizeof yes}, {CKA_VERIFY, &yes, sizeof yes}};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof yes},
                              {CKA_PRIVATE, &yes, sizeof yes},
                              {CKA_SENSITIVE, &yes, sizeof yes},
                              {CKA_EXTRACTABLE, &no, sizeof no},
                              {CKA_SIGN, &yes, sizeof yes}};
    CK_OBJECT_HANDLE pub;
    MUST(p11->C_GenerateKeyPair(s, &mechanism, public, 3, private, 5, &pub, ret_private));
}

static void sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1}, signature[64];
    CK_ULONG len = sizeof signature;
    MUST(p11->C_SignInit(s, &mechanism, key));
    MUST(p11->C_Sign(s, digest, sizeof digest, signature, &len));
}

static void write_object(CK_SESSION_HANDLE s)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    CK_BYTE value[700] = {0};
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_TOKEN, &yes, sizeof yes}, {CKA_VALUE, value, sizeof value}};
    CK_OBJECT_HANDLE object;
    MUST(p11->C_CreateObject(s, template, 3, &object));
}

static CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE s)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG n = 0;
    MUST(p11->C_FindObjectsInit(s, template, 1));
    MUST(p11->C_FindObjects(s, &key, 1, &n));
    MUST(p11->C_FindObjectsFinal(s));
    return key;
}

static void token(const char *so_pin)
{
    CK_UTF8CHAR label[32], pin[] = "a1b2c3d4e5";
    CK_SLOT_ID slot = initialised_slot();
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    CK_UTF8CHAR *so = (CK_UTF8CHAR *)(uintptr_t)so_pin;
    CK_ULONG so_len = strlen(so_pin);
    memset(label, ' ', sizeof label);
    MUST(p11->C_InitToken(slot, so, so_len, label));
    MUST(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s));
    MUST(p11->C_Login(s, CKU_SO, so, so_len));
    MUST(p11->C_SetPIN(s, so, so_len, so, so_len));
    MUST(p11->C_InitPIN(s, pin, 10));
    MUST(p11->C_Logout(s));
    MUST(p11->C_Login(s, CKU_USER, pin, 10));
    keygen(s, &key);
    sign(s, key); /* the CSR */
    sign(s, key); /* the challenge */
    write_object(s);
    write_object(s);
    MUST(p11->C_CloseSession(s));
    MUST(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s));
    MUST(p11->C_Login(s, CKU_USER, pin, 10));
    sign(s, find_key(s)); /* the proof */
    MUST(p11->C_CloseSession(s));
}

int main(int argc, char **argv)
{
    if (argc != 3 || setenv("SOFTHSM2_CONF", argv[1], 1) != 0)
        return 2;
    const struct product *product = product_find("softhsm");
    void *library = product != NULL ? dlopen(product->module, RTLD_NOW) : NULL;
    CK_C_GetFunctionList get = NULL;
    if (library == NULL)
        return 1;
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&p11) != CKR_OK)
        return 1;
    const long count = strtol(argv[2], NULL, 10);
    const int64_t began = clock_mono_ms();
    for (long i = 0; i < count; i++) {
        MUST(p11->C_Initialize(NULL)); /* a device is opened for each token */
        token(product->factory_so_pin);
        MUST(p11->C_Finalize(NULL));
    }
    printf("%.6f\n", (double)(clock_mono_ms() - began) / 1000.0 / (double)count);
    return 0;
}
