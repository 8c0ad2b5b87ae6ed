/* What becomes of a job, its token and its bay when a step has failed. */
#include "station/station.h"

#include <stdio.h>
#include <string.h>

/* What follows a step that failed like this. A wipe is about its one token: there is no other for it. */
enum action job_next_action(const struct station *st, const struct job *job, enum outcome_class cls)
{
    const struct job_facts facts = {
        .step = job->step,
        .cls = cls,
        .tries = (int)job->row.tries,
        .tries_max = (int)st->conf.tries_per_token,
        .tokens = (int)job->row.tokens_used,
        .tokens_max = (int)st->conf.tokens_per_job,
    };
    const enum action action = job_decide(&facts);
    return action == ACTION_NEXT_TOKEN && job->row.kind == JOB_RECYCLE ? ACTION_FAIL : action;
}

/* ---- tokens and bays ---- */

/* Nothing was done to the token, and it is not what the job failed of: it goes back to stock. */
static bool is_untouched(const struct job *job, const struct err *why)
{
    const enum outcome_class cls = outcome_class(why->code);
    return job->row.kind == JOB_MAKE && job->step == STEP_CHECK &&
           (cls == CLASS_JOB || cls == CLASS_LEASE || why->code == ERR_TOKEN_ABSENT);
}

static int release_token(struct station *st, struct job *job, const struct err *why, struct err *err)
{
    struct token_row token = {0};
    if (job->row.token[0] == '\0')
        return 0;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    char reason[256];
    snprintf(reason, sizeof reason, "%s at %s: %.180s", job->row.application, step_rules[job->step].name,
             why->text);
    for (size_t n = strlen(reason); n > 0 && !utf8_valid(reason, n); n--)
        reason[n - 1] = '\0';
    int rc = 0;
    if (is_untouched(job, why))
        rc = token_move(st->db, &token, strcmp(token.so_kind, "derived") == 0 ? TOKEN_WIPED : TOKEN_STOCK, "",
                        err);
    else
        rc = token_move(st->db, &token, TOKEN_QUARANTINED, reason, err);
    if (rc == 0 && token.state == TOKEN_QUARANTINED)
        rc = alert(st, "quarantine", token.serial, err, "token %s is quarantined: %s", token.serial, reason);
    if (rc == 0 && outcome_class(why->code) == CLASS_LOT && token.lot[0] != '\0')
        rc = lot_stop(st, &token, why, err);
    token_row_done(&token);
    return rc;
}

static int leave_bay(struct station *st, struct job *job, struct err *err)
{
    struct bay *bay = job->bay;
    job_detach(job);
    job->row.bay[0] = '\0';
    return bay != NULL ? bay_leave(st, bay, err) : 0;
}

/* ---- endings ---- */

static int next_token(struct station *st, struct job *job, const struct err *why, struct err *err)
{
    if (void_job(st, job, why->text, err) < 0 || release_token(st, job, why, err) < 0 ||
        leave_bay(st, job, err) < 0)
        return -1;
    job_forget_key(job);
    job->step = STEP_CHECK;
    job->row.attempt = job->row.tries = job->row.so_try = 0;
    job->row.token[0] = '\0';
    job->row.state = JOB_QUEUED;
    job->wait = WAIT_NONE;
    snprintf(job->row.detail, sizeof job->row.detail, "again on another token: %.200s", why->text);
    utf8_scrub(job->row.detail);
    return job_save(st, job, err);
}

/* The end of a job that made nothing. */
static int job_end(struct station *st, struct job *job, enum action action, const struct err *why,
                   struct err *err)
{
    if (void_job(st, job, why->text, err) < 0 || release_token(st, job, why, err) < 0 ||
        leave_bay(st, job, err) < 0)
        return -1;
    job->row.state = action == ACTION_FAIL ? JOB_FAILED : JOB_ABANDONED;
    snprintf(job->row.code, sizeof job->row.code, "%s", err_name(why->code));
    snprintf(job->row.detail, sizeof job->row.detail, "%s", why->text);
    if (job_save(st, job, err) < 0)
        return -1;
    if (alert(st, action == ACTION_FAIL ? "job-failed" : "job-lost", job->row.application, err, "%s: %s",
              job->row.application, why->text) < 0)
        return -1;
    int rc = 0;
    if (action == ACTION_FAIL && job->row.kind == JOB_MAKE) {
        json_t *body = json_pack("{s:I s:s s:s}", "generation", (json_int_t)job->row.generation, "code",
                                 err_name(why->code), "detail", why->text);
        rc = outbox_add(st, job->row.id, "fail", job->row.application, body, err);
        json_decref(body);
    }
    job_close(st, job);
    return rc;
}

