/* The price list: a fee by kind of organisation, profile and validity. What is not listed cannot be applied
 * for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "portal/form.h"
#include "portal/workflow.h"
#include "web/admin.h"
#include "web/input.h"
#include "web/staff.h"

#define FEN_MAX  100000000 /* 1 000 000 yuan */
#define DAYS_MAX 3660

static const enum text_id KINDS[ORGANISATION_KIND_COUNT] = {
    [ORGANISATION_ENTERPRISE] = TEXT_ADMIN_KIND_ENTERPRISE,
    [ORGANISATION_INSTITUTION] = TEXT_ADMIN_KIND_INSTITUTION,
};

static const struct web_input INPUTS[] = {
    {.name = "kind",
     .label = TEXT_ADMIN_PRICE_KIND,
     .kind = INPUT_SELECT,
     .required = true,
     .options = "kinds"},
    {.name = "profile",
     .label = TEXT_ADMIN_PRICE_PROFILE,
     .kind = INPUT_SELECT,
     .required = true,
     .options = "profiles"},
    {.name = "validity_days",
     .label = TEXT_ADMIN_PRICE_DAYS,
     .kind = INPUT_TEXT,
     .required = true,
     .help = TEXT_ADMIN_PRICE_DAYS_HELP,
     .maxlength = 4},
    {.name = "amount",
     .label = TEXT_ADMIN_PRICE_AMOUNT,
     .kind = INPUT_TEXT,
     .required = true,
     .help = TEXT_ADMIN_PRICE_AMOUNT_HELP,
     .maxlength = 12},
};

/* ---- money ---- */

static void yuan_text(int64_t fen, char ret[32])
{
    snprintf(ret, 32, "%" PRId64 ".%02" PRId64, fen / 100, fen % 100);
}

/* "200", "200.5", "200.50" */
static bool yuan_parse(const char *text, int64_t *ret_fen)
{
    char whole[16];
    const char *dot = strchr(text, '.');
    size_t len = dot ? (size_t)(dot - text) : strlen(text);
    int64_t yuan, rest = 0;
    if (len >= sizeof(whole))
        return false;
    memcpy(whole, text, len);
    whole[len] = '\0';
    if (!admin_number(whole, 0, FEN_MAX / 100, &yuan))
        return false;
    if (dot && (strlen(dot + 1) > 2 || !admin_number(dot + 1, 0, 99, &rest)))
        return false;
    if (dot && strlen(dot + 1) == 1)
        rest *= 10;
    *ret_fen = yuan * 100 + rest;
    return *ret_fen <= FEN_MAX;
}

/* ---- the page ---- */

static int put_row(struct web_call *c, json_t *list, struct db_rows *rows, struct err *err)
{
    char yuan[32];
    const enum organisation_kind kind = organisation_kind_from_name(db_col_text(rows, 0));
    const char *title = kind < ORGANISATION_KIND_COUNT ? text(KINDS[kind], c->lang) : db_col_text(rows, 0);
    yuan_text(db_col_int(rows, 3), yuan);
    return admin_append(list,
                        json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:b}", "kind_name", db_col_text(rows, 0),
                                  "kind_title", title, "profile", db_col_text(rows, 1), "profile_title",
                                  form_profile_title(db_col_text(rows, 1), c->lang), "days",
                                  (json_int_t)db_col_int(rows, 2), "yuan", yuan, "free",
                                  db_col_int(rows, 3) == 0),
                        err);
}

