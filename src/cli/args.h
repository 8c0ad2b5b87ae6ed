/* A verb's own arguments: options by a table, and words. */
#ifndef CASTATION_CLI_ARGS_H
#define CASTATION_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* "--count": takes a value when `value` is set, else turns `flag` on. "--count=5" is "--count 5". */
struct arg_option {
    const char *name;
    const char **value;
    bool *flag;
};

/* Options may stand anywhere; after "--" all are words. Words go to words[0 … *ret_n-1]. ERR_USAGE naming the
 * argument: an unknown option, one without its value or given twice, fewer words than min or more than max.
 */
int args_parse(int argc, char **argv, const struct arg_option *options, size_t n_options, const char **words,
               size_t min, size_t max, size_t *ret_n, struct err *err);

/* A whole decimal number in [min, max]. ERR_USAGE naming it. */
int args_int(const char *text, const char *name, int64_t min, int64_t max, int64_t *ret, struct err *err);

#endif
