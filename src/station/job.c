/* A job's way through the steps: journal the intent, act, journal the outcome, decide. */
#include "station/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/log.h"
#include "station/clock_guard.h"

/* ---- the list of open jobs ---- */

struct job *job_by_id(struct station *st, const char *id)
{
    struct job *job = st->jobs;
    while (job != NULL && strcmp(job->row.id, id) != 0)
        job = job->next;
    return job;
}

struct job *job_by_token(struct station *st, const char *serial)
{
    struct job *job = st->jobs;
    while (job != NULL && (job->row.state == JOB_MADE || strcmp(job->row.token, serial) != 0))
        job = job->next;
    return job;
}

int job_open(struct station *st, struct job_row *row, struct job **ret, struct err *err)
{
    struct err why;
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return err_set(err, ERR_MEMORY, "a job");
    job->row = *row;
    memset(row, 0, sizeof *row);
    job->step = step_from_name(job->row.step);
    if (job->step == STEP_COUNT)
        job->step = STEP_CHECK;
    job->acting = job->step;
    if (job->row.kind == JOB_MAKE &&
        application_parse(job->row.document.data, job->row.document.len, &job->app, &why) < 0)
        log_err(&why, "application %s", job->row.application); /* check refuses it again, and reports it */
    struct job **end = &st->jobs;
    while (*end != NULL)
        end = &(*end)->next;
    *end = job;
    *ret = job;
    return 0;
}

void job_detach(struct job *job)
{
    if (job->bay != NULL)
        job->bay->job = NULL;
    job->bay = NULL;
    job->in_flight = job->sealing = job->looking_up = false;
}

void job_close(struct station *st, struct job *job)
{
    job_detach(job);
    for (struct job **p = &st->jobs; *p != NULL; p = &(*p)->next)
        if (*p == job) {
            *p = job->next;
            break;
        }
    job_row_done(&job->row);
    free(job);
}

int job_save(struct station *st, struct job *job, struct err *err)
{
    snprintf(job->row.step, sizeof job->row.step, "%s", step_rules[job->step].name);
    return job_update(st->db, &job->row, err);
}

bool job_lease_valid(const struct job *job)
{
    char boot[BOOT_ID_SIZE];
    clock_boot_id(boot);
    return strcmp(boot, job->row.lease_boot_id) == 0 && clock_boot_ms() < job->row.lease_boot_ms;
}

int job_too_large(const struct job_row *row, struct err *fail)
{
    return err_set(
        fail, ERR_TOO_LARGE,
        "application %s: document, approval and signature have %zu, %zu and %zu bytes; the vault takes %d, "
        "%d and %d",
        row->application, row->document.len, row->approval.len, row->signature.len, APPLICATION_MAX,
        APPROVAL_MAX, APPROVAL_SIG_MAX);
}

/* ---- journal ---- */

static int journal(struct station *st, struct job *job, enum phase phase, json_t *evidence, struct err *err)
{
    clock_guard_see(st);
    return journal_add(st->db, job->row.id, step_rules[job->acting].name, job->row.attempt, phase_name(phase),
                       evidence, err);
}

static json_t *evidence_of(const struct err *why, enum action action)
{
    return json_pack("{s:s s:s s:s}", "code", err_name(why->code), "detail", why->text, "then",
                     action_name(action));
}

void job_point(struct station *st, enum step step, enum step_point p)
{
    struct effect *e = effect_new(st, EFFECT_CRASH_POINT);
    snprintf(e->point, sizeof e->point, "%s.%s", step_rules[step].name, step_point_names[p]);
}

/* ---- beginning a step ---- */

int job_wait_for(struct station *st, struct job *job, enum job_wait wait, int ms, const char *detail,
                 struct err *err)
{
    job->wait = wait;
    job->wait_until = clock_mono_ms() + ms;
    const bool changed = job->row.state != JOB_WAITING || strcmp(job->row.detail, detail) != 0;
    job->row.state = JOB_WAITING;
    snprintf(job->row.detail, sizeof job->row.detail, "%s", detail);
    if (changed)
        log_info("%s: %s: waits: %s", job->row.application, step_rules[job->step].name, detail);
    return changed ? job_save(st, job, err) : 0;
}

static int wait_for_clock(struct station *st, struct job *job, struct err *err)
{
    char detail[160];
    return clock_guard_tell(st, detail, err) < 0 ? -1
                                                 : job_wait_for(st, job, WAIT_RETRY, PATIENT_MS, detail, err);
}

