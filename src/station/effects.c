#include "station/station.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/call.h"
#include "base/crash.h"
#include "base/log.h"
#include "station/http.h"

/* Memory for what must go out: without it the turn cannot be kept, and the journal makes an end here
 * harmless. */
struct effect *effect_new(struct station *st, enum effect_kind kind)
{
    struct effect *e = calloc(1, sizeof *e);
    if (e == NULL) {
        log_error("out of memory");
        abort();
    }
    e->kind = kind;
    e->fd = -1;
    e->client = -1;
    msg_out_init(&e->msg, false);
    *st->effects_tail = e;
    st->effects_tail = &e->next;
    return e;
}

struct effect *effect_bay(struct station *st, enum effect_kind kind, struct bay *bay)
{
    struct effect *e = effect_new(st, kind);
    e->bay = bay;
    e->worker = bay->client != NULL ? bay_client_pid(bay->client) : 0;
    return e;
}

static bool worker_is_there(const struct effect *e)
{
    return e->bay->client != NULL && !e->bay->killing && bay_client_pid(e->bay->client) == e->worker;
}

static void worker_kill(struct bay *bay)
{
    bay_client_kill(bay->client);
    bay->killing = true;
    bay->killed_at = clock_mono_ms();
}

static void effect_free(struct effect *e)
{
    msg_out_done(&e->msg);
    if (e->fd >= 0)
        close(e->fd);
    if (e->request != NULL)
        http_request_free(e->request);
    if (e->result != NULL)
        json_decref(e->result);
    free(e);
}

/* With the crash points comes CASTATION_DEADLINE_MS: tests of a module that hangs need not wait for the
 * product's deadlines. */
static int deadline_for_tests(int ms)
{
#ifdef CASTATION_CRASH_POINTS
    const char *shorter = getenv("CASTATION_DEADLINE_MS");
    const long asked = shorter != NULL ? strtol(shorter, NULL, 10) : 0;
    if (asked > 0 && asked < ms)
        return (int)asked;
#endif
    return ms;
}

static int64_t verb_deadline(const struct bay *bay, uint8_t verb)
{
    static const size_t offsets[BAY_VERB_COUNT] = {
#define V(VERB, name, deadline, changes) [BAY_##VERB] = offsetof(struct product_deadlines, deadline),
        BAY_VERBS(V)
#undef V
    };
    int ms = 0;
    if (verb < BAY_VERB_COUNT)
        memcpy(&ms, (const char *)&bay->product->deadlines + offsets[verb], sizeof ms);
    return clock_mono_ms() + deadline_for_tests(ms);
}

/* A worker that cannot be sent to is gone: its pidfd and socket tell the loop, which then knows the outcome
 * as unknown. */
static void send_bay(struct effect *e)
{
    struct err err;
    if (!worker_is_there(e))
        return;
    const uint8_t verb = e->msg.buf.len > 1 ? e->msg.buf.data[1] : 0;
    if (bay_client_send(e->bay->client, &e->msg, verb_deadline(e->bay, verb), &err) < 0) {
        log_err(&err, "%s: worker", e->bay->name);
        worker_kill(e->bay);
    }
}

/* Sent, or never to be sent: true. The vault takes no more just now: false. */
static bool send_vault(struct station *st, struct effect *e)
{
    struct err err;
    if (st->vault.fd < 0)
        return true; /* vault_tick ends what waits for it */
    if (msg_send(st->vault.fd, &e->msg, 0, &err) < 0) {
        if (err.code == ERR_TIMEOUT)
            return false;
        log_err(&err, "vault");
        close(st->vault.fd);
        st->vault.fd = -1;
    }
    return true;
}

/* The vault may be slow, and its socket full: the loop does not stand still for it. */
static void flush_vault(struct station *st)
{
    while (st->vault.unsent != NULL && send_vault(st, st->vault.unsent)) {
        struct effect *e = st->vault.unsent;
        st->vault.unsent = e->next;
        effect_free(e);
    }
}

static void queue_vault(struct station *st, struct effect *e)
{
    struct effect **end = &st->vault.unsent;
    while (*end != NULL)
        end = &(*end)->next;
    *end = e;
    e->next = NULL;
    flush_vault(st);
}

static bool client_is_there(const struct station *st, const struct effect *e)
{
    for (size_t i = 0; i < st->control.n_clients; i++)
        if (st->control.clients[i].fd == e->client && st->control.clients[i].serial == e->client_serial)
            return true;
    return false;
}

static void send_reply(struct station *st, struct effect *e)
{
    struct err err;
    if (!client_is_there(st, e))
        return;
    int rc = e->result != NULL ? call_reply(e->client, e->client_id, e->result, &err)
                               : call_reply_err(e->client, e->client_id, &e->error, &err);
    if (rc < 0)
        log_err(&err, "control: answer");
}

/* It takes the effect. */
static void effect_run(struct station *st, struct effect *e)
{
    struct err err;
    if (e->point[0] != '\0')
        crash_point("%s", e->point);
    switch (e->kind) {
    case EFFECT_BAY:
        send_bay(e);
        break;
    case EFFECT_VAULT:
        queue_vault(st, e);
        return;
    case EFFECT_HTTP:
        if (http_post(st->http, e->request, &err) < 0) { /* out of memory: as in effect_new */
            log_err(&err, "portal");
            abort();
        }
        e->request = NULL;
        break;
    case EFFECT_REPLY:
        send_reply(st, e);
        break;
    case EFFECT_KILL:
        if (worker_is_there(e))
            worker_kill(e->bay);
        break;
    case EFFECT_CRASH_POINT:
        break;
    }
    effect_free(e);
}

void effects_run(struct station *st)
{
    flush_vault(st);
    while (st->effects != NULL) {
        struct effect *e = st->effects;
        st->effects = e->next;
        if (st->effects == NULL)
            st->effects_tail = &st->effects;
        effect_run(st, e);
    }
}

void effects_drop(struct station *st)
{
    struct effect **lists[] = {&st->effects, &st->vault.unsent};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        while (*lists[i] != NULL) {
            struct effect *e = *lists[i];
            *lists[i] = e->next;
            effect_free(e);
        }
    st->effects_tail = &st->effects;
}
