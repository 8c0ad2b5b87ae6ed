#include <stdio.h>
#include <string.h>

#include "portal/notice.h"
#include "web/account_web.h"

#define WORDS_MAX 8

static const struct {
    const char *kind;
    enum text_id subject, body;
} MAILS[ACCOUNT_MAIL_COUNT] = {
    [ACCOUNT_MAIL_CHECK] = {"email_check", TEXT_MAIL_CHECK_SUBJECT, TEXT_MAIL_CHECK_BODY},
    [ACCOUNT_MAIL_EXISTS] = {"account_exists", TEXT_MAIL_EXISTS_SUBJECT, TEXT_MAIL_EXISTS_BODY},
    [ACCOUNT_MAIL_USCC_TAKEN] = {"organisation_exists", TEXT_MAIL_USCC_SUBJECT, TEXT_MAIL_USCC_BODY},
    [ACCOUNT_MAIL_INVITATION] = {"invitation", TEXT_MAIL_INVITATION_SUBJECT, TEXT_MAIL_INVITATION_BODY},
    [ACCOUNT_MAIL_INVITED_EXISTS] = {"invited_exists", TEXT_MAIL_INVITED_SUBJECT, TEXT_MAIL_INVITED_BODY},
    [ACCOUNT_MAIL_RESET] = {"password_reset", TEXT_MAIL_RESET_SUBJECT, TEXT_MAIL_RESET_BODY},
    [ACCOUNT_MAIL_PASSWORD] = {"password_changed", TEXT_MAIL_PASSWORD_SUBJECT, TEXT_MAIL_PASSWORD_BODY},
    [ACCOUNT_MAIL_TOTP] = {"totp_changed", TEXT_MAIL_TOTP_SUBJECT, TEXT_MAIL_TOTP_BODY},
};

/* The word that begins at s ("{link}…"); NULL: none of these. */
static const struct account_word *word_at(const char *s, const struct account_word *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(words[i].name);
        if (strncmp(s + 1, words[i].name, len) == 0 && s[1 + len] == '}')
            return &words[i];
    }
    return NULL;
}

int account_fill(struct buf *out, const char *text, const struct account_word *words, size_t n,
                 struct err *err)
{
    while (*text) {
        size_t plain = strcspn(text, "{");
        if (buf_put(out, text, plain, err) != 0)
            return -1;
        text += plain;
        if (*text == '\0')
            break;
        const struct account_word *word = word_at(text, words, n);
        if (!word)
            return err_set(err, ERR_INTERNAL, "text: no value for %.20s", text);
        if (buf_put_str(out, word->value, err) != 0)
            return -1;
        text += strlen(word->name) + 2;
    }
    return 0;
}

int account_mail(struct web_call *c, enum account_mail kind, const char *to, enum lang lang, const char *path,
                 const struct account_word *words, size_t n, struct err *err)
{
    struct account_word all[WORDS_MAX];
    struct buf link, subject, body;
    int rc = -1;
    buf_init(&subject);
    buf_init_secret(&link); /* whoever has it comes in */
    buf_init_secret(&body);
    if (n + 3 > WORDS_MAX) {
        err_set(err, ERR_INTERNAL, "mail: too many words");
        goto out;
    }
    if (buf_printf(&link, err, "%s%s", c->portal->conf.pages.public_url, path) != 0 || !buf_cstr(&link))
        goto out;
    all[0] = (struct account_word){"link", buf_cstr(&link)};
    all[1] = (struct account_word){"site", text(TEXT_SITE_NAME, lang)};
    all[2] = (struct account_word){"email", to};
    for (size_t i = 0; i < n; i++)
        all[3 + i] = words[i];
    if (account_fill(&subject, text(MAILS[kind].subject, lang), all, n + 3, err) == 0 &&
        account_fill(&body, text(MAILS[kind].body, lang), all, n + 3, err) == 0 && buf_cstr(&subject) &&
        buf_cstr(&body))
        rc = mail_put(c->db, c->now, to, buf_cstr(&subject), buf_cstr(&body), MAILS[kind].kind, err);
out:
    buf_done(&body);
    buf_done(&link);
    buf_done(&subject);
    return rc;
}

int account_invite(struct web_call *c, const char *account, const char *organisation, struct err *err)
{
    struct account_user u;
    char token[ACCOUNT_TOKEN_SIZE], path[ACCOUNT_TOKEN_SIZE + 16];
    const struct account_word words[] = {{"organisation", organisation}};
    if (account_by_id(c->db, account, &u, err) != 0 ||
        account_link_new(c->db, c->now, ACCOUNT_LINK_INVITATION, account, token, err) != 0)
        return -1;
    snprintf(path, sizeof(path), "/invitation/%s", token);
    int rc = account_mail(c, ACCOUNT_MAIL_INVITATION, u.email, u.lang, path, words, 1, err);
    explicit_bzero(token, sizeof(token));
    explicit_bzero(path, sizeof(path));
    return rc;
}
