#include "web/admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int admin_audit(struct web_call *c, const char *what, const char *subject, const char *before,
                const char *after, struct err *err)
{
    struct buf detail;
    buf_init(&detail);
    int rc = buf_printf(&detail, err, "%s → %s", *before ? before : "—", *after ? after : "—");
    if (rc == 0)
        rc = account_audit(c->db, c->now, c->act.who, what, subject, buf_cstr(&detail), err);
    buf_done(&detail);
    return rc;
}

int admin_done(struct web_call *c, enum text_id said, const char *path, struct err *err)
{
    if (web_flash(c, said, err) != 0)
        return -1;
    return web_redirect(c, err, "%s", path);
}

int admin_list(struct web_call *c, const char *key, json_t **ret_borrowed, struct err *err)
{
    json_t *list = json_array();
    if (web_set(c, key, list, err) != 0)
        return -1;
    *ret_borrowed = list;
    return 0;
}

int admin_append(json_t *list, json_t *row_stolen, struct err *err)
{
    return json_array_append_new(list, row_stolen) == 0 ? 0 : err_set(err, ERR_MEMORY, "list");
}

void admin_after(const struct web_call *c, struct admin_after *ret)
{
    const char *text = web_query(c, "after");
    char *end = NULL;
    *ret = (struct admin_after){.at = INT64_MAX};
    int64_t at = strtoll(text, &end, 10);
    if (end == text || *end != '_' || at <= 0 || strlen(end + 1) >= sizeof(ret->id))
        return;
    ret->at = at;
    snprintf(ret->id, sizeof(ret->id), "%s", end + 1);
}

int admin_pager(struct web_call *c, const char *path, const char *filter, const struct admin_after *last,
                bool more, struct err *err)
{
    char next[512] = "", first[512] = "";
    const char *and = *filter ? "&" : "";
    if (more)
        snprintf(next, sizeof(next), "%s?%s%safter=%" PRId64 "_%s", path, filter, and, last->at, last->id);
    if (*web_query(c, "after"))
        snprintf(first, sizeof(first), "%s%s%s", path, *filter ? "?" : "", filter);
    if (web_set_text(c, "next_url", next, err) != 0)
        return -1;
    return web_set_text(c, "first_url", first, err);
}

bool admin_number(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    size_t len = strlen(text);
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return false;
    *ret = strtoll(text, NULL, 10);
    return *ret >= min && *ret <= max;
}
