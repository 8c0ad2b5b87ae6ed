/* What is said to castation-vault: by castationd and the operator's command line on the vault's socket (peer
 * credentials checked), and by a bay on the direct channel that the vault made for its job.
 * Requests may be pipelined; each is answered once, with its id. */
#ifndef CASTATION_WIRE_VAULT_WIRE_H
#define CASTATION_WIRE_VAULT_WIRE_H

#include "wire/bay_wire.h"

#define VAULT_PROTOCOL       1
#define APPLICATION_ID_SIZE  41
#define APPLICATION_MAX      16384
#define APPROVAL_MAX         2048
#define APPROVAL_SIG_MAX     256
#define SO_PIN_MAX           64
#define HSM_PIN_MAX          64

enum vault_state {
    VAULT_LOCKED,      /* no login: waits for unlock or a changed credential */
    VAULT_NO_CA,       /* logged in, no CA yet */
    VAULT_READY,
    VAULT_CA_EXPIRED,  /* answers lookup and void, signs nothing */
};

enum vault_purpose { VAULT_MAKE, VAULT_WIPE }; /* what a registered job may ask an SO PIN for */

enum vault_lookup { VAULT_NEVER, VAULT_INTENT, VAULT_SIGNED, VAULT_VOID };

enum vault_voided { VAULT_VOIDED_RESERVATION, VAULT_VOIDED_CERTIFICATE };

/* verb, name, who: S = socket, C = a bay's direct channel */
#define VAULT_VERBS(V)                                                                                                 \
    V(STATUS, status, S)                                                                                               \
    V(UNLOCK, unlock, S)                                                                                               \
    V(CA_INIT, ca_init, S)                                                                                             \
    V(REGISTER, register, S)                                                                                           \
    V(DERIVE_SO_PIN, derive_so_pin, C)                                                                                 \
    V(RESERVE, reserve, S)                                                                                             \
    V(SIGN, sign, S)                                                                                                   \
    V(LOOKUP, lookup, S)                                                                                               \
    V(VOID, void, S)                                                                                                   \
    V(LETTER, letter, S)

enum vault_verb {
    VAULT_NONE = 0,
#define V(VERB, name, who) VAULT_VERB_##VERB,
    VAULT_VERBS(V)
#undef V
    VAULT_VERB_COUNT
};

#define VAULT_STATUS_REQ(F) F(U32, protocol, 0)
#define VAULT_STATUS_REP(F)                                                                                            \
    F(U8, state, 0) F(STR, detail, 256) F(STR, hsm, 65) F(U8, ca_key_type, 0) F(U32, so_version, 0)                    \
    F(BYTES, ca_certificate, CERTIFICATE_MAX) F(BYTES, sealing_key, SPKI_MAX) F(BYTES, audit_key, SPKI_MAX)            \
    F(U64, records, 0) F(U32, reserved, 0) F(U32, signed_certificates, 0) F(U32, voided, 0)

#define VAULT_UNLOCK_REQ(F) F(BYTES, pin, HSM_PIN_MAX)
#define VAULT_UNLOCK_REP(F) F(U8, state, 0)

/* ca_init: keys in the HSM and a self-signed root. ERR_EXISTS when there is any part of a CA already. */
#define VAULT_CA_INIT_REQ(F) F(STR, country, 3) F(STR, organisation, 256) F(STR, common_name, 256) F(U8, key_type, 0) F(U32, days, 0)
#define VAULT_CA_INIT_REP(F) F(BYTES, certificate, CERTIFICATE_MAX)

/* register: this job may derive SO PINs of exactly this token. Answer carries one descriptor: the bay's end of the
 * channel. MAKE needs a valid approval; WIPE needs none and is logged as such. Registering again replaces the channel. */
#define VAULT_REGISTER_REQ(F)                                                                                          \
    F(U8, purpose, 0) F(STR, job, JOB_ID_SIZE) F(STR, bay, BAY_NAME_SIZE) F(STR, product, PRODUCT_SIZE)                \
    F(STR, serial, SERIAL_SIZE) F(BYTES, application, APPLICATION_MAX) F(BYTES, approval, APPROVAL_MAX)                \
    F(BYTES, signature, APPROVAL_SIG_MAX)
#define VAULT_REGISTER_REP(F) F(U32, so_version, 0)

