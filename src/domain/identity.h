/* People's numbers: resident identity numbers, GB 11643-1999, and mobile numbers. */
#ifndef CASTATION_DOMAIN_IDENTITY_H
#define CASTATION_DOMAIN_IDENTITY_H

#include <stdbool.h>

#define IDENTITY_LENGTH 18

enum identity_fault { IDENTITY_GOOD, IDENTITY_SHAPE, IDENTITY_DATE, IDENTITY_CHECK };
/* Eighteen digits (the last may be X), a birth date that exists, and the check character. The region is not
 * looked up: codes of divisions that are no more stay in the numbers that were given. */
enum identity_fault identity_number_check(const char *number);

bool mobile_ok(const char *number);   /* 1[3-9] and nine further digits */
bool landline_ok(const char *number); /* 0571-88888888, with or without hyphen, and an extension "-123" */

#endif
