/* castationd: one loop, one turn one transaction.
 *
 * A turn reads what has happened (answers of bays, vault and portal, arrivals, commands, timers), changes rows and
 * in-memory state, and queues effects. The transaction commits, then the effects go out: no verb leaves before its
 * intent is on disk. A function of a turn that returns -1 has failed the turn (database, memory): the process ends and
 * recovers from the journal when it starts again. What a bay, the vault or the portal answers is never such a failure. */
#ifndef CASTATION_STATION_STATION_H
#define CASTATION_STATION_STATION_H

#include <curl/curl.h>
#include <openssl/evp.h>

#include "cert/cert.h"
#include "domain/approval.h"
#include "domain/station_conf.h"
#include "job/machine.h"
#include "products/products.h"
#include "station/arrivals.h"
#include "station/http.h"
#include "store/station_store.h"
#include "wire/bay_client.h"
#include "wire/vault_client.h"

struct station;
struct bay;
struct job;

/* ---- effects: what goes out after the commit, in order ---- */
enum effect_kind { EFFECT_BAY, EFFECT_VAULT, EFFECT_HTTP, EFFECT_REPLY, EFFECT_CRASH_POINT, EFFECT_KILL };
struct effect {
    struct effect *next;
    enum effect_kind kind;
    struct bay *bay;      /* EFFECT_BAY, EFFECT_KILL */
    pid_t worker;         /* whom it is meant for: not for one that followed */
    struct msg_out msg;   /* EFFECT_BAY, EFFECT_VAULT */
    int fd;               /* a descriptor that msg carries and that is closed once sent; or -1 */
    char point[64];       /* crash point passed just before sending, "" = none */
    struct http_request *request; /* EFFECT_HTTP */
    int client;           /* EFFECT_REPLY */
    uint32_t client_id;
    uint64_t client_serial;
    json_t *result;       /* EFFECT_REPLY: NULL = error */
    struct err error;
};
struct effect *effect_new(struct station *st, enum effect_kind kind); /* queued; aborts when out of memory */
struct effect *effect_bay(struct station *st, enum effect_kind kind, struct bay *bay); /* to the worker that is there now */
void effects_run(struct station *st);
void effects_drop(struct station *st);

/* ---- bays ---- */
enum bay_state { BAY_EMPTY, BAY_SETUP, BAY_IDLE, BAY_WORKING, BAY_FINISHED, BAY_REFUSED, BAY_WEDGED, BAY_STATE_COUNT };
const char *bay_state_name(enum bay_state s);

/* How far a worker is with the token that is in the bay. */
enum bay_setup { SETUP_NONE, SETUP_START, SETUP_HELLO, SETUP_PROBE, SETUP_REGISTER, SETUP_CHANNEL, SETUP_READY }; /* in order */

struct bay {
    char name[BAY_NAME_SIZE];
    const struct product *product;
    char module[256], environment[2048];
    bool present;
    enum bay_state state;
    char detail[256];
    char since[CLOCK_UTC_SIZE];
    char serial[SERIAL_SIZE];  /* of the token that was probed; "" before */
    struct bay_client *client; /* NULL: no worker */
    bool killing;
    bool expired;              /* killed because its verb did not end in time */
    int64_t killed_at;         /* CLOCK_MONOTONIC ms */
    enum bay_setup setup;
    int64_t start_at;          /* no worker before (settling) */
    int failures;              /* workers that died in set-up, in a row */
    struct bay_probe_rep probe;
    uint32_t request;          /* register: its id, as another's answer may still come */
    uint32_t so_version;       /* the vault's current one, from register */
    uint32_t pin_version;      /* of the PIN that this worker made and set; 0 = none */
    struct job *job;
};

