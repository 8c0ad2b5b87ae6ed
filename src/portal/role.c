#include "portal/role.h"

#include <string.h>

static const struct {
    unsigned int role;
    const char *name, *title[LANG_COUNT];
} ROLES[] = {
#define X(role, bit, name, zh, en) {role, name, {zh, en}},
#include "portal/role.def"
#undef X
};
#define N_ROLES (sizeof(ROLES) / sizeof(ROLES[0]))

const char *role_name(unsigned int role)
{
    for (size_t i = 0; i < N_ROLES; i++)
        if (ROLES[i].role == role)
            return ROLES[i].name;
    return "unknown";
}

const char *role_title(unsigned int role, enum lang lang)
{
    for (size_t i = 0; i < N_ROLES; i++)
        if (ROLES[i].role == role)
            return ROLES[i].title[lang == LANG_ZH ? LANG_ZH : LANG_EN];
    return "";
}

unsigned int role_from_name(const char *name)
{
    for (size_t i = 0; i < N_ROLES; i++)
        if (strcmp(ROLES[i].name, name) == 0)
            return ROLES[i].role;
    return 0;
}
