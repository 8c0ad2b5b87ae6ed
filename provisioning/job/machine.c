#include "job/machine.h"

#include <string.h>

const struct step_rule step_rules[STEP_COUNT] = {
#define X(step, name, zh, en, actor, zone, lease, recovery) [step] = {name, zh, en, actor, zone, lease, recovery},
#include "job/steps.def"
#undef X
};

const char *const step_point_names[POINT_COUNT] = {
#define X(point, name, truth) [point] = name,
#include "job/points.def"
#undef X
};

static const char *const phase_names[PHASE_COUNT] = {"intent", "done", "failed", "unknown"};

static const char *const action_names[ACTION_COUNT] = {
    [ACTION_NEXT] = "next",           [ACTION_AGAIN] = "again", [ACTION_LOOKUP] = "lookup",
    [ACTION_REINIT] = "reinit",       [ACTION_REPIN] = "repin", [ACTION_WAIT] = "wait",
    [ACTION_WAIT_TOKEN] = "wait_token", [ACTION_NEXT_TOKEN] = "next_token", [ACTION_FAIL] = "fail",
    [ACTION_LOST] = "lost",
};

static const struct {
    enum err_code code;
    enum outcome_class cls;
} outcomes[] = {
#define X(code, cls) {code, cls},
#include "job/outcome.def"
#undef X
};

/* Rows: what went wrong. Columns: where. */
static const enum action decisions[CLASS_COUNT][ZONE_COUNT] = {
    /*                     BEFORE             RESERVE            SIGN               TOKEN              AFTER */
    [CLASS_DEVICE]      = {ACTION_REINIT,     ACTION_AGAIN,      ACTION_LOOKUP,     ACTION_REPIN,      ACTION_AGAIN},
    [CLASS_ABSENT]      = {ACTION_WAIT_TOKEN, ACTION_WAIT_TOKEN, ACTION_WAIT_TOKEN, ACTION_WAIT_TOKEN, ACTION_AGAIN},
    [CLASS_TOKEN]       = {ACTION_NEXT_TOKEN, ACTION_NEXT_TOKEN, ACTION_NEXT_TOKEN, ACTION_NEXT_TOKEN, ACTION_AGAIN},
    [CLASS_LOT]         = {ACTION_NEXT_TOKEN, ACTION_NEXT_TOKEN, ACTION_NEXT_TOKEN, ACTION_NEXT_TOKEN, ACTION_AGAIN},
    [CLASS_WAIT]        = {ACTION_WAIT,       ACTION_WAIT,       ACTION_WAIT,       ACTION_WAIT,       ACTION_AGAIN},
    [CLASS_JOB]         = {ACTION_FAIL,       ACTION_FAIL,       ACTION_FAIL,       ACTION_FAIL,       ACTION_AGAIN},
    [CLASS_LEASE]       = {ACTION_LOST,       ACTION_LOST,       ACTION_LOST,       ACTION_LOST,       ACTION_LOST},
    [CLASS_RESERVATION] = {ACTION_REINIT,     ACTION_REINIT,     ACTION_REINIT,     ACTION_REINIT,     ACTION_AGAIN},
};

enum step step_from_name(const char *name)
{
    int i = 0;
    while (i < STEP_COUNT && strcmp(step_rules[i].name, name) != 0)
        i++;
    return (enum step)i;
}

const char *phase_name(enum phase phase)
{
    return phase < PHASE_COUNT ? phase_names[phase] : "?";
}

const char *action_name(enum action action)
{
    return action < ACTION_COUNT ? action_names[action] : "?";
}

enum outcome_class outcome_class(enum err_code code)
{
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        if (outcomes[i].code == code)
            return outcomes[i].cls;
    return CLASS_DEVICE;
}

static bool counts_as_try(enum action action)
{
    return action == ACTION_REINIT || action == ACTION_REPIN || action == ACTION_AGAIN || action == ACTION_LOOKUP;
}

enum action job_decide(const struct job_facts *f)
{
    enum step_zone zone = step_rules[f->step].zone;
    enum action action = decisions[f->cls][zone];
    if (zone == ZONE_AFTER)
        return action; /* the record is made: reported for as long as it takes */
    if (counts_as_try(action) && f->tries >= f->tries_max)
        action = ACTION_NEXT_TOKEN;
    if (action == ACTION_NEXT_TOKEN && f->tokens >= f->tokens_max)
        action = ACTION_FAIL;
    return action;
}
