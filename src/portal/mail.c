#include "portal/mail.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/utf8.h"

/* An encoded word is 52 characters of base64 in a frame of 12: "Subject: " fits before it in the 76 of RFC
 * 2047. */
#define WORD_BYTES 39
#define LINE_BYTES 57 /* of a base64 line: 76 characters (RFC 2045) */

int mail_address_check(const char *address, struct err *err)
{
    const char *at = strchr(address, '@');
    size_t len = strlen(address);
    if (len < 3 || len > 64 || !at || at == address || !at[1] || strchr(at + 1, '@'))
        return err_set(err, ERR_FIELD, "e-mail: must be NAME@DOMAIN, at most 64 characters");
    for (const char *p = address; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127 || strchr("()<>,;:\\\"[]", *p))
            return err_set(err, ERR_FIELD, "e-mail: only letters, digits and . _ + - may stand in it");
    return 0;
}

/* ---- the head ---- */

/* How many bytes of s, at most `max`, are whole characters. */
static size_t whole_chars(const char *s, size_t max)
{
    size_t len = strlen(s), n = 0;
    while (n < len) {
        size_t c = utf8_char_len(s + n, len - n);
        c = c ? c : 1;
        if (n + c > max)
            break;
        n += c;
    }
    return n;
}

/* Encoded words of RFC 2047, one a line. */
static int put_words(struct buf *out, const char *s, struct err *err)
{
    for (bool first = true; *s || first; first = false) {
        char piece[WORD_BYTES + 1];
        unsigned char word[64];
        size_t n = whole_chars(s, WORD_BYTES);
        for (size_t i = 0; i < n; i++)
            piece[i] = (unsigned char)s[i] < ' ' || s[i] == 127 ? ' ' : s[i];
        EVP_EncodeBlock(word, (const unsigned char *)piece, (int)n);
        if (buf_printf(out, err, "%s=?UTF-8?B?%s?=", first ? "" : "\r\n ", (const char *)word) != 0)
            return -1;
        s += n;
    }
    return 0;
}

static int put_date(struct buf *out, int64_t ms, struct err *err)
{
    static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(ms / 1000) + 8 * 3600;
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    return buf_printf(out, err, "Date: %s, %d %s %04d %02d:%02d:%02d +0800\r\n", DAYS[tm.tm_wday], tm.tm_mday,
                      MONTHS[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static int put_from(struct buf *out, const struct mail *m, struct err *err)
{
    if (!m->from_name || !*m->from_name)
        return buf_printf(out, err, "From: <%s>\r\n", m->from);
    if (buf_put_str(out, "From: ", err) != 0 || put_words(out, m->from_name, err) != 0)
        return -1;
    return buf_printf(out, err, "\r\n <%s>\r\n", m->from);
}

static int put_head(struct buf *out, const struct mail *m, struct err *err)
{
    if (put_date(out, m->created_at, err) != 0 || put_from(out, m, err) != 0 ||
        buf_printf(out, err, "To: <%s>\r\nSubject: ", m->recipient) != 0 ||
        put_words(out, m->subject, err) != 0)
        return -1;
    return buf_printf(out, err,
                      "\r\nMessage-ID: <%s%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                      "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: %s\r\n\r\n",
                      m->id, strchr(m->from, '@'), m->readable ? "8bit" : "base64");
}

/* ---- the body ---- */

/* The text with the site's address in it, lines ended by CRLF. */
static int put_text(struct buf *out, const char *body, const char *site, struct err *err)
{
    static const char SITE[] = "{site}";
    while (*body) {
        size_t n = strcspn(body, "{\r\n");
        int rc = buf_put(out, body, n, err);
        body += n;
        if (rc == 0 && *body == '\n')
            rc = buf_put_str(out, "\r\n", err);
        else if (rc == 0 && strncmp(body, SITE, sizeof(SITE) - 1) == 0) {
            rc = buf_put_str(out, site, err);
            body += sizeof(SITE) - 2;
        } else if (rc == 0 && *body == '{')
            rc = buf_put_str(out, "{", err);
        if (rc != 0)
            return -1;
        body += *body != '\0';
    }
    return 0;
}

static int put_base64(struct buf *out, const struct buf *text, struct err *err)
{
    for (size_t at = 0; at < text->len; at += LINE_BYTES) {
        unsigned char line[80];
        size_t n = text->len - at < LINE_BYTES ? text->len - at : LINE_BYTES;
        EVP_EncodeBlock(line, text->data + at, (int)n);
        if (buf_printf(out, err, "%s\r\n", (const char *)line) != 0)
            return -1;
    }
    return 0;
}

int mail_message(const struct mail *m, struct buf *out, struct err *err)
{
    struct buf text;
    int rc = -1;
    if (mail_address_check(m->recipient, err) != 0 || mail_address_check(m->from, err) != 0)
        return -1;
    buf_init_secret(&text); /* may have a one-time link */
    if (put_head(out, m, err) == 0 && put_text(&text, m->body, m->site, err) == 0)
        rc = m->readable ? buf_put(out, text.data, text.len, err) : put_base64(out, &text, err);
    buf_done(&text);
    return rc;
}

void mail_file_name(const struct mail *m, char ret[160])
{
    time_t seconds = (time_t)(m->created_at / 1000) + 8 * 3600;
    struct tm tm = {0};
    char when[32], who[65];
    gmtime_r(&seconds, &tm);
    strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
    snprintf(who, sizeof(who), "%s", m->recipient);
    for (char *p = who; *p; p++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_+@", *p))
            *p = '_';
    if (who[0] == '.')
        who[0] = '_';
    size_t len = strlen(m->id);
    snprintf(ret, 160, "%s-%s-%s.eml", when, who, len > 12 ? m->id + len - 12 : m->id);
}
