/* generate_key, prove_possession: a key made on the device, and the proof that it is there. */
#include "station/steps.h"

#include <stdio.h>
#include <string.h>

#define TEMPORARY_ID_SIZE 16

/* ---- generate_key, prove_possession ---- */

int step_generate_key_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                            struct err *fail, struct err *err)
{
    struct bay_keygen_req req = {0};
    uint8_t id[TEMPORARY_ID_SIZE];
    const struct profile *profile = job_profile(st, job, fail);
    if (profile == NULL)
        return STEP_REFUSED;
    random_bytes(id, sizeof id);
    if (blob_set(&job->row.key_id, id, sizeof id, err) < 0)
        return -1;
    bytes_set(req.key_id, id, sizeof id);
    req.key_type = (uint8_t)profile->key_type;
    text_cut(req.label, sizeof req.label, job->row.organisation);
    SET_SERIAL(req, job);
    evidence_hex(evidence, "key_id", id, sizeof id);
    evidence_str(evidence, "key_type", key_type_name(profile->key_type));
    STEP_MESSAGE(msg, BAY_KEYGEN);
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

int step_generate_key_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                             struct err *fail, struct err *err)
{
    struct bay_keygen_rep rep;
    bay_keygen_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return STEP_REFUSED;
    const struct profile *profile = job_profile(st, job, fail);
    if (profile == NULL || weak_key_check(rep.spki.data, rep.spki.len, profile->key_type, fail) < 0 ||
        key_attributes_check(job->row.token, rep.attributes, fail) != 0)
        return STEP_REFUSED;
    int rc = key_is_new(st, job, rep.spki.data, rep.spki.len, fail, err);
    if (rc != 0)
        return rc;
    if (blob_set(&job->row.spki, rep.spki.data, rep.spki.len, err) < 0 ||
        blob_set(&job->row.key_id, rep.final_id.data, rep.final_id.len, err) < 0)
        return -1;
    char hash[SHA256_HEX_SIZE];
    sha256_hex(rep.spki.data, rep.spki.len, hash);
    evidence_str(evidence, "spki_sha256", hash);
    evidence_hex(evidence, "key_id", rep.final_id.data, rep.final_id.len);
    evidence_int(evidence, "attributes", rep.attributes);
    return 0;
}

static int subject_of(struct station *st, struct job *job, struct buf *subject, struct err *fail)
{
    const struct profile *profile = job_profile(st, job, fail);
    return profile == NULL || cert_subject(profile, &job->app, subject, fail) < 0 ? STEP_REFUSED : 0;
}

int step_prove_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
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
        evidence_hex(evidence, "challenge", job->challenge, sizeof job->challenge);
        STEP_MESSAGE(msg, BAY_CSR);
        bay_csr_req_put(msg, &req);
    }
    buf_done(&subject);
    return rc;
}

int step_prove_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                      struct err *fail, struct err *err)
{
    struct bay_csr_rep rep;
    struct buf subject;
    buf_init(&subject);
    bay_csr_rep_get(reply, &rep);
    int rc = step_reply_end(reply, fail);
    if (rc == 0)
        rc = subject_of(st, job, &subject, fail);
    if (rc == 0 && (csr_check(rep.csr.data, rep.csr.len, subject.data, subject.len, job->row.spki.data,
                              job->row.spki.len, fail) < 0 ||
                    challenge_check(job->row.spki.data, job->row.spki.len, job->challenge,
                                    sizeof job->challenge, rep.signature.data, rep.signature.len, fail) < 0))
        rc = STEP_REFUSED;
    if (rc == 0)
        rc = blob_set(&job->row.csr, rep.csr.data, rep.csr.len, err);
    if (rc == 0) {
        char hash[SHA256_HEX_SIZE];
        sha256_hex(rep.csr.data, rep.csr.len, hash);
        evidence_str(evidence, "csr_sha256", hash);
    }
    buf_done(&subject);
    return rc;
}
