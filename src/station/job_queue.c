/* Jobs come (claims), wait, go on and end. */
#include "station/station.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/log.h"
#include "domain/plain_text.h"
#include "station/clock_guard.h"

#define RENEW_AGAIN_MS 5000

static int64_t lease_left_ms(const struct job *job)
{
    return job_lease_valid(job) ? job->row.lease_boot_ms - clock_boot_ms() : 0;
}

/* ---- at the start ---- */

static int open_row(struct job_row *row, void *arg, struct err *err)
{
    struct job *job = NULL;
    return job_open(arg, row, &job, err);
}

/* An act that castationd's end cut off: unknown, and counted, so that a step that kills us every time ends
 * too. */
static int recover_unknown(struct station *st, struct job *job, const struct journal_last *last,
                           struct err *err)
{
    struct err why;
    err_set(&why, ERR_TOKEN_FAILED, "castationd ended during %s", last->step);
    const enum action action = job_next_action(st, job, CLASS_DEVICE);
    json_t *evidence = json_pack("{s:s s:s}", "detail", why.text, "then", action_name(action));
    int rc =
        journal_add(st->db, job->row.id, last->step, last->attempt, phase_name(PHASE_UNKNOWN), evidence, err);
    json_decref(evidence);
    if (rc < 0)
        return -1;
    log_warning(
        "%s: token %s: %s is unknown: castationd ended during it; the token is probed when it is there",
        job->row.application, job->row.token, last->step);
    if (action == ACTION_NEXT_TOKEN || action == ACTION_FAIL)
        return job_apply(st, job, action, &why, err);
    job->row.tries++;
    return job_save(st, job, err);
}

static int recover_job(struct station *st, struct job *job, struct err *err)
{
    struct journal_last last;
    struct err why;
    if (job->row.state != JOB_ACTIVE && job->row.state != JOB_WAITING)
        return 0;
    job->wait = WAIT_TOKEN;
    job->wait_until = clock_mono_ms() + st->conf.absent_seconds * 1000;
    job->row.state = JOB_WAITING;
    if (journal_last(st->db, job->row.id, &last, &why) < 0) {
        if (why.code == ERR_NOT_FOUND)
            return job_save(st, job, err);
        *err = why;
        return -1;
    }
    if (strcmp(last.phase, phase_name(PHASE_INTENT)) == 0)
        return recover_unknown(st, job, &last, err);
    return job_save(st, job, err);
}

