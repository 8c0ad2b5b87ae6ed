/* What castationd and castation-bay say to each other. castationd asks, the bay answers each request once, in order;
 * an error reply carries a struct err. One request at a time. See base/msg.h for the packet, fields.h for the bodies.
 *
 * Every verb that touches a token carries the serial number it is meant for: the bay reads it again from the device
 * first and answers ERR_TOKEN_CHANGED, with nothing done, when it differs. */
#ifndef CASTATION_WIRE_BAY_WIRE_H
#define CASTATION_WIRE_BAY_WIRE_H

#include "base/key_type.h"
#include "wire/fields.h"

#define BAY_PROTOCOL 1
#define BAY_FD       3 /* the worker's end of the socket */

#define SERIAL_SIZE      65
#define LABEL_SIZE       33
#define JOB_ID_SIZE      37
#define PRODUCT_SIZE     33
#define BAY_NAME_SIZE    33
#define KEY_ID_MAX       32
#define SEALED_MAX       512

/* Which SO PIN a try is made with. Never the PIN itself. */
enum so_pin_kind { SO_PIN_FACTORY, SO_PIN_DERIVED };

/* What the device says of a private key (bits of `attributes`). */
enum key_attribute {
    KEY_LOCAL = 1, /* generated on the device */
    KEY_SENSITIVE = 2,
    KEY_ALWAYS_SENSITIVE = 4,
    KEY_NEVER_EXTRACTABLE = 8,
    KEY_EXTRACTABLE = 16, /* must be absent */
    KEY_PRIVATE = 32,
    KEY_CAN_DECRYPT = 64, /* must be absent on a signing key */
};
#define KEY_ATTRIBUTES_DEMANDED (KEY_LOCAL | KEY_SENSITIVE | KEY_ALWAYS_SENSITIVE | KEY_NEVER_EXTRACTABLE | KEY_PRIVATE)

/* verb, its name, deadline (a member of struct product's deadlines), 1 when it changes the token */
#define BAY_VERBS(V)                                                                                                   \
    V(HELLO, hello, hello_ms, 0)                                                                                       \
    V(CHANNEL, channel, hello_ms, 0)                                                                                   \
    V(PROBE, probe, probe_ms, 0)                                                                                       \
    V(INIT, init, init_ms, 1)                                                                                          \
    V(SET_SO_PIN, set_so_pin, pin_ms, 1)                                                                               \
    V(SEAL_PIN, seal_pin, pin_ms, 0)                                                                                   \
    V(SET_USER_PIN, set_user_pin, pin_ms, 1)                                                                           \
    V(KEYGEN, keygen, keygen_ms, 1)                                                                                    \
    V(CSR, csr, sign_ms, 0)                                                                                            \
    V(WRITE, write, write_ms, 1)                                                                                       \
    V(VERIFY, verify, verify_ms, 0)                                                                                    \
    V(WIPE, wipe, init_ms, 1)                                                                                          \
    V(QUIT, quit, hello_ms, 0)

enum bay_verb {
    BAY_NONE = 0,
#define V(VERB, name, deadline, changes) BAY_##VERB,
    BAY_VERBS(V)
#undef V
    BAY_VERB_COUNT
};

/* hello: the module is loaded and C_Initialize called. `environment`: "NAME=value" lines, set before dlopen.
 * `bay` names the place for error texts. */
#define BAY_HELLO_REQ(F) F(U32, protocol, 0) F(STR, bay, BAY_NAME_SIZE) F(STR, product, PRODUCT_SIZE) F(STR, module, 256) F(STR, environment, 2048)
#define BAY_HELLO_REP(F) F(STR, library, 33) F(STR, library_version, 8) F(STR, cryptoki_version, 8)

/* channel: one descriptor: the bay's end of a channel that the vault made for this job (verb derive_so_pin on it). */
#define BAY_CHANNEL_REQ(F) F(STR, job, JOB_ID_SIZE)
#define BAY_CHANNEL_REP(F)

/* probe: no login. `serial` empty: whatever token is there. With a key_id: the public key and certificate under it. */
#define BAY_PROBE_REQ(F) F(STR, serial, SERIAL_SIZE) F(BYTES, key_id, KEY_ID_MAX)
#define BAY_PROBE_REP(F)                                                                                               \
    F(STR, serial, SERIAL_SIZE) F(STR, label, LABEL_SIZE) F(STR, manufacturer, LABEL_SIZE) F(STR, model, 17)           \
    F(STR, firmware, 8) F(U32, flags, 0) F(U32, pin_min, 0) F(U32, pin_max, 0) F(U32, certificates, 0)                 \
    F(U32, public_keys, 0) F(U8, blank, 0) F(BYTES, spki, SPKI_MAX) F(BYTES, certificate, CERTIFICATE_MAX)

/* init: C_InitToken with the SO PIN named (one try, never another). ERR_SO_PIN when refused. */
#define BAY_INIT_REQ(F) F(STR, serial, SERIAL_SIZE) F(STR, label, LABEL_SIZE) F(U8, so_kind, 0) F(U32, so_version, 0)
#define BAY_INIT_REP(F) F(STR, serial, SERIAL_SIZE)

/* set_so_pin: SO login with `from`, C_SetPIN to derived(to_version), login with it afresh. ERR_SO_PIN when `from` is refused. */
#define BAY_SET_SO_PIN_REQ(F) F(STR, serial, SERIAL_SIZE) F(U8, so_kind, 0) F(U32, so_version, 0) F(U32, to_version, 0)
#define BAY_SET_SO_PIN_REP(F)

/* seal_pin: make a user PIN, keep it in locked memory, return it sealed to the vault's key together with job, serial
 * and version. Touches no token. castationd commits it as pending before set_user_pin. */
