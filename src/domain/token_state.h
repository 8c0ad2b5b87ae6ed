/* States of a token and the legal changes between them: one table each. */
#ifndef CASTATION_DOMAIN_TOKEN_STATE_H
#define CASTATION_DOMAIN_TOKEN_STATE_H

#include <stdbool.h>

#include "base/err.h"

enum token_state {
#define X(state, name, zh, en) state,
#include "domain/token_state.def"
#undef X
    TOKEN_STATE_COUNT
};

const char *token_state_name(enum token_state s);
const char *token_state_title(enum token_state s, enum lang lang);
enum token_state token_state_from_name(const char *name); /* TOKEN_STATE_COUNT when unknown */
bool token_may(enum token_state from, enum token_state to);

#endif
