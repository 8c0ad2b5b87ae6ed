/* One request for a page, from its parsing to its answer: what page handlers have at hand.
 *
 * The dispatcher (web.c) does, in this order, before a handler runs: find the page in page.def · the form, bounded ·
 * language · session · roles · CSRF and Origin of a POST · the path's {application} (of the user's own organisation,
 * or any for staff; otherwise 404) · the transaction of a POST (unless PAGE_OWN_TRANSACTION). After it: commit when the
 * handler returned 0, roll back when it returned -1, and then say the error as a page (ERR_NOT_FOUND 404, ERR_REFUSED
 * 403, ERR_CONFLICT and ERR_WRONG_STATE 409, ERR_RATE 429, ERR_DB_BUSY 503, …; user-visible is the code's sentence and
 * remedy, never err.text). A handler that finds the *input* wrong adds errors, renders the form again with what was
 * typed, and returns 0. */
#ifndef CASTATION_WEB_WEB_H
#define CASTATION_WEB_WEB_H

#include <jansson.h>

#include "base/text.h"
#include "portal/account.h"
#include "portal/acts.h"
#include "portal/portal.h"
#include "web/page.h"

#define WEB_PARAM_MAX 64

struct web_file {
    const char *name; /* as the browser sent it: untrusted */
    const void *data;
    size_t len;
};

struct web_call {
    struct portal *portal;
    struct db *db;
    int64_t now; /* Unix ms */
    struct act act;
    const struct page *page;
    bool post, htmx;
    enum lang lang;
    const char *address; /* of the client, numeric: for throttling */
    struct account_user user;   /* id "": nobody is logged in */
    struct account_session session;
    struct portal_application application; /* when the path has {application} */
    char param[WEB_PARAM_MAX + 1];         /* the path's other parameter, as sent: [0-9A-Za-z._~-] only; "" = none */
    json_t *ctx;                           /* for the template */
    struct web_request *request;           /* web.c's own: form, query, answer */
};

/* ---- what came ---- */
const char *web_field(const struct web_call *c, const char *name); /* "" when it was not sent; the first of several */
bool web_has_field(const struct web_call *c, const char *name);
/* Every field, in the order of sending. */
void web_each_field(const struct web_call *c, void (*each)(const char *name, const char *value, void *arg), void *arg);
const struct web_file *web_file(const struct web_call *c, const char *name); /* NULL: none was chosen */
const char *web_query(const struct web_call *c, const char *name);           /* "" when absent */
static inline bool web_is(const struct web_call *c, unsigned int roles) { return (c->user.roles & roles) != 0; }

/* ---- the context ---- */
/* Steals value; a NULL value is ERR_MEMORY, so that json_pack can stand in the call. */
int web_set(struct web_call *c, const char *key, json_t *value, struct err *err);
int web_set_text(struct web_call *c, const char *key, const char *value, struct err *err);
int web_set_int(struct web_call *c, const char *key, int64_t value, struct err *err);
int web_set_bool(struct web_call *c, const char *key, bool value, struct err *err);
/* A UTC instant as Asia/Shanghai text "2026-11-22 09:30"; 0 gives "". */
int web_set_time(struct web_call *c, const char *key, int64_t ms, struct err *err);
void web_time_text(int64_t ms, char ret[20]);

/* Errors of the form: {"errors": {field: sentence}, "error_list": [{field, text}]}; field "" is of none. The layout shows
 * the list, partial "field" each at its input. */
int web_error(struct web_call *c, const char *field, enum text_id text, struct err *err);
int web_error_text(struct web_call *c, const char *field, const char *sentence, struct err *err);
bool web_has_errors(const struct web_call *c);

/* ---- the answer: exactly one of these ---- */
/* The dispatcher adds to the context: lang ("zh-CN"/"en"), page (its name), csrf, path, user {name, email,
 * organisation_name} or null, roles {applicant: bool …}, unread (count), flash ("" or a TEXT id), errors, error_list,
 * build (for "/static/NAME?v={{build}}"). */
int web_render(struct web_call *c, const char *template, unsigned int status, struct err *err);
/* With the answer, of 429: Retry-After. */
void web_retry_after(struct web_call *c, int64_t seconds);
/* 303 to a path of this site. */
int web_redirect(struct web_call *c, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* May be given to web_redirect: a path of this site with its query, as a "next" that came with a request must be. */
bool web_path_ok(const char *path);
/* 204: it is done, and there is nothing to show (autosave). */
int web_nothing(struct web_call *c, struct err *err);
/* The next page shows this sentence once ("Saved."). */
int web_flash(struct web_call *c, enum text_id text, struct err *err);
/* A file: `name` NULL = shown in the page's place (inline), otherwise offered for saving under that name (UTF-8, RFC
 * 6266). Foreign bytes (materials) always go with nosniff and a sandboxing CSP of their own: WEB_SEND_FOREIGN. */
enum web_send_flags { WEB_SEND_FOREIGN = 1 };
int web_send(struct web_call *c, const char *media_type, const char *name, const void *data, size_t len,
             unsigned int flags, struct err *err);
/* Cookies: "sid" and "flash", "lang" are web.c's; a handler sets the session by these. */
int web_session_start(struct web_call *c, const char token[ACCOUNT_TOKEN_SIZE], struct err *err);
int web_session_end(struct web_call *c, struct err *err);

#endif
