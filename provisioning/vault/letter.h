/* The PIN letter: what is written to the descriptor that the operator's command line opened. */
#ifndef CASTATION_VAULT_LETTER_H
#define CASTATION_VAULT_LETTER_H

#include <openssl/evp.h>

#include "vault/hsm.h"
#include "wire/vault_wire.h"

/* Open what the bay sealed and compare whose PIN it says it is. *ret_pin: a secret buf. ERR_LETTER: of
 * another job, token or PIN version, or not sealed to this vault; ERR_HSM, ERR_HSM_GONE. */
int letter_open(struct hsm *hsm, const struct vault_letter_req *req, struct buf *ret_pin, struct err *err);

/* The letter as UTF-8 text, zh and en, with a line "PIN: …". *ret: a secret buf. */
int letter_text(const struct vault_letter_req *req, const struct buf *pin, struct buf *ret, struct err *err);

/* May a letter be written here? ERR_LETTER: not writable, or a file that others can read. */
int letter_check_fd(int fd, struct err *err);

/* Write all and fsync (a pipe or terminal has none). Waits until `deadline` (CLOCK_MONOTONIC ms) for a
 * reader. */
int letter_write(int fd, const struct buf *text, int64_t deadline, struct err *err);

#endif
