/* The step machine: what comes after an outcome. Pure: facts in, an action out; no clock, no database, no device. */
#ifndef CASTATION_JOB_MACHINE_H
#define CASTATION_JOB_MACHINE_H

#include <stdbool.h>

#include "base/err.h"

enum step {
#define X(step, name, zh, en, actor, zone, lease, recovery) step,
#include "job/steps.def"
#undef X
    STEP_COUNT
};

enum step_actor { ACTOR_BAY, ACTOR_VAULT, ACTOR_LOCAL, ACTOR_PORTAL };
enum step_zone { ZONE_BEFORE, ZONE_RESERVE, ZONE_SIGN, ZONE_TOKEN, ZONE_AFTER, ZONE_COUNT };
enum step_recovery { RECOVER_REINIT, RECOVER_RETRY, RECOVER_LOOKUP, RECOVER_REPIN, RECOVER_NONE };

struct step_rule {
    const char *name, *zh, *en;
    enum step_actor actor;
    enum step_zone zone;
    bool lease;
    enum step_recovery recovery;
};
extern const struct step_rule step_rules[STEP_COUNT];
enum step step_from_name(const char *name); /* STEP_COUNT when unknown */

enum step_point {
#define X(point, name, truth) point,
#include "job/points.def"
#undef X
    POINT_COUNT
};
extern const char *const step_point_names[POINT_COUNT];

/* Phases of the journal. */
enum phase { PHASE_INTENT, PHASE_DONE, PHASE_FAILED, PHASE_UNKNOWN, PHASE_COUNT };
const char *phase_name(enum phase phase);

/* What an error means for a job (outcome.def). */
enum outcome_class {
    CLASS_DEVICE,      /* the device or its module failed, or nobody knows */
    CLASS_ABSENT,      /* the token is not there: wait for it */
    CLASS_TOKEN,       /* this token must not be used */
    CLASS_LOT,         /* nor its lot */
    CLASS_WAIT,        /* vault or machine are not ready: the same again later */
    CLASS_JOB,         /* the application cannot be made */
    CLASS_LEASE,       /* the application is no longer ours */
    CLASS_RESERVATION, /* the reservation cannot be used: void it, new key and serial */
    CLASS_COUNT
};
enum outcome_class outcome_class(enum err_code code);

enum action {
    ACTION_NEXT,       /* the step is done: the next one */
    ACTION_AGAIN,      /* the same step again */
    ACTION_LOOKUP,     /* ask the vault what it logged, then decide */
    ACTION_REINIT,     /* new worker, from check on, on the same token */
    ACTION_REPIN,      /* new worker, new PIN, then the same step */
    ACTION_WAIT,       /* until vault and machine are ready, then ACTION_AGAIN, or as a new worker needs */
    ACTION_WAIT_TOKEN, /* until the same token is plugged in again */
    ACTION_NEXT_TOKEN, /* quarantine this token, take another */
    ACTION_FAIL,       /* report the application as failed */
    ACTION_LOST,       /* the lease is gone: void what is there, quarantine, no report */
    ACTION_COUNT
};
const char *action_name(enum action action);

struct job_facts {
    enum step step;
    enum outcome_class cls;
    int tries, tries_max;   /* REINIT, REPIN and AGAIN of this token so far */
    int tokens, tokens_max; /* tokens used, this one counted */
};

/* What to do about a step that failed with this class (CLASS_DEVICE: or whose outcome is unknown). Whenever a
 * reservation or a certificate exists and the action is REINIT, NEXT_TOKEN, FAIL or LOST, the caller first commits its voiding. */
enum action job_decide(const struct job_facts *facts);

#endif
