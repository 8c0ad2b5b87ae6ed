/* The reading verbs: ask, and print as a table or as it is. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/table.h"
#include "cli/verbs.h"

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))
#define LIMIT_DEFAULT 100
#define LIMIT_MAX     10000

static const struct column BAY_COLUMNS[] = {
    {{"工位", "BAY"}, "bay", COLUMN_TEXT, 0},        {{"状态", "STATE"}, "state", COLUMN_WORD, 0},
    {{"令牌", "TOKEN"}, "serial", COLUMN_TEXT, 0},   {{"申领", "APPLICATION"}, "application", COLUMN_TEXT, 0},
    {{"步骤", "STEP"}, "step", COLUMN_WORD, 0},      {{"自", "SINCE"}, "since", COLUMN_TIME, 0},
    {{"说明", "DETAIL"}, "detail", COLUMN_TEXT, 60},
};

static const struct column JOB_COLUMNS[] = {
    {{"任务", "JOB"}, "job", COLUMN_TEXT, 0},
    {{"申领", "APPLICATION"}, "application", COLUMN_TEXT, 0},
    {{"机构", "ORGANISATION"}, "organisation", COLUMN_TEXT, 30},
    {{"模板", "PROFILE"}, "profile", COLUMN_TEXT, 0},
    {{"状态", "STATE"}, "state", COLUMN_WORD, 0},
    {{"步骤", "STEP"}, "step", COLUMN_WORD, 0},
    {{"工位", "BAY"}, "bay", COLUMN_TEXT, 0},
    {{"令牌", "TOKEN"}, "token", COLUMN_TEXT, 0},
    {{"说明", "DETAIL"}, "detail", COLUMN_TEXT, 48},
};

static const struct column JOB_FIELDS[] = {
    {{"任务", "job"}, "job", COLUMN_TEXT, 0},
    {{"申领", "application"}, "application", COLUMN_TEXT, 0},
    {{"机构", "organisation"}, "organisation", COLUMN_TEXT, 0},
    {{"标识", "identifier"}, "identifier", COLUMN_TEXT, 0},
    {{"模板", "profile"}, "profile", COLUMN_TEXT, 0},
    {{"交付", "delivery"}, "delivery", COLUMN_WORD, 0},
    {{"状态", "state"}, "state", COLUMN_WORD, 0},
    {{"步骤", "step"}, "step", COLUMN_WORD, 0},
    {{"尝试", "attempt"}, "attempt", COLUMN_TEXT, 0},
    {{"领取代次", "generation"}, "generation", COLUMN_TEXT, 0},
    {{"工位", "bay"}, "bay", COLUMN_TEXT, 0},
    {{"令牌", "token"}, "token", COLUMN_TEXT, 0},
    {{"用掉的令牌", "tokens used"}, "tokens_used", COLUMN_TEXT, 0},
    {{"密钥 CKA_ID", "CKA_ID"}, "cka_id", COLUMN_TEXT, 0},
    {{"证书序列号", "certificate serial"}, "certificate_serial", COLUMN_TEXT, 0},
    {{"更新于", "updated"}, "updated_at", COLUMN_TIME, 0},
    {{"说明", "detail"}, "detail", COLUMN_TEXT, 0},
};

static const struct column JOURNAL_COLUMNS[] = {
    {{"序号", "SEQ"}, "seq", COLUMN_NUMBER, 0},          {{"时间 (UTC)", "TIME (UTC)"}, "at", COLUMN_TEXT, 0},
    {{"步骤", "STEP"}, "step", COLUMN_WORD, 0},          {{"次", "TRY"}, "attempt", COLUMN_NUMBER, 0},
    {{"阶段", "PHASE"}, "phase", COLUMN_WORD, 0},        {{"毫秒", "MS"}, "took", COLUMN_NUMBER, 0},
    {{"证据", "EVIDENCE"}, "evidence", COLUMN_TEXT, 72},
};

static const struct column TOKEN_COLUMNS[] = {
    {{"序列号", "SERIAL"}, "serial", COLUMN_TEXT, 0},
    {{"型号", "PRODUCT"}, "product", COLUMN_TEXT, 0},
    {{"状态", "STATE"}, "state", COLUMN_WORD, 0},
    {{"申领", "APPLICATION"}, "application", COLUMN_TEXT, 0},
    {{"机构", "ORGANISATION"}, "organisation", COLUMN_TEXT, 30},
    {{"密码信封", "LETTER"}, "letter", COLUMN_WORD, 0},
    {{"更新于", "UPDATED"}, "updated_at", COLUMN_TIME, 0},
    {{"原因", "REASON"}, "reason", COLUMN_TEXT, 48},
};

static const struct column TOKEN_FIELDS[] = {
    {{"序列号", "serial"}, "serial", COLUMN_TEXT, 0},
    {{"型号", "product"}, "product", COLUMN_TEXT, 0},
    {{"状态", "state"}, "state", COLUMN_WORD, 0},
    {{"原因", "reason"}, "reason", COLUMN_TEXT, 0},
    {{"批次", "lot"}, "lot", COLUMN_TEXT, 0},
    {{"箱号", "box"}, "box", COLUMN_TEXT, 0},
    {{"管理员 PIN", "SO PIN"}, "so_pin", COLUMN_WORD, 0},
    {{"密码信封", "letter"}, "letter", COLUMN_WORD, 0},
    {{"任务", "job"}, "job", COLUMN_TEXT, 0},
    {{"申领", "application"}, "application", COLUMN_TEXT, 0},
    {{"机构", "organisation"}, "organisation", COLUMN_TEXT, 0},
    {{"标识", "identifier"}, "identifier", COLUMN_TEXT, 0},
    {{"模板", "profile"}, "profile", COLUMN_TEXT, 0},
    {{"交付", "delivery"}, "delivery", COLUMN_WORD, 0},
    {{"标签", "label"}, "label", COLUMN_TEXT, 0},
    {{"密钥 CKA_ID", "key id"}, "key_id", COLUMN_TEXT, 0},
    {{"证书序列号", "certificate serial"}, "certificate_serial", COLUMN_TEXT, 0},
    {{"PKCS#11 模块", "module"}, "module", COLUMN_TEXT, 0},
    {{"环境", "environment"}, "environment", COLUMN_TEXT, 0},
    {{"更新于", "updated"}, "updated_at", COLUMN_TIME, 0},
};

static const struct column STOCK_COLUMNS[] = {
    {{"序列号", "SERIAL"}, "serial", COLUMN_TEXT, 0}, {{"型号", "PRODUCT"}, "product", COLUMN_TEXT, 0},
    {{"批次", "LOT"}, "lot", COLUMN_TEXT, 0},         {{"箱号", "BOX"}, "box", COLUMN_TEXT, 0},
    {{"状态", "STATE"}, "state", COLUMN_WORD, 0},     {{"入库", "ADDED"}, "added_at", COLUMN_TIME, 0},
};

static const struct column RACK_COLUMNS[] = {
    {{"工位", "BAY"}, "bay", COLUMN_TEXT, 0},
    {{"状态", "STATE"}, "state", COLUMN_WORD, 0},
    {{"令牌", "TOKEN"}, "serial", COLUMN_TEXT, 0},
};

/* ---- lists ------------------------------------------------------------------------- */

