/* castation-check STATION_DB VAULT_LOG PORTAL_DB TOKEN_FOLDERS…: are the five invariants kept? */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "store/portal_store.h"
#include "store/station_store.h"

static const struct {
    int number;
    const char *name;
    int (*run)(struct check *c, struct err *err);
} invariants[] = {
    {1, "a deliverable token has its own, verified, acknowledged certificate", check_deliverable},
    {2, "one deliverable token an application, one TBS a serial number, one signature a TBS", check_single},
    {3, "every signed certificate is deliverable, or void", check_signed},
    {4, "no token that began a job is forgotten", check_forgotten},
    {5, "no PIN in the clear", check_secrets},
    {6, "the logs are whole", check_chains},
    {7, "every act in the journal has its outcome, every done job all its steps in order", check_journal},
};

static const struct db_statement station_statements[] = {
#define STATION(id, name, sql) [id] = {name, sql},
#define PORTAL(id, name, sql)
#include "check_sql.def"
#undef STATION
#undef PORTAL
};
static const struct db_statement portal_statements[] = {
#define STATION(id, name, sql)
#define PORTAL(id, name, sql) [id] = {name, sql},
#include "check_sql.def"
#undef STATION
#undef PORTAL
};

/* ---- what the checks share ---- */

void violation(struct check *c, const char *fmt, ...)
{
    va_list ap;
    printf("invariant %d: ", c->invariant);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    c->violations++;
}

int check_rows(struct db *db, int statement, const struct db_value *args, size_t n,
               int (*each)(struct check *c, struct db_rows *rows, void *arg, struct err *err),
               struct check *c, void *arg, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, statement, args, n, &rows, err) < 0)
        return -1;
    int got = 0;
    while ((got = db_next(rows, err)) == 1)
        if (each(c, rows, arg, err) < 0) {
            got = -1;
            break;
        }
    db_rows_free(&rows);
    return got;
}

