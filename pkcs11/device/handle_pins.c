/* init, wipe, set_so_pin, seal_pin, set_user_pin: all that has to do with a PIN. */
#include <string.h>

#include "device/ckr.h"
#include "device/handlers.h"
#include "device/pin.h"
#include "device/session.h"

/* ---- init, wipe
 * --------------------------------------------------------------------------------------------------- */

static int initialise(struct bay *b, const char *serial, const char *label, uint8_t kind, uint32_t version,
                      char ret_serial[SERIAL_SIZE], struct err *err)
{
    if (bay_look_to_change(b, serial, err) != 0)
        return -1;
    session_close(b); /* C_InitToken refuses a token with a session */
    struct buf pin;
    buf_init_secret(&pin);
    int rc = session_so_pin(b, kind, version, &pin, err);
    if (rc == 0) {
        bay_forget_user_pin(b); /* whatever becomes of it, it is not this token's any more */
        rc = token_init(b->module, &b->token, &pin, label, err);
        if (rc == 0 || err->code == ERR_SO_PIN)
            session_so_result(b, kind, version, rc != 0);
    }
    buf_done(&pin);
    bool new_identity =
        b->product->identity == IDENTITY_AFTER_INIT || b->product->identity == IDENTITY_ASSIGNED;
    if (rc != 0 || bay_look(b, new_identity ? "" : serial, err) != 0)
        return -1;
    memcpy(ret_serial, b->token.serial, SERIAL_SIZE);
    return 0;
}

int handle_init(struct bay *b, const struct bay_init_req *q, struct bay_init_rep *r, struct err *err)
{
    return initialise(b, q->serial, q->label, q->so_kind, q->so_version, r->serial, err);
}

int handle_wipe(struct bay *b, const struct bay_wipe_req *q, struct bay_wipe_rep *r, struct err *err)
{
    return initialise(b, q->serial, q->label, q->so_kind, q->so_version, r->serial, err);
}

/* ---- set_so_pin
 * --------------------------------------------------------------------------------------------------- */

static int change_so_pin(struct bay *b, const struct bay_set_so_pin_req *q, struct buf *from, struct buf *to,
                         struct err *err)
{
    /* the new one first: a vault that does not answer must not leave a login behind */
    if (session_fetch_so_pin(b, SO_PIN_DERIVED, q->to_version, to, err) != 0 ||
        session_so(b, q->so_kind, q->so_version, from, err) != 0)
        return -1;
    CK_RV rv = b->session.calls->C_SetPIN(b->session.handle, from->data, from->len, to->data, to->len);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_SetPIN (SO)");
    int rc = session_so_with(b, to, err);
    if (rc != 0 && err->code == ERR_SO_PIN)
        err->code = ERR_TOKEN_MISMATCH; /* it said that it had taken the PIN which it now refuses */
    session_close(b);
    return rc;
}

int handle_set_so_pin(struct bay *b, const struct bay_set_so_pin_req *q, struct err *err)
{
    if (bay_look_to_change(b, q->serial, err) != 0)
        return -1;
    struct buf from, to;
    buf_init_secret(&from);
    buf_init_secret(&to);
    int rc = change_so_pin(b, q, &from, &to, err);
    buf_done(&from);
    buf_done(&to);
    return rc;
}

/* ---- seal_pin
 * ----------------------------------------------------------------------------------------------------- */

/* Tokens without a generator are allowed: the kernel's bytes are mixed in anyway. */
static int token_random(struct bay *b, uint8_t ret[PIN_RANDOM_MIN], size_t *ret_len, struct err *err)
{
    if (session_any(b, err) != 0)
        return -1;
    CK_RV rv = b->session.calls->C_GenerateRandom(b->session.handle, ret, PIN_RANDOM_MIN);
    bool none = rv == CKR_RANDOM_NO_RNG || rv == CKR_FUNCTION_NOT_SUPPORTED;
    *ret_len = none ? 0 : PIN_RANDOM_MIN;
    return rv == CKR_OK || none ? 0 : ckr_fail(err, rv, "C_GenerateRandom");
}

static int make_pin(struct bay *b, const struct bay_seal_pin_req *q, struct err *err)
{
    const struct pin_bounds bounds[] = {
        {b->product->pin_min, b->product->pin_max},
        {q->pin_min, q->pin_max},
        {(uint32_t)b->token.info.ulMinPinLen, (uint32_t)b->token.info.ulMaxPinLen},
    };
    uint8_t random[PIN_RANDOM_MIN];
    size_t length = 0, n = 0;
    if (pin_length(bounds, COUNT_OF(bounds), &length, err) != 0 || token_random(b, random, &n, err) != 0)
        return -1;
    int rc = pin_make(b->product->pin_alphabet, length, random, n, &b->user_pin.pin, err);
    explicit_bzero(random, sizeof(random));
    return rc;
}

int handle_seal_pin(struct bay *b, const struct bay_seal_pin_req *q, struct bay_seal_pin_rep *r,
                    struct err *err)
{
    if (b->channel >= 0 && strcmp(b->job, q->job) != 0)
        return err_set(err, ERR_WRONG_STATE, "the channel to the vault is for job %s, not %s", b->job,
                       q->job);
    if (q->job[0] == '\0')
        return err_set(err, ERR_FIELD, "a PIN is sealed for a job, and none is named");
    if (bay_look_to_change(b, q->serial, err) != 0)
        return -1;
    bay_forget_user_pin(b);
    if (make_pin(b, q, err) != 0)
        return -1;
    struct sealed_pin who = {.pin_version = q->pin_version};
    memcpy(who.job, q->job, sizeof(who.job));
    memcpy(who.serial, b->token.serial, sizeof(who.serial));
    if (pin_seal(b->config.sealing_key, &who, &b->user_pin.pin, r->sealed.data, &r->sealed.len, err) != 0) {
        bay_forget_user_pin(b);
        return -1;
    }
    b->user_pin.version = q->pin_version;
    memcpy(b->user_pin.serial, b->token.serial, sizeof(b->user_pin.serial));
    return 0;
}

/* ---- set_user_pin
 * ------------------------------------------------------------------------------------------------- */

static int init_pin(struct bay *b, const struct bay_set_user_pin_req *q, struct err *err)
{
    struct buf so_pin;
    buf_init_secret(&so_pin);
    int rc = session_so(b, q->so_kind, q->so_version, &so_pin, err);
    buf_done(&so_pin);
    if (rc != 0)
        return -1;
    CK_RV rv = b->session.calls->C_InitPIN(b->session.handle, b->user_pin.pin.data, b->user_pin.pin.len);
    session_close(b);
    return rv == CKR_OK ? 0 : ckr_fail(err, rv, "C_InitPIN");
}

int handle_set_user_pin(struct bay *b, const struct bay_set_user_pin_req *q, struct err *err)
{
    if (bay_look_to_change(b, q->serial, err) != 0)
        return -1;
    if (b->user_pin.version != q->pin_version || strcmp(b->user_pin.serial, b->token.serial) != 0)
        return err_set(err, ERR_WRONG_STATE,
                       "the PIN here is version %u of token %s, asked was version %u of %s",
                       b->user_pin.version, b->user_pin.serial, q->pin_version, b->token.serial);
    if ((b->token.info.flags & CKF_USER_PIN_INITIALIZED) && b->product->repin != REPIN_INIT_PIN)
        return err_set(err, ERR_REFUSED, "product %s does not let its SO set a new user PIN",
                       b->product->name);
    if (init_pin(b, q, err) != 0)
        return -1;
    return bay_look(b, q->serial, err) == 0 ? session_user(b, err) : -1;
}
