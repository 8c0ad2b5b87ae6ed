/* Return values of Cryptoki (PKCS#11 v2.40, section 3.6): their names, and which of our errors each one is.
 */
#ifndef CASTATION_DEVICE_CKR_H
#define CASTATION_DEVICE_CKR_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

#include "base/err.h"

const char *ckr_name(CK_RV rv);   /* "CKR_PIN_INCORRECT"; "CKR unknown" when it is none of the standard's */
enum err_code ckr_code(CK_RV rv); /* ERR_TOKEN_FAILED for all that has no better code */

/* Does a login or C_InitToken say so that it did not take the PIN? Modules have several words for it, and
 * each may have cost a try: none is tried again. (Of a PIN that is to be set these are faults of the new
 * PIN.) */
bool ckr_pin_refused(CK_RV rv);

/* Fill *err with "function: CKR_NAME" and the rv beside it. Returns -1. */
int ckr_fail(struct err *err, CK_RV rv, const char *function);

#endif
