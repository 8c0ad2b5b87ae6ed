#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "web/static_files.h"
#include "web/template_parse.h"
#include "web/web_request.h"

static const struct {
    enum err_code code;
    unsigned int status;
} STATUS[] = {
    {ERR_NOT_FOUND, 404},   {ERR_REFUSED, 403},   {ERR_PERMISSION, 403}, {ERR_CONFLICT, 409},
    {ERR_WRONG_STATE, 409}, {ERR_EXISTS, 409},    {ERR_FIELD, 422},      {ERR_IDENTIFIER, 422},
    {ERR_PROFILE, 422},     {ERR_TOO_LARGE, 413}, {ERR_RATE, 429},       {ERR_DB_BUSY, 503},
    {ERR_DISK_FULL, 503},   {ERR_MEMORY, 503},    {ERR_STOPPED, 503},
};

unsigned int web_status_of(enum err_code code)
{
    for (size_t i = 0; i < sizeof(STATUS) / sizeof(STATUS[0]); i++)
        if (STATUS[i].code == code)
            return STATUS[i].status;
    return 500;
}

/* What a status is called, and what it means to the reader. */
static const struct refusal {
    unsigned int status;
    enum text_id title, sentence; /* sentence 0: the error code's own */
} REFUSALS[] = {
    {400, TEXT_WEB_BAD_TITLE, TEXT_WEB_BAD},
    {403, TEXT_WEB_FORBIDDEN_TITLE, TEXT_WEB_FORBIDDEN},
    {404, TEXT_WEB_NOT_FOUND_TITLE, TEXT_WEB_NOT_FOUND},
    {405, TEXT_WEB_METHOD_TITLE, TEXT_WEB_METHOD},
    {409, TEXT_WEB_CONFLICT_TITLE, TEXT_WEB_CONFLICT},
    {413, TEXT_WEB_LARGE_TITLE, TEXT_WEB_LARGE},
    {415, TEXT_WEB_BAD_TITLE, TEXT_WEB_BAD},
    {422, TEXT_WEB_FIELD_TITLE, TEXT_WEB_FIELD},
    {429, TEXT_WEB_RATE_TITLE, TEXT_WEB_RATE},
    {503, TEXT_WEB_BUSY_TITLE, TEXT_WEB_BUSY},
    {500, TEXT_WEB_FAILED_TITLE, TEXT_WEB_FAILED}, /* and everything else */
};
#define N_REFUSALS (sizeof(REFUSALS) / sizeof(REFUSALS[0]))

static const struct refusal *refusal_of(unsigned int status)
{
    size_t i = 0;
    while (i + 1 < N_REFUSALS && REFUSALS[i].status != status)
        i++;
    return &REFUSALS[i];
}

/* ---- in the layout */

/* What the error's code says is for whoever caused it; trouble of the portal's own is told in the visitor's
 * words. */
static void put_sentence(const struct web_call *c, const struct refusal *refusal, enum err_code code,
                         char *ret, size_t cap)
{
    if (code != ERR_NONE && refusal->status < 500)
        snprintf(ret, cap, "%s %s", err_sentence(code, c->lang), err_remedy(code, c->lang));
    else
        snprintf(ret, cap, "%s", text(refusal->sentence, c->lang));
}

static int render_refusal(struct web_call *c, unsigned int status, enum err_code code, struct err *err)
{
    const struct refusal *refusal = refusal_of(status);
    char sentence[600], number[12];
    snprintf(number, sizeof(number), "%u", status);
    put_sentence(c, refusal, code, sentence, sizeof(sentence));
    json_object_clear(json_object_get(c->ctx, "errors"));
    json_array_clear(json_object_get(c->ctx, "error_list"));
    if (web_set_text(c, "title", template_text_name(refusal->title), err) != 0 ||
        web_set(c, "result",
                json_pack("{s:s, s:s, s:s}", "kind", status == 404 ? "info" : "error", "title", number,
                          "text", sentence),
                err) != 0)
        return -1;
    return web_render(c, "error", status, err);
}

void web_refuse(struct web_call *c, unsigned int status, enum err_code code)
{
    struct web_request *r = c->request;
    struct err err;
    server_answer_reset(r->answer);
    r->answered = false;
    if (r->pre == r->new_pre)
        r->pre = NULL; /* its cookie went with the answer */
    if (c->db && render_refusal(c, status, code, &err) == 0)
        return;
    if (c->db)
        log_err(&err, "pages: %s: error page", c->page ? c->page->name : "no page");
    web_refuse_bare(r->web, status, r->answer);
}

/* ---- without anything */

void web_refuse_bare(const struct web *web, unsigned int status, struct server_answer *answer)
{
    const struct refusal *refusal = refusal_of(status);
    struct err err;
    server_answer_reset(answer);
    answer->status = status;
    json_t *context =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "status", (int)status, "build", static_build(),
                  "title_zh", text(refusal->title, LANG_ZH), "title_en", text(refusal->title, LANG_EN),
                  "text_zh", text(refusal->sentence, LANG_ZH), "text_en", text(refusal->sentence, LANG_EN));
    if (!context || template_render(web->templates, "refused", context, LANG_ZH, &answer->body, &err) != 0)
        buf_reset(&answer->body);
    json_decref(context);
    struct web_request request = {.web = web, .answer = answer};
    struct web_call c = {.request = &request};
    server_answer_header(answer, "Content-Type", "text/html; charset=utf-8");
    web_headers(&c, WEB_HEADERS_PAGE);
}
