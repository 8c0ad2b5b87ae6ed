/* The vault's own log: append-only, hash-chained, what it believes when it decides.
 *
 * state_folder/vault.log, one line a record:  64 hex digits of the chain hash, a blank, canonical JSON, a
 * newline. The hash is base/chain.h's over the JSON bytes. Every record has "n" (1, 2, …), "at" (UTC) and
 * "type" (record.def).
 *
 * An append returns after fdatasync. A last line without its newline was never acknowledged to anybody: it is
 * cut off when the log is opened. Anything else that does not fit is damage: ERR_VAULT_LOG, and the vault
 * does not start. What a chain cannot show is whole records cut off the end: see docs/SECURITY.md. */
#ifndef CASTATION_VAULT_LOG_H
#define CASTATION_VAULT_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define VAULT_LOG_NAME     "vault.log"
#define VAULT_LOG_LINE_MAX 65536u

enum record_type {
#define X(type, name) type,
#include "vault/record.def"
#undef X
    RECORD_TYPE_COUNT
};
const char *record_type_name(enum record_type type);
enum record_type record_type_from_name(const char *name); /* RECORD_TYPE_COUNT when unknown */

/* Where a record's line is in the file. */
struct log_place {
    uint64_t offset;
    uint32_t len; /* with its newline */
};

struct vault_log;

/* Open, or create, and replay: `each` gets every record in order and may refuse one (-1: the log is not
 * opened). *ret_cut: bytes of a torn last line that were cut off, normally 0. ERR_VAULT_LOG naming the line.
 */
int vault_log_open(const char *state_folder,
                   int (*each)(void *arg, const json_t *record, const struct log_place *place,
                               struct err *err),
                   void *arg, struct vault_log **ret, uint64_t *ret_cut, struct err *err);
void vault_log_close(struct vault_log **l);

/* Append `fields` (an object; "n", "at" and "type" are put into it) and make it durable. On an error nothing
 * was appended, unless vault_log_broken: then nobody knows what the disk holds, nothing more is appended, and
 * the process has to start again and read. */
int vault_log_append(struct vault_log *l, enum record_type type, json_t *fields, struct log_place *ret,
                     struct err *err);
bool vault_log_broken(const struct vault_log *l);

/* Read one record back, its hash not checked again: it was when it came in. The caller's (json_decref). */
int vault_log_read(const struct vault_log *l, const struct log_place *place, json_t **ret, struct err *err);

uint64_t vault_log_records(const struct vault_log *l);

#endif
