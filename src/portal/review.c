/* First and final review: who may decide what about which content, and what comes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "portal/material.h"
#include "portal/workflow_rules.h"

#define REASON_MAX 200 /* characters of one */

static const struct {
    const char *name;
    unsigned int role;
    enum application_event event[REVIEW_DECISION_COUNT];
} STAGES[] = {
    [REVIEW_FIRST] = {"first",
                      ROLE_FIRST_REVIEWER,
                      {[REVIEW_APPROVE] = APPLICATION_FIRST_APPROVE,
                       [REVIEW_RETURN] = APPLICATION_FIRST_RETURN,
                       [REVIEW_REJECT] = APPLICATION_FIRST_REJECT}},
    [REVIEW_FINAL] = {"final",
                      ROLE_FINAL_REVIEWER,
                      {[REVIEW_APPROVE] = APPLICATION_APPROVE,
                       [REVIEW_RETURN] = APPLICATION_FINAL_RETURN,
                       [REVIEW_REJECT] = APPLICATION_FINAL_REJECT}},
};
static const char *const DECISIONS[REVIEW_DECISION_COUNT] = {
    [REVIEW_APPROVE] = "approve", [REVIEW_RETURN] = "return", [REVIEW_REJECT] = "reject"};

/* The first approval that stands; reviewer "" when there is none. */
struct first_approval {
    char reviewer[ACCOUNT_EMAIL_MAX + 1], sha256[SHA256_HEX_SIZE];
    int64_t at, promise_due;
};

/* What a decision is made of, as it is found out step by step. */
struct reviewing {
    const struct act *act;
    const struct act_decision *decision;
    struct portal_application row;
    struct first_approval first;
    char *reasons; /* canonical JSON */
    char note[ACT_NOTE_SIZE], detail[256];
    struct act_clock clock;
    struct act_move move;
};

/* ---- may this decision be made?
 * ------------------------------------------------------------------------------- */

static int read_first_approval(struct reviewing *r, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(r->act->db, PSQL_REVIEW_FIRST, DB_ARGS(DB_TEXT(r->row.id)), &rows, err) != 0)
        return -1;
    int found = db_next(rows, err);
    if (found == 1) {
        snprintf(r->first.reviewer, sizeof(r->first.reviewer), "%s", db_col_text(rows, 0));
        snprintf(r->first.sha256, sizeof(r->first.sha256), "%s", db_col_text(rows, 1));
        r->first.at = db_col_int(rows, 2);
        r->first.promise_due = db_col_int(rows, 3);
    }
    db_rows_free(&rows);
    return found < 0 ? -1 : 0;
}

static int check_stage(struct reviewing *r, const char *id, struct err *err)
{
    const struct act_decision *d = r->decision;
    if ((unsigned int)d->decision >= REVIEW_DECISION_COUNT || (unsigned int)d->stage > REVIEW_FINAL)
        return err_set(err, ERR_FIELD, "decision: there is no such decision");
    if (act_take(r->act, id, STAGES[d->stage].event[d->decision], &r->row, &r->move, err) != 0)
        return -1;
    if (!(d->reviewer->roles & STAGES[d->stage].role))
        return err_set(err, ERR_REFUSED, "application %s: %s is no %s", id, d->reviewer->email,
                       role_title(STAGES[d->stage].role, LANG_EN));
    return read_first_approval(r, err);
}

static int check_content(const struct reviewing *r, struct err *err)
{
    char now[SHA256_HEX_SIZE];
    if (form_review_sha256(r->act->db, r->row.id, now, err) != 0)
        return -1;
    if (!r->decision->review_sha256 || strcmp(now, r->decision->review_sha256) != 0)
        return err_set(err, ERR_CONFLICT, "application %s: its content is another than the one looked at",
                       r->row.id);
    return 0;
}

