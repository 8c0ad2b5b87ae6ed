/* caportal: the portal administrator's commands. */
#include "portal/caportal.h"

#include <getopt.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/spawn.h"
#include "portal/api.h"

static const struct option LONG[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"import", required_argument, NULL, OPTION_IMPORT},
    {"first", required_argument, NULL, OPTION_FIRST},
    {"final", required_argument, NULL, OPTION_FINAL},
    {"name", required_argument, NULL, OPTION_NAME},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"renew", no_argument, NULL, OPTION_RENEW},
    {"state", required_argument, NULL, OPTION_STATE},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"after", required_argument, NULL, OPTION_AFTER},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"sample", no_argument, NULL, OPTION_SAMPLE},
    {"role", required_argument, NULL, OPTION_ROLE},
    {"password-file", required_argument, NULL, OPTION_PASSWORD_FILE},
    {"totp-file", required_argument, NULL, OPTION_TOTP_FILE},
    {"organisation-kind", required_argument, NULL, OPTION_ORGANISATION_KIND},
    {"organisation", required_argument, NULL, OPTION_ORGANISATION},
    {"uscc", required_argument, NULL, OPTION_USCC},
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void print_usage(FILE *to, enum lang lang)
{
    fprintf(to, "caportal [-c FILE] VERB …\n\n");
    for (size_t i = 0; i < caportal_n_verbs; i++) {
        const struct caportal_verb *v = &caportal_verbs[i];
        fprintf(to, "  %s%s%s\n      %s\n", v->name, *v->arguments ? " " : "", v->arguments,
                text(v->help, lang));
    }
    fprintf(to, "\n  -c FILE  %s (%s)\n", text(TEXT_CAPORTAL_CONF, lang), PORTAL_CONF_DEFAULT);
}

int caportal_help(struct caportal *c, struct err *err)
{
    (void)err;
    print_usage(stdout, c->lang);
    return 0;
}

int caportal_api(struct caportal *c, struct err *err)
{
    (void)c;
    return caportal_print_json(api_table_json(), err);
}

void caportal_say(const struct caportal *c, FILE *to, enum text_id id, ...)
{
    va_list ap;
    va_start(ap, id);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vfprintf(to, text(id, c->lang), ap); /* the formats of both languages stand in text.def */
#pragma GCC diagnostic pop
    va_end(ap);
    fputc('\n', to);
}

int caportal_db(const struct caportal *c, struct db **ret, struct err *err)
{
    return db_open(ret, c->conf.database, &portal_schema, 0, err);
}

int caportal_print_json(json_t *value, struct err *err)
{
    int rc = value ? json_dumpf(value, stdout, JSON_INDENT(2)) : -1;
    bool memory = !value;
    json_decref(value);
    if (memory)
        return err_set(err, ERR_MEMORY, "JSON");
    if (rc != 0 || putchar('\n') == EOF || fflush(stdout) != 0)
        return err_set(err, ERR_SYSTEM, "standard output takes no more");
    return 0;
}

/* ---- the command line
 * ------------------------------------------------------------------------------------------ */

static int take_option(struct caportal *c, int option, const char *value, struct err *err)
{
    const struct {
        int option;
        const char **value;
    } TEXTS[] = {{OPTION_IMPORT, &c->import},
                 {OPTION_FIRST, &c->first},
                 {OPTION_FINAL, &c->final},
                 {OPTION_OUTPUT, &c->output},
                 {OPTION_STATE, &c->state},
                 {OPTION_REASON, &c->reason},
                 {OPTION_AFTER, &c->after},
                 {OPTION_LIMIT, &c->limit},
                 {OPTION_ROLE, &c->role},
                 {OPTION_PASSWORD_FILE, &c->password_file},
                 {OPTION_TOTP_FILE, &c->totp_file},
                 {OPTION_ORGANISATION_KIND, &c->organisation_kind},
                 {OPTION_ORGANISATION, &c->organisation},
                 {OPTION_USCC, &c->uscc}};
    c->given |= (unsigned int)option;
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
        if (TEXTS[i].option == option)
            *TEXTS[i].value = value;
    if (option != OPTION_NAME)
        return 0;
    if (c->n_names == CAPORTAL_NAMES_MAX)
        return err_set(err, ERR_USAGE, "at most %d names", CAPORTAL_NAMES_MAX);
    c->names[c->n_names++] = value;
    return 0;
}

