/* castation-check-sample FOLDER SERIAL…: a set of records as a station, its vault and its portal leave them,
 * with every kind of ending in it, for the test of castation-check. Each SERIAL becomes a deliverable token;
 * FOLDER gets station.db, vault.log, portal.db, and for each SERIAL its key and certificate, so that a real
 * token can be given them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/chain.h"
#include "base/file.h"
#include "cert/cert.h"
#include "cert/parse.h"
#include "store/portal_store.h"
#include "store/station_store.h"

#define GENERATION 1
#define DER_MAX    4096

enum { APPLICATION_ADD, CERTIFICATE_ADD, VOIDED_ADD, PORTAL_STATEMENTS };
static const struct db_statement portal_statements[PORTAL_STATEMENTS] = {
    [APPLICATION_ADD] =
        {"application_add",
         "INSERT INTO application(id, state, document, content_sha256, organisation, identifier, profile, "
         "approval_id, first_reviewer, final_reviewer, approval, signature, approved_at, generation, "
         "created_at, updated_at) "
         "VALUES($1, $2, '{}', '', $3, '', 'org-sign-p256', $1, 'a', 'b', '', '', 0, $4, 0, 0)"},
    [CERTIFICATE_ADD] = {"certificate_add", "INSERT INTO certificate(serial, application, generation, "
                                            "station, token_serial, product, key_id, pem, "
                                            "sha256, not_before, not_after, recorded_at) VALUES($1, $2, $3, "
                                            "'s', $4, 'softhsm', $5, $6, $1, 0, 0, 0)"},
    [VOIDED_ADD] = {"voided_add",
                    "INSERT INTO voided(serial, application, generation, station, reason, recorded_at) "
                    "VALUES($1, $2, $3, 's', 'test', 0)"},
};

static const char *folder;
static struct db *station, *portal;
static FILE *vault;
static uint8_t vault_hash[SHA256_SIZE];
static int vault_records, applications;
static EVP_PKEY *ca_key;
static X509 *ca;
static struct err err;

/* This program makes a fixture: what fails ends it. */
static void must(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "castation-check-sample: %s: %s\n", what, err.text);
        exit(1);
    }
}

static void must_be(bool good, const char *what)
{
    err_set(&err, ERR_INTERNAL, "it fails");
    must(good ? 0 : -1, what);
}

/* ---- the vault's log ---- */

static void vault_record(const char *type, json_t *fields)
{
    struct buf text;
    char hex[SHA256_HEX_SIZE];
    buf_init(&text);
    json_object_set_new(fields, "n", json_integer(++vault_records));
    json_object_set_new(fields, "at", json_string("2026-11-22T08:00:00.000Z"));
    json_object_set_new(fields, "type", json_string(type));
    must(json_canonical(fields, &text, &err), "vault log");
    chain_next(vault_hash, text.data, text.len, vault_hash);
    hex_encode(vault_hash, SHA256_SIZE, hex);
    must_be(fprintf(vault, "%s %.*s\n", hex, (int)text.len, (const char *)text.data) > 0, "vault log");
    buf_done(&text);
    json_decref(fields);
}

/* ---- certificates ---- */

struct made {
    char application[41], organisation[257], document[1024], job[UUID_SIZE], token[65];
    EVP_PKEY *key;
    X509 *x509;
    uint8_t der[DER_MAX], spki[DER_MAX], serial[16], key_id[SHA256_SIZE];
    size_t der_len, spki_len;
    const uint8_t *tbs;
    size_t tbs_len;
    char serial_hex[33], tbs_sha256[SHA256_HEX_SIZE], key_hex[2 * SHA256_SIZE + 1];
};

static X509 *x509_new(const char *organisation, EVP_PKEY *key, const uint8_t serial[16], X509 *issuer)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    BIGNUM *bn = BN_bin2bn(serial, 16, NULL);
    must_be(X509_set_version(x, X509_VERSION_3) && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) &&
                X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)organisation, -1,
                                           -1, 0) &&
                X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : name) &&
                X509_gmtime_adj(X509_getm_notBefore(x), 0) && X509_gmtime_adj(X509_getm_notAfter(x), 86400) &&
                X509_set_pubkey(x, key) && X509_sign(x, ca_key, EVP_sha256()) > 0,
            "certificate");
    BN_free(bn);
    return x;
}

static size_t der_of(X509 *x, uint8_t ret[DER_MAX])
{
    int len = i2d_X509(x, NULL);
    must_be(len > 0 && len <= DER_MAX, "DER");
    return (size_t)i2d_X509(x, &ret);
}

