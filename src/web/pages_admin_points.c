/* Service points, where tokens are picked up. One that is closed is kept: applications name it. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "domain/plain_text.h"
#include "web/admin.h"
#include "web/input.h"
#include "web/staff.h"

static const struct web_input INPUTS[] = {
    {.name = "name", .label = TEXT_ADMIN_POINT_NAME, .kind = INPUT_TEXT, .required = true, .maxlength = 60},
    {.name = "region",
     .label = TEXT_ADMIN_POINT_REGION,
     .kind = INPUT_TEXT,
     .required = true,
     .help = TEXT_ADMIN_POINT_REGION_HELP,
     .maxlength = 60},
    {.name = "address",
     .label = TEXT_ADMIN_POINT_ADDRESS,
     .kind = INPUT_TEXT,
     .required = true,
     .maxlength = 200},
    {.name = "phone", .label = TEXT_ADMIN_POINT_PHONE, .kind = INPUT_TEL, .required = true, .maxlength = 40},
    {.name = "hours",
     .label = TEXT_ADMIN_POINT_HOURS,
     .kind = INPUT_TEXT,
     .required = true,
     .maxlength = 100},
};
#define N_INPUTS (sizeof(INPUTS) / sizeof(INPUTS[0]))

/* ---- the page ---- */

static json_t *point_row(struct db_rows *rows)
{
    char url[80];
    snprintf(url, sizeof(url), "/admin/points?edit=%s", db_col_text(rows, 0));
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "id", db_col_text(rows, 0), "url", url, "name",
                     db_col_text(rows, 1), "region", db_col_text(rows, 2), "address", db_col_text(rows, 3),
                     "phone", db_col_text(rows, 4), "hours", db_col_text(rows, 5), "closed",
                     db_col_int(rows, 6) != 0);
}

