/* castationd's one connection to the vault: pipelined requests, answers by id. */
#include "station/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define RECONNECT_MS 500
#define STATUS_MS    5000
#define ANSWER_MS    30000 /* an HSM may be slow; longer than that and the connection is given up */

/* ---- pending requests ---- */

static struct vault_pending *pending_take(struct vault_link *v, uint32_t id)
{
    for (struct vault_pending **p = &v->pending; *p != NULL; p = &(*p)->next)
        if ((*p)->id == id) {
            struct vault_pending *found = *p;
            *p = found->next;
            return found;
        }
    return NULL;
}

struct effect *vault_ask(struct station *st, enum vault_verb verb, enum vault_asker asker, const char *key)
{
    struct vault_link *v = &st->vault;
    struct vault_pending *p = calloc(1, sizeof *p);
    if (p == NULL) {
        log_error("out of memory");
        abort();
    }
    p->id = ++v->next_id;
    p->asker = asker;
    p->deadline = clock_mono_ms() + ANSWER_MS;
    p->client = -1;
    snprintf(p->key, sizeof p->key, "%s", key);
    p->next = v->pending;
    v->pending = p;
    struct effect *e = effect_new(st, EFFECT_VAULT);
    msg_begin(&e->msg, (uint8_t)verb, 0, p->id);
    return e;
}

void vault_forget(struct station *st)
{
    while (st->vault.pending != NULL) {
        struct vault_pending *p = st->vault.pending;
        st->vault.pending = p->next;
        free(p);
    }
}

bool vault_is_open(const struct station *st)
{
    const struct vault_link *v = &st->vault;
    return v->fd >= 0 && (v->ready || v->state == VAULT_CA_EXPIRED || v->state == VAULT_NO_CA);
}

/* ---- answers ---- */

static int status_reply(struct station *st, struct msg_in *reply, const struct err *fail)
{
    struct vault_link *v = &st->vault;
    struct err why;
    struct vault_status_rep rep;
    if (fail != NULL) {
        snprintf(v->detail, sizeof v->detail, "%s", fail->text);
        v->ready = false;
        return 0;
    }
    vault_status_rep_get(reply, &rep);
    if (msg_end(reply, &why) < 0) {
        log_err(&why, "vault: status");
        return 0;
    }
    v->status = rep;
    const bool was_ready = v->ready, was_away = v->away;
    v->state = (enum vault_state)rep.state;
    snprintf(v->detail, sizeof v->detail, "%s", rep.detail);
    v->ready = rep.state == VAULT_READY;
    v->away = !v->ready;
    if (v->ready && (st->ca_len != rep.ca_certificate.len ||
                     memcmp(st->ca, rep.ca_certificate.data, rep.ca_certificate.len) != 0)) {
        if (tbs_lint_prepare(rep.ca_certificate.data, rep.ca_certificate.len, &why) < 0)
            log_err(&why, "the CA certificate of the vault");
        st->ca_len = rep.ca_certificate.len;
        memcpy(st->ca, rep.ca_certificate.data, rep.ca_certificate.len);
    }
    if (was_ready != v->ready)
        log_info("vault: %s%s%s", vault_state_name(v->state), rep.detail[0] ? ": " : "", rep.detail);
    if (v->ready && was_away) /* after a single refusal each job keeps its own pace */
        for (struct job *job = st->jobs; job != NULL; job = job->next)
            if (job->wait == WAIT_VAULT)
                job->wait_until = 0;
    return 0;
}

static int step_reply(struct station *st, const struct vault_pending *p, struct msg_in *reply,
                      const struct err *fail, bool unknown, struct err *err)
{
    struct job *job = job_by_id(st, p->key);
    if (job == NULL || !job->in_flight || job->request != p->id)
        return 0; /* it was given up meanwhile; what the vault did stands in its log and is looked up */
    return job_outcome(st, job, reply, fail, unknown, err);
}

/* reply NULL: no answer will come (*fail says why). */
static int dispatch(struct station *st, const struct vault_pending *p, struct msg_in *reply,
                    const struct err *fail, struct err *err)
{
    struct job *job = NULL;
    struct bay *bay = NULL;
    switch (p->asker) {
    case ASK_STATUS:
        return status_reply(st, reply, fail);
    case ASK_REGISTER:
        bay = bay_find(st, p->key);
        return bay != NULL && bay->request == p->id ? bay_register_reply(st, bay, reply, fail, err) : 0;
    case ASK_STEP:
        return step_reply(st, p, reply, fail, reply == NULL, err);
    case ASK_LOOKUP:
        job = job_by_id(st, p->key);
        return job != NULL && job->looking_up && job->request == p->id
                   ? job_lookup_reply(st, job, reply, fail, err)
                   : 0;
    case ASK_VOID_LOOKUP:
    case ASK_VOID:
        return void_reply(st, p->key, p->asker == ASK_VOID_LOOKUP, reply, fail, err);
    case ASK_LETTER:
        return control_letter_reply(st, p, fail, err);
    }
    return 0;
}

