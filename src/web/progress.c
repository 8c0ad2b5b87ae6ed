#include "web/progress.h"

#include <stdio.h>
#include <string.h>

#include "portal/carrier.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the five steps */

int web_put_steps(struct web_call *c, enum application_state state, struct err *err)
{
    enum text_id titles[] = {TEXT_STEP_APPLY, TEXT_STEP_PAY, TEXT_STEP_REVIEW, TEXT_STEP_MAKE,
                             TEXT_STEP_MAIL};
    int now = application_state_step(state);
    json_t *steps = json_array();
    if (strcmp(c->application.delivery_method, "pickup") == 0)
        titles[COUNT(titles) - 1] = TEXT_STEP_PICKUP;
    for (int i = 0; steps && i < (int)COUNT(titles); i++) {
        const char *how = i + 1 < now ? "done" : i + 1 == now ? "now" : "todo";
        if (json_array_append_new(
                steps, json_pack("{s:s,s:s}", "title", text(titles[i], c->lang), "state", how)) != 0)
            return json_decref(steps), err_set(err, ERR_MEMORY, "steps");
    }
    return web_set(c, "steps", steps, err);
}

static const struct {
    enum application_state state;
    enum text_id applicant, staff;
} NEXT[] = {
    {APPLICATION_DRAFT, TEXT_NEXT_DRAFT, TEXT_NEXT_STAFF_DRAFT},
    {APPLICATION_AWAITING_PAYMENT, TEXT_NEXT_PAYMENT, TEXT_NEXT_STAFF_PAYMENT},
    {APPLICATION_FIRST_REVIEW, TEXT_NEXT_FIRST, TEXT_NEXT_STAFF_FIRST},
    {APPLICATION_RETURNED, TEXT_NEXT_RETURNED, TEXT_NEXT_STAFF_RETURNED},
    {APPLICATION_FINAL_REVIEW, TEXT_NEXT_PAPER, TEXT_NEXT_STAFF_PAPER},
    {APPLICATION_APPROVED, TEXT_NEXT_MAKE, TEXT_NEXT_STAFF_MAKE},
    {APPLICATION_CLAIMED, TEXT_NEXT_MAKE, TEXT_NEXT_STAFF_CLAIMED},
    {APPLICATION_FAILED, TEXT_NEXT_MAKE, TEXT_NEXT_STAFF_FAILED},
    {APPLICATION_MADE, TEXT_NEXT_MAIL, TEXT_NEXT_STAFF_MADE},
    {APPLICATION_READY, TEXT_NEXT_READY, TEXT_NEXT_STAFF_READY},
    {APPLICATION_ISSUED, TEXT_NEXT_ISSUED, TEXT_NEXT_STAFF_OVER},
    {APPLICATION_REJECTED, TEXT_NEXT_REJECTED, TEXT_NEXT_STAFF_OVER},
    {APPLICATION_WITHDRAWN, TEXT_NEXT_WITHDRAWN, TEXT_NEXT_STAFF_OVER},
};

enum text_id progress_next(const struct web_call *c, enum application_state state)
{
    bool applicant = web_is(c, ROLE_APPLICANT);
    if (state == APPLICATION_FINAL_REVIEW && c->application.paper_number[0])
        return applicant ? TEXT_NEXT_FINAL : TEXT_NEXT_STAFF_FINAL;
    if (applicant && state == APPLICATION_MADE && strcmp(c->application.delivery_method, "pickup") == 0)
        return TEXT_NEXT_OFFER;
    for (size_t i = 0; i < COUNT(NEXT); i++)
        if (NEXT[i].state == state)
            return applicant ? NEXT[i].applicant : NEXT[i].staff;
    return applicant ? TEXT_NEXT_MAKE : TEXT_NEXT_STAFF_OVER;
}

/* ---- the timeline */

/* What an event looks like, and in which role staff does it: an account may have several. */
static const struct {
    enum application_event event;
    const char *kind;
    unsigned int role;
} LOOKS[] = {
    {APPLICATION_PAY, "good", ROLE_FINANCE},
    {APPLICATION_FIRST_APPROVE, "good", ROLE_FIRST_REVIEWER},
    {APPLICATION_FIRST_RETURN, "waiting", ROLE_FIRST_REVIEWER},
    {APPLICATION_FIRST_REJECT, "bad", ROLE_FIRST_REVIEWER},
    {APPLICATION_PAPER, "plain", ROLE_FINAL_REVIEWER},
    {APPLICATION_APPROVE, "good", ROLE_FINAL_REVIEWER},
    {APPLICATION_FINAL_RETURN, "waiting", ROLE_FINAL_REVIEWER},
    {APPLICATION_FINAL_REJECT, "bad", ROLE_FINAL_REVIEWER},
    {APPLICATION_WITHDRAW, "bad", 0},
    {APPLICATION_WITHDRAW_MADE, "bad", 0},
    {APPLICATION_REPORT, "good", 0},
    {APPLICATION_FAIL, "alert", 0},
    {APPLICATION_GIVE_BACK, "alert", 0},
    {APPLICATION_VOID, "alert", ROLE_OPERATOR},
    {APPLICATION_RETRY, "plain", ROLE_OPERATOR},
    {APPLICATION_OFFER, "waiting", ROLE_OPERATOR},
    {APPLICATION_POST, "good", ROLE_OPERATOR},
    {APPLICATION_PICK_UP, "good", ROLE_OPERATOR},
};

