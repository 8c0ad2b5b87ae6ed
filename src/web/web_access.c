/* Who may do what: the table of pages, the state of the session, the owner of an application. */
#include <string.h>

#include "base/log.h"
#include "web/web_request.h"

static bool done(struct web_call *c, int rc, const struct err *err)
{
    if (rc != 0) {
        log_err(err, "pages: %s", c->page->name);
        web_refuse(c, web_status_of(err->code), err->code);
    }
    return false;
}

static bool refused(struct web_call *c, unsigned int status)
{
    web_refuse(c, status, ERR_NONE);
    return false;
}

/* ---- not logged in */

static int put_percent(struct buf *b, const char *s, const char *plain, struct err *err)
{
    static const char UNRESERVED[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~";
    for (; *s; s++)
        if (strchr(UNRESERVED, *s) || strchr(plain, *s)
                ? buf_put(b, s, 1, err) != 0
                : buf_printf(b, err, "%%%02X", (unsigned char)*s) != 0)
            return -1;
    return 0;
}

/* Where to go after logging in: this page; of a POST without a page to it, the page that it was sent from. */
static int put_next(const struct web_call *c, struct buf *b, struct err *err)
{
    bool many;
    const struct web_request *r = c->request;
    const char *referer = server_header(r->request, "Referer", &many), *path = r->request->path;
    if (c->post && c->page->readers == PAGE_NOBODY) {
        const char *host = referer ? strstr(referer, "://") : NULL;
        path = host ? strchr(host + 3, '/') : NULL;
        return buf_put_str(b, path && web_path_ok(path) ? path : "/workbench", err);
    }
    if (buf_put_str(b, path, err) != 0)
        return -1;
    for (size_t i = 0; i < r->query.n && !c->post; i++)
        if (buf_put_str(b, i == 0 ? "?" : "&", err) != 0 ||
            put_percent(b, r->query.fields[i].name, "", err) != 0 || buf_put_str(b, "=", err) != 0 ||
            put_percent(b, (const char *)r->query.fields[i].value.data, "", err) != 0)
            return -1;
    return 0;
}

static void keep_form(struct web_call *c)
{
    struct err err;
    char token[ACCOUNT_TOKEN_SIZE], account[UUID_SIZE] = "";
    struct web_request *r = c->request;
    if (!c->post || !(c->page->flags & PAGE_KEEP) || c->htmx || r->form.n == 0)
        return;
    if (r->sid)
        account_session_owner(c->db, r->sid, account, &err);
    if (kept_put(r->web->kept, c->now, r->request->path, account, &r->form, token, &err) != 0)
        log_err(&err, "pages: form of an ended session");
    else
        web_cookie_set(c, "kept", token, (int)(KEPT_MS / 1000));
}

static bool to_login(struct web_call *c)
{
    struct err err;
    struct buf next, sent;
    buf_init(&next);
    buf_init(&sent);
    int rc = put_next(c, &next, &err);
    if (rc == 0 &&
        (!buf_cstr(&next) || put_percent(&sent, buf_cstr(&next), "/", &err) != 0 || !buf_cstr(&sent)))
        rc = err_set(&err, ERR_MEMORY, "next");
    keep_form(c);
    if (rc == 0)
        rc = sent.len < 1500 ? web_redirect(c, &err, "/login?next=%s", buf_cstr(&sent))
                             : web_redirect(c, &err, "/login");
    buf_done(&next);
    buf_done(&sent);
    return done(c, rc, &err);
}

/* ---- the session's state */

static bool needs_code(const struct web_call *c)
{
    return !c->session.second_factor && c->page != &pages[PAGE_LOGIN_CODE] &&
           c->page != &pages[PAGE_LOGOUT] && c->page != &pages[PAGE_LANGUAGE];
}

static bool needs_totp(const struct web_call *c)
{
    return web_is(c, ROLE_STAFF) && !c->user.has_totp && c->page != &pages[PAGE_TOTP] &&
           c->page != &pages[PAGE_LOGOUT] && c->page != &pages[PAGE_LANGUAGE];
}

static bool may(const struct web_call *c)
{
    unsigned int who = c->post ? c->page->writers : c->page->readers;
    if (who & PAGE_PUBLIC)
        return true;
    if (who & PAGE_USER)
        return *c->user.id != '\0';
    return web_is(c, who);
}

static bool check_user(struct web_call *c)
{
    struct err err;
    if (*c->user.id && needs_code(c))
        return done(c, web_redirect(c, &err, "/login/code"), &err);
    if (*c->user.id && c->session.second_factor && needs_totp(c))
        return done(c, web_redirect(c, &err, "/account/totp"), &err);
    if (may(c))
        return true;
    return *c->user.id ? refused(c, 403) : to_login(c);
}

/* ---- the application */

static bool check_application(struct web_call *c, const char *id)
{
    struct err err;
    if (portal_application_get(c->db, id, &c->application, &err) != 0) {
        if (err.code != ERR_NOT_FOUND)
            return done(c, -1, &err);
        return refused(c, 404);
    }
    if (web_is(c, ROLE_STAFF))
        return true;
    bool own = *c->user.organisation && strcmp(c->application.owner, c->user.organisation) == 0;
    return own ? true : refused(c, 404);
}

bool web_access(struct web_call *c)
{
    char id[41];
    memcpy(id, c->application.id, sizeof(id)); /* as the path has it; then replaced by the record */
    return check_user(c) && (!*id || check_application(c, id));
}
