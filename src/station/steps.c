/* What each step asks of bay and vault, and what it makes of the answer. */
#include "station/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#define TEMPORARY_ID_SIZE 16
#define TBS_FRESH_SECONDS (12 * 3600) /* well within the day that the vault allows */

#define NO_OP   2
#define REFUSED 1

/* ---- small helpers ---- */

static void put_hex(json_t *o, const char *key, const void *data, size_t len)
{
    char *hex = malloc(2 * len + 1);
    if (hex == NULL)
        return;
    hex_encode(data, len, hex);
    json_object_set_new(o, key, json_string(hex));
    free(hex);
}

static void put_str(json_t *o, const char *key, const char *value)
{
    json_object_set_new(o, key, json_string(value));
}

static void put_int(json_t *o, const char *key, int64_t value)
{
    json_object_set_new(o, key, json_integer((json_int_t)value));
}

/* The first `cap` - 1 bytes, cut at a whole character. */
static void cut_text(char *dst, size_t cap, const char *src)
{
    size_t n = strnlen(src, cap - 1);
    while (n > 0 && !utf8_valid(src, n))
        n--;
    memcpy(dst, src, n);
    dst[n] = '\0';
}

static const struct profile *profile_of(struct station *st, struct job *job, struct err *fail)
{
    const struct profile *p = profiles_find(st->profiles, job->row.profile);
    if (p == NULL)
        err_set(fail, ERR_PROFILE, "profile \"%s\" is not one of this station's (%s)", job->row.profile,
                st->conf.profiles);
    return p;
}

void so_pin_of(const struct token_row *token, int64_t so_try, uint8_t *ret_kind, uint32_t *ret_version)
{
    const bool changing = token->so_changing_to != 0;
    const bool new_one = changing && so_try <= 1;
    const bool derived = new_one || strcmp(token->so_kind, "derived") == 0;
    *ret_kind = derived ? SO_PIN_DERIVED : SO_PIN_FACTORY;
    *ret_version = new_one ? (uint32_t)token->so_changing_to : derived ? (uint32_t)token->so_version : 0;
}

static void put_so_pin(json_t *evidence, uint8_t kind, uint32_t version)
{
    char text[24];
    if (kind == SO_PIN_DERIVED)
        snprintf(text, sizeof text, "derived(%u)", version);
    else
        snprintf(text, sizeof text, "factory");
    put_str(evidence, "so_pin", text);
}

static int reply_end(struct msg_in *reply, struct err *fail)
{
    return msg_end(reply, fail) < 0 ? REFUSED : 0;
}

#define BEGIN(msg, verb)     msg_begin(msg, (uint8_t)(verb), 0, 0)
#define SET_SERIAL(req, job) snprintf((req).serial, sizeof(req).serial, "%s", (job)->row.token)

/* ---- check ---- */

static int check_ca(struct station *st, const struct profile *profile, const struct application *app,
                    struct err *fail)
{
    const uint8_t *p = st->ca;
    if (st->ca_len == 0)
        return err_set(fail, ERR_CA_ABSENT, "the vault has no CA certificate yet");
    X509 *ca = d2i_X509(NULL, &p, (long)st->ca_len);
    if (ca == NULL)
        return err_set(fail, ERR_CA_MISMATCH, "the vault's CA certificate cannot be read");
    const int64_t days = app->validity_days > 0 ? app->validity_days : profile->validity_days;
    time_t end = (time_t)(clock_utc_ms() / 1000 + days * 86400);
    int rc = 0;
    if (X509_cmp_current_time(X509_get0_notAfter(ca)) < 0)
        rc = err_set(fail, ERR_CA_EXPIRED, "the CA certificate has expired");
    else if (X509_cmp_time(X509_get0_notAfter(ca), &end) < 0)
        rc = err_set(fail, ERR_CA_VALIDITY,
                     "profile %s asks for %lld days, and the CA certificate ends before that", profile->name,
                     (long long)days);
    X509_free(ca);
    return rc;
}

static int check_clock(struct station *st, struct err *fail, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_JOURNAL_TIME, DB_NO_ARGS, &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    const int64_t last = got == 1 ? clock_utc_parse(db_col_text(rows, 0)) : -1;
    db_rows_free(&rows);
    if (got < 0)
        return -1;
    const int64_t back = last - clock_utc_ms();
    if (last > 0 && back > 5 * 60 * 1000) {
        err_set(fail, ERR_CLOCK, "the clock is %lld s behind the journal's last entry",
                (long long)(back / 1000));
        return REFUSED;
    }
    return 0;
}

