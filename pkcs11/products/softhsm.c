/* SoftHSM 2.6: a folder that behaves like a token. The rack's blanks are factory-initialised, as bought
 * tokens are: so they have a serial number, and the SO PIN below. Real makers publish theirs too; it protects
 * nothing. */
#include "products/softhsm.h"

#include "base/key_type.h"

const struct product product_softhsm = {
    .name = "softhsm",
    .title = "SoftHSM 2 (virtual token)",
    .module = "/usr/lib/softhsm/libsofthsm2.so",
    .manufacturer = "SoftHSM project",
    .model = "SoftHSM v2",
    .identity = IDENTITY_SERIAL,
    .inittoken = INITTOKEN_KEEPS, /* C_InitToken verifies the SO PIN given and keeps it */
    .repin = REPIN_INIT_PIN,
    .id_mutable = true,
    .settle_ms = 200,
    .factory_so_pin = "87654321",
    .so_format = SO_FORMAT_ALNUM,
    .so_length = 24, /* 142 bits of 62 characters */
    .pin_min = 8,
    .pin_max = 12,
    .pin_alphabet = "23456789abcdefghjkmnpqrstuvwxyz", /* nothing that reads as another: no 0 o, 1 i l */
    .key_types = 1u << KEY_P256 | 1u << KEY_P384 | 1u << KEY_RSA2048 | 1u << KEY_RSA3072,
    .deadlines =
        {
            .hello_ms = 10000,
            .probe_ms = 5000,
            .init_ms = 10000,
            .pin_ms = 10000,
            .keygen_ms = 60000, /* RSA-3072 on a busy machine */
            .sign_ms = 10000,
            .write_ms = 15000,
            .verify_ms = 15000,
        },
    .usb = NULL,
};
