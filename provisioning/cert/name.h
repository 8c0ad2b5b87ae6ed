/* Subjects: a profile's template filled from an application. */
#ifndef CASTATION_CERT_NAME_H
#define CASTATION_CERT_NAME_H

#include <openssl/x509.h>

#include "cert/cert.h"

/* The subject as OpenSSL's object, the caller's (X509_NAME_free). Errors as of cert_subject. */
X509_NAME *name_build(const struct profile *profile, const struct application *app, struct err *err);

#endif
