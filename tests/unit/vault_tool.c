/* A client of castation-vault for the flow and crash tests: plays castationd, bay and command line.
 *
 * vault_tool SOCKET VERB ARGS…; a folder DIR holds one application's papers: app.json, approval.json,
 * approval.sig, key.pem, csr.der, serial (hex), tbs.der, cert.der, sealed.bin. Exit status: 0, or the error's
 * own exit code; the error's name and text go to stderr as "name: text". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "cert/cert.h"
#include "domain/approval.h"
#include "wire/sealed.h"
#include "wire/vault_client.h"

#define CALL_MS 120000

static const char *socket_path;

/* ---- small things ------------------------------------------------------------------------------- */

static void set(char *dst, size_t cap, const char *src)
{
    snprintf(dst, cap, "%s", src);
}
#define SET(field, src) set(field, sizeof(field), src)

static int read_into(const char *dir, const char *name, struct buf *b, struct err *err)
{
    char path[4096];
    return path_join(path, sizeof(path), dir, name, err) == 0 ? file_read(path, 65536, b, err) : -1;
}

static int write_out(const char *dir, const char *name, const void *data, size_t len, struct err *err)
{
    char path[4096];
    return path_join(path, sizeof(path), dir, name, err) == 0 ? file_replace(path, data, len, 0600, err) : -1;
}

static int read_field(const char *dir, const char *name, uint8_t *dst, size_t cap, size_t *ret_len,
                      struct err *err)
{
    struct buf b;
    buf_init(&b);
    int rc = read_into(dir, name, &b, err);
    if (rc == 0 && b.len > cap)
        rc = err_set(err, ERR_TOO_LARGE, "%s", name);
    if (rc == 0) {
        memcpy(dst, b.data, b.len);
        *ret_len = b.len;
    }
    buf_done(&b);
    return rc;
}
#define READ_FIELD(dir, name, field, err)                                                                    \
    read_field(dir, name, (field).data, sizeof((field).data), &(field).len, err)

/* One connection a call: castationd keeps one, but what is tested is the vault. */
static int call(struct msg_out *m, struct msg_in *reply, struct err *err)
{
    int fd = -1;
    if (vault_connect(socket_path, &fd, err) != 0)
        return -1;
    int rc = vault_call(fd, m, reply, clock_mono_ms() + CALL_MS, err);
    close(fd);
    return rc;
}

static EVP_PKEY *read_key(const char *dir, struct err *err)
{
    char path[4096];
    if (path_join(path, sizeof(path), dir, "key.pem", err) != 0)
        return NULL;
    FILE *f = fopen(path, "re");
    EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    if (!key)
        err_set(err, ERR_NOT_FOUND, "%s", path);
    return key;
}

static int spki_of(EVP_PKEY *key, struct buf *b, struct err *err)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    int rc = n > 0 ? buf_put(b, der, (size_t)n, err) : err_set(err, ERR_INTERNAL, "i2d_PUBKEY");
    OPENSSL_free(der);
    return rc;
}

