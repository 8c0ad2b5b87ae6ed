#include "portal/acts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "domain/approval.h"
#include "domain/plain_text.h"
#include "portal/act_rules.h"
#include "portal/list.h"
#include "portal/notice.h"

const struct act_clock ACT_CLOCK_OFF = {0, 0, 0};

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
                                       .detail = m->detail,
                                       .note = m->note};
    if (db_exec(act->db, PSQL_APPLICATION_MOVE,
                DB_ARGS(DB_TEXT(m->from->id), DB_TEXT(m->from->state), DB_INT(m->from->generation),
                        DB_TEXT(to), DB_TEXT(m->station), DB_INT(m->station ? m->from->lease_until : 0),
                        DB_TEXT(m->fault_code), DB_TEXT(m->fault_detail), DB_INT(act->now)),
                &changes, err) != 0)
        return -1;
    if (changes != 1)
        return err_set(err, ERR_CONFLICT, "application %s: it was changed at the same time", m->from->id);
    if (m->clock && db_exec(act->db, PSQL_APPLICATION_PROMISE,
                            DB_ARGS(DB_TEXT(m->from->id), DB_INT(m->clock->due), DB_INT(m->clock->days),
                                    DB_INT(m->clock->stopped_at)),
                            NULL, err) != 0)
        return -1;
    if (portal_event_add(act->db, act->now, &event, err) != 0)
        return -1;
    return notice_of_event(act->db, act->now, m->from->id, m->event, NULL, err);
}

int act_take(const struct act *act, const char *id, enum application_event event,
             struct portal_application *ret, struct act_move *move, struct err *err)
{
    move->from = ret;
    move->event = event;
    if (portal_application_get(act->db, id, ret, err) != 0)
        return -1;
    if (application_next(application_state_from_name(ret->state), event, &move->to, err) != 0)
        return err_prepend(err, "application %s", id);
    return 0;
}

int act_clock_start(const struct act *act, enum promise p, struct act_clock *ret, struct err *err)
{
    ret->stopped_at = 0;
    if (promise_days(act->db, p, &ret->days, err) != 0)
        return -1;
    return promise_due(act->db, act->now, ret->days, &ret->due, NULL, err);
}

