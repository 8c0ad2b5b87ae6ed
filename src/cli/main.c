/* castation: the operator's command line. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "cli/help.h"

/* Options that go with every verb, wherever they stand; they are taken out of argv. */
struct global {
    const char *conf, *lang;
    bool json, help, version;
};

static int take_value(int argc, char **argv, int *i, const char **ret, struct err *err)
{
    if (*i + 1 >= argc)
        return err_set(err, ERR_USAGE, "%s needs a value", argv[*i]);
    *ret = argv[++*i];
    return 0;
}

static int take_globals(int *argc, char **argv, struct global *ret, struct err *err)
{
    int kept = 0, i = 0;
    for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--lang") == 0) {
            if (take_value(*argc, argv, &i, argv[i][1] == 'c' ? &ret->conf : &ret->lang, err) != 0)
                return -1;
        } else if (strcmp(argv[i], "--json") == 0) {
            ret->json = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            ret->help = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            ret->version = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    for (; i < *argc; i++)
        argv[kept++] = argv[i];
    *argc = kept;
    return 0;
}

/* What goes into JSON and messages must be UTF-8. */
static int check_words(int argc, char **argv, struct err *err)
{
    for (int i = 0; i < argc; i++)
        if (!utf8_valid(argv[i], strlen(argv[i])))
            return err_set(err, ERR_USAGE, "argument %d is not UTF-8", i + 1);
    return 0;
}

static int set_lang(struct cli *cli, const char *name, struct err *err)
{
    if (!name)
        return 0;
    if (strcmp(name, "zh") != 0 && strcmp(name, "en") != 0)
        return err_set(err, ERR_USAGE, "--lang: \"%s\" is neither zh nor en", name);
    cli->lang = name[0] == 'z' ? LANG_ZH : LANG_EN;
    return 0;
}

static int dispatch(struct cli *cli, int argc, char **argv, const struct global *g,
                    const struct verb **ret_verb, struct err *err)
{
    int words;
    if (argc == 0 && g->help) {
        help_usage(stdout, cli->lang);
        return 0;
    }
    if (argc == 0)
        return err_set(err, ERR_USAGE, "a verb is missing");
    const struct verb *verb = verb_find(argc, argv, &words);
    if (!verb)
        return err_set(err, ERR_USAGE, "there is no verb \"%s\"", argv[0]);
    *ret_verb = verb;
    if (g->help) {
        help_verb(stdout, cli->lang, verb);
        return 0;
    }
    if (cli->json && !verb->reading)
        return err_set(err, ERR_USAGE, "%s knows no --json", verb->name);
    return verb->run(cli, argc - words, argv + words, err);
}

static int report(const struct cli *cli, const struct verb *verb, const struct err *err)
{
    fflush(stdout);
    fprintf(stderr, "castation: %s\n  %s\n  %s\n", err_sentence(err->code, cli->lang), err->text,
            err_remedy(err->code, cli->lang));
    if (err->code == ERR_USAGE && verb)
        help_verb(stderr, cli->lang, verb);
    else if (err->code == ERR_USAGE)
        help_usage(stderr, cli->lang);
    return err_exit_code(err->code);
}

int main(int argc, char **argv)
{
    struct cli cli = {.lang = lang_from_env()};
    struct global g = {0};
    struct err err = {0};
    const struct verb *verb = NULL;
    tzset();
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write, said as one */
    argc--;
    argv++;
    int rc = check_words(argc, argv, &err);
    if (rc == 0)
        rc = take_globals(&argc, argv, &g, &err);
    if (rc == 0)
        rc = set_lang(&cli, g.lang, &err);
    cli.conf_path = g.conf ? g.conf : STATION_CONF_DEFAULT;
    cli.json = g.json;
    if (rc == 0 && g.version) {
        puts("castation " CASTATION_VERSION);
        return 0;
    }
    if (rc == 0)
        rc = dispatch(&cli, argc, argv, &g, &verb, &err);
    return rc == 0 ? 0 : report(&cli, verb, &err);
}
