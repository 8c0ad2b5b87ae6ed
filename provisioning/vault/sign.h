/* The one signature that matters: over the reserved bytes, as they are. */
#ifndef CASTATION_VAULT_SIGN_H
#define CASTATION_VAULT_SIGN_H

#include "vault/ca.h"

/* Certificate = SEQUENCE { tbs as it is, AlgorithmIdentifier as it stands in the TBS, signature } (RFC
 * 5280 4.1), signed in the HSM and verified with the CA certificate before it is returned. ERR_HSM,
 * ERR_HSM_GONE. */
int sign_tbs(const struct ca *ca, struct hsm *hsm, const void *tbs, size_t len, struct buf *ret_certificate,
             struct err *err);

#endif
