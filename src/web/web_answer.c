#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "web/web_request.h"

#define CSP_PAGE                                                                                             \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "          \
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
/* Bytes that somebody sent: nothing in them may run or load, even when a browser shows them. A PDF viewer
 * does not start in a sandbox. */
#define CSP_FOREIGN "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
#define CSP_FOREIGN_PDF                                                                                      \
    "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"

void web_headers(struct web_call *c, enum web_headers kind)
{
    struct server_answer *a = c->request->answer;
    static const char *const POLICIES[] = {[WEB_HEADERS_PAGE] = CSP_PAGE "'none'",
                                           [WEB_HEADERS_FOREIGN] = CSP_FOREIGN,
                                           [WEB_HEADERS_FOREIGN_PDF] = CSP_FOREIGN_PDF};
    server_answer_header(a, "Content-Security-Policy", POLICIES[kind]);
    server_answer_header(a, "X-Content-Type-Options", "nosniff");
    server_answer_header(a, "X-Frame-Options", kind == WEB_HEADERS_PAGE ? "DENY" : "SAMEORIGIN");
    server_answer_header(a, "Referrer-Policy", "same-origin");
    server_answer_header(a, "Cross-Origin-Opener-Policy", "same-origin");
    server_answer_header(a, "Cross-Origin-Resource-Policy", "same-origin");
    server_answer_header(a, "Permissions-Policy", "camera=(), geolocation=(), microphone=(), usb=()");
    server_answer_header(a, "Cache-Control", "no-store");
    if (c->request->web->https)
        server_answer_header(a, "Strict-Transport-Security", "max-age=31536000");
}

static int begin(struct web_call *c, unsigned int status, struct err *err)
{
    if (c->request->answered)
        return err_set(err, ERR_INTERNAL, "%s: two answers", c->page ? c->page->name : "");
    c->request->answered = true;
    c->request->answer->status = status;
    return 0;
}

/* A flash is shown once, and a cookie that is read is taken back. */
static void end_flash(struct web_call *c)
{
    if (c->request->flash < TEXT_COUNT)
        web_cookie_set(c, "flash", "", 0);
}

int web_render(struct web_call *c, const char *template, unsigned int status, struct err *err)
{
    struct web_request *r = c->request;
    if (web_context_fill(c, err) != 0 || buf_reserve(&r->answer->body, 16384, err) != 0 ||
        template_render(r->web->templates, template, c->ctx, c->lang, &r->answer->body, err) != 0)
        return -1;
    if (begin(c, status, err) != 0)
        return -1;
    end_flash(c);
    server_answer_header(r->answer, "Content-Type", "text/html; charset=utf-8");
    web_headers(c, WEB_HEADERS_PAGE);
    return 0;
}

void web_retry_after(struct web_call *c, int64_t seconds)
{
    char value[24];
    snprintf(value, sizeof(value), "%lld", (long long)seconds);
    server_answer_header(c->request->answer, "Retry-After", value);
}

/* htmx would follow a redirect by itself and put another page's HTML into this one. */
int web_redirect(struct web_call *c, struct err *err, const char *fmt, ...)
{
    char path[2048];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= sizeof(path) || !web_path_ok(path))
        return err_set(err, ERR_INTERNAL, "redirect to what is no path of this site: %.100s", path);
    if (begin(c, c->htmx ? 200 : 303, err) != 0)
        return -1;
    server_answer_header(c->request->answer, c->htmx ? "HX-Redirect" : "Location", path);
    web_headers(c, WEB_HEADERS_PAGE);
    return 0;
}

int web_nothing(struct web_call *c, struct err *err)
{
    if (begin(c, 204, err) != 0)
        return -1;
    web_headers(c, WEB_HEADERS_PAGE);
    return 0;
}

/* ---- files */

/* RFC 6266, 4.3, appendix D; RFC 8187: a plain name for old programs, and the real one. */
static int put_disposition(struct buf *b, const char *name, struct err *err)
{
    static const char PLAIN[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._";
    if (buf_put_str(b, "attachment; filename=\"", err) != 0)
        return -1;
    for (const char *s = name; *s; s++) {
        bool plain = strchr(PLAIN, *s) != NULL;
        if ((plain || ((unsigned char)*s & 0xc0) != 0x80) && buf_put(b, plain ? s : "_", 1, err) != 0)
            return -1;
    }
    if (buf_put_str(b, "\"; filename*=UTF-8''", err) != 0)
        return -1;
    for (const char *s = name; *s; s++)
        if (strchr(PLAIN, *s) ? buf_put(b, s, 1, err) != 0
                              : buf_printf(b, err, "%%%02X", (unsigned char)*s) != 0)
            return -1;
    return buf_cstr(b) ? 0 : err_set(err, ERR_MEMORY, "file name");
}

int web_send(struct web_call *c, const char *media_type, const char *name, const void *data, size_t len,
             unsigned int flags, struct err *err)
{
    struct server_answer *a = c->request->answer;
    struct buf disposition;
    bool pdf = strcmp(media_type, "application/pdf") == 0;
    buf_init(&disposition);
    int rc = name ? put_disposition(&disposition, name, err) : buf_put_str(&disposition, "inline", err);
    if (rc == 0)
        rc = buf_put(&a->body, data, len, err);
    if (rc == 0)
        rc = begin(c, 200, err);
    if (rc == 0) {
        server_answer_header(a, "Content-Type", media_type);
        server_answer_header(a, "Content-Disposition", buf_cstr(&disposition));
        web_headers(c, !(flags & WEB_SEND_FOREIGN) ? WEB_HEADERS_PAGE
                       : pdf                       ? WEB_HEADERS_FOREIGN_PDF
                                                   : WEB_HEADERS_FOREIGN);
    }
    buf_done(&disposition);
    return rc;
}
