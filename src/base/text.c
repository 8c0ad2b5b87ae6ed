#include "base/text.h"

static const char *const TEXTS[TEXT_COUNT][LANG_COUNT] = {
#define X(id, zh, en) [id] = {zh, en},
#include "base/text.def"
#undef X
};

const char *text(enum text_id id, enum lang lang)
{
    if ((unsigned int)id >= TEXT_COUNT)
        return "";
    return TEXTS[id][(unsigned int)lang < LANG_COUNT ? lang : LANG_EN];
}