static int get_status(struct vault_status_rep *rep, struct err *err)
{
    struct msg_out m;
    struct msg_in in;
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    struct vault_status_req req = {.protocol = VAULT_PROTOCOL};
    msg_begin(&m, VAULT_VERB_STATUS, 0, 0);
    vault_status_req_put(&m, &req);
    int rc = call(&m, &in, err);
    if (rc == 0) {
        vault_status_rep_get(&in, rep);
        rc = msg_end(&in, err);
    }
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

/* ---- status, unlock, ca-init ------------------------------------------------------------------- */

static int do_status(char **a, struct err *err)
{
    static struct vault_status_rep rep;
    (void)a;
    if (get_status(&rep, err) != 0)
        return -1;
    printf("state=%s ca=%s so_version=%u records=%llu reserved=%u signed=%u voided=%u hsm=%s detail=%s\n",
           vault_state_name((enum vault_state)rep.state), key_type_name((enum key_type)rep.ca_key_type),
           rep.so_version, (unsigned long long)rep.records, rep.reserved, rep.signed_certificates, rep.voided,
           rep.hsm, rep.detail);
    return 0;
}

static int do_unlock(char **a, struct err *err)
{
    struct msg_out m;
    struct msg_in in;
    struct vault_unlock_req req;
    struct vault_unlock_rep rep;
    msg_out_init(&m, true);
    msg_in_init(&in, false);
    memset(&req, 0, sizeof(req));
    struct buf pin;
    buf_init_secret(&pin);
    int rc = file_read(a[0], HSM_PIN_MAX, &pin, err);
    if (rc == 0)
        (void)bytes_set(req.pin, pin.data, pin.len);
    buf_done(&pin);
    while (rc == 0 && req.pin.len > 0 && req.pin.data[req.pin.len - 1] == '\n')
        req.pin.len--;
    msg_begin(&m, VAULT_VERB_UNLOCK, 0, 0);
    vault_unlock_req_put(&m, &req);
    if (rc == 0 && (rc = call(&m, &in, err)) == 0) {
        vault_unlock_rep_get(&in, &rep);
        rc = msg_end(&in, err);
    }
    if (rc == 0)
        printf("%s\n", vault_state_name((enum vault_state)rep.state));
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

static int do_ca_init(char **a, struct err *err)
{
    struct msg_out m;
    struct msg_in in;
    static struct vault_ca_init_req req;
    static struct vault_ca_init_rep rep;
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    SET(req.country, a[0]);
    SET(req.organisation, a[1]);
    SET(req.common_name, a[2]);
    req.key_type = (uint8_t)key_type_from_name(a[3]);
    req.days = (uint32_t)atoi(a[4]);
    msg_begin(&m, VAULT_VERB_CA_INIT, 0, 0);
    vault_ca_init_req_put(&m, &req);
    int rc = call(&m, &in, err);
    if (rc == 0) {
        vault_ca_init_rep_get(&in, &rep);
        rc = msg_end(&in, err);
    }
    if (rc == 0)
        printf("certificate of %zu bytes\n", rep.certificate.len);
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

/* ---- papers ------------------------------------------------------------------------------------ */

/* approve PORTALKEY DIR: signs DIR/app.json */
static int do_approve(char **a, struct err *err)
{
    struct buf doc, approval_doc, signature;
    struct application app;
    struct approval approval;
    EVP_PKEY *key = NULL;
    buf_init(&doc);
    buf_init(&approval_doc);
    buf_init(&signature);
    memset(&approval, 0, sizeof(approval));
    SET(approval.first_reviewer, "first");
    SET(approval.final_reviewer, "final");
    clock_utc_text(clock_utc_ms(), approval.approved_at);
    int rc = read_into(a[1], "app.json", &doc, err);
    if (rc == 0)
        rc = application_parse(doc.data, doc.len, &app, err);
    if (rc == 0)
        rc = approval_load_private(a[0], &key, err);
    if (rc == 0)
        rc = approval_sign(&app, &approval, key, &approval_doc, &signature, err);
    if (rc == 0)
        rc = write_out(a[1], "approval.json", approval_doc.data, approval_doc.len, err);
    if (rc == 0)
        rc = write_out(a[1], "approval.sig", signature.data, signature.len, err);
    EVP_PKEY_free(key);
    buf_done(&doc);
    buf_done(&approval_doc);
    buf_done(&signature);
    return rc;
}

static int write_key(const char *dir, EVP_PKEY *key, struct err *err)
{
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    long n = BIO_get_mem_data(bio, &data);
    int rc = write_out(dir, "key.pem", data, (size_t)n, err);
    BIO_free(bio);
    return rc;
}

static int write_csr(const char *dir, EVP_PKEY *key, struct err *err)
{
    unsigned char *der = NULL;
    X509_REQ *req = X509_REQ_new();
    X509_REQ_set_version(req, 0);
    X509_REQ_set_pubkey(req, key);
    X509_REQ_sign(req, key, EVP_sha256());
    int n = i2d_X509_REQ(req, &der);
    int rc = n > 0 ? write_out(dir, "csr.der", der, (size_t)n, err) : err_set(err, ERR_INTERNAL, "CSR");
    OPENSSL_free(der);
    X509_REQ_free(req);
    return rc;
}

/* key DIR P-256|RSA-2048 */
static int do_key(char **a, struct err *err)
{
    enum key_type type = key_type_from_name(a[1]);
    EVP_PKEY *key = type == KEY_P256      ? EVP_EC_gen("P-256")
                    : type == KEY_P384    ? EVP_EC_gen("P-384")
                    : type == KEY_RSA2048 ? EVP_RSA_gen(2048)
                                          : NULL;
    if (!key)
        return err_set(err, ERR_USAGE, "key type %s", a[1]);
    int rc = write_key(a[0], key, err);
    if (rc == 0)
        rc = write_csr(a[0], key, err);
    EVP_PKEY_free(key);
    return rc;
}

/* build DIR PROFILES: DIR/tbs.der out of application, key and serial number, for the vault's CA */
static int do_build(char **a, struct err *err)
{
    static struct vault_status_rep status;
    struct buf doc, spki, serial, tbs;
    struct application app;
    struct profiles *profiles = NULL;
    EVP_PKEY *key = NULL;
    uint8_t number[SERIAL_NUMBER_MAX];
    size_t n = 0;
    int rc = -1;
    buf_init(&doc);
    buf_init(&spki);
    buf_init(&serial);
    buf_init(&tbs);
    if (get_status(&status, err) != 0 || read_into(a[0], "app.json", &doc, err) != 0 ||
        application_parse(doc.data, doc.len, &app, err) != 0 || !(key = read_key(a[0], err)) ||
        spki_of(key, &spki, err) != 0 || read_into(a[0], "serial", &serial, err) != 0 ||
        hex_decode(buf_cstr(&serial), number, sizeof(number), &n, err) != 0 ||
        profiles_load(a[1], &profiles, err) != 0)
        goto out;
    struct tbs_input in = {
        .profile = profiles_find(profiles, app.profile),
        .application = &app,
        .spki = spki.data,
        .spki_len = spki.len,
        .ca = status.ca_certificate.data,
        .ca_len = status.ca_certificate.len,
        .serial = number,
        .serial_len = n,
        .not_before = clock_utc_ms() / 1000,
    };
    if (tbs_build(&in, &tbs, err) == 0)
        rc = write_out(a[0], "tbs.der", tbs.data, tbs.len, err);
out:
    EVP_PKEY_free(key);
    profiles_free(&profiles);
    buf_done(&doc);
    buf_done(&spki);
    buf_done(&serial);
    buf_done(&tbs);
    return rc;
}

/* ---- reserve, sign, lookup, void ---------------------------------------------------------------- */

/* reserve DIR JOB TOKEN */
static int do_reserve(char **a, struct err *err)
{
    struct msg_out m;
    struct msg_in in;
    static struct vault_reserve_req req;
    struct vault_reserve_rep rep;
    struct buf spki;
    char hex[2 * SERIAL_NUMBER_MAX + 1];
    EVP_PKEY *key = read_key(a[0], err);
    buf_init(&spki);
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    SET(req.job, a[1]);
    SET(req.serial, a[2]);
    int rc = key ? spki_of(key, &spki, err) : -1;
    if (rc == 0) {
        sha256(spki.data, spki.len, req.spki_sha256.data);
        req.spki_sha256.len = SHA256_SIZE;
    }
    if (rc == 0 && (READ_FIELD(a[0], "app.json", req.application, err) != 0 ||
                    READ_FIELD(a[0], "approval.json", req.approval, err) != 0 ||
                    READ_FIELD(a[0], "approval.sig", req.signature, err) != 0))
        rc = -1;
    msg_begin(&m, VAULT_VERB_RESERVE, 0, 0);
    vault_reserve_req_put(&m, &req);
    if (rc == 0 && (rc = call(&m, &in, err)) == 0) {
        vault_reserve_rep_get(&in, &rep);
        rc = msg_end(&in, err);
    }
    if (rc == 0) {
        hex_encode(rep.serial_number.data, rep.serial_number.len, hex);
        printf("%s\n", hex);
        rc = write_out(a[0], "serial", hex, strlen(hex), err);
    }
    EVP_PKEY_free(key);
    buf_done(&spki);
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

/* sign DIR JOB TOKEN */
static int do_sign(char **a, struct err *err)
{
    struct msg_out m;
    struct msg_in in;
    static struct vault_sign_req req;
    static struct vault_sign_rep rep;
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    SET(req.job, a[1]);
    SET(req.serial, a[2]);
    int rc = 0;
    if (READ_FIELD(a[0], "csr.der", req.csr, err) != 0 || READ_FIELD(a[0], "tbs.der", req.tbs, err) != 0 ||
        READ_FIELD(a[0], "app.json", req.application, err) != 0 ||
        READ_FIELD(a[0], "approval.json", req.approval, err) != 0 ||
        READ_FIELD(a[0], "approval.sig", req.signature, err) != 0)
        rc = -1;
    msg_begin(&m, VAULT_VERB_SIGN, 0, 0);
    vault_sign_req_put(&m, &req);
    if (rc == 0 && (rc = call(&m, &in, err)) == 0) {
        vault_sign_rep_get(&in, &rep);
        rc = msg_end(&in, err);
    }
    if (rc == 0) {
        char digest[SHA256_HEX_SIZE];
        sha256_hex(rep.certificate.data, rep.certificate.len, digest);
        printf("%s\n", digest);
        rc = write_out(a[0], "cert.der", rep.certificate.data, rep.certificate.len, err);
    }
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

/* lookup DIR: by the hash of DIR/tbs.der */
static int do_lookup(char **a, struct err *err)
{
    static const char *const words[] = {"never", "intent", "signed", "void"};
    struct msg_out m;
    struct msg_in in;
    struct vault_lookup_req req = {.tbs_sha256 = {.len = SHA256_SIZE}};
    static struct vault_lookup_rep rep;
    struct buf tbs;
    char digest[SHA256_HEX_SIZE] = "";
    buf_init(&tbs);
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    int rc = read_into(a[0], "tbs.der", &tbs, err);
    if (rc == 0)
        sha256(tbs.data, tbs.len, req.tbs_sha256.data);
    msg_begin(&m, VAULT_VERB_LOOKUP, 0, 0);
    vault_lookup_req_put(&m, &req);
    if (rc == 0 && (rc = call(&m, &in, err)) == 0) {
        vault_lookup_rep_get(&in, &rep);
        rc = msg_end(&in, err);
    }
    if (rc == 0 && rep.certificate.len > 0)
        sha256_hex(rep.certificate.data, rep.certificate.len, digest);
    if (rc == 0)
        printf("%s %s\n", rep.found < 4 ? words[rep.found] : "?", digest);
    buf_done(&tbs);
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

/* void DIR JOB */
static int do_void(char **a, struct err *err)
{
    struct msg_out m;
    struct msg_in in;
    struct vault_void_req req;
    struct vault_void_rep rep;
    struct buf serial;
    memset(&req, 0, sizeof(req));
    buf_init(&serial);
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    SET(req.job, a[1]);
    SET(req.reason, "a test");
    int rc = read_into(a[0], "serial", &serial, err);
    if (rc == 0)
        rc = hex_decode(buf_cstr(&serial), req.serial_number.data, sizeof(req.serial_number.data),
                        &req.serial_number.len, err);
    msg_begin(&m, VAULT_VERB_VOID, 0, 0);
    vault_void_req_put(&m, &req);
    if (rc == 0 && (rc = call(&m, &in, err)) == 0) {
        vault_void_rep_get(&in, &rep);
        rc = msg_end(&in, err);
    }
    if (rc == 0)
        printf("%s\n", rep.voided == VAULT_VOIDED_CERTIFICATE ? "certificate" : "reservation");
    buf_done(&serial);
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

/* ---- register and derive, letter ---------------------------------------------------------------- */

static int channel_of(char **a, int *ret_channel, struct err *err)
{
    struct msg_out m;
    struct msg_in in;
    static struct vault_register_req req;
    struct vault_register_rep rep;
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    req.purpose = strcmp(a[1], "wipe") == 0 ? VAULT_WIPE : VAULT_MAKE;
    SET(req.job, a[2]);
    SET(req.bay, "bay 1");
    SET(req.product, a[3]);
    SET(req.serial, a[4]);
    int rc = 0;
    if (req.purpose == VAULT_MAKE && (READ_FIELD(a[0], "app.json", req.application, err) != 0 ||
                                      READ_FIELD(a[0], "approval.json", req.approval, err) != 0 ||
                                      READ_FIELD(a[0], "approval.sig", req.signature, err) != 0))
        rc = -1;
    msg_begin(&m, VAULT_VERB_REGISTER, 0, 0);
    vault_register_req_put(&m, &req);
    if (rc == 0 && (rc = call(&m, &in, err)) == 0) {
        vault_register_rep_get(&in, &rep);
        *ret_channel = msg_take_fd(&in);
        rc = msg_end(&in, err);
    }
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

/* derive DIR make|wipe JOB PRODUCT TOKEN ASK-PRODUCT ASK-TOKEN VERSION TIMES */
static int do_derive(char **a, struct err *err)
{
    int channel = -1;
    struct buf pin;
    buf_init_secret(&pin);
    int rc = channel_of(a, &channel, err);
    for (int i = 0; rc == 0 && i < atoi(a[8]); i++) {
        rc = vault_derive_so_pin(channel, a[5], a[6], (uint32_t)atoi(a[7]), &pin, clock_mono_ms() + CALL_MS,
                                 err);
        if (rc == 0)
            printf("%s\n", buf_cstr(&pin));
    }
    if (channel >= 0)
        close(channel);
    buf_done(&pin);
    return rc;
}

/* ask-socket TOKEN: the verb of the channel, on the socket: never answered with a PIN */
static int do_ask_socket(char **a, struct err *err)
{
    int fd = -1;
    struct buf pin;
    buf_init_secret(&pin);
    int rc = vault_connect(socket_path, &fd, err);
    if (rc == 0)
        rc = vault_derive_so_pin(fd, "softhsm", a[0], 1, &pin, clock_mono_ms() + CALL_MS, err);
    if (fd >= 0)
        close(fd);
    buf_done(&pin);
    return rc;
}

static EVP_PKEY *sealing_key(struct err *err)
{
    static struct vault_status_rep rep;
    if (get_status(&rep, err) != 0)
        return NULL;
    const unsigned char *p = rep.sealing_key.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)rep.sealing_key.len);
    if (!key)
        err_set(err, ERR_HSM, "the status has no sealing key");
    return key;
}

/* seal DIR JOB TOKEN VERSION PIN: a made-up PIN, as the bay would seal it */
static int do_seal(char **a, struct err *err)
{
    struct sealed_pin who = {.pin_version = (uint32_t)atoi(a[3])};
    struct buf pin, plain;
    uint8_t out[SEALED_MAX];
    size_t n = sizeof(out);
    int rc = -1;
    SET(who.job, a[1]);
    SET(who.serial, a[2]);
    buf_init_secret(&pin);
    buf_init_secret(&plain);
    EVP_PKEY *key = sealing_key(err);
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    if (!ctx || buf_put_str(&pin, a[4], err) != 0 || sealed_pin_encode(&who, &pin, &plain, err) != 0)
        goto out;
    if (EVP_PKEY_encrypt_init(ctx) <= 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) <= 0 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) <= 0 ||
        EVP_PKEY_encrypt(ctx, out, &n, plain.data, plain.len) <= 0) {
        err_set(err, ERR_INTERNAL, "OAEP");
        goto out;
    }
    rc = write_out(a[0], "sealed.bin", out, n, err);
out:
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    buf_done(&pin);
    buf_done(&plain);
    return rc;
}

/* letter DIR JOB TOKEN VERSION APPLICATION ORGANISATION OUT */
static int do_letter(char **a, struct err *err)
{
    struct msg_out m;
    struct msg_in in;
    struct vault_letter_req req;
    memset(&req, 0, sizeof(req));
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    SET(req.job, a[1]);
    SET(req.serial, a[2]);
    req.pin_version = (uint32_t)atoi(a[3]);
    SET(req.application, a[4]);
    SET(req.organisation, a[5]);
    int rc = READ_FIELD(a[0], "sealed.bin", req.sealed, err);
    int fd = open(a[6], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (rc == 0 && fd < 0)
        rc = err_sys(err, "%s", a[6]);
    msg_begin(&m, VAULT_VERB_LETTER, 0, 0);
    vault_letter_req_put(&m, &req);
    msg_put_fd(&m, fd);
    if (rc == 0 && (rc = call(&m, &in, err)) == 0)
        rc = msg_end(&in, err);
    if (fd >= 0)
        close(fd);
    msg_out_done(&m);
    msg_in_done(&in);
    return rc;
}

/* ---- bad manners -------------------------------------------------------------------------------- */

/* nonsense HEX: sends the bytes as they are; good when the vault closes the connection */
static int do_nonsense(char **a, struct err *err)
{
    uint8_t bytes[4096];
    size_t n = 0;
    int fd = -1;
    if (hex_decode(a[0], bytes, sizeof(bytes), &n, err) != 0 || vault_connect(socket_path, &fd, err) != 0)
        return -1;
    struct msg_in in;
    msg_in_init(&in, false);
    int rc = send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : err_sys(err, "send");
    if (rc == 0 && msg_recv(fd, &in, clock_mono_ms() + 5000, err) != 0)
        rc = err_set(err, ERR_PROTOCOL, "the vault answered, or did nothing");
    else if (rc == 0)
        puts("closed");
    msg_in_done(&in);
    close(fd);
    return rc;
}

/* flood N: that many connections at once; prints how many of them answer a status */
static int do_flood(char **a, struct err *err)
{
    static int fds[1024];
    int n = atoi(a[0]), answered = 0;
    for (int i = 0; i < n && i < 1024; i++)
        if (vault_connect(socket_path, &fds[i], err) != 0)
            fds[i] = -1;
    for (int i = 0; i < n && i < 1024; i++) {
        struct msg_out m;
        struct msg_in in;
        struct vault_status_req req = {.protocol = VAULT_PROTOCOL};
        msg_out_init(&m, false);
        msg_in_init(&in, false);
        msg_begin(&m, VAULT_VERB_STATUS, 0, 0);
        vault_status_req_put(&m, &req);
        if (fds[i] >= 0 && vault_call(fds[i], &m, &in, clock_mono_ms() + 10000, err) == 0)
            answered++;
        msg_out_done(&m);
        msg_in_done(&in);
    }
    printf("%d\n", answered);
    return 0;
}

/* ---- table -------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int args;
    int (*run)(char **args, struct err *err);
} verbs[] = {
    {"status", 0, do_status},   {"unlock", 1, do_unlock}, {"ca-init", 5, do_ca_init},
    {"approve", 2, do_approve}, {"key", 2, do_key},       {"build", 2, do_build},
    {"reserve", 3, do_reserve}, {"sign", 3, do_sign},     {"lookup", 1, do_lookup},
    {"void", 2, do_void},       {"derive", 9, do_derive}, {"ask-socket", 1, do_ask_socket},
    {"seal", 5, do_seal},       {"letter", 7, do_letter}, {"nonsense", 1, do_nonsense},
    {"flood", 1, do_flood},
};

int main(int argc, char **argv)
{
    struct err err;
    if (argc < 3)
        return 2;
    socket_path = argv[1];
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].name, argv[2]) == 0 && argc == 3 + verbs[i].args) {
            err_clear(&err);
            if (verbs[i].run(argv + 3, &err) == 0)
                return 0;
            fprintf(stderr, "%s: %s\n", err_name(err.code), err.text);
            return err_exit_code(err.code);
        }
    fprintf(stderr, "vault_tool: no such verb, or not so many arguments\n");
    return 2;
}
