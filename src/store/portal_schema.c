#include "store/portal_store.h"

/* One DDL a step: PostgreSQL-protocol fleets cannot all run several in one transaction. Times are Unix
 * milliseconds. A step that was released is never edited: a change is a new one at the end. */
static const char *const STEPS[] = {
    "CREATE TABLE application ("
    "id TEXT PRIMARY KEY, state TEXT NOT NULL, document TEXT NOT NULL, content_sha256 TEXT NOT NULL, "
    "organisation TEXT NOT NULL, identifier TEXT NOT NULL, profile TEXT NOT NULL, "
    "approval_id TEXT NOT NULL UNIQUE, first_reviewer TEXT NOT NULL, final_reviewer TEXT NOT NULL, "
    "approval TEXT NOT NULL, signature TEXT NOT NULL, approved_at BIGINT NOT NULL, "
    "generation BIGINT NOT NULL DEFAULT 0, station TEXT, lease_until BIGINT NOT NULL DEFAULT 0, "
    "fault_code TEXT, fault_detail TEXT, updated_at BIGINT NOT NULL)",
    /* The claim's scan: of one state, in the order in which it is claimed. */
    "CREATE INDEX application_queue ON application (state, approved_at, id)",

    "CREATE TABLE lending ("
    "application TEXT NOT NULL REFERENCES application (id), generation BIGINT NOT NULL, station TEXT NOT "
    "NULL, "
    "claimed_at BIGINT NOT NULL, ended_at BIGINT, outcome TEXT, PRIMARY KEY (application, generation))",

    "CREATE TABLE certificate ("
    "serial TEXT PRIMARY KEY, application TEXT NOT NULL REFERENCES application (id), generation BIGINT NOT "
    "NULL, "
    "station TEXT NOT NULL, token_serial TEXT NOT NULL, product TEXT NOT NULL, key_id TEXT NOT NULL, "
    "pem TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL, "
    "recorded_at BIGINT NOT NULL, voided_at BIGINT)",
    "CREATE UNIQUE INDEX certificate_standing ON certificate (application) WHERE voided_at IS NULL",
    "CREATE INDEX certificate_application ON certificate (application)",
    "CREATE INDEX certificate_token ON certificate (token_serial)",

    /* A serial is voided once; it may be one that was never reported. */
    "CREATE TABLE voided ("
    "serial TEXT PRIMARY KEY, application TEXT NOT NULL REFERENCES application (id), generation BIGINT NOT "
    "NULL, "
    "station TEXT NOT NULL, reason TEXT NOT NULL, recorded_at BIGINT NOT NULL)",
    "CREATE INDEX voided_application ON voided (application)",

    "CREATE TABLE event ("
    "id TEXT PRIMARY KEY, application TEXT NOT NULL REFERENCES application (id), at BIGINT NOT NULL, who "
    "TEXT NOT NULL, "
    "what TEXT NOT NULL, from_state TEXT, to_state TEXT, alert BIGINT NOT NULL, detail TEXT NOT NULL)",
    "CREATE INDEX event_application ON event (application, at, id)",

    "CREATE TABLE answer ("
    "station TEXT NOT NULL, idempotency_key TEXT NOT NULL, request_sha256 TEXT NOT NULL, status BIGINT NOT "
    "NULL, "
    "body TEXT NOT NULL, recorded_at BIGINT NOT NULL, PRIMARY KEY (station, idempotency_key))",
    "CREATE INDEX answer_age ON answer (recorded_at)",

    /* A station is its name; it may have several certificates, so that one can be renewed before it expires.
     */
    "CREATE TABLE station ("
    "sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, serial TEXT NOT NULL UNIQUE, not_before BIGINT NOT NULL, "
    "not_after BIGINT NOT NULL, pem TEXT NOT NULL, enrolled_at BIGINT NOT NULL, enrolled_by TEXT NOT NULL, "
    "revoked_at BIGINT, revoked_by TEXT)",
    "CREATE INDEX station_name ON station (name)",
};

static const struct db_statement STATEMENTS[PSQL_COUNT] = {
#define X(id, name, sql) [id] = {name, sql},
#include "store/portal_sql.def"
#undef X
};

const struct db_schema portal_schema = {STEPS, sizeof(STEPS) / sizeof(STEPS[0]), STATEMENTS, PSQL_COUNT};
