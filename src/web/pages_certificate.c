/* What came of an application: its certificate in words, and as files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>

#include "base/file.h"
#include "portal/certificate_words.h"
#include "portal/pki.h"
#include "web/web.h"

#define CHAIN_FILE_MAX (256u << 10)

/* The certificate that stands; otherwise the last one that was made. */
struct shown {
    char *pem; /* NULL: there is none */
    char serial[65], token_serial[65], product[33];
    int64_t not_before, not_after, recorded_at, voided_at;
    json_t *others; /* the rest, for a table */
};

static void shown_done(struct shown *s)
{
    free(s->pem);
    json_decref(s->others);
}

static int add_other(struct shown *s, struct err *err)
{
    char recorded[20], voided[20];
    web_time_text(s->recorded_at, recorded);
    web_time_text(s->voided_at, voided);
    json_t *other = json_pack("{s:s, s:s, s:s, s:s}", "serial", s->serial, "token_serial", s->token_serial,
                              "recorded", recorded, "voided", voided);
    return json_array_append_new(s->others, other) != 0 ? err_set(err, ERR_MEMORY, "certificates") : 0;
}

/* Columns: CERTIFICATE_COLUMNS. */
static int take_row(struct shown *s, struct db_rows *rows, struct err *err)
{
    char *pem = strdup(db_col_text(rows, 7));
    if (!pem)
        return err_set(err, ERR_MEMORY, "certificates");
    if (s->pem && add_other(s, err) != 0) {
        free(pem);
        return -1;
    }
    free(s->pem);
    s->pem = pem;
    snprintf(s->serial, sizeof(s->serial), "%s", db_col_text(rows, 0));
    snprintf(s->token_serial, sizeof(s->token_serial), "%s", db_col_text(rows, 4));
    snprintf(s->product, sizeof(s->product), "%s", db_col_text(rows, 5));
    s->not_before = db_col_int(rows, 9);
    s->not_after = db_col_int(rows, 10);
    s->recorded_at = db_col_int(rows, 11);
    s->voided_at = db_col_int(rows, 12);
    return 0;
}

/* By the time they were recorded: one that stands is the last. */
static int read_shown(struct web_call *c, struct shown *ret, struct err *err)
{
    struct db_rows *rows = NULL;
    int r;
    *ret = (struct shown){.others = json_array()};
    if (!ret->others)
        return err_set(err, ERR_MEMORY, "certificates");
    if (db_query(c->db, PSQL_CERTIFICATES_OF, DB_ARGS(DB_TEXT(c->application.id)), &rows, err) != 0)
        return -1;
    while ((r = db_next(rows, err)) == 1)
        if (take_row(ret, rows, err) != 0) {
            r = -1;
            break;
        }
    db_rows_free(&rows);
    return r;
}

/* *ret NULL: none is configured, or none of it signed this one. */
static int read_chain(struct web_call *c, X509 *leaf, STACK_OF(X509) * *ret, struct err *err)
{
    struct buf pem;
    *ret = NULL;
    if (!*c->portal->conf.ca_chain)
        return 0;
    buf_init(&pem);
    int rc = file_read(c->portal->conf.ca_chain, CHAIN_FILE_MAX, &pem, err);
    if (rc == 0)
        rc = certificate_chain(leaf, (const char *)pem.data, pem.len, ret, err);
    buf_done(&pem);
    if (rc == 0 && sk_X509_num(*ret) == 0) {
        sk_X509_free(*ret);
        *ret = NULL;
    }
    return rc;
}

static void chain_free(STACK_OF(X509) * chain)
{
    sk_X509_pop_free(chain, X509_free);
}

/* ---- the page */

static int put_state(struct web_call *c, const struct shown *s, struct err *err)
{
    enum text_id title = TEXT_CERT_STATE_VALID;
    const char *kind = "good", *help = "";
    if (s->voided_at != 0) {
        title = TEXT_CERT_STATE_VOID;
        kind = "bad";
        help = "CERT_VOID_HELP";
    } else if (c->now >= s->not_after) {
        title = TEXT_CERT_STATE_EXPIRED;
        kind = "bad";
        help = "CERT_EXPIRED_HELP";
    } else if (c->now < s->not_before) {
        title = TEXT_CERT_STATE_NOT_YET;
        kind = "waiting";
    }
    return web_set(c, "cert_state",
                   json_pack("{s:s, s:s, s:s}", "kind", kind, "text", text(title, c->lang), "help", help),
                   err);
}

static int put_chain(struct web_call *c, STACK_OF(X509) * chain, struct err *err)
{
    json_t *list = json_array();
    int rc = list ? 0 : err_set(err, ERR_MEMORY, "chain");
    for (int i = 0; rc == 0 && i < sk_X509_num(chain); i++) {
        X509 *x509 = sk_X509_value(chain, i);
        json_t *words = NULL, *one = json_object();
        struct tm tm;
        char until[20] = "";
        if (ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) == 1)
            web_time_text((int64_t)timegm(&tm) * 1000, until);
        rc = certificate_words_x509(x509, c->lang, &words, err);
        if (rc == 0 &&
            (!one || json_object_set(one, "subject", json_object_get(words, "subject")) != 0 ||
             json_object_set(one, "sha256", json_object_get(words, "sha256")) != 0 ||
             json_object_set_new(one, "until", json_string(until)) != 0 || json_array_append(list, one) != 0))
            rc = err_set(err, ERR_MEMORY, "chain");
        json_decref(words);
        json_decref(one);
    }
    if (rc == 0)
        return web_set(c, "chain", list, err);
    json_decref(list);
    return -1;
}

