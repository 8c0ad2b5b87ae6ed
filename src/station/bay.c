/* A bay: one place for one token, one worker process for it. */
#include "station/station.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define KILL_GRACE_MS       5000
#define SETUP_FAILURES      3
#define SETUP_RETRY_MS      500
#define REGISTER_RETRY_MS   500
#define REGISTER_REFUSED_MS 2000

static const char *const state_names[BAY_STATE_COUNT] = {
    [BAY_EMPTY] = "empty",     [BAY_SETUP] = "setup",       [BAY_IDLE] = "idle",
    [BAY_WORKING] = "working", [BAY_FINISHED] = "finished", [BAY_REFUSED] = "refused",
    [BAY_WEDGED] = "wedged",
};

const char *bay_state_name(enum bay_state s)
{
    return s < BAY_STATE_COUNT ? state_names[s] : "?";
}

void bay_set(struct bay *bay, enum bay_state state, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(bay->detail, sizeof bay->detail, fmt, ap);
    va_end(ap);
    for (size_t n = strlen(bay->detail); n > 0 && !utf8_valid(bay->detail, n); n--)
        bay->detail[n - 1] = '\0';
    if (bay->state != state)
        clock_utc_text(clock_utc_ms(), bay->since);
    bay->state = state;
}

struct bay *bay_find(struct station *st, const char *name)
{
    for (size_t i = 0; i < st->n_bays; i++)
        if (strcmp(st->bays[i].name, name) == 0)
            return &st->bays[i];
    return NULL;
}

bool bay_is_ready(const struct bay *bay)
{
    return bay->setup == SETUP_READY && bay->client != NULL && !bay->killing &&
           bay_client_fd(bay->client) >= 0;
}

static struct effect *bay_ask(struct station *st, struct bay *bay, enum bay_verb verb)
{
    struct effect *e = effect_bay(st, EFFECT_BAY, bay);
    msg_begin(&e->msg, (uint8_t)verb, 0, 0);
    return e;
}

void bay_restart(struct station *st, struct bay *bay, int after_ms)
{
    bay->setup = bay->present ? SETUP_START : SETUP_NONE;
    bay->start_at = clock_mono_ms() + after_ms;
    bay->pin_version = 0;
    if (bay->client != NULL)
        effect_bay(st, EFFECT_KILL, bay);
}

static int setup_failed(struct station *st, struct bay *bay, const struct err *why, struct err *err)
{
    if (++bay->failures < SETUP_FAILURES && bay->state != BAY_WEDGED) {
        log_err(why, "worker");
        bay_restart(st, bay, bay->product->settle_ms + SETUP_RETRY_MS);
        return 0;
    }
    bay->setup = SETUP_NONE;
    if (bay->client != NULL)
        effect_bay(st, EFFECT_KILL, bay);
    struct job *job = bay->job;
    bay_set(bay, BAY_REFUSED, "%s", why->text);
    if (alert(st, err_name(why->code), bay->name, err, "%s: the token cannot be used: %s", bay->name,
              why->text) < 0)
        return -1;
    return job != NULL ? job_apply(st, job, ACTION_WAIT_TOKEN, why, err) : 0;
}

/* The worker knew the job's secrets, so it ends with the job: by quit when it is at leisure, else killed. */
int bay_leave(struct station *st, struct bay *bay, struct err *err)
{
    const bool ready = bay->setup == SETUP_READY;
    bay->setup = SETUP_NONE;
    bay->pin_version = 0;
    if (bay->client != NULL && !bay->killing) {
        if (ready && bay->present && bay_client_busy(bay->client) == BAY_NONE)
            bay_ask(st, bay, BAY_QUIT);
        else
            effect_bay(st, EFFECT_KILL, bay);
    }
    if (bay->state == BAY_WEDGED || bay->state == BAY_REFUSED || !bay->present)
        return 0;
    return bay_judge(st, bay, err);
}

/* ---- arrivals ---- */

static int bay_pulled(struct station *st, struct bay *bay, struct err *err)
{
    struct job *job = bay->job;
    bay->present = false;
    bay->serial[0] = '\0';
    bay->setup = SETUP_NONE;
    bay->pin_version = 0;
    if (bay->client != NULL)
        effect_bay(st, EFFECT_KILL, bay);
    if (bay->state != BAY_WEDGED)
        bay_set(bay, BAY_EMPTY, "%s", "");
    return job != NULL ? job_token_gone(st, job, err) : 0;
}

