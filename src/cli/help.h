/* Usage, out of the verb table. */
#ifndef CASTATION_CLI_HELP_H
#define CASTATION_CLI_HELP_H

#include <stdio.h>

#include "cli/cli.h"

void help_usage(FILE *out, enum lang lang);
void help_verb(FILE *out, enum lang lang, const struct verb *verb);

#endif