/* Everything about the application that can be refused is refused here, before the token is touched. */
static int check_application(struct station *st, struct job *job, struct err *fail)
{
    struct application app;
    struct approval approval;
    struct buf subject;
    buf_init(&subject);
    int rc = -1;
    const struct profile *profile = NULL;
    if (approval_verify(job->row.document.data, job->row.document.len, job->row.approval.data,
                        job->row.approval.len, job->row.signature.data, job->row.signature.len,
                        st->portal_key, &app, &approval, fail) < 0)
        goto out;
    profile = profile_of(st, job, fail);
    if (profile == NULL)
        goto out;
    if (app.validity_days > profile->validity_days_max) {
        err_set(fail, ERR_PROFILE, "%lld days are asked for; profile %s allows %lld",
                (long long)app.validity_days, profile->name, (long long)profile->validity_days_max);
        goto out;
    }
    if ((job->bay->product->key_types & (1u << profile->key_type)) == 0) {
        err_set(fail, ERR_PROFILE, "product %s cannot make keys of type %s", job->bay->product->name,
                key_type_name(profile->key_type));
        goto out;
    }
    if (cert_subject(profile, &app, &subject, fail) < 0 || check_ca(st, profile, &app, fail) < 0)
        goto out;
    job->app = app;
    rc = 0;
out:
    buf_done(&subject);
    return rc;
}

static int check_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                       struct err *fail, struct err *err)
{
    struct bay_probe_req req = {0};
    int rc = check_clock(st, fail, err);
    if (rc != 0)
        return rc;
    if (check_application(st, job, fail) < 0)
        return REFUSED;
    put_str(evidence, "token", job->row.token);
    put_str(evidence, "bay", job->bay->name);
    SET_SERIAL(req, job);
    BEGIN(msg, BAY_PROBE);
    bay_probe_req_put(msg, &req);
    return 0;
}

static int check_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                        struct err *fail, struct err *err)
{
    (void)st;
    (void)err;
    struct bay_probe_rep rep;
    bay_probe_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return REFUSED;
    job->bay->probe = rep;
    put_str(evidence, "label", rep.label);
    put_int(evidence, "flags", rep.flags);
    if (rep.blank == 0 && rep.certificates + rep.public_keys > 0) {
        err_set(fail, ERR_TOKEN_NOT_BLANK, "token %s holds %u certificates and %u public keys", rep.serial,
                rep.certificates, rep.public_keys);
        return REFUSED;
    }
    return 0;
}

/* ---- initialise, set_so_pin ---- */

static int initialise_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                            struct err *fail, struct err *err)
{
    (void)fail;
    struct token_row token = {0};
    struct bay_init_req req = {0};
    struct bay_wipe_req wipe = {0};
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    job->row.so_try++; /* committed with the intent, before the try is made */
    so_pin_of(&token, job->row.so_try, &req.so_kind, &req.so_version);
    job->so_second_try = token.so_changing_to != 0 && job->row.so_try == 1;
    put_so_pin(evidence, req.so_kind, req.so_version);
    put_int(evidence, "so_try", job->row.so_try);
    SET_SERIAL(req, job);
    if (job->row.kind == JOB_RECYCLE) {
        SET_SERIAL(wipe, job);
        wipe.so_kind = req.so_kind;
        wipe.so_version = req.so_version;
        snprintf(wipe.label, sizeof wipe.label, "BLANK");
        BEGIN(msg, BAY_WIPE);
        bay_wipe_req_put(msg, &wipe);
    } else {
        cut_text(req.label, sizeof req.label, job->row.application);
        put_str(evidence, "label", req.label);
        BEGIN(msg, BAY_INIT);
        bay_init_req_put(msg, &req);
    }
    token_row_done(&token);
    return 0;
}

