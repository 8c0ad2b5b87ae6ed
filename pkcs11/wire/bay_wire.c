/* The bay's messages: codecs out of the field tables, and the names that stand in records and errors. */
#include "wire/bay_wire.h"

FIELDS_CODEC(bay_hello_req, BAY_HELLO_REQ)
FIELDS_CODEC(bay_hello_rep, BAY_HELLO_REP)
FIELDS_CODEC(bay_channel_req, BAY_CHANNEL_REQ)
FIELDS_CODEC(bay_probe_req, BAY_PROBE_REQ)
FIELDS_CODEC(bay_probe_rep, BAY_PROBE_REP)
FIELDS_CODEC(bay_init_req, BAY_INIT_REQ)
FIELDS_CODEC(bay_init_rep, BAY_INIT_REP)
FIELDS_CODEC(bay_set_so_pin_req, BAY_SET_SO_PIN_REQ)
FIELDS_CODEC(bay_seal_pin_req, BAY_SEAL_PIN_REQ)
FIELDS_CODEC(bay_seal_pin_rep, BAY_SEAL_PIN_REP)
FIELDS_CODEC(bay_set_user_pin_req, BAY_SET_USER_PIN_REQ)
FIELDS_CODEC(bay_keygen_req, BAY_KEYGEN_REQ)
FIELDS_CODEC(bay_keygen_rep, BAY_KEYGEN_REP)
FIELDS_CODEC(bay_csr_req, BAY_CSR_REQ)
FIELDS_CODEC(bay_csr_rep, BAY_CSR_REP)
FIELDS_CODEC(bay_write_req, BAY_WRITE_REQ)
FIELDS_CODEC(bay_write_rep, BAY_WRITE_REP)
FIELDS_CODEC(bay_verify_req, BAY_VERIFY_REQ)
FIELDS_CODEC(bay_verify_rep, BAY_VERIFY_REP)
FIELDS_CODEC(bay_wipe_req, BAY_WIPE_REQ)
FIELDS_CODEC(bay_wipe_rep, BAY_WIPE_REP)

static const char *const VERB_NAMES[BAY_VERB_COUNT] = {[BAY_NONE] = "none",
#define V(VERB, name, deadline, changes) [BAY_##VERB] = #name,
                                                       BAY_VERBS(V)
#undef V
};

static const char *const KEY_TYPE_NAMES[KEY_TYPE_COUNT] = {
    [KEY_NONE] = "none",        [KEY_P256] = "P-256",       [KEY_P384] = "P-384",
    [KEY_RSA2048] = "RSA-2048", [KEY_RSA3072] = "RSA-3072", [KEY_RSA4096] = "RSA-4096",
};

const char *bay_verb_name(enum bay_verb verb)
{
    return (unsigned int)verb < BAY_VERB_COUNT ? VERB_NAMES[verb] : "unknown";
}

const char *key_type_name(enum key_type t)
{
    return (unsigned int)t < KEY_TYPE_COUNT ? KEY_TYPE_NAMES[t] : "unknown";
}

enum key_type key_type_from_name(const char *name)
{
    for (enum key_type t = KEY_NONE + 1; t < KEY_TYPE_COUNT; t++)
        if (strcmp(KEY_TYPE_NAMES[t], name) == 0)
            return t;
    return KEY_NONE;
}
