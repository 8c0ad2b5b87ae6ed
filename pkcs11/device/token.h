/* The token in the bay: found by its serial number, never by its slot id, and looked at afresh before each
 * change. */
#ifndef CASTATION_DEVICE_TOKEN_H
#define CASTATION_DEVICE_TOKEN_H

#include "device/module.h"
#include "products/products.h"
#include "wire/bay_wire.h"

struct token {
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    char serial[SERIAL_SIZE];
};

/* Read all slots anew and find the token with this serial number; with an empty one, the single initialised
 * token. ERR_TOKEN_ABSENT: no token. ERR_TOKEN_CHANGED: only another one, named in the text. ERR_WRONG_STATE:
 * several, and no serial to choose by. ERR_TOKEN_PRODUCT: not of this make. */
int token_find(const struct module *m, const struct product *p, const char *serial, struct token *ret,
               struct err *err);

/* A slot that holds no initialised token yet (to make blanks). ERR_TOKEN_ABSENT. */
int token_find_uninitialised(const struct module *m, struct token *ret, struct err *err);

/* Before a PIN is tried: ERR_PIN_LOCKED, with nothing tried, when the token says that the PIN is locked, one
 * try is left, or a wrong try was made (PKCS#11 v2.40 section 3.2, CKF_*_PIN_*). An uninitialised token has
 * no SO PIN yet, and SoftHSM shows its SO PIN as locked: that is no lock. `own_low`: the wrong try was this
 * worker's own. */
int token_check_so_pin(const struct token *t, bool own_low, struct err *err);
int token_check_user_pin(const struct token *t, struct err *err);

/* C_InitToken; label: at most 32 bytes. Sessions must be closed. ERR_SO_PIN when the PIN is refused. */
int token_init(const struct module *m, const struct token *t, const struct buf *so_pin, const char *label,
               struct err *err);

#endif
