/* Codecs of the vault's messages, all out of the tables in vault_wire.h. */
#include "wire/vault_wire.h"

FIELDS_CODEC(vault_status_req, VAULT_STATUS_REQ)
FIELDS_CODEC(vault_status_rep, VAULT_STATUS_REP)
FIELDS_CODEC(vault_unlock_req, VAULT_UNLOCK_REQ)
FIELDS_CODEC(vault_unlock_rep, VAULT_UNLOCK_REP)
FIELDS_CODEC(vault_ca_init_req, VAULT_CA_INIT_REQ)
FIELDS_CODEC(vault_ca_init_rep, VAULT_CA_INIT_REP)
FIELDS_CODEC(vault_register_req, VAULT_REGISTER_REQ)
FIELDS_CODEC(vault_register_rep, VAULT_REGISTER_REP)
FIELDS_CODEC(vault_derive_req, VAULT_DERIVE_REQ)
FIELDS_CODEC(vault_derive_rep, VAULT_DERIVE_REP)
FIELDS_CODEC(vault_reserve_req, VAULT_RESERVE_REQ)
FIELDS_CODEC(vault_reserve_rep, VAULT_RESERVE_REP)
FIELDS_CODEC(vault_sign_req, VAULT_SIGN_REQ)
FIELDS_CODEC(vault_sign_rep, VAULT_SIGN_REP)
FIELDS_CODEC(vault_lookup_req, VAULT_LOOKUP_REQ)
FIELDS_CODEC(vault_lookup_rep, VAULT_LOOKUP_REP)
FIELDS_CODEC(vault_void_req, VAULT_VOID_REQ)
FIELDS_CODEC(vault_void_rep, VAULT_VOID_REP)
FIELDS_CODEC(vault_letter_req, VAULT_LETTER_REQ)

const char *vault_verb_name(enum vault_verb verb)
{
    static const char *const names[VAULT_VERB_COUNT] = {
        "none",
#define V(VERB, name, who) #name,
        VAULT_VERBS(V)
#undef V
    };
    return (unsigned)verb < VAULT_VERB_COUNT ? names[verb] : "unknown";
}

const char *vault_state_name(enum vault_state state)
{
    static const char *const names[] = {
        [VAULT_LOCKED] = "locked",
        [VAULT_NO_CA] = "no-ca",
        [VAULT_READY] = "ready",
        [VAULT_CA_EXPIRED] = "ca-expired",
    };
    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}