/* The SO PIN that was accepted is the token's: a change that was under way is decided by it. */
static int initialise_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                             struct err *fail, struct err *err)
{
    struct bay_init_rep rep; /* wipe's answer has the same shape */
    struct token_row token = {0};
    uint8_t kind = 0;
    uint32_t version = 0;
    bay_init_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return REFUSED;
    if (strcmp(rep.serial, job->row.token) != 0) {
        err_set(fail, ERR_TOKEN_MISMATCH, "token %s shows serial number %s after it was initialised",
                job->row.token, rep.serial);
        return REFUSED;
    }
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    so_pin_of(&token, job->row.so_try, &kind, &version);
    snprintf(token.so_kind, sizeof token.so_kind, "%s", kind == SO_PIN_DERIVED ? "derived" : "factory");
    token.so_version = version;
    token.so_changing_to = 0;
    blob_done(&token.sealed_pin);
    snprintf(token.sealed_state, sizeof token.sealed_state, "none");
    snprintf(token.letter, sizeof token.letter, "none");
    cut_text(token.label, sizeof token.label, job->row.kind == JOB_RECYCLE ? "BLANK" : job->row.application);
    job->row.so_try = 0;
    put_so_pin(evidence, kind, version);
    int rc = token_update(st->db, &token, err);
    token_row_done(&token);
    return rc;
}

static int set_so_pin_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                            struct err *fail, struct err *err)
{
    (void)fail;
    struct token_row token = {0};
    struct bay_set_so_pin_req req = {0};
    int rc = -1;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    const uint32_t to = job->bay->so_version;
    if (strcmp(token.so_kind, "derived") == 0 && token.so_version == to) {
        put_str(evidence, "so_pin", "as it should be");
        rc = NO_OP;
        goto out;
    }
    so_pin_of(&token, 2, &req.so_kind, &req.so_version);
    token.so_changing_to = to;
    if (token_update(st->db, &token, err) < 0)
        goto out;
    req.to_version = to;
    put_so_pin(evidence, req.so_kind, req.so_version);
    put_int(evidence, "to", to);
    SET_SERIAL(req, job);
    BEGIN(msg, BAY_SET_SO_PIN);
    bay_set_so_pin_req_put(msg, &req);
    rc = 0;
out:
    token_row_done(&token);
    return rc;
}

static int set_so_pin_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                             struct err *fail, struct err *err)
{
    struct token_row token = {0};
    if (msg_end(reply, fail) < 0)
        return REFUSED;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    snprintf(token.so_kind, sizeof token.so_kind, "derived");
    token.so_version = token.so_changing_to;
    token.so_changing_to = 0;
    put_so_pin(evidence, SO_PIN_DERIVED, (uint32_t)token.so_version);
    int rc = token_update(st->db, &token, err);
    token_row_done(&token);
    return rc;
}

/* ---- set_user_pin: seal, commit as pending, set ---- */

static int set_user_pin_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                              struct err *fail, struct err *err)
{
    (void)fail;
    struct token_row token = {0};
    struct bay_seal_pin_req req = {0};
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    req.pin_version = (uint32_t)token.pin_version + 1;
    req.pin_min = job->bay->product->pin_min;
    req.pin_max = job->bay->product->pin_max;
    SET_SERIAL(req, job);
    snprintf(req.job, sizeof req.job, "%s", job->row.id);
    put_int(evidence, "pin_version", req.pin_version);
    if (job->step != STEP_SET_USER_PIN)
        json_object_set_new(evidence, "repin", json_true());
    BEGIN(msg, BAY_SEAL_PIN);
    bay_seal_pin_req_put(msg, &req);
    job->sealing = true;
    token_row_done(&token);
    return 0;
}

int pin_sealed(struct station *st, struct job *job, struct msg_in *reply, struct msg_out *msg,
               struct err *fail, struct err *err)
{
    struct bay_seal_pin_rep rep;
    struct bay_set_user_pin_req req = {0};
    struct token_row token = {0};
    bay_seal_pin_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return REFUSED;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    token.pin_version++;
    snprintf(token.sealed_state, sizeof token.sealed_state, "pending");
    int rc = blob_set(&token.sealed_pin, rep.sealed.data, rep.sealed.len, err);
    if (rc == 0)
        rc = token_update(st->db, &token, err);
    if (rc == 0) {
        req.pin_version = (uint32_t)token.pin_version;
        so_pin_of(&token, 2, &req.so_kind, &req.so_version);
        SET_SERIAL(req, job);
        BEGIN(msg, BAY_SET_USER_PIN);
        bay_set_user_pin_req_put(msg, &req);
    }
    token_row_done(&token);
    return rc;
}