static int put_points(struct web_call *c, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list;
    int r;
    if (admin_list(c, "points", &list, err) != 0 ||
        db_query(c->db, PSQL_POINT_LIST, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        if (admin_append(list, point_row(rows), err) != 0) {
            r = -1;
            break;
        }
    db_rows_free(&rows);
    return r;
}

/* ERR_NOT_FOUND. */
static int read_point(struct web_call *c, const char *id, json_t **ret, int64_t *ret_closed_at,
                      struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(c->db, PSQL_POINT_GET, DB_ARGS(DB_TEXT(id)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    json_t *point = r == 1 ? point_row(rows) : NULL;
    *ret_closed_at = r == 1 ? db_col_int(rows, 6) : 0;
    db_rows_free(&rows);
    if (r == 0)
        return err_set(err, ERR_NOT_FOUND, "service point: there is no such");
    if (r == 1 && !point)
        r = err_set(err, ERR_MEMORY, "service point");
    if (r == 1)
        *ret = point;
    return r == 1 ? 0 : -1;
}

static int show(struct web_call *c, const char *edit, unsigned int status, struct err *err)
{
    json_t *point = NULL;
    int64_t closed_at;
    if (*edit && read_point(c, edit, &point, &closed_at, err) != 0)
        return -1;
    int rc = web_put_inputs(c, "fields", INPUTS, N_INPUTS, point, err);
    json_decref(point);
    if (rc != 0 || put_points(c, err) != 0 || web_set_text(c, "edit", edit, err) != 0 ||
        web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR), err) != 0)
        return -1;
    return web_render(c, "admin_points", status, err);
}

int page_admin_points(struct web_call *c, struct err *err)
{
    return show(c, web_query(c, "edit"), 200, err);
}

/* ---- changing ---- */

struct point {
    char name[256], region[256], address[816], phone[168], hours[416];
};

static int check(struct web_call *c, struct point *p, struct err *err)
{
    const struct {
        char *to;
        size_t cap;
    } TO[N_INPUTS] = {{p->name, sizeof(p->name)},
                      {p->region, sizeof(p->region)},
                      {p->address, sizeof(p->address)},
                      {p->phone, sizeof(p->phone)},
                      {p->hours, sizeof(p->hours)}};
    struct err why;
    for (size_t i = 0; i < N_INPUTS; i++) {
        staff_field(c, INPUTS[i].name, TO[i].to, TO[i].cap);
        if (plain_text_check(TO[i].to, (size_t)INPUTS[i].maxlength, &why) != 0 &&
            web_error(c, INPUTS[i].name, TEXT_ADMIN_POINT_BAD, err) != 0)
            return -1;
    }
    return 0;
}

static void describe(const struct point *p, char *ret, size_t cap)
{
    snprintf(ret, cap, "%s; %s%s; %s; %s", p->name, p->region, p->address, p->phone, p->hours);
}

static int add(struct web_call *c, const struct point *p, struct err *err)
{
    char id[UUID_SIZE], after[2048];
    uuid7(id);
    describe(p, after, sizeof(after));
    if (db_exec(c->db, PSQL_POINT_INSERT,
                DB_ARGS(DB_TEXT(id), DB_TEXT(p->name), DB_TEXT(p->region), DB_TEXT(p->address),
                        DB_TEXT(p->phone), DB_TEXT(p->hours)),
                NULL, err) != 0)
        return -1;
    return admin_audit(c, "service_point.new", id, "", after, err);
}

static int update(struct web_call *c, const char *id, const struct point *p, int64_t closed_at,
                  struct err *err)
{
    return db_exec(c->db, PSQL_POINT_UPDATE,
                   DB_ARGS(DB_TEXT(id), DB_TEXT(p->name), DB_TEXT(p->region), DB_TEXT(p->address),
                           DB_TEXT(p->phone), DB_TEXT(p->hours), DB_INT(closed_at)),
                   NULL, err);
}

static void point_of(const json_t *row, struct point *p)
{
    snprintf(p->name, sizeof(p->name), "%s", json_string_value(json_object_get(row, "name")));
    snprintf(p->region, sizeof(p->region), "%s", json_string_value(json_object_get(row, "region")));
    snprintf(p->address, sizeof(p->address), "%s", json_string_value(json_object_get(row, "address")));
    snprintf(p->phone, sizeof(p->phone), "%s", json_string_value(json_object_get(row, "phone")));
    snprintf(p->hours, sizeof(p->hours), "%s", json_string_value(json_object_get(row, "hours")));
}

static int edit(struct web_call *c, const char *id, const struct point *now, struct err *err)
{
    struct point old;
    json_t *row = NULL;
    int64_t closed_at;
    char before[2048], after[2048];
    if (read_point(c, id, &row, &closed_at, err) != 0)
        return -1;
    point_of(row, &old);
    json_decref(row);
    describe(&old, before, sizeof(before));
    describe(now, after, sizeof(after));
    if (update(c, id, now, closed_at, err) != 0)
        return -1;
    return strcmp(before, after) == 0 ? 0 : admin_audit(c, "service_point", id, before, after, err);
}

/* Closed, or open again. */
static int close_or_open(struct web_call *c, const char *id, bool close, struct err *err)
{
    struct point p;
    json_t *row = NULL;
    int64_t closed_at;
    if (read_point(c, id, &row, &closed_at, err) != 0)
        return -1;
    point_of(row, &p);
    json_decref(row);
    if (update(c, id, &p, close ? c->now : 0, err) != 0)
        return -1;
    return admin_audit(c, close ? "service_point.close" : "service_point.open", id,
                       closed_at ? "closed" : "open", close ? "closed" : "open", err);
}

int page_admin_points_post(struct web_call *c, struct err *err)
{
    struct point p;
    const char *id = web_field(c, "id"), *action = web_field(c, "action");
    int rc;
    if (strcmp(action, "close") == 0 || strcmp(action, "open") == 0)
        rc = close_or_open(c, id, *action == 'c', err);
    else {
        if (check(c, &p, err) != 0)
            return -1;
        if (web_has_errors(c))
            return show(c, id, 422, err);
        rc = *id ? edit(c, id, &p, err) : add(c, &p, err);
    }
    return rc == 0 ? admin_done(c, TEXT_ADMIN_SAVED, "/admin/points", err) : -1;
}