/* 0 = go on, 1 = it waits, -1 */
static int job_may_begin(struct station *st, struct job *job, struct err *err)
{
    const struct step_rule *rule = &step_rules[job->step];
    if (job->lost && rule->zone != ZONE_AFTER)
        return job_lost(st, job, err) < 0 ? -1 : 1;
    if (st->stopping && clock_mono_ms() >= st->stop_deadline && rule->actor != ACTOR_LOCAL)
        return 1; /* parked between two steps: nothing is under way */
    if (rule->actor == ACTOR_BAY && job->bay == NULL)
        return job_wait_for(st, job, WAIT_TOKEN, (int)st->conf.absent_seconds * 1000,
                            "its token is not in a bay", err) < 0
                   ? -1
                   : 1;
    if (rule->actor == ACTOR_BAY && !bay_is_ready(job->bay))
        return 1; /* its worker is being made ready, and goes on then */
    if ((job->step == STEP_CHECK || job->step == STEP_RESERVE) && clock_is_back(st))
        return wait_for_clock(st, job, err) < 0 ? -1 : 1;
    if (rule->actor == ACTOR_VAULT && !st->vault.ready)
        return job_wait_for(st, job, WAIT_VAULT, RETRY_MS,
                            st->vault.detail[0] ? st->vault.detail : "the vault is not ready", err) < 0
                   ? -1
                   : 1;
    if (rule->lease && !job_lease_valid(job)) {
        job->renew_at = 0;
        return job_wait_for(st, job, WAIT_LEASE, 0, "its lease has run out; it is renewed first", err) < 0
                   ? -1
                   : 1;
    }
    bool pending = false;
    if (job->step == STEP_RESERVE && void_pending(st, job->row.application, &pending, err) < 0)
        return -1;
    if (pending)
        return job_wait_for(st, job, WAIT_VOID, RETRY_MS,
                            "an earlier certificate of this application is being voided", err) < 0
                   ? -1
                   : 1;
    return 0;
}

static int step_failed(struct station *st, struct job *job, const struct err *why, bool unknown,
                       struct err *err);
static int step_done(struct station *st, struct job *job, json_t *evidence, struct err *err);

/* Nobody was to be asked: all of the step is this one transaction, and so are its crash points. */
static int done_at_once(struct station *st, struct job *job, json_t *evidence, struct err *err)
{
    crash_point("%s.%s", step_rules[job->acting].name, step_point_names[POINT_AFTER_INTENT]);
    crash_point("%s.%s", step_rules[job->acting].name, step_point_names[POINT_AFTER_ACT]);
    return step_done(st, job, evidence, err);
}

static int act(struct station *st, struct job *job, struct err *err)
{
    struct err fail = {0};
    json_t *evidence = json_object();
    const enum step_actor actor = step_rules[job->acting].actor;
    struct msg_out msg;
    msg_out_init(&msg, false);
    crash_point("%s.%s", step_rules[job->acting].name, step_point_names[POINT_BEFORE_INTENT]);
    job->row.attempt++;
    job->row.state = JOB_ACTIVE;
    job->row.detail[0] = '\0';
    job->wait = WAIT_NONE;
    int rc = step_ops[job->acting].begin(st, job, evidence, &msg, &fail, err);
    if (rc < 0)
        goto out;
    if (rc == 0 &&
        msg.err.code != ERR_NONE) { /* it cannot be sent: refused here, not taken for a broken line */
        fail = msg.err;
        rc = 1;
    }
    if (journal(st, job, PHASE_INTENT, evidence, err) < 0 || job_save(st, job, err) < 0) {
        rc = -1;
        goto out;
    }
    if (rc == 1)
        rc = step_failed(st, job, &fail, false, err);
    else if (rc == 2)
        rc = done_at_once(st, job, evidence, err);
    else {
        struct effect *e = actor == ACTOR_VAULT
                               ? vault_ask(st, (enum vault_verb)msg.buf.data[1], ASK_STEP, job->row.id)
                               : effect_bay(st, EFFECT_BAY, job->bay);
        job->request = actor == ACTOR_VAULT ? st->vault.next_id : 0;
        msg_out_done(&e->msg);
        e->msg = msg;
        msg_out_init(&msg, false);
        msg_set_id(&e->msg, job->request);
        snprintf(e->point, sizeof e->point, "%s.%s", step_rules[job->acting].name,
                 step_point_names[POINT_AFTER_INTENT]);
        job->in_flight = true;
    }
out:
    msg_out_done(&msg);
    json_decref(evidence);
    return rc;
}

