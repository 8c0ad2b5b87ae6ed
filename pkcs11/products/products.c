#include "products/products.h"

#include <string.h>

#include "products/softhsm.h"

const struct product *const products[] = {
    &product_softhsm,
    NULL,
};

const struct product *product_find(const char *name)
{
    for (size_t i = 0; products[i] != NULL; i++)
        if (strcmp(products[i]->name, name) == 0)
            return products[i];
    return NULL;
}
