/* What the portal reads out of a certificate that a station reports. */
#ifndef CASTATION_PORTAL_CERTIFICATE_H
#define CASTATION_PORTAL_CERTIFICATE_H

#include "base/hex.h"

#define CERTIFICATE_PEM_MAX 16384

struct certificate {
    char serial[65];        /* lower-case hexadecimal, even length, no leading zero octet */
    char organisation[257]; /* the one O of the subject, UTF-8 */
    char sha256[SHA256_HEX_SIZE];
    int64_t not_before, not_after; /* Unix ms */
};

/* Exactly one PEM certificate and nothing else. ERR_FIELD with the reason. */
int certificate_read(const char *pem, struct certificate *ret, struct err *err);

/* A serial as people and programs write it (either case, leading zeros) into the form above. ERR_FIELD. */
int certificate_serial(const char *text, char ret[65], struct err *err);

#endif
