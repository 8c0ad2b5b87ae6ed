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
    if (e->bay->client == NULL || e->bay->killing)
        return;
    const uint8_t verb = e->msg.buf.len > 1 ? e->msg.buf.data[1] : 0;
    if (bay_client_send(e->bay->client, &e->msg, verb_deadline(e->bay, verb), &err) < 0) {
        log_err(&err, "%s: worker", e->bay->name);
        bay_client_kill(e->bay->client);
        e->bay->killing = true;
        e->bay->killed_at = clock_mono_ms();
    }
}

static void send_vault(struct station *st, struct effect *e)
{
    struct err err;
    if (st->vault.fd < 0)
        return; /* vault_tick ends what waits for it */
    if (msg_send(st->vault.fd, &e->msg, clock_mono_ms() + 1000, &err) < 0) {
        log_err(&err, "vault");
        close(st->vault.fd);
        st->vault.fd = -1;
    }
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
        send_vault(st, e);
        break;
    case EFFECT_HTTP:
        if (http_post(st->http, e->request, &err) < 0)
            log_err(&err, "portal");
        e->request = NULL;
        break;
    case EFFECT_REPLY:
        send_reply(st, e);
        break;
    case EFFECT_KILL:
        if (e->bay->client != NULL && !e->bay->killing) {
            bay_client_kill(e->bay->client);
            e->bay->killing = true;
            e->bay->killed_at = clock_mono_ms();
        }
        break;
    case EFFECT_CRASH_POINT:
        break;
    }
}

void effects_run(struct station *st)
{
    while (st->effects != NULL) {
        struct effect *e = st->effects;
        st->effects = e->next;
        if (st->effects == NULL)
            st->effects_tail = &st->effects;
        effect_run(st, e);
        effect_free(e);
    }
}

void effects_drop(struct station *st)
{
    while (st->effects != NULL) {
        struct effect *e = st->effects;
        st->effects = e->next;
        effect_free(e);
    }
    st->effects_tail = &st->effects;
}
