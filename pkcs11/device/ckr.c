#include "device/ckr.h"

#include <stddef.h>

static const struct {
    CK_RV rv;
    const char *name;
    enum err_code code;
} CODES[] = {
#define X(name, code) {name, #name, code},
#include "device/ckr.def"
#undef X
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

bool ckr_pin_refused(CK_RV rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
           rv == CKR_PIN_EXPIRED;
}

int ckr_fail(struct err *err, CK_RV rv, const char *function)
{
    if (find(rv) == sizeof(CODES) / sizeof(CODES[0]))
        return err_ckr(err, ckr_code(rv), rv, "%s: CKR 0x%lx, which is no value of the standard", function,
                       rv);
    /* "CKR_OK" as a failure: the function said yes and answered nonsense */
    return err_ckr(err, rv == CKR_OK ? ERR_MODULE : ckr_code(rv), rv, "%s: %s", function, ckr_name(rv));
}