int bay_arrival(struct station *st, const struct arrival *a, struct err *err);
int bay_readable(struct station *st, struct bay *bay, struct err *err);
int bay_ended(struct station *st, struct bay *bay, struct err *err);
int bay_tick(struct station *st, struct bay *bay, int64_t now, struct err *err);
int64_t bay_next_tick(const struct bay *bay);
void bay_restart(struct station *st, struct bay *bay, int after_ms); /* a fresh worker for the same token */
bool bay_is_ready(const struct bay *bay); /* its worker waits for a verb of its job */
void bay_set(struct bay *bay, enum bay_state state, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The token's record says what the bay may do: idle, finished or refused. */
int bay_judge(struct station *st, struct bay *bay, struct err *err);
int bay_register_reply(struct station *st, struct bay *bay, struct msg_in *reply, const struct err *fail, struct err *err);
int bay_attach(struct station *st, struct bay *bay, struct job *job, struct err *err); /* its worker made ready for the job */
int bay_leave(struct station *st, struct bay *bay, struct err *err); /* the job has left it: the worker ends, the token is judged */
struct bay *bay_find(struct station *st, const char *name);

/* ---- jobs ---- */
#define RETRY_MS   1000
#define PATIENT_MS 10000 /* for what only a person, or another station, will change */
enum job_wait { WAIT_NONE, WAIT_VAULT, WAIT_LEASE, WAIT_TOKEN, WAIT_VOID, WAIT_RETRY };

struct job {
    struct job *next;
    struct job_row row;
    enum step step;      /* row.step as a number */
    enum step acting;    /* the step under way: row.step, or set_user_pin for a repin */
    bool in_flight;
    bool so_second_try;  /* the SO PIN that was tried is the new one of a change: the old one may be tried once more */
    bool sealing;        /* set_user_pin: the PIN is being made and sealed, not yet set */
    bool looking_up;     /* a lookup is under way (sign) */
    uint32_t request;    /* of what is asked of the vault: its id. An answer to an earlier one is none */
    bool lost;           /* the portal says that it is not ours any more */
    bool not_understood; /* its report was answered, but not as a report: claims do not wait for it */
    enum job_wait wait;
    int64_t wait_until;  /* CLOCK_MONOTONIC ms */
    int64_t renew_at;    /* CLOCK_MONOTONIC ms */
    bool renewing;
    uint8_t challenge[32];
    struct bay *bay;
    struct application app;
};

/* The signed documents of a job's application, into the fields of a request to the vault: 0, or -1 with *fail when one is
 * larger than the vault takes. */
#define SET_APPROVED(req, row, fail)                                                                                   \
    (bytes_set((req).application, (row)->document.data, (row)->document.len) &&                                        \
             bytes_set((req).approval, (row)->approval.data, (row)->approval.len) &&                                   \
             bytes_set((req).signature, (row)->signature.data, (row)->signature.len)                                   \
         ? 0                                                                                                           \
         : job_too_large(row, fail))
int job_too_large(const struct job_row *row, struct err *fail);

struct job *job_by_id(struct station *st, const char *id);
struct job *job_by_token(struct station *st, const char *serial);
int job_open(struct station *st, struct job_row *row, struct job **ret, struct err *err); /* takes the row's memory */
void job_close(struct station *st, struct job *job); /* out of memory's list, freed */
int job_save(struct station *st, struct job *job, struct err *err);
/* The job waits, and says what for. */
int job_wait_for(struct station *st, struct job *job, enum job_wait wait, int ms, const char *detail, struct err *err);
enum action job_next_action(const struct station *st, const struct job *job, enum outcome_class cls);
int job_lost(struct station *st, struct job *job, struct err *err); /* the portal has taken the application back; frees the job */
void job_detach(struct job *job); /* from its bay, and from what is under way */
void job_forget_key(struct job *job); /* with its reservation and certificate: after their voiding is committed */
bool job_lease_valid(const struct job *job);

/* The worker is ready and the token is the job's: begin or go on. */
int job_attach(struct station *st, struct job *job, struct bay *bay, struct err *err);
int job_resume(struct station *st, struct job *job, struct err *err);
void job_point(struct station *st, enum step step, enum step_point p); /* a crash point behind the commit */
int job_begin(struct station *st, struct job *job, struct err *err);
/* The act under way has ended: a reply (its error in *fail), or NULL with unknown (worker or vault gone, deadline). */
int job_outcome(struct station *st, struct job *job, struct msg_in *reply, const struct err *fail, bool unknown,
                struct err *err);
/* Do what was decided. It may close and free the job: nobody touches it afterwards. */
int job_apply(struct station *st, struct job *job, enum action action, const struct err *why, struct err *err);
int job_lookup_reply(struct station *st, struct job *job, struct msg_in *reply, const struct err *fail, struct err *err);
int job_token_gone(struct station *st, struct job *job, struct err *err);
int job_recycled(struct station *st, struct job *job, struct err *err);     /* the wipe is done: closes the job */
int job_await_report(struct station *st, struct job *job, struct err *err); /* the record is committed */
bool tbs_is_signable(const struct job *job); /* its notBefore is recent enough for the vault */
/* Check and record a certificate that the vault signed (0, 1 = *fail, -1). */
int sign_take(struct station *st, struct job *job, const uint8_t *der, size_t len, json_t *evidence, struct err *fail, struct err *err);
int lot_stop(struct station *st, const struct token_row *token, const struct err *why, struct err *err);
int job_tick(struct station *st, struct job *job, int64_t now, struct err *err);
int64_t job_next_tick(const struct station *st, const struct job *job); /* when time alone lets job_tick do something */
/* Give queued jobs to idle bays. */
int jobs_assign(struct station *st, struct err *err);
int jobs_recover(struct station *st, struct err *err); /* at the start: dangling intents become unknown */
int job_accept_claim(struct station *st, json_t *claim, int64_t lease_start_ms, bool replayed, struct err *err);
int job_reported(struct station *st, const char *job_id, bool accepted, const char *code, const char *detail, struct err *err);

/* One step's acts. begin: 0 = send msg, 1 = refused beforehand (*fail), 2 = nothing to do, it is done; finish: 0, 1 = *fail.
 * -1 = the turn failed. */
struct step_ops {
    int (*begin)(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg, struct err *fail, struct err *err);
    int (*finish)(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence, struct err *fail, struct err *err);
};
extern const struct step_ops step_ops[STEP_COUNT];

/* set_user_pin has two halves: the PIN is made and sealed, and committed as pending, before it is set. */
int pin_sealed(struct station *st, struct job *job, struct msg_in *reply, struct msg_out *msg, struct err *fail, struct err *err);

/* What a token is to be opened with as SO, this try. */
void so_pin_of(const struct token_row *token, int64_t so_try, uint8_t *ret_kind, uint32_t *ret_version);

/* ---- voiding ---- */
#define VOID_REASON_SIZE 128 /* the vault's; the portal takes 200 bytes */
struct void_row {
    char id[UUID_SIZE], job[UUID_SIZE], application[41];
    int64_t generation;
    char token[65], serial_number[2 * SERIAL_NUMBER_MAX + 1], tbs_sha256[SHA256_HEX_SIZE], reason[VOID_REASON_SIZE];
    bool was_signed;
};
/* Commit the voiding of the job's reservation or certificate, if it has one, and forget its key. */
int void_job(struct station *st, struct job *job, const char *reason, struct err *err);
int voids_tick(struct station *st, int64_t now, struct err *err);
int void_pending(struct station *st, const char *application, bool *ret, struct err *err);
int void_reply(struct station *st, const char *id, bool lookup, struct msg_in *reply, const struct err *fail, struct err *err);

/* ---- the vault ---- */
enum vault_asker { ASK_STATUS, ASK_REGISTER, ASK_STEP, ASK_LOOKUP, ASK_VOID_LOOKUP, ASK_VOID, ASK_LETTER };
struct vault_pending {
    struct vault_pending *next;
    uint32_t id;
    enum vault_asker asker;
    char key[SERIAL_SIZE]; /* job id, bay name, void id or token serial */
    int64_t deadline;
    int client;            /* ASK_LETTER: who waits */
    uint32_t client_id;
    uint64_t client_serial;
};
struct vault_link {
    int fd; /* -1: not connected */
    uint32_t next_id;
    struct effect *unsent; /* committed, in order, and not taken by the vault yet */
    int64_t heard_at;      /* its last answer; CLOCK_MONOTONIC ms */
    uint32_t heard_id;     /* what it answered then */
    struct vault_pending *pending;
    bool ready;
    bool away; /* not connected, or in no state to work, since the last status that said ready */
    enum vault_state state;
    char detail[256];
    struct vault_status_rep status;
    int64_t retry_at, status_at;
};
bool vault_is_open(const struct station *st); /* logged in: it voids, and lets tokens be wiped, with or without a CA that signs */
int vault_tick(struct station *st, int64_t now, struct err *err);
int vault_readable(struct station *st, struct err *err);
/* Queue a request as an effect; the answer finds its way by (asker, key). The message is begun with the verb. */
struct effect *vault_ask(struct station *st, enum vault_verb verb, enum vault_asker asker, const char *key);
int64_t vault_next_tick(const struct station *st);
void vault_forget(struct station *st); /* at the end: what nobody will answer */

/* ---- the portal ---- */
struct portal_link {
    bool reachable;
    char detail[256];
    char nonsense[ERR_TEXT_SIZE]; /* of a claim, as last said aloud */
    int64_t poll_at, outbox_at;
    int64_t outbox_after; /* its rows up to here were refused for now, and do not keep the others */
    bool claiming, sending;
    bool queue_full; /* nothing was claimed because enough is queued */
    int64_t backoff_ms, backoff_until;
    int64_t claim_started_boot_ms;
    bool claim_replayed;
};
int portal_tick(struct station *st, int64_t now, struct err *err);
int portal_results(struct station *st, struct err *err);
int64_t portal_next_tick(const struct station *st);
void portal_wants_more(struct station *st); /* a queued job has found its bay */
void portal_post(struct station *st, enum http_tag tag, const char *key, const char *path, const char *idempotency, json_t *body);
int outbox_add(struct station *st, const char *job, const char *kind, const char *application, json_t *body, struct err *err);

/* ---- the command line's calls ---- */
#define CONTROL_CLIENTS_MAX 32
struct control_client {
    int fd;
    uint64_t serial; /* never used twice: an answer never reaches another client on the same descriptor */
};
struct control {
    int listen_fd;
    struct control_client clients[CONTROL_CLIENTS_MAX];
    size_t n_clients;
    uint64_t next_serial;
};
int control_accept(struct station *st, struct err *err);
int control_readable(struct station *st, size_t client, struct err *err);
/* At the start: letters that were in printing when castationd ended are said aloud, once. */
int control_recover(struct station *st, struct err *err);
/* letter: the vault has answered. */
int control_letter_reply(struct station *st, const struct vault_pending *p, const struct err *fail, struct err *err);

struct station {
    struct station_conf conf;
    struct db *db;
    struct profiles *profiles;
    EVP_PKEY *portal_key;
    struct arrivals *arrivals;
    struct bay bays[STATION_BAYS_MAX];
    size_t n_bays;
    struct job *jobs; /* open ones */
    struct vault_link vault;
    struct http *http;
    struct portal_link portal;
    struct control control;
    struct effect *effects, **effects_tail;
    uint8_t ca[CERTIFICATE_MAX]; /* the vault's CA certificate, DER */
    size_t ca_len;
    bool stopping;
    int64_t stop_deadline;
    struct void_row voiding; /* the one under way; id "" = none */
    char void_after[UUID_SIZE]; /* those up to here were refused for now */
    int64_t void_at;            /* none is asked for before; CLOCK_MONOTONIC ms */
    char started_at[CLOCK_UTC_SIZE];
    int signal_fd;
    int64_t turns;
    struct {
        int64_t latest_ms; /* UTC, as the journal has seen it */
        bool told;
    } clock; /* src/station/clock_guard.h */
};

int station_open(struct station *st, const char *conf_path, struct err *err);
void station_close(struct station *st);
int station_run(struct station *st, struct err *err); /* until stopped: 0, or -1 when a turn failed */

/* Say something aloud: the log, the audit log as an alert, and `castation status`. */
int alert(struct station *st, const char *code, const char *subject, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
