/* The settings of setting.def, all in one form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/promise.h"
#include "portal/setting.h"
#include "web/admin.h"
#include "web/input.h"

#define LONG_TEXT 100 /* from so many characters on in several lines */

/* What stands in the form now: as it was typed, with LF for CRLF and nothing at its ends. */
static void typed(const struct web_call *c, const char *key, char ret[SETTING_VALUE_MAX])
{
    const char *value = web_field(c, key);
    size_t n = 0;
    value += strspn(value, " \r\n\t");
    for (; *value && n + 1 < SETTING_VALUE_MAX; value++)
        if (*value != '\r')
            ret[n++] = *value;
    while (n > 0 && strchr(" \n\t", ret[n - 1]))
        n--;
    ret[n] = '\0';
}

static int put_setting(struct web_call *c, const struct setting *s, struct err *err)
{
    char value[SETTING_VALUE_MAX];
    const struct web_input input = {.name = s->key,
                                    .kind = s->kind == SETTING_TEXT && s->max > LONG_TEXT ? INPUT_TEXTAREA
                                                                                          : INPUT_TEXT,
                                    .required = s->kind == SETTING_NUMBER,
                                    .maxlength = s->kind == SETTING_NUMBER ? 5 : (int)s->max};
    if (c->post)
        typed(c, s->key, value);
    else if (setting_get(c->db, s->key, s->first, value, sizeof(value), err) != 0)
        return -1;
    return web_put_input(c, "fields", &input, s->title[c->lang], s->help[c->lang], value, err);
}

static int show(struct web_call *c, unsigned int status, struct err *err)
{
    for (size_t i = 0; i < n_settings; i++)
        if (put_setting(c, &settings[i], err) != 0)
            return -1;
    if (web_set_bool(c, "may_change", web_is(c, ROLE_ADMINISTRATOR), err) != 0)
        return -1;
    return web_render(c, "admin_settings", status, err);
}

int page_admin_settings(struct web_call *c, struct err *err)
{
    return show(c, 200, err);
}

static int check_all(struct web_call *c, struct err *err)
{
    for (size_t i = 0; i < n_settings; i++) {
        char value[SETTING_VALUE_MAX];
        struct err why;
        typed(c, settings[i].key, value);
        if (setting_check(&settings[i], value, &why) != 0 &&
            web_error(c, settings[i].key,
                      settings[i].kind == SETTING_NUMBER ? TEXT_ADMIN_SETTING_NUMBER
                                                         : TEXT_ADMIN_SETTING_TEXT,
                      err) != 0)
            return -1;
    }
    return 0;
}

/* Only what is another now. A field that was not sent is left alone. */
static int save(struct web_call *c, const struct setting *s, struct err *err)
{
    char before[SETTING_VALUE_MAX], after[SETTING_VALUE_MAX];
    typed(c, s->key, after);
    if (setting_get(c->db, s->key, s->first, before, sizeof(before), err) != 0)
        return -1;
    if (strcmp(before, after) == 0)
        return 0;
    if (setting_set(c->db, s->key, after, err) != 0)
        return -1;
    return admin_audit(c, "setting", s->key, before, after, err);
}

int page_admin_settings_post(struct web_call *c, struct err *err)
{
    if (check_all(c, err) != 0)
        return -1;
    if (web_has_errors(c))
        return show(c, 422, err);
    for (size_t i = 0; i < n_settings; i++)
        if (save(c, &settings[i], err) != 0)
            return -1;
    return admin_done(c, TEXT_ADMIN_SAVED, "/admin/settings", err);
}
