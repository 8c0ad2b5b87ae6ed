/* status: the whole station on one screen. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "cli/args.h"
#include "cli/table.h"
#include "cli/verbs.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct column STATION[] = {
    {{"制证站", "station"}, "station", COLUMN_TEXT, 0},
    {{"版本", "version"}, "version", COLUMN_TEXT, 0},
    {{"状态", "state"}, "state", COLUMN_WORD, 0},
    {{"启动于", "started"}, "started_at", COLUMN_TIME, 0},
    {{"平台", "portal"}, "portal_line", COLUMN_TEXT, 0},
    {{"待上报", "reports waiting"}, "outbox", COLUMN_TEXT, 0},
    {{"签名服务", "vault"}, "vault_line", COLUMN_TEXT, 0},
    {{"工位", "bays"}, "bays_line", COLUMN_TEXT, 0},
    {{"任务", "jobs"}, "jobs_line", COLUMN_TEXT, 0},
    {{"令牌", "tokens"}, "tokens_line", COLUMN_TEXT, 0},
};

static const struct column ALERTS[] = {
    {{"时间", "TIME"}, "at", COLUMN_TIME, 0},
    {{"代码", "CODE"}, "code", COLUMN_TEXT, 0},
    {{"说明", "WHAT"}, "text", COLUMN_TEXT, 0},
};

static void set_line(json_t *line, const char *key, const char *word, const char *detail)
{
    json_object_set_new(line, key, *detail ? json_sprintf("%s: %s", word, detail) : json_string(word));
}

/* {"queued": 2, "done": 10} as "queued 2, done 10"; a state of nobody is left out. */
static void set_counts(json_t *line, const char *key, json_t *counts, enum lang lang)
{
    char text[512] = "";
    size_t at = 0;
    const char *name;
    json_t *n;
    json_object_foreach(counts, name, n)
    {
        if (json_integer_value(n) == 0 || at >= sizeof(text))
            continue;
        int wrote = snprintf(text + at, sizeof(text) - at, "%s%s %" JSON_INTEGER_FORMAT, at > 0 ? ", " : "",
                             table_word(name, lang), json_integer_value(n));
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    json_object_set_new(line, key, json_string(text));
}

static void print_status(const struct cli *cli, const json_t *result)
{
    enum lang lang = cli->lang;
    json_t *line = json_copy((json_t *)(uintptr_t)result);
    const json_t *portal = json_object_get(result, "portal"), *vault = json_object_get(result, "vault"),
                 *bays = json_object_get(result, "bays");
    set_line(
        line, "portal_line",
        text(json_is_true(json_object_get(portal, "reachable")) ? TEXT_REACHABLE : TEXT_UNREACHABLE, lang),
        json_str(portal, "detail"));
    if (json_int(portal, "outbox") > 0)
        json_object_set(line, "outbox", json_object_get(portal, "outbox"));
    set_line(line, "vault_line", table_word(json_str(vault, "state"), lang), json_str(vault, "detail"));
    json_object_set_new(line, "bays_line",
                        json_sprintf("%" PRId64 " (%s %" PRId64 ", %s %" PRId64 ")", json_int(bays, "total"),
                                     text(TEXT_PRESENT, lang), json_int(bays, "present"),
                                     table_word("working", lang), json_int(bays, "working")));
    set_counts(line, "jobs_line", json_object_get(result, "jobs"), lang);
    set_counts(line, "tokens_line", json_object_get(result, "tokens"), lang);
    table_fields(stdout, lang, STATION, COUNT(STATION), line);
    if (json_array_size(json_object_get(result, "alerts")) > 0) {
        putchar('\n');
        table_print(stdout, lang, ALERTS, COUNT(ALERTS), json_object_get(result, "alerts"));
    }
    json_decref(line);
}

int verb_status(struct cli *cli, int argc, char **argv, struct err *err)
{
    json_t *result = NULL;
    if (args_parse(argc, argv, NULL, 0, NULL, 0, 0, NULL, err) != 0 ||
        cli_ask(cli, "status", NULL, &result, err) != 0)
        return -1;
    int rc = 0;
    if (cli->json)
        rc = cli_print_json(result, err);
    else
        print_status(cli, result);
    json_decref(result);
    return rc;
}