int bay_arrival(struct station *st, const struct arrival *a, struct err *err)
{
    struct bay *bay = bay_find(st, a->bay);
    if (bay == NULL)
        return 0; /* a folder that is no bay of ours */
    if (!a->plugged)
        return bay->present ? bay_pulled(st, bay, err) : 0;
    if (bay->present && bay_pulled(st, bay, err) < 0)
        return -1;
    bay->present = true;
    bay->failures = 0;
    snprintf(bay->environment, sizeof bay->environment, "%s", a->environment);
    if (bay->state == BAY_WEDGED)
        return 0; /* no other worker may touch it */
    bay_set(bay, BAY_SETUP, "%s", "");
    bay->setup = SETUP_START;
    bay->start_at = clock_mono_ms();
    if (st->turns ==
        0) /* it was there before us, and so may a worker have been that died with an earlier castationd */
        bay->start_at += bay->product->settle_ms;
    return 0;
}

/* ---- the worker's way to a ready token ---- */

static int worker_start(struct station *st, struct bay *bay, struct err *err)
{
    struct err why;
    if (bay_client_start(&bay->client, st->conf.bay_program, st->conf.bay_config, &why) < 0)
        return setup_failed(st, bay, &why, err);
    bay->killing = false;
    bay->setup = SETUP_HELLO;
    struct effect *e = bay_ask(st, bay, BAY_HELLO);
    struct bay_hello_req *req = &(struct bay_hello_req){.protocol = BAY_PROTOCOL};
    snprintf(req->bay, sizeof req->bay, "%s", bay->name);
    snprintf(req->product, sizeof req->product, "%s", bay->product->name);
    snprintf(req->module, sizeof req->module, "%s", bay->module);
    snprintf(req->environment, sizeof req->environment, "%s", bay->environment);
    bay_hello_req_put(&e->msg, req);
    return 0;
}

static void ask_probe(struct station *st, struct bay *bay)
{
    struct effect *e = bay_ask(st, bay, BAY_PROBE);
    struct bay_probe_req req = {0};
    bay_probe_req_put(&e->msg, &req);
    bay->setup = SETUP_PROBE;
}

static int register_later(struct station *st, struct bay *bay, int ms, const char *why, struct err *err)
{
    bay->start_at = clock_mono_ms() + ms;
    return job_wait_for(st, bay->job, WAIT_VAULT, ms, why, err);
}

static int ask_register(struct station *st, struct bay *bay, struct err *err)
{
    bay->setup = SETUP_REGISTER;
    if (bay->job->row.kind == JOB_RECYCLE ? !vault_is_open(st) : !st->vault.ready)
        return register_later(st, bay, REGISTER_RETRY_MS,
                              st->vault.detail[0] ? st->vault.detail : "the vault is not ready", err);
    struct job *job = bay->job;
    struct vault_register_req req = {.purpose = job->row.kind == JOB_MAKE ? VAULT_MAKE : VAULT_WIPE};
    struct err why;
    if (SET_APPROVED(req, &job->row, &why) < 0)
        return job_apply(st, job, ACTION_FAIL, &why, err);
    snprintf(req.job, sizeof req.job, "%s", job->row.id);
    snprintf(req.bay, sizeof req.bay, "%s", bay->name);
    snprintf(req.product, sizeof req.product, "%s", bay->product->name);
    snprintf(req.serial, sizeof req.serial, "%s", bay->serial);
    struct effect *e = vault_ask(st, VAULT_VERB_REGISTER, ASK_REGISTER, bay->name);
    bay->request = st->vault.next_id;
    bay->start_at = INT64_MAX; /* until the answer, or the end of the connection, comes */
    vault_register_req_put(&e->msg, &req);
    return 0;
}

