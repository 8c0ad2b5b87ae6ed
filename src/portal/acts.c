#include "portal/acts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "domain/approval.h"
#include "portal/act_rules.h"

/* ---- what the acts share
 * ------------------------------------------------------------------------------------- */

int act_hold(const struct act *act, const struct act_held *held, enum application_event event,
             struct portal_application *ret, enum application_state *ret_next, struct err *err)
{
    if (portal_application_get(act->db, held->application, ret, err) != 0)
        return -1;
    if (ret->generation != held->generation)
        return err_set(err, ERR_GENERATION, "application %s: generation %lld is not the present one, %lld",
                       ret->id, (long long)held->generation, (long long)ret->generation);
    if (application_next(application_state_from_name(ret->state), event, ret_next, err) != 0)
        return err_prepend(err, "application %s", ret->id);
    if (strcmp(ret->station, held->station) != 0)
        return err_set(err, ERR_LEASE, "application %s: generation %lld is lent to another station", ret->id,
                       (long long)ret->generation);
    return 0;
}

int act_move(const struct act *act, const struct act_move *m, struct err *err)
{
    int64_t changes = 0;
    const char *to = application_state_name(m->to);
    const struct portal_event event = {.application = m->from->id,
                                       .who = act->who,
                                       .what = application_event_name(m->event),
                                       .from_state = m->from->state,
                                       .to_state = to,
                                       .alert = application_event_alerts(m->event),
                                       .detail = m->detail};
    if (db_exec(act->db, PSQL_APPLICATION_MOVE,
                DB_ARGS(DB_TEXT(m->from->id), DB_TEXT(m->from->state), DB_INT(m->from->generation),
                        DB_TEXT(to), DB_TEXT(m->station), DB_INT(m->station ? m->from->lease_until : 0),
                        DB_TEXT(m->fault_code), DB_TEXT(m->fault_detail), DB_INT(act->now)),
                &changes, err) != 0)
        return -1;
    if (changes != 1)
        return err_set(err, ERR_CONFLICT, "application %s: it was changed at the same time", m->from->id);
    return portal_event_add(act->db, act->now, &event, err);
}

int act_end_lending(const struct act *act, const struct act_held *held, const char *outcome, struct err *err)
{
    return db_exec(
        act->db, PSQL_LENDING_END,
        DB_ARGS(DB_TEXT(held->application), DB_INT(held->generation), DB_INT(act->now), DB_TEXT(outcome)),
        NULL, err);
}

/* ---- approve
 * ------------------------------------------------------------------------------------------------- */

static int refuse_known_id(struct db *db, const char *id, struct err *err)
{
    struct portal_application row;
    struct err absent;
    if (portal_application_get(db, id, &row, &absent) == 0)
        return err_set(err, ERR_EXISTS, "application %s: the id is taken (it is %s)", id, row.state);
    if (absent.code == ERR_NOT_FOUND)
        return 0;
    *err = absent;
    return -1;
}

static int insert_application(const struct act *act, const struct application *app,
                              const struct approval *approval, const struct buf *canonical,
                              struct buf *signed_document, const struct buf *signature, struct err *err)
{
    char base64[4 * (APPROVAL_SIGNATURE_MAX + 2) / 3 + 1], document[APPLICATION_DOCUMENT_MAX + 1];
    const char *text = buf_cstr(signed_document);
    if (!text || canonical->len >= sizeof(document) || signature->len > APPROVAL_SIGNATURE_MAX)
        return err_set(err, ERR_TOO_LARGE, "application %s", app->id);
    memcpy(document, canonical->data, canonical->len);
    document[canonical->len] = '\0';
    EVP_EncodeBlock((unsigned char *)base64, signature->data, (int)signature->len);
    return db_exec(act->db, PSQL_APPLICATION_INSERT,
                   DB_ARGS(DB_TEXT(app->id), DB_TEXT(application_state_name(APPLICATION_APPROVED)),
                           DB_TEXT(document), DB_TEXT(app->content_sha256), DB_TEXT(app->organisation.name),
                           DB_TEXT(app->organisation.identifier), DB_TEXT(app->profile),
                           DB_TEXT(approval->id), DB_TEXT(approval->first_reviewer),
                           DB_TEXT(approval->final_reviewer), DB_TEXT(text), DB_TEXT(base64),
                           DB_INT(act->now), DB_TEXT(delivery_method_name(app->delivery_method))),
                   NULL, err);
}

static int take_reviewers(const struct act_review *review, struct approval *ret, struct err *err)
{
    int first = snprintf(ret->first_reviewer, sizeof(ret->first_reviewer), "%s", review->first);
    int final = snprintf(ret->final_reviewer, sizeof(ret->final_reviewer), "%s", review->final);
    if (first < 0 || final < 0 || (size_t)first >= sizeof(ret->first_reviewer) ||
        (size_t) final >= sizeof(ret->final_reviewer))
        return err_set(err, ERR_APPROVAL, "a reviewer's name has at most %zu bytes",
                       sizeof(ret->first_reviewer) - 1);
    return 0;
}

static int approve(const struct act *act, const json_t *document, const struct application *app,
                   const struct act_review *review, struct err *err)
{
    struct approval approval = {0};
    struct buf canonical, signed_document, signature;
    char detail[256];
    int rc = -1;
    buf_init(&canonical);
    buf_init(&signed_document);
    buf_init(&signature);
    if (take_reviewers(review, &approval, err) != 0)
        goto out;
    clock_utc_text(act->now, approval.approved_at);
    if (json_canonical(document, &canonical, err) != 0 ||
        approval_sign(app, &approval, review->key, &signed_document, &signature, err) != 0 ||
        insert_application(act, app, &approval, &canonical, &signed_document, &signature, err) != 0)
        goto out;
    snprintf(detail, sizeof(detail), "approval %s; first review %s, final review %s", approval.id,
             approval.first_reviewer, approval.final_reviewer);
    const struct portal_event event = {.application = app->id,
                                       .who = act->who,
                                       .what = application_event_name(APPLICATION_APPROVE),
                                       .to_state = application_state_name(APPLICATION_APPROVED),
                                       .detail = detail};
    rc = portal_event_add(act->db, act->now, &event, err);
out:
    buf_done(&canonical);
    buf_done(&signed_document);
    buf_done(&signature);
    return rc;
}

int act_approve(const struct act *act, const json_t *document, const struct act_review *review,
                char ret_id[41], struct err *err)
{
    struct application app;
    if (application_from_json(document, &app, err) != 0 ||
        application_check_profile(&app, (const char *const *)review->profiles->items, review->profiles->n,
                                  err) != 0 ||
        refuse_known_id(act->db, app.id, err) != 0 || approve(act, document, &app, review, err) != 0)
        return -1;
    if (ret_id)
        memcpy(ret_id, app.id, sizeof(app.id));
    return 0;
}

/* ---- retry
 * --------------------------------------------------------------------------------------------------- */

int act_retry(const struct act *act, const char *id, const char *reason, struct err *err)
{
    struct portal_application row;
    struct act_move move = {.from = &row, .event = APPLICATION_RETRY, .detail = reason};
    if (portal_application_get(act->db, id, &row, err) != 0)
        return -1;
    if (application_next(application_state_from_name(row.state), APPLICATION_RETRY, &move.to, err) != 0)
        return err_prepend(err, "application %s", id);
    return act_move(act, &move, err);
}
