/* The TLS-only CA: certificates for the station API's server and for stations. It signs nothing that a token
 * holds. */
#ifndef CASTATION_PORTAL_PKI_H
#define CASTATION_PORTAL_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/hex.h"

#define PKI_CA_DAYS      3650
#define PKI_SERVER_DAYS  730
#define PKI_STATION_DAYS 365

int pki_key_new(EVP_PKEY **ret, struct err *err); /* P-256 */

/* Self-signed, path length 0. */
int pki_ca_new(EVP_PKEY *key, X509 **ret, struct err *err);

/* serverAuth for the names (DNS names and IP addresses). ERR_FIELD for one that is neither. */
int pki_server_new(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const char *const *names, size_t n, X509 **ret,
                   struct err *err);

/* clientAuth for the key of a PEM certificate request, whose own names are ignored. ERR_FIELD: no request,
 * its signature is wrong, its key is weak, the name is not 1 to 64 letters, digits and hyphens. */
int pki_station_new(X509 *ca, EVP_PKEY *ca_key, const char *csr_pem, const char *name, X509 **ret,
                    struct err *err);

/* Never over a file that is there: ERR_EXISTS. */
int pki_write_private(const char *path, EVP_PKEY *key, struct err *err); /* 0600 */
int pki_write_public(const char *path, EVP_PKEY *key, struct err *err);  /* 0644 */
int pki_write_certificate(const char *path, X509 *x509, struct err *err);
int pki_replace_certificate(const char *path, X509 *x509, struct err *err); /* over one that is there */

int pki_read_certificate(const char *path, X509 **ret, struct err *err);
int pki_read_private(const char *path, EVP_PKEY **ret, struct err *err); /* its owner and mode are checked */
int pki_pem(X509 *x509, char **ret, struct err *err);                    /* free() */

#endif
