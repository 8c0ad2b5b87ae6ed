/* The extensions of an organisation's certificate, in the order they are written. RFC 5280 4.2. */
#ifndef CASTATION_CERT_EXTENSIONS_H
#define CASTATION_CERT_EXTENSIONS_H

#include "cert/cert.h"

/* Add all that the profile wants to `cert`, whose public key is set. ERR_CERT_LINT when the CA has no subject
 * key identifier; ERR_PROFILE, ERR_MEMORY. */
int extensions_add(X509 *cert, X509 *ca, const struct profile *profile, const struct application *app,
                   struct err *err);

#endif