static int set_user_pin_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                               struct err *fail, struct err *err)
{
    struct token_row token = {0};
    if (msg_end(reply, fail) < 0)
        return REFUSED;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    snprintf(token.sealed_state, sizeof token.sealed_state, "set");
    job->bay->pin_version = (uint32_t)token.pin_version;
    put_int(evidence, "pin_version", token.pin_version);
    int rc = token_update(st->db, &token, err);
    token_row_done(&token);
    return rc;
}

/* ---- generate_key, prove_possession ---- */

static int generate_key_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                              struct err *fail, struct err *err)
{
    struct bay_keygen_req req = {0};
    uint8_t id[TEMPORARY_ID_SIZE];
    const struct profile *profile = profile_of(st, job, fail);
    if (profile == NULL)
        return REFUSED;
    random_bytes(id, sizeof id);
    if (blob_set(&job->row.key_id, id, sizeof id, err) < 0)
        return -1;
    bytes_set(req.key_id, id, sizeof id);
    req.key_type = (uint8_t)profile->key_type;
    cut_text(req.label, sizeof req.label, job->row.organisation);
    SET_SERIAL(req, job);
    put_hex(evidence, "key_id", id, sizeof id);
    put_str(evidence, "key_type", key_type_name(profile->key_type));
    BEGIN(msg, BAY_KEYGEN);
    bay_keygen_req_put(msg, &req);
    return 0;
}

/* Remember every public key; one that was seen before, whoever made it, is no key. */
static int key_is_new(struct station *st, struct job *job, const void *spki, size_t len, struct err *fail,
                      struct err *err)
{
    char hash[SHA256_HEX_SIZE], now[CLOCK_UTC_SIZE];
    struct db_rows *rows = NULL;
    sha256_hex(spki, len, hash);
    clock_utc_text(clock_utc_ms(), now);
    if (db_query(st->db, SQL_KEY_SEEN, DB_ARGS(DB_TEXT(hash)), &rows, err) < 0)
        return -1;
    int seen = db_next(rows, err);
    if (seen == 1)
        err_set(fail, ERR_WEAK_KEY, "token %s made a public key that token %s had already", job->row.token,
                db_col_text(rows, 0));
    db_rows_free(&rows);
    if (seen != 0)
        return seen;
    return db_exec(st->db, SQL_KEY_INSERT,
                   DB_ARGS(DB_TEXT(hash), DB_TEXT(job->row.token), DB_TEXT(job->row.id), DB_TEXT(now)), NULL,
                   err);
}

static int key_attributes(const char *token, uint32_t attributes, struct err *fail)
{
    if ((attributes & KEY_ATTRIBUTES_DEMANDED) == KEY_ATTRIBUTES_DEMANDED &&
        (attributes & (KEY_EXTRACTABLE | KEY_CAN_DECRYPT)) == 0)
        return 0;
    err_set(fail, ERR_TOKEN_MISMATCH,
            "token %s: the private key's attributes are 0x%x: not local, sensitive, never extractable, for "
            "signing only",
            token, attributes);
    return REFUSED;
}

static int generate_key_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                               struct err *fail, struct err *err)
{
    struct bay_keygen_rep rep;
    bay_keygen_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return REFUSED;
    const struct profile *profile = profile_of(st, job, fail);
    if (profile == NULL || weak_key_check(rep.spki.data, rep.spki.len, profile->key_type, fail) < 0 ||
        key_attributes(job->row.token, rep.attributes, fail) != 0)
        return REFUSED;
    int rc = key_is_new(st, job, rep.spki.data, rep.spki.len, fail, err);
    if (rc != 0)
        return rc;
    if (blob_set(&job->row.spki, rep.spki.data, rep.spki.len, err) < 0 ||
        blob_set(&job->row.key_id, rep.final_id.data, rep.final_id.len, err) < 0)
        return -1;
    char hash[SHA256_HEX_SIZE];
    sha256_hex(rep.spki.data, rep.spki.len, hash);
    put_str(evidence, "spki_sha256", hash);
    put_hex(evidence, "key_id", rep.final_id.data, rep.final_id.len);
    put_int(evidence, "attributes", rep.attributes);
    return 0;
}

static int subject_of(struct station *st, struct job *job, struct buf *subject, struct err *fail)
{
    const struct profile *profile = profile_of(st, job, fail);
    return profile == NULL || cert_subject(profile, &job->app, subject, fail) < 0 ? REFUSED : 0;
}

