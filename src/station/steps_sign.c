/* reserve, sign: the vault's two steps. */
#include "station/steps.h"

#include <stdio.h>
#include <string.h>

#define TBS_FRESH_SECONDS (12 * 3600) /* well within the day that the vault allows */

/* ---- reserve, sign ---- */

int step_reserve_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
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
    if (SET_APPROVED(req, &job->row, fail) < 0)
        return STEP_REFUSED;
    evidence_hex(evidence, "spki_sha256", hash, sizeof hash);
    STEP_MESSAGE(msg, VAULT_VERB_RESERVE);
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

int step_reserve_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                        struct err *fail, struct err *err)
{
    struct vault_reserve_rep rep;
    struct buf tbs;
    int rc = STEP_REFUSED;
    buf_init(&tbs);
    vault_reserve_rep_get(reply, &rep);
    const struct profile *profile = job_profile(st, job, fail);
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
    if (tbs_build(&in, &tbs, fail) < 0) {
        rc = STEP_REFUSED;
        goto out;
    }
    char hash[SHA256_HEX_SIZE], serial[2 * SERIAL_NUMBER_MAX + 1];
    sha256_hex(tbs.data, tbs.len, hash);
    hex_encode(rep.serial_number.data, rep.serial_number.len, serial);
    evidence_str(evidence, "serial_number", serial);
    evidence_str(evidence, "tbs_sha256", hash);
    evidence_hex(evidence, "tbs", tbs.data, tbs.len);
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

int step_sign_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                    struct err *fail, struct err *err)
{
    (void)st;
    (void)err;
    struct vault_sign_req req = {0};
    if (!tbs_is_signable(job)) {
        err_set(fail, ERR_RESERVATION, "the reserved certificate's notBefore is too long ago");
        return STEP_REFUSED;
    }
    job->row.sign_attempted = true; /* committed with the intent */
    snprintf(req.job, sizeof req.job, "%s", job->row.id);
    SET_SERIAL(req, job);
    bytes_set(req.csr, job->row.csr.data, job->row.csr.len);
    bytes_set(req.tbs, job->row.tbs.data, job->row.tbs.len);
    if (SET_APPROVED(req, &job->row, fail) < 0)
        return STEP_REFUSED;
    char hash[SHA256_HEX_SIZE];
    sha256_hex(job->row.tbs.data, job->row.tbs.len, hash);
    evidence_str(evidence, "tbs_sha256", hash);
    STEP_MESSAGE(msg, VAULT_VERB_SIGN);
    vault_sign_req_put(msg, &req);
    return 0;
}

int sign_take(struct station *st, struct job *job, const uint8_t *der, size_t len, json_t *evidence,
              struct err *fail, struct err *err)
{
    char serial[2 * SERIAL_NUMBER_MAX + 1], now[CLOCK_UTC_SIZE], hash[SHA256_HEX_SIZE];
    int64_t changes = 0;
    if (cert_matches(der, len, job->row.tbs.data, job->row.tbs.len, st->ca, st->ca_len, fail) < 0)
        return STEP_REFUSED;
    hex_encode(job->row.serial_number.data, job->row.serial_number.len, serial);
    clock_utc_text(clock_utc_ms(), now);
    if (blob_set(&job->row.certificate, der, len, err) < 0 ||
        db_exec(st->db, SQL_CERTIFICATE_SIGNED, DB_ARGS(DB_TEXT(serial), DB_BLOB(der, len), DB_TEXT(now)),
                &changes, err) < 0)
        return -1;
    sha256_hex(der, len, hash);
    evidence_str(evidence, "certificate_sha256", hash);
    evidence_str(evidence, "serial_number", serial);
    return 0;
}

int step_sign_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                     struct err *fail, struct err *err)
{
    struct vault_sign_rep rep;
    vault_sign_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return STEP_REFUSED;
    return sign_take(st, job, rep.certificate.data, rep.certificate.len, evidence, fail, err);
}