static int vault_gone(struct station *st, const struct err *why, struct err *err)
{
    struct vault_link *v = &st->vault;
    if (v->fd >= 0)
        close(v->fd);
    v->fd = -1;
    v->ready = false;
    v->away = true;
    v->retry_at = clock_mono_ms() + RECONNECT_MS;
    snprintf(v->detail, sizeof v->detail, "%s", why->text);
    while (v->pending != NULL) {
        struct vault_pending *p = v->pending;
        v->pending = p->next;
        int rc = dispatch(st, p, NULL, why, err);
        free(p);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* An error of the vault's own. That one application has to wait, or that SO PINs come too fast, is none. */
static bool is_unwell(enum err_code code)
{
    return outcome_class(code) == CLASS_WAIT && code != ERR_ALREADY_SIGNED && code != ERR_RATE &&
           code != ERR_CLOCK;
}

int vault_readable(struct station *st, struct err *err)
{
    struct vault_link *v = &st->vault;
    struct msg_in reply;
    struct err why = {0}, said = {0};
    int rc = 0;
    msg_in_init(&reply, false);
    int got = msg_recv(v->fd, &reply, 0, &why);
    if (got < 0 && why.code == ERR_TIMEOUT)
        goto out;
    if (got <= 0) {
        if (got == 0)
            err_set(&why, ERR_PEER_GONE, "the vault at %s has gone; it is waited for", st->conf.vault_socket);
        log_err(&why, "vault");
        rc = vault_gone(st, &why, err);
        goto out;
    }
    v->heard_at = clock_mono_ms();
    v->heard_id = reply.id;
    struct vault_pending *p = pending_take(v, reply.id);
    if (p == NULL)
        goto out;
    const bool failed = (reply.flags & MSG_ERROR) != 0;
    if (failed) {
        msg_get_err(&reply, &said);
        if (msg_end(&reply, &why) < 0)
            said = why;
        if (is_unwell(said.code)) { /* know it before asking for more */
            v->ready = false;
            v->status_at = 0;
        }
    }
    rc = dispatch(st, p, &reply, failed ? &said : NULL, err);
    free(p);
out:
    msg_in_done(&reply);
    return rc;
}

/* ---- time ---- */

static void ask_status(struct station *st)
{
    struct effect *e = vault_ask(st, VAULT_VERB_STATUS, ASK_STATUS, "");
    struct vault_status_req req = {.protocol = VAULT_PROTOCOL};
    vault_status_req_put(&e->msg, &req);
}

/* It answers one after another: while it answers what came before, what waits behind a slow HSM is not given
 * up. */
static int64_t deadline_of(const struct vault_link *v, const struct vault_pending *p)
{
    if (p->id < v->heard_id)
        return p->deadline;
    const int64_t silent = v->heard_at + ANSWER_MS;
    return p->deadline > silent ? p->deadline : silent;
}

static bool status_pending(const struct vault_link *v)
{
    for (const struct vault_pending *p = v->pending; p != NULL; p = p->next)
        if (p->asker == ASK_STATUS)
            return true;
    return false;
}

int vault_tick(struct station *st, int64_t now, struct err *err)
{
    struct vault_link *v = &st->vault;
    struct err why;
    if (v->fd < 0 && v->pending != NULL) { /* a send failed */
        err_set(&why, ERR_PEER_GONE, "the vault at %s has gone; it is waited for", st->conf.vault_socket);
        return vault_gone(st, &why, err);
    }
    if (v->fd < 0) {
        if (v->retry_at > now)
            return 0;
        if (vault_connect(st->conf.vault_socket, &v->fd, &why) < 0) {
            v->fd = -1;
            v->retry_at = now + RECONNECT_MS;
            snprintf(v->detail, sizeof v->detail, "%s", why.text);
            return 0;
        }
        v->status_at = 0;
    }
    for (struct vault_pending *p = v->pending; p != NULL; p = p->next)
        if (deadline_of(v, p) <= now) {
            err_set(&why, ERR_TIMEOUT, "the vault did not answer within %d s", ANSWER_MS / 1000);
            return vault_gone(st, &why, err);
        }
    if (v->status_at <= now && !status_pending(v)) {
        v->status_at = now + (v->ready ? STATUS_MS : RECONNECT_MS);
        ask_status(st);
    }
    return 0;
}

int64_t vault_next_tick(const struct station *st)
{
    const struct vault_link *v = &st->vault;
    if (v->fd < 0)
        return v->pending != NULL ? 0 : v->retry_at;
    int64_t at = status_pending(v) ? INT64_MAX : v->status_at;
    for (const struct vault_pending *p = v->pending; p != NULL; p = p->next)
        if (deadline_of(v, p) < at)
            at = deadline_of(v, p);
    return at;
}
