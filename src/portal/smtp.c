#include "portal/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"
#include "portal/mail_conf.h"

#define CONNECT_MS   10000L
#define PASSWORD_MAX 1024
#define ANSWER_MAX   160

struct smtp {
    CURL *easy;
    struct buf password;
    char from[72];
    const _Atomic int64_t *stop_by;
    const struct buf *message; /* under way */
    size_t read;
    char reason[CURL_ERROR_SIZE];
    char answer[ANSWER_MAX]; /* the server's last refusal, in its own words */
};

static const struct {
    CURLcode outcome;
    enum err_code code;
} MEANINGS[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE},
    {CURLE_COULDNT_CONNECT, ERR_UNREACHABLE},
    {CURLE_RECV_ERROR, ERR_UNREACHABLE},
    {CURLE_GOT_NOTHING, ERR_UNREACHABLE},
    {CURLE_WEIRD_SERVER_REPLY, ERR_UNREACHABLE},
    {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
    {CURLE_ABORTED_BY_CALLBACK, ERR_STOPPED},
    {CURLE_LOGIN_DENIED, ERR_PERMISSION},
    {CURLE_USE_SSL_FAILED, ERR_TLS},
    {CURLE_SSL_CONNECT_ERROR, ERR_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_TLS},
    {CURLE_SSL_CACERT_BADFILE, ERR_TLS},
    {CURLE_SSL_CIPHER, ERR_TLS},
    {CURLE_OUT_OF_MEMORY, ERR_MEMORY},
};

/* ---- what curl asks for and tells ---- */

static size_t give(char *to, size_t size, size_t n, void *arg)
{
    struct smtp *s = arg;
    size_t left = s->message->len - s->read, most = size * n;
    size_t len = left < most ? left : most;
    if (len > 0)
        memcpy(to, s->message->data + s->read, len);
    s->read += len;
    return len;
}

/* A line from the server: of those that refuse, the last is kept. */
static size_t hear(char *line, size_t size, size_t n, void *arg)
{
    struct smtp *s = arg;
    size_t len = size * n;
    if (len > 3 && (line[0] == '4' || line[0] == '5')) {
        snprintf(s->answer, sizeof(s->answer), "%.*s", (int)(len < ANSWER_MAX ? len : ANSWER_MAX - 1), line);
        s->answer[strcspn(s->answer, "\r\n")] = '\0';
        utf8_scrub(s->answer);
    }
    return len;
}

static int over(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct smtp *s = arg;
    (void)a, (void)b, (void)c, (void)d;
    int64_t by = s->stop_by ? atomic_load(s->stop_by) : 0;
    return by != 0 && clock_mono_ms() >= by;
}

static size_t swallow(char *data, size_t size, size_t n, void *arg)
{
    (void)data, (void)arg;
    return size * n;
}

/* ---- opening ---- */

#define SET(option, value) (rc = rc == CURLE_OK ? curl_easy_setopt(s->easy, option, value) : rc)

static CURLcode set_tls(struct smtp *s, const struct portal_conf *conf)
{
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_USE_SSL, (long)(mail_conf_needs_tls(conf) ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (conf->mail.ca[0]) {
        SET(CURLOPT_CAINFO, conf->mail.ca);
        SET(CURLOPT_CAPATH, NULL);
    }
    return rc;
}

static CURLcode set_rest(struct smtp *s, const struct portal_conf *conf)
{
    CURLcode rc = CURLE_OK;
    const long ms = (long)conf->mail.timeout_seconds * 1000;
    SET(CURLOPT_URL, conf->mail.url);
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, ms < CONNECT_MS ? ms : CONNECT_MS);
    SET(CURLOPT_ERRORBUFFER, s->reason);
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_MAIL_FROM, s->from);
    SET(CURLOPT_READFUNCTION, give);
    SET(CURLOPT_READDATA, s);
    SET(CURLOPT_WRITEFUNCTION, swallow);
    SET(CURLOPT_HEADERFUNCTION, hear);
    SET(CURLOPT_HEADERDATA, s);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, over);
    SET(CURLOPT_XFERINFODATA, s);
    if (conf->mail.user[0]) {
        SET(CURLOPT_USERNAME, conf->mail.user);
        SET(CURLOPT_PASSWORD, buf_cstr(&s->password));
    }
    return rc;
}

static int read_password(struct smtp *s, const char *path, struct err *err)
{
    if (!*path)
        return 0;
    if (file_check_owner(path, true, err) != 0 || file_read(path, PASSWORD_MAX, &s->password, err) != 0)
        return err_prepend(err, "mail.password_file");
    while (s->password.len > 0 && strchr("\r\n", s->password.data[s->password.len - 1]))
        s->password.len--;
    return 0;
}

int smtp_open(struct smtp **ret, const struct portal_conf *conf, const _Atomic int64_t *stop_by,
              struct err *err)
{
    struct smtp *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, ERR_MEMORY, "mail");
    buf_init_secret(&s->password);
    s->stop_by = stop_by;
    snprintf(s->from, sizeof(s->from), "<%s>", conf->mail.from);
    if (read_password(s, conf->mail.password_file, err) != 0) {
        smtp_close(&s);
        return -1;
    }
    s->easy = curl_easy_init();
    if (!s->easy || set_tls(s, conf) != CURLE_OK || set_rest(s, conf) != CURLE_OK) {
        smtp_close(&s);
        return err_set(err, ERR_MEMORY, "mail: libcurl does not start");
    }
    *ret = s;
    return 0;
}

void smtp_close(struct smtp **smtp)
{
    struct smtp *s = *smtp;
    if (!s)
        return;
    curl_easy_cleanup(s->easy);
    buf_done(&s->password);
    free(s);
    *smtp = NULL;
}

/* ---- sending ---- */

static int failed(const struct smtp *s, CURLcode outcome, struct err *err)
{
    const char *why = s->reason[0] ? s->reason : curl_easy_strerror(outcome);
    for (size_t i = 0; i < sizeof(MEANINGS) / sizeof(MEANINGS[0]); i++)
        if (MEANINGS[i].outcome == outcome)
            return err_set(err, MEANINGS[i].code, "%s%s%s", why, s->answer[0] ? ": " : "", s->answer);
    return err_set(err, s->answer[0] ? ERR_REFUSED : ERR_UNREACHABLE, "%s", s->answer[0] ? s->answer : why);
}

int smtp_send(struct smtp *s, const char *recipient, const struct buf *message, struct err *err)
{
    char to[72];
    snprintf(to, sizeof(to), "<%s>", recipient);
    struct curl_slist *list = curl_slist_append(NULL, to);
    if (!list)
        return err_set(err, ERR_MEMORY, "mail");
    s->message = message;
    s->read = 0;
    s->reason[0] = s->answer[0] = '\0';
    CURLcode outcome = curl_easy_setopt(s->easy, CURLOPT_MAIL_RCPT, list);
    if (outcome == CURLE_OK)
        outcome = curl_easy_perform(s->easy);
    curl_easy_setopt(s->easy, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(list);
    s->message = NULL;
    return outcome == CURLE_OK ? 0 : failed(s, outcome, err);
}
