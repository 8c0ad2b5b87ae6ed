#include <stdio.h>
#include <string.h>
#include <time.h>

#include "portal/notice.h"
#include "web/template_parse.h"
#include "web/static_files.h"
#include "web/web_request.h"

/* ---- setting names */

int web_set(struct web_call *c, const char *key, json_t *value, struct err *err)
{
    if (!value || json_object_set_new(c->ctx, key, value) != 0)
        return err_set(err, ERR_MEMORY, "context: %s", key);
    return 0;
}

int web_set_text(struct web_call *c, const char *key, const char *value, struct err *err)
{
    return web_set(c, key, json_string(value), err);
}

int web_set_int(struct web_call *c, const char *key, int64_t value, struct err *err)
{
    return web_set(c, key, json_integer(value), err);
}

int web_set_bool(struct web_call *c, const char *key, bool value, struct err *err)
{
    return web_set(c, key, json_boolean(value), err);
}

void web_time_text(int64_t ms, char ret[20])
{
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000 + 8 * 3600); /* Asia/Shanghai has no summer time */
    *ret = '\0';
    if (ms == 0 || !gmtime_r(&seconds, &tm) || strftime(ret, 20, "%Y-%m-%d %H:%M", &tm) == 0)
        *ret = '\0';
}

int web_set_time(struct web_call *c, const char *key, int64_t ms, struct err *err)
{
    char shown[20];
    web_time_text(ms, shown);
    return web_set_text(c, key, shown, err);
}

/* ---- errors of a form: by field, and as a list in the order in which they were found */

int web_error_text(struct web_call *c, const char *field, const char *sentence, struct err *err)
{
    json_t *errors = json_object_get(c->ctx, "errors"), *list = json_object_get(c->ctx, "error_list");
    if (json_object_get(errors, field))
        return 0; /* the first is the one that is said */
    if (json_object_set_new(errors, field, json_string(sentence)) != 0 ||
        json_array_append_new(list, json_pack("{s:s, s:s}", "field", field, "text", sentence)) != 0)
        return err_set(err, ERR_MEMORY, "errors: %s", field);
    return 0;
}

int web_error(struct web_call *c, const char *field, enum text_id id, struct err *err)
{
    return web_error_text(c, field, text(id, c->lang), err);
}

bool web_has_errors(const struct web_call *c)
{
    return json_object_size(json_object_get(c->ctx, "errors")) > 0;
}

/* ---- what stands on every page */

static int set_user(struct web_call *c, struct err *err)
{
    struct account_organisation organisation = {0};
    bool inside = *c->user.id && c->session.second_factor;
    if (!inside)
        return web_set(c, "user", json_null(), err);
    if (*c->user.organisation &&
        account_organisation_get(c->db, c->user.organisation, &organisation, err) != 0)
        return -1;
    return web_set(c, "user",
                   json_pack("{s:s, s:s, s:s, s:s}", "id", c->user.id, "name", c->user.name, "email",
                             c->user.email, "organisation_name", organisation.name),
                   err);
}

static int set_roles(struct web_call *c, struct err *err)
{
    json_t *roles = json_object();
    bool inside = *c->user.id && c->session.second_factor;
    for (unsigned int bit = 1; roles && bit <= ROLE_ADMINISTRATOR; bit <<= 1)
        if (json_object_set_new(roles, role_name(bit), json_boolean(inside && web_is(c, bit))) != 0) {
            json_decref(roles);
            roles = NULL;
        }
    return web_set(c, "roles", roles, err);
}

static int set_unread(struct web_call *c, struct err *err)
{
    int64_t unread = 0;
    if (*c->user.id && c->session.second_factor && notice_unread(c->db, c->user.id, &unread, err) != 0)
        return -1;
    return web_set_int(c, "unread", unread, err);
}

/* What tells that something was not done is no success. */
static const char *flash_kind(enum text_id flash)
{
    static const enum text_id WARNINGS[] = {
        TEXT_WEB_KEPT,
        TEXT_FORM_NOT_EDITABLE,
        TEXT_FORM_SUBMITTED_ALREADY,
        TEXT_WITHDRAW_CANNOT,
        TEXT_APPLY_TERMS_CHANGED,
        TEXT_CERTIFICATES_UNDER_WAY,
        TEXT_STAFF_HANDOVER_OTHER,
    };
    for (size_t i = 0; i < sizeof(WARNINGS) / sizeof(WARNINGS[0]); i++)
        if (WARNINGS[i] == flash)
            return "warning";
    return "success";
}

int web_context_fill(struct web_call *c, struct err *err)
{
    char token[WEB_TOKEN_SIZE];
    struct web_request *r = c->request;
    const char *flash = r->flash < TEXT_COUNT ? template_text_name(r->flash) : "";
    web_csrf_token(c, token);
    if (web_set_text(c, "lang", c->lang == LANG_EN ? "en" : "zh-CN", err) != 0 ||
        web_set_text(c, "page", c->page ? c->page->name : "", err) != 0 ||
        web_set_text(c, "csrf", token, err) != 0 || web_set_text(c, "path", r->request->path, err) != 0 ||
        web_set_text(c, "flash", flash, err) != 0 ||
        web_set_text(c, "flash_kind", flash_kind(r->flash), err) != 0 ||
        web_set_text(c, "build", static_build(), err) != 0)
        return -1;
    return set_user(c, err) == 0 && set_roles(c, err) == 0 && set_unread(c, err) == 0 &&
                   web_context_nav(c, err) == 0
               ? 0
               : -1;
}
