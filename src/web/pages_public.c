/* Pages for everybody: the first one, the language, files. */
#include <stdio.h>
#include <string.h>

#include "web/static_files.h"
#include "web/web_request.h"

/* The guide's picture: what happens, and by whom it is done. */
static const struct {
    enum text_id title, who;
} STEPS[] = {
    {TEXT_HOME_STEP_APPLY, TEXT_HOME_BY_APPLICANT}, {TEXT_HOME_STEP_PAY, TEXT_HOME_BY_APPLICANT},
    {TEXT_HOME_STEP_REVIEW, TEXT_HOME_BY_OPERATOR}, {TEXT_HOME_STEP_MAKE, TEXT_HOME_BY_OPERATOR},
    {TEXT_HOME_STEP_MAIL, TEXT_HOME_BY_OPERATOR},
};

int page_home(struct web_call *c, struct err *err)
{
    if (*c->user.id)
        return web_redirect(c, err, "/workbench");
    json_t *steps = json_array();
    for (size_t i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]); i++)
        if (json_array_append_new(steps, json_pack("{s:s, s:s}", "title", text(STEPS[i].title, c->lang),
                                                   "who", text(STEPS[i].who, c->lang))) != 0) {
            json_decref(steps);
            return err_set(err, ERR_MEMORY, "steps");
        }
    if (web_set(c, "guide", steps, err) != 0)
        return -1;
    return web_render(c, "home", 200, err);
}

/* A page that can only be sent to, and was shown in answer: its application's, or the first. */
static int to_what_can_be_read(struct web_call *c, const char *path, struct err *err)
{
    char application[41], param[WEB_PARAM_MAX + 1], plain[256];
    snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(path, "?"), path);
    enum page_id id = web_find_page(plain, application, param);
    if (id == PAGE_COUNT || pages[id].get != page_none)
        return web_redirect(c, err, "%s", path);
    return *application ? web_redirect(c, err, "/applications/%s", application) : web_redirect(c, err, "/");
}

int page_language(struct web_call *c, struct err *err)
{
    bool many;
    const char *referer = server_header(c->request->request, "Referer", &many);
    const char *host = referer ? strstr(referer, "://") : NULL, *path = host ? strchr(host + 3, '/') : NULL;
    if (strcmp(c->param, "zh") != 0 && strcmp(c->param, "en") != 0)
        return err_set(err, ERR_NOT_FOUND, "language");
    web_cookie_set(c, "lang", c->param, 365 * 86400);
    bool good = path && web_path_ok(path) && strncmp(path, "/language/", 10) != 0;
    return to_what_can_be_read(c, good ? path : "/", err);
}

/* "…?v=" names the content: such an answer never grows old. */
int page_static(struct web_call *c, struct err *err)
{
    const struct server_request *request = c->request->request;
    struct server_answer *a = c->request->answer;
    const struct asset *file = static_find(c->param);
    bool many;
    if (!file)
        return err_set(err, ERR_NOT_FOUND, "file");
    const char *known = server_header(request, "If-None-Match", &many);
    c->request->answered = true;
    a->status = known && strcmp(known, static_etag(file)) == 0 ? 304 : 200;
    if (a->status == 200) {
        a->constant = file->data;
        a->constant_len = file->len;
    }
    server_answer_header(a, "Content-Type", file->type);
    server_answer_header(a, "ETag", static_etag(file));
    server_answer_header(a, "Cache-Control",
                         request->has_query ? "public, max-age=31536000, immutable" : "no-cache");
    server_answer_header(a, "X-Content-Type-Options", "nosniff");
    server_answer_header(a, "Cross-Origin-Resource-Policy", "same-origin");
    server_answer_header(a, "Content-Security-Policy", "default-src 'none'; sandbox");
    return 0;
}