/* The verb whose words stand first; *ret_n is how many they are. */
static const struct caportal_verb *find_verb(char *const *words, int n, int *ret_n)
{
    for (size_t i = 0; i < caportal_n_verbs; i++) {
        const char *space = strchr(caportal_verbs[i].name, ' ');
        size_t len = space ? (size_t)(space - caportal_verbs[i].name) : strlen(caportal_verbs[i].name);
        if (n < 1 || strlen(words[0]) != len || strncmp(words[0], caportal_verbs[i].name, len) != 0)
            continue;
        if (space && (n < 2 || strcmp(words[1], space + 1) != 0))
            continue;
        *ret_n = space ? 2 : 1;
        return &caportal_verbs[i];
    }
    return NULL;
}

static int check_use(const struct caportal *c, const struct caportal_verb *verb, struct err *err)
{
    if (c->n_words != verb->n_words)
        return err_set(err, ERR_USAGE, "%s takes %d argument(s): %s", verb->name, verb->n_words,
                       verb->arguments);
    if ((c->given & verb->required) != verb->required)
        return err_set(err, ERR_USAGE, "%s needs %s", verb->name, verb->arguments);
    if (c->given & ~verb->options)
        return err_set(err, ERR_USAGE, "%s takes only %s", verb->name,
                       *verb->arguments ? verb->arguments : "itself");
    return 0;
}

static void name_caller(struct caportal *c)
{
    const struct passwd *user = getpwuid(getuid());
    if (user)
        snprintf(c->who, sizeof(c->who), "caportal:%.64s", user->pw_name);
    else
        snprintf(c->who, sizeof(c->who), "caportal:uid-%u", (unsigned int)getuid());
}

static int run(struct caportal *c, const char *conf_path, char **words, int n, struct err *err)
{
    int own = 0;
    const struct caportal_verb *verb = find_verb(words, n, &own);
    if (!verb)
        return err_set(err, ERR_USAGE, "%s is not a command", n > 0 ? words[0] : "nothing");
    c->words = words + own;
    c->n_words = n - own;
    if (check_use(c, verb, err) != 0)
        return -1;
    if (verb->needs_conf && portal_conf_load(conf_path, &c->conf, err) != 0)
        return -1;
    name_caller(c);
    int rc = verb->run(c, err);
    if (verb->needs_conf)
        portal_conf_free(&c->conf);
    return rc;
}

static int report(const struct caportal *c, const struct err *err)
{
    fflush(stdout);
    fprintf(stderr, "caportal: %s\n  %s\n  %s\n", err_sentence(err->code, c->lang), err->text,
            err->code == ERR_USAGE ? text(TEXT_CAPORTAL_SEE_HELP, c->lang) : err_remedy(err->code, c->lang));
    return err_exit_code(err->code);
}

int main(int argc, char **argv)
{
    struct caportal c = {.lang = lang_from_env()};
    const char *conf_path = PORTAL_CONF_DEFAULT;
    struct err err = {0};
    int option;
    log_init("caportal");
    if (spawn_harden(&err) != 0) /* passwords and the portal's keys pass through it */
        return report(&c, &err);
    while ((option = getopt_long(argc, argv, "c:ho:V", LONG, NULL)) != -1) {
        if (option == 'V')
            return printf("caportal %s\n", CASTATION_VERSION) < 0;
        if (option == 'h')
            return caportal_help(&c, &err);
        if (option == '?')
            return err_exit_code(ERR_USAGE);
        if (option == 'c')
            conf_path = optarg;
        else if (take_option(&c, option == 'o' ? OPTION_OUTPUT : option, optarg, &err) != 0)
            return report(&c, &err);
    }
    return run(&c, conf_path, argv + optind, argc - optind, &err) == 0 ? 0 : report(&c, &err);
}
