/* What the log says, in memory: rebuilt by replay at start, kept up by the very same function after each
 * append, so that a restarted vault believes exactly what the one before it did. */
#ifndef CASTATION_VAULT_INDEX_H
#define CASTATION_VAULT_INDEX_H

#include <jansson.h>
#include <stdbool.h>

#include "domain/approval.h"
#include "vault/log.h"
#include "wire/vault_wire.h"

/* A serial number and all that became of it. */
struct reservation {
    struct reservation *next; /* of the index's list of all */
    uint8_t serial[SERIAL_NUMBER_MAX];
    size_t serial_len;
    char job[JOB_ID_SIZE];
    char token[SERIAL_SIZE];
    char application[APPLICATION_ID_SIZE];
    char approval[UUID_SIZE];
    uint8_t spki_sha256[SHA256_SIZE];
    uint8_t organisation_sha256[SHA256_SIZE]; /* of the name, for the letter */
    uint8_t tbs_sha256[SHA256_SIZE]; /* with has_intent: the only TBS this serial number may ever have */
    struct log_place signature;      /* with is_signed: the record that holds the certificate */
    bool has_intent, is_signed, is_void;
};

enum letter_state { LETTER_NONE, LETTER_PRINTING, LETTER_PRINTED };

struct index_counts {
    uint32_t reserved, certificates, voided; /* live without a signature; signed, void or not; void */
};

struct index;
struct index *index_new(void); /* NULL: out of memory */
void index_free(struct index **ix);

/* Take one record in. ERR_VAULT_LOG when it contradicts those before it (a signature nobody reserved, two TBS
 * for a serial number …); ERR_MEMORY. Fits vault_log_open's `each`, with the index as arg. */
int index_apply(void *ix, const json_t *record, const struct log_place *place, struct err *err);

/* Borrowed, living as long as the index; NULL: none. A reservation that is void is found too, but
 * by index_live_*. */
const struct reservation *index_by_serial(const struct index *ix, const void *serial, size_t len);
const struct reservation *index_by_tbs(const struct index *ix, const uint8_t tbs_sha256[SHA256_SIZE]);
const struct reservation *index_by_key(const struct index *ix, const uint8_t spki_sha256[SHA256_SIZE]);
const struct reservation *index_live_of_approval(const struct index *ix, const char *approval);
const struct reservation *index_live_of_application(const struct index *ix, const char *application);
const struct reservation *index_live_of_job(const struct index *ix,
                                            const char *job); /* looks at all: rarely asked */
/* The last certificate signed for a job's token, void or not. */
const struct reservation *index_signed_of_token(const struct index *ix, const char *job, const char *token);

enum letter_state index_letter(const struct index *ix, const char *job, const char *token,
                               uint32_t pin_version);
int64_t index_last_at(
    const struct index *ix); /* Unix ms of the latest act (start, login and refusal are none); 0: none */
const struct log_place *index_ca(const struct index *ix); /* the ca_init record; NULL: none */
struct index_counts index_counts(const struct index *ix);

#endif
