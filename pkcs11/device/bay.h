/* The state of one bay worker: one module, at most one token, at most one session. */
#ifndef CASTATION_DEVICE_BAY_H
#define CASTATION_DEVICE_BAY_H

#include "base/conf.h"
#include "device/module.h"
#include "device/objects.h"
#include "device/token.h"
#include "products/products.h"
#include "wire/bay_wire.h"

/* castation-bay's own configuration: what castationd must not be able to tell it. */
struct bay_config {
    char sealing_key[256];    /* PEM of the vault's PIN-sealing public key */
    struct conf_strs modules; /* paths of the modules that may be loaded */
};

enum session_user { SESSION_NONE, SESSION_PUBLIC, SESSION_SO, SESSION_USER };

/* SO PIN tries that failed since the last that held: at most two are made (see session.h). */
struct so_episode {
    unsigned int refused;
    char serial[SERIAL_SIZE];
    uint8_t kind; /* of the last that was refused */
    uint32_t version;
};

struct bay {
    struct bay_config config;
    char name[BAY_NAME_SIZE], job[JOB_ID_SIZE];
    const struct product *product;
    struct module *module;    /* NULL before hello */
    int channel;              /* to the vault, for this job's SO PINs; -1: none */
    struct token token;       /* as last read; serial "" before that */
    char wanted[SERIAL_SIZE]; /* the serial the request under way is for */
    struct session session;
    enum session_user as; /* who is logged in */
    struct so_episode episode;
    struct {
        struct buf pin; /* secret; empty: this worker has none */
        uint32_t version;
        char serial[SERIAL_SIZE];
    } user_pin;
    bool broken, quit; /* the peer broke the protocol; it said quit */
};

void bay_init(struct bay *b);
void bay_done(struct bay *b); /* wipes the PIN, ends sessions and module */

/* Read the token again and keep it in b->token. Errors of token_find. */
int bay_look(struct bay *b, const char *serial, struct err *err);

/* The same before a change: where serial numbers are there from the beginning, one must be named (ERR_FIELD).
 */
int bay_look_to_change(struct bay *b, const char *serial, struct err *err);

void bay_forget_user_pin(struct bay *b);

#endif