#define VAULT_DERIVE_REQ(F) F(STR, product, PRODUCT_SIZE) F(STR, serial, SERIAL_SIZE) F(U32, version, 0)
#define VAULT_DERIVE_REP(F) F(BYTES, so_pin, SO_PIN_MAX)

/* reserve: the same job and key get the same serial number again. */
#define VAULT_RESERVE_REQ(F)                                                                                           \
    F(STR, job, JOB_ID_SIZE) F(STR, serial, SERIAL_SIZE) F(BYTES, spki_sha256, 32)                                     \
    F(BYTES, application, APPLICATION_MAX) F(BYTES, approval, APPROVAL_MAX) F(BYTES, signature, APPROVAL_SIG_MAX)
#define VAULT_RESERVE_REP(F) F(BYTES, serial_number, SERIAL_NUMBER_MAX)

#define VAULT_SIGN_REQ(F)                                                                                              \
    F(STR, job, JOB_ID_SIZE) F(STR, serial, SERIAL_SIZE) F(BYTES, csr, CSR_MAX) F(BYTES, tbs, TBS_MAX)                 \
    F(BYTES, application, APPLICATION_MAX) F(BYTES, approval, APPROVAL_MAX) F(BYTES, signature, APPROVAL_SIG_MAX)
#define VAULT_SIGN_REP(F) F(BYTES, certificate, CERTIFICATE_MAX)

#define VAULT_LOOKUP_REQ(F) F(BYTES, tbs_sha256, 32)
#define VAULT_LOOKUP_REP(F) F(U8, found, 0) F(BYTES, certificate, CERTIFICATE_MAX)

/* void: a reservation becomes a tombstone, a certificate goes to the next CRL. Idempotent. An empty serial number means
 * whatever the job has reserved, if anything: its client never got the answer. */
#define VAULT_VOID_REQ(F) F(STR, job, JOB_ID_SIZE) F(BYTES, serial_number, SERIAL_NUMBER_MAX) F(STR, reason, 128)
#define VAULT_VOID_REP(F) F(U8, voided, 0)

/* letter: one descriptor, where the letter is written. Printed at most once per (job, serial, pin_version). */
#define VAULT_LETTER_REQ(F)                                                                                            \
    F(STR, job, JOB_ID_SIZE) F(STR, serial, SERIAL_SIZE) F(U32, pin_version, 0) F(BYTES, sealed, SEALED_MAX)           \
    F(STR, application, APPLICATION_ID_SIZE) F(STR, organisation, 257)
#define VAULT_LETTER_REP(F)

FIELDS_STRUCT(vault_status_req, VAULT_STATUS_REQ)
FIELDS_STRUCT(vault_status_rep, VAULT_STATUS_REP)
FIELDS_STRUCT(vault_unlock_req, VAULT_UNLOCK_REQ)
FIELDS_STRUCT(vault_unlock_rep, VAULT_UNLOCK_REP)
FIELDS_STRUCT(vault_ca_init_req, VAULT_CA_INIT_REQ)
FIELDS_STRUCT(vault_ca_init_rep, VAULT_CA_INIT_REP)
FIELDS_STRUCT(vault_register_req, VAULT_REGISTER_REQ)
FIELDS_STRUCT(vault_register_rep, VAULT_REGISTER_REP)
FIELDS_STRUCT(vault_derive_req, VAULT_DERIVE_REQ)
FIELDS_STRUCT(vault_derive_rep, VAULT_DERIVE_REP)
FIELDS_STRUCT(vault_reserve_req, VAULT_RESERVE_REQ)
FIELDS_STRUCT(vault_reserve_rep, VAULT_RESERVE_REP)
FIELDS_STRUCT(vault_sign_req, VAULT_SIGN_REQ)
FIELDS_STRUCT(vault_sign_rep, VAULT_SIGN_REP)
FIELDS_STRUCT(vault_lookup_req, VAULT_LOOKUP_REQ)
FIELDS_STRUCT(vault_lookup_rep, VAULT_LOOKUP_REP)
FIELDS_STRUCT(vault_void_req, VAULT_VOID_REQ)
FIELDS_STRUCT(vault_void_rep, VAULT_VOID_REP)
FIELDS_STRUCT(vault_letter_req, VAULT_LETTER_REQ)

const char *vault_verb_name(enum vault_verb verb);
const char *vault_state_name(enum vault_state state); /* "ready" */

#endif