static int prove_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                       struct err *fail, struct err *err)
{
    (void)err;
    struct bay_csr_req req = {0};
    struct buf subject;
    buf_init(&subject);
    int rc = subject_of(st, job, &subject, fail);
    if (rc == 0) {
        random_bytes(job->challenge, sizeof job->challenge);
        bytes_set(req.challenge, job->challenge, sizeof job->challenge);
        bytes_set(req.subject, subject.data, subject.len);
        bytes_set(req.key_id, job->row.key_id.data, job->row.key_id.len);
        SET_SERIAL(req, job);
        put_hex(evidence, "challenge", job->challenge, sizeof job->challenge);
        BEGIN(msg, BAY_CSR);
        bay_csr_req_put(msg, &req);
    }
    buf_done(&subject);
    return rc;
}

static int prove_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                        struct err *fail, struct err *err)
{
    struct bay_csr_rep rep;
    struct buf subject;
    buf_init(&subject);
    bay_csr_rep_get(reply, &rep);
    int rc = reply_end(reply, fail);
    if (rc == 0)
        rc = subject_of(st, job, &subject, fail);
    if (rc == 0 && (csr_check(rep.csr.data, rep.csr.len, subject.data, subject.len, job->row.spki.data,
                              job->row.spki.len, fail) < 0 ||
                    challenge_check(job->row.spki.data, job->row.spki.len, job->challenge,
                                    sizeof job->challenge, rep.signature.data, rep.signature.len, fail) < 0))
        rc = REFUSED;
    if (rc == 0)
        rc = blob_set(&job->row.csr, rep.csr.data, rep.csr.len, err);
    if (rc == 0) {
        char hash[SHA256_HEX_SIZE];
        sha256_hex(rep.csr.data, rep.csr.len, hash);
        put_str(evidence, "csr_sha256", hash);
    }
    buf_done(&subject);
    return rc;
}

/* ---- reserve, sign ---- */

static int reserve_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                         struct err *fail, struct err *err)
{
    (void)st;
    (void)fail;
    (void)err;
    struct vault_reserve_req req = {0};
    uint8_t hash[SHA256_SIZE];
    sha256(job->row.spki.data, job->row.spki.len, hash);
    snprintf(req.job, sizeof req.job, "%s", job->row.id);
    SET_SERIAL(req, job);
    bytes_set(req.spki_sha256, hash, sizeof hash);
    bytes_set(req.application, job->row.document.data, job->row.document.len);
    bytes_set(req.approval, job->row.approval.data, job->row.approval.len);
    bytes_set(req.signature, job->row.signature.data, job->row.signature.len);
    put_hex(evidence, "spki_sha256", hash, sizeof hash);
    BEGIN(msg, VAULT_VERB_RESERVE);
    vault_reserve_req_put(msg, &req);
    return 0;
}

static int reserve_record(struct station *st, struct job *job, const char *serial, const char *tbs_hash,
                          struct err *err)
{
    char now[CLOCK_UTC_SIZE];
    clock_utc_text(clock_utc_ms(), now);
    return db_exec(st->db, SQL_CERTIFICATE_INSERT,
                   DB_ARGS(DB_TEXT(serial), DB_TEXT(tbs_hash), DB_TEXT(job->row.id),
                           DB_TEXT(job->row.application), DB_TEXT(job->row.token), DB_TEXT(now)),
                   NULL, err);
}

static int reserve_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                          struct err *fail, struct err *err)
{
    struct vault_reserve_rep rep;
    struct buf tbs;
    int rc = REFUSED;
    buf_init(&tbs);
    vault_reserve_rep_get(reply, &rep);
    const struct profile *profile = profile_of(st, job, fail);
    if (msg_end(reply, fail) < 0 || profile == NULL)
        goto out;
    const struct tbs_input in = {
        .profile = profile,
        .application = &job->app,
        .spki = job->row.spki.data,
        .spki_len = job->row.spki.len,
        .ca = st->ca,
        .ca_len = st->ca_len,
        .serial = rep.serial_number.data,
        .serial_len = rep.serial_number.len,
        .not_before = clock_utc_ms() / 1000,
    };
    rc = blob_set(&job->row.serial_number, rep.serial_number.data, rep.serial_number.len, err);
    if (rc < 0)
        goto out;
    if (tbs_build(&in, &tbs, fail) < 0 || tbs_lint(&in, tbs.data, tbs.len, fail) < 0) {
        rc = REFUSED;
        goto out;
    }
    char hash[SHA256_HEX_SIZE], serial[2 * SERIAL_NUMBER_MAX + 1];
    sha256_hex(tbs.data, tbs.len, hash);
    hex_encode(rep.serial_number.data, rep.serial_number.len, serial);
    put_str(evidence, "serial_number", serial);
    put_str(evidence, "tbs_sha256", hash);
    put_hex(evidence, "tbs", tbs.data, tbs.len);
    rc = blob_set(&job->row.tbs, tbs.data, tbs.len, err) < 0 || reserve_record(st, job, serial, hash, err) < 0
             ? -1
             : 0;
out:
    buf_done(&tbs);
    return rc;
}

