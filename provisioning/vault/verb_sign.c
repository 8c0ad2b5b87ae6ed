/* reserve, sign, lookup, void. */
#include "vault/verbs.h"

#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/json.h"
#include "vault/check.h"
#include "vault/sign.h"

#define DIGEST_HEX (2 * SHA256_SIZE + 1)
#define SERIAL_HEX (2 * SERIAL_NUMBER_MAX + 1)
#define DRAWN      16 /* bytes of a serial number: 119 random bits and more, RFC 5280 allows 20 bytes */

/* ---- reserve ------------------------------------------------------------------------------------ */

/* Random bytes of HSM and kernel, hashed together: one of the two being good is enough. Positive, no leading
 * zero, and never drawn before. */
static int draw(struct vault *v, uint8_t ret[DRAWN], struct err *err)
{
    uint8_t mix[2 * SHA256_SIZE], digest[SHA256_SIZE];
    for (int i = 0; i < 100; i++) {
        if (hsm_random(v->hsm, mix, SHA256_SIZE, err) != 0)
            return -1;
        random_bytes(mix + SHA256_SIZE, SHA256_SIZE);
        sha256(mix, sizeof(mix), digest);
        digest[0] &= 0x7f;
        if (digest[0] == 0 || index_by_serial(v->index, digest, DRAWN))
            continue;
        memcpy(ret, digest, DRAWN);
        return 0;
    }
    return err_set(err, ERR_HSM, "no fresh serial number in 100 draws");
}

static int one_reservation(const struct vault *v, const struct approval *approval, struct err *err)
{
    const struct reservation *other = index_live_of_approval(v->index, approval->id);
    if (!other)
        other = index_live_of_application(v->index, approval->application);
    if (!other)
        return 0;
    return err_set(
        err, ERR_ALREADY_SIGNED, "application %s has a serial number%s already, of job %s for token %s",
        approval->application, other->is_signed ? " and certificate" : "", other->job, other->token);
}

/* The same job with the same key and approval: the same serial number. */
static int again(const struct reservation *r, const struct vault_reserve_req *req,
                 const struct approval *approval, struct err *err)
{
    if (r->is_void)
        return err_set(err, ERR_RESERVATION, "the serial number of this key is void: a new key is needed");
    if (strcmp(r->job, req->job) != 0 || strcmp(r->token, req->serial) != 0 ||
        strcmp(r->approval, approval->id) != 0)
        return err_set(err, ERR_RESERVATION, "this key has a serial number already, of job %s for token %s",
                       r->job, r->token);
    return 0;
}

static int log_reserve(struct vault *v, const struct vault_reserve_req *req, const struct application *app,
                       const struct approval *approval, const uint8_t serial[DRAWN], struct err *err)
{
    char serial_hex[SERIAL_HEX], spki_hex[DIGEST_HEX];
    hex_encode(serial, DRAWN, serial_hex);
    hex_encode(req->spki_sha256.data, SHA256_SIZE, spki_hex);
    return vault_record(v, RECORD_RESERVE,
                        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "serial_number", serial_hex,
                                  "job", req->job, "token", req->serial, "spki_sha256", spki_hex,
                                  "application", app->id, "approval", approval->id, "profile",
                                  approval->profile, "organisation", app->organisation.name),
                        err);
}

static int reserve(struct vault *v, const struct vault_reserve_req *req, uint8_t serial[SERIAL_NUMBER_MAX],
                   size_t *ret_len, struct err *err)
{
    struct application app;
    struct approval approval;
    if (request_name("job", req->job, err) != 0 || request_name("serial", req->serial, err) != 0 ||
        vault_need_ca(v, err) != 0)
        return -1;
    if (req->spki_sha256.len != SHA256_SIZE)
        return err_set(err, ERR_FIELD, "spki_sha256: 32 bytes are expected");
    if (approval_verify(req->application.data, req->application.len, req->approval.data, req->approval.len,
                        req->signature.data, req->signature.len, v->portal_key, &app, &approval, err) != 0)
        return -1;
    if (!profiles_find(v->profiles, approval.profile))
        return err_set(err, ERR_PROFILE, "the vault has no profile \"%s\"", approval.profile);
    const struct reservation *r = index_by_key(v->index, req->spki_sha256.data);
    if (r) {
        memcpy(serial, r->serial, r->serial_len);
        *ret_len = r->serial_len;
        return again(r, req, &approval, err);
    }
    *ret_len = DRAWN;
    if (one_reservation(v, &approval, err) != 0 || draw(v, serial, err) != 0)
        return -1;
    return log_reserve(v, req, &app, &approval, serial, err);
}

