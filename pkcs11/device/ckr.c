#include "device/ckr.h"

#include <stddef.h>

static const struct {
    CK_RV rv;
    const char *name;
    enum err_code code;
} CODES[] = {
#define CKR(name, code) {name, #name, code},
    CKR(CKR_OK, ERR_NONE) CKR(CKR_CANCEL, ERR_TOKEN_FAILED) CKR(CKR_HOST_MEMORY, ERR_MEMORY) CKR(
        CKR_SLOT_ID_INVALID, ERR_TOKEN_ABSENT) CKR(CKR_GENERAL_ERROR,
                                                   ERR_MODULE) CKR(CKR_FUNCTION_FAILED,
                                                                   ERR_TOKEN_FAILED) CKR(CKR_ARGUMENTS_BAD,
                                                                                         ERR_MODULE)
        CKR(CKR_NO_EVENT, ERR_TOKEN_FAILED) CKR(CKR_NEED_TO_CREATE_THREADS, ERR_MODULE) CKR(
            CKR_CANT_LOCK,
            ERR_MODULE) CKR(CKR_ATTRIBUTE_READ_ONLY,
                            ERR_TOKEN_FAILED) CKR(CKR_ATTRIBUTE_SENSITIVE,
                                                  ERR_TOKEN_FAILED) CKR(CKR_ATTRIBUTE_TYPE_INVALID,
                                                                        ERR_TOKEN_FAILED)
            CKR(CKR_ATTRIBUTE_VALUE_INVALID, ERR_TOKEN_FAILED) CKR(CKR_DATA_INVALID, ERR_TOKEN_FAILED) CKR(
                CKR_DATA_LEN_RANGE,
                ERR_TOKEN_FAILED) CKR(CKR_DEVICE_ERROR,
                                      ERR_TOKEN_FAILED) CKR(CKR_DEVICE_MEMORY,
                                                            ERR_TOKEN_FULL) CKR(CKR_DEVICE_REMOVED,
                                                                                ERR_TOKEN_ABSENT)
                CKR(CKR_ENCRYPTED_DATA_INVALID, ERR_TOKEN_FAILED) CKR(CKR_ENCRYPTED_DATA_LEN_RANGE, ERR_TOKEN_FAILED) CKR(
                    CKR_FUNCTION_CANCELED,
                    ERR_TOKEN_FAILED) CKR(CKR_FUNCTION_NOT_PARALLEL,
                                          ERR_TOKEN_FAILED) CKR(CKR_FUNCTION_NOT_SUPPORTED, ERR_TOKEN_FAILED)
                    CKR(CKR_KEY_HANDLE_INVALID, ERR_TOKEN_FAILED) CKR(CKR_KEY_SIZE_RANGE, ERR_TOKEN_FAILED) CKR(
                        CKR_KEY_TYPE_INCONSISTENT,
                        ERR_TOKEN_FAILED) CKR(CKR_KEY_NOT_NEEDED,
                                              ERR_TOKEN_FAILED) CKR(CKR_KEY_CHANGED, ERR_TOKEN_FAILED)
                        CKR(CKR_KEY_NEEDED, ERR_TOKEN_FAILED) CKR(CKR_KEY_INDIGESTIBLE, ERR_TOKEN_FAILED) CKR(
                            CKR_KEY_FUNCTION_NOT_PERMITTED,
                            ERR_TOKEN_FAILED) CKR(CKR_KEY_NOT_WRAPPABLE,
                                                  ERR_TOKEN_FAILED) CKR(CKR_KEY_UNEXTRACTABLE, ERR_TOKEN_FAILED)
                            CKR(CKR_MECHANISM_INVALID, ERR_TOKEN_FAILED) CKR(CKR_MECHANISM_PARAM_INVALID, ERR_TOKEN_FAILED) CKR(
                                CKR_OBJECT_HANDLE_INVALID,
                                ERR_TOKEN_FAILED) CKR(CKR_OPERATION_ACTIVE,
                                                      ERR_TOKEN_FAILED) CKR(CKR_OPERATION_NOT_INITIALIZED, ERR_TOKEN_FAILED)
                                CKR(CKR_PIN_INCORRECT, ERR_TOKEN_FAILED) CKR(CKR_PIN_INVALID, ERR_TOKEN_FAILED) CKR(
                                    CKR_PIN_LEN_RANGE,
                                    ERR_TOKEN_FAILED) CKR(CKR_PIN_EXPIRED,
                                                          ERR_TOKEN_FAILED) CKR(CKR_PIN_LOCKED, ERR_PIN_LOCKED)
                                    CKR(CKR_SESSION_CLOSED, ERR_TOKEN_FAILED) CKR(CKR_SESSION_COUNT, ERR_TOKEN_FAILED) CKR(
                                        CKR_SESSION_HANDLE_INVALID,
                                        ERR_TOKEN_FAILED) CKR(CKR_SESSION_PARALLEL_NOT_SUPPORTED,
                                                              ERR_TOKEN_FAILED) CKR(CKR_SESSION_READ_ONLY, ERR_TOKEN_FAILED)
                                        CKR(CKR_SESSION_EXISTS, ERR_TOKEN_FAILED) CKR(
                                            CKR_SESSION_READ_ONLY_EXISTS,
                                            ERR_TOKEN_FAILED) CKR(CKR_SESSION_READ_WRITE_SO_EXISTS,
                                                                  ERR_TOKEN_FAILED)
                                            CKR(CKR_SIGNATURE_INVALID, ERR_TOKEN_FAILED) CKR(
                                                CKR_SIGNATURE_LEN_RANGE,
                                                ERR_TOKEN_FAILED) CKR(CKR_TEMPLATE_INCOMPLETE,
                                                                      ERR_TOKEN_FAILED)
                                                CKR(CKR_TEMPLATE_INCONSISTENT, ERR_TOKEN_FAILED) CKR(
                                                    CKR_TOKEN_NOT_PRESENT,
                                                    ERR_TOKEN_ABSENT) CKR(CKR_TOKEN_NOT_RECOGNIZED,
                                                                          ERR_TOKEN_PRODUCT) CKR(CKR_TOKEN_WRITE_PROTECTED,
                                                                                                 ERR_TOKEN_FAILED)
                                                    CKR(CKR_UNWRAPPING_KEY_HANDLE_INVALID, ERR_TOKEN_FAILED) CKR(
                                                        CKR_UNWRAPPING_KEY_SIZE_RANGE,
                                                        ERR_TOKEN_FAILED) CKR(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
                                                                              ERR_TOKEN_FAILED)
                                                        CKR(CKR_USER_ALREADY_LOGGED_IN, ERR_TOKEN_FAILED) CKR(
                                                            CKR_USER_NOT_LOGGED_IN,
                                                            ERR_TOKEN_FAILED) CKR(CKR_USER_PIN_NOT_INITIALIZED,
                                                                                  ERR_TOKEN_FAILED)
                                                            CKR(CKR_USER_TYPE_INVALID, ERR_TOKEN_FAILED) CKR(
                                                                CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
                                                                ERR_TOKEN_FAILED) CKR(CKR_USER_TOO_MANY_TYPES,
                                                                                      ERR_TOKEN_FAILED)
                                                                CKR(CKR_WRAPPED_KEY_INVALID, ERR_TOKEN_FAILED) CKR(
                                                                    CKR_WRAPPED_KEY_LEN_RANGE,
                                                                    ERR_TOKEN_FAILED) CKR(CKR_WRAPPING_KEY_HANDLE_INVALID,
                                                                                          ERR_TOKEN_FAILED)
                                                                    CKR(CKR_WRAPPING_KEY_SIZE_RANGE, ERR_TOKEN_FAILED) CKR(
                                                                        CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
                                                                        ERR_TOKEN_FAILED) CKR(CKR_RANDOM_SEED_NOT_SUPPORTED,
                                                                                              ERR_TOKEN_FAILED)
                                                                        CKR(CKR_RANDOM_NO_RNG, ERR_TOKEN_FAILED) CKR(
                                                                            CKR_DOMAIN_PARAMS_INVALID,
                                                                            ERR_TOKEN_FAILED) CKR(CKR_BUFFER_TOO_SMALL,
                                                                                                  ERR_MODULE)
                                                                            CKR(CKR_SAVED_STATE_INVALID, ERR_TOKEN_FAILED) CKR(
                                                                                CKR_INFORMATION_SENSITIVE,
                                                                                ERR_TOKEN_FAILED) CKR(CKR_STATE_UNSAVEABLE,
                                                                                                      ERR_TOKEN_FAILED)
                                                                                CKR(CKR_CRYPTOKI_NOT_INITIALIZED,
                                                                                    ERR_MODULE)
                                                                                    CKR(CKR_CRYPTOKI_ALREADY_INITIALIZED,
                                                                                        ERR_MODULE)
                                                                                        CKR(CKR_MUTEX_BAD, ERR_MODULE) CKR(
                                                                                            CKR_MUTEX_NOT_LOCKED,
                                                                                            ERR_MODULE)
                                                                                            CKR(CKR_FUNCTION_REJECTED,
                                                                                                ERR_TOKEN_FAILED)
                                                                                                CKR(CKR_VENDOR_DEFINED,
                                                                                                    ERR_TOKEN_FAILED)
#undef CKR
};

static size_t find(CK_RV rv)
{
    size_t i = 0;
    while (i < sizeof(CODES) / sizeof(CODES[0]) && CODES[i].rv != rv)
        i++;
    return i;
}

const char *ckr_name(CK_RV rv)
{
    size_t i = find(rv);
    return i < sizeof(CODES) / sizeof(CODES[0]) ? CODES[i].name : "CKR unknown";
}

enum err_code ckr_code(CK_RV rv)
{
    size_t i = find(rv);
    return i < sizeof(CODES) / sizeof(CODES[0]) ? CODES[i].code : ERR_TOKEN_FAILED;
}

int ckr_fail(struct err *err, CK_RV rv, const char *function)
{
    if (find(rv) == sizeof(CODES) / sizeof(CODES[0]))
        return err_ckr(err, ckr_code(rv), rv, "%s: CKR 0x%lx, which is no value of the standard", function,
                       rv);
    /* "CKR_OK" as a failure: the function said yes and answered nonsense */
    return err_ckr(err, rv == CKR_OK ? ERR_MODULE : ckr_code(rv), rv, "%s: %s", function, ckr_name(rv));
}