/* ---- the same token again ---- */

static int reinit(struct station *st, struct job *job, const struct err *why, struct err *err)
{
    if (void_job(st, job, why->text, err) < 0)
        return -1;
    job_forget_key(job);
    if (job->step != STEP_CHECK)
        job->step = STEP_INITIALISE;
    job->row.attempt = 0;
    return 0;
}

/* What only a person, or another station's voiding, will change is not asked for every second. */
static bool is_patient(const struct job *job, const struct err *why)
{
    return job->step == STEP_CHECK || why->code == ERR_ALREADY_SIGNED || why->code == ERR_RATE;
}

static int again_with_new_worker(struct station *st, struct job *job, int after_ms, struct err *err)
{
    job->in_flight = job->sealing = false;
    if (job->bay != NULL)
        bay_restart(st, job->bay, job->bay->product->settle_ms + after_ms);
    return job_save(st, job, err);
}

/* Until vault and machine are ready: as a new worker needs, where one had begun. */
static int wait_until_ready(struct station *st, struct job *job, const struct err *why, struct err *err)
{
    const int ms = is_patient(job, why) ? PATIENT_MS : RETRY_MS;
    if (job_wait_for(st, job, WAIT_VAULT, ms, why->text, err) < 0)
        return -1;
    return step_rules[job->acting].actor == ACTOR_BAY && job->step != STEP_CHECK
               ? again_with_new_worker(st, job, ms, err)
               : 0;
}

int job_apply(struct station *st, struct job *job, enum action action, const struct err *why, struct err *err)
{
    switch (action) {
    case ACTION_NEXT:
    case ACTION_COUNT:
        return 0;
    case ACTION_AGAIN:
        job->row.tries++;
        return job_wait_for(st, job, WAIT_RETRY, RETRY_MS, why->text, err);
    case ACTION_LOOKUP:
        job->row.tries++;
        return job_wait_for(st, job, WAIT_VAULT, 0, why->text, err);
    case ACTION_REINIT:
        job->row.tries++;
        return reinit(st, job, why, err) < 0 ? -1 : again_with_new_worker(st, job, 0, err);
    case ACTION_REPIN:
        job->row.tries++;
        return again_with_new_worker(st, job, 0, err);
    case ACTION_WAIT:
        return wait_until_ready(st, job, why, err);
    case ACTION_WAIT_TOKEN:
        if (leave_bay(st, job, err) < 0)
            return -1;
        if (job->step == STEP_CHECK && job->row.kind == JOB_MAKE && why->code == ERR_TOKEN_ABSENT) {
            job->row.tokens_used--; /* nothing was done to it */
            return next_token(st, job, why, err);
        }
        if (job->row.tries > st->conf.tries_per_token)
            return job->row.tokens_used < st->conf.tokens_per_job && job->row.kind == JOB_MAKE
                       ? next_token(st, job, why, err)
                       : job_end(st, job, ACTION_FAIL, why, err);
        return job_wait_for(st, job, WAIT_TOKEN, (int)st->conf.absent_seconds * 1000, why->text, err);
    case ACTION_NEXT_TOKEN:
        return next_token(st, job, why, err);
    case ACTION_FAIL:
    case ACTION_LOST:
        return job_end(st, job, action, why, err);
    }
    return 0;
}

int job_lost(struct station *st, struct job *job, struct err *err)
{
    struct err why;
    err_set(&why, ERR_LEASE, "application %s, generation %lld: the portal has taken it back",
            job->row.application, (long long)job->row.generation);
    return job_apply(st, job, ACTION_LOST, &why, err);
}
