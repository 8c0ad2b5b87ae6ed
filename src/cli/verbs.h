/* The functions that verbs.def names, one file per family. */
#ifndef CASTATION_CLI_VERBS_H
#define CASTATION_CLI_VERBS_H

#include "cli/cli.h"

#define X(name, function, arguments, reading, zh, en)                                                        \
    int function(struct cli *cli, int argc, char **argv, struct err *err);
#include "cli/verbs.def"
#undef X

#endif