int job_begin(struct station *st, struct job *job, struct err *err)
{
    int rc = job_may_begin(st, job, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    job->acting = job->step;
    if (job->bay != NULL && step_rules[job->step].zone == ZONE_TOKEN && job->bay->pin_version == 0)
        job->acting = STEP_SET_USER_PIN; /* a new worker never gets an old PIN */
    return act(st, job, err);
}

/* ---- its end ---- */

static int step_done(struct station *st, struct job *job, json_t *evidence, struct err *err)
{
    if (journal(st, job, PHASE_DONE, evidence, err) < 0)
        return -1;
    job_point(st, job->acting, POINT_AFTER_OUTCOME);
    if (job->acting != job->step) /* a repin: now the step itself */
        return job_begin(st, job, err);
    if (job->row.kind == JOB_RECYCLE && job->step == STEP_INITIALISE)
        return job_recycled(st, job, err);
    job->row.attempt = 0;
    job->step = (enum step)(job->step + 1);
    if (job_save(st, job, err) < 0)
        return -1;
    return job->step == STEP_REPORT ? job_await_report(st, job, err) : job_begin(st, job, err);
}

static int step_failed(struct station *st, struct job *job, const struct err *why, bool unknown,
                       struct err *err)
{
    const enum step_actor actor = step_rules[job->acting].actor;
    enum outcome_class cls = outcome_class(why->code);
    if (unknown && why->code != ERR_WEDGED)
        cls = actor == ACTOR_VAULT ? CLASS_WAIT : CLASS_DEVICE;
    enum action action = job_next_action(st, job, cls);
    /* The token was changing its SO PIN: the old one is the second and last try, by the same worker, which
     * alone knows that the low count that the token now shows is of our own making. */
    const bool second_try =
        why->code == ERR_SO_PIN && job->acting == STEP_INITIALISE && job->so_second_try && job->bay != NULL;
    if (second_try)
        action = ACTION_AGAIN;
    else if (job->acting == STEP_INITIALISE && cls == CLASS_WAIT)
        job->row.so_try--; /* no PIN was to be had, so none was tried; any other outcome leaves it a try */
    json_t *evidence = evidence_of(why, action);
    int rc = journal(st, job, unknown ? PHASE_UNKNOWN : PHASE_FAILED, evidence, err);
    json_decref(evidence);
    if (rc < 0)
        return -1;
    job_point(st, job->acting, POINT_AFTER_OUTCOME);
    log_warning("%s: token %s: %s: %s: %s → %s", job->row.application, job->row.token,
                step_rules[job->acting].name, unknown ? "unknown" : "failed", why->text, action_name(action));
    return second_try ? job_begin(st, job, err) : job_apply(st, job, action, why, err);
}

/* The PIN is sealed: commit it as pending, then set it. */
static int seal_outcome(struct station *st, struct job *job, struct msg_in *reply, struct err *err)
{
    struct err fail = {0};
    struct effect *e = NULL;
    struct msg_out msg;
    msg_out_init(&msg, false);
    int rc = pin_sealed(st, job, reply, &msg, &fail, err);
    job->sealing = false;
    if (rc == 1) {
        job->in_flight = false;
        rc = step_failed(st, job, &fail, false, err);
    } else if (rc == 0) {
        e = effect_bay(st, EFFECT_BAY, job->bay);
        msg_out_done(&e->msg);
        e->msg = msg;
        msg_out_init(&msg, false);
    }
    msg_out_done(&msg);
    return rc;
}

int job_outcome(struct station *st, struct job *job, struct msg_in *reply, const struct err *fail,
                bool unknown, struct err *err)
{
    crash_point("%s.%s", step_rules[job->acting].name, step_point_names[POINT_AFTER_ACT]);
    if (job->sealing && fail == NULL)
        return seal_outcome(st, job, reply, err);
    job->in_flight = job->sealing = false;
    if (fail != NULL)
        return step_failed(st, job, fail, unknown, err);
    struct err why = {0};
    json_t *evidence = json_object();
    int rc = step_ops[job->acting].finish(st, job, reply, evidence, &why, err);
    if (rc == 0)
        rc = step_done(st, job, evidence, err);
    else if (rc == 1)
        rc = step_failed(st, job, &why, false, err);
    json_decref(evidence);
    return rc;
}

/* ---- coming back to a job ---- */

static int ask_lookup(struct station *st, struct job *job)
{
    uint8_t hash[SHA256_SIZE];
    sha256(job->row.tbs.data, job->row.tbs.len, hash);
    struct effect *e = vault_ask(st, VAULT_VERB_LOOKUP, ASK_LOOKUP, job->row.id);
    struct vault_lookup_req req = {0};
    bytes_set(req.tbs_sha256, hash, sizeof hash);
    vault_lookup_req_put(&e->msg, &req);
    job->request = st->vault.next_id;
    job->looking_up = true;
    job->wait = WAIT_NONE;
    return 0;
}

int job_attach(struct station *st, struct job *job, struct bay *bay, struct err *err)
{
    snprintf(job->row.bay, sizeof job->row.bay, "%s", bay->name);
    return job_resume(st, job, err);
}

void job_forget_key(struct job *job)
{
    struct blob *blobs[] = {&job->row.key_id,        &job->row.spki, &job->row.csr,
                            &job->row.serial_number, &job->row.tbs,  &job->row.certificate};
    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++)
        blob_done(blobs[i]);
    job->row.sign_attempted = false;
}

