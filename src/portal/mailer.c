/* A mail is taken (its next try put off for longer than one try lasts), sent, and marked as sent, each in a
 * transaction of its own. Who dies between the server's "250" and the mark sends it once more, under the same
 * Message-ID; nothing is lost. In a folder its name is its own, so that it is there once whatever happens. */
#include "portal/mailer.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "portal/mail.h"
#include "portal/mail_conf.h"
#include "portal/smtp.h"

#define ROUND_MAX     50
#define GIVE_UP_MS    INT64_C(259200000) /* 3 days */
#define STOP_MS       10000
#define LOOK_MS       1000  /* between two looks into the outbox */
#define CHORES_MS     60000 /* between two rounds of chores */
#define MAIL_FILE_MAX 160

struct mailer {
    struct portal *portal;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* under lock */
    _Atomic int64_t stop_by;
};

/* Before the second try, the third …: multiples of mail.retry_seconds. */
static const int64_t WAITS[] = {1, 5, 15, 60, 180, 360};
#define N_WAITS (int64_t)(sizeof(WAITS) / sizeof(WAITS[0]))

struct taken {
    struct mail mail;
    char *subject, *body;
    int64_t tries;
};

static void taken_done(struct taken *t)
{
    free(t->subject);
    if (t->body)
        explicit_bzero(t->body, strlen(t->body)); /* may have a one-time link */
    free(t->body);
    *t = (struct taken){0};
}

/* ---- taking and putting back ---- */

static int read_taken(struct db_rows *rows, struct taken *t, struct err *err)
{
    snprintf(t->mail.id, sizeof(t->mail.id), "%s", db_col_text(rows, 0));
    snprintf(t->mail.recipient, sizeof(t->mail.recipient), "%s", db_col_text(rows, 1));
    t->mail.subject = t->subject = strdup(db_col_text(rows, 2));
    t->mail.body = t->body = strdup(db_col_text(rows, 3));
    t->mail.created_at = db_col_int(rows, 4);
    t->tries = db_col_int(rows, 5);
    return t->subject && t->body ? 0 : err_set(err, ERR_MEMORY, "mail");
}

/* 1 = one was due, 0 = none, -1 error. */
static int take(struct db *db, int64_t now, int64_t lease_ms, struct taken *t, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_begin(db, err) != 0)
        return -1;
    int r = db_query(db, PSQL_MAIL_TAKE, DB_ARGS(DB_INT(now), DB_INT(now + lease_ms)), &rows, err) == 0
                ? db_next(rows, err)
                : -1;
    if (r == 1 && read_taken(rows, t, err) != 0)
        r = -1;
    while (r == 1 && db_next(rows, err) == 1)
        continue;
    db_rows_free(&rows);
    if (r >= 0 && db_commit(db, err) == 0)
        return r;
    db_rollback(db);
    taken_done(t);
    return -1;
}

static int mark_sent(struct db *db, int64_t now, const struct taken *t, struct err *err)
{
    return db_exec(db, PSQL_MAIL_SENT, DB_ARGS(DB_TEXT(t->mail.id), DB_INT(now)), NULL, err);
}

static int mark_later(const struct portal_conf *conf, struct db *db, int64_t now, const struct taken *t,
                      const struct err *why, struct err *err)
{
    char text[ERR_TEXT_SIZE + 40];
    const int64_t wait = WAITS[t->tries < N_WAITS ? (t->tries > 0 ? t->tries - 1 : 0) : N_WAITS - 1] *
                         conf->mail.retry_seconds * 1000;
    const bool give_up = now + wait > t->mail.created_at + GIVE_UP_MS;
    snprintf(text, sizeof(text), "%s: %s", err_name(why->code), why->text);
    log_warning("mail %s: try %lld: %s; %s", t->mail.id, (long long)t->tries, text,
                give_up ? "given up" : "tried again later");
    return db_exec(db, PSQL_MAIL_LATER,
                   DB_ARGS(DB_TEXT(t->mail.id), DB_INT(now + wait), DB_INT(give_up ? now : 0), DB_TEXT(text)),
                   NULL, err);
}

/* ---- sending ---- */

static int to_folder(const char *folder, const struct mail *m, const struct buf *message, struct err *err)
{
    char name[MAIL_FILE_MAX], path[PATH_MAX];
    mail_file_name(m, name);
    if (file_mkdir_p(folder, 0700, err) != 0 || path_join(path, sizeof(path), folder, name, err) != 0)
        return -1;
    if (file_create(path, message->data, message->len, 0600, err) == 0 || err->code == ERR_EXISTS)
        return 0;
    return -1;
}

static int deliver(const struct portal_conf *conf, struct smtp *smtp, struct taken *t, struct err *err)
{
    struct buf message;
    buf_init_secret(&message);
    t->mail.from = conf->mail.from;
    t->mail.from_name = conf->mail.from_name;
    t->mail.site = conf->pages.public_url;
    t->mail.readable = smtp == NULL;
    int rc = mail_message(&t->mail, &message, err);
    if (rc == 0)
        rc = smtp ? smtp_send(smtp, t->mail.recipient, &message, err)
                  : to_folder(conf->mail.folder, &t->mail, &message, err);
    buf_done(&message);
    return rc;
}