bool tbs_is_signable(const struct job *job)
{
    struct err err;
    int64_t not_before = 0;
    return tbs_not_before(job->row.tbs.data, job->row.tbs.len, &not_before, &err) == 0 &&
           not_before > clock_utc_ms() / 1000 - TBS_FRESH_SECONDS;
}

static int sign_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                      struct err *fail, struct err *err)
{
    (void)st;
    (void)err;
    struct vault_sign_req req = {0};
    if (!tbs_is_signable(job)) {
        err_set(fail, ERR_RESERVATION, "the reserved certificate's notBefore is too long ago");
        return REFUSED;
    }
    job->row.sign_attempted = true; /* committed with the intent */
    snprintf(req.job, sizeof req.job, "%s", job->row.id);
    SET_SERIAL(req, job);
    bytes_set(req.csr, job->row.csr.data, job->row.csr.len);
    bytes_set(req.tbs, job->row.tbs.data, job->row.tbs.len);
    bytes_set(req.application, job->row.document.data, job->row.document.len);
    bytes_set(req.approval, job->row.approval.data, job->row.approval.len);
    bytes_set(req.signature, job->row.signature.data, job->row.signature.len);
    char hash[SHA256_HEX_SIZE];
    sha256_hex(job->row.tbs.data, job->row.tbs.len, hash);
    put_str(evidence, "tbs_sha256", hash);
    BEGIN(msg, VAULT_VERB_SIGN);
    vault_sign_req_put(msg, &req);
    return 0;
}

int sign_take(struct station *st, struct job *job, const uint8_t *der, size_t len, json_t *evidence,
              struct err *fail, struct err *err)
{
    char serial[2 * SERIAL_NUMBER_MAX + 1], now[CLOCK_UTC_SIZE], hash[SHA256_HEX_SIZE];
    int64_t changes = 0;
    if (cert_matches(der, len, job->row.tbs.data, job->row.tbs.len, st->ca, st->ca_len, fail) < 0)
        return REFUSED;
    hex_encode(job->row.serial_number.data, job->row.serial_number.len, serial);
    clock_utc_text(clock_utc_ms(), now);
    if (blob_set(&job->row.certificate, der, len, err) < 0 ||
        db_exec(st->db, SQL_CERTIFICATE_SIGNED, DB_ARGS(DB_TEXT(serial), DB_BLOB(der, len), DB_TEXT(now)),
                &changes, err) < 0)
        return -1;
    sha256_hex(der, len, hash);
    put_str(evidence, "certificate_sha256", hash);
    put_str(evidence, "serial_number", serial);
    return 0;
}

static int sign_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                       struct err *fail, struct err *err)
{
    struct vault_sign_rep rep;
    vault_sign_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return REFUSED;
    return sign_take(st, job, rep.certificate.data, rep.certificate.len, evidence, fail, err);
}

/* ---- write, verify ---- */

static int write_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                       struct err *fail, struct err *err)
{
    (void)fail;
    (void)err;
    struct bay_write_req req = {0};
    SET_SERIAL(req, job);
    cut_text(req.label, sizeof req.label, job->row.organisation);
    bytes_set(req.key_id, job->row.key_id.data, job->row.key_id.len);
    bytes_set(req.certificate, job->row.certificate.data, job->row.certificate.len);
    bytes_set(req.chain, st->ca, st->ca_len);
    put_hex(evidence, "key_id", job->row.key_id.data, job->row.key_id.len);
    BEGIN(msg, BAY_WRITE);
    bay_write_req_put(msg, &req);
    return 0;
}

