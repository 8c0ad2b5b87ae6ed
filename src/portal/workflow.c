/* Drafts: begun, and filled in. */
#include "portal/workflow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "domain/plain_text.h"
#include "domain/uscc.h"
#include "portal/list.h"
#include "portal/notice.h"
#include "portal/number.h"
#include "portal/workflow_rules.h"

#define NUMBER_TRIES 8
#define VALUE_MAX    2048 /* bytes of one typed value; what it may hold is form_check's to say */

int workflow_in_progress(struct db *db, const char *organisation, char ret_id[41], struct err *err)
{
    struct db_rows *rows = NULL;
    ret_id[0] = '\0';
    if (db_query(db, PSQL_IN_PROGRESS, DB_ARGS(DB_TEXT(organisation)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    if (r == 1)
        snprintf(ret_id, 41, "%.40s", db_col_text(rows, 0));
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

/* ---- what is taken out of a form
 * ------------------------------------------------------------------------------ */

static void cut(const char *value, char *ret, size_t cap)
{
    size_t n = strnlen(value, cap - 1);
    memcpy(ret, value, n);
    ret[n] = '\0';
    utf8_scrub(ret);
}

void form_columns(const json_t *form, struct form_columns *ret)
{
    const char *profile = form_value(form, "profile"), *days = form_value(form, "validity_days"),
               *method = form_value(form, "delivery_method");
    cut(form_value(form, "name"), ret->organisation, sizeof(ret->organisation));
    cut(form_value(form, "identifier"), ret->identifier, sizeof(ret->identifier));
    cut(plain_id_ok(profile, sizeof(ret->profile) - 1) ? profile : "", ret->profile, sizeof(ret->profile));
    ret->validity_days = *days && strspn(days, "0123456789") == strlen(days) && strlen(days) <= 5
                             ? strtoll(days, NULL, 10)
                             : 0;
    bool known = strcmp(method, delivery_method_name(DELIVERY_MAIL)) == 0 ||
                 strcmp(method, delivery_method_name(DELIVERY_PICKUP)) == 0;
    ret->delivery_method = known ? method : NULL;
}

int form_text(const json_t *form, char **ret, struct err *err)
{
    struct buf b;
    buf_init(&b);
    int rc = json_canonical(form, &b, err);
    *ret = rc == 0 ? strndup((const char *)b.data, b.len) : NULL;
    buf_done(&b);
    return rc != 0 || *ret ? rc : err_set(err, ERR_MEMORY, "form");
}

int form_name_organisation(struct db *db, const char *organisation, json_t *form, struct err *err)
{
    const char *name = form_value(form, "name"), *identifier = form_value(form, "identifier");
    struct account_organisation o;
    struct err ignored;
    if (account_organisation_get(db, organisation, &o, err) != 0)
        return -1;
    bool has_uscc = strcmp(o.identifier_kind, "USCC") == 0;
    const char *uscc = !has_uscc && uscc_check(identifier, &ignored) == 0 ? identifier : "";
    if (account_organisation_name(db, organisation, name, uscc, &o, err) != 0)
        return -1;
    if (*identifier)
        return 0;
    return json_object_set_new(form, "identifier", json_string(o.identifier)) == 0
               ? 0
               : err_set(err, ERR_MEMORY, "form");
}

/* ---- a new draft
 * --------------------------------------------------------------------------------------------- */

static int refuse_another(const struct act *act, const char *organisation, struct err *err)
{
    char other[41];
    if (workflow_in_progress(act->db, organisation, other, err) != 0)
        return -1;
    if (*other)
        return err_set(err, ERR_EXISTS, "application %s: it is in progress; one at a time", other);
    return 0;
}

static int check_terms(const struct act *act, int64_t terms, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(act->db, PSQL_TERMS_PRESENT, DB_NO_ARGS, &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    int64_t present = r == 1 ? db_col_int(rows, 0) : 0;
    db_rows_free(&rows);
    if (r < 0)
        return -1;
    if (present == 0 || terms != present)
        return err_set(err, ERR_CONFLICT, "the terms in force are version %lld, not %lld", (long long)present,
                       (long long)terms);
    return 0;
}

static int new_number(const struct act *act, char ret_id[41], struct err *err)
{
    for (int i = 0; i < NUMBER_TRIES; i++) {
        struct portal_application taken;
        struct err why;
        number_new("CA", "-", act->now, 8, ret_id, 41);
        if (portal_application_get(act->db, ret_id, &taken, &why) == 0)
            continue;
        if (why.code == ERR_NOT_FOUND)
            return 0;
        *err = why;
        return -1;
    }
    return err_set(err, ERR_INTERNAL, "no free number was found for an application");
}

/* What the account knows. */
static int first_form(const struct act *act, const struct account_user *user, json_t **ret, struct err *err)
{
    struct account_organisation o;
    if (account_organisation_get(act->db, user->organisation, &o, err) != 0)
        return -1;
    json_t *form = json_object();
    const char *const values[][2] = {{"name", o.name},
                                     {"identifier", o.identifier},
                                     {"delivery_name", user->name},
                                     {"delivery_phone", user->mobile}};
    bool bad = !form;
    for (size_t i = 0; !bad && i < sizeof(values) / sizeof(values[0]); i++)
        bad = *values[i][1] && json_object_set_new(form, values[i][0], json_string(values[i][1])) != 0;
    if (bad) {
        json_decref(form);
        return err_set(err, ERR_MEMORY, "form");
    }
    *ret = form;
    return o.kind == ORGANISATION_INSTITUTION && *o.name && !*o.identifier
               ? form_name_organisation(act->db, o.id, form, err)
               : 0;
}

static int insert_draft(const struct act *act, const struct account_user *user, const char *id,
                        const json_t *form, struct err *err)
{
    struct form_columns columns;
    char *text = NULL;
    form_columns(form, &columns);
    if (form_text(form, &text, err) != 0)
        return -1;
    int rc = db_exec(act->db, PSQL_DRAFT_INSERT,
                     DB_ARGS(DB_TEXT(id), DB_TEXT(application_state_name(APPLICATION_DRAFT)),
                             DB_TEXT(user->organisation), DB_TEXT(user->id), DB_INT(act->now), DB_TEXT(text),
                             DB_TEXT(columns.organisation), DB_TEXT(columns.identifier)),
                     NULL, err);
    free(text);
    if (rc != 0 && err->code == ERR_CONFLICT)
        return err_set(err, ERR_EXISTS, "an application of this organisation is in progress; one at a time");
    return rc;
}

int act_draft(const struct act *act, const struct account_user *user, int64_t terms, const char *address,
              char ret_id[41], struct err *err)
{
    json_t *form = NULL;
    char id[41];
    const struct portal_event event = {.application = id,
                                       .who = act->who,
                                       .what = application_event_name(APPLICATION_CREATE),
                                       .to_state = application_state_name(APPLICATION_DRAFT)};
    if (!(user->roles & ROLE_APPLICANT) || !*user->organisation)
        return err_set(err, ERR_REFUSED, "only an organisation applies");
    int rc = -1;
    if (refuse_another(act, user->organisation, err) == 0 && check_terms(act, terms, err) == 0 &&
        new_number(act, id, err) == 0 && first_form(act, user, &form, err) == 0 &&
        insert_draft(act, user, id, form, err) == 0 &&
        db_exec(act->db, PSQL_AGREEMENT_INSERT,
                DB_ARGS(DB_TEXT(id), DB_INT(terms), DB_TEXT(user->id), DB_TEXT(address), DB_INT(act->now)),
                NULL, err) == 0 &&
        list_index(act->db, id, err) == 0 && portal_event_add(act->db, act->now, &event, err) == 0 &&
        notice_of_event(act->db, act->now, id, APPLICATION_CREATE, NULL, err) == 0) {
        memcpy(ret_id, id, sizeof(id));
        rc = 0;
    }
    json_decref(form);
    return rc;
}

/* ---- what is typed
 * ------------------------------------------------------------------------------------------- */

/* *ret_named: the organisation's name or identifier is another now. */
static int merge(json_t *form, const json_t *changes, bool *ret_named, bool *ret_changed, struct err *err)
{
    const char *key;
    json_t *value;
    *ret_named = *ret_changed = false;
    json_object_foreach((json_t *)changes, key, value)
    {
        const char *typed = json_string_value(value);
        if (!form_field(key))
            return err_set(err, ERR_FIELD, "%.40s: the form has no such field", key);
        if (!typed || strlen(typed) != json_string_length(value) || strlen(typed) > VALUE_MAX)
            return err_set(err, ERR_FIELD, "%s: it must be a text of at most %d bytes", key, VALUE_MAX);
        if (strcmp(typed, form_value(form, key)) == 0)
            continue;
        *ret_changed = true;
        *ret_named |= strcmp(key, "name") == 0 || strcmp(key, "identifier") == 0;
        if (json_object_set(form, key, value) != 0)
            return err_set(err, ERR_MEMORY, "form");
    }
    return 0;
}

/* What cannot be the organisation's yet is kept all the same, as it was typed: form_check names it,
 * act_submit refuses it. */
static int try_name(struct db *db, const char *organisation, json_t *form, struct err *err)
{
    struct err why;
    if (!*form_value(form, "name") || form_name_organisation(db, organisation, form, &why) == 0)
        return 0;
    if (why.code == ERR_FIELD || why.code == ERR_IDENTIFIER || why.code == ERR_EXISTS)
        return 0;
    *err = why;
    return -1;
}

static int store_form(const struct act *act, const char *id, const json_t *form, struct err *err)
{
    struct form_columns c;
    char *text = NULL;
    int64_t changes = 0;
    form_columns(form, &c);
    if (form_text(form, &text, err) != 0)
        return -1;
    int rc = db_exec(act->db, PSQL_FORM_SAVE,
                     DB_ARGS(DB_TEXT(id), DB_TEXT(text), DB_TEXT(c.organisation), DB_TEXT(c.identifier),
                             DB_TEXT(c.profile), DB_INT(c.validity_days), DB_TEXT(c.delivery_method),
                             DB_INT(act->now)),
                     &changes, err);
    free(text);
    if (rc == 0 && changes != 1)
        return err_set(err, ERR_CONFLICT, "application %s: it was changed at the same time", id);
    return rc;
}

int act_form_save(const struct act *act, const char *id, const json_t *changes, struct err *err)
{
    struct portal_application row;
    json_t *form = NULL;
    bool named, changed;
    if (portal_application_get(act->db, id, &row, err) != 0)
        return -1;
    enum application_state s = application_state_from_name(row.state);
    if (s != APPLICATION_DRAFT && s != APPLICATION_RETURNED)
        return err_set(err, ERR_WRONG_STATE, "application %s: it is %s, its form stands as it is", id,
                       row.state);
    int rc = form_read(act->db, id, &form, err);
    if (rc == 0)
        rc = merge(form, changes, &named, &changed, err);
    if (rc == 0 && changed && named && *row.owner)
        rc = try_name(act->db, row.owner, form, err);
    if (rc == 0 && changed)
        rc = store_form(act, id, form, err);
    if (rc == 0 && changed)
        rc = db_exec(act->db, PSQL_REVIEW_VOID, DB_ARGS(DB_TEXT(id)), NULL, err);
    if (rc == 0 && changed && named)
        rc = list_index(act->db, id, err);
    json_decref(form);
    return rc;
}