/* A channel of the vault's for the job: the worker gets it, and castationd never reads it. */
static int register_taken(struct station *st, struct bay *bay, struct msg_in *reply, struct err *fail)
{
    struct vault_register_rep rep;
    struct bay_channel_req req = {0};
    vault_register_rep_get(reply, &rep);
    int fd = msg_take_fd(reply);
    if (msg_end(reply, fail) < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    struct effect *e = bay_ask(st, bay, BAY_CHANNEL);
    snprintf(req.job, sizeof req.job, "%s", bay->job->row.id);
    bay_channel_req_put(&e->msg, &req);
    msg_put_fd(&e->msg, fd);
    e->fd = fd;
    bay->so_version = rep.so_version;
    bay->setup = SETUP_CHANNEL;
    return 0;
}

int bay_register_reply(struct station *st, struct bay *bay, struct msg_in *reply, const struct err *fail,
                       struct err *err)
{
    if (bay->setup != SETUP_REGISTER || bay->job == NULL)
        return 0; /* the token or the job went meanwhile */
    struct err why = fail != NULL ? *fail : (struct err){0};
    if (fail == NULL && register_taken(st, bay, reply, &why) == 0)
        return 0;
    const enum outcome_class cls = outcome_class(why.code);
    if (cls == CLASS_JOB || cls == CLASS_TOKEN)
        return job_apply(st, bay->job, job_next_action(st, bay->job, cls), &why, err);
    return register_later(st, bay, reply != NULL ? REGISTER_REFUSED_MS : REGISTER_RETRY_MS, why.text, err);
}

int bay_attach(struct station *st, struct bay *bay, struct job *job, struct err *err)
{
    job->bay = bay;
    bay->job = job;
    bay_set(bay, BAY_WORKING, "%s", job->row.application);
    if (bay_is_ready(bay))
        return ask_register(st, bay, err);
    bay_restart(st, bay, 0);
    return 0;
}

/* A token that is not in any open job: may it have one? */
static int judge_free_token(struct station *st, struct bay *bay, struct token_row *token, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_LOT_STOPPED, DB_ARGS(DB_TEXT(token->product), DB_TEXT(token->lot)), &rows, err) <
        0)
        return -1;
    int stopped = db_next(rows, err);
    if (stopped == 1)
        bay_set(bay, BAY_REFUSED, "token %s: its lot %s is stopped: %s", token->serial, token->lot,
                db_col_text(rows, 0));
    db_rows_free(&rows);
    if (stopped != 0)
        return stopped < 0 ? -1 : 0;
    if (strcmp(token->product, bay->product->name) != 0)
        bay_set(bay, BAY_REFUSED, "token %s: in stock as product %s, but this bay is for %s", token->serial,
                token->product, bay->product->name);
    else if (token->state == TOKEN_STOCK && bay->probe.blank == 0)
        bay_set(bay, BAY_REFUSED,
                "token %s: it is not blank; castation quarantine, then recycle it to use it", token->serial);
    else
        bay_set(bay, BAY_IDLE, "%s", "");
    return 0;
}

static int token_arrived(struct station *st, struct bay *bay, struct token_row *token, struct err *err)
{
    struct err why;
    if (token_get(st->db, bay->serial, token, &why) < 0) {
        if (why.code != ERR_NOT_FOUND) {
            *err = why;
            return -1;
        }
        if (strcmp(st->conf.stock_policy, "any") != 0) {
            bay_set(bay, BAY_REFUSED, "token %s: it is not in stock; add its lot with castation stock add",
                    bay->serial);
            return alert(st, "token-unknown", bay->serial, err, "%s: token %s is not in stock", bay->name,
                         bay->serial) < 0
                       ? -1
                       : 1;
        }
        snprintf(token->serial, sizeof token->serial, "%s", bay->serial);
        snprintf(token->product, sizeof token->product, "%s", bay->product->name);
        token->state = TOKEN_STOCK;
        if (token_insert(st->db, token, err) < 0 ||
            audit_add(st->db, "castationd", "stock_add", token->serial, err, "%s, first seen in %s",
                      token->product, bay->name) < 0)
            return -1;
    }
    if (strcmp(token->environment, bay->environment) != 0) {
        snprintf(token->environment, sizeof token->environment, "%s", bay->environment);
        return token_update(st->db, token, err);
    }
    return 0;
}

int bay_judge(struct station *st, struct bay *bay, struct err *err)
{
    struct token_row token = {0};
    int rc = token_arrived(st, bay, &token, err);
    if (rc != 0)
        goto out;
    if (token.state == TOKEN_STOCK || token.state == TOKEN_WIPED)
        rc = judge_free_token(st, bay, &token, err);
    else if (token.state == TOKEN_IN_JOB)
        bay_set(bay, BAY_REFUSED, "token %s: it belongs to job %s", token.serial, token.job);
    else
        bay_set(bay, BAY_FINISHED, "%s%s%s", token_state_name(token.state), token.reason[0] ? ": " : "",
                token.reason);
out:
    token_row_done(&token);
    return rc < 0 ? -1 : 0;
}

