/* The station's records: one struct a row, typed reads and writes. All within the caller's transaction.
 *
 * certificates.state: reserved → signed → made → deliverable; or void. A row in to_void with vault_done = 0 is a certificate
 * or reservation whose voiding the vault has not acknowledged yet: its application must not be tried again until then. */
#ifndef CASTATION_STORE_STATION_STORE_H
#define CASTATION_STORE_STATION_STORE_H

#include "base/clock.h"
#include "base/hex.h"
#include "base/json.h"
#include "domain/token_state.h"
#include "store/db.h"

enum station_sql {
#define X(id, name, sql) id,
#include "store/station_sql.def"
#undef X
    SQL_COUNT
};
extern const struct db_schema station_schema;

/* States of a job. X(state, name, zh, en) */
enum job_state {
#define X(state, name, zh, en) state,
#include "store/job_state.def"
#undef X
    JOB_STATE_COUNT
};
const char *job_state_name(enum job_state s);
enum job_state job_state_from_name(const char *name);

enum job_kind { JOB_MAKE, JOB_RECYCLE };

struct blob { /* owned */
    uint8_t *data;
    size_t len;
};
int blob_set(struct blob *b, const void *data, size_t len, struct err *err);
void blob_done(struct blob *b);

struct job_row {
    char id[UUID_SIZE];
    enum job_kind kind;
    char application[41];
    int64_t generation;
    struct blob document, approval, signature;
    char organisation[257], identifier[33], profile[33], delivery[16];
    enum job_state state;
    char step[24];
    int64_t attempt, tries, tokens_used;
    char bay[33], token[65];
    int64_t so_try; /* 0: none this episode; 1, 2: SO PIN tries made */
    struct blob key_id, spki, csr, serial_number, tbs, certificate;
    bool sign_attempted;
    int64_t lease_boot_ms;
    char lease_boot_id[BOOT_ID_SIZE];
    char code[32];
    char detail[256];
    char created_at[CLOCK_UTC_SIZE], updated_at[CLOCK_UTC_SIZE];
};
void job_row_done(struct job_row *row);
int job_insert(struct db *db, const struct job_row *row, struct err *err);
int job_update(struct db *db, struct job_row *row, struct err *err); /* sets updated_at */
int job_get(struct db *db, const char *id, struct job_row *ret, struct err *err);     /* ERR_NOT_FOUND */
int job_latest(struct db *db, const char *application, struct job_row *ret, struct err *err);
/* Calls `each` with every row of the statement (JOB_COLUMNS); each may keep the row by moving it out (memset 0). */
int job_each(struct db *db, enum station_sql statement, const struct db_value *args, size_t n,
             int (*each)(struct job_row *row, void *arg, struct err *err), void *arg, struct err *err);

struct token_row {
    char serial[65], product[33];
    enum token_state state;
    char lot[65], box[65];
    char job[UUID_SIZE];          /* "" = none; of the last job that had it */
    char so_kind[8];              /* "factory", "derived" */
    int64_t so_version;           /* of derived */
    int64_t so_changing_to;       /* 0, or the version that a change under way leads to */
    int64_t pin_version;          /* highest used on this token */
    struct blob sealed_pin;
    char sealed_state[8];         /* "none", "pending", "set" */
    char letter[9];               /* "none", "sealed", "printing", "printed" */
    char label[33];
    char environment[2048];
    char reason[256];
    char added_at[CLOCK_UTC_SIZE], updated_at[CLOCK_UTC_SIZE];
};
void token_row_done(struct token_row *row);
int token_get(struct db *db, const char *serial, struct token_row *ret, struct err *err); /* ERR_NOT_FOUND */
int token_insert(struct db *db, struct token_row *row, struct err *err);
int token_update(struct db *db, struct token_row *row, struct err *err);
/* Legal by token_state.h, or ERR_STATE. Saves. */
int token_move(struct db *db, struct token_row *row, enum token_state to, const char *reason, struct err *err);
int token_each(struct db *db, const char *state, int64_t limit, int (*each)(struct token_row *row, void *arg, struct err *err),
               void *arg, struct err *err);

/* Journal: one row. evidence: borrowed, may be NULL. */
int journal_add(struct db *db, const char *job, const char *step, int64_t attempt, const char *phase, json_t *evidence,
                struct err *err);
struct journal_last {
    char step[24];
    int64_t attempt;
    char phase[8];
};
int journal_last(struct db *db, const char *job, struct journal_last *ret, struct err *err); /* ERR_NOT_FOUND */

/* Audit: hash-chained by base/chain.h over the canonical {"seq","at","actor","act","subject","detail"}. */
int audit_add(struct db *db, const char *actor, const char *act, const char *subject, struct err *err, const char *detail_fmt,
              ...) __attribute__((format(printf, 6, 7)));
/* ERR_AUDIT naming the first record that does not fit; *ret_count: how many were checked. */
int audit_verify(struct db *db, int64_t *ret_count, struct err *err);

#endif
