/* Lending applications to stations: claim, renew, fail, give back. */
#include <stdio.h>
#include <string.h>

#include "portal/act_rules.h"
#include "portal/notice.h"

/* ---- claim
 * --------------------------------------------------------------------------------------------------- */

struct claimed {
    char id[41];
    int64_t generation;
};

/* What the station gets: the document, and the approval exactly as it was signed. */
static json_t *claim_json(struct db_rows *rows, int64_t lease_seconds)
{
    json_error_t e;
    json_t *document = json_loads(db_col_text(rows, 1), 0, &e);
    return json_pack("{s:o,s:s,s:s,s:I,s:I}", "application", document, "approval", db_col_text(rows, 2),
                     "signature", db_col_text(rows, 3), "generation", (json_int_t)db_col_int(rows, 4),
                     "lease_seconds", (json_int_t)lease_seconds);
}

/* 1 claimed one, 0 there is none. */
static int claim_one(const struct act *act, const struct act_claim *claim, struct claimed *ret,
                     json_t **ret_json, struct err *err)
{
    struct db_value args[3 + CLAIM_PROFILES_MAX] = {
        DB_TEXT(claim->station), DB_INT(act->now + claim->lease_seconds * 1000), DB_INT(act->now)};
    struct db_rows *rows = NULL;
    for (size_t i = 0; i < CLAIM_PROFILES_MAX; i++)
        args[3 + i] = DB_TEXT(claim->profiles[i < claim->n_profiles ? i : 0]);
    if (db_query(act->db, PSQL_APPLICATION_CLAIM, args, sizeof(args) / sizeof(args[0]), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1) {
        snprintf(ret->id, sizeof(ret->id), "%s", db_col_text(rows, 0));
        ret->generation = db_col_int(rows, 4);
        *ret_json = claim_json(rows, claim->lease_seconds);
        if (!*ret_json)
            r = err_set(err, ERR_MEMORY, "application %s", ret->id);
    }
    db_rows_free(&rows);
    return r;
}

/* The lending before, if its lease ran out, ends now; *ret_station is "" when there was none. */
static int expire_previous(const struct act *act, const struct claimed *c, char ret_station[65],
                           struct err *err)
{
    struct db_rows *rows = NULL;
    ret_station[0] = '\0';
    if (db_query(act->db, PSQL_LENDING_END,
                 DB_ARGS(DB_TEXT(c->id), DB_INT(c->generation - 1), DB_INT(act->now), DB_TEXT("expired")),
                 &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        snprintf(ret_station, 65, "%s", db_col_text(rows, 0));
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

static int record_claim(const struct act *act, const struct act_claim *claim, const struct claimed *c,
                        struct err *err)
{
    char previous[65], detail[256];
    if (expire_previous(act, c, previous, err) != 0 ||
        db_exec(act->db, PSQL_LENDING_INSERT,
                DB_ARGS(DB_TEXT(c->id), DB_INT(c->generation), DB_TEXT(claim->station), DB_INT(act->now)),
                NULL, err) != 0)
        return -1;
    snprintf(detail, sizeof(detail), "generation %lld%s%s%s", (long long)c->generation,
             previous[0] ? "; the lease of " : "", previous, previous[0] ? " had run out" : "");
    enum application_state from = previous[0] ? APPLICATION_CLAIMED : APPLICATION_APPROVED;
    const struct portal_event event = {.application = c->id,
                                       .who = act->who,
                                       .what = application_event_name(APPLICATION_CLAIM),
                                       .from_state = application_state_name(from),
                                       .to_state = application_state_name(APPLICATION_CLAIMED),
                                       .detail = detail};
    if (portal_event_add(act->db, act->now, &event, err) != 0)
        return -1;
    return notice_of_event(act->db, act->now, c->id, APPLICATION_CLAIM, NULL, err);
}

int act_claim(const struct act *act, const struct act_claim *claim, json_t **ret, struct err *err)
{
    json_t *list = json_array();
    int r = list ? 1 : err_set(err, ERR_MEMORY, "claims");
    for (int64_t i = 0; r == 1 && i < claim->max; i++) {
        struct claimed c;
        json_t *json = NULL;
        r = claim_one(act, claim, &c, &json, err);
        if (r == 1 && json_array_append_new(list, json) != 0)
            r = err_set(err, ERR_MEMORY, "claims");
        if (r == 1 && record_claim(act, claim, &c, err) != 0)
            r = -1;
    }
    if (r < 0) {
        json_decref(list);
        return -1;
    }
    *ret = list;
    return 0;
}

/* ---- renew, fail, give back
 * ---------------------------------------------------------------------------------- */

int act_renew(const struct act *act, const struct act_held *held, int64_t lease_seconds, struct err *err)
{
    struct portal_application row;
    enum application_state next;
    int64_t changes = 0;
    if (act_hold(act, held, APPLICATION_RENEW, &row, &next, err) != 0 ||
        db_exec(act->db, PSQL_APPLICATION_RENEW,
                DB_ARGS(DB_TEXT(row.id), DB_TEXT(held->station), DB_INT(held->generation),
                        DB_INT(act->now + lease_seconds * 1000), DB_INT(act->now)),
                &changes, err) != 0)
        return -1;
    if (changes != 1)
        return err_set(err, ERR_CONFLICT, "application %s: it was changed at the same time", row.id);
    return 0;
}

int act_fail(const struct act *act, const struct act_held *held, const char *code, const char *detail,
             struct err *err)
{
    struct portal_application row;
    char text[FAULT_CODE_MAX + FAULT_DETAIL_MAX + 64];
    struct act_move move = {
        .from = &row, .event = APPLICATION_FAIL, .fault_code = code, .fault_detail = detail, .detail = text};
    if (act_hold(act, held, APPLICATION_FAIL, &row, &move.to, err) != 0)
        return -1;
    snprintf(text, sizeof(text), "generation %lld; %s: %s", (long long)held->generation, code, detail);
    if (act_move(act, &move, err) != 0)
        return -1;
    return act_end_lending(act, held, "failed", err);
}

int act_give_back(const struct act *act, const struct act_held *held, struct err *err)
{
    struct portal_application row;
    char text[64];
    struct act_move move = {.from = &row, .event = APPLICATION_GIVE_BACK, .detail = text};
    if (act_hold(act, held, APPLICATION_GIVE_BACK, &row, &move.to, err) != 0)
        return -1;
    snprintf(text, sizeof(text), "generation %lld", (long long)held->generation);
    if (act_move(act, &move, err) != 0)
        return -1;
    return act_end_lending(act, held, "given_back", err);
}
