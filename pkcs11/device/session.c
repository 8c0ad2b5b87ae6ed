#include "device/session.h"

#include <string.h>

#include "base/clock.h"
#include "device/ckr.h"
#include "wire/vault_client.h"

#define VAULT_MS 5000 /* less than the deadline of any verb that needs an SO PIN */
#define SO_TRIES 2    /* an episode: the new SO PIN, then the old one */

static const CK_FUNCTION_LIST *calls(const struct bay *b)
{
    return module_calls(b->module);
}

/* ---- sessions
 * ----------------------------------------------------------------------------------------------------- */

void session_close(struct bay *b)
{
    if (b->as != SESSION_NONE)
        calls(b)->C_CloseAllSessions(b->token.slot);
    b->as = SESSION_NONE;
}

static int open_session(struct bay *b, struct err *err)
{
    session_close(b);
    CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
    CK_RV rv =
        calls(b)->C_OpenSession(b->token.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &handle);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_OpenSession");
    b->session = (struct session){.calls = calls(b), .handle = handle};
    b->as = SESSION_PUBLIC;
    return 0;
}

/* Is the session still what we left it? A token that was pulled and put back has forgotten it. */
static bool lives(const struct bay *b)
{
    static const CK_STATE STATES[] = {
        [SESSION_PUBLIC] = CKS_RW_PUBLIC_SESSION,
        [SESSION_SO] = CKS_RW_SO_FUNCTIONS,
        [SESSION_USER] = CKS_RW_USER_FUNCTIONS,
    };
    CK_SESSION_INFO info;
    return b->as != SESSION_NONE && calls(b)->C_GetSessionInfo(b->session.handle, &info) == CKR_OK &&
           info.slotID == b->token.slot && info.state == STATES[b->as];
}

int session_any(struct bay *b, struct err *err)
{
    return lives(b) ? 0 : open_session(b, err);
}

/* ---- SO PIN
 * ------------------------------------------------------------------------------------------------------- */

static bool same_episode(const struct bay *b)
{
    return b->episode.refused > 0 && strcmp(b->episode.serial, b->token.serial) == 0;
}

static int may_try(const struct bay *b, uint8_t kind, uint32_t version, struct err *err)
{
    const struct so_episode *e = &b->episode;
    bool again = same_episode(b);
    if (again && e->refused >= SO_TRIES)
        return err_set(err, ERR_PIN_LOCKED, "token %s refused %u SO PINs; no third try is made", e->serial,
                       e->refused);
    if (again && e->kind == kind && e->version == version)
        return err_set(err, ERR_SO_PIN, "token %s refused this SO PIN already; it is not tried again",
                       e->serial);
    /* Before the second try the token warns of our own first one; any graver warning still stops it. */
    return token_check_so_pin(&b->token, again, err);
}

int session_fetch_so_pin(struct bay *b, uint8_t kind, uint32_t version, struct buf *ret, struct err *err)
{
    switch (kind) {
    case SO_PIN_FACTORY:
        if (!b->product->factory_so_pin)
            return err_set(err, ERR_REFUSED, "product %s has no factory SO PIN", b->product->name);
        return buf_put_str(ret, b->product->factory_so_pin, err);
    case SO_PIN_DERIVED:
        if (b->channel < 0)
            return err_set(err, ERR_WRONG_STATE, "no channel to the vault: the derived SO PIN cannot be had");
        if (vault_derive_so_pin(b->channel, b->product->name, b->token.serial, version, ret,
                                clock_mono_ms() + VAULT_MS, err) != 0) {
            if (err->code == ERR_TIMEOUT)
                err->code = ERR_UNREACHABLE; /* a slow HSM: to be waited for, and no fault of the token's */
            return -1;
        }
        /* the vault may have taken its time: is it still this token? */
        return bay_look(b, b->token.serial, err);
    default:
        return err_set(err, ERR_FIELD, "SO PIN of unknown kind %u", kind);
    }
}

int session_so_pin(struct bay *b, uint8_t kind, uint32_t version, struct buf *ret, struct err *err)
{
    if (may_try(b, kind, version, err) != 0 || session_fetch_so_pin(b, kind, version, ret, err) != 0)
        return -1;
    return may_try(b, kind, version, err); /* by what the token says now */
}

void session_so_result(struct bay *b, uint8_t kind, uint32_t version, bool refused)
{
    struct so_episode *e = &b->episode;
    if (!refused || !same_episode(b))
        memset(e, 0, sizeof(*e));
    if (!refused)
        return;
    e->refused++;
    e->kind = kind;
    e->version = version;
    memcpy(e->serial, b->token.serial, sizeof(e->serial));
}

int session_so_with(struct bay *b, const struct buf *pin, struct err *err)
{
    if (open_session(b, err) != 0)
        return -1;
    CK_RV rv = calls(b)->C_Login(b->session.handle, CKU_SO, pin->data, pin->len);
    if (rv == CKR_OK) {
        b->as = SESSION_SO;
        return 0;
    }
    session_close(b);
    ckr_fail(err, rv, "C_Login (SO)");
    if (ckr_pin_refused(rv))
        err->code = ERR_SO_PIN;
    return -1;
}

int session_so(struct bay *b, uint8_t kind, uint32_t version, struct buf *pin, struct err *err)
{
    if (session_so_pin(b, kind, version, pin, err) != 0)
        return -1;
    int rc = session_so_with(b, pin, err);
    if (rc == 0 || err->code == ERR_SO_PIN)
        session_so_result(b, kind, version, rc != 0);
    return rc;
}

/* ---- user
 * ---------------------------------------------------------------------------------------------------------
 */

int session_user(struct bay *b, struct err *err)
{
    struct buf *pin = &b->user_pin.pin;
    if (pin->len == 0)
        return err_set(err, ERR_WRONG_STATE,
                       "this worker has no user PIN: it must make a new one first (seal_pin)");
    if (strcmp(b->user_pin.serial, b->token.serial) != 0)
        return err_set(err, ERR_WRONG_STATE, "the user PIN here is of token %s", b->user_pin.serial);
    if (b->as == SESSION_USER && lives(b))
        return 0;
    if (token_check_user_pin(&b->token, err) != 0 || open_session(b, err) != 0)
        return -1;
    CK_RV rv = calls(b)->C_Login(b->session.handle, CKU_USER, pin->data, pin->len);
    if (rv == CKR_OK) {
        b->as = SESSION_USER;
        return 0;
    }
    session_close(b);
    ckr_fail(err, rv, "C_Login (user)");
    if (ckr_pin_refused(rv) || rv == CKR_USER_PIN_NOT_INITIALIZED)
        err->code = ERR_TOKEN_MISMATCH;
    return -1;
}
