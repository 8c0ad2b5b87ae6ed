/* Stations and their certificates. Enrolling needs the TLS CA's key, which may be offline: the command line
 * does it. */
#include <stdio.h>
#include <string.h>

#include "web/admin.h"

#define SOON_MS INT64_C(2592000000) /* 30 days before the end */

struct listing {
    struct web_call *c;
    json_t *rows;
    char last[65];
};

static enum text_id standing(const struct portal_station *s, int64_t now, const char **ret_kind)
{
    const bool over = s->not_after <= now, soon = s->not_after - now < SOON_MS;
    *ret_kind = s->revoked_at || over ? "bad" : soon ? "waiting" : "good";
    if (s->revoked_at)
        return TEXT_ADMIN_STATION_REVOKED;
    if (over)
        return TEXT_ADMIN_STATION_EXPIRED;
    return soon ? TEXT_ADMIN_STATION_SOON : TEXT_ADMIN_STATION_GOOD;
}

static int put_station(const struct portal_station *s, void *arg, struct err *err)
{
    struct listing *l = arg;
    char from[20], until[20], enrolled[20], revoked[20];
    const char *kind;
    const enum text_id state = standing(s, l->c->now, &kind);
    const bool first = strcmp(l->last, s->name) != 0;
    snprintf(l->last, sizeof(l->last), "%s", s->name);
    web_time_text(s->not_before, from);
    web_time_text(s->not_after, until);
    web_time_text(s->enrolled_at, enrolled);
    web_time_text(s->revoked_at, revoked);
    return admin_append(l->rows,
                        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b}", "name", s->name,
                                  "serial", s->serial, "sha256", s->sha256, "from", from, "until", until,
                                  "enrolled", enrolled, "enrolled_by", s->enrolled_by, "revoked", revoked,
                                  "revoked_by", s->revoked_by, "state", text(state, l->c->lang), "state_kind",
                                  kind, "first", first, "live", s->revoked_at == 0),
                        err);
}

int page_admin_stations(struct web_call *c, struct err *err)
{
    struct listing l = {.c = c};
    if (admin_list(c, "stations", &l.rows, err) != 0 ||
        portal_station_list(c->db, put_station, &l, err) != 0 ||
        web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR), err) != 0)
        return -1;
    return web_render(c, "admin_stations", 200, err);
}

/* All certificates of a station, at once. */
int page_admin_stations_post(struct web_call *c, struct err *err)
{
    int64_t changes = 0;
    const char *name = web_field(c, "name");
    if (db_exec(c->db, PSQL_STATION_REVOKE, DB_ARGS(DB_TEXT(name), DB_INT(c->now), DB_TEXT(c->act.who)),
                &changes, err) != 0)
        return -1;
    if (changes == 0)
        return err_set(err, ERR_NOT_FOUND, "station: it has no certificate that could be revoked");
    if (admin_audit(c, "station.revoke", name, "enrolled", "revoked", err) != 0)
        return -1;
    return admin_done(c, TEXT_ADMIN_STATION_IS_REVOKED, "/admin/stations", err);
}