int check_text(struct db *db, int statement, const char *key, char *dst, size_t cap, bool *ret_found,
               struct err *err)
{
    struct db_rows *rows = NULL;
    dst[0] = '\0';
    if (db_query(db, statement, DB_ARGS(DB_TEXT(key)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    if (got == 1)
        snprintf(dst, cap, "%s", db_col_text(rows, 0));
    db_rows_free(&rows);
    *ret_found = got == 1;
    return got < 0 ? -1 : 0;
}

int check_count(struct db *db, int statement, const char *key, int64_t *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    *ret = 0;
    if (db_query(db, statement, DB_ARGS(DB_TEXT(key)), &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    if (got == 1)
        *ret = db_col_int(rows, 0);
    db_rows_free(&rows);
    return got < 0 ? -1 : 0;
}

bool check_job_is_open(const char *state)
{
    static const char *const open[] = {"queued", "active", "waiting", "made"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (strcmp(open[i], state) == 0)
            return true;
    return false;
}

/* ---- arguments ---- */

enum option_key { OPT_MODULE = 256, OPT_SECRETS, OPT_LETTERS, OPT_SCAN, OPT_EXCEPT };
static const struct option options[] = {
    {"module", required_argument, NULL, OPT_MODULE},   {"secrets", required_argument, NULL, OPT_SECRETS},
    {"letters", required_argument, NULL, OPT_LETTERS}, {"scan", required_argument, NULL, OPT_SCAN},
    {"except", required_argument, NULL, OPT_EXCEPT},   {NULL, 0, NULL, 0},
};

static int usage(void)
{
    fprintf(
        stderr,
        "usage: castation-check [options] STATION_DB VAULT_LOG PORTAL_DB [TOKEN_FOLDERS…]\n"
        "  TOKEN_FOLDERS      rack, drawer: every SoftHSM token below them is looked into, without a login\n"
        "  --module FILE      PKCS#11 module of the tokens (SoftHSM's)\n"
        "  --secrets FILE     known PINs, one a line: must not stand in any file that is scanned\n"
        "  --letters FOLDER   letters, each with a line \"PIN: …\": known PINs, and files of mode 600\n"
        "  --scan PATH        a file or folder to look for PINs in (the two databases' and the log's "
        "folders)\n"
        "  --except PATH      not there (letters and secrets are left out already)\n"
        "exit: 0 all invariants hold, 1 violations, 2 usage, 3 the records cannot be read\n");
    return 2;
}

static void paths_add(struct paths *p, const char *path)
{
    const char **longer = realloc(p->items, (p->n + 1) * sizeof *longer);
    if (longer == NULL)
        abort();
    longer[p->n++] = path;
    p->items = longer;
}

static int arguments(struct check *c, int argc, char **argv)
{
    int o;
    c->module = "/usr/lib/softhsm/libsofthsm2.so";
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (o) {
        case OPT_MODULE:
            c->module = optarg;
            break;
        case OPT_SECRETS:
            paths_add(&c->secrets, optarg);
            break;
        case OPT_LETTERS:
            paths_add(&c->letters, optarg);
            break;
        case OPT_SCAN:
            paths_add(&c->scan, optarg);
            break;
        case OPT_EXCEPT:
            paths_add(&c->except, optarg);
            break;
        default:
            return -1;
        }
    if (argc - optind < 3)
        return -1;
    c->station_path = argv[optind];
    c->vault_path = argv[optind + 1];
    c->portal_path = argv[optind + 2];
    for (int i = optind + 3; i < argc; i++)
        paths_add(&c->tokens, argv[i]);
    return 0;
}

/* ---- running ---- */

static int load(struct check *c, struct err *err)
{
    static struct db_schema station, portal;
    station = (struct db_schema){station_schema.steps, station_schema.n_steps, station_statements,
                                 CHECK_STATION_SQL_COUNT};
    portal = (struct db_schema){portal_schema.steps, portal_schema.n_steps, portal_statements,
                                CHECK_PORTAL_SQL_COUNT};
    if (db_open(&c->station, c->station_path, &station, DB_READ_ONLY, err) < 0 ||
        db_open(&c->portal, c->portal_path, &portal, DB_READ_ONLY, err) < 0 || vault_load(c, err) < 0)
        return -1;
    return devices_load(c, err);
}

static void done(struct check *c)
{
    struct paths *lists[] = {&c->tokens, &c->secrets, &c->letters, &c->scan, &c->except};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        free(lists[i]->items);
    db_close(&c->station);
    db_close(&c->portal);
    json_decref(c->vault);
    json_decref(c->devices);
    buf_done(&c->ca);
}

int main(int argc, char **argv)
{
    struct check c = {0};
    struct err err;
    int rc = 3;
    buf_init(&c.ca);
    if (arguments(&c, argc, argv) < 0) {
        done(&c);
        return usage();
    }
    if (load(&c, &err) < 0)
        goto out;
    for (size_t i = 0; i < sizeof invariants / sizeof invariants[0]; i++) {
        int before = c.violations;
        c.invariant = invariants[i].number;
        if (invariants[i].run(&c, &err) < 0)
            goto out;
        printf("%s %d: %s\n", c.violations == before ? "holds   " : "VIOLATED", invariants[i].number,
               invariants[i].name);
    }
    printf("read: %d vault records, %d signatures, %d jobs, %d journal entries, %d deliverable tokens, %d "
           "token folders; %d PINs "
           "looked for in %d files\n",
           c.seen.vault_records, c.seen.signatures, c.seen.jobs, c.seen.journal, c.seen.deliverable,
           c.seen.token_folders, c.seen.secrets, c.seen.files);
    rc = c.violations > 0 ? 1 : 0;
out:
    if (rc == 3)
        fprintf(stderr, "castation-check: the records cannot be read: %s\n", err.text);
    done(&c);
    return rc;
}
