/* What a machine can say about an application before a person looks. It decides nothing. */
#include <stdio.h>
#include <string.h>

#include "domain/identity.h"
#include "domain/uscc.h"
#include "domain/workday.h"
#include "web/review_view.h"

#define GOOD    "good"
#define WAITING "waiting" /* look twice */
#define BAD     "bad"
#define PLAIN   "plain"

/* Steals `links` (NULL: none). */
static int put(json_t *checks, const struct web_call *c, enum text_id title, enum text_id sentence,
               const char *kind, json_t *links, struct err *err)
{
    if (!links)
        links = json_array();
    return json_array_append_new(checks,
                                 json_pack("{s:s,s:s,s:s,s:s,s:o}", "title", text(title, c->lang), "text",
                                           text(sentence, c->lang), "kind", kind, "kind_title",
                                           text(strcmp(kind, GOOD) == 0      ? TEXT_STAFF_CHECK_GOOD
                                                : strcmp(kind, BAD) == 0     ? TEXT_STAFF_CHECK_BAD
                                                : strcmp(kind, WAITING) == 0 ? TEXT_STAFF_CHECK_LOOK
                                                                             : TEXT_STAFF_CHECK_NOTE,
                                                c->lang),
                                           "links", links)) == 0
               ? 0
               : err_set(err, ERR_MEMORY, "checks");
}

static int check_identifier(struct web_call *c, const json_t *form, json_t *checks, struct err *err)
{
    const char *identifier = form_value(form, "identifier");
    struct err why;
    enum text_id sentence = TEXT_STAFF_CHECK_USCC_GOOD;
    const char *kind = GOOD;
    if (strncmp(identifier, "zcy", 3) == 0)
        sentence = TEXT_STAFF_CHECK_INTERNAL, kind = PLAIN;
    else if (uscc_check(identifier, &why) != 0)
        sentence = TEXT_STAFF_CHECK_USCC_BAD, kind = BAD;
    else if (!uscc_pair_known(identifier))
        sentence = TEXT_STAFF_CHECK_USCC_PAIR, kind = WAITING;
    return put(checks, c, TEXT_STAFF_IDENTIFIER, sentence, kind, NULL, err);
}

static int check_region(struct web_call *c, const json_t *form, json_t *checks, struct err *err)
{
    const char *province = form_value(form, "authority_province");
    if (!province[0])
        return 0;
    bool known =
        regions_known(province, form_value(form, "authority_city"), form_value(form, "authority_district"));
    return put(checks, c, TEXT_STAFF_AUTHORITY_REGION,
               known ? TEXT_STAFF_CHECK_REGION_KNOWN : TEXT_STAFF_CHECK_REGION_UNKNOWN,
               known ? GOOD : WAITING, NULL, err);
}

static int check_agent(struct web_call *c, const json_t *form, json_t *checks, struct err *err)
{
    static const enum text_id SENTENCES[] = {[IDENTITY_GOOD] = TEXT_STAFF_CHECK_ID_GOOD,
                                             [IDENTITY_SHAPE] = TEXT_STAFF_CHECK_ID_SHAPE,
                                             [IDENTITY_DATE] = TEXT_STAFF_CHECK_ID_DATE,
                                             [IDENTITY_CHECK] = TEXT_STAFF_CHECK_ID_CHECK};
    if (strcmp(form_value(form, "agent"), "yes") != 0)
        return 0;
    enum identity_fault fault = identity_number_check(form_value(form, "agent_id_number"));
    return put(checks, c, TEXT_FORM_AGENT_ID_NUMBER, SENTENCES[fault], fault == IDENTITY_GOOD ? GOOD : BAD,
               NULL, err);
}

/* ---- what the records have ---- */

static int add_link(json_t *links, const char *application, const char *words)
{
    return json_array_append_new(
        links, json_pack("{s:o,s:s}", "url", json_sprintf("/applications/%s", application), "text", words));
}

/* Other applications of this identifier, of one of these files; or tokens: a line each, in words by `line`.
 */
struct record_check {
    int statement;
    enum text_id title, none, some;
    const char *kind; /* when there are some */
    void (*line)(const struct web_call *c, struct db_rows *rows, char *ret, size_t cap);
};

