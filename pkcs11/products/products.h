/* Products: the named rules of one make of token. One file per product, one table of them; adding a make is adding a
 * file. Pure data: castationd reads identity, limits and deadlines, the bay everything. */
#ifndef CASTATION_PRODUCTS_PRODUCTS_H
#define CASTATION_PRODUCTS_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum product_identity { IDENTITY_SERIAL, IDENTITY_USB_SERIAL, IDENTITY_AFTER_INIT, IDENTITY_ASSIGNED };
enum product_inittoken { INITTOKEN_KEEPS, INITTOKEN_SETS, INITTOKEN_RESETS }; /* what C_InitToken does with the SO PIN */
enum product_repin { REPIN_INIT_PIN, REPIN_PUK, REPIN_NONE };
enum product_so_format { SO_FORMAT_ALNUM, SO_FORMAT_HEX, SO_FORMAT_DIGITS };

struct product_deadlines { /* milliseconds */
    int hello_ms, probe_ms, init_ms, pin_ms, keygen_ms, sign_ms, write_ms, verify_ms;
};

struct product_usb {
    uint16_t vendor, product;
};

struct product {
    const char *name;        /* "softhsm" */
    const char *title;       /* for people */
    const char *module;      /* default path of its PKCS#11 module; the configuration may name another */
    const char *manufacturer, *model; /* CK_TOKEN_INFO must begin so; NULL: any */
    enum product_identity identity;
    enum product_inittoken inittoken;
    enum product_repin repin;
    bool id_mutable;         /* CKA_ID may change after keygen */
    int settle_ms;           /* after a killed worker, before the probe */
    const char *factory_so_pin; /* as the maker publishes it: no secret */
    enum product_so_format so_format;
    size_t so_length;        /* of derived SO PINs */
    uint32_t pin_min, pin_max; /* our policy within what the device allows */
    const char *pin_alphabet;
    uint32_t key_types;      /* bits 1 << enum key_type */
    struct product_deadlines deadlines;
    const struct product_usb *usb; /* NULL-terminated by {0, 0}; NULL: not on USB */
};

extern const struct product *const products[]; /* NULL-terminated */
const struct product *product_find(const char *name); /* NULL when unknown */

#endif
