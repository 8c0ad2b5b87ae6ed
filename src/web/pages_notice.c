/* Notices: the list, all read, and one that leads to its application. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "portal/notice.h"
#include "web/admin.h"

/* [{…, url, at, lines: [text]}] of what notice_list gave. */
static int put_words(json_t *notice, struct err *err)
{
    char url[80], at[20];
    const char *body = json_str(notice, "body");
    json_t *lines = json_array();
    snprintf(url, sizeof(url), "/notices/%s", json_str(notice, "id"));
    web_time_text(json_int(notice, "created_at"), at);
    for (size_t len; lines && *body; body += len + (body[len] != '\0')) {
        len = strcspn(body, "\n");
        if (json_array_append_new(lines, json_stringn(body, len)) != 0)
            break;
    }
    if (json_object_set_new(notice, "lines", lines) != 0 ||
        json_object_set_new(notice, "url", json_string(url)) != 0 ||
        json_object_set_new(notice, "at", json_string(at)) != 0)
        return err_set(err, ERR_MEMORY, "notices");
    return 0;
}

int page_notices(struct web_call *c, struct err *err)
{
    struct admin_after after, last = {0};
    json_t *list = NULL;
    int rc = 0;
    admin_after(c, &after);
    if (notice_list(c->db, c->user.id, c->lang, after.at == INT64_MAX ? 0 : after.at, after.id,
                    ADMIN_PAGE + 1, &list, err) != 0)
        return -1;
    const bool more = json_array_size(list) > ADMIN_PAGE;
    if (more)
        json_array_remove(list, ADMIN_PAGE);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        json_t *notice = json_array_get(list, i);
        last.at = json_int(notice, "created_at");
        snprintf(last.id, sizeof(last.id), "%s", json_str(notice, "id"));
        rc = put_words(notice, err);
    }
    if (rc != 0) {
        json_decref(list);
        return -1;
    }
    if (web_set(c, "notices", list, err) != 0 || admin_pager(c, "/notices", "", &last, more, err) != 0)
        return -1;
    return web_render(c, "notices", 200, err);
}

int page_notices_post(struct web_call *c, struct err *err)
{
    if (notice_read(c->db, c->now, c->user.id, "all", err) != 0)
        return -1;
    return admin_done(c, TEXT_NOTICES_ALL_READ, "/notices", err);
}

/* Seen, and on to what it tells of. */
int page_notice(struct web_call *c, struct err *err)
{
    char application[41];
    if (notice_application(c->db, c->user.id, c->param, application, err) != 0 ||
        notice_read(c->db, c->now, c->user.id, c->param, err) != 0)
        return -1;
    return application[0] ? web_redirect(c, err, "/applications/%s", application)
                          : web_redirect(c, err, "/notices");
}
