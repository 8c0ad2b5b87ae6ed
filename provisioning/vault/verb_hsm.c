/* status, unlock, ca_init. */
#include "vault/verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"

int request_end(struct request *rq, struct err *err)
{
    if (msg_end(rq->in, err) == 0)
        return 0;
    rq->nonsense = true;
    return -1;
}

int request_name(const char *what, const char *value, struct err *err)
{
    if (value[0] == '\0')
        return err_set(err, ERR_FIELD, "%s: it is empty", what);
    for (const char *p = value; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return err_set(err, ERR_FIELD, "%s: it has a control character", what);
    return 0;
}

/* ---- status ------------------------------------------------------------------------------------- */

static void put_spki(const struct vault *v, enum hsm_key which, size_t *ret_len, uint8_t dst[SPKI_MAX])
{
    EVP_PKEY *key = v->logged_in ? hsm_key(v->hsm, which) : NULL;
    int len = key ? i2d_PUBKEY(key, NULL) : -1;
    *ret_len = 0;
    if (len > 0 && len <= SPKI_MAX)
        *ret_len = (size_t)i2d_PUBKEY(key, &dst);
}

int verb_status(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_status_req req;
    vault_status_req_get(rq->in, &req);
    if (request_end(rq, err) != 0)
        return -1;
    if (req.protocol != VAULT_PROTOCOL)
        return err_set(err, ERR_PROTOCOL,
                       "the client speaks version %u of the vault's protocol, the vault version %d",
                       req.protocol, VAULT_PROTOCOL);
    if (hsm_check(v->hsm, err) != 0)
        return -1;
    struct vault_status_rep rep = {.state = (uint8_t)vault_state_of(v), .records = vault_log_records(v->log)};
    struct index_counts counts = index_counts(v->index);
    struct err why;
    err_clear(&why);
    if (vault_need_ca(v, &why) != 0)
        snprintf(rep.detail, sizeof(rep.detail), "%s", why.text);
    utf8_scrub(rep.detail);
    snprintf(rep.hsm, sizeof(rep.hsm), "%s", hsm_title(v->hsm));
    utf8_scrub(rep.hsm);
    rep.ca_key_type = (uint8_t)v->ca.key_type;
    rep.so_version = v->logged_in ? hsm_so_version(v->hsm) : 0;
    if (v->ca.der_len > 0)
        (void)bytes_set(rep.ca_certificate, v->ca.der, v->ca.der_len);
    put_spki(v, HSM_SEALING, &rep.sealing_key.len, rep.sealing_key.data);
    put_spki(v, HSM_AUDIT, &rep.audit_key.len, rep.audit_key.data);
    rep.reserved = counts.reserved;
    rep.signed_certificates = counts.certificates;
    rep.voided = counts.voided;
    vault_status_rep_put(rq->out, &rep);
    return 0;
}

/* ---- unlock ------------------------------------------------------------------------------------- */

/* The credential that was refused, or never ended, is the PIN just accepted: then it is good for the next
 * start too. */
static void settle_credential(struct vault *v, const struct buf *typed)
{
    struct err err;
    struct buf pin;
    buf_init_secret(&pin);
    if (v->conf.hsm_pin_file[0] != '\0' && login_read_pin(v->conf.hsm_pin_file, &pin, &err) == 0 &&
        pin.len == typed->len && CRYPTO_memcmp(pin.data, typed->data, pin.len) == 0 &&
        login_settle_credential(&v->login, typed, &err) != 0)
        vault_saying(v, SAY_WARNING, "%s", err.text);
    buf_done(&pin);
}

int verb_unlock(struct vault *v, struct request *rq, struct err *err)
{
    struct buf pin;
    size_t len = 0;
    buf_init_secret(&pin);
    /* read in place and not through a struct: no copy of the PIN on the stack */
    const uint8_t *bytes = msg_get_bytes(rq->in, HSM_PIN_MAX, &len);
    int rc = request_end(rq, err);
    if (rc == 0 && !v->logged_in) {
        rc = len > 0 ? buf_put(&pin, bytes, len, err)
                     : err_set(err, ERR_HSM_PIN, "an empty PIN: nothing was tried");
        if (rc == 0)
            rc = vault_login(v, LOGIN_TYPED, &pin, err);
        if (rc == 0)
            settle_credential(v, &pin);
    }
    if (rc == 0) {
        struct vault_unlock_rep rep = {.state = (uint8_t)vault_state_of(v)};
        vault_unlock_rep_put(rq->out, &rep);
    }
    buf_done(&pin);
    return rc;
}

/* ---- ca_init ------------------------------------------------------------------------------------ */

static int nothing_there(struct vault *v, struct err *err)
{
    const char *label = NULL;
    struct err missing;
    struct buf b;
    buf_init(&b);
    int there = file_read(v->conf.ca_certificate, CERTIFICATE_MAX * 2, &b, &missing);
    buf_done(&b);
    if (there == 0 || missing.code != ERR_NOT_FOUND)
        return err_set(err, ERR_EXISTS, "%s is there already", v->conf.ca_certificate);
    if (index_ca(v->index))
        return err_set(err, ERR_EXISTS,
                       "the vault's log already has a CA: its file is written when the vault starts");
    if (hsm_any_object(v->hsm, &label, err) != 0)
        return -1;
    if (label)
        return err_set(err, ERR_EXISTS, "the HSM already holds \"%s\": use another token, or remove it there",
                       label);
    return 0;
}

static int write_public(struct vault *v, enum hsm_key which, const char *name, struct err *err)
{
    char path[PATH_MAX];
    struct buf pem;
    buf_init(&pem);
    int rc = path_join(path, sizeof(path), v->conf.state_folder, name, err);
    if (rc == 0)
        rc = ca_public_pem(hsm_key(v->hsm, which), &pem, err);
    if (rc == 0)
        rc = file_replace(path, pem.data, pem.len, 0644, err);
    buf_done(&pem);
    return rc;
}

/* The log first, then the file: a vault that dies between the two writes the file at its next start. */
static int make_root(struct vault *v, const struct vault_ca_init_req *req, struct buf *der, struct err *err)
{
    char hex[2 * CERTIFICATE_MAX + 1];
    struct buf pem;
    buf_init(&pem);
    int rc = ca_root_build(req, v->hsm, clock_utc_ms() / 1000, der, err);
    if (rc == 0 && der->len > CERTIFICATE_MAX)
        rc = err_set(err, ERR_TOO_LARGE, "a root certificate of %zu bytes", der->len);
    if (rc == 0)
        rc = ca_to_pem(der->data, der->len, &pem, err);
    if (rc == 0) {
        hex_encode(der->data, der->len, hex);
        rc = vault_record(v, RECORD_CA_INIT,
                          json_pack("{s:s, s:s}", "key_type", key_type_name((enum key_type)req->key_type),
                                    "certificate", hex),
                          err);
    }
    crash_point("vault.ca_init.certificate");
    if (rc == 0)
        rc = file_create(v->conf.ca_certificate, pem.data, pem.len, 0644, err);
    buf_done(&pem);
    return rc;
}

int verb_ca_init(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_ca_init_req req;
    struct buf der;
    vault_ca_init_req_get(rq->in, &req);
    if (request_end(rq, err) != 0)
        return -1;
    if (vault_need_login(v, err) != 0 || ca_root_check(&req, err) != 0 || nothing_there(v, err) != 0)
        return -1;
    if (vault_record(v, RECORD_CA_BEGIN,
                     json_pack("{s:s, s:s, s:s}", "key_type", key_type_name((enum key_type)req.key_type),
                               "organisation", req.organisation, "common_name", req.common_name),
                     err) != 0 ||
        hsm_make_keys(v->hsm, (enum key_type)req.key_type, err) != 0)
        return -1;
    crash_point("vault.ca_init.keys");
    buf_init(&der);
    int rc = hsm_find_keys(v->hsm, err);
    if (rc == 0)
        rc = write_public(v, HSM_SEALING, "pin-sealing.pem", err);
    if (rc == 0)
        rc = write_public(v, HSM_AUDIT, "audit.pem", err);
    if (rc == 0)
        rc = make_root(v, &req, &der, err);
    if (rc == 0)
        rc = vault_find_ca(v, err);
    if (rc == 0) {
        struct vault_ca_init_rep rep;
        (void)bytes_set(rep.certificate, der.data, der.len);
        vault_ca_init_rep_put(rq->out, &rep);
    } else {
        struct err ignored;
        (void)vault_find_ca(v, &ignored); /* from now on the status says what the ceremony left */
    }
    buf_done(&der);
    return rc;
}
