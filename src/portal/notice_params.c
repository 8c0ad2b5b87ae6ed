#include "portal/notice_params.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "domain/workday.h"
#include "portal/carrier.h"
#include "portal/form.h"
#include "portal/material.h"
#include "portal/promise.h"
#include "store/portal_store.h"

#define NOTHING "—"

static int put(json_t *params, const char *name, const char *value, struct err *err)
{
    if (json_object_set_new(params, name, json_string(value && *value ? value : NOTHING)) == 0)
        return 0;
    return err_set(err, ERR_MEMORY, "notice: %s", name);
}

/* 0 = no row; 1 = one, which stands until rows are freed. */
static int one_row(struct db *db, enum portal_sql statement, const char *key, struct db_rows **ret,
                   struct err *err)
{
    if (db_query(db, (int)statement, DB_ARGS(DB_TEXT(key)), ret, err) != 0)
        return -1;
    return db_next(*ret, err);
}

/* ---- from the application's own row ---- */

static int put_due(json_t *params, int64_t due, struct err *err)
{
    char day[11] = "";
    if (due > 0)
        workday_text(workday_of(due - 1), day); /* it ends with its day: 24:00 */
    return put(params, "due", day, err);
}

static int put_application(json_t *params, const struct portal_application *a, enum lang lang,
                           struct err *err)
{
    char url[64];
    snprintf(url, sizeof(url), "/applications/%s", a->id);
    if (put(params, "application", a->id, err) != 0 ||
        put(params, "organisation", a->organisation, err) != 0 || put(params, "url", url, err) != 0 ||
        put(params, "carrier", carrier_title(a->carrier, lang), err) != 0 ||
        put(params, "number", a->tracking_number, err) != 0 || put(params, "station", a->station, err) != 0)
        return -1;
    return put_due(params, a->promise_due, err);
}

/* ---- from the records beside it ---- */

static int put_order(struct db *db, json_t *params, const char *id, bool *ret_refund, struct err *err)
{
    struct db_rows *rows = NULL;
    char amount[32] = "";
    int r = one_row(db, PSQL_NOTICE_ORDER, id, &rows, err);
    if (r == 1)
        snprintf(amount, sizeof(amount), "%" PRId64 ".%02" PRId64, db_col_int(rows, 1) / 100,
                 db_col_int(rows, 1) % 100);
    *ret_refund = r == 1 && strcmp(db_col_text(rows, 2), "refund_due") == 0;
    if (r >= 0 && (put(params, "order", r == 1 ? db_col_text(rows, 0) : "", err) != 0 ||
                   put(params, "amount", amount, err) != 0))
        r = -1;
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

static int put_token(struct db *db, json_t *params, const char *id, struct err *err)
{
    struct db_rows *rows = NULL;
    int r = one_row(db, PSQL_NOTICE_TOKEN, id, &rows, err);
    if (r >= 0 && put(params, "token", r == 1 ? db_col_text(rows, 0) : "", err) != 0)
        r = -1;
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

/* The service point that the form names: name, address, hours. */
static int put_point(struct db *db, json_t *params, const char *id, struct err *err)
{
    struct form_point point = {0};
    char where[2048] = "";
    json_t *form = NULL;
    if (form_read(db, id, &form, err) != 0)
        return -1;
    const char *value = form_value(form, "pickup_point");
    int rc = *value ? form_point(db, value, &point, err) : 0;
    json_decref(form);
    if (rc == 0 && point.found)
        snprintf(where, sizeof(where), "%s\n%s\n%s", point.name, point.place, point.hours);
    return rc == 0 ? put(params, "point", where, err) : -1;
}

static int put_address(struct db *db, json_t *params, struct err *err)
{
    char address[1024];
    if (setting_get(db, "paper_address", "", address, sizeof(address), err) != 0)
        return -1;
    return put(params, "address", address, err);
}

/* ---- why: of the last review, or of the last failure ---- */

static const char *label_of(const char *key, enum lang lang)
{
    static const char MATERIAL[] = "material_";
    const struct form_field *field = form_field(key);
    if (field)
        return text(field->label, lang);
    for (size_t i = 0; strncmp(key, MATERIAL, sizeof(MATERIAL) - 1) == 0 && i < material_n_kinds; i++)
        if (strcmp(material_kinds[i].name, key + sizeof(MATERIAL) - 1) == 0)
            return material_kinds[i].title[lang];
    return key;
}

static int list_reasons(const char *reasons, enum lang lang, struct buf *out, struct err *err)
{
    struct err ignored;
    json_t *all = json_parse(reasons, strlen(reasons), &ignored), *why;
    const char *key;
    int rc = 0;
    json_object_foreach(all, key, why)
    {
        if (rc == 0 && json_is_string(why))
            rc = buf_printf(out, err, "%s%s%s%s", out->len ? "\n" : "", label_of(key, lang),
                            lang == LANG_ZH ? "：" : ": ", json_string_value(why));
    }
    json_decref(all);
    return rc;
}

static int put_reason(struct db *db, json_t *params, const struct portal_application *a, enum lang lang,
                      struct err *err)
{
    struct db_rows *rows = NULL;
    struct buf why;
    buf_init(&why);
    int r = 1, rc = -1;
    if (a->fault_code[0])
        rc = buf_printf(&why, err, "%s%s%s", a->fault_code, a->fault_detail[0] ? ": " : "", a->fault_detail);
    else if ((r = one_row(db, PSQL_NOTICE_REVIEW, a->id, &rows, err)) >= 0)
        rc = r == 1 ? list_reasons(db_col_text(rows, 0), lang, &why, err) : 0;
    if (rc == 0 && rows && r == 1 && *db_col_text(rows, 1))
        rc = buf_printf(&why, err, "%s%s", why.len ? "\n" : "", db_col_text(rows, 1));
    if (rc == 0)
        rc = buf_cstr(&why) ? put(params, "reason", buf_cstr(&why), err)
                            : err_set(err, ERR_MEMORY, "notice: reason");
    db_rows_free(&rows);
    buf_done(&why);
    return rc;
}

int notice_params(struct db *db, const char *application, enum lang lang, json_t **ret,
                  struct notice_facts *ret_facts, struct err *err)
{
    struct portal_application a;
    struct notice_facts facts = {0};
    if (portal_application_get(db, application, &a, err) != 0)
        return -1;
    json_t *params = json_object();
    if (!params)
        return err_set(err, ERR_MEMORY, "notice");
    if (put_application(params, &a, lang, err) != 0 || put_order(db, params, a.id, &facts.refund, err) != 0 ||
        put_token(db, params, a.id, err) != 0 || put_point(db, params, a.id, err) != 0 ||
        put_address(db, params, err) != 0 || put_reason(db, params, &a, lang, err) != 0) {
        json_decref(params);
        return -1;
    }
    snprintf(facts.owner, sizeof(facts.owner), "%s", a.owner);
    facts.submitted = a.submitted_at != 0;
    *ret_facts = facts;
    *ret = params;
    return 0;
}