static char *hex_of(const void *data, size_t len)
{
    char *hex = malloc(2 * len + 1);
    must_be(hex != NULL, "memory");
    hex_encode(data, len, hex);
    return hex;
}

static void ca_make(void)
{
    static const uint8_t serial[16] = {1};
    uint8_t der[DER_MAX];
    ca_key = EVP_EC_gen("P-256");
    must_be(ca_key != NULL, "CA key");
    ca = x509_new("CA", ca_key, serial, NULL);
    char *hex = hex_of(der, der_of(ca, der));
    vault_record("start", json_object());
    vault_record("ca_init", json_pack("{s:s s:s}", "key_type", "P-256", "certificate", hex));
    free(hex);
}

static struct made *made_new(const char *token)
{
    struct made *m = calloc(1, sizeof *m);
    must_be(m != NULL && (m->key = EVP_EC_gen("P-256")) != NULL, "key");
    snprintf(m->token, sizeof m->token, "%s", token);
    snprintf(m->application, sizeof m->application, "CA20261122-%04d", ++applications);
    snprintf(m->organisation, sizeof m->organisation, "杭州示例科技有限公司 %d", applications);
    snprintf(m->document, sizeof m->document, "{\"id\":\"%s\",\"organisation\":{\"name\":\"%s\"}}",
             m->application, m->organisation);
    uuid7(m->job);
    random_bytes(m->serial, sizeof m->serial);
    m->serial[0] = (uint8_t)((m->serial[0] & 0x7f) | 0x40);
    m->x509 = x509_new(m->organisation, m->key, m->serial, ca);
    m->der_len = der_of(m->x509, m->der);
    m->tbs = first_in_sequence(m->der, m->der_len, &m->tbs_len);
    uint8_t *p = m->spki;
    m->spki_len = (size_t)i2d_PUBKEY(m->key, &p);
    sha256(m->spki, m->spki_len, m->key_id);
    hex_encode(m->key_id, 20, m->key_hex);
    hex_encode(m->serial, sizeof m->serial, m->serial_hex);
    sha256_hex(m->tbs, m->tbs_len, m->tbs_sha256);
    return m;
}

static void made_free(struct made *m)
{
    EVP_PKEY_free(m->key);
    X509_free(m->x509);
    free(m);
}

/* ---- what the vault did ---- */

static void vault_reserve(const struct made *m, bool intent)
{
    vault_record("reserve",
                 json_pack("{s:s s:s s:s s:s s:s}", "serial_number", m->serial_hex, "job", m->job, "token",
                           m->token, "application", m->application, "organisation", m->organisation));
    if (intent)
        vault_record("sign_intent",
                     json_pack("{s:s s:s}", "serial_number", m->serial_hex, "tbs_sha256", m->tbs_sha256));
}

static void vault_sign(const struct made *m)
{
    char *hex = hex_of(m->der, m->der_len);
    vault_reserve(m, true);
    vault_record("signature", json_pack("{s:s s:s s:s}", "serial_number", m->serial_hex, "tbs_sha256",
                                        m->tbs_sha256, "certificate", hex));
    free(hex);
}

/* ---- what the station recorded ---- */

static void job_add(const struct made *m, enum job_state state, const char *step, bool has_certificate)
{
    struct job_row r = {.kind = JOB_MAKE, .generation = GENERATION, .state = state, .tokens_used = 1};
    snprintf(r.id, sizeof r.id, "%s", m->job);
    snprintf(r.application, sizeof r.application, "%s", m->application);
    snprintf(r.organisation, sizeof r.organisation, "%s", m->organisation);
    snprintf(r.step, sizeof r.step, "%s", step);
    snprintf(r.token, sizeof r.token, "%s", m->token);
    must(blob_set(&r.document, m->document, strlen(m->document), &err), "job");
    must(blob_set(&r.spki, m->spki, m->spki_len, &err), "job");
    must(blob_set(&r.key_id, m->key_id, 20, &err), "job");
    must(blob_set(&r.serial_number, m->serial, sizeof m->serial, &err), "job");
    must(blob_set(&r.tbs, m->tbs, m->tbs_len, &err), "job");
    if (has_certificate)
        must(blob_set(&r.certificate, m->der, m->der_len, &err), "job");
    must(job_insert(station, &r, &err), "job");
    job_row_done(&r);
}