static void state_line(const struct web_call *c, struct db_rows *rows, char *ret, size_t cap)
{
    char at[20];
    const char *name = db_col_text(rows, 1);
    bool same = strcmp(name, c->application.organisation) == 0;
    web_time_text(db_col_int(rows, 3), at);
    snprintf(ret, cap, "%s · %s%s%s · %s · %.10s", db_col_text(rows, 0), name, same ? "" : " — ",
             same ? "" : text(TEXT_STAFF_CHECK_OTHER_NAME, c->lang),
             application_state_title(application_state_from_name(db_col_text(rows, 2)), c->lang), at);
}

static void material_line(const struct web_call *c, struct db_rows *rows, char *ret, size_t cap)
{
    (void)c;
    snprintf(ret, cap, "%s · %s", db_col_text(rows, 0), db_col_text(rows, 1));
}

static void token_line(const struct web_call *c, struct db_rows *rows, char *ret, size_t cap)
{
    char at[20], until[64];
    web_time_text(db_col_int(rows, 3), at);
    snprintf(until, sizeof(until), "%s", text(TEXT_STAFF_CHECK_UNTIL, c->lang));
    snprintf(ret, cap, "%s · %s %.10s", db_col_text(rows, 2), until, at);
}

static const struct record_check RECORD_CHECKS[] = {
    {PSQL_CHECK_IDENTIFIER, TEXT_STAFF_CHECK_SAME_IDENTIFIER, TEXT_STAFF_CHECK_SAME_IDENTIFIER_NONE,
     TEXT_STAFF_CHECK_SAME_IDENTIFIER_SOME, WAITING, state_line},
    {PSQL_CHECK_MATERIAL, TEXT_STAFF_CHECK_SAME_MATERIAL, TEXT_STAFF_CHECK_SAME_MATERIAL_NONE,
     TEXT_STAFF_CHECK_SAME_MATERIAL_SOME, WAITING, material_line},
    {PSQL_CHECK_TOKEN, TEXT_STAFF_CHECK_TOKENS, TEXT_STAFF_CHECK_TOKENS_NONE, TEXT_STAFF_CHECK_TOKENS_SOME,
     PLAIN, token_line}};

static int run_record_check(struct web_call *c, const struct record_check *check, json_t *links,
                            struct err *err)
{
    struct db_rows *rows = NULL;
    int r;
    if (db_query(c->db, check->statement,
                 DB_ARGS(DB_TEXT(c->application.id), DB_TEXT(c->application.identifier)), &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1) {
        char line[512];
        check->line(c, rows, line, sizeof(line));
        if (add_link(links, db_col_text(rows, 0), line) != 0) {
            r = err_set(err, ERR_MEMORY, "checks");
            break;
        }
    }
    db_rows_free(&rows);
    return r;
}

static int check_records(struct web_call *c, json_t *checks, struct err *err)
{
    for (size_t i = 0; i < sizeof(RECORD_CHECKS) / sizeof(RECORD_CHECKS[0]); i++) {
        const struct record_check *check = &RECORD_CHECKS[i];
        json_t *links = json_array();
        if (!links || run_record_check(c, check, links, err) != 0) {
            json_decref(links);
            return -1;
        }
        bool some = json_array_size(links) > 0;
        if (put(checks, c, check->title, some ? check->some : check->none, some ? check->kind : GOOD, links,
                err) != 0)
            return -1;
    }
    return 0;
}

static int add_warnings(struct web_call *c, const json_t *form, struct err *err)
{
    json_t *warnings = NULL;
    if (form_warnings(form, c->lang, &warnings, err) != 0)
        return -1;
    return web_set(c, "warnings", warnings, err);
}

int review_checks(struct web_call *c, const json_t *form, struct err *err)
{
    json_t *checks = json_array();
    if (!checks || check_identifier(c, form, checks, err) != 0 || check_records(c, checks, err) != 0 ||
        check_region(c, form, checks, err) != 0 || check_agent(c, form, checks, err) != 0) {
        json_decref(checks);
        return -1;
    }
    return web_set(c, "checks", checks, err) != 0 ? -1 : add_warnings(c, form, err);
}