/* A failure that says nothing about the others. */
static bool of_this_mail(enum err_code code)
{
    return code == ERR_REFUSED || code == ERR_FIELD;
}

/* One round. *ret_down: the way out is closed, no use in trying the next mail now. */
static int round_of(struct portal *p, struct db *db, int64_t now, const _Atomic int64_t *stop_by,
                    int64_t *ret_sent, bool *ret_down, struct err *err)
{
    const int64_t lease_ms = p->conf.mail.timeout_seconds * 2000, begun = clock_mono_ms();
    struct smtp *smtp = NULL;
    struct taken t = {0};
    int r = 0;
    *ret_sent = 0;
    *ret_down = false;
    for (int i = 0; i < ROUND_MAX && !*ret_down && !(stop_by && atomic_load(stop_by)); i++) {
        struct err why;
        const int64_t at = now + clock_mono_ms() - begun;
        if ((r = take(db, at, lease_ms, &t, err)) != 1)
            break;
        int rc = p->conf.mail.url[0] && !smtp ? smtp_open(&smtp, &p->conf, stop_by, &why) : 0;
        if (rc == 0)
            rc = deliver(&p->conf, smtp, &t, &why);
        *ret_down = rc != 0 && !of_this_mail(why.code);
        *ret_sent += rc == 0;
        r = rc == 0 ? mark_sent(db, at, &t, err) : mark_later(&p->conf, db, at, &t, &why, err);
        taken_done(&t);
        if (r != 0)
            break;
    }
    smtp_close(&smtp);
    taken_done(&t);
    return r < 0 ? -1 : 0;
}

int mailer_round(struct portal *p, struct db *db, int64_t now, int64_t *ret_sent, struct err *err)
{
    bool down;
    *ret_sent = 0;
    return mail_conf_sends(&p->conf) ? round_of(p, db, now, NULL, ret_sent, &down, err) : 0;
}

/* ---- the thread ---- */

static bool wait_or_stop(struct mailer *m)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_MS / 1000;
    pthread_mutex_lock(&m->lock);
    while (!m->stopping && pthread_cond_timedwait(&m->wake, &m->lock, &until) != ETIMEDOUT)
        continue;
    bool stopping = m->stopping;
    pthread_mutex_unlock(&m->lock);
    return stopping;
}

static void look(struct mailer *m, int64_t *quiet_until)
{
    struct portal *p = m->portal;
    struct db *db;
    struct err err;
    int64_t sent;
    bool down = false;
    if (!mail_conf_sends(&p->conf) || clock_mono_ms() < *quiet_until)
        return;
    if (portal_db(p, &db, &err) != 0 ||
        round_of(p, db, clock_utc_ms(), &m->stop_by, &sent, &down, &err) != 0) {
        log_err(&err, "the outbox");
        down = true;
    }
    if (down)
        *quiet_until = clock_mono_ms() + p->conf.mail.retry_seconds * 1000;
}

static void *run(void *arg)
{
    struct mailer *m = arg;
    int64_t quiet_until = 0, chores_at = 0;
    do {
        if (clock_mono_ms() >= chores_at) {
            struct db *db;
            struct err err;
            if (portal_db(m->portal, &db, &err) != 0 ||
                portal_chores(m->portal, db, clock_utc_ms(), &err) != 0)
                log_err(&err, "what is due by the clock");
            chores_at = clock_mono_ms() + CHORES_MS;
        }
        look(m, &quiet_until);
    } while (!wait_or_stop(m));
    return NULL;
}

static int init_locks(struct mailer *m)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);
    if (rc != 0)
        return rc;
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (rc == 0)
        rc = pthread_cond_init(&m->wake, &attr);
    pthread_condattr_destroy(&attr);
    return rc == 0 ? pthread_mutex_init(&m->lock, NULL) : rc;
}

int mailer_start(struct mailer **ret, struct portal *p, struct err *err)
{
    struct mailer *m = calloc(1, sizeof(*m));
    if (!m)
        return err_set(err, ERR_MEMORY, "mailer");
    m->portal = p;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || init_locks(m) != 0) {
        free(m);
        return err_set(err, ERR_SYSTEM, "mailer: it does not start");
    }
    if (!mail_conf_sends(&p->conf))
        log_warning("mail: neither mail.url nor mail.folder is set: mails are kept and not sent");
    if (pthread_create(&m->thread, NULL, run, m) != 0) {
        free(m);
        return err_set(err, ERR_SYSTEM, "mailer: no thread");
    }
    *ret = m;
    return 0;
}

void mailer_stop(struct mailer **mailer)
{
    struct mailer *m = *mailer;
    if (!m)
        return;
    atomic_store(&m->stop_by, clock_mono_ms() + STOP_MS);
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
    curl_global_cleanup();
    free(m);
    *mailer = NULL;
}