static void token_add(const char *serial, enum token_state state, const char *job, const char *so_kind)
{
    struct token_row t = {.state = state, .so_version = strcmp(so_kind, "derived") == 0, .pin_version = 1};
    snprintf(t.serial, sizeof t.serial, "%s", serial);
    snprintf(t.product, sizeof t.product, "softhsm");
    snprintf(t.job, sizeof t.job, "%s", job);
    snprintf(t.so_kind, sizeof t.so_kind, "%s", so_kind);
    must(token_insert(station, &t, &err), "token");
}

static void certificate_add(const struct made *m, const char *state, bool has_certificate)
{
    must(db_exec(station, SQL_CERTIFICATE_INSERT,
                 DB_ARGS(DB_TEXT(m->serial_hex), DB_TEXT(m->tbs_sha256), DB_TEXT(m->job),
                         DB_TEXT(m->application), DB_TEXT(m->token), DB_TEXT("")),
                 NULL, &err),
         "certificate");
    if (has_certificate)
        must(db_exec(station, SQL_CERTIFICATE_SIGNED,
                     DB_ARGS(DB_TEXT(m->serial_hex), DB_BLOB(m->der, m->der_len), DB_TEXT("")), NULL, &err),
             "certificate");
    must(db_exec(station, SQL_CERTIFICATE_STATE,
                 DB_ARGS(DB_TEXT(m->serial_hex), DB_TEXT(state), DB_TEXT(""), DB_TEXT("")), NULL, &err),
         "certificate");
}

static const char *const steps[] = {
#define X(step, name, zh, en, actor, zone, lease, recovery) name,
#include "job/steps.def"
#undef X
};

static json_t *evidence_of(const struct made *m, const char *step)
{
    if (strcmp(step, "check") == 0)
        return json_pack("{s:s}", "token", m->token);
    if (strcmp(step, "reserve") == 0)
        return json_pack("{s:s s:s}", "serial_number", m->serial_hex, "tbs_sha256", m->tbs_sha256);
    return json_object();
}

/* Every step up to `last`, done; last itself with the phase given. */
static void journal_up_to(const struct made *m, const char *last, const char *phase)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const bool end = strcmp(steps[i], last) == 0;
        json_t *evidence = evidence_of(m, steps[i]);
        must(journal_add(station, m->job, steps[i], 1, "intent", NULL, &err), "journal");
        if (!end || strcmp(phase, "intent") != 0)
            must(journal_add(station, m->job, steps[i], 1, end ? phase : "done", evidence, &err), "journal");
        json_decref(evidence);
        if (end)
            return;
    }
}

static void void_add(const struct made *m, bool done)
{
    char id[UUID_SIZE], body[128], path[96];
    uuid7(id);
    must(db_exec(station, SQL_VOID_INSERT,
                 DB_ARGS(DB_TEXT(id), DB_TEXT(m->job), DB_TEXT(m->application), DB_INT(GENERATION),
                         DB_TEXT(m->token), DB_TEXT(m->serial_hex), DB_TEXT(m->tbs_sha256), DB_TEXT("test"),
                         DB_TEXT("")),
                 NULL, &err),
         "void");
    if (!done)
        return;
    must(db_exec(station, SQL_VOID_DONE, DB_ARGS(DB_TEXT(id), DB_TEXT("signed"), DB_TEXT("")), NULL, &err),
         "void");
    snprintf(path, sizeof path, "/v1/applications/%s/void", m->application);
    snprintf(body, sizeof body, "{\"certificate_serial\":\"%s\"}", m->serial_hex);
    must(db_exec(station, SQL_OUTBOX_INSERT,
                 DB_ARGS(DB_TEXT(id), DB_TEXT(m->job), DB_TEXT("void"), DB_TEXT(path), DB_TEXT(body),
                         DB_TEXT("")),
                 NULL, &err),
         "outbox");
    must(db_exec(station, SQL_OUTBOX_DONE, DB_ARGS(DB_TEXT(id), DB_INT(200), DB_TEXT(""), DB_TEXT("")), NULL,
                 &err),
         "outbox");
    must(db_exec(portal, VOIDED_ADD,
                 DB_ARGS(DB_TEXT(m->serial_hex), DB_TEXT(m->application), DB_INT(GENERATION)), NULL, &err),
         "portal");
    vault_record("void",
                 json_pack("{s:s s:s s:b}", "serial_number", m->serial_hex, "job", m->job, "certificate", 1));
}

static void portal_add(const struct made *m, const char *state)
{
    must(db_exec(
             portal, APPLICATION_ADD,
             DB_ARGS(DB_TEXT(m->application), DB_TEXT(state), DB_TEXT(m->organisation), DB_INT(GENERATION)),
             NULL, &err),
         "portal");
}

/* ---- the endings ---- */

