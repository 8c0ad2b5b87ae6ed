/* write, verify, commit_record: the certificate on the token, the proof of it, and one transaction that says
 * so. */
#include "station/steps.h"

#include <stdio.h>
#include <string.h>

/* ---- write, verify ---- */

int step_write_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                     struct err *fail, struct err *err)
{
    (void)fail;
    (void)err;
    struct bay_write_req req = {0};
    SET_SERIAL(req, job);
    text_cut(req.label, sizeof req.label, job->row.organisation);
    bytes_set(req.key_id, job->row.key_id.data, job->row.key_id.len);
    bytes_set(req.certificate, job->row.certificate.data, job->row.certificate.len);
    bytes_set(req.chain, st->ca, st->ca_len);
    evidence_hex(evidence, "key_id", job->row.key_id.data, job->row.key_id.len);
    STEP_MESSAGE(msg, BAY_WRITE);
    bay_write_req_put(msg, &req);
    return 0;
}

int step_write_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                      struct err *fail, struct err *err)
{
    (void)st;
    (void)job;
    (void)err;
    struct bay_write_rep rep;
    bay_write_rep_get(reply, &rep);
    evidence_int(evidence, "written", rep.written);
    return step_reply_end(reply, fail);
}

int step_verify_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
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
    evidence_int(evidence, "pin_version", req.pin_version);
    STEP_MESSAGE(msg, BAY_VERIFY);
    bay_verify_req_put(msg, &req);
    return 0;
}

int step_verify_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                       struct err *fail, struct err *err)
{
    (void)st;
    (void)err;
    struct bay_verify_rep rep;
    bay_verify_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return STEP_REFUSED;
    evidence_int(evidence, "attributes", rep.attributes);
    evidence_str(evidence, "label", rep.label);
    return key_attributes_check(job->row.token, rep.attributes, fail);
}

/* ---- commit_record: token, certificate, letter and report in one transaction ---- */

static json_t *report_body(const struct job *job, const char *product, const char *serial, const char *pem)
{
    char key_id[2 * KEY_ID_MAX + 1];
    hex_encode(job->row.key_id.data, job->row.key_id.len, key_id);
    return json_pack("{s:I s:s s:s s:s s:s s:s}", "generation", (json_int_t)job->row.generation,
                     "token_serial", job->row.token, "certificate", pem, "certificate_serial", serial,
                     "key_id", key_id, "product", product);
}

static int commit_token(struct station *st, struct job *job, char ret_product[PRODUCT_SIZE], struct err *err)
{
    struct token_row token = {0};
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    snprintf(ret_product, PRODUCT_SIZE, "%s", token.product);
    snprintf(token.letter, sizeof token.letter, "sealed");
    int rc = token_move(st->db, &token, TOKEN_MADE, "", err);
    token_row_done(&token);
    return rc;
}

int step_commit_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                      struct err *fail, struct err *err)
{
    (void)msg;
    (void)fail;
    char serial[2 * SERIAL_NUMBER_MAX + 1], now[CLOCK_UTC_SIZE], product[PRODUCT_SIZE];
    struct buf pem;
    buf_init(&pem);
    json_t *body = NULL;
    int rc = -1;
    hex_encode(job->row.serial_number.data, job->row.serial_number.len, serial);
    clock_utc_text(clock_utc_ms(), now);
    if (cert_to_pem(job->row.certificate.data, job->row.certificate.len, &pem, err) < 0)
        goto out;
    if (commit_token(st, job, product, err) < 0)
        goto out;
    body = report_body(job, product, serial, buf_cstr(&pem));
    if (db_exec(st->db, SQL_CERTIFICATE_STATE,
                DB_ARGS(DB_TEXT(serial), DB_TEXT("made"), DB_TEXT(""), DB_TEXT(now)), NULL, err) < 0 ||
        outbox_add(st, job->row.id, "report", job->row.application, body, err) < 0 ||
        audit_add(st->db, "castationd", "made", job->row.token, err, "application %s, %s, certificate %s",
                  job->row.application, job->row.organisation, serial) < 0)
        goto out;
    evidence_str(evidence, "token", job->row.token);
    evidence_str(evidence, "serial_number", serial);
    evidence_str(evidence, "delivery", job->row.delivery);
    rc = STEP_NO_OP;
out:
    json_decref(body);
    buf_done(&pem);
    return rc;
}