static int put_prices(struct web_call *c, struct err *err)
{
    struct db_rows *rows = NULL;
    json_t *list;
    int r;
    if (admin_list(c, "prices", &list, err) != 0 ||
        db_query(c->db, PSQL_PRICE_LIST, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        if (put_row(c, list, rows, err) != 0) {
            r = -1;
            break;
        }
    db_rows_free(&rows);
    return r;
}

static int put_options(struct web_call *c, struct err *err)
{
    const struct conf_strs *profiles = &c->portal->conf.profiles;
    for (enum organisation_kind k = 0; k < ORGANISATION_KIND_COUNT; k++)
        if (web_add_option(c, "kinds", organisation_kind_name(k), text(KINDS[k], c->lang), err) != 0)
            return -1;
    for (size_t i = 0; i < profiles->n; i++)
        if (web_add_option(c, "profiles", profiles->items[i], form_profile_title(profiles->items[i], c->lang),
                           err) != 0)
            return -1;
    return 0;
}

static int show(struct web_call *c, unsigned int status, struct err *err)
{
    if (put_options(c, err) != 0 || put_prices(c, err) != 0 ||
        web_put_inputs(c, "fields", INPUTS, sizeof(INPUTS) / sizeof(INPUTS[0]), NULL, err) != 0 ||
        web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR), err) != 0)
        return -1;
    return web_render(c, "admin_prices", status, err);
}

int page_admin_prices(struct web_call *c, struct err *err)
{
    return show(c, 200, err);
}

/* ---- changing ---- */

struct price {
    enum organisation_kind kind;
    char profile[33];
    int64_t days, fen;
};

static bool known_profile(const struct conf_strs *profiles, const char *name)
{
    for (size_t i = 0; i < profiles->n; i++)
        if (strcmp(profiles->items[i], name) == 0)
            return true;
    return false;
}

static int read_price(struct web_call *c, bool with_amount, struct price *p, struct err *err)
{
    char amount[32], days[16];
    staff_field(c, "amount", amount, sizeof(amount));
    staff_field(c, "validity_days", days, sizeof(days));
    staff_field(c, "profile", p->profile, sizeof(p->profile));
    p->kind = organisation_kind_from_name(web_field(c, "kind"));
    int rc = 0;
    if (p->kind >= ORGANISATION_KIND_COUNT)
        rc = web_error(c, "kind", TEXT_ADMIN_PRICE_KIND_BAD, err);
    if (rc == 0 && with_amount && !known_profile(&c->portal->conf.profiles, p->profile))
        rc = web_error(c, "profile", TEXT_ADMIN_PRICE_PROFILE_BAD, err);
    if (rc == 0 && !admin_number(days, 1, DAYS_MAX, &p->days))
        rc = web_error(c, "validity_days", TEXT_ADMIN_PRICE_DAYS_BAD, err);
    if (rc == 0 && with_amount && !yuan_parse(amount, &p->fen))
        rc = web_error(c, "amount", TEXT_ADMIN_PRICE_AMOUNT_BAD, err);
    return rc;
}

/* "" when there was none. */
static int before(struct web_call *c, const struct price *p, char ret[32], struct err *err)
{
    int64_t fen;
    struct err absent;
    ret[0] = '\0';
    if (price_of(c->db, organisation_kind_name(p->kind), p->profile, p->days, &fen, &absent) == 0)
        yuan_text(fen, ret);
    else if (absent.code != ERR_NOT_FOUND) {
        *err = absent;
        return -1;
    }
    return 0;
}

int page_admin_prices_post(struct web_call *c, struct err *err)
{
    struct price p = {0};
    char was[32], is[32] = "", subject[128];
    const bool away = strcmp(web_field(c, "action"), "delete") == 0;
    if (read_price(c, !away, &p, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show(c, 422, err);
    const char *kind = organisation_kind_name(p.kind);
    if (before(c, &p, was, err) != 0)
        return -1;
    int rc =
        away ? db_exec(c->db, PSQL_PRICE_DELETE, DB_ARGS(DB_TEXT(kind), DB_TEXT(p.profile), DB_INT(p.days)),
                       NULL, err)
             : db_exec(c->db, PSQL_PRICE_PUT,
                       DB_ARGS(DB_TEXT(kind), DB_TEXT(p.profile), DB_INT(p.days), DB_INT(p.fen)), NULL, err);
    if (rc != 0)
        return -1;
    if (!away)
        yuan_text(p.fen, is);
    snprintf(subject, sizeof(subject), "%s/%s/%" PRId64, kind, p.profile, p.days);
    if (strcmp(was, is) != 0 && admin_audit(c, "price", subject, was, is, err) != 0)
        return -1;
    return admin_done(c, TEXT_ADMIN_SAVED, "/admin/prices", err);
}
