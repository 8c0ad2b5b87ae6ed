/* Reviewing: an application's data beside its materials, and the decision. */
#include <stdio.h>
#include <string.h>

#include "portal/pki.h"
#include "web/review_view.h"

int page_review(struct web_call *c, struct err *err)
{
    return review_page(c, NULL, 200, err);
}

/* ---- a decision ---- */

static const struct {
    const char *name;
    enum text_id done[2]; /* first, final stage */
} DECISIONS[REVIEW_DECISION_COUNT] = {
    [REVIEW_APPROVE] = {"approve", {TEXT_STAFF_DONE_FIRST_APPROVE, TEXT_STAFF_DONE_FINAL_APPROVE}},
    [REVIEW_RETURN] = {"return", {TEXT_STAFF_DONE_RETURN, TEXT_STAFF_DONE_RETURN}},
    [REVIEW_REJECT] = {"reject", {TEXT_STAFF_DONE_REJECT, TEXT_STAFF_DONE_REJECT}}};

static enum review_decision decision_of(const struct web_call *c)
{
    int d = 0;
    while (d < REVIEW_DECISION_COUNT && strcmp(DECISIONS[d].name, web_field(c, "decision")) != 0)
        d++;
    return (enum review_decision)d;
}

/* "Seal not legible; the lower half is cut off": the ready reason, what was typed, or both. */
struct typed {
    struct web_call *c;
    json_t *reasons;
};

static int take_reason(const char *key, const char *label, bool material, void *arg, struct err *err)
{
    struct typed *t = arg;
    char name[64], typed[601], whole[1024];
    (void)label;
    (void)material;
    snprintf(name, sizeof(name), "reason_%s", key);
    const char *ready = review_reason(web_field(t->c, name), t->c->lang);
    snprintf(name, sizeof(name), "text_%s", key);
    staff_field(t->c, name, typed, sizeof(typed));
    if (!ready && !typed[0])
        return 0;
    snprintf(whole, sizeof(whole), "%s%s%s", ready ? ready : "",
             ready && typed[0] ? text(TEXT_STAFF_REASON_AND, t->c->lang) : "", typed);
    return json_object_set_new(t->reasons, key, json_string(whole)) == 0
               ? 0
               : err_set(err, ERR_MEMORY, "reasons");
}

static int take_reasons(struct web_call *c, json_t **ret, struct err *err)
{
    struct typed typed = {c, json_object()};
    json_t *form = NULL;
    int rc = -1;
    if (typed.reasons && staff_form(c, &form, err) == 0)
        rc = review_each_group(c, form, take_reason, &typed, err);
    json_decref(form);
    if (rc != 0) {
        json_decref(typed.reasons);
        return -1;
    }
    *ret = typed.reasons;
    return 0;
}

/* What the reviewer can mend is said before the act is tried. */
static int check(struct web_call *c, enum review_decision decision, const json_t *reasons, const char *note,
                 struct err *err)
{
    struct review_access access;
    if (review_access(c, &access, err) != 0)
        return -1;
    if (access.same_person)
        return web_error(c, "", TEXT_STAFF_SAME_PERSON, err);
    switch (decision) {
    case REVIEW_APPROVE:
        return access.paper ? 0 : web_error(c, "number", TEXT_STAFF_PAPER_FIRST, err);
    case REVIEW_RETURN:
        return json_object_size(reasons) > 0 ? 0 : web_error(c, "decision", TEXT_STAFF_REASON_NEEDED, err);
    case REVIEW_REJECT:
        return note[0] ? 0 : web_error(c, "note", TEXT_STAFF_NOTE_NEEDED, err);
    case REVIEW_DECISION_COUNT:
        break;
    }
    return web_error(c, "decision", TEXT_STAFF_DECISION_NEEDED, err);
}

/* The same decision twice (a double click, the back button): it was taken, and that is all there is to say.
 */
static int already_taken(struct web_call *c, enum review_decision decision, bool *ret, struct err *err)
{
    json_t *reviews = NULL;
    if (reviews_of(c->db, c->application.id, &reviews, err) != 0)
        return -1;
    const json_t *last = json_array_get(reviews, json_array_size(reviews) - 1);
    const char *reviewer = json_string_value(json_object_get(last, "reviewer"));
    const char *taken = json_string_value(json_object_get(last, "decision"));
    *ret = reviewer && taken && strcmp(reviewer, c->user.email) == 0 &&
           strcmp(taken, DECISIONS[decision].name) == 0 &&
           application_state_from_name(c->application.state) != APPLICATION_FIRST_REVIEW;
    json_decref(reviews);
    return 0;
}

static int act(struct web_call *c, const struct act_decision *decision, struct err *err)
{
    struct act_decision whole = *decision;
    int rc = -1;
    bool signs = decision->decision == REVIEW_APPROVE &&
                 application_state_from_name(c->application.state) == APPLICATION_FINAL_REVIEW;
    if (!signs || pki_read_private(c->portal->conf.approval_key, &whole.key, err) == 0)
        rc = act_review(&c->act, c->application.id, &whole, err);
    EVP_PKEY_free(whole.key);
    return rc;
}

/* It is another's turn, or another application now: say so, and show what was typed, so that nothing is lost.
 */
