/* How an application ends: withdrawn, or its token handed over. */
#include <stdio.h>
#include <string.h>

#include "portal/workflow_rules.h"

/* ---- withdrawn
 * ------------------------------------------------------------------------------------------------ */

/* The certificate that was made is void from now on; *detail tells the operator which token to recycle. */
static int void_made(const struct act *act, const struct portal_application *row, char *detail, size_t cap,
                     struct err *err)
{
    struct portal_certificate c;
    bool found;
    if (act_void_standing(act, row->id, "withdrawn by the applicant", &found, &c, err) != 0)
        return -1;
    if (found)
        snprintf(detail, cap, "certificate %s; recycle token %s of station %s", c.serial, c.token_serial,
                 c.station);
    return 0;
}

int act_withdraw(const struct act *act, const char *id, const char *reason, struct err *err)
{
    struct portal_application row;
    char note[ACT_NOTE_SIZE], detail[256] = "";
    struct act_move move = {.detail = detail, .note = note, .clock = &ACT_CLOCK_OFF};
    bool refund;
    if (portal_application_get(act->db, id, &row, err) != 0 ||
        act_note("reason", reason, ACT_NOTE_MAX, false, note, sizeof(note), err) != 0)
        return -1;
    enum application_state s = application_state_from_name(row.state);
    bool made = s == APPLICATION_MADE || s == APPLICATION_READY;
    if (act_take(act, id, made ? APPLICATION_WITHDRAW_MADE : APPLICATION_WITHDRAW, &row, &move, err) != 0 ||
        (made && void_made(act, &row, detail, sizeof(detail), err) != 0) ||
        payment_order_end(act, id, &refund, err) != 0)
        return -1;
    return act_move(act, &move, err);
}

/* ---- handed over
 * ---------------------------------------------------------------------------------------------- */

static int hand_over(const struct act *act, const char *id, const char *carrier, const char *number,
                     int64_t at, struct err *err)
{
    return db_exec(act->db, PSQL_APPLICATION_HAND_OVER,
                   DB_ARGS(DB_TEXT(id), DB_TEXT(carrier), DB_TEXT(number), DB_INT(at)), NULL, err);
}

static int refuse_other_way(const struct portal_application *row, enum delivery_method method,
                            struct err *err)
{
    const char *name = delivery_method_name(method);
    if (strcmp(row->delivery_method, name) == 0)
        return 0;
    return err_set(err, ERR_REFUSED, "application %s: its delivery is '%s', not '%s'", row->id,
                   row->delivery_method, name);
}

int act_offer(const struct act *act, const char *id, struct err *err)
{
    struct portal_application row;
    struct act_move move = {0};
    if (act_take(act, id, APPLICATION_OFFER, &row, &move, err) != 0 ||
        refuse_other_way(&row, DELIVERY_PICKUP, err) != 0)
        return -1;
    return act_move(act, &move, err);
}

int act_post(const struct act *act, const char *id, const char *carrier, const char *number, struct err *err)
{
    struct portal_application row;
    char by[65], tracking[65], note[160];
    struct act_move move = {.note = note};
    if (act_take(act, id, APPLICATION_POST, &row, &move, err) != 0 ||
        refuse_other_way(&row, DELIVERY_MAIL, err) != 0 ||
        act_note("carrier", carrier, WORKFLOW_NUMBER_MAX, true, by, sizeof(by), err) != 0 ||
        act_note("number", number, WORKFLOW_NUMBER_MAX, true, tracking, sizeof(tracking), err) != 0 ||
        hand_over(act, id, by, tracking, act->now, err) != 0)
        return -1;
    snprintf(note, sizeof(note), "%s %s", by, tracking);
    return act_move(act, &move, err);
}

int act_pick_up(const struct act *act, const char *id, const char *note, struct err *err)
{
    struct portal_application row;
    char told[ACT_NOTE_SIZE];
    struct act_move move = {.note = told};
    if (act_take(act, id, APPLICATION_PICK_UP, &row, &move, err) != 0 ||
        act_note("note", note, ACT_NOTE_MAX, false, told, sizeof(told), err) != 0 ||
        hand_over(act, id, NULL, NULL, act->now, err) != 0)
        return -1;
    return act_move(act, &move, err);
}
