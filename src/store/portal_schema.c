#include "store/portal_store.h"

/* One DDL a step: PostgreSQL-protocol fleets cannot all run several in one transaction. Times are Unix
 * milliseconds. A step that was released is never edited: a change is a new one at the end. */
static const char *const STEPS[] = {
    "CREATE TABLE organisation ("
    "id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, identifier_kind TEXT NOT NULL, "
    "identifier TEXT UNIQUE, created_at BIGINT NOT NULL)",
    "CREATE TABLE account ("
    "id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, mobile TEXT NOT NULL, "
    "organisation TEXT REFERENCES organisation (id), roles BIGINT NOT NULL, lang TEXT NOT NULL, "
    "password TEXT, totp_secret TEXT, totp_step BIGINT NOT NULL DEFAULT 0, email_checked BIGINT NOT NULL, "
    "disabled BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL, last_login_at BIGINT NOT NULL DEFAULT "
    "0)",
    "CREATE INDEX account_organisation ON account (organisation, email)",

    /* From a draft to the token's hand-over. `form` is what the applicant typed (portal/form.h); `document`,
     * and its hash, are what was submitted from it: NULL before. Imported ones have neither owner nor form.
     */
    "CREATE TABLE application ("
    "id TEXT PRIMARY KEY, state TEXT NOT NULL, owner TEXT REFERENCES organisation (id), created_by TEXT, "
    "created_at BIGINT NOT NULL, form TEXT, form_version BIGINT NOT NULL DEFAULT 0, document TEXT, "
    "content_sha256 TEXT, organisation TEXT NOT NULL, identifier TEXT NOT NULL, profile TEXT NOT NULL, "
    "validity_days BIGINT NOT NULL DEFAULT 0, delivery_method TEXT, submitted_at BIGINT NOT NULL DEFAULT 0, "
    /* the promise's clock (portal/promise.h): 0 = none runs */
    "promise_due BIGINT NOT NULL DEFAULT 0, promise_days BIGINT NOT NULL DEFAULT 0, "
    "promise_stopped_at BIGINT NOT NULL DEFAULT 0, promise_warned BIGINT NOT NULL DEFAULT 0, "
    "paper_number TEXT, carrier TEXT, tracking_number TEXT, handed_over_at BIGINT NOT NULL DEFAULT 0, "
    "approval_id TEXT UNIQUE, first_reviewer TEXT, final_reviewer TEXT, approval TEXT, signature TEXT, "
    "approved_at BIGINT NOT NULL DEFAULT 0, generation BIGINT NOT NULL DEFAULT 0, station TEXT, "
    "lease_until BIGINT NOT NULL DEFAULT 0, fault_code TEXT, fault_detail TEXT, updated_at BIGINT NOT NULL)",
    /* The claim's scan: of one state, in the order in which it is claimed. */
    "CREATE INDEX application_queue ON application (state, approved_at, id)",
    /* One at a time for an organisation. */
    "CREATE UNIQUE INDEX application_in_progress ON application (owner) WHERE owner IS NOT NULL AND state "
    "NOT IN "
    "('issued', 'rejected', 'withdrawn')",
    "CREATE INDEX application_owner ON application (owner, created_at, id)",
    "CREATE INDEX application_promise ON application (state, promise_due, id)",
    "CREATE INDEX application_created ON application (created_at, id)",
    "CREATE INDEX application_state_created ON application (state, created_at, id)",
    "CREATE INDEX application_identifier ON application (identifier, created_at, id)",

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
    "what TEXT NOT NULL, from_state TEXT, to_state TEXT, alert BIGINT NOT NULL, detail TEXT NOT NULL, "
    "note TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX event_application ON event (application, at, id)",
    "CREATE INDEX event_alert ON event (at, id) WHERE alert = 1",

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

    /* ---- accounts */
    "CREATE TABLE session ("
    "sha256 TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account (id), second_factor BIGINT NOT NULL, "
    "created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, address TEXT NOT NULL)",
    "CREATE INDEX session_account ON session (account)",
    "CREATE INDEX session_age ON session (seen_at)",
    "CREATE TABLE throttle ("
    "key TEXT PRIMARY KEY, failures BIGINT NOT NULL, until BIGINT NOT NULL, last_at BIGINT NOT NULL)",
    "CREATE INDEX throttle_age ON throttle (last_at)",
    "CREATE TABLE link ("
    "sha256 TEXT PRIMARY KEY, purpose TEXT NOT NULL, account TEXT NOT NULL REFERENCES account (id), "
    "created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT NOT NULL DEFAULT 0)",
    "CREATE INDEX link_account ON link (account, purpose)",
    "CREATE INDEX link_age ON link (expires_at)",
    "CREATE TABLE audit ("
    "id TEXT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL, "
    "detail TEXT NOT NULL)",
    "CREATE INDEX audit_at ON audit (at, id)",
    "CREATE INDEX audit_subject ON audit (subject, at, id)",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is "
    "append-only'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is "
    "append-only'); END",

    /* ---- the way of an application */
    "CREATE TABLE terms ("
    "version BIGINT PRIMARY KEY, zh TEXT NOT NULL, en TEXT NOT NULL, published_at BIGINT NOT NULL, "
    "published_by TEXT NOT NULL)",
    "CREATE TABLE agreement ("
    "application TEXT PRIMARY KEY REFERENCES application (id), terms BIGINT NOT NULL REFERENCES terms "
    "(version), "
    "account TEXT NOT NULL REFERENCES account (id), address TEXT NOT NULL, agreed_at BIGINT NOT NULL)",
    "CREATE TABLE material ("
    "id TEXT PRIMARY KEY, application TEXT NOT NULL REFERENCES application (id), kind TEXT NOT NULL, "
    "name TEXT NOT NULL, media_type TEXT NOT NULL, size BIGINT NOT NULL, sha256 TEXT NOT NULL, "
    "added_by TEXT NOT NULL, added_at BIGINT NOT NULL, purged_at BIGINT NOT NULL DEFAULT 0)",
    "CREATE INDEX material_application ON material (application, kind, added_at)",
    "CREATE INDEX material_sha256 ON material (sha256)",
    /* apart, so that lists do not read it; gone when purged_at is set */
    "CREATE TABLE material_content (material TEXT PRIMARY KEY REFERENCES material (id), content BLOB NOT "
    "NULL)",
    "CREATE TABLE price ("
    "kind TEXT NOT NULL, profile TEXT NOT NULL, validity_days BIGINT NOT NULL, fen BIGINT NOT NULL, "
    "PRIMARY KEY (kind, profile, validity_days))",
    "CREATE TABLE service_point ("
    "id TEXT PRIMARY KEY, name TEXT NOT NULL, region TEXT NOT NULL, address TEXT NOT NULL, phone TEXT NOT "
    "NULL, "
    "hours TEXT NOT NULL, closed_at BIGINT NOT NULL DEFAULT 0)",
    /* `id` is the out_trade_no. */
    "CREATE TABLE payment_order ("
    "id TEXT PRIMARY KEY, application TEXT NOT NULL REFERENCES application (id), state TEXT NOT NULL, "
    "fen BIGINT NOT NULL, created_at BIGINT NOT NULL, method TEXT, reference TEXT, paid_at BIGINT NOT NULL "
    "DEFAULT 0, "
    "confirmed_by TEXT, confirmed_at BIGINT NOT NULL DEFAULT 0, refund_reference TEXT, refunded_at BIGINT "
    "NOT NULL "
    "DEFAULT 0, refunded_by TEXT)",
    "CREATE UNIQUE INDEX payment_order_open ON payment_order (application) WHERE state IN ('due', 'paid')",
    "CREATE INDEX payment_order_application ON payment_order (application)",
    "CREATE INDEX payment_order_state ON payment_order (state, created_at, id)",
    "CREATE UNIQUE INDEX payment_order_reference ON payment_order (method, reference) WHERE reference IS NOT "
    "NULL",
    /* A decision about the content that had this hash; it stands until the content changes. */
    "CREATE TABLE review ("
    "id TEXT PRIMARY KEY, application TEXT NOT NULL REFERENCES application (id), stage TEXT NOT NULL, "
    "decision TEXT NOT NULL, reviewer TEXT NOT NULL, review_sha256 TEXT NOT NULL, reasons TEXT NOT NULL, "
    "note TEXT NOT NULL, at BIGINT NOT NULL, void BIGINT NOT NULL DEFAULT 0, "
    /* when the promise that the decision kept, or broke, was due; 0: there was none */
    "promise_due BIGINT NOT NULL DEFAULT 0)",
    "CREATE INDEX review_application ON review (application, at, id)",
    "CREATE TABLE calendar_day (day TEXT PRIMARY KEY, working BIGINT NOT NULL, note TEXT NOT NULL)",
    "CREATE TABLE calendar_year (year BIGINT PRIMARY KEY, source TEXT NOT NULL, loaded_at BIGINT NOT NULL)",
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL)",

    /* ---- notices and mail */
    "CREATE TABLE notice ("
    "id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account (id), application TEXT, kind TEXT NOT "
    "NULL, "
    "params TEXT NOT NULL, created_at BIGINT NOT NULL, read_at BIGINT NOT NULL DEFAULT 0)",
    "CREATE INDEX notice_account ON notice (account, created_at, id)",
    "CREATE INDEX notice_unread ON notice (account) WHERE read_at = 0",
    "CREATE TABLE mail ("
    "id TEXT PRIMARY KEY, recipient TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, kind TEXT NOT "
    "NULL, "
    "created_at BIGINT NOT NULL, next_try_at BIGINT NOT NULL, tries BIGINT NOT NULL DEFAULT 0, "
    "sent_at BIGINT NOT NULL DEFAULT 0, given_up_at BIGINT NOT NULL DEFAULT 0, last_error TEXT)",
    "CREATE INDEX mail_due ON mail (next_try_at, id) WHERE sent_at = 0 AND given_up_at = 0",
    "CREATE INDEX mail_created ON mail (created_at, id)",

    /* ---- searching: every two neighbouring characters of name, identifier, number and token serials */
    "CREATE TABLE search_gram ("
    "gram TEXT NOT NULL, created_at BIGINT NOT NULL, application TEXT NOT NULL, "
    "PRIMARY KEY (gram, created_at, application)) WITHOUT ROWID",

    "CREATE INDEX audit_who ON audit (who, at, id)",
    "CREATE INDEX notice_age ON notice (created_at)",
    /* who agreed to a version of the terms */
    "CREATE INDEX agreement_terms ON agreement (terms, agreed_at, application)",
    /* materials whose content is still there, for the purge */
    "CREATE INDEX material_unpurged ON material (added_at, id) WHERE purged_at = 0",

    /* registrations that nobody confirmed: purged */
    "CREATE INDEX account_unchecked ON account (created_at) WHERE email_checked = 0",

    /* what waits or was given up, for its count */
    "CREATE INDEX mail_unsent ON mail (given_up_at) WHERE sent_at = 0",
};

static const struct db_statement STATEMENTS[PSQL_COUNT] = {
#define X(id, name, sql) [id] = {name, sql},
#include "store/portal_sql.def"
#undef X
};

const struct db_schema portal_schema = {STEPS, sizeof(STEPS) / sizeof(STEPS[0]), STATEMENTS, PSQL_COUNT};
