#include "store/station_store.h"

/* Append-only tables refuse UPDATE and DELETE by trigger: a fault of ours must not rewrite history. */
#define APPEND_ONLY(table)                                                                                             \
    "CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table " BEGIN SELECT RAISE(ABORT, '" table                  \
    " is append-only'); END;"                                                                                          \
    "CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table " BEGIN SELECT RAISE(ABORT, '" table                  \
    " is append-only'); END;"

static const char *const steps[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);"

    "CREATE TABLE tokens("
    " serial TEXT PRIMARY KEY, product TEXT NOT NULL, state TEXT NOT NULL, lot TEXT NOT NULL, box TEXT NOT NULL,"
    " job TEXT, so_kind TEXT NOT NULL, so_version BIGINT NOT NULL, so_changing_to BIGINT NOT NULL,"
    " pin_version BIGINT NOT NULL, sealed_pin BLOB, sealed_state TEXT NOT NULL, letter TEXT NOT NULL,"
    " label TEXT NOT NULL, environment TEXT NOT NULL, reason TEXT NOT NULL,"
    " added_at TEXT NOT NULL, updated_at TEXT NOT NULL);"
    "CREATE INDEX tokens_state ON tokens(state, serial);"

    "CREATE TABLE jobs("
    " id TEXT PRIMARY KEY, kind TEXT NOT NULL, application TEXT NOT NULL, generation BIGINT NOT NULL,"
    " document BLOB NOT NULL, approval BLOB NOT NULL, signature BLOB NOT NULL,"
    " organisation TEXT NOT NULL, identifier TEXT NOT NULL, profile TEXT NOT NULL, delivery TEXT NOT NULL,"
    " state TEXT NOT NULL, step TEXT NOT NULL, attempt BIGINT NOT NULL, tries BIGINT NOT NULL, tokens_used BIGINT NOT NULL,"
    " bay TEXT NOT NULL, token TEXT NOT NULL, so_try BIGINT NOT NULL,"
    " key_id BLOB, spki BLOB, csr BLOB, serial_number BLOB, tbs BLOB, certificate BLOB, sign_attempted BIGINT NOT NULL,"
    " lease_boot_ms BIGINT NOT NULL, lease_boot_id TEXT NOT NULL,"
    " code TEXT NOT NULL, detail TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,"
    " UNIQUE(application, generation));"
    "CREATE INDEX jobs_state ON jobs(state, created_at);"

    "CREATE TABLE journal("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL REFERENCES jobs(id), step TEXT NOT NULL,"
    " attempt BIGINT NOT NULL, phase TEXT NOT NULL, at TEXT NOT NULL, evidence TEXT NOT NULL);"
    "CREATE INDEX journal_job ON journal(job, seq);" APPEND_ONLY("journal")

    "CREATE TABLE keys_seen(spki_sha256 TEXT PRIMARY KEY, token TEXT NOT NULL, job TEXT NOT NULL, at TEXT NOT NULL);"

    "CREATE TABLE certificates("
    " serial_number TEXT PRIMARY KEY, tbs_sha256 TEXT NOT NULL UNIQUE, job TEXT NOT NULL, application TEXT NOT NULL,"
    " token TEXT NOT NULL, state TEXT NOT NULL, certificate BLOB, reason TEXT NOT NULL,"
    " at TEXT NOT NULL, updated_at TEXT NOT NULL);"
    "CREATE INDEX certificates_application ON certificates(application);"

    "CREATE TABLE to_void("
    " id TEXT PRIMARY KEY, job TEXT NOT NULL, application TEXT NOT NULL, generation BIGINT NOT NULL,"
    " token TEXT NOT NULL, serial_number TEXT NOT NULL, tbs_sha256 TEXT NOT NULL, reason TEXT NOT NULL,"
    " found TEXT NOT NULL, vault_done BIGINT NOT NULL, at TEXT NOT NULL, updated_at TEXT NOT NULL);"
    "CREATE INDEX to_void_open ON to_void(vault_done, at);"

    "CREATE TABLE outbox("
    " id TEXT PRIMARY KEY, seq BIGINT NOT NULL UNIQUE, job TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL,"
    " body TEXT NOT NULL, done BIGINT NOT NULL, status BIGINT NOT NULL, answer TEXT NOT NULL,"
    " at TEXT NOT NULL, updated_at TEXT NOT NULL);"
    "CREATE INDEX outbox_open ON outbox(done, seq);"

    "CREATE TABLE lots_stopped(product TEXT NOT NULL, lot TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL,"
    " PRIMARY KEY(product, lot));"

    "CREATE TABLE audit("
    " seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL,"
    " detail TEXT NOT NULL, hash BLOB NOT NULL);" APPEND_ONLY("audit"),
};

static const struct db_statement statements[SQL_COUNT] = {
#define X(id, name, sql) [id] = {name, sql},
#include "store/station_sql.def"
#undef X
};

const struct db_schema station_schema = {
    .steps = steps,
    .n_steps = sizeof steps / sizeof steps[0],
    .statements = statements,
    .n_statements = SQL_COUNT,
};
