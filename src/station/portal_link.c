/* The portal's side of the loop: claims ahead, leases renewed, the outbox emptied in order. */
#include "station/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define FULL_MS          200
#define BACKOFF_MIN_MS   500
#define BACKOFF_MAX_MS   60000
#define REFUSED_AGAIN_MS 10000
#define LEASE_MAX        ((int64_t)30 * 86400) /* seconds */
#define CLAIM_KEY        "claim_key" /* in meta: the idempotency key of a claim whose answer is not in yet */

void portal_post(struct station *st, enum http_tag tag, const char *key, const char *path,
                 const char *idempotency, json_t *body)
{
    struct effect *e = effect_new(st, EFFECT_HTTP);
    e->request = http_request_new(tag, key, path, idempotency, body);
    if (e->request == NULL) {
        log_error("out of memory");
        abort();
    }
    e->request->started_boot_ms = clock_boot_ms();
}

int outbox_add(struct station *st, const char *job, const char *kind, const char *application, json_t *body,
               struct err *err)
{
    char id[UUID_SIZE], path[160], now[CLOCK_UTC_SIZE];
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (text == NULL)
        return err_set(err, ERR_MEMORY, "outbox: %s of %s", kind, application);
    uuid7(id);
    clock_utc_text(clock_utc_ms(), now);
    snprintf(path, sizeof path, "/v1/applications/%s/%s", application, kind);
    int rc =
        db_exec(st->db, SQL_OUTBOX_INSERT,
                DB_ARGS(DB_TEXT(id), DB_TEXT(job), DB_TEXT(kind), DB_TEXT(path), DB_TEXT(text), DB_TEXT(now)),
                NULL, err);
    free(text);
    st->portal.outbox_at =
        0; /* one that comes after those refused for now is sent before they are tried again */
    return rc;
}

/* Longer each time, however many requests have failed meanwhile. */
static void backoff(struct station *st)
{
    struct portal_link *p = &st->portal;
    const int64_t now = clock_mono_ms();
    if (p->backoff_until <= now) {
        p->backoff_ms = p->backoff_ms == 0 ? BACKOFF_MIN_MS : p->backoff_ms * 2;
        if (p->backoff_ms > BACKOFF_MAX_MS)
            p->backoff_ms = BACKOFF_MAX_MS;
        p->backoff_until = now + p->backoff_ms;
    }
    if (p->outbox_at < p->backoff_until)
        p->outbox_at = p->backoff_until;
    if (p->poll_at < p->backoff_until)
        p->poll_at = p->backoff_until;
}

/* It is back: what waited for it goes at once. */
static void backoff_ended(struct station *st)
{
    struct portal_link *p = &st->portal;
    if (p->backoff_ms == 0)
        return;
    p->backoff_ms = p->backoff_until = 0;
    p->outbox_at = p->poll_at = 0;
}

static const char *code_of(const struct http_result *r)
{
    return r->body != NULL ? json_str(r->body, "code") : "";
}

/* What a proxy, another server or a broken portal answers decides nothing: a refusal tells its code, a
 * success what was asked for. */
static bool makes_sense(const struct http_result *r)
{
    if (r->body == NULL || r->status < 200 || (r->status > 299 && r->status < 400))
        return false;
    if (r->status >= 400)
        return code_of(r)[0] != '\0';
    switch (r->tag) {
    case HTTP_CLAIM:
        return json_is_array(json_object_get(r->body, "claims"));
    case HTTP_RENEW:
        return json_int(r->body, "lease_seconds") > 0 && json_int(r->body, "lease_seconds") <= LEASE_MAX;
    case HTTP_OUTBOX:
        return json_str(r->body, "state")[0] != '\0';
    }
    return false;
}

/* Not this request's fault: the same again later. */
static bool link_refused(long status)
{
    return status >= 500 || status == 429 || status == 408 || status == 401 || status == 403;
}

/* A refusal about the application itself. Any other (a route that this portal does not know, a body that it
 * cannot read) is a fault between the two programs, and voids nothing. */
