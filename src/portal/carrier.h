/* Who takes parcels: as kept with an application, and in words. */
#ifndef CASTATION_PORTAL_CARRIER_H
#define CASTATION_PORTAL_CARRIER_H

#include <stdbool.h>

#include "base/text.h"

struct carrier {
    const char *name; /* as it is kept */
    enum text_id title;
    bool (*usual)(const char *number); /* does a number look like its own? A hint: what was scanned counts. */
};
extern const struct carrier carriers[];
extern const unsigned int n_carriers;

const struct carrier *carrier(const char *name); /* NULL: none such */
/* The name itself when it is none of these (imported, or of another time). */
const char *carrier_title(const char *name, enum lang lang);

#endif