int verb_reserve(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_reserve_req req;
    struct vault_reserve_rep rep;
    vault_reserve_req_get(rq->in, &req);
    if (request_end(rq, err) != 0)
        return -1;
    memcpy(rq->job, req.job, sizeof(rq->job));
    if (reserve(v, &req, rep.serial_number.data, &rep.serial_number.len, err) != 0)
        return -1;
    vault_reserve_rep_put(rq->out, &rep);
    return 0;
}

/* ---- sign --------------------------------------------------------------------------------------- */

/* The certificate out of a signature record, into a reply's field. */
static int logged_certificate(const struct vault *v, const struct reservation *r, struct vault_sign_rep *rep,
                              struct err *err)
{
    json_t *record = NULL;
    if (vault_log_read(v->log, &r->signature, &record, err) != 0)
        return -1;
    int rc = hex_decode(json_str(record, "certificate"), rep->certificate.data, sizeof(rep->certificate.data),
                        &rep->certificate.len, err);
    json_decref(record);
    return rc;
}

static int log_intent(struct vault *v, const struct check *c, struct err *err)
{
    char serial[SERIAL_HEX], tbs[DIGEST_HEX];
    if (c->reservation->has_intent)
        return 0; /* check_one_tbs: of the same TBS; its signature was never logged, so none was let out */
    hex_encode(c->serial, c->serial_len, serial);
    hex_encode(c->tbs_sha256, SHA256_SIZE, tbs);
    return vault_record(v, RECORD_SIGN_INTENT,
                        json_pack("{s:s, s:s, s:s, s:s, s:s}", "serial_number", serial, "tbs_sha256", tbs,
                                  "approval", c->approval.id, "job", c->req->job, "token", c->req->serial),
                        err);
}

static int log_signature(struct vault *v, const struct check *c, const struct buf *der, struct err *err)
{
    char serial[SERIAL_HEX], tbs[DIGEST_HEX], certificate[2 * CERTIFICATE_MAX + 1];
    hex_encode(c->serial, c->serial_len, serial);
    hex_encode(c->tbs_sha256, SHA256_SIZE, tbs);
    hex_encode(der->data, der->len, certificate);
    return vault_record(
        v, RECORD_SIGNATURE,
        json_pack("{s:s, s:s, s:s}", "serial_number", serial, "tbs_sha256", tbs, "certificate", certificate),
        err);
}

/* Intent, signature, record: in this order, each durable before the next, and only then an answer. */
static int sign(struct vault *v, const struct check *c, struct buf *der, struct err *err)
{
    if (log_intent(v, c, err) != 0 ||
        sign_tbs(&v->ca, v->hsm, c->req->tbs.data, c->req->tbs.len, der, err) != 0)
        return -1;
    crash_point("vault.sign.signed");
    if (log_signature(v, c, der, err) != 0)
        return -1;
    crash_point("vault.sign.answer");
    return 0;
}

static int check_and_sign(struct vault *v, struct request *rq, const struct vault_sign_req *req,
                          struct buf *der, struct err *err)
{
    struct check c = {
        .req = req,
        .index = v->index,
        .profiles = v->profiles,
        .portal_key = v->portal_key,
        .ca = &v->ca,
        .now_ms = clock_utc_ms(),
    };
    int rc = check_run(&c, &rq->rule, err);
    if (rc == 0)
        rc = sign(v, &c, der, err);
    check_done(&c);
    return rc;
}

/* A TBS that was signed before: what was logged then is the answer for ever. */
static int repeat(const struct vault *v, const struct reservation *r, const struct vault_sign_req *req,
                  struct vault_sign_rep *rep, struct err *err)
{
    if (r->is_void)
        return err_set(err, ERR_RESERVATION, "the certificate of this TBS is void");
    if (strcmp(r->job, req->job) != 0 || strcmp(r->token, req->serial) != 0)
        return err_set(err, ERR_RESERVATION, "this TBS was signed for job %s and token %s", r->job, r->token);
    return logged_certificate(v, r, rep, err);
}