int act_note(const char *field, const char *typed, size_t max_chars, bool needed, char *ret, size_t cap,
             struct err *err)
{
    size_t n = 0;
    const char *s = typed ? typed : "";
    for (; *s && n + 1 < cap; s++) {
        bool space = strchr(" \t\r\n", *s) != NULL;
        if (!space)
            ret[n++] = *s;
        else if (n > 0 && ret[n - 1] != ' ')
            ret[n++] = ' ';
    }
    if (n > 0 && ret[n - 1] == ' ' && !*s)
        n--;
    ret[n] = '\0';
    if (*s)
        return err_set(err, ERR_FIELD, "%s: at most %zu characters", field, max_chars);
    if (n == 0)
        return needed ? err_set(err, ERR_FIELD, "%s: it must be given", field) : 0;
    return plain_text_check(ret, max_chars, err) == 0 ? 0 : err_prepend(err, "%s", field);
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

static int take_reviewer(char *ret, size_t cap, const char *name, struct err *err)
{
    if (strlen(name) >= cap)
        return err_set(err, ERR_APPROVAL, "a reviewer's name has at most %zu bytes", cap - 1);
    memcpy(ret, name, strlen(name) + 1);
    return 0;
}

static int keep_signed(struct buf *document, const struct buf *signature, struct act_signed *ret,
                       struct err *err)
{
    const char *text = buf_cstr(document);
    if (!text || document->len >= sizeof(ret->document) || signature->len > APPROVAL_SIGNATURE_MAX)
        return err_set(err, ERR_TOO_LARGE, "approval of %s", ret->approval.application);
    memcpy(ret->document, text, document->len + 1);
    EVP_EncodeBlock((unsigned char *)ret->signature, signature->data, (int)signature->len);
    return 0;
}

int act_sign(const struct act *act, const struct application *app, const char *first, const char *final,
             EVP_PKEY *key, struct act_signed *ret, struct err *err)
{
    struct buf document, signature;
    int rc = -1;
    buf_init(&document);
    buf_init(&signature);
    memset(ret, 0, sizeof(*ret));
    clock_utc_text(act->now, ret->approval.approved_at);
    if (take_reviewer(ret->approval.first_reviewer, sizeof(ret->approval.first_reviewer), first, err) == 0 &&
        take_reviewer(ret->approval.final_reviewer, sizeof(ret->approval.final_reviewer), final, err) == 0 &&
        approval_sign(app, &ret->approval, key, &document, &signature, err) == 0)
        rc = keep_signed(&document, &signature, ret, err);
    buf_done(&document);
    buf_done(&signature);
    return rc;
}

static int insert_application(const struct act *act, const struct application *app,
                              const struct act_signed *s, struct buf *canonical, struct err *err)
{
    const char *document = buf_cstr(canonical);
    if (!document || canonical->len > APPLICATION_DOCUMENT_MAX)
        return err_set(err, ERR_TOO_LARGE, "application %s", app->id);
    return db_exec(act->db, PSQL_APPLICATION_INSERT,
                   DB_ARGS(DB_TEXT(app->id), DB_TEXT(application_state_name(APPLICATION_APPROVED)),
                           DB_TEXT(document), DB_TEXT(app->content_sha256), DB_TEXT(app->organisation.name),
                           DB_TEXT(app->organisation.identifier), DB_TEXT(app->profile),
                           DB_TEXT(s->approval.id), DB_TEXT(s->approval.first_reviewer),
                           DB_TEXT(s->approval.final_reviewer), DB_TEXT(s->document), DB_TEXT(s->signature),
                           DB_INT(act->now), DB_TEXT(delivery_method_name(app->delivery_method)),
                           DB_INT(app->validity_days)),
                   NULL, err);
}

/* A new one is approved as it comes: there is no state before it to move from. */
static int record_approved(const struct act *act, const struct application *app, const struct act_signed *s,
                           struct err *err)
{
    char detail[256];
    struct act_clock clock;
    const struct portal_event event = {.application = app->id,
                                       .who = act->who,
                                       .what = application_event_name(APPLICATION_APPROVE),
                                       .to_state = application_state_name(APPLICATION_APPROVED),
                                       .detail = detail};
    snprintf(detail, sizeof(detail), "approval %s; first review %s, final review %s", s->approval.id,
             s->approval.first_reviewer, s->approval.final_reviewer);
    if (act_clock_start(act, PROMISE_MAKING, &clock, err) != 0 ||
        db_exec(act->db, PSQL_APPLICATION_PROMISE,
                DB_ARGS(DB_TEXT(app->id), DB_INT(clock.due), DB_INT(clock.days), DB_INT(0)), NULL,
                err) != 0 ||
        list_index(act->db, app->id, err) != 0)
        return -1;
    return portal_event_add(act->db, act->now, &event, err);
}

static int approve(const struct act *act, const json_t *document, const struct application *app,
                   const struct act_review *review, struct err *err)
{
    struct act_signed s;
    struct buf canonical;
    buf_init(&canonical);
    int rc = json_canonical(document, &canonical, err);
    if (rc == 0)
        rc = act_sign(act, app, review->first, review->final, review->key, &s, err);
    if (rc == 0)
        rc = insert_application(act, app, &s, &canonical, err);
    if (rc == 0)
        rc = record_approved(act, app, &s, err);
    buf_done(&canonical);
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
    struct act_move move = {.detail = reason};
    if (act_take(act, id, APPLICATION_RETRY, &row, &move, err) != 0)
        return -1;
    return act_move(act, &move, err);
}
