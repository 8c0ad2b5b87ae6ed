/* Every user-visible sentence, zh and en, from text.def: X(ID, "zh", "en"). */
#ifndef CASTATION_BASE_TEXT_H
#define CASTATION_BASE_TEXT_H

#include "base/err.h"

enum text_id {
#define X(id, zh, en) id,
#include "base/text.def"
#undef X
    TEXT_COUNT
};

const char *text(enum text_id id, enum lang lang);

#endif
