#include "portal/application_state.h"

#include <string.h>

static const struct {
    const char *name, *title[LANG_COUNT], *public_title[LANG_COUNT];
    int step;
    const char *tag;
} STATES[] = {
#define X(state, name, zh, en, public_zh, public_en, step, tag)                                              \
    [state] = {name, {zh, en}, {public_zh, public_en}, step, tag},
#include "portal/application_state.def"
#undef X
};

static const struct {
    const char *name;
    bool alert;
    const char *title[LANG_COUNT];
} EVENTS[] = {
#define X(event, name, alert, zh, en) [event] = {name, alert != 0, {zh, en}},
#include "portal/application_event.def"
#undef X
};

static const struct {
    enum application_state from;
    enum application_event event;
    enum application_state to;
} TRANSITIONS[] = {
#define X(from, event, to) {from, event, to},
#include "portal/application_transition.def"
#undef X
};

const char *application_state_name(enum application_state s)
{
    return (unsigned int)s < APPLICATION_STATE_COUNT ? STATES[s].name : "unknown";
}

const char *application_state_title(enum application_state s, enum lang lang)
{
    return (unsigned int)s < APPLICATION_STATE_COUNT ? STATES[s].title[lang == LANG_ZH ? LANG_ZH : LANG_EN]
                                                     : "";
}

const char *application_state_public_title(enum application_state s, enum lang lang)
{
    return (unsigned int)s < APPLICATION_STATE_COUNT
               ? STATES[s].public_title[lang == LANG_ZH ? LANG_ZH : LANG_EN]
               : "";
}

int application_state_step(enum application_state s)
{
    return (unsigned int)s < APPLICATION_STATE_COUNT ? STATES[s].step : 1;
}

const char *application_state_tag(enum application_state s)
{
    return (unsigned int)s < APPLICATION_STATE_COUNT ? STATES[s].tag : "plain";
}

enum application_state application_state_from_name(const char *name)
{
    enum application_state s = 0;
    while (s < APPLICATION_STATE_COUNT && strcmp(STATES[s].name, name) != 0)
        s++;
    return s;
}

const char *application_event_name(enum application_event e)
{
    return (unsigned int)e < APPLICATION_EVENT_COUNT ? EVENTS[e].name : "unknown";
}

const char *application_event_title(enum application_event e, enum lang lang)
{
    return (unsigned int)e < APPLICATION_EVENT_COUNT ? EVENTS[e].title[lang == LANG_ZH ? LANG_ZH : LANG_EN]
                                                     : "";
}

enum application_event application_event_from_name(const char *name)
{
    enum application_event e = 0;
    while (e < APPLICATION_EVENT_COUNT && strcmp(EVENTS[e].name, name) != 0)
        e++;
    return e;
}

bool application_event_alerts(enum application_event e)
{
    return (unsigned int)e < APPLICATION_EVENT_COUNT && EVENTS[e].alert;
}

int application_next(enum application_state from, enum application_event event, enum application_state *ret,
                     struct err *err)
{
    for (size_t i = 0; i < sizeof(TRANSITIONS) / sizeof(TRANSITIONS[0]); i++)
        if (TRANSITIONS[i].from == from && TRANSITIONS[i].event == event) {
            *ret = TRANSITIONS[i].to;
            return 0;
        }
    return err_set(err, ERR_WRONG_STATE, "it is %s: no %s in this state", application_state_name(from),
                   application_event_name(event));
}