static int write_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                        struct err *fail, struct err *err)
{
    (void)st;
    (void)job;
    (void)err;
    struct bay_write_rep rep;
    bay_write_rep_get(reply, &rep);
    put_int(evidence, "written", rep.written);
    return reply_end(reply, fail);
}

static int verify_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                        struct err *fail, struct err *err)
{
    (void)fail;
    (void)err;
    struct bay_verify_req req = {0};
    SET_SERIAL(req, job);
    req.pin_version = job->bay->pin_version;
    bytes_set(req.key_id, job->row.key_id.data, job->row.key_id.len);
    bytes_set(req.certificate, job->row.certificate.data, job->row.certificate.len);
    bytes_set(req.chain, st->ca, st->ca_len);
    put_int(evidence, "pin_version", req.pin_version);
    BEGIN(msg, BAY_VERIFY);
    bay_verify_req_put(msg, &req);
    return 0;
}

static int verify_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                         struct err *fail, struct err *err)
{
    (void)st;
    (void)err;
    struct bay_verify_rep rep;
    bay_verify_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return REFUSED;
    put_int(evidence, "attributes", rep.attributes);
    put_str(evidence, "label", rep.label);
    return key_attributes(job->row.token, rep.attributes, fail);
}

/* ---- commit_record: token, certificate, letter and report in one transaction ---- */

static json_t *report_body(struct job *job, const char *serial, const char *pem)
{
    char key_id[2 * KEY_ID_MAX + 1];
    hex_encode(job->row.key_id.data, job->row.key_id.len, key_id);
    return json_pack("{s:I s:s s:s s:s s:s s:s}", "generation", (json_int_t)job->row.generation,
                     "token_serial", job->row.token, "certificate", pem, "certificate_serial", serial,
                     "key_id", key_id, "product", job->bay->product->name);
}

static int commit_token(struct station *st, struct job *job, struct err *err)
{
    struct token_row token = {0};
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    snprintf(token.letter, sizeof token.letter, "sealed");
    int rc = token_move(st->db, &token, TOKEN_MADE, "", err);
    token_row_done(&token);
    return rc;
}

static int commit_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                        struct err *fail, struct err *err)
{
    (void)msg;
    (void)fail;
    char serial[2 * SERIAL_NUMBER_MAX + 1], now[CLOCK_UTC_SIZE];
    struct buf pem;
    buf_init(&pem);
    json_t *body = NULL;
    int rc = -1;
    hex_encode(job->row.serial_number.data, job->row.serial_number.len, serial);
    clock_utc_text(clock_utc_ms(), now);
    if (cert_to_pem(job->row.certificate.data, job->row.certificate.len, &pem, err) < 0)
        goto out;
    body = report_body(job, serial, buf_cstr(&pem));
    if (commit_token(st, job, err) < 0 ||
        db_exec(st->db, SQL_CERTIFICATE_STATE,
                DB_ARGS(DB_TEXT(serial), DB_TEXT("made"), DB_TEXT(""), DB_TEXT(now)), NULL, err) < 0 ||
        outbox_add(st, job->row.id, "report", job->row.application, body, err) < 0 ||
        audit_add(st->db, "castationd", "made", job->row.token, err, "application %s, %s, certificate %s",
                  job->row.application, job->row.organisation, serial) < 0)
        goto out;
    put_str(evidence, "token", job->row.token);
    put_str(evidence, "serial_number", serial);
    put_str(evidence, "delivery", job->row.delivery);
    rc = NO_OP;
out:
    json_decref(body);
    buf_done(&pem);
    return rc;
}

const struct step_ops step_ops[STEP_COUNT] = {
    [STEP_CHECK] = {check_begin, check_finish},
    [STEP_INITIALISE] = {initialise_begin, initialise_finish},
    [STEP_SET_SO_PIN] = {set_so_pin_begin, set_so_pin_finish},
    [STEP_SET_USER_PIN] = {set_user_pin_begin, set_user_pin_finish},
    [STEP_GENERATE_KEY] = {generate_key_begin, generate_key_finish},
    [STEP_PROVE_POSSESSION] = {prove_begin, prove_finish},
    [STEP_RESERVE] = {reserve_begin, reserve_finish},
    [STEP_SIGN] = {sign_begin, sign_finish},
    [STEP_WRITE] = {write_begin, write_finish},
    [STEP_VERIFY] = {verify_begin, verify_finish},
    [STEP_COMMIT_RECORD] = {commit_begin, NULL},
};