static int serial_taken(struct station *st, const struct bay *bay)
{
    for (size_t i = 0; i < st->n_bays; i++)
        if (&st->bays[i] != bay && st->bays[i].present && strcmp(st->bays[i].serial, bay->serial) == 0)
            return 1;
    return 0;
}

static int bay_identified(struct station *st, struct bay *bay, struct err *err)
{
    snprintf(bay->serial, sizeof bay->serial, "%s", bay->probe.serial);
    bay->setup = SETUP_READY;
    if (bay->job != NULL && strcmp(bay->job->row.token, bay->serial) != 0) {
        struct err why;
        err_set(&why, ERR_TOKEN_CHANGED, "%s: expected token %s, found %s", bay->name, bay->job->row.token,
                bay->serial);
        if (job_apply(st, bay->job, ACTION_WAIT_TOKEN, &why, err) < 0)
            return -1;
    }
    if (bay->job != NULL)
        return ask_register(st, bay, err);
    bay->failures = 0; /* with a job: when its channel is there, too */
    if (bay->serial[0] == '\0') {
        bay_set(bay, BAY_REFUSED, "the token shows no serial number, and product %s is known by it",
                bay->product->name);
        return 0;
    }
    if (serial_taken(st, bay)) {
        bay_set(bay, BAY_REFUSED, "another bay shows a token of the same serial number %s", bay->serial);
        return alert(st, "token-in-use", bay->serial, err, "two bays show serial number %s", bay->serial);
    }
    struct job *job = job_by_token(st, bay->serial);
    if (job != NULL && job->bay == NULL)
        return bay_attach(st, bay, job, err);
    if (job != NULL) {
        bay_set(bay, BAY_REFUSED, "token %s is in a job in %s", bay->serial, job->bay->name);
        return 0;
    }
    return bay_judge(st, bay, err);
}

/* ---- answers ---- */

static int setup_reply(struct station *st, struct bay *bay, struct msg_in *reply, const struct err *fail,
                       struct err *err)
{
    struct err why = {0};
    if (fail != NULL)
        return setup_failed(st, bay, fail, err);
    switch (bay->setup) {
    case SETUP_HELLO: {
        struct bay_hello_rep rep;
        bay_hello_rep_get(reply, &rep);
        if (msg_end(reply, &why) < 0)
            return setup_failed(st, bay, &why, err);
        ask_probe(st, bay);
        return 0;
    }
    case SETUP_PROBE:
        bay_probe_rep_get(reply, &bay->probe);
        if (msg_end(reply, &why) < 0)
            return setup_failed(st, bay, &why, err);
        return bay_identified(st, bay, err);
    case SETUP_CHANNEL:
        if (msg_end(reply, &why) < 0)
            return setup_failed(st, bay, &why, err);
        bay->setup = SETUP_READY;
        bay->failures = 0;
        return job_attach(st, bay->job, bay, err);
    case SETUP_NONE:
    case SETUP_START:
    case SETUP_REGISTER:
    case SETUP_READY:
        break;
    }
    return 0;
}

int bay_readable(struct station *st, struct bay *bay, struct err *err)
{
    struct msg_in reply;
    struct err why = {0}, said = {0};
    int rc = 0;
    msg_in_init(&reply, false);
    int got = bay_client_read(bay->client, &reply, &why);
    if (got < 0 && why.code == ERR_TIMEOUT)
        goto out;
    if (got == 0) /* gone: its end, for which it has a deadline, tells why */
        goto out;
    if (got < 0) { /* no longer to be trusted */
        log_err(&why, "%s: worker", bay->name);
        effect_bay(st, EFFECT_KILL, bay);
        goto out;
    }
    if ((reply.flags & MSG_ERROR) != 0) {
        msg_get_err(&reply, &said);
        if (msg_end(&reply, &why) < 0)
            said = why;
    }
    const struct err *fail = (reply.flags & MSG_ERROR) != 0 ? &said : NULL;
    if (bay->killing)
        goto out; /* decided already: its outcome is unknown */
    if (bay->setup == SETUP_READY && bay->job != NULL && bay->job->in_flight)
        rc = job_outcome(st, bay->job, &reply, fail, false, err);
    else
        rc = setup_reply(st, bay, &reply, fail, err);
out:
    msg_in_done(&reply);
    return rc;
}

