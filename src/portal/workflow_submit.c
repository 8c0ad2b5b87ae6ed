/* From a form to an application that is reviewed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "portal/list.h"
#include "portal/workflow_rules.h"

/* What the form becomes, checked as station and vault will check it. */
struct submission {
    json_t *form, *document;
    char *text; /* the document, canonical */
    struct application app;
};

static void submission_done(struct submission *s)
{
    json_decref(s->form);
    json_decref(s->document);
    free(s->text);
}

static int refuse_errors(const json_t *form, const char *id, const struct form_world *world, struct err *err)
{
    json_t *errors = NULL, *sentence;
    const char *key;
    int rc = 0;
    if (form_check(form, FORM_SECTION_COUNT, world, id, LANG_EN, &errors, err) != 0)
        return -1;
    json_object_foreach(errors, key, sentence)
    {
        rc = err_set(err, ERR_FIELD, "%s: %s", key, json_string_value(sentence));
        break;
    }
    json_decref(errors);
    return rc;
}

/* The organisation's name and identifier may be completed by this: the form that is submitted is the one that
 * stands. */
static int complete(const struct act *act, const struct portal_application *row, struct submission *s,
                    struct err *err)
{
    json_t *changes = NULL;
    if (form_read(act->db, row->id, &s->form, err) != 0)
        return -1;
    bool empty = !*form_value(s->form, "identifier");
    if (*row->owner && form_name_organisation(act->db, row->owner, s->form, err) != 0)
        return err->code == ERR_EXISTS || err->code == ERR_IDENTIFIER
                   ? err_prepend(err, "identifier")
                   : (err->code == ERR_FIELD ? err_prepend(err, "name") : -1);
    if (!empty)
        return 0;
    changes = json_pack("{s:s}", "identifier", form_value(s->form, "identifier"));
    int rc = changes ? act_form_save(act, row->id, changes, err) : err_set(err, ERR_MEMORY, "form");
    json_decref(changes);
    return rc;
}

static int make_document(const struct act *act, const struct portal_application *row,
                         struct form_world *world, struct submission *s, struct err *err)
{
    if (complete(act, row, s, err) != 0 ||
        (*row->owner && account_organisation_get(act->db, row->owner, &world->organisation, err) != 0) ||
        refuse_errors(s->form, row->id, world, err) != 0 ||
        form_document(s->form, row->id, world, &s->document, err) != 0 ||
        application_from_json(s->document, &s->app, err) != 0 ||
        application_check_profile(&s->app, (const char *const *)world->profiles->items, world->profiles->n,
                                  err) != 0)
        return -1;
    return form_text(s->document, &s->text, err);
}

static int store_document(const struct act *act, const struct submission *s, struct err *err)
{
    const struct application *app = &s->app;
    int64_t changes = 0;
    if (db_exec(act->db, PSQL_SUBMIT,
                DB_ARGS(DB_TEXT(app->id), DB_TEXT(s->text), DB_TEXT(app->content_sha256),
                        DB_TEXT(app->organisation.name), DB_TEXT(app->organisation.identifier),
                        DB_TEXT(app->profile), DB_INT(app->validity_days),
                        DB_TEXT(delivery_method_name(app->delivery_method)), DB_INT(act->now)),
                &changes, err) != 0)
        return -1;
    if (changes != 1)
        return err_set(err, ERR_CONFLICT, "application %s: it was changed at the same time", app->id);
    return list_index(act->db, app->id, err);
}

static int fee_of(const struct act *act, const struct form_world *world, const struct application *app,
                  int64_t *ret_fen, struct err *err)
{
    if (price_of(act->db, organisation_kind_name(world->organisation.kind), app->profile, app->validity_days,
                 ret_fen, err) != 0)
        return err_prepend(err, "application %s", app->id);
    return 0;
}

/* ---- the first time
 * ------------------------------------------------------------------------------------------- */

