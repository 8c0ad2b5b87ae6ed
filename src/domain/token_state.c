#include "domain/token_state.h"

#include <string.h>

static const struct {
    const char *name;
    const char *title[LANG_COUNT];
} STATES[TOKEN_STATE_COUNT] = {
#define X(state, name, zh, en) [state] = {name, {zh, en}},
#include "domain/token_state.def"
#undef X
};

static const bool MAY[TOKEN_STATE_COUNT][TOKEN_STATE_COUNT] = {
#define X(from, to, cause) [from][to] = true,
#include "domain/token_transition.def"
#undef X
};

static bool known(enum token_state s)
{
    return (unsigned int)s < TOKEN_STATE_COUNT;
}

const char *token_state_name(enum token_state s)
{
    return known(s) ? STATES[s].name : "unknown";
}

const char *token_state_title(enum token_state s, enum lang lang)
{
    return known(s) ? STATES[s].title[lang == LANG_ZH ? LANG_ZH : LANG_EN] : "?";
}

enum token_state token_state_from_name(const char *name)
{
    for (enum token_state s = 0; s < TOKEN_STATE_COUNT; s++)
        if (strcmp(STATES[s].name, name) == 0)
            return s;
    return TOKEN_STATE_COUNT;
}

bool token_may(enum token_state from, enum token_state to)
{
    return known(from) && known(to) && MAY[from][to];
}
