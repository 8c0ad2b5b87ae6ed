#include "domain/identity.h"

#include <string.h>

#define DIGITS "0123456789"

static int number(const char *digits, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

static bool date_exists(const char *yyyymmdd)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = number(yyyymmdd, 4), month = number(yyyymmdd + 4, 2), day = number(yyyymmdd + 6, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1800 || month < 1 || month > 12)
        return false;
    return day >= 1 && day <= DAYS[month - 1] + (month == 2 && leap);
}

enum identity_fault identity_number_check(const char *number_text)
{
    static const int WEIGHTS[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    if (strlen(number_text) != IDENTITY_LENGTH || strspn(number_text, DIGITS) < IDENTITY_LENGTH - 1 ||
        !strchr(DIGITS "X", number_text[IDENTITY_LENGTH - 1]))
        return IDENTITY_SHAPE;
    if (!date_exists(number_text + 6))
        return IDENTITY_DATE;
    for (int i = 0; i < IDENTITY_LENGTH - 1; i++)
        sum += (number_text[i] - '0') * WEIGHTS[i];
    return number_text[IDENTITY_LENGTH - 1] == "10X98765432"[sum % 11] ? IDENTITY_GOOD : IDENTITY_CHECK;
}

bool mobile_ok(const char *text)
{
    return strlen(text) == 11 && strspn(text, DIGITS) == 11 && text[0] == '1' && text[1] >= '3';
}

bool landline_ok(const char *text)
{
    const char *p = text;
    size_t area = strspn(p, DIGITS);
    if (*p != '0')
        return false;
    if (area <= 4 && p[area] == '-') { /* 0571-88888888 */
        if (area < 3)
            return false;
        p += area + 1;
        area = strspn(p, DIGITS);
        if (area < 7 || area > 8)
            return false;
    } else if (area < 10 || area > 12) { /* 057188888888 */
        return false;
    }
    p += area;
    if (*p == '-') {
        size_t extension = strspn(++p, DIGITS);
        if (extension < 1 || extension > 5)
            return false;
        p += extension;
    }
    return *p == '\0';
}
