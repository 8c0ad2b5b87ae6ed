/* Folders that SoftHSM takes for a token: DIR/softhsm2.conf and DIR/tokens. One folder, one token, one
 * process. */
#ifndef CASTATION_DEVICE_SOFTHSM_FOLDER_H
#define CASTATION_DEVICE_SOFTHSM_FOLDER_H

#include "base/buf.h"

/* A new folder with one initialised token: built beside it as .NAME.new, then renamed, so that it appears
 * whole. user_pin: NULL leaves it unset. ret_serial: SERIAL_SIZE. ERR_EXISTS: there is something at `dir`
 * already. Sets SOFTHSM2_CONF of this process, and loads the module: once in a process. */
int softhsm_folder_make(const char *dir, const char *module_path, const char *label, const struct buf *so_pin,
                        const struct buf *user_pin, char *ret_serial, struct err *err);

/* Rename a token's folder and let its configuration point to the new place. The configuration is written
 * first: where the folder appears, it is right at once. A crash in between leaves the token where it was with
 * a configuration that points to nothing; the same call again mends that, as does one with from = to.
 * ERR_NOT_FOUND: `from` is no token folder. ERR_EXISTS: `to` is there. */
int softhsm_folder_move(const char *from, const char *to, struct err *err);

#endif
