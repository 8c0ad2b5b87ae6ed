/* cmocka wants these before itself. */
#ifndef CASTATION_TESTS_UNIT_CMOCKA_ALL_H
#define CASTATION_TESTS_UNIT_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
