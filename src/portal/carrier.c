#include "portal/carrier.h"

#include <string.h>

static bool digits(const char *s, size_t n)
{
    return strlen(s) == n && strspn(s, "0123456789") == n;
}

static bool sf_number(const char *s)
{
    return digits(s, 12) || ((strncmp(s, "SF", 2) == 0 || strncmp(s, "sf", 2) == 0) && digits(s + 2, 13));
}

/* UPU S10: two letters, eight digits, a check digit, two letters. */
static bool ems_number(const char *s)
{
    static const int WEIGHTS[8] = {8, 6, 4, 2, 3, 5, 9, 7};
    int sum = 0;
    if (strlen(s) != 13 || strspn(s + 2, "0123456789") != 9)
        return false;
    for (int i = 0; i < 8; i++)
        sum += WEIGHTS[i] * (s[2 + i] - '0');
    int check = 11 - sum % 11;
    return s[10] - '0' == (check == 10 ? 0 : check == 11 ? 5 : check);
}

static bool any_number(const char *s)
{
    (void)s;
    return true;
}

const struct carrier carriers[] = {{"SF", TEXT_STAFF_CARRIER_SF, sf_number},
                                   {"EMS", TEXT_STAFF_CARRIER_EMS, ems_number},
                                   {"other", TEXT_STAFF_CARRIER_OTHER, any_number}};
const unsigned int n_carriers = sizeof(carriers) / sizeof(carriers[0]);

const struct carrier *carrier(const char *name)
{
    for (unsigned int i = 0; i < n_carriers; i++)
        if (strcmp(carriers[i].name, name) == 0)
            return &carriers[i];
    return NULL;
}

const char *carrier_title(const char *name, enum lang lang)
{
    const struct carrier *by = carrier(name);
    return by ? text(by->title, lang) : name;
}
