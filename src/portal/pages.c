/* Pages for people: for now one, which says what is running and how it stands. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "portal/application_state.h"
#include "portal/portal.h"

static const char STYLE[] =
    ":root{color-scheme:light dark;--edge:#d0d7de;--dim:#57606a;--mark:#1559c4}"
    "@media(prefers-color-scheme:dark){:root{--edge:#3d444d;--dim:#9198a1;--mark:#6ea8ff}}"
    "body{margin:0 auto;padding:2rem 1rem;max-width:44rem;line-height:1.6;"
    "font-family:system-ui,\"PingFang SC\",\"Microsoft YaHei\",\"Noto Sans CJK SC\",sans-serif}"
    "h1{font-size:1.5rem;border-bottom:3px solid var(--mark);padding-bottom:.4rem}"
    "section+section{margin-top:2.5rem}table{border-collapse:collapse;min-width:16rem}"
    "th,td{text-align:left;padding:.35rem .75rem;border-bottom:1px solid var(--edge);font-weight:normal}"
    "td{text-align:right;font-variant-numeric:tabular-nums}p{color:var(--dim)}";

static const char CSP[] = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
                          "frame-ancestors 'none'";

static void add_headers(struct server_answer *answer, const char *type)
{
    server_answer_header(answer, "Content-Type", type);
    server_answer_header(answer, "Content-Security-Policy", CSP);
    server_answer_header(answer, "X-Content-Type-Options", "nosniff");
    server_answer_header(answer, "X-Frame-Options", "DENY");
    server_answer_header(answer, "Referrer-Policy", "no-referrer");
    server_answer_header(answer, "Cross-Origin-Opener-Policy", "same-origin");
    server_answer_header(answer, "Cross-Origin-Resource-Policy", "same-origin");
    server_answer_header(answer, "Permissions-Policy", "camera=(), geolocation=(), microphone=(), usb=()");
    server_answer_header(answer, "Cache-Control", "no-store");
}

/* ---- HTML
 * ------------------------------------------------------------------------------------------------------ */