static int put_words(struct web_call *c, const struct shown *s, struct err *err)
{
    X509 *x509 = NULL;
    STACK_OF(X509) *chain = NULL;
    json_t *words = NULL;
    struct err ignored; /* a chain that cannot be read is none: the certificate is shown nonetheless */
    if (certificate_parse(s->pem, &x509, err) != 0)
        return -1;
    int rc = certificate_words_x509(x509, c->lang, &words, err);
    if (rc == 0)
        rc = web_set(c, "cert", words, err);
    if (rc == 0 && read_chain(c, x509, &chain, &ignored) != 0)
        chain = NULL;
    if (rc == 0)
        rc = put_chain(c, chain, err);
    chain_free(chain);
    X509_free(x509);
    return rc;
}

static int put_shown(struct web_call *c, struct shown *s, struct err *err)
{
    if (web_set_text(c, "id", c->application.id, err) != 0 ||
        web_set_text(c, "organisation", c->application.organisation, err) != 0 || !s->pem)
        return s->pem ? -1 : 0;
    if (put_state(c, s, err) != 0 || put_words(c, s, err) != 0 ||
        web_set_text(c, "token_serial", s->token_serial, err) != 0 ||
        web_set_text(c, "product", s->product, err) != 0 ||
        web_set_time(c, "recorded", s->recorded_at, err) != 0 ||
        web_set_time(c, "voided", s->voided_at, err) != 0 ||
        web_set_text(c, "critical_text", text(TEXT_CERT_CRITICAL, c->lang), err) != 0)
        return -1;
    return web_set(c, "others", json_incref(s->others), err);
}

int page_certificate(struct web_call *c, struct err *err)
{
    struct shown s;
    int rc = read_shown(c, &s, err);
    if (rc == 0)
        rc = put_shown(c, &s, err);
    if (rc == 0)
        rc = web_render(c, "certificate", 200, err);
    shown_done(&s);
    return rc;
}

/* ---- as files */

static int put_pem(struct buf *out, X509 *x509, struct err *err)
{
    char *pem = NULL;
    if (pki_pem(x509, &pem, err) != 0)
        return -1;
    int rc = buf_put_str(out, pem, err);
    free(pem);
    return rc;
}

static int file_pem(struct web_call *c, X509 *x509, struct buf *out, struct err *err)
{
    (void)c;
    return put_pem(out, x509, err);
}

static int file_der(struct web_call *c, X509 *x509, struct buf *out, struct err *err)
{
    (void)c;
    unsigned char *der = NULL;
    int len = i2d_X509(x509, &der);
    if (len < 0)
        return err_set(err, ERR_MEMORY, "certificate");
    int rc = buf_put(out, der, (size_t)len, err);
    OPENSSL_free(der);
    return rc;
}

static int file_chain(struct web_call *c, X509 *x509, struct buf *out, struct err *err)
{
    STACK_OF(X509) *chain = NULL;
    int rc = read_chain(c, x509, &chain, err);
    if (rc == 0 && !chain)
        rc = err_set(err, ERR_NOT_FOUND, "there is no chain of this certificate");
    if (rc == 0)
        rc = put_pem(out, x509, err);
    for (int i = 0; rc == 0 && i < sk_X509_num(chain); i++)
        rc = put_pem(out, sk_X509_value(chain, i), err);
    chain_free(chain);
    return rc;
}

static const struct {
    const char *name, *end, *media_type;
    int (*make)(struct web_call *c, X509 *x509, struct buf *out, struct err *err);
} FILES[] = {
    {"certificate.pem", ".pem", "application/x-pem-file", file_pem},
    {"certificate.cer", ".cer", "application/pkix-cert", file_der},
    {"chain.pem", "-chain.pem", "application/pem-certificate-chain", file_chain},
};

static int send_file(struct web_call *c, size_t which, const char *pem, struct err *err)
{
    char name[sizeof(c->application.id) + 16];
    X509 *x509 = NULL;
    struct buf out;
    buf_init(&out);
    int rc = certificate_parse(pem, &x509, err);
    if (rc == 0)
        rc = FILES[which].make(c, x509, &out, err);
    snprintf(name, sizeof(name), "%s%s", c->application.id, FILES[which].end);
    if (rc == 0)
        rc = web_send(c, FILES[which].media_type, name, out.data, out.len, 0, err);
    X509_free(x509);
    buf_done(&out);
    return rc;
}

int page_certificate_file(struct web_call *c, struct err *err)
{
    struct shown s;
    size_t which = 0;
    while (which < sizeof(FILES) / sizeof(FILES[0]) && strcmp(FILES[which].name, c->param) != 0)
        which++;
    if (which == sizeof(FILES) / sizeof(FILES[0]))
        return err_set(err, ERR_NOT_FOUND, "%s", c->param);
    int rc = read_shown(c, &s, err);
    if (rc == 0 && !s.pem)
        rc = err_set(err, ERR_NOT_FOUND, "application %s has no certificate", c->application.id);
    if (rc == 0)
        rc = send_file(c, which, s.pem, err);
    shown_done(&s);
    return rc;
}