static void save_token_files(const struct made *m)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.key.pem", folder, m->token);
    FILE *f = fopen(path, "w");
    must_be(f != NULL && PEM_write_PUBKEY(f, m->key), "key file");
    fclose(f);
    snprintf(path, sizeof path, "%s/%s.crt.der", folder, m->token);
    must(file_create(path, m->der, m->der_len, 0644, &err), "certificate file");
    printf("%s %s\n", m->token, m->key_hex);
}

static void add_deliverable(const char *serial)
{
    struct made *m = made_new(serial);
    struct buf pem;
    buf_init(&pem);
    vault_sign(m);
    job_add(m, JOB_DONE, "report", true);
    token_add(serial, TOKEN_DELIVERABLE, m->job, "derived");
    certificate_add(m, "deliverable", true);
    journal_up_to(m, "report", "done");
    portal_add(m, "made");
    must(cert_to_pem(m->der, m->der_len, &pem, &err), "PEM");
    must(db_exec(portal, CERTIFICATE_ADD,
                 DB_ARGS(DB_TEXT(m->serial_hex), DB_TEXT(m->application), DB_INT(GENERATION), DB_TEXT(serial),
                         DB_TEXT(m->key_hex), DB_TEXT(buf_cstr(&pem))),
                 NULL, &err),
         "portal");
    save_token_files(m);
    buf_done(&pem);
    made_free(m);
}

/* Signed, then given up: void everywhere; or its voiding still under way. */
static void add_void(const char *serial, bool done)
{
    struct made *m = made_new(serial);
    vault_sign(m);
    job_add(m, JOB_ABANDONED, "write", true);
    token_add(serial, TOKEN_QUARANTINED, m->job, "derived");
    certificate_add(m, "void", done);
    journal_up_to(m, "write", "failed");
    portal_add(m, "approved");
    void_add(m, done);
    made_free(m);
}

/* At work: the intent to sign is out, nobody knows more. */
static void add_open(const char *serial)
{
    struct made *m = made_new(serial);
    vault_reserve(m, true);
    job_add(m, JOB_ACTIVE, "sign", false);
    token_add(serial, TOKEN_IN_JOB, m->job, "derived");
    certificate_add(m, "reserved", false);
    journal_up_to(m, "sign", "intent");
    portal_add(m, "claimed");
    made_free(m);
}

static void add_wiped(const char *serial)
{
    struct job_row r = {.kind = JOB_RECYCLE, .generation = 1, .state = JOB_DONE};
    uuid7(r.id);
    memcpy(r.application, r.id, UUID_SIZE);
    snprintf(r.step, sizeof r.step, "initialise");
    snprintf(r.token, sizeof r.token, "%s", serial);
    must(job_insert(station, &r, &err), "job");
    token_add(serial, TOKEN_WIPED, "", "derived");
    must(journal_add(station, r.id, "initialise", 1, "intent", NULL, &err), "journal");
    must(journal_add(station, r.id, "initialise", 1, "done", NULL, &err), "journal");
}

static void open_all(void)
{
    static struct db_schema portal_own;
    char path[PATH_MAX];
    portal_own =
        (struct db_schema){portal_schema.steps, portal_schema.n_steps, portal_statements, PORTAL_STATEMENTS};
    must(path_join(path, sizeof path, folder, "station.db", &err), folder);
    must(db_open(&station, path, &station_schema, 0, &err), path);
    must(path_join(path, sizeof path, folder, "portal.db", &err), folder);
    must(db_open(&portal, path, &portal_own, 0, &err), path);
    must(path_join(path, sizeof path, folder, "vault.log", &err), folder);
    vault = fopen(path, "w");
    must_be(vault != NULL, path);
    must(db_begin(station, &err), "station");
    must(db_begin(portal, &err), "portal");
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: castation-check-sample FOLDER SERIAL…\n");
        return 2;
    }
    folder = argv[1];
    open_all();
    ca_make();
    for (int i = 2; i < argc; i++)
        add_deliverable(argv[i]);
    add_void("VOIDED01", true);
    add_void("VOIDING1", false);
    add_open("ATWORK01");
    add_wiped("WIPED001");
    token_add("STOCK001", TOKEN_STOCK, "", "factory");
    must(audit_add(station, "castationd", "start", "", &err, "a sample"), "audit");
    must(audit_add(station, "uid 0", "stock_add", "STOCK001", &err, "softhsm"), "audit");
    must(db_commit(station, &err), "station");
    must(db_commit(portal, &err), "portal");
    db_close(&station);
    db_close(&portal);
    fclose(vault);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return 0;
}
