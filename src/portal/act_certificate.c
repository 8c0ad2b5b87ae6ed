/* What stations say about certificates: report, void. */
#include <stdio.h>
#include <string.h>

#include "portal/act_rules.h"
#include "portal/certificate.h"
#include "portal/list.h"
#include "portal/notice.h"
#include "portal/workflow.h"

/* Serials that were voided: *ret_application is "" when this one was not. */
static int voided_application(const struct act *act, const char *serial, char ret_application[41],
                              struct err *err)
{
    struct db_rows *rows = NULL;
    ret_application[0] = '\0';
    if (db_query(act->db, PSQL_VOIDED_BY_SERIAL, DB_ARGS(DB_TEXT(serial)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        snprintf(ret_application, 41, "%s", db_col_text(rows, 0));
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

/* ---- report
 * -------------------------------------------------------------------------------------------------- */

static int check_certificate(const struct act_report *report, const struct portal_application *row,
                             struct certificate *ret, struct err *err)
{
    char serial[65];
    if (certificate_serial(report->certificate_serial, serial, err) != 0)
        return err_prepend(err, "certificate_serial");
    if (certificate_read(report->certificate, ret, err) != 0)
        return err_prepend(err, "certificate");
    if (strcmp(serial, ret->serial) != 0)
        return err_set(err, ERR_FIELD, "certificate_serial: the certificate's is %s, not %s", ret->serial,
                       serial);
    if (strcmp(ret->organisation, row->organisation) != 0)
        return err_set(err, ERR_FIELD,
                       "certificate: its organisation (O) is '%.80s', the application's is '%.80s'",
                       ret->organisation, row->organisation);
    return 0;
}

/* Made, and not undone since. */
static bool is_made(const struct portal_application *row)
{
    const enum application_state s = application_state_from_name(row->state);
    return s == APPLICATION_MADE || s == APPLICATION_READY || s == APPLICATION_ISSUED;
}

/* Is this the report that made the application what it is? Then its answer was lost on the way. */
static int is_repeat(const struct act *act, const struct act_held *held, const struct act_report *report,
                     bool *ret_repeat, struct err *err)
{
    struct portal_application row;
    struct portal_certificate known;
    struct certificate c;
    struct err ignored;
    bool found = false;
    *ret_repeat = false;
    if (portal_application_get(act->db, held->application, &row, err) != 0)
        return -1;
    if (!is_made(&row) || row.generation != held->generation ||
        check_certificate(report, &row, &c, &ignored) != 0)
        return 0;
    if (portal_certificate_by_serial(act->db, c.serial, &found, &known, err) != 0)
        return -1;
    *ret_repeat = found && known.voided_at == 0 && strcmp(known.application, row.id) == 0 &&
                  strcmp(known.sha256, c.sha256) == 0 && known.generation == held->generation &&
                  strcmp(known.station, held->station) == 0 &&
                  strcmp(known.token_serial, report->token_serial) == 0;
    return 0;
}

static int refuse_known(const struct act *act, const struct certificate *c, struct err *err)
{
    char application[41];
    struct portal_certificate known;
    bool found = false;
    if (voided_application(act, c->serial, application, err) != 0 ||
        portal_certificate_by_serial(act->db, c->serial, &found, &known, err) != 0)
        return -1;
    if (application[0])
        return err_set(err, ERR_CONFLICT, "certificate %s: it was voided", c->serial);
    if (found)
        return err_set(err, ERR_CONFLICT, "certificate %s: it is recorded for application %s", c->serial,
                       known.application);
    return 0;
}

static int record_certificate(const struct act *act, const struct act_held *held,
                              const struct act_report *report, const struct certificate *c, struct err *err)
{
    return db_exec(act->db, PSQL_CERTIFICATE_INSERT,
                   DB_ARGS(DB_TEXT(c->serial), DB_TEXT(held->application), DB_INT(held->generation),
                           DB_TEXT(held->station), DB_TEXT(report->token_serial), DB_TEXT(report->product),
                           DB_TEXT(report->key_id), DB_TEXT(report->certificate), DB_TEXT(c->sha256),
                           DB_INT(c->not_before), DB_INT(c->not_after), DB_INT(act->now)),
                   NULL, err);
}

int act_report(const struct act *act, const struct act_held *held, const struct act_report *report,
               struct err *err)
{
    struct portal_application row;
    struct certificate c;
    char text[256];
    bool repeat;
    struct act_move move = {.from = &row,
                            .event = APPLICATION_REPORT,
                            .station = held->station,
                            .detail = text,
                            .clock = &ACT_CLOCK_OFF};
    if (is_repeat(act, held, report, &repeat, err) != 0)
        return -1;
    if (repeat)
        return 0;
    if (act_hold(act, held, APPLICATION_REPORT, &row, &move.to, err) != 0 ||
        check_certificate(report, &row, &c, err) != 0 || refuse_known(act, &c, err) != 0 ||
        record_certificate(act, held, report, &c, err) != 0 || list_index(act->db, row.id, err) != 0)
        return -1;
    snprintf(text, sizeof(text), "generation %lld; token %s; certificate %s", (long long)held->generation,
             report->token_serial, c.serial);
    if (act_move(act, &move, err) != 0)
        return -1;
    return act_end_lending(act, held, "made", err);
}

/* ---- void
 * ---------------------------------------------------------------------------------------------------- */

static int check_lent(const struct act *act, const struct act_held *held, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(act->db, PSQL_LENDING_STATION, DB_ARGS(DB_TEXT(held->application), DB_INT(held->generation)),
                 &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 0)
        err_set(err, ERR_GENERATION, "application %s: there was no generation %lld", held->application,
                (long long)held->generation);
    else if (r == 1 && strcmp(db_col_text(rows, 0), held->station) != 0)
        r = err_set(err, ERR_LEASE, "application %s: generation %lld was lent to another station",
                    held->application, (long long)held->generation);
    db_rows_free(&rows);
    return r == 1 ? 0 : -1;
}

/* Is the serial free to be voided by this station for this application? *ret_stands: it is the recorded
 * certificate. */
static int check_voidable(const struct act *act, const struct act_held *held, const char *serial,
                          bool *ret_stands, bool *ret_done, struct err *err)
{
    char application[41];
    struct portal_certificate known;
    bool found = false;
    if (voided_application(act, serial, application, err) != 0 ||
        portal_certificate_by_serial(act->db, serial, &found, &known, err) != 0)
        return -1;
    if (application[0] && strcmp(application, held->application) != 0)
        return err_set(err, ERR_CONFLICT, "certificate %s: it was voided for application %s", serial,
                       application);
    if (found && strcmp(known.application, held->application) != 0)
        return err_set(err, ERR_CONFLICT, "certificate %s: it is recorded for application %s", serial,
                       known.application);
    if (found && strcmp(known.station, held->station) != 0)
        return err_set(err, ERR_LEASE, "certificate %s: another station reported it", serial);
    *ret_stands = found && known.voided_at == 0;
    *ret_done = application[0] != '\0';
    return 0;
}

/* May the application be made again? Not when its organisation has another under way since: an issued one
 * does not count as under way, one in the queue does. */
static int may_be_made_again(const struct act *act, const struct portal_application *row, bool *ret,
                             struct err *err)
{
    char other[41] = "";
    if (*row->owner && workflow_in_progress(act->db, row->owner, other, err) != 0)
        return -1;
    *ret = !*other || strcmp(other, row->id) == 0;
    return 0;
}

/* Its organisation has applied again since: nothing comes of it but that both sides are told. */
static int tell_voided(const struct act *act, const struct portal_application *row, const char *detail,
                       struct err *err)
{
    const struct portal_event event = {.application = row->id,
                                       .who = act->who,
                                       .what = application_event_name(APPLICATION_VOID),
                                       .alert = true,
                                       .detail = detail};
    if (portal_event_add(act->db, act->now, &event, err) != 0 ||
        notice_about(act->db, act->now, row->id, ROLE_APPLICANT, NOTICE_VOIDED_LAST, NULL, err) != 0)
        return -1;
    return notice_about(act->db, act->now, row->id, ROLE_OPERATOR, NOTICE_VOIDED_LAST_STAFF, NULL, err);
}

/* The application's own certificate is gone: it goes back into the queue. */
static int undo_made(const struct act *act, const struct portal_application *row, const char *serial,
                     const char *detail, enum application_state *ret, struct err *err)
{
    struct act_clock clock;
    struct act_move move = {.from = row, .event = APPLICATION_VOID, .detail = detail, .clock = &clock};
    bool again = false;
    if (application_next(application_state_from_name(row->state), APPLICATION_VOID, &move.to, err) != 0)
        return err_prepend(err, "application %s", row->id);
    if (may_be_made_again(act, row, &again, err) != 0 ||
        db_exec(act->db, PSQL_CERTIFICATE_VOID, DB_ARGS(DB_TEXT(serial), DB_INT(act->now)), NULL, err) != 0)
        return -1;
    if (!again)
        return tell_voided(act, row, detail, err);
    if (act_clock_start(act, PROMISE_MAKING, &clock, err) != 0 ||
        db_exec(act->db, PSQL_APPLICATION_TAKE_BACK, DB_ARGS(DB_TEXT(row->id)), NULL, err) != 0)
        return -1;
    *ret = move.to;
    return act_move(act, &move, err);
}

int act_void_standing(const struct act *act, const char *application, const char *reason, bool *ret_found,
                      struct portal_certificate *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    char serial[65] = "";
    if (db_query(act->db, PSQL_CERTIFICATE_STANDING, DB_ARGS(DB_TEXT(application)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        snprintf(serial, sizeof(serial), "%s", db_col_text(rows, 0));
    db_rows_free(&rows);
    *ret_found = r == 1;
    if (r <= 0)
        return r;
    if (portal_certificate_by_serial(act->db, serial, ret_found, ret, err) != 0 ||
        db_exec(act->db, PSQL_CERTIFICATE_VOID, DB_ARGS(DB_TEXT(serial), DB_INT(act->now)), NULL, err) != 0)
        return -1;
    return db_exec(act->db, PSQL_VOIDED_INSERT,
                   DB_ARGS(DB_TEXT(serial), DB_TEXT(application), DB_INT(ret->generation),
                           DB_TEXT(ret->station), DB_TEXT(reason), DB_INT(act->now)),
                   NULL, err);
}

static int record_void(const struct act *act, const struct act_held *held, const char *serial,
                       const char *reason, struct err *err)
{
    return db_exec(act->db, PSQL_VOIDED_INSERT,
                   DB_ARGS(DB_TEXT(serial), DB_TEXT(held->application), DB_INT(held->generation),
                           DB_TEXT(held->station), DB_TEXT(reason), DB_INT(act->now)),
                   NULL, err);
}

int act_void(const struct act *act, const struct act_held *held, const char *serial_text, const char *reason,
             enum application_state *ret, struct err *err)
{
    struct portal_application row;
    char serial[65], text[VOID_REASON_MAX + 128];
    bool stands = false, done = false;
    if (certificate_serial(serial_text, serial, err) != 0)
        return err_prepend(err, "certificate_serial");
    if (portal_application_get(act->db, held->application, &row, err) != 0 ||
        check_lent(act, held, err) != 0 || check_voidable(act, held, serial, &stands, &done, err) != 0)
        return -1;
    *ret = application_state_from_name(row.state);
    if (done)
        return 0;
    if (record_void(act, held, serial, reason, err) != 0)
        return -1;
    snprintf(text, sizeof(text), "generation %lld; certificate %s: %s", (long long)held->generation, serial,
             reason);
    if (stands)
        return undo_made(act, &row, serial, text, ret, err);
    const struct portal_event event = {.application = row.id,
                                       .who = act->who,
                                       .what = application_event_name(APPLICATION_VOID),
                                       .detail = text};
    return portal_event_add(act->db, act->now, &event, err);
}
