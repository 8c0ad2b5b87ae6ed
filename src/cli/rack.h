/* The virtual rack as the command line handles it: folders are tokens, moving one is plugging or pulling it.
 */
#ifndef CASTATION_CLI_RACK_H
#define CASTATION_CLI_RACK_H

#include <limits.h>

#include "cli/cli.h"
#include "wire/bay_wire.h"

struct rack_info {
    char folder[256], drawer[256], product[PRODUCT_SIZE];
    int bays;
    json_t *states; /* of castationd's `rack`, or NULL when it is not there; owned */
};

/* As castationd tells it; when it is not reachable, as the configuration says. ERR_CONFIG: there is no rack.
 */
int rack_info_get(struct cli *cli, struct rack_info *ret, struct err *err);
void rack_info_done(struct rack_info *r);

/* bay: from 1. */
bool rack_occupied(const struct rack_info *r, int bay);
/* What castationd knows of this bay: an object, or NULL. */
const json_t *rack_bay(const struct rack_info *r, int bay);

/* castation-blank makes a factory-initialised token in the rack's folder, beside the bays. *dir: where it is.
 */
int blank_make(const struct rack_info *r, char dir[PATH_MAX], char serial[SERIAL_SIZE], struct err *err);
/* Tell castationd of it: stock_add with this lot. */
int blank_register(struct cli *cli, const struct rack_info *r, const char *serial, const char *lot,
                   struct err *err);
/* Remove one that was made and is in no bay. */
void blank_remove(const char *dir);

/* ERR_WRONG_STATE: another hand was at the bay first. */
int rack_plug(const struct rack_info *r, const char *dir, int bay, struct err *err);
/* Into the drawer, under its serial number. ret_serial: what it was. ERR_WRONG_STATE: as above. */
int rack_pull(const struct rack_info *r, int bay, char ret_serial[SERIAL_SIZE], struct err *err);

#endif
