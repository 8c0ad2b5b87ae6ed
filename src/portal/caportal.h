/* caportal, the administrator's commands: what the verbs share. */
#ifndef CASTATION_PORTAL_CAPORTAL_H
#define CASTATION_PORTAL_CAPORTAL_H

#include <stdio.h>

#include "base/text.h"
#include "portal/acts.h"
#include "portal/portal_conf.h"

#define CAPORTAL_NAMES_MAX 16
#define CAPORTAL_LINES_MAX INT64_C(100000000)

/* Options that verbs know, a bit each. */
enum caportal_option {
    OPTION_JSON = 1,
    OPTION_IMPORT = 2,
    OPTION_FIRST = 4,
    OPTION_FINAL = 8,
    OPTION_NAME = 16,
    OPTION_OUTPUT = 32,
    OPTION_RENEW = 64,
    OPTION_STATE = 128,
    OPTION_REASON = 256,
    OPTION_AFTER = 512,
    OPTION_LIMIT = 1024,
    OPTION_ROLE = 2048,
    OPTION_PASSWORD_FILE = 4096,
    OPTION_TOTP_FILE = 8192,
    OPTION_ORGANISATION_KIND = 16384,
    OPTION_ORGANISATION = 32768,
    OPTION_USCC = 65536,
    OPTION_SAMPLE = 1048576,
};

struct caportal {
    struct portal_conf conf;
    enum lang lang;
    char who[80];       /* "caportal:root": who is in the events */
    char *const *words; /* positional arguments of the verb */
    int n_words;
    unsigned int given; /* bits of enum caportal_option */
    const char *import, *first, *final, *output, *state, *reason, *after, *limit;
    const char *role, *password_file, *totp_file, *organisation_kind, *organisation, *uscc;
    const char *names[CAPORTAL_NAMES_MAX];
    size_t n_names;
};

struct caportal_verb {
    const char *name;      /* "init", "station enrol" */
    const char *arguments; /* for the usage */
    int n_words;
    unsigned int options, required;
    bool needs_conf;
    enum text_id help;
    int (*run)(struct caportal *c, struct err *err);
};
extern const struct caportal_verb caportal_verbs[];
extern const size_t caportal_n_verbs;

/* Open the database read-write. */
int caportal_db(const struct caportal *c, struct db **ret, struct err *err);
/* A line of text.def, with printf's arguments. */
void caportal_say(const struct caportal *c, FILE *to, enum text_id id, ...);
/* Print and free. ERR_SYSTEM when standard output takes no more. */
int caportal_print_json(json_t *value, struct err *err);

int caportal_init(struct caportal *c, struct err *err);
int caportal_server_certificate(struct caportal *c, struct err *err);
int caportal_approve(struct caportal *c, struct err *err);
int caportal_retry(struct caportal *c, struct err *err);
int caportal_applications(struct caportal *c, struct err *err);
int caportal_application(struct caportal *c, struct err *err);
int caportal_station_enrol(struct caportal *c, struct err *err);
int caportal_station_list(struct caportal *c, struct err *err);
int caportal_station_revoke(struct caportal *c, struct err *err);
int caportal_calendar_load(struct caportal *c, struct err *err);
int caportal_calendar_show(struct caportal *c, struct err *err);
int caportal_user_add(struct caportal *c, struct err *err);
int caportal_user_list(struct caportal *c, struct err *err);
int caportal_user_disable(struct caportal *c, struct err *err);
int caportal_user_enable(struct caportal *c, struct err *err);
int caportal_user_password(struct caportal *c, struct err *err);
int caportal_user_totp(struct caportal *c, struct err *err);
int caportal_api(struct caportal *c, struct err *err);
int caportal_help(struct caportal *c, struct err *err);

#endif
