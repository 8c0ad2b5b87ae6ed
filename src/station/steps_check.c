/* check: everything that can be refused before the token is touched. */
#include "station/steps.h"

#include <string.h>

#include <openssl/x509.h>

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
    profile = job_profile(st, job, fail);
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
    if (cert_subject(profile, &app, &subject, fail) < 0)
        goto out;
    if (subject.len > NAME_MAX_DER) {
        err_set(fail, ERR_TOO_LARGE, "profile %s: a subject of %zu bytes, at most %d go to the token",
                profile->name, subject.len, NAME_MAX_DER);
        goto out;
    }
    if (check_ca(st, profile, &app, fail) < 0)
        goto out;
    job->app = app;
    rc = 0;
out:
    buf_done(&subject);
    return rc;
}

int step_check_begin(struct station *st, struct job *job, json_t *evidence, struct msg_out *msg,
                     struct err *fail, struct err *err)
{
    struct bay_probe_req req = {0};
    (void)err;
    if (check_application(st, job, fail) < 0)
        return STEP_REFUSED;
    evidence_str(evidence, "token", job->row.token);
    evidence_str(evidence, "bay", job->bay->name);
    SET_SERIAL(req, job);
    STEP_MESSAGE(msg, BAY_PROBE);
    bay_probe_req_put(msg, &req);
    return 0;
}

int step_check_finish(struct station *st, struct job *job, struct msg_in *reply, json_t *evidence,
                      struct err *fail, struct err *err)
{
    (void)st;
    (void)err;
    struct bay_probe_rep rep;
    bay_probe_rep_get(reply, &rep);
    if (msg_end(reply, fail) < 0)
        return STEP_REFUSED;
    job->bay->probe = rep;
    evidence_str(evidence, "label", rep.label);
    evidence_int(evidence, "flags", rep.flags);
    if (rep.blank == 0 && rep.certificates + rep.public_keys > 0) {
        err_set(fail, ERR_TOKEN_NOT_BLANK, "token %s holds %u certificates and %u public keys", rep.serial,
                rep.certificates, rep.public_keys);
        return STEP_REFUSED;
    }
    return 0;
}
