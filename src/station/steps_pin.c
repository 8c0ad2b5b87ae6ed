/* initialise, set_so_pin, set_user_pin: the token gets its label and its PINs. */
#include "station/steps.h"

#include <stdio.h>
#include <string.h>

#define SO_TRIES 2 /* an episode: the new SO PIN of a change, then the old */

/* ---- initialise, set_so_pin ---- */

int step_initialise_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                          struct err *fail, struct err *err)
{
    struct token_row token = {0};
    struct bay_init_req req = {0};
    struct bay_wipe_req wipe = {0};
    job->so_second_try = false;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    if (token.so_changing_to != 0 && job->row.so_try >= SO_TRIES) {
        err_set(fail, ERR_SO_PIN, "token %s: the new SO PIN and the old were tried; no third try is made",
                token.serial);
        token_row_done(&token);
        return STEP_REFUSED;
    }
    job->row.so_try++; /* committed with the intent, before the try is made */
    so_pin_of(&token, job->row.so_try, &req.so_kind, &req.so_version);
    job->so_second_try = token.so_changing_to != 0 && job->row.so_try == 1;
    evidence_so_pin(evidence, req.so_kind, req.so_version);
    evidence_int(evidence, "so_try", job->row.so_try);
    SET_SERIAL(req, job);
    if (job->row.kind == JOB_RECYCLE) {
        SET_SERIAL(wipe, job);
        wipe.so_kind = req.so_kind;
        wipe.so_version = req.so_version;
        snprintf(wipe.label, sizeof wipe.label, "BLANK");
        STEP_MESSAGE(msg, BAY_WIPE);
        bay_wipe_req_put(msg, &wipe);
    } else {
        text_cut(req.label, sizeof req.label, job->row.application);
        evidence_str(evidence, "label", req.label);
        STEP_MESSAGE(msg, BAY_INIT);
        bay_init_req_put(msg, &req);
    }
    token_row_done(&token);
    return 0;
}

/* The SO PIN that was accepted is the token's: a change that was under way is decided by it. */
int step_initialise_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                           struct err *fail, struct err *err)
{
    struct bay_init_rep rep; /* wipe's answer has the same shape */
    struct token_row token = {0};
    uint8_t kind = 0;
    uint32_t version = 0;
    bay_init_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return STEP_REFUSED;
    if (strcmp(rep.serial, job->row.token) != 0) {
        err_set(fail, ERR_TOKEN_MISMATCH, "token %s shows serial number %s after it was initialised",
                job->row.token, rep.serial);
        return STEP_REFUSED;
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
    text_cut(token.label, sizeof token.label, job->row.kind == JOB_RECYCLE ? "BLANK" : job->row.application);
    job->row.so_try = 0;
    evidence_so_pin(evidence, kind, version);
    int rc = token_update(st->db, &token, err);
    token_row_done(&token);
    return rc;
}

int step_set_so_pin_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
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
        evidence_str(evidence, "so_pin", "as it should be");
        rc = STEP_NO_OP;
        goto out;
    }
    so_pin_of(&token, 2, &req.so_kind, &req.so_version);
    token.so_changing_to = to;
    if (token_update(st->db, &token, err) < 0)
        goto out;
    req.to_version = to;
    evidence_so_pin(evidence, req.so_kind, req.so_version);
    evidence_int(evidence, "to", to);
    SET_SERIAL(req, job);
    STEP_MESSAGE(msg, BAY_SET_SO_PIN);
    bay_set_so_pin_req_put(msg, &req);
    rc = 0;
out:
    token_row_done(&token);
    return rc;
}

int step_set_so_pin_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                           struct err *fail, struct err *err)
{
    struct token_row token = {0};
    if (msg_end(reply, fail) < 0)
        return STEP_REFUSED;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    snprintf(token.so_kind, sizeof token.so_kind, "derived");
    token.so_version = token.so_changing_to;
    token.so_changing_to = 0;
    evidence_so_pin(evidence, SO_PIN_DERIVED, (uint32_t)token.so_version);
    int rc = token_update(st->db, &token, err);
    token_row_done(&token);
    return rc;
}

/* ---- set_user_pin: seal, commit as pending, set ---- */

int step_set_user_pin_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
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
    evidence_int(evidence, "pin_version", req.pin_version);
    if (job->step != STEP_SET_USER_PIN)
        json_object_set_new(evidence, "repin", json_true());
    STEP_MESSAGE(msg, BAY_SEAL_PIN);
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
        return STEP_REFUSED;
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
        STEP_MESSAGE(msg, BAY_SET_USER_PIN);
        bay_set_user_pin_req_put(msg, &req);
    }
    token_row_done(&token);
    return rc;
}

int step_set_user_pin_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                             struct err *fail, struct err *err)
{
    struct token_row token = {0};
    if (msg_end(reply, fail) < 0)
        return STEP_REFUSED;
    if (token_get(st->db, job->row.token, &token, err) < 0)
        return -1;
    snprintf(token.sealed_state, sizeof token.sealed_state, "set");
    job->bay->pin_version = (uint32_t)token.pin_version;
    evidence_int(evidence, "pin_version", token.pin_version);
    int rc = token_update(st->db, &token, err);
    token_row_done(&token);
    return rc;
}
