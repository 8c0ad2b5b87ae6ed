/* castation-check: reads everything that a station, its vault, its portal and its tokens hold, and asserts
 * the invariants of making tokens. It believes no program of castation: it shares with them the schema, the
 * drivers and the hash chain. */
#ifndef CASTATION_TESTS_CHECK_H
#define CASTATION_TESTS_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/hex.h"
#include "store/db.h"

enum check_station_sql {
#define STATION(id, name, sql) id,
#define PORTAL(id, name, sql)
#include "check_sql.def"
#undef STATION
#undef PORTAL
    CHECK_STATION_SQL_COUNT
};
enum check_portal_sql {
#define STATION(id, name, sql)
#define PORTAL(id, name, sql) id,
#include "check_sql.def"
#undef STATION
#undef PORTAL
    CHECK_PORTAL_SQL_COUNT
};

struct paths {
    const char **items;
    size_t n;
};

struct check {
    const char *station_path, *vault_path, *portal_path, *module;
    struct paths tokens;  /* folders of token folders */
    struct paths secrets; /* files with one known PIN a line */
    struct paths letters; /* folders of letters, each with a line "PIN: …" */
    struct paths scan, except;

    struct db *station, *portal;
    /* The vault's log: {serial number: {"tbs": [hash …], "signatures": [{"tbs", "certificate"} …], "void":
     * true, "job", …}} */
    json_t *vault;
    struct buf ca; /* DER */
    char vault_fault[ERR_TEXT_SIZE];
    /* What the tokens hold: {serial: {"folder", "certificates": [{"id", "value"} …], "keys": [{"id",
     * "point"|"modulus"} …]}} */
    json_t *devices;

    int invariant; /* under way */
    int violations;
    struct {
        int vault_records, token_folders, deliverable, signatures, jobs, journal, secrets, files;
    } seen; /* so that a verdict over nothing is known as one */
};

/* Say a violation of the invariant under way. */
void violation(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* `each` for every row; -1 (nothing is a violation: the records cannot be read) stops. */
int check_rows(struct db *db, int statement, const struct db_value *args, size_t n,
               int (*each)(struct check *c, struct db_rows *rows, void *arg, struct err *err),
               struct check *c, void *arg, struct err *err);
/* The first row's first column. *ret_found false: no row. */
int check_text(struct db *db, int statement, const char *key, char *dst, size_t cap, bool *ret_found,
               struct err *err);
int check_count(struct db *db, int statement, const char *key, int64_t *ret, struct err *err);
bool check_job_is_open(const char *state);

/* check_vault.c */
int vault_load(struct check *c, struct err *err);
const json_t *vault_serial(const struct check *c,
                           const char *serial_number); /* NULL: the vault never heard of it */
bool vault_is_void(const struct check *c, const char *serial_number);

/* check_tokens.c: look into every folder below the given ones that is a SoftHSM token. */
int devices_load(struct check *c, struct err *err);
const json_t *device_find(const struct check *c, const char *serial);
const json_t *device_object(const json_t *device, const char *list, const char *id); /* by its id, hex */

/* The invariants, by number in check_invariants.c. 0, or -1 when the records cannot be read. */
int check_deliverable(struct check *c, struct err *err);
int check_single(struct check *c, struct err *err);
int check_signed(struct check *c, struct err *err);
int check_forgotten(struct check *c, struct err *err);
int check_secrets(struct check *c, struct err *err);
int check_chains(struct check *c, struct err *err);
int check_journal(struct check *c, struct err *err);

#endif
