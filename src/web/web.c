/* The dispatcher: from a request to its page, and to the page's answer. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "web/static_files.h"
#include "web/web_request.h"
#include "web/web_site.h"

/* ---- language */

/* RFC 9110, 12.5.4, as far as two languages need it: the first of the two that is named. */
static enum lang accepted(const struct server_request *request)
{
    bool many;
    const char *s = server_header(request, "Accept-Language", &many);
    for (; s && *s; s += strcspn(s, ","), s += *s == ',') {
        s += strspn(s, " \t");
        if (strncasecmp(s, "zh", 2) == 0)
            return LANG_ZH;
        if (strncasecmp(s, "en", 2) == 0)
            return LANG_EN;
    }
    return LANG_ZH;
}

static enum lang choose_lang(const struct web_call *c)
{
    char name[32];
    const struct web_request *r = c->request;
    const char *cookie = server_cookie(r->request, web_cookie_name(r->web, "lang", name));
    if (cookie && (strcmp(cookie, "en") == 0 || strcmp(cookie, "zh") == 0))
        return *cookie == 'e' ? LANG_EN : LANG_ZH;
    return *c->user.id ? c->user.lang : accepted(r->request);
}

/* ---- steps; false: the answer is made */

static bool find_session(struct web_call *c)
{
    struct err err;
    struct web_request *r = c->request;
    web_cookies_read(c);
    if (r->sid && account_session_find(c->db, c->now, r->sid, &c->session, &c->user, &err) != 0) {
        memset(&c->session, 0, sizeof(c->session));
        memset(&c->user, 0, sizeof(c->user));
        if (err.code != ERR_NOT_FOUND) {
            log_err(&err, "pages: session");
            web_refuse(c, web_status_of(err.code), err.code);
            return false;
        }
    }
    c->lang = choose_lang(c);
    if (*c->user.id)
        snprintf(r->who, sizeof(r->who), "user:%s", c->user.email);
    return true;
}

static bool check_method(struct web_call *c)
{
    const char *method = c->request->request->method;
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    c->post = strcmp(method, "POST") == 0;
    if ((reads && c->page->get != page_none) || (c->post && c->page->post != page_none))
        return true;
    web_refuse(c, 405, ERR_NONE);
    server_answer_header(c->request->answer, "Allow",
                         c->page->get == page_none    ? "POST"
                         : c->page->post == page_none ? "GET, HEAD"
                                                      : "GET, HEAD, POST");
    return false;
}

static bool read_form(struct web_call *c)
{
    struct web_request *r = c->request;
    const char *detail = "";
    enum problem problem = server_form_query(r->request, &r->query, &detail);
    if (problem == PROBLEM_NONE && c->post)
        problem = server_form_read(r->request, c->page->flags & PAGE_UPLOAD ? 1 : 0, &r->form, &detail);
    server_drop_body(r->request);
    if (problem == PROBLEM_NONE)
        return true;
    log_debug("pages: %s: %s", c->page->name, detail);
    web_refuse(c, problem_status(problem), ERR_NONE);
    return false;
}

static bool check_origin(struct web_call *c)
{
    if (!c->post || (web_origin_right(c) && web_csrf_right(c, web_field(c, "csrf"))))
        return true;
    /* not the path: there may be a one-time link in it */
    log_info("pages: %s: a form without its token, or from another site", c->page->name);
    web_refuse(c, 403, ERR_NONE);
    return false;
}

/* What was typed before the session ended stands in the form again. */
static void take_kept(struct web_call *c)
{
    char name[32];
    struct web_request *r = c->request;
    if (c->post || !(c->page->flags & PAGE_KEEP))
        return;
    const char *token = server_cookie(r->request, web_cookie_name(r->web, "kept", name));
    r->kept = token && kept_take(r->web->kept, c->now, token, r->request->path, c->user.id, &r->form);
    if (r->kept) {
        web_cookie_set(c, "kept", "", 0);
        r->flash = TEXT_WEB_KEPT;
    }
}

/* ---- the page */

