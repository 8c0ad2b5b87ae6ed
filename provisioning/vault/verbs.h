/* The vault's verbs: each reads its request to the end, decides, logs, answers. One table (server.c) drives
 * them. */
#ifndef CASTATION_VAULT_VERBS_H
#define CASTATION_VAULT_VERBS_H

#include "vault/vault.h"

struct request {
    struct msg_in *in;
    struct msg_out *out;                /* the reply, begun; its body is the verb's to put */
    const struct registration *channel; /* on a bay's direct channel: whose; else NULL */
    int close_after;                    /* a descriptor to close once the reply is sent, or -1 */
    bool nonsense;                      /* the request could not be read: the client loses its connection */
    char job[JOB_ID_SIZE];              /* for the log of a refusal, when known */
    const char *rule;                   /* of check.h, or NULL */
};

/* All read? Otherwise -1 and rq->nonsense. */
int request_end(struct request *rq, struct err *err);
/* Names that go into the log: not empty, no control characters. ERR_FIELD. */
int request_name(const char *what, const char *value, struct err *err);

/* 0: the reply's body is put. -1: *err is the answer. */
int verb_status(struct vault *v, struct request *rq, struct err *err); /* verb_hsm.c */
int verb_unlock(struct vault *v, struct request *rq, struct err *err);
int verb_ca_init(struct vault *v, struct request *rq, struct err *err);
int verb_reserve(struct vault *v, struct request *rq, struct err *err); /* verb_sign.c */
int verb_sign(struct vault *v, struct request *rq, struct err *err);
int verb_lookup(struct vault *v, struct request *rq, struct err *err);
int verb_void(struct vault *v, struct request *rq, struct err *err);
int verb_register(struct vault *v, struct request *rq, struct err *err); /* verb_job.c */
int verb_derive_so_pin(struct vault *v, struct request *rq, struct err *err);
int verb_letter(struct vault *v, struct request *rq, struct err *err);

#endif
