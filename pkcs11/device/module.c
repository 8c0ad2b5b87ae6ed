#include "device/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "device/ckr.h"

struct module {
    CK_FUNCTION_LIST_PTR calls;
};

/* What this program calls. A module that leaves one out is refused when it is loaded, not in the middle of a
 * token. */
#define NEEDED(F)                                                                                            \
    F(C_Initialize)                                                                                          \
    F(C_Finalize)                                                                                            \
    F(C_GetInfo)                                                                                             \
    F(C_GetSlotList)                                                                                         \
    F(C_GetTokenInfo)                                                                                        \
    F(C_InitToken)                                                                                           \
    F(C_InitPIN)                                                                                             \
    F(C_SetPIN)                                                                                              \
    F(C_OpenSession)                                                                                         \
    F(C_CloseSession)                                                                                        \
    F(C_CloseAllSessions)                                                                                    \
    F(C_GetSessionInfo)                                                                                      \
    F(C_Login)                                                                                               \
    F(C_Logout)                                                                                              \
    F(C_CreateObject)                                                                                        \
    F(C_DestroyObject)                                                                                       \
    F(C_GetAttributeValue)                                                                                   \
    F(C_SetAttributeValue)                                                                                   \
    F(C_FindObjectsInit)                                                                                     \
    F(C_FindObjects)                                                                                         \
    F(C_FindObjectsFinal)                                                                                    \
    F(C_SignInit)                                                                                            \
    F(C_Sign)                                                                                                \
    F(C_GenerateKeyPair)                                                                                     \
    F(C_GenerateRandom)

static const char *missing_function(const CK_FUNCTION_LIST *calls)
{
#define F(name)                                                                                              \
    if (!calls->name)                                                                                        \
        return #name;
    NEEDED(F)
#undef F
    return NULL;
}

static int open_library(const char *path, CK_FUNCTION_LIST_PTR *ret, struct err *err)
{
    if (file_check_owner(path, false, err) != 0)
        return -1;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(err, ERR_MODULE, "%s", dlerror());
    void *symbol = dlsym(library, "C_GetFunctionList");
    if (!symbol)
        return err_set(err, ERR_MODULE, "it has no C_GetFunctionList: no PKCS#11 module");
    CK_C_GetFunctionList get;
    memcpy(&get, &symbol, sizeof(get)); /* ISO C knows no conversion from object to function pointer */
    CK_RV rv = get(ret);
    if (rv != CKR_OK || !*ret)
        return ckr_fail(err, rv, "C_GetFunctionList");
    const CK_VERSION *v = &(*ret)->version;
    if (v->major != 2 || v->minor < 11)
        return err_set(err, ERR_MODULE, "it speaks Cryptoki %u.%u; 2.11 to 2.40 are supported", v->major,
                       v->minor);
    const char *missing = missing_function(*ret);
    return missing ? err_set(err, ERR_MODULE, "its function list has no %s", missing) : 0;
}

int module_load(struct module **ret, const char *path, struct err *err)
{
    CK_FUNCTION_LIST_PTR calls = NULL;
    if (open_library(path, &calls, err) != 0)
        return err_prepend(err, "module %s", path);
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv = calls->C_Initialize(&args);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        ckr_fail(err, rv, "C_Initialize");
        err->code = ERR_MODULE;
        return err_prepend(err, "module %s", path);
    }
    struct module *m = calloc(1, sizeof(*m));
    if (!m) {
        calls->C_Finalize(NULL);
        return err_set(err, ERR_MEMORY, "module %s", path);
    }
    m->calls = calls;
    *ret = m;
    return 0;
}

void module_free(struct module **m)
{
    if (!*m)
        return;
    (*m)->calls->C_Finalize(NULL);
    free(*m);
    *m = NULL;
}

const CK_FUNCTION_LIST *module_calls(const struct module *m)
{
    return m->calls;
}

static void version_text(const CK_VERSION *v, char ret[8])
{
    snprintf(ret, 8, "%u.%u", v->major, v->minor);
}

int module_info(const struct module *m, struct module_info *ret, struct err *err)
{
    CK_INFO info;
    memset(&info, 0, sizeof(info));
    CK_RV rv = m->calls->C_GetInfo(&info);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_GetInfo");
    module_text(info.libraryDescription, sizeof(info.libraryDescription), ret->library, sizeof(ret->library));
    version_text(&info.libraryVersion, ret->library_version);
    version_text(&info.cryptokiVersion, ret->cryptoki_version);
    return 0;
}

void module_text(const unsigned char *padded, size_t len, char *dst, size_t cap)
{
    while (len > 0 && (padded[len - 1] == ' ' || padded[len - 1] == '\0'))
        len--;
    if (len > cap - 1)
        len = cap - 1;
    for (size_t i = 0; i < len; i++)
        dst[i] = padded[i] >= 0x20 && padded[i] != 0x7f ? (char)padded[i] : '?';
    dst[len] = '\0';
    utf8_scrub(dst);
}
