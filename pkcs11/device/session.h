/* The bay's one session, and the PINs it is logged in with. */
#ifndef CASTATION_DEVICE_SESSION_H
#define CASTATION_DEVICE_SESSION_H

#include "device/bay.h"

/* Some session on b->token: the one that is open, or a new one without login. */
int session_any(struct bay *b, struct err *err);

/* A new session, logged in as SO with exactly this PIN (one try). pin: a secret buf, filled; the caller ends
 * it. Errors of session_so_pin; ERR_SO_PIN when refused. */
int session_so(struct bay *b, uint8_t kind, uint32_t version, struct buf *pin, struct err *err);

/* A new session, logged in as SO with this PIN, which this worker set itself a moment ago. */
int session_so_with(struct bay *b, const struct buf *pin, struct err *err);

/* The session logged in as user with the PIN this worker made: the one that is open, or a new one.
 * ERR_WRONG_STATE: no PIN here, or another token's. ERR_PIN_LOCKED: no try was made.
 * ERR_TOKEN_MISMATCH: the PIN is not the token's. */
int session_user(struct bay *b, struct err *err);

/* All sessions closed, and with them any login. NULL-safe in that there may be none. */
void session_close(struct bay *b);

/* Fetch the SO PIN of a kind into *ret, a secret buf, for one try on b->token that is made at once; then tell
 * with session_so_result how it went. At most two tries are made in an episode, never the same PIN twice, and
 * none when the token warned before the first: ERR_PIN_LOCKED. ERR_SO_PIN: this very PIN was refused already.
 * A derived one takes time: the token is looked at again after it, so errors of bay_look.
 * ERR_WRONG_STATE: a derived one, and no channel. ERR_REFUSED: the product has no factory SO PIN.
 * ERR_UNREACHABLE: the vault does not answer. Errors of the vault. */
int session_so_pin(struct bay *b, uint8_t kind, uint32_t version, struct buf *ret, struct err *err);
void session_so_result(struct bay *b, uint8_t kind, uint32_t version, bool refused);

/* The same without a try: a PIN that is to be set. */
int session_fetch_so_pin(struct bay *b, uint8_t kind, uint32_t version, struct buf *ret, struct err *err);

#endif