#define BAY_SEAL_PIN_REQ(F) F(STR, serial, SERIAL_SIZE) F(STR, job, JOB_ID_SIZE) F(U32, pin_version, 0) F(U32, pin_min, 0) F(U32, pin_max, 0)
#define BAY_SEAL_PIN_REP(F) F(BYTES, sealed, SEALED_MAX)

/* set_user_pin: set the PIN that seal_pin made under this version (SO login, C_InitPIN), then log in with it.
 * The same verb is `repin` of a new worker: keys and certificates stay. */
#define BAY_SET_USER_PIN_REQ(F) F(STR, serial, SERIAL_SIZE) F(U8, so_kind, 0) F(U32, so_version, 0) F(U32, pin_version, 0)
#define BAY_SET_USER_PIN_REP(F)

/* keygen: under the journalled random key_id; afterwards, where the product allows, CKA_ID becomes `final_id`:
 * the SHA-1 of the subjectPublicKey bits (RFC 5280 4.2.1.2 method 1), the same as the certificate's SKI. */
#define BAY_KEYGEN_REQ(F) F(STR, serial, SERIAL_SIZE) F(U8, key_type, 0) F(BYTES, key_id, KEY_ID_MAX) F(STR, label, 128)
#define BAY_KEYGEN_REP(F) F(BYTES, spki, SPKI_MAX) F(BYTES, final_id, KEY_ID_MAX) F(U32, attributes, 0)

/* csr: PKCS#10 (RFC 2986) over `subject` (DER Name) and the key, signed by it; challengePassword is not used;
 * `challenge` is signed too, so that the proof is fresh (signature over SHA-256 of the challenge bytes). */
#define BAY_CSR_REQ(F) F(STR, serial, SERIAL_SIZE) F(BYTES, key_id, KEY_ID_MAX) F(BYTES, subject, NAME_MAX_DER) F(BYTES, challenge, 32)
#define BAY_CSR_REP(F) F(BYTES, csr, CSR_MAX) F(BYTES, signature, 512)

/* write: the certificate under key_id with label, subject, issuer, serial number and ID; CKA_SUBJECT of the keys;
 * each CA certificate of `chain` (concatenated DER) as an authority object. What is there already byte for byte is kept. */
#define BAY_WRITE_REQ(F)                                                                                               \
    F(STR, serial, SERIAL_SIZE) F(BYTES, key_id, KEY_ID_MAX) F(STR, label, 128) F(BYTES, certificate, CERTIFICATE_MAX) \
    F(BYTES, chain, CHAIN_MAX)
#define BAY_WRITE_REP(F) F(U32, written, 0)

/* verify: all sessions closed, a new one, login with exactly the sealed PIN; certificate read back and equal; key
 * attributes; a fresh random challenge signed and checked with the certificate's public key; chain objects present. */
#define BAY_VERIFY_REQ(F) F(STR, serial, SERIAL_SIZE) F(U32, pin_version, 0) F(BYTES, key_id, KEY_ID_MAX) F(BYTES, certificate, CERTIFICATE_MAX) F(BYTES, chain, CHAIN_MAX)
#define BAY_VERIFY_REP(F) F(U32, attributes, 0) F(STR, label, LABEL_SIZE)

/* wipe: C_InitToken: all objects gone, the user PIN unset. What becomes of the SO PIN is the product's `inittoken_so`. */
#define BAY_WIPE_REQ(F) F(STR, serial, SERIAL_SIZE) F(STR, label, LABEL_SIZE) F(U8, so_kind, 0) F(U32, so_version, 0)
#define BAY_WIPE_REP(F) F(STR, serial, SERIAL_SIZE)

/* quit: C_Finalize and exit 0 after the answer. */
#define BAY_QUIT_REQ(F)
#define BAY_QUIT_REP(F)

FIELDS_STRUCT(bay_hello_req, BAY_HELLO_REQ)
FIELDS_STRUCT(bay_hello_rep, BAY_HELLO_REP)
FIELDS_STRUCT(bay_channel_req, BAY_CHANNEL_REQ)
FIELDS_STRUCT(bay_probe_req, BAY_PROBE_REQ)
FIELDS_STRUCT(bay_probe_rep, BAY_PROBE_REP)
FIELDS_STRUCT(bay_init_req, BAY_INIT_REQ)
FIELDS_STRUCT(bay_init_rep, BAY_INIT_REP)
FIELDS_STRUCT(bay_set_so_pin_req, BAY_SET_SO_PIN_REQ)
FIELDS_STRUCT(bay_seal_pin_req, BAY_SEAL_PIN_REQ)
FIELDS_STRUCT(bay_seal_pin_rep, BAY_SEAL_PIN_REP)
FIELDS_STRUCT(bay_set_user_pin_req, BAY_SET_USER_PIN_REQ)
FIELDS_STRUCT(bay_keygen_req, BAY_KEYGEN_REQ)
FIELDS_STRUCT(bay_keygen_rep, BAY_KEYGEN_REP)
FIELDS_STRUCT(bay_csr_req, BAY_CSR_REQ)
FIELDS_STRUCT(bay_csr_rep, BAY_CSR_REP)
FIELDS_STRUCT(bay_write_req, BAY_WRITE_REQ)
FIELDS_STRUCT(bay_write_rep, BAY_WRITE_REP)
FIELDS_STRUCT(bay_verify_req, BAY_VERIFY_REQ)
FIELDS_STRUCT(bay_verify_rep, BAY_VERIFY_REP)
FIELDS_STRUCT(bay_wipe_req, BAY_WIPE_REQ)
FIELDS_STRUCT(bay_wipe_rep, BAY_WIPE_REP)

const char *bay_verb_name(enum bay_verb verb); /* "keygen" */

#endif
