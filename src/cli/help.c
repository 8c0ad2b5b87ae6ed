#include "cli/help.h"

#include <string.h>

#include "cli/args.h"
#include "cli/table.h"
#include "cli/verbs.h"

#define NAME_COLUMNS 16

void help_verb(FILE *out, enum lang lang, const struct verb *verb)
{
    fprintf(out, "%s castation [-c FILE]%s %s%s%s\n", text(TEXT_USAGE, lang),
            verb->reading ? " [--json]" : "", verb->name, verb->arguments[0] ? " " : "", verb->arguments);
    fprintf(out, "  %s\n", verb->description[lang]);
}

void help_usage(FILE *out, enum lang lang)
{
    fprintf(out, "%s castation [-c FILE] [--json] [--lang zh|en] VERB …\n", text(TEXT_USAGE, lang));
    for (size_t i = 0; i < n_verbs; i++)
        fprintf(out, "  %s%*s%s\n", verbs[i].name, NAME_COLUMNS - table_width(verbs[i].name), "",
                verbs[i].description[lang]);
    fprintf(out, "%s\n", text(TEXT_USAGE_MORE, lang));
}

int verb_help(struct cli *cli, int argc, char **argv, struct err *err)
{
    int words;
    if (argc == 0) {
        help_usage(stdout, cli->lang);
        return 0;
    }
    const struct verb *verb = verb_find(argc, argv, &words);
    if (verb && words == argc) {
        help_verb(stdout, cli->lang, verb);
        return 0;
    }
    /* "help rack": all that begin so. */
    size_t len = strlen(argv[0]), found = 0;
    for (size_t i = 0; argc == 1 && i < n_verbs; i++)
        if (strncmp(verbs[i].name, argv[0], len) == 0 && verbs[i].name[len] == ' ') {
            help_verb(stdout, cli->lang, &verbs[i]);
            found++;
        }
    return found > 0 ? 0 : err_set(err, ERR_USAGE, "there is no verb \"%s\"", argv[0]);
}
