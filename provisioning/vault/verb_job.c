/* register, derive_so_pin, letter. */
#include "vault/verbs.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "products/products.h"
#include "vault/letter.h"
#include "vault/so_pin.h"

#define LETTER_WRITE_MS 10000

/* ---- register ----------------------------------------------------------------------------------- */

/* A wipe has no application any more; it is logged as what it is. */
static int check_purpose(struct vault *v, const struct vault_register_req *req, struct application *app,
                         struct err *err)
{
    struct approval approval;
    if (req->purpose == VAULT_WIPE)
        return 0;
    if (req->purpose != VAULT_MAKE)
        return err_set(err, ERR_FIELD, "purpose: %u is none", req->purpose);
    if (approval_verify(req->application.data, req->application.len, req->approval.data, req->approval.len,
                        req->signature.data, req->signature.len, v->portal_key, app, &approval, err) != 0)
        return -1;
    if (!profiles_find(v->profiles, approval.profile))
        return err_set(err, ERR_PROFILE, "the vault has no profile \"%s\"", approval.profile);
    return 0;
}

static int register_job(struct vault *v, const struct vault_register_req *req, int *ret_channel,
                        struct err *err)
{
    struct application app;
    memset(&app, 0, sizeof(app));
    if (request_name("job", req->job, err) != 0 || request_name("bay", req->bay, err) != 0 ||
        request_name("serial", req->serial, err) != 0)
        return -1;
    /* a token may be wiped when nothing more is signed */
    if ((req->purpose == VAULT_WIPE ? vault_need_login(v, err) : vault_need_ca(v, err)) != 0)
        return -1;
    if (!product_find(req->product))
        return err_set(err, ERR_TOKEN_PRODUCT, "the vault knows no product \"%s\"", req->product);
    if (check_purpose(v, req, &app, err) != 0)
        return -1;
    if (vault_record(v, RECORD_REGISTER,
                     json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "purpose",
                               req->purpose == VAULT_WIPE ? "wipe" : "make", "job", req->job, "bay", req->bay,
                               "product", req->product, "token", req->serial, "application", app.id),
                     err) != 0)
        return -1;
    return registry_put(&v->registry, req, ret_channel, err);
}

int verb_register(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_register_req req;
    int channel = -1;
    vault_register_req_get(rq->in, &req);
    if (request_end(rq, err) != 0)
        return -1;
    memcpy(rq->job, req.job, sizeof(rq->job));
    if (register_job(v, &req, &channel, err) != 0)
        return -1;
    struct vault_register_rep rep = {.so_version = hsm_so_version(v->hsm)};
    vault_register_rep_put(rq->out, &rep);
    msg_put_fd(rq->out, channel);
    rq->close_after = channel;
    return 0;
}

/* ---- derive_so_pin ------------------------------------------------------------------------------ */

static int hmac(void *arg, uint32_t version, const void *data, size_t len, uint8_t ret[32], struct err *err)
{
    return hsm_hmac(arg, version, data, len, ret, err);
}

static int derive(struct vault *v, const struct registration *job, const struct vault_derive_req *req,
                  struct buf *pin, struct err *err)
{
    if (!job)
        return err_set(err, ERR_PERMISSION, "SO PINs are derived on the channel of a registered job only");
    if (strcmp(req->product, job->product) != 0 || strcmp(req->serial, job->serial) != 0)
        return err_set(err, ERR_REFUSED, "the job is registered for %s %s, not for %s %s", job->product,
                       job->serial, req->product, req->serial);
    const struct product *product = product_find(req->product);
    if (!product)
        return err_set(err, ERR_TOKEN_PRODUCT, "the vault knows no product \"%s\"", req->product);
    if (vault_need_login(v, err) != 0)
        return -1;
    if (req->version == 0 || req->version > hsm_so_version(v->hsm))
        return err_set(err, ERR_NOT_FOUND, "there is no SO-PIN master key of version %u", req->version);
    if (!rate_take(&v->so_pin_rate, clock_mono_ms()))
        return err_set(err, ERR_RATE, "more than %lld SO PINs a minute (so_pin_rate)",
                       (long long)v->conf.so_pin_rate);
    if (vault_record(v, RECORD_DERIVE,
                     json_pack("{s:s, s:s, s:s, s:s, s:I}", "job", job->job, "bay", job->bay, "product",
                               req->product, "token", req->serial, "version", (json_int_t)req->version),
                     err) != 0)
        return -1;
    return so_pin_derive(product, req->serial, req->version, hmac, v->hsm, pin, err);
}