int job_resume(struct station *st, struct job *job, struct err *err)
{
    if (job->in_flight || job->looking_up)
        return 0;
    switch (step_rules[job->step].zone) {
    case ZONE_BEFORE:
        if (job->step != STEP_CHECK) {
            job->step = STEP_INITIALISE;
            job->row.attempt = 0;
            job_forget_key(job);
        }
        return job_begin(st, job, err);
    case ZONE_SIGN:
        if (job->row.sign_attempted) {
            if (!st->vault.ready)
                return job_wait_for(st, job, WAIT_VAULT, RETRY_MS,
                                    "the vault is asked what it signed when it is ready", err);
            return ask_lookup(st, job);
        }
        return job_begin(st, job, err);
    case ZONE_RESERVE:
    case ZONE_TOKEN:
        return job_begin(st, job, err);
    case ZONE_AFTER:
    case ZONE_COUNT:
        break;
    }
    return job->step == STEP_COMMIT_RECORD ? job_begin(st, job, err) : 0;
}

int job_lookup_reply(struct station *st, struct job *job, struct msg_in *reply, const struct err *fail,
                     struct err *err)
{
    struct err why = {0};
    struct vault_lookup_rep rep = {0};
    job->looking_up = false;
    if (fail == NULL) {
        vault_lookup_rep_get(reply, &rep);
        if (msg_end(reply, &why) < 0)
            fail = &why;
    }
    if (fail != NULL)
        return job_wait_for(st, job, WAIT_VAULT, RETRY_MS, fail->text, err);
    job->acting = STEP_SIGN;
    if (rep.found == VAULT_SIGNED) {
        json_t *evidence = json_object();
        json_object_set_new(evidence, "lookup", json_string("signed"));
        int rc = sign_take(st, job, rep.certificate.data, rep.certificate.len, evidence, &why, err);
        if (rc == 0)
            rc = step_done(st, job, evidence, err);
        else if (rc == 1)
            rc = step_failed(st, job, &why, false, err);
        json_decref(evidence);
        return rc;
    }
    if (rep.found == VAULT_VOID || !tbs_is_signable(job)) {
        err_set(&why, ERR_RESERVATION, "the reservation is %s",
                rep.found == VAULT_VOID ? "void" : "too old to sign");
        return step_failed(st, job, &why, false, err);
    }
    return job_begin(st, job, err); /* nothing was let out: the same TBS may be signed */
}

int job_token_gone(struct station *st, struct job *job, struct err *err)
{
    struct err why;
    err_set(&why, ERR_TOKEN_ABSENT, "token %s was pulled at %s", job->row.token, step_rules[job->step].name);
    if (job->in_flight) { /* what the vault was asked for goes on without it, and is asked for again */
        json_t *evidence = evidence_of(&why, ACTION_WAIT_TOKEN);
        int rc = journal(st, job, PHASE_UNKNOWN, evidence, err);
        json_decref(evidence);
        if (rc < 0)
            return -1;
        job->row.tries += step_rules[job->acting].actor == ACTOR_BAY;
        job->in_flight = job->sealing = false;
    }
    return job_apply(st, job, ACTION_WAIT_TOKEN, &why, err);
}