int verb_sign(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_sign_req req;
    struct vault_sign_rep rep;
    uint8_t digest[SHA256_SIZE];
    struct buf der;
    vault_sign_req_get(rq->in, &req);
    if (request_end(rq, err) != 0)
        return -1;
    memcpy(rq->job, req.job, sizeof(rq->job));
    if (vault_need_ca(v, err) != 0)
        return -1;
    buf_init(&der);
    sha256(req.tbs.data, req.tbs.len, digest);
    const struct reservation *r = index_by_tbs(v->index, digest);
    int rc = r && r->is_signed ? repeat(v, r, &req, &rep, err) : check_and_sign(v, rq, &req, &der, err);
    if (rc == 0 && der.len > 0 && !bytes_set(rep.certificate, der.data, der.len))
        rc = err_set(err, ERR_TOO_LARGE, "a certificate of %zu bytes", der.len);
    if (rc == 0)
        vault_sign_rep_put(rq->out, &rep);
    buf_done(&der);
    return rc;
}

/* ---- lookup, void ------------------------------------------------------------------------------- */

int verb_lookup(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_lookup_req req;
    struct vault_lookup_rep rep = {.found = VAULT_NEVER};
    struct vault_sign_rep logged;
    vault_lookup_req_get(rq->in, &req);
    if (request_end(rq, err) != 0)
        return -1;
    if (req.tbs_sha256.len != SHA256_SIZE)
        return err_set(err, ERR_FIELD, "tbs_sha256: 32 bytes are expected");
    const struct reservation *r = index_by_tbs(v->index, req.tbs_sha256.data);
    if (r)
        rep.found = r->is_void ? VAULT_VOID : r->is_signed ? VAULT_SIGNED : VAULT_INTENT;
    if (r && r->is_signed) {
        if (logged_certificate(v, r, &logged, err) != 0)
            return -1;
        (void)bytes_set(rep.certificate, logged.certificate.data, logged.certificate.len);
    }
    vault_lookup_rep_put(rq->out, &rep);
    return 0;
}

static int void_it(struct vault *v, const struct vault_void_req *req, struct vault_void_rep *rep,
                   struct err *err)
{
    const struct reservation *r =
        req->serial_number.len > 0
            ? index_by_serial(v->index, req->serial_number.data, req->serial_number.len)
            : index_live_of_job(v->index, req->job);
    rep->voided = VAULT_VOIDED_RESERVATION;
    if (!r && req->serial_number.len == 0)
        return 0; /* nothing was reserved, or it is void already */
    if (!r)
        return err_set(err, ERR_RESERVATION, "the serial number was never drawn here");
    if (strcmp(r->job, req->job) != 0)
        return err_set(err, ERR_RESERVATION, "the serial number is of job %s", r->job);
    rep->voided = r->is_signed ? VAULT_VOIDED_CERTIFICATE : VAULT_VOIDED_RESERVATION;
    if (r->is_void)
        return 0;
    char serial[SERIAL_HEX];
    hex_encode(r->serial, r->serial_len, serial);
    /* an intent alone may have had a signature, that nobody was given: listing its number costs nothing */
    return vault_record(v, RECORD_VOID,
                        json_pack("{s:s, s:s, s:s, s:b, s:b}", "serial_number", serial, "job", req->job,
                                  "reason", req->reason, "certificate", (int)r->is_signed, "crl",
                                  (int)(r->is_signed || r->has_intent)),
                        err);
}

int verb_void(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_void_req req;
    struct vault_void_rep rep = {.voided = 0};
    vault_void_req_get(rq->in, &req);
    if (request_end(rq, err) != 0)
        return -1;
    memcpy(rq->job, req.job, sizeof(rq->job));
    if (request_name("reason", req.reason, err) != 0 || void_it(v, &req, &rep, err) != 0)
        return -1;
    vault_void_rep_put(rq->out, &rep);
    return 0;
}