static void ended_why(const struct bay *bay, int status, struct err *ret)
{
    if (bay->expired)
        err_set(ret, ERR_MODULE, "%s: %s did not end in time and was killed (module %s)", bay->name,
                bay_verb_name(bay_client_busy(bay->client)), bay->module);
    else
        err_set(ret, ERR_MODULE, "%s: the worker ended: %s %d (module %s)", bay->name,
                WIFSIGNALED(status) ? "signal" : "exit code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), bay->module);
}

int bay_ended(struct station *st, struct bay *bay, struct err *err)
{
    int status = 0;
    if (bay_client_reap(bay->client, &status) == 0)
        return 0;
    const bool wanted = bay->killing;
    struct err why;
    ended_why(bay, status, &why);
    bay_client_free(&bay->client);
    bay->killing = bay->expired = false;
    bay->pin_version = 0;
    if (bay->state == BAY_WEDGED) {
        bay_set(bay, bay->present ? BAY_SETUP : BAY_EMPTY, "%s", "");
        bay->setup = bay->present ? SETUP_START : SETUP_NONE;
        return 0;
    }
    if (!wanted && status != 0)
        log_warning("%s", why.text);
    struct job *job = bay->job;
    if (job != NULL && job->in_flight && step_rules[job->acting].actor == ACTOR_BAY)
        return job_outcome(st, job, NULL, &why, true, err);
    if (bay->setup >= SETUP_HELLO && bay->setup <= SETUP_CHANNEL)
        return setup_failed(st, bay, &why, err);
    if (bay->setup == SETUP_READY && job != NULL) /* between two steps, or while the vault acts */
        bay_restart(st, bay, bay->product->settle_ms);
    else if (bay->setup == SETUP_READY)
        bay->setup = SETUP_NONE; /* an idle worker's end: a new one when there is work */
    return 0;
}

static int bay_expired(struct station *st, struct bay *bay, struct err *err)
{
    log_warning("%s: %s did not end in time; its worker is killed", bay->name,
                bay_verb_name(bay_client_busy(bay->client)));
    bay->expired = true;
    effect_bay(st, EFFECT_KILL, bay);
    (void)err;
    return 0;
}

static int bay_wedge(struct station *st, struct bay *bay, struct err *err)
{
    struct err why;
    err_set(&why, ERR_WEDGED, "%s: worker %ld cannot be ended", bay->name, (long)bay_client_pid(bay->client));
    struct job *job = bay->job;
    bay->setup = SETUP_NONE;
    bay_set(bay, BAY_WEDGED, "%s", why.text);
    if (alert(st, "wedged", bay->name, err, "%s; no other worker touches token %s", why.text, bay->serial) <
        0)
        return -1;
    return job != NULL ? job_outcome(st, job, NULL, &why, true, err) : 0;
}

int bay_tick(struct station *st, struct bay *bay, int64_t now, struct err *err)
{
    if (bay->client != NULL) {
        if (bay->killing && bay->state != BAY_WEDGED && bay_client_wedged(bay->client, now, KILL_GRACE_MS))
            return bay_wedge(st, bay, err);
        if (!bay->killing && bay_client_deadline(bay->client) <= now)
            return bay_expired(st, bay, err);
    }
    if (bay->present && bay->setup == SETUP_START && bay->client == NULL && bay->start_at <= now &&
        bay->state != BAY_WEDGED)
        return worker_start(st, bay, err);
    if (bay->setup == SETUP_REGISTER && bay->job != NULL && bay->start_at <= now)
        return ask_register(st, bay, err);
    return 0;
}

int64_t bay_next_tick(const struct bay *bay)
{
    int64_t at = INT64_MAX;
    if (bay->client != NULL)
        at = bay->killing ? bay->killed_at + KILL_GRACE_MS + 1 : bay_client_deadline(bay->client);
    if (bay->client != NULL && bay->killing && bay->state == BAY_WEDGED)
        at = INT64_MAX;
    if (((bay->setup == SETUP_START && bay->client == NULL && bay->present) ||
         bay->setup == SETUP_REGISTER) &&
        bay->start_at < at)
        at = bay->start_at;
    return at;
}
