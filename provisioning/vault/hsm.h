/* The HSM: one token of one PKCS#11 module, one login, one process. Signatures and OAEP through libp11 (as
 * EVP_PKEY); HMAC, random bytes and key generation through one raw session of the same module, because libp11
 * 0.4.12 does neither HMAC nor EC key generation.
 *
 * Every answer that means "the device, the session or the login is gone" is ERR_HSM_GONE. After it nothing of
 * a struct hsm may be used but hsm_close: the process ends and is started again, because a PKCS#11 module
 * that lost its device keeps state that no call is sure to clear. */
#ifndef CASTATION_VAULT_HSM_H
#define CASTATION_VAULT_HSM_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "wire/bay_wire.h"

#define HSM_TITLE_SIZE     65
#define HSM_SO_VERSION_MAX 16
#define HSM_HMAC_SIZE      32

/* Key pairs, by their label: X(id, label) */
#define HSM_KEYS(X)                                                                                          \
    X(HSM_CA, "castation ca")                                                                                \
    X(HSM_SEALING, "castation pin-sealing")                                                                  \
    X(HSM_AUDIT, "castation audit")
#define HSM_SO_PIN_LABEL "castation so-pin v%u" /* generic secrets, versions from 1 */

enum hsm_key {
#define X(id, label) id,
    HSM_KEYS(X)
#undef X
        HSM_KEY_COUNT
};
const char *hsm_key_label(enum hsm_key which);

struct hsm;

/* Load the module of an RFC 7512 URI and find its token: exactly one must match. A pin-value or pin-source in
 * the URI is refused. ERR_CONFIG, ERR_MODULE, ERR_HSM_GONE (no such token there). No login. */
int hsm_open(const char *uri, struct hsm **ret, struct err *err);
void hsm_close(struct hsm **h); /* logs out by C_Finalize */

/* Check a URI without touching a module; ret_module: its module-path, PATH_MAX bytes. ERR_CONFIG. */
int hsm_uri_check(const char *uri, char *ret_module, struct err *err);

const char *hsm_title(const struct hsm *h); /* "label (serial)" for people */

/* What the token says of its user PIN before a try. ERR_HSM_PIN when locked; ERR_HSM_PIN with `careful` also
 * when only one try is left: that one is for a person. */
int hsm_pin_ready(struct hsm *h, bool careful, struct err *err);

/* One C_Login, never two. ERR_HSM_PIN: refused. */
int hsm_login(struct hsm *h, const struct buf *pin, struct err *err);

/* Still there and still logged in? ERR_HSM_GONE. Before the login: only whether it is there. */
int hsm_check(struct hsm *h, struct err *err);

/* After the login: find the labelled keys. Two of one label, or one that is not sensitive and
 * non-extractable, is ERR_HSM naming it. What is absent is no error: hsm_key gives NULL, hsm_so_version 0. */
int hsm_find_keys(struct hsm *h, struct err *err);
EVP_PKEY *hsm_key(const struct hsm *h,
                  enum hsm_key which);        /* the HSM's; a signature with it is made in the HSM */
uint32_t hsm_so_version(const struct hsm *h); /* the highest there */

/* Any object with a label of ours? *ret_label (static or in h) names the first; NULL: none. */
int hsm_any_object(struct hsm *h, const char **ret_label, struct err *err);

int hsm_random(struct hsm *h, void *dst, size_t len, struct err *err); /* C_GenerateRandom */

/* HMAC-SHA256 under the SO-PIN master key of a version. ERR_NOT_FOUND: no such version. */
int hsm_hmac(struct hsm *h, uint32_t version, const void *data, size_t len, uint8_t ret[HSM_HMAC_SIZE],
             struct err *err);

/* Generate the four keys of a new CA: all or nothing (what a failed call made is destroyed again). Then call
 * hsm_find_keys. */
int hsm_make_keys(struct hsm *h, enum key_type ca, struct err *err);

/* Turn a failure of an EVP call on an HSM key into an error: ERR_HSM_GONE when the device no longer answers,
 * else ERR_HSM with what libp11 said. Clears OpenSSL's queue. Returns -1. */
int hsm_evp_failed(struct hsm *h, const char *what, struct err *err);

#endif