int verb_derive_so_pin(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_derive_req req;
    struct buf pin;
    vault_derive_req_get(rq->in, &req);
    if (request_end(rq, err) != 0)
        return -1;
    if (rq->channel)
        memcpy(rq->job, rq->channel->job, sizeof(rq->job));
    buf_init_secret(&pin);
    int rc = derive(v, rq->channel, &req, &pin, err);
    if (rc == 0)
        msg_put_bytes(rq->out, pin.data, pin.len); /* vault_derive_rep, without a copy of it on the stack */
    buf_done(&pin);
    return rc;
}

/* ---- letter ------------------------------------------------------------------------------------- */

/* What castationd says of whose letter it is has to be what the log says. */
static int check_letter(struct vault *v, const struct vault_letter_req *req, struct err *err)
{
    uint8_t organisation[SHA256_SIZE];
    const struct reservation *r = index_signed_of_token(v->index, req->job, req->serial);
    if (!r || r->is_void)
        return err_set(err, ERR_LETTER,
                       "no certificate of this job and token was signed here that is not void");
    sha256(req->organisation, strlen(req->organisation), organisation);
    if (strcmp(r->application, req->application) != 0 ||
        memcmp(r->organisation_sha256, organisation, SHA256_SIZE) != 0)
        return err_set(err, ERR_LETTER,
                       "this token's certificate is of another application or organisation (%s)",
                       r->application);
    if (index_letter(v->index, req->job, req->serial, req->pin_version) != LETTER_NONE)
        return err_set(err, ERR_LETTER,
                       "the letter of PIN version %u was printed already, or broken off in printing",
                       req->pin_version);
    return 0;
}

static int log_letter(struct vault *v, enum record_type type, const struct vault_letter_req *req,
                      struct err *err)
{
    return vault_record(v, type,
                        json_pack("{s:s, s:s, s:I, s:s}", "job", req->job, "token", req->serial,
                                  "pin_version", (json_int_t)req->pin_version, "application",
                                  req->application),
                        err);
}

static int print_letter(struct vault *v, const struct vault_letter_req *req, int fd, struct err *err)
{
    struct buf pin, text;
    buf_init_secret(&pin);
    buf_init_secret(&text);
    int rc = letter_open(v->hsm, req, &pin, err);
    crash_point("vault.letter.opened");
    if (rc == 0)
        rc = letter_text(req, &pin, &text, err);
    if (rc == 0)
        rc = log_letter(v, RECORD_LETTER_PRINTING, req, err); /* from here on it is never printed again */
    if (rc == 0)
        rc = letter_write(fd, &text, clock_mono_ms() + LETTER_WRITE_MS, err);
    crash_point("vault.letter.written");
    if (rc == 0)
        rc = log_letter(v, RECORD_LETTER_PRINTED, req, err);
    buf_done(&pin);
    buf_done(&text);
    return rc;
}

int verb_letter(struct vault *v, struct request *rq, struct err *err)
{
    struct vault_letter_req req;
    vault_letter_req_get(rq->in, &req);
    int fd = msg_take_fd(rq->in);
    int rc = request_end(rq, err);
    if (rc == 0) {
        memcpy(rq->job, req.job, sizeof(rq->job));
        if (request_name("job", req.job, err) != 0 || request_name("serial", req.serial, err) != 0 ||
            vault_need_login(v, err) != 0 || check_letter(v, &req, err) != 0 || letter_check_fd(fd, err) != 0)
            rc = -1;
        else
            rc = print_letter(v, &req, fd, err);
    }
    if (fd >= 0)
        close(fd);
    return rc;
}
