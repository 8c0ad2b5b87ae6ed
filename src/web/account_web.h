/* What the pages about accounts share: passwords typed, tries counted, mails with links, where to go on. */
#ifndef CASTATION_WEB_ACCOUNT_WEB_H
#define CASTATION_WEB_ACCOUNT_WEB_H

#include "web/input.h"
#include "web/web.h"

/* The audit's line of what somebody did to an account, or tried; email "": nobody is known. */
int account_note(struct web_call *c, const char *email, const char *what, const char *detail,
                 struct err *err);

/* ---- account_try.c: tries, counted per account and per address */
struct web_try {
    char account[ACCOUNT_EMAIL_MAX + 32], address[128];
    int64_t wait_ms; /* > 0: not now */
};
/* Counts one of `purpose` for `subject` ("" = the address alone), before the password is looked at; in a
 * transaction of its own. Nothing is counted when wait_ms > 0. */
int web_try_begin(struct web_call *c, const char *purpose, const char *subject, struct web_try *ret,
                  struct err *err);
/* It was right: in the caller's transaction. */
int web_try_right(struct web_call *c, const struct web_try *t, struct err *err);
/* The sentence at `field`, and Retry-After; the caller renders its form with status 429. */
int web_try_later(struct web_call *c, const struct web_try *t, const char *field, struct err *err);

/* ---- account_secret.c: passwords as typed */
/* Into locked memory; ERR_TOO_LARGE over ACCOUNT_PASSWORD_MAX is told as a wrong password by whoever asked.
 */
int web_secret(const struct web_call *c, const char *field, struct buf *ret, struct err *err);
/* Rules, and both alike ("password", "password_again"): errors at the fields. */
int web_check_new_password(struct web_call *c, const struct account_user *u, const struct buf *password,
                           struct err *err);
/* Of the form's "password". */
int web_hash_new_password(struct web_call *c, const struct account_user *u, char ret_hash[192],
                          struct err *err);
/* *ret_right: the password in `field` is that of the account. */
int web_password_right(struct web_call *c, const char *account, const char *field, bool *ret_right,
                       struct err *err);

/* A code of the second factor, without the spaces that programs show in it; longer ones are cut at 7. */
void web_code(const struct web_call *c, const char *field, char ret[8]);

/* ---- account_mail.c */
struct account_word {
    const char *name, *value; /* replaces {name} */
};
int account_fill(struct buf *out, const char *text, const struct account_word *words, size_t n,
                 struct err *err);
enum account_mail {
    ACCOUNT_MAIL_CHECK,
    ACCOUNT_MAIL_EXISTS,
    ACCOUNT_MAIL_USCC_TAKEN,
    ACCOUNT_MAIL_INVITATION,
    ACCOUNT_MAIL_INVITED_EXISTS,
    ACCOUNT_MAIL_RESET,
    ACCOUNT_MAIL_PASSWORD,
    ACCOUNT_MAIL_TOTP,
    ACCOUNT_MAIL_COUNT
};
/* {link}: this site's address with `path`; {site}: its name; {email}: the recipient. */
int account_mail(struct web_call *c, enum account_mail kind, const char *to, enum lang lang, const char *path,
                 const struct account_word *words, size_t n, struct err *err);
/* A new invitation for an account that has no password yet: link and mail, in the caller's transaction. Also
 * for the administrator's pages. `organisation`: whose, as the invited one reads it. */
int account_invite(struct web_call *c, const char *account, const char *organisation, struct err *err);

/* ---- account_entry.c: into a session */
bool web_inside(const struct web_call *c);   /* logged in, with everything that it takes */
bool web_half_way(const struct web_call *c); /* the password was right; the second factor is to come */
/* What `next` may be: a path of this site; otherwise "". */
const char *web_next(const struct web_call *c);
/* A new session in the place of the present one; in the caller's transaction, which has to be the end of it.
 */
int web_enter(struct web_call *c, const struct account_user *u, bool second_factor, const char *how,
              char ret_token[ACCOUNT_TOKEN_SIZE], struct err *err);
/* After the commit: the cookie, and on to where this account goes now. `next` may be "". */
int web_go_on(struct web_call *c, const struct account_user *u, bool second_factor,
              char token[ACCOUNT_TOKEN_SIZE], const char *next, struct err *err);
/* A page that says one thing: kind "success", "info", "warning" or "error". */
int web_say(struct web_call *c, const char *page_title, const char *kind, enum text_id title,
            enum text_id sentence, unsigned int status, struct err *err);
/* After a link that was not to be had: ERR_NOT_FOUND becomes a page, everything else stays what it is. */
int web_link_over(struct web_call *c, enum text_id note, struct err *err);

/* ---- account_qr.c */
/* ctx.qr = {size, path}: the modules as an SVG path. */
int web_put_qr(struct web_call *c, const char *content, struct err *err);

#endif