static int run_page(struct web_call *c, struct err *err)
{
    bool transaction = c->post && !(c->page->flags & PAGE_OWN_TRANSACTION);
    if (transaction && db_begin(c->db, err) != 0)
        return -1;
    int rc = c->post ? c->page->post(c, err) : c->page->get(c, err);
    if (transaction && rc == 0)
        rc = db_commit(c->db, err);
    if (db_in_transaction(c->db))
        db_rollback(c->db);
    if (rc == 0 && !c->request->answered)
        rc = err_set(err, ERR_INTERNAL, "the page has no answer");
    return rc;
}

static void answer_page(struct web_call *c)
{
    struct err err = {0};
    if (run_page(c, &err) == 0)
        return;
    unsigned int status = web_status_of(err.code);
    if (status >= 500)
        log_err(&err, "pages: %s", c->page->name);
    else
        log_debug("pages: %s: %s", c->page->name, err.text);
    web_refuse(c, status, err.code);
}

static void dispatch(struct web_call *c)
{
    char application[41];
    struct web_request *r = c->request;
    enum page_id id = web_find_page(r->request->path, application, c->param);
    if (!find_session(c))
        return;
    if (id == PAGE_COUNT) {
        web_refuse(c, 404, ERR_NONE);
        return;
    }
    c->page = &pages[id];
    memcpy(c->application.id, application, sizeof(application));
    if (!check_method(c) || !read_form(c) || !check_origin(c) || !web_access(c))
        return;
    take_kept(c);
    answer_page(c);
}

static bool start_call(struct web_call *c)
{
    struct err err;
    bool many;
    struct web_request *r = c->request;
    const char *htmx = server_header(r->request, "HX-Request", &many);
    c->portal = r->web->portal;
    c->now = clock_utc_ms();
    c->htmx = htmx && strcmp(htmx, "true") == 0;
    c->lang = accepted(r->request);
    c->address = r->request->address;
    c->ctx = json_pack("{s:{}, s:[]}", "errors", "error_list");
    if (!c->ctx)
        err_set(&err, ERR_MEMORY, "context");
    if (!c->ctx || portal_db(c->portal, &c->db, &err) != 0) {
        log_err(&err, "pages");
        web_refuse_bare(r->web, web_status_of(err.code), r->answer);
        return false;
    }
    c->act = (struct act){.db = c->db, .now = c->now, .who = r->who};
    return true;
}

static void handle(const struct server_request *request, struct server_answer *answer, void *arg)
{
    struct web_request r = {.web = arg, .request = request, .answer = answer, .flash = TEXT_COUNT};
    struct web_call c = {.request = &r};
    if (start_call(&c))
        dispatch(&c);
    json_decref(c.ctx);
    server_form_free(&r.form);
    server_form_free(&r.query);
    explicit_bzero(r.new_pre, sizeof(r.new_pre));
}

/* ---- what needs no session: in the listener's thread */

static bool quick(const struct server_request *request, struct server_answer *answer, void *arg)
{
    char application[41];
    struct err err;
    struct web_request r = {.web = arg, .request = request, .answer = answer, .flash = TEXT_COUNT};
    struct web_call c = {.request = &r};
    enum page_id id = web_find_page(request->path, application, c.param);
    if (id == PAGE_COUNT || !(pages[id].flags & PAGE_STATIC) ||
        (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0))
        return false;
    c.page = &pages[id];
    c.portal = r.web->portal;
    if (pages[id].get(&c, &err) != 0)
        web_refuse_bare(r.web, web_status_of(err.code), answer);
    return true;
}

static void refuse(enum problem problem, const char *detail, struct server_answer *answer, void *arg)
{
    (void)detail;
    web_refuse_bare(arg, problem_status(problem), answer);
}

static size_t body_max(const char *method, const char *path, void *arg)
{
    const struct web *web = arg;
    char application[41], param[WEB_PARAM_MAX + 1];
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return 0;
    enum page_id id = web_find_page(path, application, param);
    return id < PAGE_COUNT && (pages[id].flags & PAGE_UPLOAD) ? (size_t)web->portal->conf.pages.upload_max
                                                              : SERVER_LARGE;
}

void web_site(struct web *web, struct server_site *ret)
{
    *ret = (struct server_site){.name = "pages",
                                .handle = handle,
                                .refuse = refuse,
                                .quick = quick,
                                .body_max = body_max,
                                .arg = web};
}
