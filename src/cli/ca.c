/* ca init: the ceremony that makes the CA; ca show: what it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/tty.h"
#include "base/utf8.h"
#include "cli/args.h"
#include "cli/table.h"
#include "cli/vault.h"
#include "cli/verbs.h"

#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))
#define CEREMONY_MS  300000 /* an HSM may take minutes over RSA-4096 */
#define DAYS_DEFAULT "3650"

/* ---- the certificate --------------------------------------------------------------- */

static X509 *parse(const uint8_t *der, size_t len)
{
    const unsigned char *p = der;
    return len > 0 ? d2i_X509(NULL, &p, (long)len) : NULL;
}

static void set_name(json_t *to, const char *key, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        long len = BIO_get_mem_data(bio, &data);
        json_object_set_new(to, key, json_stringn(data, (size_t)len));
    }
    BIO_free(bio);
}

static void set_time(json_t *to, const char *key, const ASN1_TIME *at)
{
    struct tm tm;
    char text_[CLOCK_UTC_SIZE];
    if (ASN1_TIME_to_tm(at, &tm) != 1)
        return;
    clock_utc_text((int64_t)timegm(&tm) * 1000, text_);
    json_object_set_new(to, key, json_string(text_));
}

static json_t *describe(const struct vault_status_rep *status)
{
    json_t *j = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i}", "vault", vault_state_name(status->state),
                          "detail", status->detail, "hsm", status->hsm, "so_pin_version",
                          (int)status->so_version, "reserved", (int)status->reserved, "signed",
                          (int)status->signed_certificates, "void", (int)status->voided);
    X509 *cert = parse(status->ca_certificate.data, status->ca_certificate.len);
    if (cert) {
        char fingerprint[SHA256_HEX_SIZE];
        sha256_hex(status->ca_certificate.data, status->ca_certificate.len, fingerprint);
        set_name(j, "subject", X509_get_subject_name(cert));
        json_object_set_new(j, "key_type", json_string(key_type_name(status->ca_key_type)));
        json_object_set_new(j, "sha256", json_string(fingerprint));
        set_time(j, "not_before", X509_get0_notBefore(cert));
        set_time(j, "not_after", X509_get0_notAfter(cert));
        X509_free(cert);
    }
    return j;
}

static const struct column CA_FIELDS[] = {
    {{"主体", "subject"}, "subject", COLUMN_TEXT, 0},
    {{"密钥类型", "key type"}, "key_type", COLUMN_TEXT, 0},
    {{"SHA-256 指纹", "SHA-256 fingerprint"}, "sha256", COLUMN_TEXT, 0},
    {{"生效", "valid from"}, "not_before", COLUMN_TIME, 0},
    {{"到期", "valid until"}, "not_after", COLUMN_TIME, 0},
    {{"HSM", "HSM"}, "hsm", COLUMN_TEXT, 0},
    {{"签名服务", "vault"}, "vault", COLUMN_WORD, 0},
    {{"说明", "detail"}, "detail", COLUMN_TEXT, 0},
    {{"管理员 PIN 版本", "SO-PIN version"}, "so_pin_version", COLUMN_TEXT, 0},
    {{"已预留", "reserved"}, "reserved", COLUMN_TEXT, 0},
    {{"已签发", "signed"}, "signed", COLUMN_TEXT, 0},
    {{"已作废", "void"}, "void", COLUMN_TEXT, 0},
};

int verb_ca_show(struct cli *cli, int argc, char **argv, struct err *err)
{
    int vault = -1;
    struct vault_status_rep status;
    if (args_parse(argc, argv, NULL, 0, NULL, 0, 0, NULL, err) != 0 ||
        cli_vault(cli, &vault, &status, err) != 0)
        return -1;
    close(vault);
    int rc = 0;
    json_t *j = describe(&status);
    if (cli->json)
        rc = cli_print_json(j, err);
    else
        table_fields(stdout, cli->lang, CA_FIELDS, COUNT(CA_FIELDS), j);
    json_decref(j);
    if (rc == 0 && status.ca_certificate.len == 0)
        return err_set(err, ERR_CA_ABSENT, "vault: %s", vault_state_name(status.state));
    return rc;
}

/* ---- ceremony ---------------------------------------------------------------------- */

struct ceremony {
    const char *key_type, *cn, *o, *country, *days;
    bool yes;
    struct vault_ca_init_req req;
};

static int take_text(char *dst, size_t cap, const char *value, const char *option, struct err *err)
{
    if (!value || !*value)
        return err_set(err, ERR_USAGE, "%s is missing", option);
    size_t len = strlen(value);
    if (len >= cap || utf8_chars(value) > 64) /* RFC 5280 ub-common-name, ub-organization-name */
        return err_set(err, ERR_USAGE, "%s: over 64 characters", option);
    memcpy(dst, value, len + 1);
    return 0;
}

