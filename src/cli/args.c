#include "cli/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct arg_option *option_of(const char *arg, const struct arg_option *options, size_t n,
                                          const char **ret_inline)
{
    const char *equals = strchr(arg, '=');
    size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
    *ret_inline = equals ? equals + 1 : NULL;
    for (size_t i = 0; i < n; i++)
        if (strlen(options[i].name) == len && strncmp(options[i].name, arg, len) == 0)
            return &options[i];
    return NULL;
}

/* *i moves on over a value of its own. */
static int take_option(int argc, char **argv, int *i, const struct arg_option *options, size_t n,
                       struct err *err)
{
    const char *value, *arg = argv[*i];
    const struct arg_option *o = option_of(arg, options, n, &value);
    if (!o)
        return err_set(err, ERR_USAGE, "unknown option %s", arg);
    if (o->flag) {
        if (value)
            return err_set(err, ERR_USAGE, "%s takes no value", o->name);
        *o->flag = true;
        return 0;
    }
    if (*o->value)
        return err_set(err, ERR_USAGE, "%s is given twice", o->name);
    if (!value) {
        if (*i + 1 >= argc)
            return err_set(err, ERR_USAGE, "%s needs a value", o->name);
        value = argv[++*i];
    }
    *o->value = value;
    return 0;
}

int args_parse(int argc, char **argv, const struct arg_option *options, size_t n_options, const char **words,
               size_t min, size_t max, size_t *ret_n, struct err *err)
{
    size_t n = 0;
    bool only_words = false;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (!only_words && strcmp(arg, "--") == 0) {
            only_words = true;
        } else if (!only_words && arg[0] == '-' && arg[1] != '\0') {
            if (take_option(argc, argv, &i, options, n_options, err) != 0)
                return -1;
        } else if (n == max) {
            return err_set(err, ERR_USAGE, "\"%s\" is one argument too many", arg);
        } else {
            words[n++] = arg;
        }
    }
    if (n < min)
        return err_set(err, ERR_USAGE, "%zu of its %zu arguments are missing", min - n, min);
    if (ret_n)
        *ret_n = n;
    return 0;
}

int args_int(const char *text, const char *name, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max)
        return err_set(err, ERR_USAGE, "%s: \"%s\" is no number from %" PRId64 " to %" PRId64, name, text,
                       min, max);
    *ret = value;
    return 0;
}
