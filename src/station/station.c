/* The loop: wait, take what came in one transaction, commit, let the effects out. */
#include "station/station.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/call.h"
#include "base/file.h"
#include "base/log.h"

#define WAIT_MAX_MS 5000

int alert(struct station *st, const char *code, const char *subject, struct err *err, const char *fmt, ...)
{
    char detail[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    log_warning("%s: %s", code, detail);
    return audit_add(st->db, "alert", code, subject, err, "%s", detail);
}

/* ---- what to wait for ---- */

enum source_kind {
    SOURCE_SIGNAL,
    SOURCE_CONTROL,
    SOURCE_ARRIVALS,
    SOURCE_VAULT,
    SOURCE_CLIENT,
    SOURCE_BAY,
    SOURCE_BAY_END
};
struct source {
    enum source_kind kind;
    size_t index;
    uint64_t serial; /* SOURCE_CLIENT */
};
#define SOURCES_MAX (4 + CONTROL_CLIENTS_MAX + 2 * STATION_BAYS_MAX)
struct sources {
    struct curl_waitfd fds[SOURCES_MAX];
    struct source of[SOURCES_MAX];
    unsigned n;
};

static void source_add(struct sources *s, int fd, enum source_kind kind, size_t index, uint64_t serial)
{
    if (fd < 0 || s->n == SOURCES_MAX)
        return;
    s->fds[s->n] = (struct curl_waitfd){.fd = fd, .events = CURL_WAIT_POLLIN};
    s->of[s->n] = (struct source){kind, index, serial};
    s->n++;
}

static void sources_collect(struct station *st, struct sources *s)
{
    s->n = 0;
    source_add(s, st->signal_fd, SOURCE_SIGNAL, 0, 0);
    source_add(s, st->control.listen_fd, SOURCE_CONTROL, 0, 0);
    source_add(s, st->arrivals != NULL ? arrivals_fd(st->arrivals) : -1, SOURCE_ARRIVALS, 0, 0);
    source_add(s, st->vault.fd, SOURCE_VAULT, 0, 0);
    if (st->vault.fd >= 0 && st->vault.unsent != NULL)
        s->fds[s->n - 1].events |= CURL_WAIT_POLLOUT;
    for (size_t i = 0; i < st->control.n_clients; i++)
        source_add(s, st->control.clients[i].fd, SOURCE_CLIENT, i, st->control.clients[i].serial);
    for (size_t i = 0; i < st->n_bays; i++)
        if (st->bays[i].client != NULL) {
            source_add(s, bay_client_fd(st->bays[i].client), SOURCE_BAY, i, 0);
            source_add(s, bay_client_pidfd(st->bays[i].client), SOURCE_BAY_END, i, 0);
        }
}

static int wait_ms(const struct station *st)
{
    int64_t at = clock_mono_ms() + WAIT_MAX_MS;
    int64_t candidates[2] = {vault_next_tick(st), portal_next_tick(st)};
    for (size_t i = 0; i < 2; i++)
        at = candidates[i] < at ? candidates[i] : at;
    for (size_t i = 0; i < st->n_bays; i++)
        at = bay_next_tick(&st->bays[i]) < at ? bay_next_tick(&st->bays[i]) : at;
    for (const struct job *job = st->jobs; job != NULL; job = job->next)
        at = job_next_tick(st, job) < at ? job_next_tick(st, job) : at;
    if (st->stopping && st->stop_deadline < at)
        at = clock_mono_ms() < st->stop_deadline ? st->stop_deadline : st->stop_deadline + WAIT_MAX_MS;
    return clock_left_ms(at);
}

/* ---- one turn ---- */

static void stop_asked(struct station *st)
{
    struct signalfd_siginfo info;
    if (read(st->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (st->stopping) {
        st->stop_deadline = clock_mono_ms(); /* asked twice: now */
        return;
    }
    st->stopping = true;
    st->stop_deadline = clock_mono_ms() + st->conf.stop_seconds * 1000;
    log_info("stopping: jobs may finish for %lld s; what has not by then is parked between two steps",
             (long long)st->conf.stop_seconds);
}

static int take_arrivals(struct station *st, struct err *err)
{
    struct arrival a;
    struct err why;
    int got = 0;
    while ((got = arrivals_next(st->arrivals, &a, &why)) == 1)
        if (bay_arrival(st, &a, err) < 0)
            return -1;
    if (got == 0)
        return 0;
    if (why.code ==
        ERR_NOT_FOUND) /* the source itself is gone, and its tokens with it: no reason to end the rest */
        return alert(st, "arrivals", st->conf.rack.folder, err, "%s", why.text);
    *err = why;
    return -1;
}

static int take_client(struct station *st, const struct source *s, struct err *err)
{
    for (size_t i = 0; i < st->control.n_clients; i++)
        if (st->control.clients[i].serial == s->serial)
            return control_readable(st, i, err);
    return 0;
}

static int take_source(struct station *st, const struct source *s, struct err *err)
{
    struct bay *bay = &st->bays[s->index];
    switch (s->kind) {
    case SOURCE_SIGNAL:
        stop_asked(st);
        return 0;
    case SOURCE_CONTROL:
        return control_accept(st, err);
    case SOURCE_ARRIVALS:
        return take_arrivals(st, err);
    case SOURCE_VAULT:
        return st->vault.fd >= 0 ? vault_readable(st, err) : 0;
    case SOURCE_CLIENT:
        return take_client(st, s, err);
    case SOURCE_BAY:
        return bay->client != NULL ? bay_readable(st, bay, err) : 0;
    case SOURCE_BAY_END:
        return bay->client != NULL ? bay_ended(st, bay, err) : 0;
    }
    return 0;
}

static int ticks(struct station *st, struct err *err)
{
    const int64_t now = clock_mono_ms();
    if (vault_tick(st, now, err) < 0)
        return -1;
    for (size_t i = 0; i < st->n_bays; i++)
        if (bay_tick(st, &st->bays[i], now, err) < 0)
            return -1;
    for (struct job *job = st->jobs, *next = NULL; job != NULL; job = next) {
        next = job->next;
        if (job_tick(st, job, now, err) < 0)
            return -1;
    }
    if (voids_tick(st, now, err) < 0 || jobs_assign(st, err) < 0)
        return -1;
    return portal_tick(st, now, err);
}

static int turn(struct station *st, const struct sources *s, struct err *err)
{
    if (db_begin(st->db, err) < 0)
        return -1;
    if (st->turns == 0 && st->arrivals != NULL &&
        take_arrivals(st, err) < 0) /* what was there before us wakes nobody */
        return -1;
    for (unsigned i = 0; i < s->n; i++)
        if (s->fds[i].revents != 0 && take_source(st, &s->of[i], err) < 0)
            return -1;
    if (portal_results(st, err) < 0 || ticks(st, err) < 0 || db_commit(st->db, err) < 0)
        return -1;
    effects_run(st);
    st->turns++;
    return 0;
}

/* Stopped when nothing is under way: jobs are between two steps, or waiting. */
static bool may_end(const struct station *st)
{
    if (!st->stopping)
        return false;
    const bool late = clock_mono_ms() >= st->stop_deadline;
    for (const struct job *job = st->jobs; job != NULL; job = job->next) {
        const bool acting = job->in_flight || job->looking_up;
        if (acting || (job->row.state == JOB_ACTIVE && !late))
            return late && clock_mono_ms() >=
                               st->stop_deadline +
                                   WAIT_MAX_MS; /* an act that outlasts even that is unknown, and probed */
    }
    return late || http_under_way(st->http) == 0;
}

int station_run(struct station *st, struct err *err)
{
    struct sources s = {0};
    while (!may_end(st)) {
        sources_collect(st, &s);
        if (http_wait(st->http, s.fds, s.n, wait_ms(st), err) < 0)
            return -1;
        if (turn(st, &s, err) < 0) {
            db_rollback(st->db);
            effects_drop(st);
            return -1;
        }
    }
    log_info("stopped");
    return 0;
}

/* ---- opening ---- */

static int open_bays(struct station *st, struct err *err)
{
    const struct product *product = product_find(st->conf.rack.product);
    if (product == NULL)
        return err_set(err, ERR_CONFIG, "rack.product: \"%s\" is not a product that castation knows",
                       st->conf.rack.product);
    st->n_bays = st->conf.rack.folder[0] != '\0' ? (size_t)st->conf.rack.bays : 0;
    for (size_t i = 0; i < st->n_bays; i++) {
        struct bay *bay = &st->bays[i];
        snprintf(bay->name, sizeof bay->name, "bay-%zu", i + 1);
        snprintf(bay->module, sizeof bay->module, "%s",
                 st->conf.rack.module[0] ? st->conf.rack.module : product->module);
        bay->product = product;
        clock_utc_text(clock_utc_ms(), bay->since);
    }
    return st->n_bays > 0 ? rack_open(&st->arrivals, st->conf.rack.folder, (int)st->n_bays, err) : 0;
}

static int open_signals(struct station *st, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_sys(err, "sigprocmask");
    signal(SIGPIPE, SIG_IGN);
    st->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return st->signal_fd < 0 ? err_sys(err, "signalfd") : 0;
}

/* The throw-away key that lint signs with may take a second to make under a large RSA CA: before the loop,
 * not in it. No CA yet, or another than the vault's: it is prepared when the vault tells. */
static void prepare_lint(const struct station *st)
{
    struct buf pem, der;
    struct err why;
    buf_init(&pem);
    buf_init(&der);
    if (file_read(st->conf.ca_certificate, 65536, &pem, &why) == 0 &&
        cert_from_pem(pem.data, pem.len, &der, &why) == 0)
        (void)!tbs_lint_prepare(der.data, der.len, &why);
    buf_done(&pem);
    buf_done(&der);
}

static int recover(struct station *st, struct err *err)
{
    if (db_begin(st->db, err) < 0)
        return -1;
    if (jobs_recover(st, err) < 0 || control_recover(st, err) < 0 ||
        audit_add(st->db, "castationd", "start", st->conf.name, err, "version %s", CASTATION_VERSION) < 0 ||
        db_commit(st->db, err) < 0) {
        db_rollback(st->db);
        return -1;
    }
    return 0;
}

int station_open(struct station *st, const char *conf_path, struct err *err)
{
    memset(st, 0, sizeof *st);
    st->vault.fd = st->control.listen_fd = st->signal_fd = -1;
    st->effects_tail = &st->effects;
    clock_utc_text(clock_utc_ms(), st->started_at);
    if (station_conf_load(conf_path, &st->conf, err) < 0 || open_signals(st, err) < 0 ||
        profiles_load(st->conf.profiles, &st->profiles, err) < 0 ||
        approval_load_public(st->conf.portal_key, &st->portal_key, err) < 0 ||
        db_open(&st->db, st->conf.database, &station_schema, DB_EXCLUSIVE, err) < 0 ||
        call_listen(st->conf.control_socket, &st->control.listen_fd, err) < 0 ||
        http_open(&st->http, &st->conf, err) < 0 || recover(st, err) < 0)
        return -1;
    prepare_lint(st);
    return open_bays(st, err);
}

void station_close(struct station *st)
{
    effects_drop(st);
    while (st->jobs != NULL)
        job_close(st, st->jobs);
    for (size_t i = 0; i < st->n_bays; i++)
        bay_client_free(&st->bays[i].client);
    if (st->arrivals != NULL)
        arrivals_free(&st->arrivals);
    for (size_t i = 0; i < st->control.n_clients; i++)
        close(st->control.clients[i].fd);
    if (st->control.listen_fd >= 0) {
        close(st->control.listen_fd);
        unlink(st->conf.control_socket);
    }
    if (st->vault.fd >= 0)
        close(st->vault.fd);
    if (st->signal_fd >= 0)
        close(st->signal_fd);
    vault_forget(st);
    http_close(&st->http);
    profiles_free(&st->profiles);
    EVP_PKEY_free(st->portal_key);
    db_close(&st->db);
}