static int stale(struct web_call *c, const json_t *reasons, const char *note, enum err_code why,
                 struct err *err)
{
    bool changed = why == ERR_CONFLICT;
    json_t *lines = json_array();
    const char *key;
    json_t *reason;
    json_object_foreach((json_t *)(uintptr_t)reasons, key, reason)
    {
        json_array_append(lines, reason);
    }
    if (note[0])
        json_array_append_new(lines, json_string(note));
    if (staff_undo(c, err) != 0 ||
        portal_application_get(c->db, c->application.id, &c->application, err) != 0 ||
        staff_application(c, err) != 0 || web_set(c, "typed", lines, err) != 0 ||
        web_set(
            c, "result",
            json_pack("{s:s,s:s,s:s}", "kind", "warning", "title",
                      text(changed ? TEXT_STAFF_STALE_CONTENT : TEXT_STAFF_STALE_STATE, c->lang), "text",
                      text(changed ? TEXT_STAFF_STALE_CONTENT_TEXT : TEXT_STAFF_STALE_STATE_TEXT, c->lang)),
            err) != 0)
        return -1;
    return web_render(c, "review_stale", 409, err);
}

static int go_on(struct web_call *c, enum review_decision decision, bool final, struct err *err)
{
    if (web_flash(c, DECISIONS[decision].done[final], err) != 0)
        return -1;
    return web_redirect(c, err, final ? "/review/final" : "/review/first");
}

static bool under_review(const struct web_call *c)
{
    enum application_state s = application_state_from_name(c->application.state);
    return s == APPLICATION_FIRST_REVIEW || s == APPLICATION_FINAL_REVIEW;
}

static bool is_final(const struct web_call *c)
{
    return application_state_from_name(c->application.state) == APPLICATION_FINAL_REVIEW;
}

/* Somebody was quicker, or it is another application now. */
static int too_late(struct web_call *c, enum review_decision decision, const json_t *reasons,
                    const char *note, enum err_code why, struct err *err)
{
    bool taken = false, final = strcmp(web_field(c, "stage"), "final") == 0;
    if (decision != REVIEW_DECISION_COUNT && already_taken(c, decision, &taken, err) != 0)
        return -1;
    if (!taken)
        return stale(c, reasons, note, why, err);
    return staff_undo(c, err) != 0 ? -1 : go_on(c, decision, final, err);
}

static int act_failed(struct web_call *c, enum review_decision decision, const json_t *reasons,
                      const char *note, struct err *err)
{
    enum err_code why = err->code;
    if (why == ERR_CONFLICT || why == ERR_WRONG_STATE)
        return too_late(c, decision, reasons, note, why, err);
    if (why != ERR_FIELD && why != ERR_REFUSED)
        return -1;
    if (staff_undo(c, err) != 0 ||
        web_error(c, "", why == ERR_FIELD ? TEXT_STAFF_DECISION_WRONG : TEXT_STAFF_DECISION_REFUSED, err) !=
            0)
        return -1;
    return review_page(c, NULL, 422, err);
}

static int decide(struct web_call *c, enum review_decision decision, const json_t *reasons, const char *note,
                  struct err *err)
{
    bool final = is_final(c);
    const struct act_decision d = {.stage = final ? REVIEW_FINAL : REVIEW_FIRST,
                                   .decision = decision,
                                   .reviewer = &c->user,
                                   .review_sha256 = web_field(c, "review_sha256"),
                                   .reasons = reasons,
                                   .note = note};
    /* Whoever has both roles may have opened it at first review: that decision is none of the final one. */
    if (!under_review(c) || strcmp(web_field(c, "stage"), final ? "final" : "first") != 0)
        return too_late(c, decision, reasons, note, ERR_WRONG_STATE, err);
    if (check(c, decision, reasons, note, err) != 0)
        return -1;
    if (web_has_errors(c))
        return review_page(c, NULL, 422, err);
    return act(c, &d, err) == 0 ? go_on(c, decision, final, err)
                                : act_failed(c, decision, reasons, note, err);
}

int page_review_post(struct web_call *c, struct err *err)
{
    char note[1001];
    json_t *reasons = NULL;
    enum review_decision decision = decision_of(c);
    staff_field(c, "note", note, sizeof(note));
    /* again, inside the transaction: whatever is decided here, is decided about this */
    if (portal_application_get(c->db, c->application.id, &c->application, err) != 0 ||
        take_reasons(c, &reasons, err) != 0)
        return -1;
    int rc = decide(c, decision, reasons, note, err);
    json_decref(reasons);
    return rc;
}

/* ---- the paper ---- */

int page_paper_post(struct web_call *c, struct err *err)
{
    char number[65];
    bool from_queue = strcmp(web_field(c, "from"), "queue") == 0;
    staff_field(c, "number", number, sizeof(number));
    if (!number[0]) {
        if (web_error(c, "number", TEXT_STAFF_PAPER_NUMBER_NEEDED, err) != 0)
            return -1;
        return review_page(c, NULL, 422, err);
    }
    if (act_paper(&c->act, c->application.id, number, err) == 0) {
        if (web_flash(c, TEXT_STAFF_DONE_PAPER, err) != 0)
            return -1;
        return from_queue ? web_redirect(c, err, "/review/final")
                          : web_redirect(c, err, "/applications/%s/review", c->application.id);
    }
    if (err->code != ERR_FIELD && err->code != ERR_WRONG_STATE)
        return -1;
    bool field = err->code == ERR_FIELD;
    if (staff_undo(c, err) != 0 ||
        portal_application_get(c->db, c->application.id, &c->application, err) != 0 ||
        web_error(c, field ? "number" : "", field ? TEXT_STAFF_PAPER_NUMBER_WRONG : TEXT_STAFF_PAPER_LATE,
                  err) != 0)
        return -1;
    return review_page(c, NULL, 422, err);
}