static int no_arguments(int argc, char **argv, struct err *err)
{
    return args_parse(argc, argv, NULL, 0, NULL, 0, 0, NULL, err);
}

/* A list that is as long as was asked for has probably been cut: say so. */
static void warn_if_cut(const struct cli *cli, int64_t limit, const json_t *rows)
{
    if (limit > 0 && json_array_size(rows) == (size_t)limit)
        cli_warn(cli, TEXT_LIST_CUT, (long long)limit);
}

static int list(struct cli *cli, const char *command, json_t *arguments, const char *key,
                const struct column *columns, size_t n, struct err *err)
{
    json_t *result = NULL;
    int64_t limit = json_int(arguments, "limit");
    int rc = cli_ask(cli, command, arguments, &result, err);
    if (rc == 0 && cli->json)
        rc = cli_print_json(result, err);
    else if (rc == 0)
        table_print(stdout, cli->lang, columns, n, json_object_get(result, key));
    if (rc == 0)
        warn_if_cut(cli, limit, json_object_get(result, key));
    json_decref(result);
    return rc;
}

/* [--state STATE] [--limit N]; with_state: whether there is the first. */
static int filter(int argc, char **argv, bool with_state, json_t **ret, struct err *err)
{
    const char *state = NULL, *limit = NULL;
    const struct arg_option options[] = {{"--limit", &limit, NULL}, {"--state", &state, NULL}};
    int64_t n = LIMIT_DEFAULT;
    if (args_parse(argc, argv, options, with_state ? 2 : 1, NULL, 0, 0, NULL, err) != 0 ||
        (limit && args_int(limit, "--limit", 1, LIMIT_MAX, &n, err) != 0))
        return -1;
    json_t *arguments = json_object();
    if (state)
        json_object_set_new(arguments, "state", json_string(state));
    json_object_set_new(arguments, "limit", json_integer(n));
    *ret = arguments;
    return 0;
}

