#include <stdio.h>
#include <string.h>

#include "web/account_web.h"

int account_note(struct web_call *c, const char *email, const char *what, const char *detail, struct err *err)
{
    char who[ACCOUNT_EMAIL_MAX + 8] = "";
    if (*email)
        snprintf(who, sizeof(who), "user:%s", email);
    return account_audit(c->db, c->now, who, what, email, detail, err);
}

bool web_inside(const struct web_call *c)
{
    return c->user.id[0] && c->session.second_factor;
}

bool web_half_way(const struct web_call *c)
{
    return c->user.id[0] && !c->session.second_factor;
}

/* Visible ASCII, and neither "//host" nor "/\host". */
static bool path_ok(const char *path)
{
    if (path[0] != '/' || path[1] == '/' || strlen(path) > 1000)
        return false;
    for (const char *s = path; *s; s++)
        if (*s <= ' ' || *s >= 0x7f || *s == '\\')
            return false;
    return true;
}

const char *web_next(const struct web_call *c)
{
    const char *next = c->post ? web_field(c, "next") : web_query(c, "next");
    return path_ok(next) ? next : "";
}

int web_enter(struct web_call *c, const struct account_user *u, bool second_factor, const char *how,
              char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    if (*c->session.sha256 && account_session_end(c->db, c->session.sha256, err) != 0)
        return -1;
    if (account_session_new(c->db, c->now, u->id, second_factor, c->address, ret_token, err) != 0)
        return -1;
    if (!second_factor)
        return 0;
    return account_logged_in(c->db, c->now, u->id, err) == 0 &&
                   account_note(c, u->email, how, c->address, err) == 0
               ? 0
               : -1;
}

static int redirect_to_code(struct web_call *c, const char *next, struct err *err)
{
    struct buf path;
    buf_init(&path);
    int rc = buf_put_str(&path, "/login/code", err);
    for (const char *s = next; rc == 0 && *s; s++) {
        if (s == next)
            rc = buf_put_str(&path, "?next=", err);
        if (rc == 0)
            rc = buf_printf(&path, err, strchr("?&#%+=", *s) ? "%%%02X" : "%c", (unsigned char)*s);
    }
    if (rc == 0 && !buf_cstr(&path))
        rc = err_set(err, ERR_MEMORY, "path");
    if (rc == 0)
        rc = web_redirect(c, err, "%s", path_ok(buf_cstr(&path)) ? buf_cstr(&path) : "/login/code");
    buf_done(&path);
    return rc;
}

int web_go_on(struct web_call *c, const struct account_user *u, bool second_factor,
              char token[ACCOUNT_TOKEN_SIZE], const char *next, struct err *err)
{
    int rc = web_session_start(c, token, err);
    explicit_bzero(token, ACCOUNT_TOKEN_SIZE);
    if (rc != 0)
        return -1;
    if (!second_factor)
        return redirect_to_code(c, next, err);
    /* Staff without one get no further than to setting it up. */
    bool must = (u->roles & ROLE_STAFF) && !u->has_totp;
    return web_redirect(c, err, "%s", must ? "/account/totp" : *next ? next : "/workbench");
}

int web_say(struct web_call *c, const char *page_title, const char *kind, enum text_id title,
            enum text_id sentence, unsigned int status, struct err *err)
{
    if (web_set_text(c, "title_id", page_title, err) != 0 ||
        web_set(c, "result",
                json_pack("{s:s, s:s, s:s}", "kind", kind, "title", text(title, c->lang), "text",
                          text(sentence, c->lang)),
                err) != 0)
        return -1;
    return web_render(c, "account_say", status, err);
}

int web_link_over(struct web_call *c, enum text_id note, struct err *err)
{
    if (err->code != ERR_NOT_FOUND)
        return -1;
    return web_say(c, "LINK_OVER_TITLE", "warning", TEXT_LINK_OVER, note, 404, err);
}
