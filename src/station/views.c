/* What the command line may see, as JSON. Reading only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/control.h"

#define ALERTS_SHOWN 20

/* ---- building ---- */

json_t *control_text(const char *text)
{
    json_t *whole = json_string(text);
    size_t len = strlen(text);
    while (whole == NULL && len > 0 && !utf8_valid(text, len))
        len--;
    return whole != NULL ? whole : json_stringn(text, len);
}

json_t *control_object(const struct control_member *members, size_t n)
{
    json_t *o = json_object();
    for (size_t i = 0; i < n && o != NULL; i++)
        if (json_object_set_new(o, members[i].name, control_text(members[i].text)) < 0) {
            json_decref(o);
            o = NULL;
        }
    return o;
}

/* The answer, whole or not at all. */
static int answer(json_t *value, json_t **ret, struct err *err)
{
    *ret = value;
    return value != NULL ? CALL_DONE : err_set(err, ERR_MEMORY, "an answer");
}

static int append(json_t *array, json_t *value, struct err *err)
{
    return json_array_append_new(array, value) < 0 ? err_set(err, ERR_MEMORY, "an answer") : 0;
}

/* Two columns of every row as members: {"queued": 3, …}. NULL with *err. */
static json_t *counts(struct station *st, enum station_sql statement, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *o = json_object();
    if (db_query(st->db, (int)statement, DB_NO_ARGS, &rows, err) < 0) {
        json_decref(o);
        return NULL;
    }
    int got = 0;
    while ((got = db_next(rows, err)) == 1)
        if (json_object_set_new(o, db_col_text(rows, 0), json_integer(db_col_int(rows, 1))) < 0) {
            got = err_set(err, ERR_MEMORY, "an answer");
            break;
        }
    db_rows_free(&rows);
    if (got < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* ---- status ---- */

static int outbox_count(struct station *st, int64_t *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_OUTBOX_COUNT, DB_NO_ARGS, &rows, err) < 0)
        return -1;
    int got = db_next(rows, err);
    if (got == 1)
        *ret = db_col_int(rows, 0);
    db_rows_free(&rows);
    return got < 0 ? -1 : 0;
}

static json_t *alerts(struct station *st, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(st->db, SQL_AUDIT_ALERTS, DB_ARGS(DB_INT(ALERTS_SHOWN)), &rows, err) < 0)
        return NULL;
    json_t *list = json_array();
    int got = 0;
    while ((got = db_next(rows, err)) == 1)
        if (append(list,
                   CONTROL_OBJECT({"at", db_col_text(rows, 0)}, {"code", db_col_text(rows, 1)},
                                  {"subject", db_col_text(rows, 2)}, {"text", db_col_text(rows, 3)}),
                   err) < 0) {
            got = -1;
            break;
        }
    db_rows_free(&rows);
    if (got < 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *bay_counts(const struct station *st)
{
    int present = 0, working = 0;
    for (size_t i = 0; i < st->n_bays; i++) {
        present += st->bays[i].present;
        working += st->bays[i].state == BAY_WORKING;
    }
    return json_pack("{s:i s:i s:i}", "total", (int)st->n_bays, "present", present, "working", working);
}

static json_t *vault_json(const struct station *st)
{
    const struct vault_link *v = &st->vault;
    return CONTROL_OBJECT({"state", v->fd < 0 ? "unreachable" : vault_state_name(v->state)},
                          {"detail", v->detail});
}

CONTROL_HANDLER(view_status)
{
    (void)call;
    (void)fail;
    int64_t outbox = 0;
    json_t *jobs = NULL, *tokens = NULL, *alert_list = NULL;
    if (outbox_count(st, &outbox, err) < 0 || (jobs = counts(st, SQL_JOB_COUNTS, err)) == NULL ||
        (tokens = counts(st, SQL_TOKEN_COUNTS, err)) == NULL || (alert_list = alerts(st, err)) == NULL) {
        json_decref(jobs);
        json_decref(tokens);
        return -1;
    }
    json_t *portal = json_pack("{s:b s:o s:I}", "reachable", (int)st->portal.reachable, "detail",
                               control_text(st->portal.detail), "outbox", (json_int_t)outbox);
    return answer(json_pack("{s:o s:s s:s s:s s:o s:o s:o s:o s:o s:o}", "station",
                            control_text(st->conf.name), "version", CASTATION_VERSION, "state",
                            st->stopping ? "stopping" : "running", "started_at", st->started_at, "portal",
                            portal, "vault", vault_json(st), "bays", bay_counts(st), "jobs", jobs, "tokens",
                            tokens, "alerts", alert_list),
                  ret, err);
}

/* ---- bays and rack ---- */

static json_t *bay_json(const struct bay *bay)
{
    const struct job *job = bay->job;
    json_t *o =
        CONTROL_OBJECT({"bay", bay->name}, {"product", bay->product->name}, {"serial", bay->serial},
                       {"state", bay_state_name(bay->state)}, {"job", job ? job->row.id : ""},
                       {"application", job ? job->row.application : ""}, {"step", job ? job->row.step : ""},
                       {"detail", bay->detail}, {"since", bay->since});
    if (o != NULL)
        json_object_set_new(o, "present", json_boolean(bay->present));
    return o;
}

static json_t *place_json(const struct bay *bay)
{
    json_t *o =
        CONTROL_OBJECT({"bay", bay->name}, {"serial", bay->serial}, {"state", bay_state_name(bay->state)});
    if (o != NULL)
        json_object_set_new(o, "present", json_boolean(bay->present));
    return o;
}

static json_t *bay_list(const struct station *st, json_t *(*of)(const struct bay *bay))
{
    json_t *list = json_array();
    for (size_t i = 0; i < st->n_bays && list != NULL; i++)
        if (json_array_append_new(list, of(&st->bays[i])) < 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

CONTROL_HANDLER(view_bays)
{
    (void)call;
    (void)fail;
    return answer(json_pack("{s:o}", "bays", bay_list(st, bay_json)), ret, err);
}

CONTROL_HANDLER(view_rack)
{
    (void)call;
    if (st->conf.rack.folder[0] == '\0')
        return call_refused(fail, ERR_WRONG_STATE,
                            "station %s has no rack: rack.folder is not in its configuration", st->conf.name);
    json_t *o = CONTROL_OBJECT({"folder", st->conf.rack.folder}, {"drawer", st->conf.rack.drawer},
                               {"product", st->conf.rack.product});
    if (o != NULL && json_object_set_new(o, "bays", bay_list(st, place_json)) < 0) {
        json_decref(o);
        o = NULL;
    }
    return answer(o, ret, err);
}