int review_took_part(struct db *db, const char *id, const char *email, bool *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_REVIEW_FIRST_BY, DB_ARGS(DB_TEXT(id), DB_TEXT(email)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    *ret = r == 1 && db_col_int(rows, 0) > 0;
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

static int check_person(const struct reviewing *r, struct err *err)
{
    const char *email = r->decision->reviewer->email;
    bool took_part = false;
    if (review_took_part(r->act->db, r->row.id, email, &took_part, err) != 0)
        return -1;
    if (!took_part)
        return 0;
    return err_set(err, ERR_REFUSED, "application %s: %s made a first review of it; it takes another person",
                   r->row.id, email);
}

/* Two people see the same content, and the final one also holds its paper. */
static int check_final(const struct reviewing *r, struct err *err)
{
    if (r->decision->stage != REVIEW_FINAL)
        return 0;
    if (check_person(r, err) != 0)
        return -1;
    if (r->decision->decision != REVIEW_APPROVE)
        return 0;
    if (!*r->row.paper_number)
        return err_set(err, ERR_REFUSED, "application %s: its paper was not received", r->row.id);
    if (strcmp(r->first.sha256, r->decision->review_sha256) != 0)
        return err_set(err, ERR_REFUSED, "application %s: there is no first approval of this content",
                       r->row.id);
    if (!r->decision->key)
        return err_set(err, ERR_INTERNAL, "application %s: no key signs its approval", r->row.id);
    return 0;
}

static bool may_be_returned(const char *key)
{
    static const char MATERIAL[] = "material_";
    if (form_field(key))
        return true;
    for (size_t i = 0; strncmp(key, MATERIAL, strlen(MATERIAL)) == 0 && i < material_n_kinds; i++)
        if (strcmp(key + strlen(MATERIAL), material_kinds[i].name) == 0)
            return true;
    return false;
}

static int take_reason(json_t *into, const char *key, const json_t *value, struct err *err)
{
    char reason[4 * REASON_MAX + 1];
    if (!may_be_returned(key))
        return err_set(err, ERR_FIELD, "%.40s: the form has no such field", key);
    if (act_note(key, json_string_value(value), REASON_MAX, true, reason, sizeof(reason), err) != 0)
        return -1;
    if (json_object_set_new(into, key, json_string(reason)) != 0)
        return err_set(err, ERR_MEMORY, "reasons");
    return 0;
}

static int take_reasons(struct reviewing *r, struct err *err)
{
    bool returned = r->decision->decision == REVIEW_RETURN;
    json_t *reasons = json_object(), *value;
    const char *key;
    int rc = reasons ? 0 : err_set(err, ERR_MEMORY, "reasons");
    if (returned)
        json_object_foreach((json_t *)r->decision->reasons, key, value)
        {
            if (rc == 0)
                rc = take_reason(reasons, key, value, err);
        }
    if (rc == 0 && returned && json_object_size(reasons) == 0)
        rc = err_set(err, ERR_FIELD, "reasons: a return names at least one field and why");
    if (rc == 0)
        rc = form_text(reasons, &r->reasons, err);
    json_decref(reasons);
    return rc;
}

/* ---- what comes of it
 * ----------------------------------------------------------------------------------------- */

static int record(const struct reviewing *r, struct err *err)
{
    char id[UUID_SIZE];
    const struct act_decision *d = r->decision;
    uuid7(id);
    return db_exec(r->act->db, PSQL_REVIEW_INSERT,
                   DB_ARGS(DB_TEXT(id), DB_TEXT(r->row.id), DB_TEXT(STAGES[r->decision->stage].name),
                           DB_TEXT(DECISIONS[d->decision]), DB_TEXT(d->reviewer->email),
                           DB_TEXT(d->review_sha256), DB_TEXT(r->reasons), DB_TEXT(r->note),
                           DB_INT(r->act->now), DB_INT(r->row.promise_due)),
                   NULL, err);
}

/* The signature covers the document that was submitted; that it is the present form's is what the reviewed
 * hash says. */
static int sign(struct reviewing *r, struct err *err)
{
    struct db_rows *rows = NULL;
    struct application app;
    struct act_signed s;
    int64_t changes = 0;
    if (db_query(r->act->db, PSQL_DOCUMENT_GET, DB_ARGS(DB_TEXT(r->row.id)), &rows, err) != 0)
        return -1;
    int rc = db_next(rows, err) == 1 &&
                     application_parse(db_col_text(rows, 0), strlen(db_col_text(rows, 0)), &app, err) == 0
                 ? 0
                 : -1;
    db_rows_free(&rows);
    if (rc != 0)
        return -1;
    if (strcmp(app.content_sha256, r->row.content_sha256) != 0)
        return err_set(err, ERR_CONFLICT, "application %s: its document is not the one submitted", r->row.id);
    if (act_sign(r->act, &app, r->first.reviewer, r->decision->reviewer->email, r->decision->key, &s, err) !=
            0 ||
        db_exec(r->act->db, PSQL_APPLICATION_SIGNED,
                DB_ARGS(DB_TEXT(r->row.id), DB_TEXT(s.approval.id), DB_TEXT(s.approval.first_reviewer),
                        DB_TEXT(s.approval.final_reviewer), DB_TEXT(s.document), DB_TEXT(s.signature),
                        DB_INT(r->act->now)),
                &changes, err) != 0)
        return -1;
    if (changes != 1)
        return err_set(err, ERR_CONFLICT, "application %s: it was changed at the same time", r->row.id);
    snprintf(r->detail, sizeof(r->detail), "approval %s; first review %s, final review %s", s.approval.id,
             s.approval.first_reviewer, s.approval.final_reviewer);
    return 0;
}

static int approve(struct reviewing *r, struct err *err)
{
    r->clock = ACT_CLOCK_OFF; /* until the paper is there */
    if (r->decision->stage == REVIEW_FIRST)
        return 0;
    return act_clock_start(r->act, PROMISE_MAKING, &r->clock, err) == 0 ? sign(r, err) : -1;
}

/* The first review's promise stands still: since now, or since its approval, which ends here. The corrected
 * content needs paper of its own. */
static int give_back(struct reviewing *r, struct err *err)
{
    r->clock = (struct act_clock){r->row.promise_due, r->row.promise_days, r->act->now};
    if (r->decision->stage == REVIEW_FIRST)
        return 0;
    r->clock = (struct act_clock){r->first.promise_due, 0, r->first.at};
    if (promise_days(r->act->db, PROMISE_FIRST_REVIEW, &r->clock.days, err) != 0 ||
        db_exec(r->act->db, PSQL_REVIEW_VOID, DB_ARGS(DB_TEXT(r->row.id)), NULL, err) != 0)
        return -1;
    return db_exec(r->act->db, PSQL_APPLICATION_PAPER,
                   DB_ARGS(DB_TEXT(r->row.id), DB_NULL, DB_INT(r->act->now)), NULL, err);
}

static int reject(struct reviewing *r, struct err *err)
{
    bool refund;
    r->clock = ACT_CLOCK_OFF;
    return payment_order_end(r->act, r->row.id, &refund, err);
}

int act_review(const struct act *act, const char *id, const struct act_decision *decision, struct err *err)
{
    static int (*const CONSEQUENCE[REVIEW_DECISION_COUNT])(struct reviewing *, struct err *) = {
        [REVIEW_APPROVE] = approve, [REVIEW_RETURN] = give_back, [REVIEW_REJECT] = reject};
    struct reviewing r = {.act = act, .decision = decision};
    int rc = -1;
    r.move.detail = r.detail;
    r.move.note = r.note;
    r.move.clock = &r.clock;
    if (check_stage(&r, id, err) == 0 &&
        act_note("note", decision->note, ACT_NOTE_MAX, decision->decision == REVIEW_REJECT, r.note,
                 sizeof(r.note), err) == 0 &&
        take_reasons(&r, err) == 0 && check_content(&r, err) == 0 && check_final(&r, err) == 0 &&
        record(&r, err) == 0 && CONSEQUENCE[decision->decision](&r, err) == 0)
        rc = act_move(act, &r.move, err);
    free(r.reasons);
    return rc;
}

/* ---- the paper
 * ------------------------------------------------------------------------------------------------ */

/* A mistyped number is put right: it neither begins the promise again nor tells the applicant twice. */
static int correct_paper(const struct act *act, const struct portal_application *row, const char *number,
                         struct err *err)
{
    const struct portal_event event = {.application = row->id,
                                       .who = act->who,
                                       .what = application_event_name(APPLICATION_PAPER),
                                       .from_state = row->state,
                                       .to_state = row->state,
                                       .detail = number};
    return portal_event_add(act->db, act->now, &event, err);
}

int act_paper(const struct act *act, const char *id, const char *number, struct err *err)
{
    struct portal_application row;
    struct act_clock clock;
    char typed[65];
    struct act_move move = {.detail = typed, .clock = &clock};
    if (act_take(act, id, APPLICATION_PAPER, &row, &move, err) != 0 ||
        act_note("number", number, WORKFLOW_NUMBER_MAX, true, typed, sizeof(typed), err) != 0)
        return -1;
    if (strcmp(row.paper_number, typed) == 0)
        return 0; /* told again */
    if (db_exec(act->db, PSQL_APPLICATION_PAPER, DB_ARGS(DB_TEXT(id), DB_TEXT(typed), DB_INT(act->now)), NULL,
                err) != 0)
        return -1;
    if (*row.paper_number)
        return correct_paper(act, &row, typed, err);
    return act_clock_start(act, PROMISE_FINAL_REVIEW, &clock, err) == 0 ? act_move(act, &move, err) : -1;
}
