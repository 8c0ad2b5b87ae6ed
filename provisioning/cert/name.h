/* Subjects: a profile's template filled from an application. */
#ifndef CASTATION_CERT_NAME_H
#define CASTATION_CERT_NAME_H

#include <openssl/x509.h>

#include "cert/cert.h"

#define NAME_VALUE_SIZE 1024

/* Fill the braces of a template. ERR_PROFILE when it is malformed or the result is longer than `cap`. */
int name_fill(const char *template, const struct application *app, char *ret, size_t cap, struct err *err);

/* The subject as OpenSSL's object, the caller's (X509_NAME_free). Errors as of cert_subject. */
X509_NAME *name_build(const struct profile *profile, const struct application *app, struct err *err);

#endif
