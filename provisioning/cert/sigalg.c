#include "cert/sigalg.h"

#include <stddef.h>

#include <openssl/obj_mac.h>

static const struct {
    const char *digest;
    int nid;
} algorithms[KEY_TYPE_COUNT] = {
    [KEY_NONE] = {NULL, NID_undef},
    [KEY_P256] = {"SHA256", NID_ecdsa_with_SHA256},
    [KEY_P384] = {"SHA384", NID_ecdsa_with_SHA384},
    [KEY_RSA2048] = {"SHA256", NID_sha256WithRSAEncryption},
    [KEY_RSA3072] = {"SHA256", NID_sha256WithRSAEncryption},
    [KEY_RSA4096] = {"SHA384", NID_sha384WithRSAEncryption},
};

const char *ca_digest_name(enum key_type type)
{
    return (unsigned)type < KEY_TYPE_COUNT ? algorithms[type].digest : NULL;
}

int ca_signature_nid(enum key_type type)
{
    return (unsigned)type < KEY_TYPE_COUNT ? algorithms[type].nid : NID_undef;
}
