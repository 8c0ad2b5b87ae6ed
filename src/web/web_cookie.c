#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "portal/account_row.h"
#include "web/template_parse.h"
#include "web/web_request.h"
#include "web/web_token.h"

/* ---- cookies */

const char *web_cookie_name(const struct web *web, const char *name, char ret[32])
{
    snprintf(ret, 32, "%s%s", web->https ? "__Host-" : "", name); /* RFC 6265bis, 4.1.3.2 */
    return ret;
}

void web_cookie_set(struct web_call *c, const char *name, const char *value, int max_age)
{
    char full[32], age[32] = "", text[256];
    const struct web *web = c->request->web;
    if (max_age >= 0)
        snprintf(age, sizeof(age), "; Max-Age=%d", max_age);
    snprintf(text, sizeof(text), "%s=%s; Path=/; HttpOnly; SameSite=Lax%s%s",
             web_cookie_name(web, name, full), value, web->https ? "; Secure" : "", age);
    server_answer_header(c->request->answer, "Set-Cookie", text);
    explicit_bzero(text, sizeof(text));
}

static const char *read_token(const struct web_request *r, const char *name)
{
    char full[32];
    const char *value = server_cookie(r->request, web_cookie_name(r->web, name, full));
    return value && web_token_ok(value) ? value : NULL;
}

void web_cookies_read(struct web_call *c)
{
    struct web_request *r = c->request;
    char full[32];
    r->sid = read_token(r, "sid");
    r->pre = read_token(r, "pre");
    const char *flash = server_cookie(r->request, web_cookie_name(r->web, "flash", full));
    r->flash = flash ? template_text_id(flash, strlen(flash)) : TEXT_COUNT;
}

int web_session_start(struct web_call *c, const char token[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    (void)err;
    web_cookie_set(c, "sid", token, -1);
    if (c->request->pre)
        web_cookie_set(c, "pre", "", 0);
    return 0;
}

int web_session_end(struct web_call *c, struct err *err)
{
    (void)err;
    web_cookie_set(c, "sid", "", 0);
    return 0;
}

int web_flash(struct web_call *c, enum text_id id, struct err *err)
{
    if ((unsigned int)id >= TEXT_COUNT)
        return err_set(err, ERR_INTERNAL, "flash: no such text");
    web_cookie_set(c, "flash", template_text_name(id), -1);
    c->request->flash = TEXT_COUNT; /* the old one is over */
    return 0;
}

/* ---- form tokens: bound to the cookie, and so to the session */

static const char *token_base(const struct web_request *r)
{
    return r->sid ? r->sid : r->pre;
}

void web_csrf_token(struct web_call *c, char ret[WEB_TOKEN_SIZE])
{
    char hash[SHA256_HEX_SIZE];
    struct web_request *r = c->request;
    if (!token_base(r)) {
        account_token_new(r->new_pre, hash);
        web_cookie_set(c, "pre", r->new_pre, -1);
        r->pre = r->new_pre;
    }
    web_mac(r->web->key, WEB_KEY_SIZE, "csrf", token_base(r), ret);
}

bool web_csrf_right(const struct web_call *c, const char *sent)
{
    char right[WEB_TOKEN_SIZE];
    const char *base = token_base(c->request);
    if (!base || strlen(sent) != WEB_TOKEN_SIZE - 1)
        return false;
    web_mac(c->request->web->key, WEB_KEY_SIZE, "csrf", base, right);
    return web_same(right, sent, WEB_TOKEN_SIZE - 1);
}

/* ---- where a POST comes from */

/* "https://host[:port]" is of this site when it is the public one, or names the Host that the request is for.
 */
static bool origin_is_ours(const struct web_call *c, const char *origin)
{
    const struct web *web = c->request->web;
    bool many;
    if (*web->origin && strcasecmp(origin, web->origin) == 0)
        return true;
    const char *host = server_header(c->request->request, "Host", &many);
    const char *slashes = strstr(origin, "://");
    return host && slashes && strcasecmp(slashes + 3, host) == 0;
}

bool web_origin_right(const struct web_call *c)
{
    bool many = false, many_sites = false;
    const char *origin = server_header(c->request->request, "Origin", &many);
    const char *site = server_header(c->request->request, "Sec-Fetch-Site", &many_sites);
    if (many || many_sites)
        return false;
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    return !origin || origin_is_ours(c, origin);
}
