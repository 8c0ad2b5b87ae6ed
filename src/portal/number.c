#include "portal/number.h"

#include <stdio.h>

#include "base/hex.h"
#include "domain/workday.h"

#define RANDOM_MAX 12

void number_new(const char *prefix, const char *separator, int64_t now, size_t n, char *ret, size_t cap)
{
    static const char ALPHABET[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char bytes[RANDOM_MAX];
    char day[11], random[RANDOM_MAX + 1];
    if (n > RANDOM_MAX)
        n = RANDOM_MAX;
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < n; i++)
        random[i] = ALPHABET[bytes[i] & 31]; /* 32 divides 256: each is as likely */
    random[n] = '\0';
    workday_text(workday_of(now), day);
    snprintf(ret, cap, "%s%.4s%.2s%.2s%s%s", prefix, day, day + 5, day + 8, separator, random);
}
