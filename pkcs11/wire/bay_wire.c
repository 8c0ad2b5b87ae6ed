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

const char *bay_verb_name(enum bay_verb verb)
{
    return (unsigned int)verb < BAY_VERB_COUNT ? VERB_NAMES[verb] : "unknown";
}
