/* The login guard: an HSM locks its PIN after a few wrong tries, and a service that is restarted for ever
 * would use them up in a second. So a try is written down, durably, before it is made, and a PIN that was
 * tried by itself and not accepted is never again tried by itself: not after a refusal, and not after a crash
 * in the middle of one.
 *
 * The file state_folder/login (JSON, replaced atomically, fsynced):
 *   {"version": 1, "salt": hex, "credential": {"outcome": …, "fingerprint": 0…255}, "typed": {the same}}
 * outcome: "none", "pending" (about to be tried, or crashed in the try), "refused", "ok".
 *
 * The fingerprint tells a changed credential from the one that was refused. It is the first 8 bits of
 * scrypt(PIN, salt), and no more, because HSM PINs are short: with a full hash, whoever reads this file or a
 * backup of it could find the PIN by trying all of them at leisure; 8 bits only leave him every 256th PIN.
 * The salt is made once and kept, so that a second write tells nothing new. The price: one changed credential
 * in 256 looks like the old one and stays locked until somebody types it. Errors on this side cost a walk to
 * the keyboard, errors on the other side an HSM. */
#ifndef CASTATION_VAULT_LOGIN_H
#define CASTATION_VAULT_LOGIN_H

#include <limits.h>
#include <stdbool.h>

#include "base/buf.h"

#define LOGIN_SALT_SIZE 16

enum login_kind { LOGIN_CREDENTIAL, LOGIN_TYPED, LOGIN_KIND_COUNT };
enum login_outcome { LOGIN_NONE, LOGIN_PENDING, LOGIN_REFUSED, LOGIN_OK, LOGIN_OUTCOME_COUNT };

struct login {
    char path[PATH_MAX];
    uint8_t salt[LOGIN_SALT_SIZE];
    struct {
        enum login_outcome outcome;
        uint8_t fingerprint;
    } tries[LOGIN_KIND_COUNT];
    bool damaged; /* what was tried before is not known */
    bool unsaved; /* the last outcome could not be written: the next start will ask for a typed PIN */
};

/* Read state_folder/login; a missing file is a fresh start. A damaged one is ERR_HSM_LOCKED: nothing is tried
 * by itself then, and *l is good for a typed try, which replaces the file. ERR_SYSTEM when it cannot be read
 * at all. */
int login_load(struct login *l, const char *state_folder, struct err *err);

/* May this credential be tried by itself? ERR_HSM_LOCKED with the reason when it looks like a PIN whose try
 * was refused or never ended, credential or typed. */
int login_may_try(const struct login *l, const struct buf *pin, struct err *err);

/* Write "pending", call try_pin once, write what came of it. The callback's error is passed on; ERR_HSM_PIN
 * is written as refused, 0 as ok, any other leaves it pending (nobody knows whether the HSM counted it). When
 * "pending" cannot be written, nothing is tried. */
int login_try(struct login *l, enum login_kind kind, const struct buf *pin,
              int (*try_pin)(void *arg, const struct buf *pin, struct err *err), void *arg, struct err *err);

/* The typed PIN was accepted and the credential holds the very same one: it may be tried by itself again. */
int login_settle_credential(struct login *l, const struct buf *pin, struct err *err);

/* Read a PIN from a credential file into a secret buffer; one line end at its end is cut. ERR_NOT_FOUND,
 * ERR_PERMISSION, ERR_FIELD (empty, too long). */
int login_read_pin(const char *path, struct buf *pin, struct err *err);

#endif
