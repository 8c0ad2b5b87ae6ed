/* Unified social credit code, GB 32100-2015. */
#ifndef CASTATION_DOMAIN_USCC_H
#define CASTATION_DOMAIN_USCC_H

#include <stdbool.h>

#include "base/err.h"

#define USCC_LENGTH 18

/* ERR_IDENTIFIER with the reason: length, a character outside the alphabet, the check character (it names the right one). */
int uscc_check(const char *code, struct err *err);
/* The check character over the first 17, or 0 when one is outside the alphabet. */
char uscc_check_character(const char *first17);
/* False for an unknown authority/category pair: a warning, never a refusal. */
bool uscc_pair_known(const char *code);
/* Complete 17 characters to a valid code (samples, tests). */
void uscc_complete(char code[USCC_LENGTH + 1]);

/* Internal identifiers: "zcy" + 1 to 29 of [0-9A-Za-z-]. */
int internal_identifier_check(const char *id, struct err *err);

#endif
