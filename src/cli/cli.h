/* The operator's command line: what every verb has in common. */
#ifndef CASTATION_CLI_CLI_H
#define CASTATION_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "base/text.h"
#include "domain/station_conf.h"

struct cli {
    const char *conf_path;
    bool json;
    enum lang lang;
    bool conf_loaded;
    struct station_conf conf; /* after cli_conf */
};

/* A verb: argv[0] is the first word after its name. ERR_USAGE makes main print the verb's usage line. */
typedef int (*verb_run)(struct cli *cli, int argc, char **argv, struct err *err);

struct verb {
    const char *name; /* one or two words: "stock add" */
    verb_run run;
    const char *arguments;
    bool reading; /* changes nothing; knows --json */
    const char *description[LANG_COUNT];
};
extern const struct verb verbs[];
extern const size_t n_verbs;

/* The verb at argv's beginning, the longer name first; *ret_words: of how many words. NULL: none. */
const struct verb *verb_find(int argc, char **argv, int *ret_words);

/* Load the configuration, once. ERR_CONFIG, ERR_NOT_FOUND naming the file. */
int cli_conf(struct cli *cli, struct err *err);

/* Ask castationd. `arguments` is stolen and may be NULL. *ret is the caller's. */
int cli_ask(struct cli *cli, const char *command, json_t *arguments, json_t **ret, struct err *err);
int cli_ask_with_fd(struct cli *cli, const char *command, json_t *arguments, int fd, json_t **ret,
                    struct err *err);
/* The same where the answer says nothing. */
int cli_tell(struct cli *cli, const char *command, json_t *arguments, struct err *err);

/* Print as it is. ERR_SYSTEM when standard output takes no more. */
int cli_print_json(const json_t *value, struct err *err);

/* One sentence of text.def, with printf's arguments. */
void cli_say(const struct cli *cli, enum text_id id, ...);
void cli_warn(const struct cli *cli, enum text_id id, ...); /* on standard error */

#endif