static int put_escaped(struct buf *b, const char *s, struct err *err)
{
    static const char SIGNS[] = "&<>\"'";
    static const char *const NAMES[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    while (*s) {
        size_t plain = strcspn(s, SIGNS);
        if (buf_put(b, s, plain, err) != 0)
            return -1;
        s += plain;
        if (*s && buf_put_str(b, NAMES[strchr(SIGNS, *s) - SIGNS], err) != 0)
            return -1;
        s += *s != '\0';
    }
    return 0;
}

static int put_element(struct buf *b, const char *name, const char *content, struct err *err)
{
    if (buf_printf(b, err, "<%s>", name) != 0 || put_escaped(b, content, err) != 0)
        return -1;
    return buf_printf(b, err, "</%s>\n", name);
}

static int put_begin(struct buf *b, struct err *err)
{
    return buf_put_str(b,
                       "<!doctype html>\n<html lang=\"zh-CN\">\n<head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                       "<meta name=\"renderer\" content=\"webkit\"><title>castation</title>"
                       "<link rel=\"stylesheet\" href=\"/style.css\"></head>\n<body>\n<main>\n",
                       err);
}

static int put_end(struct buf *b, struct err *err)
{
    return buf_put_str(b, "</main>\n</body>\n</html>\n", err);
}

static int put_section_begin(struct buf *b, enum lang lang, enum text_id title, struct err *err)
{
    if (buf_printf(b, err, "<section lang=\"%s\">\n", lang == LANG_ZH ? "zh-CN" : "en") != 0)
        return -1;
    return put_element(b, "h1", text(title, lang), err);
}

/* ---- pages
 * ----------------------------------------------------------------------------------------------------- */

struct counts {
    int64_t n[APPLICATION_STATE_COUNT], total;
};

static void count(const char *state, int64_t n, void *arg)
{
    struct counts *c = arg;
    enum application_state s = application_state_from_name(state);
    if (s < APPLICATION_STATE_COUNT)
        c->n[s] = n;
    c->total += n;
}

static int put_row(struct buf *b, const char *name, int64_t n, struct err *err)
{
    if (buf_put_str(b, "<tr><th scope=\"row\">", err) != 0 || put_escaped(b, name, err) != 0)
        return -1;
    return buf_printf(b, err, "</th><td>%lld</td></tr>\n", (long long)n);
}

static int put_home(struct buf *b, enum lang lang, const struct counts *c, struct err *err)
{
    char version[128];
    snprintf(version, sizeof(version), "%s %s", text(TEXT_PORTAL_VERSION, lang), CASTATION_VERSION);
    if (put_section_begin(b, lang, TEXT_PORTAL_TITLE, err) != 0 || put_element(b, "p", version, err) != 0 ||
        put_element(b, "p", text(TEXT_PORTAL_SCOPE, lang), err) != 0 ||
        put_element(b, "h2", text(TEXT_PORTAL_APPLICATIONS, lang), err) != 0 ||
        buf_put_str(b, "<table>\n", err) != 0)
        return -1;
    for (enum application_state s = 0; s < APPLICATION_STATE_COUNT; s++)
        if (put_row(b, application_state_title(s, lang), c->n[s], err) != 0)
            return -1;
    if (put_row(b, text(TEXT_PORTAL_TOTAL, lang), c->total, err) != 0)
        return -1;
    return buf_put_str(b, "</table>\n</section>\n", err);
}

static int page_home(struct portal *p, struct server_answer *answer, struct err *err)
{
    struct db *db;
    struct counts c = {0};
    struct buf *b = &answer->body;
    if (portal_db(p, &db, err) != 0 || portal_application_counts(db, count, &c, err) != 0 ||
        put_begin(b, err) != 0)
        return -1;
    if (put_home(b, LANG_ZH, &c, err) != 0 || put_home(b, LANG_EN, &c, err) != 0)
        return -1;
    return put_end(b, err);
}

static int page_style(struct portal *p, struct server_answer *answer, struct err *err)
{
    (void)p;
    return buf_put_str(&answer->body, STYLE, err);
}

static const struct {
    const char *path, *type;
    int (*run)(struct portal *p, struct server_answer *answer, struct err *err);
} PAGES[] = {
    {"/", "text/html; charset=utf-8", page_home},
    {"/style.css", "text/css; charset=utf-8", page_style},
};

/* ---- refusals
 * -------------------------------------------------------------------------------------------------- */

static int put_refusal(struct buf *b, enum problem problem, struct err *err)
{
    enum text_id title = problem == PROBLEM_ROUTE ? TEXT_PORTAL_NO_PAGE : TEXT_PORTAL_REFUSED;
    if (put_begin(b, err) != 0)
        return -1;
    for (enum lang lang = LANG_ZH; lang < LANG_COUNT; lang++) {
        char line[96];
        snprintf(line, sizeof(line), "%u %s", problem_status(problem),
                 lang == LANG_EN ? problem_title(problem) : "");
        if (put_section_begin(b, lang, title, err) != 0 || put_element(b, "p", line, err) != 0 ||
            buf_put_str(b, "<p><a href=\"/\">", err) != 0 ||
            put_escaped(b, text(TEXT_PORTAL_HOME, lang), err) != 0 ||
            buf_put_str(b, "</a></p>\n</section>\n", err) != 0)
            return -1;
    }
    return put_end(b, err);
}

static void refuse(enum problem problem, const char *detail, struct server_answer *answer, void *arg)
{
    struct err err;
    (void)arg;
    (void)detail;
    answer->status = problem_status(problem);
    buf_reset(&answer->body);
    if (put_refusal(&answer->body, problem, &err) != 0)
        buf_reset(&answer->body);
    add_headers(answer, "text/html; charset=utf-8");
}

static void handle(const struct server_request *request, struct server_answer *answer, void *arg)
{
    struct err err;
    for (size_t i = 0; i < sizeof(PAGES) / sizeof(PAGES[0]); i++) {
        if (strcmp(PAGES[i].path, request->path) != 0)
            continue;
        if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
            server_answer_header(answer, "Allow", "GET, HEAD");
            refuse(PROBLEM_METHOD, "", answer, arg);
        } else if (PAGES[i].run(arg, answer, &err) != 0) {
            log_err(&err, "pages: %s", request->path);
            refuse(problem_of(err.code), "", answer, arg);
        } else {
            answer->status = 200;
            add_headers(answer, PAGES[i].type);
        }
        return;
    }
    refuse(PROBLEM_ROUTE, "", answer, arg);
}

void pages_site(struct portal *p, struct server_site *ret)
{
    *ret = (struct server_site){.name = "pages", .handle = handle, .refuse = refuse, .arg = p};
}
