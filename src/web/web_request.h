/* web.c's own: one request while it is handled, and the site that it is of. */
#ifndef CASTATION_WEB_WEB_REQUEST_H
#define CASTATION_WEB_WEB_REQUEST_H

#include "portal/server_form.h"
#include "web/template.h"
#include "web/web.h"
#include "web/web_kept.h"

#define WEB_KEY_SIZE   32
#define WEB_TOKEN_SIZE SHA256_HEX_SIZE /* of forms */

struct web {
    struct portal *portal;
    struct templates *templates;
    struct kept *kept;
    bool https;                /* pages.public_url says so */
    char origin[256];          /* of pages.public_url; "" when it is not set */
    uint8_t key[WEB_KEY_SIZE]; /* of form tokens; the site's, for ever */
};

struct web_request {
    const struct web *web;
    const struct server_request *request;
    struct server_answer *answer;
    struct server_form form, query;
    char who[ACCOUNT_EMAIL_MAX + 8];
    const char *sid, *pre; /* cookies as sent, when they look right; otherwise NULL */
    char new_pre[ACCOUNT_TOKEN_SIZE];
    enum text_id flash;  /* that the cookie brought; TEXT_COUNT: none */
    bool answered, kept; /* kept: the form was sent before the session ended, and is shown again */
    struct web_file file;
};

/* ---- web_cookie.c */
const char *web_cookie_name(const struct web *web, const char *name, char ret[32]); /* __Host-… over https */
/* Lives as long as the browser when max_age is -1, is taken back when 0. */
void web_cookie_set(struct web_call *c, const char *name, const char *value, int max_age);
void web_cookies_read(struct web_call *c);
/* The form token of this browser. It makes the visitor's cookie when there is none yet. */
void web_csrf_token(struct web_call *c, char ret[WEB_TOKEN_SIZE]);
bool web_csrf_right(const struct web_call *c, const char *sent);
/* Origin and Sec-Fetch-Site of a POST: false when another site sent it. */
bool web_origin_right(const struct web_call *c);

/* ---- web_path.c */
/* The page of a path, with what stands in the braces. PAGE_COUNT: none. */
enum page_id web_find_page(const char *path, char ret_application[41], char ret_param[WEB_PARAM_MAX + 1]);

/* ---- web_context.c */
int web_context_fill(struct web_call *c, struct err *err);
/* ---- web_nav.c: nav, the entry of the navigation that the page belongs to; nav_current, its aria-current */
int web_context_nav(struct web_call *c, struct err *err);

/* ---- web_answer.c */
enum web_headers { WEB_HEADERS_PAGE, WEB_HEADERS_FOREIGN, WEB_HEADERS_FOREIGN_PDF };
void web_headers(struct web_call *c, enum web_headers kind);

/* ---- web_error.c: refusals as pages */
void web_refuse(struct web_call *c, unsigned int status, enum err_code code);
unsigned int web_status_of(enum err_code code);
/* Without a call, a database, a session: both languages, no layout. */
void web_refuse_bare(const struct web *web, unsigned int status, struct server_answer *answer);

/* ---- web_access.c: who may do what */
/* True: go on. Otherwise the answer is made. */
bool web_access(struct web_call *c);

#endif
