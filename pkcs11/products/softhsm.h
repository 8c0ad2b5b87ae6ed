/* The one product that needs no hardware: SoftHSM 2, of the virtual rack. */
#ifndef CASTATION_PRODUCTS_SOFTHSM_H
#define CASTATION_PRODUCTS_SOFTHSM_H

#include "products/products.h"

extern const struct product product_softhsm;

#endif
