/* What can be done to an application: the rules, whoever asks (station API, command line, pages).
 * Every act runs inside the caller's transaction; after -1 the caller rolls back. An act that changes
 * something writes its event. */
#ifndef CASTATION_PORTAL_ACTS_H
#define CASTATION_PORTAL_ACTS_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base/conf.h"
#include "portal/application_state.h"
#include "store/portal_store.h"

#define CLAIM_MAX        64
#define FAULT_CODE_MAX   32
#define FAULT_DETAIL_MAX 1000 /* bytes */
#define VOID_REASON_MAX  200  /* bytes */

struct act {
    struct db *db;
    int64_t now;     /* Unix ms */
    const char *who; /* "station:bench-1", "caportal:root" */
};

/* ---- by reviewers and operators ---- */

struct act_review {
    const char *first, *final;        /* reviewers: two people */
    EVP_PKEY *key;                    /* signs the approval */
    const struct conf_strs *profiles; /* the known ones */
};
/* A new application, approved. Everything that application_from_json refuses; ERR_PROFILE; ERR_EXISTS when
 * the id is taken; ERR_APPROVAL when the reviewers are one. ret_id may be NULL. */
int act_approve(const struct act *act, const json_t *document, const struct act_review *review,
                char ret_id[41], struct err *err);

/* A failed application back into the queue. ERR_WRONG_STATE. */
int act_retry(const struct act *act, const char *id, const char *reason, struct err *err);

/* ---- by stations; ERR_NOT_FOUND, ERR_WRONG_STATE, and
 * ERR_GENERATION: not the present lending of this application; ERR_LEASE: lent to another station ---- */

struct act_claim {
    const char *station;
    int64_t max; /* 1 … CLAIM_MAX */
    const char *const *profiles;
    size_t n_profiles; /* 1 … CLAIM_PROFILES_MAX */
    int64_t lease_seconds;
};
/* *ret: a JSON array of claims (docs/API.md), oldest approval first; the caller's. */
int act_claim(const struct act *act, const struct act_claim *claim, json_t **ret, struct err *err);

struct act_held {
    const char *station, *application;
    int64_t generation;
};
int act_renew(const struct act *act, const struct act_held *held, int64_t lease_seconds, struct err *err);
int act_fail(const struct act *act, const struct act_held *held, const char *code, const char *detail,
             struct err *err);
int act_give_back(const struct act *act, const struct act_held *held, struct err *err);

struct act_report {
    const char *token_serial, *product, *key_id;
    const char *certificate, *certificate_serial; /* PEM, hexadecimal */
};
/* ERR_FIELD: the certificate is not this application's; ERR_CONFLICT: it is recorded elsewhere, or void. The
 * same report again changes nothing and is fine. */
int act_report(const struct act *act, const struct act_held *held, const struct act_report *report,
               struct err *err);

/* Of any generation that the station was lent. A serial that was voided already is fine. *ret is the state
 * after it. */
int act_void(const struct act *act, const struct act_held *held, const char *serial, const char *reason,
             enum application_state *ret, struct err *err);

#endif