struct moment {
    enum application_event event;
    const char *who, *note, *detail;
    int64_t at;
};

static unsigned int role_of(enum application_event event)
{
    for (size_t i = 0; i < COUNT(LOOKS); i++)
        if (LOOKS[i].event == event)
            return LOOKS[i].role;
    return 0;
}

static const char *kind_of(enum application_event event)
{
    for (size_t i = 0; i < COUNT(LOOKS); i++)
        if (LOOKS[i].event == event)
            return LOOKS[i].kind;
    return "plain";
}

static void person(const struct web_call *c, const struct account_user *u, enum application_event event,
                   char ret[300])
{
    unsigned int role = role_of(event);
    if (web_is(c, ROLE_STAFF) || (u->roles & ROLE_APPLICANT))
        snprintf(ret, 300, "%s", u->name[0] ? u->name : u->email);
    else
        snprintf(ret, 300, "%s", role ? role_title(role, c->lang) : text(TEXT_BY_STAFF, c->lang));
}

/* "user:<email>", "station:<name>", or a program. */
static int actor(struct web_call *c, const struct moment *m, char ret[300], struct err *err)
{
    struct account_user u;
    struct err why = {0};
    const char *name = strchr(m->who, ':');
    bool user = strncmp(m->who, "user:", 5) == 0, station = strncmp(m->who, "station:", 8) == 0;
    snprintf(ret, 300, "%s", text(station ? TEXT_BY_STATION : TEXT_BY_PLATFORM, c->lang));
    if (user && account_by_email(c->db, name + 1, &u, &why) == 0)
        person(c, &u, m->event, ret);
    else if (user && why.code != ERR_NOT_FOUND)
        return *err = why, -1;
    else if (user && !web_is(c, ROLE_STAFF))
        snprintf(ret, 300, "%s", text(TEXT_BY_STAFF, c->lang));
    else if (user || (name && web_is(c, ROLE_STAFF)))
        snprintf(ret, 300, "%s", user ? name + 1 : m->who);
    return 0;
}

/* A parcel's note is "SF SF1234…": who takes it, in words, and the rest. Of others all is rest. */
static const char *parcel(const struct web_call *c, const struct moment *m, const char **ret_rest)
{
    *ret_rest = m->note;
    for (unsigned int i = 0; m->event == APPLICATION_POST && i < n_carriers; i++) {
        size_t len = strlen(carriers[i].name);
        if (strncmp(m->note, carriers[i].name, len) != 0 || m->note[len] != ' ')
            continue;
        *ret_rest = m->note + len;
        return text(carriers[i].title, c->lang);
    }
    return "";
}

static int put_moment(struct web_call *c, const struct moment *m, json_t *list, struct err *err)
{
    char at[20], who[300], note[2048];
    const char *rest, *by = parcel(c, m, &rest);
    bool detail = web_is(c, ROLE_STAFF) && *m->detail;
    if (actor(c, m, who, err) != 0)
        return -1;
    web_time_text(m->at, at);
    snprintf(note, sizeof(note), "%s%s%s%s", by, rest, *m->note && detail ? "\n" : "",
             detail ? m->detail : "");
    utf8_scrub(note);
    if (json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s}", "at", at, "title",
                                              application_event_title(m->event, c->lang), "who", who, "note",
                                              note, "kind", kind_of(m->event))) != 0)
        return err_set(err, ERR_MEMORY, "timeline");
    return 0;
}

/* A lease that is renewed tells nobody anything; the station's tries are the operating organisation's matter.
 */
static bool is_told(const struct web_call *c, enum application_event event)
{
    if (event == APPLICATION_EVENT_COUNT || event == APPLICATION_RENEW)
        return false;
    return web_is(c, ROLE_STAFF) ||
           (event != APPLICATION_GIVE_BACK && event != APPLICATION_RETRY && event != APPLICATION_FAIL);
}

int web_put_timeline(struct web_call *c, const char *id, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list = json_array();
    int r = list ? 1 : err_set(err, ERR_MEMORY, "timeline");
    if (r == 1 && db_query(c->db, PSQL_APPLY_EVENTS, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        r = -1;
    while (r == 1 && (r = db_next(rows, err)) == 1) {
        const struct moment m = {.at = db_col_int(rows, 0),
                                 .who = db_col_text(rows, 1),
                                 .event = application_event_from_name(db_col_text(rows, 2)),
                                 .note = db_col_text(rows, 3),
                                 .detail = db_col_text(rows, 4)};
        if (is_told(c, m.event) && put_moment(c, &m, list, err) != 0)
            r = -1;
    }
    db_rows_free(&rows);
    if (r != 0)
        return json_decref(list), -1;
    return web_set(c, "timeline", list, err);
}