int verb_bays(struct cli *cli, int argc, char **argv, struct err *err)
{
    if (no_arguments(argc, argv, err) != 0)
        return -1;
    return list(cli, "bays", NULL, "bays", BAY_COLUMNS, COUNT(BAY_COLUMNS), err);
}

int verb_jobs(struct cli *cli, int argc, char **argv, struct err *err)
{
    json_t *arguments;
    if (filter(argc, argv, true, &arguments, err) != 0)
        return -1;
    return list(cli, "jobs", arguments, "jobs", JOB_COLUMNS, COUNT(JOB_COLUMNS), err);
}

int verb_tokens(struct cli *cli, int argc, char **argv, struct err *err)
{
    json_t *arguments;
    if (filter(argc, argv, true, &arguments, err) != 0)
        return -1;
    return list(cli, "tokens", arguments, "tokens", TOKEN_COLUMNS, COUNT(TOKEN_COLUMNS), err);
}

int verb_stock_list(struct cli *cli, int argc, char **argv, struct err *err)
{
    json_t *arguments;
    if (filter(argc, argv, false, &arguments, err) != 0)
        return -1;
    return list(cli, "stock_list", arguments, "stock", STOCK_COLUMNS, COUNT(STOCK_COLUMNS), err);
}

int verb_rack_list(struct cli *cli, int argc, char **argv, struct err *err)
{
    if (no_arguments(argc, argv, err) != 0)
        return -1;
    return list(cli, "rack", NULL, "bays", RACK_COLUMNS, COUNT(RACK_COLUMNS), err);
}

/* ---- one job ----------------------------------------------------------------------- */

/* An outcome took the time since its own intent: same step, same attempt. */
static void add_durations(json_t *journal)
{
    size_t i, j;
    json_t *row, *before;
    json_array_foreach(journal, i, row)
    {
        const char *step = json_str(row, "step"), *phase = json_str(row, "phase");
        if (strcmp(phase, "intent") == 0)
            continue;
        int64_t began = -1, ended = clock_utc_parse(json_str(row, "at"));
        json_array_foreach(journal, j, before)
        {
            if (j >= i)
                break;
            if (strcmp(json_str(before, "phase"), "intent") == 0 &&
                strcmp(json_str(before, "step"), step) == 0 &&
                json_int(before, "attempt") == json_int(row, "attempt"))
                began = clock_utc_parse(json_str(before, "at"));
        }
        if (began >= 0 && ended >= began)
            json_object_set_new(row, "took", json_integer(ended - began));
    }
}

static void print_job(const struct cli *cli, json_t *result)
{
    json_t *journal = json_object_get(result, "journal");
    table_fields(stdout, cli->lang, JOB_FIELDS, COUNT(JOB_FIELDS), json_object_get(result, "job"));
    add_durations(journal);
    putchar('\n');
    table_print(stdout, cli->lang, JOURNAL_COLUMNS, COUNT(JOURNAL_COLUMNS), journal);
}

int verb_job(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *id;
    json_t *result = NULL;
    if (args_parse(argc, argv, NULL, 0, &id, 1, 1, NULL, err) != 0 ||
        cli_ask(cli, "job", json_pack("{s:s}", "job", id), &result, err) != 0)
        return -1;
    int rc = 0;
    if (cli->json)
        rc = cli_print_json(result, err);
    else
        print_job(cli, result);
    json_decref(result);
    return rc;
}

/* ---- one token --------------------------------------------------------------------- */

/* NAME=VALUE, each with its line's end: on one line here. */
static void join_lines(json_t *o, const char *key)
{
    char line[2048];
    int n = snprintf(line, sizeof(line), "%s", json_str(o, key));
    for (char *end = strrchr(line, '\n'); end && end[1] == '\0'; end = strrchr(line, '\n'))
        *end = '\0';
    for (char *c = line; *c; c++)
        if (*c == '\n')
            *c = ' ';
    if (n > 0 && n < (int)sizeof(line))
        json_object_set_new(o, key, json_string(line));
}

int verb_token(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *serial;
    json_t *result = NULL;
    if (args_parse(argc, argv, NULL, 0, &serial, 1, 1, NULL, err) != 0 ||
        cli_ask(cli, "token", json_pack("{s:s}", "serial", serial), &result, err) != 0)
        return -1;
    int rc = 0;
    json_t *token = json_object_get(result, "token");
    if (cli->json) {
        rc = cli_print_json(result, err);
    } else {
        join_lines(token, "environment");
        table_fields(stdout, cli->lang, TOKEN_FIELDS, COUNT(TOKEN_FIELDS), token);
        fputs(json_str(token, "certificate"), stdout);
    }
    json_decref(result);
    return rc;
}