static int submit_first(const struct act *act, const struct portal_application *row,
                        const struct form_world *world, const struct submission *s, struct err *err)
{
    struct act_clock clock;
    char order[33], detail[128] = "";
    int64_t fen;
    if (fee_of(act, world, &s->app, &fen, err) != 0)
        return -1;
    struct act_move move = {.from = row,
                            .event = fen > 0 ? APPLICATION_SUBMIT : APPLICATION_SUBMIT_FREE,
                            .detail = detail,
                            .clock = fen > 0 ? NULL : &clock};
    if (application_next(application_state_from_name(row->state), move.event, &move.to, err) != 0)
        return err_prepend(err, "application %s", row->id);
    if (fen > 0 && payment_order_new(act, row->id, fen, order, err) != 0)
        return -1;
    if (fen == 0 && act_clock_start(act, PROMISE_FIRST_REVIEW, &clock, err) != 0)
        return -1;
    if (fen > 0)
        snprintf(detail, sizeof(detail), "order %s; %lld.%02d", order, (long long)(fen / 100),
                 (int)(fen % 100));
    return act_move(act, &move, err);
}

/* ---- after a return
 * ------------------------------------------------------------------------------------------- */

static int submitted_before(const struct act *act, const char *id, struct application *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(act->db, PSQL_DOCUMENT_GET, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1 && application_parse(db_col_text(rows, 0), strlen(db_col_text(rows, 0)), ret, err) != 0)
        r = -1;
    db_rows_free(&rows);
    return r == 1  ? 0
           : r < 0 ? -1
                   : err_set(err, ERR_NOT_FOUND, "application %s: there is none of this id", id);
}

/* A correction costs nothing, and so it may not become a dearer application: that takes one of its own. */
static int refuse_another_fee(const struct act *act, const struct portal_application *row,
                              const struct form_world *world, const struct application *now, struct err *err)
{
    struct application before;
    struct payment_order o;
    bool found;
    int64_t fen;
    if (submitted_before(act, row->id, &before, err) != 0)
        return -1;
    if (strcmp(before.profile, now->profile) == 0 && before.validity_days == now->validity_days)
        return 0;
    if (fee_of(act, world, now, &fen, err) != 0 || payment_order_of(act->db, row->id, &found, &o, err) != 0)
        return -1;
    if (fen == (found ? o.fen : 0))
        return 0;
    return err_set(err, ERR_REFUSED, "application %s: it has another fee now; withdraw it and apply anew",
                   row->id);
}

static int submit_again(const struct act *act, const struct portal_application *row,
                        const struct form_world *world, const struct submission *s, struct err *err)
{
    struct act_clock clock = {.days = row->promise_days};
    struct act_move move = {.from = row, .event = APPLICATION_RESUBMIT, .clock = &clock};
    if (application_next(application_state_from_name(row->state), move.event, &move.to, err) != 0)
        return err_prepend(err, "application %s", row->id);
    if (refuse_another_fee(act, row, world, &s->app, err) != 0)
        return -1;
    int rc =
        row->promise_due > 0 && row->promise_stopped_at > 0
            ? promise_resume(act->db, row->promise_due, row->promise_stopped_at, act->now, &clock.due, err)
            : act_clock_start(act, PROMISE_FIRST_REVIEW, &clock, err);
    if (rc != 0 || store_document(act, s, err) != 0)
        return -1;
    return act_move(act, &move, err);
}

int act_submit(const struct act *act, const char *id, const struct form_world *world, struct err *err)
{
    struct portal_application row;
    enum application_state next;
    struct submission s = {0};
    struct form_world named = *world; /* the organisation may get its name and identifier here */
    if (portal_application_get(act->db, id, &row, err) != 0)
        return -1;
    bool again = application_state_from_name(row.state) == APPLICATION_RETURNED;
    if (application_next(application_state_from_name(row.state),
                         again ? APPLICATION_RESUBMIT : APPLICATION_SUBMIT, &next, err) != 0)
        return err_prepend(err, "application %s", id);
    int rc = make_document(act, &row, &named, &s, err);
    if (rc == 0 && again)
        rc = submit_again(act, &row, &named, &s, err);
    else if (rc == 0)
        rc = store_document(act, &s, err) == 0 ? submit_first(act, &row, &named, &s, err) : -1;
    submission_done(&s);
    return rc;
}
