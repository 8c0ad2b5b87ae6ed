/* A PKCS#11 module: loaded, initialised, finalised. One in a process, as vendor modules expect. */
#ifndef CASTATION_DEVICE_MODULE_H
#define CASTATION_DEVICE_MODULE_H

#include <p11-kit/pkcs11.h>

#include "base/err.h"

struct module;

/* dlopen, C_GetFunctionList and C_Initialize (CKF_OS_LOCKING_OK). ERR_MODULE with the path and the reason:
 * not to be loaded, no PKCS#11 module, older than 2.11, a function missing from its list, or refused to
 * initialise. ERR_PERMISSION: others can write the file. */
int module_load(struct module **ret, const char *path, struct err *err);

/* C_Finalize. The library stays mapped: vendor modules leave threads and exit handlers behind. NULL-safe. */
void module_free(struct module **m);

const CK_FUNCTION_LIST *module_calls(const struct module *m); /* every function this program uses is there */

/* C_GetInfo: the library's description, blanks cut off, and versions as "2.40". */
struct module_info {
    char library[33], library_version[8], cryptoki_version[8];
};
int module_info(const struct module *m, struct module_info *ret, struct err *err);

/* Copy a blank-padded PKCS#11 string: blanks cut off at its end, made valid UTF-8, NUL-terminated, at most
 * cap-1. */
void module_text(const unsigned char *padded, size_t len, char *dst, size_t cap);

#endif