static bool decided(const struct http_result *r)
{
    static const char *const codes[] = {"not-found", "state", "generation", "lease", "conflict", "field"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (r->status >= 400 && !link_refused(r->status) && strcmp(code_of(r), codes[i]) == 0)
            return true;
    return false;
}

static void heard(struct station *st, const struct http_result *r)
{
    struct portal_link *p = &st->portal;
    const bool reachable = makes_sense(r);
    char detail[sizeof p->detail] = "";
    if (reachable && r->status >= 400 && !decided(r))
        snprintf(detail, sizeof detail, "it refuses (%ld): %.60s: %.160s", r->status, code_of(r),
                 json_str(r->body, "detail"));
    else if (!reachable)
        snprintf(detail, sizeof detail, "%s",
                 r->err.text[0] != '\0' ? r->err.text : "what answers there is not the portal");
    for (size_t n = strlen(detail); n > 0 && !utf8_valid(detail, n); n--)
        detail[n - 1] = '\0';
    if (reachable != p->reachable || (reachable && strcmp(detail, p->detail) != 0))
        log_info("portal: %s%s%s", reachable ? "reachable" : "away", detail[0] != '\0' ? ": " : "", detail);
    p->reachable = reachable;
    memcpy(p->detail, detail, sizeof p->detail);
    if (reachable && (r->status < 400 || decided(r)))
        backoff_ended(st);
    else
        backoff(st);
}

static void refusal(const struct http_result *r, const char **ret_code, const char **ret_detail)
{
    *ret_code = code_of(r)[0] != '\0' ? code_of(r) : "http";
    *ret_detail = r->body != NULL ? json_str(r->body, "detail") : r->err.text;
}

/* ---- claims ---- */

static int meta_get(struct station *st, const char *key, char *dst, size_t cap, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_META_GET, DB_ARGS(DB_TEXT(key)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    snprintf(dst, cap, "%s", got == 1 ? db_col_text(rows, 0) : "");
    db_rows_free(&rows);
    return got < 0 ? -1 : 0;
}

static int meta_set(struct station *st, const char *key, const char *value, struct err *err)
{
    return db_exec(st->db, SQL_META_SET, DB_ARGS(DB_TEXT(key), DB_TEXT(value)), NULL, err);
}

static int64_t claims_wanted(const struct station *st)
{
    int64_t bays = 0, queued = 0;
    for (size_t i = 0; i < st->n_bays; i++)
        bays += st->bays[i].state != BAY_WEDGED;
    for (const struct job *job = st->jobs; job != NULL; job = job->next)
        queued += job->row.state == JOB_QUEUED && job->row.kind == JOB_MAKE;
    const int64_t want = bays * st->conf.claims_ahead - queued;
    return want > 64 ? 64 : want;
}

static int claim(struct station *st, int64_t wanted, struct err *err)
{
    char key[UUID_SIZE];
    if (meta_get(st, CLAIM_KEY, key, sizeof key, err) < 0)
        return -1;
    st->portal.claim_replayed = key[0] != '\0';
    if (key[0] == '\0') {
        char value[64];
        uuid7(key);
        snprintf(value, sizeof value, "%s", key);
        if (meta_set(st, CLAIM_KEY, value, err) < 0)
            return -1;
        snprintf(value, sizeof value, "%lld", (long long)wanted);
        if (meta_set(st, "claim_max", value, err) < 0)
            return -1;
    } else { /* the same request again, so that its stored answer comes */
        char value[64];
        if (meta_get(st, "claim_max", value, sizeof value, err) < 0)
            return -1;
        wanted = strtoll(value, NULL, 10);
    }
    json_t *profiles = json_array();
    for (size_t i = 0; i < profiles_count(st->profiles); i++)
        json_array_append_new(profiles, json_string(profiles_at(st->profiles, i)->name));
    json_t *body = json_pack("{s:I s:o}", "max", (json_int_t)wanted, "profiles", profiles);
    portal_post(st, HTTP_CLAIM, "", "/v1/claim", key, body);
    json_decref(body);
    st->portal.claiming = true;
    return 0;
}

static int claim_refused(struct station *st, const struct http_result *r, struct err *err)
{
    struct portal_link *p = &st->portal;
    const char *code = "", *detail = "";
    refusal(r, &code, &detail);
    snprintf(p->detail, sizeof p->detail, "claim refused (%ld): %.40s: %.160s", r->status, code, detail);
    for (size_t n = strlen(p->detail); n > 0 && !utf8_valid(p->detail, n); n--)
        p->detail[n - 1] = '\0';
    log_error("portal: %s", p->detail);
    return meta_set(st, CLAIM_KEY, "", err);
}

static int claim_result(struct station *st, const struct http_result *r, struct err *err)
{
    struct portal_link *p = &st->portal;
    const int64_t next = clock_mono_ms() + st->conf.portal.poll_seconds * 1000;
    p->claiming = false;
    if (p->poll_at < next)
        p->poll_at = next;
    if (!makes_sense(r) || link_refused(r->status))
        return 0; /* the same key again, later */
    if (r->status >= 400)
        return claim_refused(st, r, err);
    if (meta_set(st, CLAIM_KEY, "", err) < 0)
        return -1;
    const json_t *claims = json_object_get(r->body, "claims");
    const int64_t wanted = claims_wanted(st);
    for (size_t i = 0; i < json_array_size(claims); i++)
        if (job_accept_claim(st, json_array_get(claims, i), r->started_boot_ms, p->claim_replayed, err) < 0)
            return -1;
    if (claims_wanted(st) < wanted)
        p->poll_at = 0; /* there may be more */
    return 0;
}

/* ---- leases ---- */

static int renew_result(struct station *st, const struct http_result *r, struct err *err)
{
    struct job *job = job_by_id(st, r->key);
    const char *code = "", *detail = "";
    if (job == NULL)
        return 0;
    job->renewing = false;
    if (makes_sense(r) && r->status < 300) {
        const int64_t lease = json_int(r->body, "lease_seconds") * 1000;
        job->row.lease_boot_ms = r->started_boot_ms + lease;
        clock_boot_id(job->row.lease_boot_id);
        job->renew_at = clock_mono_ms() + lease / 2;
        return job_save(st, job, err);
    }
    if (decided(r)) {
        refusal(r, &code, &detail);
        log_warning("%s: the lease is lost: %s: %s", job->row.application, code, detail);
        job->lost = true;
    }
    return 0;
}

/* ---- outbox ---- */

static int outbox_send(struct station *st, struct err *err)
{
    struct db_rows *rows = NULL;
    struct err why;
    if (db_query(st->db, SQL_OUTBOX_NEXT, DB_ARGS(DB_INT(st->portal.outbox_after)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    if (got == 1) {
        const char *text = db_col_text(rows, 2);
        json_t *body = json_parse(text, strlen(text), &why);
        if (body == NULL)
            got = err_set(err, ERR_INTERNAL, "outbox %s: %s", db_col_text(rows, 0), why.text);
        else
            portal_post(st, HTTP_OUTBOX, db_col_text(rows, 0), db_col_text(rows, 1), db_col_text(rows, 0),
                        body);
        json_decref(body);
        st->portal.sending = got == 1;
    } else if (st->portal.outbox_after > 0) { /* what was refused for now, again */
        st->portal.outbox_after = 0;
        st->portal.outbox_at = clock_mono_ms() + REFUSED_AGAIN_MS;
    } else
        st->portal.outbox_at = INT64_MAX; /* until something is added */
    db_rows_free(&rows);
    return got < 0 ? -1 : 0;
}

struct outbox_row {
    char job[UUID_SIZE], kind[16];
    int64_t seq;
};

static int outbox_find(struct station *st, const char *id, struct outbox_row *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_OUTBOX_GET, DB_ARGS(DB_TEXT(id)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    if (got == 1) {
        snprintf(ret->job, sizeof ret->job, "%s", db_col_text(rows, 0));
        snprintf(ret->kind, sizeof ret->kind, "%s", db_col_text(rows, 1));
        ret->seq = db_col_int(rows, 2);
    }
    db_rows_free(&rows);
    return got;
}

/* A refusal that decides nothing about the application: nothing is believed, nothing is void. It is tried
 * again when the others were, which it does not keep; but for those of the same job, whose order stays. */
static int outbox_refused(struct station *st, const struct http_result *r, const struct outbox_row *row,
                          const char *code, const char *detail, struct err *err)
{
    char now[CLOCK_UTC_SIZE];
    int64_t changes = 0;
    struct job *job = job_by_id(st, row->job);
    if (job != NULL)
        job->not_understood = true;
    clock_utc_text(clock_utc_ms(), now);
    st->portal.outbox_after = row->seq;
    if (db_exec(st->db, SQL_OUTBOX_REFUSED,
                DB_ARGS(DB_TEXT(r->key), DB_INT(r->status), DB_TEXT(detail), DB_TEXT(now)), &changes,
                err) < 0)
        return -1;
    return changes == 1 ? alert(st, "outbox-refused", row->kind, err,
                                "the portal does not take %s of job %s (%ld): %s: %s; it is sent again. Are "
                                "portal and station of the same version?",
                                row->kind, row->job, r->status, code, detail)
                        : 0;
}

static int outbox_result(struct station *st, const struct http_result *r, struct err *err)
{
    struct outbox_row row = {0};
    const char *code = "", *detail = "";
    char now[CLOCK_UTC_SIZE];
    const bool accepted = makes_sense(r) && r->status < 300;
    st->portal.sending = false;
    refusal(r, &code, &detail);
    if (!makes_sense(r) || (link_refused(r->status) && r->status != 500))
        return 0; /* the same again later; a 500 may be of this one alone, and does not keep the others */
    int got = outbox_find(st, r->key, &row, err);
    if (got <= 0)
        return got;
    if (!accepted && !decided(r))
        return outbox_refused(st, r, &row, code, detail, err);
    clock_utc_text(clock_utc_ms(), now);
    if (db_exec(st->db, SQL_OUTBOX_DONE,
                DB_ARGS(DB_TEXT(r->key), DB_INT(r->status), DB_TEXT(accepted ? "" : detail), DB_TEXT(now)),
                NULL, err) < 0)
        return -1;
    if (strcmp(row.kind, "report") == 0)
        return job_reported(st, row.job, accepted, code, detail, err);
    if (!accepted)
        return alert(st, code, row.kind, err, "the portal refused %s of job %s: %s", row.kind, row.job,
                     detail);
    return 0;
}

/* ---- loop ---- */

int portal_results(struct station *st, struct err *err)
{
    struct http_result r;
    while (http_next(st->http, &r) == 1) {
        int rc = 0;
        heard(st, &r);
        switch (r.tag) {
        case HTTP_CLAIM:
            rc = claim_result(st, &r, err);
            break;
        case HTTP_RENEW:
            rc = renew_result(st, &r, err);
            break;
        case HTTP_OUTBOX:
            rc = outbox_result(st, &r, err);
            break;
        }
        json_decref(r.body);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* The portal was away for longer than a lease: what is here comes first. Else the station would be lent its
 * own applications anew, and what it has made of the first lending would come too late. */
static bool leases_in_doubt(const struct station *st)
{
    for (const struct job *job = st->jobs; job != NULL; job = job->next)
        if (job->row.kind == JOB_MAKE && !job->lost && !job->not_understood && !job_lease_valid(job))
            return true;
    return false;
}

void portal_wants_more(struct station *st)
{
    struct portal_link *p = &st->portal;
    if (p->queue_full && p->poll_at > p->backoff_until)
        p->poll_at = p->backoff_until;
    p->queue_full = false;
}

int portal_tick(struct station *st, int64_t now, struct err *err)
{
    struct portal_link *p = &st->portal;
    if (!p->sending && p->outbox_at <= now && outbox_send(st, err) < 0)
        return -1;
    if (p->claiming || st->stopping || p->poll_at > now)
        return 0;
    const int64_t wanted = claims_wanted(st);
    if (wanted <= 0 || leases_in_doubt(st)) {
        p->queue_full = wanted <= 0;
        p->poll_at = now + FULL_MS; /* or when a bay takes a job: portal_wants_more */
        return 0;
    }
    return claim(st, wanted, err);
}

int64_t portal_next_tick(const struct station *st)
{
    const struct portal_link *p = &st->portal;
    int64_t at = p->sending ? INT64_MAX : p->outbox_at;
    if (!p->claiming && !st->stopping && p->poll_at < at)
        at = p->poll_at;
    return at;
}
