/* castation-vault, put together: configuration, log and its index, HSM and login, CA, registered jobs. One
 * thread, one struct vault, one request at a time: what a verb reads in the index is true until it has
 * written to the log. */
#ifndef CASTATION_VAULT_VAULT_H
#define CASTATION_VAULT_VAULT_H

#include "cert/profile.h"
#include "vault/ca.h"
#include "vault/conf.h"
#include "vault/hsm.h"
#include "vault/index.h"
#include "vault/log.h"
#include "vault/login.h"
#include "vault/registry.h"

#define VAULT_EXIT_AGAIN 75 /* EX_TEMPFAIL: start me again (HSM gone, log not durable) */

enum vault_say { SAY_INFO, SAY_WARNING };

struct vault {
    struct vault_conf conf;
    int lock; /* flock on state_folder/lock */
    struct vault_log *log;
    struct index *index;
    struct hsm *hsm;
    struct login login;
    struct profiles *profiles;
    EVP_PKEY *portal_key;
    struct ca ca;
    struct registry registry;
    struct rate so_pin_rate, refusal_rate;
    bool logged_in;
    struct err locked;       /* while not logged in: why */
    struct err no_ca;        /* code ERR_NONE: the CA is usable (but for its dates); else why it is not */
    bool again;              /* HSM gone or log broken: the process has to end with VAULT_EXIT_AGAIN */
    int64_t credential_seen; /* mtime (ns) of the credential that was looked at last */
    void (*say)(enum vault_say level, const char *text); /* the program's log */
};

/* Read the configuration and everything it names, take the lock, replay the log, which may take long.
 * ERR_RUNNING, ERR_VAULT_LOG, ERR_CONFIG, ERR_PROFILE … */
int vault_open(struct vault *v, const char *conf_path, void (*say)(enum vault_say, const char *),
               struct err *err);
/* Then open the HSM and try the credential once. ERR_HSM_GONE, ERR_MODULE, ERR_CONFIG. A refused login is no
 * error: the vault is locked. */
int vault_start(struct vault *v, struct err *err);
void vault_close(struct vault *v);

/* Now and then: is the HSM still there; has the credential of a locked vault changed? -1: v->again. */
int vault_beat(struct vault *v, struct err *err);

void vault_saying(struct vault *v, enum vault_say level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Append a record and take it into the index. `fields` (json_pack's result, NULL is ERR_MEMORY) is consumed.
 */
int vault_record(struct vault *v, enum record_type type, json_t *fields, struct err *err);

/* Log in with a PIN, and then find keys and CA. */
int vault_login(struct vault *v, enum login_kind kind, const struct buf *pin, struct err *err);
/* Find keys and CA: fills v->no_ca. -1 only for ERR_HSM_GONE and the like. */
int vault_find_ca(struct vault *v, struct err *err);

enum vault_state vault_state_of(const struct vault *v);
int vault_need_login(const struct vault *v, struct err *err); /* ERR_HSM_LOCKED, ERR_HSM_PIN */
int vault_need_ca(const struct vault *v,
                  struct err *err); /* also ERR_CA_ABSENT, ERR_CA_MISMATCH, ERR_CA_EXPIRED, ERR_CLOCK */

#endif