static int read_arguments(struct ceremony *c, int argc, char **argv, struct err *err)
{
    const struct arg_option options[] = {
        {"--key-type", &c->key_type, NULL}, {"--cn", &c->cn, NULL},     {"--o", &c->o, NULL},
        {"--country", &c->country, NULL},   {"--days", &c->days, NULL}, {"--yes", NULL, &c->yes}};
    int64_t days = 0;
    if (args_parse(argc, argv, options, COUNT(options), NULL, 0, 0, NULL, err) != 0 ||
        take_text(c->req.common_name, sizeof(c->req.common_name), c->cn, "--cn", err) != 0 ||
        take_text(c->req.organisation, sizeof(c->req.organisation), c->o, "--o", err) != 0 ||
        take_text(c->req.country, sizeof(c->req.country), c->country ? c->country : "CN", "--country", err) !=
            0 ||
        args_int(c->days ? c->days : DAYS_DEFAULT, "--days", 1, 36500, &days, err) != 0)
        return -1;
    enum key_type type = key_type_from_name(c->key_type ? c->key_type : "P-256");
    if (type != KEY_P256 && type != KEY_P384 && type != KEY_RSA3072 && type != KEY_RSA4096)
        return err_set(err, ERR_USAGE, "--key-type: \"%s\" is none of P-256, P-384, RSA-3072, RSA-4096",
                       c->key_type);
    c->req.key_type = (uint8_t)type;
    c->req.days = (uint32_t)days;
    return 0;
}

/* Whoever makes a root must have read its name: it is typed, not answered with y. */
static int confirm(const struct cli *cli, const struct ceremony *c, const struct vault_status_rep *status,
                   struct err *err)
{
    char typed[256];
    cli_say(cli, TEXT_CEREMONY, c->req.common_name, c->req.organisation, c->req.country,
            key_type_name((enum key_type)c->req.key_type), (unsigned int)c->req.days, status->hsm);
    if (c->yes)
        return 0;
    if (tty_line(text(TEXT_ASK_CN, cli->lang), typed, sizeof(typed), err) != 0)
        return err->code == ERR_USAGE ? err_prepend(err, "no --yes was given") : -1;
    return strcmp(typed, c->req.common_name) == 0
               ? 0
               : err_set(err, ERR_REFUSED, "what was typed is not the name; nothing was made");
}

static int make(int vault, const struct vault_ca_init_req *req, struct vault_ca_init_rep *ret,
                struct err *err)
{
    struct msg_out m;
    struct msg_in reply;
    msg_out_init(&m, false);
    msg_in_init(&reply, false);
    msg_begin(&m, VAULT_VERB_CA_INIT, 0, 0);
    vault_ca_init_req_put(&m, req);
    int rc = vault_call(vault, &m, &reply, clock_mono_ms() + CEREMONY_MS, err);
    if (rc == 0) {
        vault_ca_init_rep_get(&reply, ret);
        rc = msg_end(&reply, err);
    }
    msg_in_done(&reply);
    msg_out_done(&m);
    return rc;
}

/* The station reads the CA certificate from its own path; the vault keeps its own copy. One that is there
 * already, and the same, is right. */
static int write_certificate(const char *path, const uint8_t *der, size_t len, struct err *err)
{
    int rc = -1;
    struct buf there;
    char *pem = NULL;
    buf_init(&there);
    X509 *cert = parse(der, len);
    BIO *bio = BIO_new(BIO_s_mem());
    if (!cert || !bio || PEM_write_bio_X509(bio, cert) != 1) {
        err_set(err, ERR_PROTOCOL, "the vault's answer is no certificate");
        goto out;
    }
    size_t pem_len = (size_t)BIO_get_mem_data(bio, &pem);
    rc = file_create(path, pem, pem_len, 0644, err);
    if (rc != 0 && err->code == ERR_EXISTS && file_read(path, 65536, &there, err) == 0)
        rc = there.len == pem_len && memcmp(there.data, pem, pem_len) == 0
                 ? 0
                 : err_set(err, ERR_EXISTS, "%s: holds another certificate; the new one is in the vault",
                           path);
out:
    BIO_free(bio);
    X509_free(cert);
    buf_done(&there);
    return rc;
}

int verb_ca_init(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct ceremony c = {0};
    struct vault_status_rep status;
    struct vault_ca_init_rep made;
    int vault = -1;
    if (read_arguments(&c, argc, argv, err) != 0 || cli_vault(cli, &vault, &status, err) != 0)
        return -1;
    int rc = -1;
    if (status.state == VAULT_LOCKED)
        err_set(err, ERR_HSM_LOCKED, "vault: %s", status.detail);
    else if (status.state != VAULT_NO_CA)
        err_set(err, ERR_EXISTS, "the vault has a CA already (castation ca show)");
    else if (confirm(cli, &c, &status, err) == 0 && make(vault, &c.req, &made, err) == 0)
        rc = write_certificate(cli->conf.ca_certificate, made.certificate.data, made.certificate.len, err);
    if (rc == 0) {
        char fingerprint[SHA256_HEX_SIZE];
        sha256_hex(made.certificate.data, made.certificate.len, fingerprint);
        cli_say(cli, TEXT_CA_MADE, cli->conf.ca_certificate, fingerprint);
    }
    close(vault);
    return rc;
}