int jobs_recover(struct station *st, struct err *err)
{
    if (clock_guard_open(st, err) < 0 || job_each(st->db, SQL_JOB_OPEN, DB_NO_ARGS, open_row, st, err) < 0)
        return -1;
    for (struct job *job = st->jobs, *next = NULL; job != NULL; job = next) {
        next = job->next;
        if (recover_job(st, job, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- claims ---- */

static int base64_decode(const char *text, uint8_t *dst, size_t cap, size_t *ret_len)
{
    const size_t n = strlen(text);
    size_t pad = 0;
    if (n == 0 || n % 4 != 0 || n / 4 * 3 > cap)
        return -1;
    for (size_t i = n; i > n - 2 && text[i - 1] == '='; i--)
        pad++;
    int len = EVP_DecodeBlock(dst, (const unsigned char *)text, (int)n);
    if (len < 0 || (size_t)len < pad)
        return -1;
    *ret_len = (size_t)len - pad;
    return 0;
}

static int claim_fill(struct job_row *row, json_t *claim, struct err *err)
{
    static const struct json_field fields[] = {
        {"application", JSON_FIELD_OBJECT, true, 0},
        {"approval", JSON_FIELD_STR, true, APPROVAL_DOCUMENT_MAX},
        {"signature", JSON_FIELD_STR, true, 2 * APPROVAL_SIGNATURE_MAX},
        {"generation", JSON_FIELD_INT, true, 0},
        {"lease_seconds", JSON_FIELD_INT, true, 30 * 86400},
    };
    uint8_t signature[2 * APPROVAL_SIGNATURE_MAX];
    size_t signature_len = 0;
    struct buf document;
    buf_init(&document);
    int rc = -1;
    if (json_check(claim, "claim", fields, sizeof fields / sizeof fields[0], err) < 0)
        goto out;
    const char *approval = json_str(claim, "approval");
    json_t *application = json_object_get(claim, "application");
    if (base64_decode(json_str(claim, "signature"), signature, sizeof signature, &signature_len) < 0) {
        err_set(err, ERR_FIELD, "claim.signature: it is not base64");
        goto out;
    }
    if (json_canonical(application, &document, err) < 0 ||
        blob_set(&row->document, document.data, document.len, err) < 0 ||
        blob_set(&row->approval, approval, strlen(approval), err) < 0 ||
        blob_set(&row->signature, signature, signature_len, err) < 0)
        goto out;
    row->generation = json_int(claim, "generation");
    if (row->generation < 1 || json_int(claim, "lease_seconds") < 1) {
        err_set(err, ERR_FIELD, "claim: generation and lease_seconds must be 1 or more");
        goto out;
    }
    if (!plain_id_ok(json_str(application, "id"), sizeof row->application - 1)) { /* it stands in paths */
        err_set(err, ERR_FIELD, "claim.application.id: 1 to %zu letters, digits and hyphens are expected",
                sizeof row->application - 1);
        goto out;
    }
    snprintf(row->application, sizeof row->application, "%s", json_str(application, "id"));
    rc = 0;
out:
    buf_done(&document);
    return rc;
}

static void row_describe(struct job_row *row, const struct application *app)
{
    snprintf(row->organisation, sizeof row->organisation, "%s", app->organisation.name);
    snprintf(row->identifier, sizeof row->identifier, "%s", app->organisation.identifier);
    snprintf(row->profile, sizeof row->profile, "%s", app->profile);
    snprintf(row->delivery, sizeof row->delivery, "%s", delivery_method_name(app->delivery_method));
}

/* A higher generation is here: the earlier ones were taken from us, whether a renewal has told us so or not.
 */
static void outdate(struct station *st, const struct job *newer)
{
    for (struct job *job = st->jobs; job != NULL; job = job->next)
        if (job != newer && job->row.state != JOB_MADE &&
            strcmp(job->row.application, newer->row.application) == 0)
            job->lost = true;
}

static bool has_earlier(const struct station *st, const struct job *queued)
{
    for (const struct job *job = st->jobs; job != NULL; job = job->next)
        if (job != queued && strcmp(job->row.application, queued->row.application) == 0)
            return true;
    return false;
}

int job_accept_claim(struct station *st, json_t *claim, int64_t lease_start_ms, bool replayed,
                     struct err *err)
{
    struct job_row row = {.kind = JOB_MAKE, .state = JOB_QUEUED}, earlier = {0};
    struct application app;
    struct err why;
    struct job *job = NULL;
    int rc = 0;
    if (claim_fill(&row, claim, &why) < 0) {
        if (strcmp(st->portal.nonsense, why.text) == 0)
            goto out; /* said before */
        snprintf(st->portal.nonsense, sizeof st->portal.nonsense, "%s", why.text);
        rc = alert(st, err_name(why.code), "portal", err,
                   "a claim of the portal makes no sense and is left alone: %s", why.text);
        goto out;
    }
    if (job_latest(st->db, row.application, &earlier, &why) == 0) {
        if (earlier.generation >= row.generation)
            goto out; /* a replayed answer: it is here already */
    } else if (why.code != ERR_NOT_FOUND) {
        *err = why;
        rc = -1;
        goto out;
    }
    uuid7(row.id);
    snprintf(row.step, sizeof row.step, "%s", step_rules[STEP_CHECK].name);
    clock_utc_text(clock_utc_ms(), row.created_at);
    memcpy(row.updated_at, row.created_at, sizeof row.updated_at);
    if (!replayed) {
        row.lease_boot_ms = lease_start_ms + json_int(claim, "lease_seconds") * 1000;
        clock_boot_id(row.lease_boot_id);
    }
    if (application_parse(row.document.data, row.document.len, &app, &why) == 0)
        row_describe(&row, &app);
    rc = job_insert(st->db, &row, err) < 0 ||
                 audit_add(st->db, "castationd", "claim", row.application, err, "generation %lld, %s",
                           (long long)row.generation, row.organisation) < 0 ||
                 job_open(st, &row, &job, err) < 0
             ? -1
             : 0;
    if (rc == 0) {
        job->renew_at = clock_mono_ms() + lease_left_ms(job) / 2;
        outdate(st, job);
    }
out:
    job_row_done(&row);
    job_row_done(&earlier);
    return rc;
}

/* ---- giving jobs to bays ---- */

static bool fits(const struct bay *bay, const struct profile *p)
{
    return (bay->product->key_types & (1u << p->key_type)) != 0;
}

/* What no bay of this station can make goes into any: check refuses it there, and it is reported. */
static bool bay_fits(struct station *st, const struct bay *bay, const struct job *job)
{
    const struct profile *p = profiles_find(st->profiles, job->row.profile);
    bool any = false;
    for (size_t i = 0; p != NULL && i < st->n_bays && !any; i++)
        any = fits(&st->bays[i], p);
    return !any || fits(bay, p);
}

static int assign(struct station *st, struct bay *bay, struct job *job, struct err *err)
{
    struct token_row token = {0};
    if (token_get(st->db, bay->serial, &token, err) < 0)
        return -1;
    snprintf(token.job, sizeof token.job, "%s", job->row.id);
    int rc = token_move(st->db, &token, TOKEN_IN_JOB, "", err);
    token_row_done(&token);
    if (rc < 0)
        return -1;
    job->row.state = JOB_ACTIVE;
    job->row.tokens_used++;
    job->row.tries = 0;
    snprintf(job->row.token, sizeof job->row.token, "%s", bay->serial);
    snprintf(job->row.bay, sizeof job->row.bay, "%s", bay->name);
    if (audit_add(st->db, "castationd", "start", job->row.application, err, "token %s in %s", bay->serial,
                  bay->name) < 0 ||
        job_save(st, job, err) < 0)
        return -1;
    portal_wants_more(st);
    return bay_attach(st, bay, job, err);
}

/* A wipe that was asked for, of a token that is in a bay already. One that has begun and waits for its token
 * goes on when that is plugged in again. */
static int assign_recycle(struct station *st, struct job *job, struct err *err)
{
    for (size_t i = 0; i < st->n_bays; i++) {
        struct bay *bay = &st->bays[i];
        const bool free = bay->state == BAY_FINISHED || bay->state == BAY_REFUSED || bay->state == BAY_IDLE;
        if (bay->job == NULL && free && bay->present && strcmp(bay->serial, job->row.token) == 0) {
            job->step = STEP_INITIALISE;
            return bay_attach(st, bay, job, err);
        }
    }
    return 0;
}

static struct job *next_queued(struct station *st, const struct bay *bay)
{
    for (struct job *job = st->jobs; job != NULL; job = job->next)
        if (job->row.state == JOB_QUEUED && job->row.kind == JOB_MAKE && !job->lost &&
            job->wait == WAIT_NONE && bay_fits(st, bay, job) && !has_earlier(st, job))
            return job;
    return NULL;
}

int jobs_assign(struct station *st, struct err *err)
{
    if (st->stopping || !vault_is_open(st))
        return 0;
    for (struct job *job = st->jobs, *next = NULL; job != NULL; job = next) {
        next = job->next;
        if (job->row.kind == JOB_RECYCLE && job->row.state == JOB_QUEUED && job->bay == NULL &&
            assign_recycle(st, job, err) < 0)
            return -1;
    }
    if (!st->vault.ready)
        return 0;
    for (size_t i = 0; i < st->n_bays; i++) {
        struct bay *bay = &st->bays[i];
        if (bay->state != BAY_IDLE || bay->job != NULL)
            continue;
        struct job *job = next_queued(st, bay);
        if (job != NULL && assign(st, bay, job, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- time ---- */

static int token_waited_out(struct station *st, struct job *job, struct err *err)
{
    struct err why;
    err_set(&why, ERR_TOKEN_ABSENT, "token %s was not back within %lld s", job->row.token,
            (long long)st->conf.absent_seconds);
    return job_apply(st, job, job_next_action(st, job, CLASS_TOKEN), &why, err);
}

/* A worker that is being made ready resumes its job then; so does a token that is plugged in. */
static bool may_go_on(const struct job *job)
{
    return job->bay != NULL ? bay_is_ready(job->bay) : step_rules[job->step].actor != ACTOR_BAY;
}

static int wait_ended(struct station *st, struct job *job, struct err *err)
{
    return may_go_on(job) ? job_resume(st, job, err) : 0;
}

static void renew(struct station *st, struct job *job, int64_t now)
{
    char path[160];
    job->renewing = true;
    const int64_t poll = st->conf.portal.poll_seconds * 1000;
    job->renew_at = now + (poll < RENEW_AGAIN_MS ? poll : RENEW_AGAIN_MS);
    snprintf(path, sizeof path, "/v1/applications/%s/renew", job->row.application);
    json_t *body = json_pack("{s:I}", "generation", (json_int_t)job->row.generation);
    char key[UUID_SIZE];
    uuid7(key);
    portal_post(st, HTTP_RENEW, job->row.id, path, key, body);
    json_decref(body);
}

int job_tick(struct station *st, struct job *job, int64_t now, struct err *err)
{
    if (job->row.state == JOB_MADE)
        return 0;
    if (job->row.kind == JOB_MAKE && !job->renewing && !job->lost && job->renew_at <= now)
        renew(st, job, now);
    if (job->in_flight || job->looking_up)
        return 0;
    if (job->lost && (job->row.state == JOB_QUEUED || job->row.state == JOB_WAITING))
        return job_lost(st, job, err);
    switch (job->wait) {
    case WAIT_NONE:
        return 0;
    case WAIT_TOKEN:
        return job->bay == NULL && job->wait_until <= now ? token_waited_out(st, job, err) : 0;
    case WAIT_VAULT:
        return st->vault.ready && job->wait_until <= now ? wait_ended(st, job, err) : 0;
    case WAIT_LEASE:
        return job_lease_valid(job) ? wait_ended(st, job, err) : 0;
    case WAIT_VOID:
    case WAIT_RETRY:
        return job->wait_until <= now ? wait_ended(st, job, err) : 0;
    }
    return 0;
}

/* Does the clock end this wait? An answer, an arrival or a worker's readiness ends the others, and wakes the
 * loop itself. */
static bool ends_by_time(const struct station *st, const struct job *job)
{
    switch (job->wait) {
    case WAIT_NONE:
    case WAIT_LEASE:
        return false;
    case WAIT_TOKEN:
        return job->bay == NULL;
    case WAIT_VAULT:
        return st->vault.ready && may_go_on(job);
    case WAIT_VOID:
    case WAIT_RETRY:
        return may_go_on(job);
    }
    return false;
}

int64_t job_next_tick(const struct station *st, const struct job *job)
{
    int64_t at = INT64_MAX;
    if (job->row.state == JOB_MADE)
        return at;
    if (job->row.kind == JOB_MAKE && !job->renewing && !job->lost)
        at = job->renew_at;
    if (!job->in_flight && !job->looking_up && job->wait_until < at && ends_by_time(st, job))
        at = job->wait_until;
    return at;
}

/* ---- endings ---- */

int job_await_report(struct station *st, struct job *job, struct err *err)
{
    job->acting = STEP_REPORT;
    job->row.attempt = 1;
    job->row.state = JOB_MADE;
    struct bay *bay = job->bay;
    crash_point("%s.%s", step_rules[STEP_REPORT].name, step_point_names[POINT_BEFORE_INTENT]);
    if (journal_add(st->db, job->row.id, step_rules[STEP_REPORT].name, 1, phase_name(PHASE_INTENT), NULL,
                    err) < 0)
        return -1;
    job_point(st, STEP_REPORT, POINT_AFTER_INTENT);
    job->bay = NULL;
    if (bay != NULL)
        bay->job = NULL;
    if (job_save(st, job, err) < 0)
        return -1;
    log_info("%s: made: token %s, %s", job->row.application, job->row.token, job->row.organisation);
    return bay != NULL ? bay_leave(st, bay, err) : 0;
}

int job_recycled(struct station *st, struct job *job, struct err *err)
{
    struct token_row token = {0};
    struct bay *bay = job->bay;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    token.job[0] = '\0';
    int rc = token_move(st->db, &token, TOKEN_WIPED, "", err);
    token_row_done(&token);
    job->row.state = JOB_DONE;
    if (rc < 0 || job_save(st, job, err) < 0 ||
        audit_add(st->db, "castationd", "wiped", job->row.token, err, "job %s", job->row.id) < 0)
        return -1;
    job_close(st, job);
    return bay != NULL ? bay_leave(st, bay, err) : 0;
}

static int report_accepted(struct station *st, struct job_row *row, struct err *err)
{
    struct token_row token = {0};
    char serial[2 * SERIAL_NUMBER_MAX + 1], now[CLOCK_UTC_SIZE];
    hex_encode(row->serial_number.data, row->serial_number.len, serial);
    clock_utc_text(clock_utc_ms(), now);
    if (token_get(st->db, row->token, &token, err) < 0)
        return -1;
    int rc = token_move(st->db, &token, TOKEN_DELIVERABLE, "", err);
    token_row_done(&token);
    row->state = JOB_DONE;
    return rc < 0 ||
                   journal_add(st->db, row->id, step_rules[STEP_REPORT].name, 1, phase_name(PHASE_DONE), NULL,
                               err) < 0 ||
                   db_exec(st->db, SQL_CERTIFICATE_STATE,
                           DB_ARGS(DB_TEXT(serial), DB_TEXT("deliverable"), DB_TEXT(""), DB_TEXT(now)), NULL,
                           err) < 0 ||
                   job_update(st->db, row, err) < 0 ||
                   audit_add(st->db, "castationd", "deliverable", row->token, err,
                             "application %s, acknowledged by the portal", row->application) < 0
               ? -1
               : 0;
}

/* Too late, or not believed: what was made must not be handed over. */
static int report_refused(struct station *st, struct job *job, const char *code, const char *detail,
                          struct err *err)
{
    struct err why;
    err_set(&why, err_from_name(code) == ERR_GENERATION ? ERR_GENERATION : ERR_REFUSED,
            "the portal refused the report: %s: %s", code, detail);
    json_t *evidence = json_pack("{s:s s:s}", "code", code, "detail", detail);
    int rc = journal_add(st->db, job->row.id, step_rules[STEP_REPORT].name, 1, phase_name(PHASE_FAILED),
                         evidence, err);
    json_decref(evidence);
    return rc < 0 ? -1 : job_apply(st, job, ACTION_LOST, &why, err);
}

int job_reported(struct station *st, const char *job_id, bool accepted, const char *code, const char *detail,
                 struct err *err)
{
    struct job *job = job_by_id(st, job_id);
    if (job == NULL || job->row.state != JOB_MADE)
        return 0;
    crash_point("%s.%s", step_rules[STEP_REPORT].name, step_point_names[POINT_AFTER_ACT]);
    job_point(st, STEP_REPORT, POINT_AFTER_OUTCOME);
    if (!accepted)
        return report_refused(st, job, code, detail, err);
    if (report_accepted(st, &job->row, err) < 0)
        return -1;
    log_info("%s: deliverable: token %s", job->row.application, job->row.token);
    for (size_t i = 0; i < st->n_bays; i++)
        if (st->bays[i].present && st->bays[i].job == NULL &&
            strcmp(st->bays[i].serial, job->row.token) == 0 && st->bays[i].state == BAY_FINISHED)
            bay_set(&st->bays[i], BAY_FINISHED, "deliverable");
    job_close(st, job);
    return 0;
}

int lot_stop(struct station *st, const struct token_row *token, const struct err *why, struct err *err)
{
    char now[CLOCK_UTC_SIZE];
    clock_utc_text(clock_utc_ms(), now);
    if (db_exec(st->db, SQL_LOT_STOP,
                DB_ARGS(DB_TEXT(token->product), DB_TEXT(token->lot), DB_TEXT(why->text), DB_TEXT(now)), NULL,
                err) < 0)
        return -1;
    for (size_t i = 0; i < st->n_bays; i++) /* one that lies ready may be of it */
        if (st->bays[i].state == BAY_IDLE && st->bays[i].job == NULL && bay_judge(st, &st->bays[i], err) < 0)
            return -1;
    return alert(st, "lot-stopped", token->lot, err, "lot %s of %s is stopped: %s", token->lot,
                 token->product, why->text);
}
