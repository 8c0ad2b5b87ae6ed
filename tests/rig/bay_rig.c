#include "bay_rig.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "rig: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    abort();
}

/* ---- the bench
 * ---------------------------------------------------------------------------------------------------- */

static EVP_PKEY *sealing_key(void)
{
    static EVP_PKEY *key; /* making RSA-3072 takes a while: one a program */
    if (!key && !(key = EVP_RSA_gen(3072)))
        die("no RSA key");
    return key;
}

static void write_file(const char *path, const char *text)
{
    struct err err;
    if (file_replace(path, text, strlen(text), 0600, &err) != 0)
        die("%s", err.text);
}

static void write_sealing_key(const struct rig *r)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/sealing.pem", r->dir);
    FILE *out = fopen(path, "we");
    if (!out || !PEM_write_PUBKEY(out, sealing_key()) || fclose(out) != 0)
        die("%s", path);
}

void rig_blank(struct rig *r, const char *path, char ret_serial[SERIAL_SIZE])
{
    char program[300], text[SERIAL_SIZE] = "";
    int ends[2], status;
    snprintf(program, sizeof(program), "%s/castation-blank", r->bin);
    if (pipe2(ends, O_CLOEXEC) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        execl(program, program, "token", path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 || n <= 0)
        die("castation-blank token %s", path);
    text[strcspn(text, "\n")] = '\0';
    memcpy(ret_serial, text, sizeof(text));
}

void rig_init_at(struct rig *r, const char *dir)
{
    char config[1024];
    memset(r, 0, sizeof(*r));
    rig_text(r->dir, dir);
    ssize_t n = readlink("/proc/self/exe", r->bin, sizeof(r->bin) - 1);
    char *slash = n > 0 ? strrchr(r->bin, '/') : NULL;
    if (!slash)
        die("where am I?");
    *slash = '\0';
    snprintf(r->token, sizeof(r->token), "%s/token", r->dir);
    snprintf(r->config, sizeof(r->config), "%s/bay.conf", r->dir);
    snprintf(r->script, sizeof(r->script), "%s/faults", r->dir);
    snprintf(config, sizeof(config),
             "sealing_key = \"sealing.pem\";\nmodules = [ \"%s\", \"%s/libfake_p11.so\" ];\n", MODULE,
             r->bin);
    write_file(r->config, config);
    write_sealing_key(r);
    rig_blank(r, r->token, r->serial);
    r->pin_version = 1;
    r->ms = RIG_MS;
}

void rig_init(struct rig *r)
{
    char dir[] = "/tmp/castation-rig-XXXXXX";
    if (!mkdtemp(dir))
        die("mkdtemp");
    rig_init_at(r, dir);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void rig_close(struct rig *r)
{
    rig_end(r);
    bay_vault_free(&r->vault);
}

void rig_done(struct rig *r)
{
    rig_close(r);
    nftw(r->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void rig_script(struct rig *r, const char *script)
{
    write_file(r->script, script);
    r->fake = true;
}

static void move_tokens(const struct rig *r, const char *from, const char *to)
{
    char a[160], b[160];
    snprintf(a, sizeof(a), "%s/%s", r->token, from);
    snprintf(b, sizeof(b), "%s/%s", r->token, to);
    if (rename(a, b) != 0)
        die("%s to %s", a, b);
}

void rig_pull(struct rig *r)
{
    move_tokens(r, "tokens", "pulled");
}

void rig_plug(struct rig *r)
{
    move_tokens(r, "pulled", "tokens");
}

/* ---- talking to the worker
 * ----------------------------------------------------------------------------------------- */

static void reap(struct rig *r)
{
    struct pollfd p = {.fd = bay_client_pidfd(r->bay), .events = POLLIN};
    if (poll(&p, 1, 20000) != 1 || bay_client_reap(r->bay, &r->last_status) != 1)
        die("a worker that does not end");
    bay_client_free(&r->bay);
}

int rig_end(struct rig *r)
{
    if (r->bay) {
        bay_client_kill(r->bay);
        reap(r);
    }
    return r->last_status;
}

int rig_ask(struct rig *r, struct msg_out *m, int ms, struct msg_in *reply, struct err *err)
{
    if (!r->bay)
        return err_set(err, ERR_PEER_GONE, "no worker");
    if (bay_client_send(r->bay, m, clock_mono_ms() + ms, err) != 0) {
        if (err->code == ERR_PEER_GONE)
            reap(r);
        return -1;
    }
    struct pollfd p = {.fd = bay_client_fd(r->bay), .events = POLLIN};
    if (poll(&p, 1, clock_left_ms(bay_client_deadline(r->bay))) == 0) {
        rig_end(r);
        return err_set(err, ERR_TIMEOUT, "killed at its deadline");
    }
    int got = bay_client_read(r->bay, reply, err);
    if (got == 0) {
        reap(r);
        return err_set(err, ERR_PEER_GONE, "the worker is gone");
    }
    if (got < 0)
        return -1;
    if (!(reply->flags & MSG_ERROR))
        return 0;
    msg_get_err(reply, err);
    return -1;
}

static void begin(struct msg_out *m, struct msg_in *reply, enum bay_verb verb)
{
    msg_out_init(m, false);
    msg_in_init(reply, false);
    msg_begin(m, (uint8_t)verb, 0, 0);
}

static int finish(struct msg_out *m, struct msg_in *reply, int rc, struct err *err)
{
    if (rc == 0)
        rc = msg_end(reply, err);
    msg_out_done(m);
    msg_in_done(reply);
    return rc;
}

#define V(name, NAME)                                                                                        \
    int rig_ask_##name(struct rig *r, const struct bay_##name##_req *q, struct bay_##name##_rep *p, int ms,  \
                       struct err *err)                                                                      \
    {                                                                                                        \
        struct msg_out m;                                                                                    \
        struct msg_in reply;                                                                                 \
        begin(&m, &reply, BAY_##NAME);                                                                       \
        bay_##name##_req_put(&m, q);                                                                         \
        int rc = rig_ask(r, &m, ms, &reply, err);                                                            \
        if (rc == 0)                                                                                         \
            bay_##name##_rep_get(&reply, p);                                                                 \
        return finish(&m, &reply, rc, err);                                                                  \
    }
RIG_VERBS(V)
#undef V

#define PLAIN(name, NAME)                                                                                    \
    int rig_ask_##name(struct rig *r, const struct bay_##name##_req *q, int ms, struct err *err)             \
    {                                                                                                        \
        struct msg_out m;                                                                                    \
        struct msg_in reply;                                                                                 \
        begin(&m, &reply, BAY_##NAME);                                                                       \
        bay_##name##_req_put(&m, q);                                                                         \
        return finish(&m, &reply, rig_ask(r, &m, ms, &reply, err), err);                                     \
    }
PLAIN(set_so_pin, SET_SO_PIN)
PLAIN(set_user_pin, SET_USER_PIN)

/* ---- a worker
 * ------------------------------------------------------------------------------------------------------ */

void rig_process(struct rig *r)
{
    struct err err;
    char program[300];
    rig_end(r);
    snprintf(program, sizeof(program), "%s/castation-bay", r->bin);
    if (bay_client_start(&r->bay, program, r->config, &err) != 0)
        die("%s", err.text);
}

int rig_hello(struct rig *r, int ms, struct err *err)
{
    struct bay_hello_req q = {.protocol = BAY_PROTOCOL};
    struct bay_hello_rep p;
    rig_text(q.bay, "7");
    rig_text(q.product, "softhsm");
    rig_text(q.module, MODULE);
    snprintf(q.environment, sizeof(q.environment), "SOFTHSM2_CONF=%s/softhsm2.conf", r->token);
    if (r->fake) {
        snprintf(q.module, sizeof(q.module), "%s/libfake_p11.so", r->bin);
        snprintf(q.environment, sizeof(q.environment),
                 "SOFTHSM2_CONF=%s/softhsm2.conf\nFAKE_P11_REAL=%s\nFAKE_P11_SCRIPT=%s", r->token, MODULE,
                 r->script);
    }
    return rig_ask_hello(r, &q, &p, ms, err);
}

int rig_channel(struct rig *r, struct err *err)
{
    struct bay_channel_req q;
    struct msg_out m;
    struct msg_in reply;
    int fd;
    memset(&q, 0, sizeof(q));
    rig_text(q.job, RIG_JOB);
    bay_vault_free(&r->vault);
    r->vault = bay_vault_new(&fd);
    begin(&m, &reply, BAY_CHANNEL);
    bay_channel_req_put(&m, &q);
    msg_put_fd(&m, fd);
    int rc = finish(&m, &reply, rig_ask(r, &m, r->ms, &reply, err), err);
    close(fd);
    return rc;
}

void rig_start(struct rig *r)
{
    struct err err;
    rig_process(r);
    if (rig_hello(r, RIG_MS, &err) != 0 || rig_channel(r, &err) != 0)
        die("start: %s", err.text);
}

/* ---- steps
 * ---------------------------------------------------------------------------------------------------------
 */

/* The SO PIN that the token has at this point. */
static uint8_t so_kind(const struct rig *r)
{
    return r->so_derived ? SO_PIN_DERIVED : SO_PIN_FACTORY;
}

int rig_step_probe(struct rig *r, struct err *err)
{
    struct bay_probe_req q;
    struct bay_probe_rep p;
    memset(&q, 0, sizeof(q));
    rig_text(q.serial, r->serial);
    return rig_ask_probe(r, &q, &p, r->ms, err);
}

int rig_step_init(struct rig *r, struct err *err)
{
    struct bay_init_req q = {.so_kind = so_kind(r), .so_version = RIG_SO_VERSION};
    struct bay_init_rep p;
    rig_text(q.serial, r->serial);
    rig_text(q.label, "测试机构 1");
    return rig_ask_init(r, &q, &p, r->ms, err);
}

int rig_step_set_so_pin(struct rig *r, struct err *err)
{
    struct bay_set_so_pin_req q = {
        .so_kind = so_kind(r), .so_version = RIG_SO_VERSION, .to_version = RIG_SO_VERSION};
    rig_text(q.serial, r->serial);
    int rc = rig_ask_set_so_pin(r, &q, r->ms, err);
    r->so_derived = r->so_derived || rc == 0;
    return rc;
}

int rig_step_seal_pin(struct rig *r, struct err *err)
{
    struct bay_seal_pin_req q = {.pin_version = r->pin_version};
    rig_text(q.serial, r->serial);
    rig_text(q.job, RIG_JOB);
    return rig_ask_seal_pin(r, &q, &r->sealed, r->ms, err);
}

int rig_step_set_user_pin(struct rig *r, struct err *err)
{
    struct bay_set_user_pin_req q = {
        .so_kind = so_kind(r), .so_version = RIG_SO_VERSION, .pin_version = r->pin_version};
    rig_text(q.serial, r->serial);
    return rig_ask_set_user_pin(r, &q, r->ms, err);
}

int rig_step_keygen(struct rig *r, enum key_type type, struct err *err)
{
    struct bay_keygen_req q = {.key_type = (uint8_t)type};
    rig_text(q.serial, r->serial);
    rig_text(q.label, "张三 signing");
    (void)bytes_set(q.key_id, RIG_KEY_ID, 16);
    return rig_ask_keygen(r, &q, &r->key, r->ms, err);
}

int rig_step_csr(struct rig *r, struct err *err)
{
    struct bay_csr_req q;
    memset(&q, 0, sizeof(q));
    rig_text(q.serial, r->serial);
    (void)bytes_set(q.key_id, r->key.final_id.data, r->key.final_id.len);
    r->subject_len = rig_subject("张三", r->subject, sizeof(r->subject));
    (void)bytes_set(q.subject, r->subject, r->subject_len);
    (void)bytes_set(q.challenge, "0123456789abcdef0123456789abcdef", 32);
    return rig_ask_csr(r, &q, &r->csr, r->ms, err);
}

int rig_step_write(struct rig *r, struct err *err)
{
    struct bay_write_req q;
    struct bay_write_rep p;
    memset(&q, 0, sizeof(q));
    if (r->certificate_len == 0)
        rig_issue(r, "张三");
    rig_text(q.serial, r->serial);
    rig_text(q.label, "张三 signing");
    (void)bytes_set(q.key_id, r->key.final_id.data, r->key.final_id.len);
    (void)bytes_set(q.certificate, r->certificate, r->certificate_len);
    (void)bytes_set(q.chain, r->chain, r->chain_len);
    return rig_ask_write(r, &q, &p, r->ms, err);
}

int rig_step_verify(struct rig *r, struct err *err)
{
    struct bay_verify_req q = {.pin_version = r->pin_version};
    struct bay_verify_rep p;
    rig_text(q.serial, r->serial);
    (void)bytes_set(q.key_id, r->key.final_id.data, r->key.final_id.len);
    (void)bytes_set(q.certificate, r->certificate, r->certificate_len);
    (void)bytes_set(q.chain, r->chain, r->chain_len);
    return rig_ask_verify(r, &q, &p, r->ms, err);
}

int rig_step_wipe(struct rig *r, struct err *err)
{
    struct bay_wipe_req q = {.so_kind = so_kind(r), .so_version = RIG_SO_VERSION};
    struct bay_wipe_rep p;
    rig_text(q.serial, r->serial);
    rig_text(q.label, "BLANK");
    r->certificate_len = 0;
    return rig_ask_wipe(r, &q, &p, r->ms, err);
}

int rig_make(struct rig *r, enum key_type type, struct err *err)
{
    return rig_step_init(r, err) != 0 || rig_step_set_so_pin(r, err) != 0 || rig_step_seal_pin(r, err) != 0 ||
                   rig_step_set_user_pin(r, err) != 0 || rig_step_keygen(r, type, err) != 0 ||
                   rig_step_csr(r, err) != 0 || rig_step_write(r, err) != 0 || rig_step_verify(r, err) != 0
               ? -1
               : 0;
}

/* ---- the vault's and the CA's part
 * ---------------------------------------------------------------------------------- */

static X509_NAME *name_of(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();
    if (!name ||
        !X509_NAME_add_entry_by_txt(name, "C", MBSTRING_UTF8, (const unsigned char *)"CN", -1, -1, 0) ||
        !X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"测试机构", -1, -1, 0) ||
        !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0))
        die("name");
    return name;
}

size_t rig_subject(const char *common_name, uint8_t *ret, size_t cap)
{
    X509_NAME *name = name_of(common_name);
    unsigned char *der = NULL;
    int n = i2d_X509_NAME(name, &der);
    if (n <= 0 || (size_t)n > cap)
        die("subject");
    memcpy(ret, der, (size_t)n);
    OPENSSL_free(der);
    X509_NAME_free(name);
    return (size_t)n;
}

static X509 *certificate(X509_NAME *subject, X509_NAME *issuer, EVP_PKEY *key, EVP_PKEY *signer, bool ca)
{
    static long serial = 0x7001;
    X509 *x = X509_new();
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *basic =
        X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    X509_EXTENSION *usage = X509V3_EXT_conf_nid(
        NULL, &ctx, NID_key_usage, ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!x || !basic || !usage || !X509_set_version(x, X509_VERSION_3) ||
        !ASN1_INTEGER_set(X509_get_serialNumber(x), serial++) || !X509_set_subject_name(x, subject) ||
        !X509_set_issuer_name(x, issuer) || !X509_gmtime_adj(X509_getm_notBefore(x), -60) ||
        !X509_gmtime_adj(X509_getm_notAfter(x), 86400) || !X509_set_pubkey(x, key) ||
        !X509_add_ext(x, basic, -1) || !X509_add_ext(x, usage, -1) || !X509_sign(x, signer, EVP_sha256()))
        die("certificate");
    X509_EXTENSION_free(basic);
    X509_EXTENSION_free(usage);
    return x;
}

static size_t to_der(X509 *x, uint8_t *ret, size_t cap)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    if (n <= 0 || (size_t)n > cap)
        die("certificate to DER");
    memcpy(ret, der, (size_t)n);
    OPENSSL_free(der);
    return (size_t)n;
}

/* One CA a program. */
static X509 *test_ca(EVP_PKEY **ret_key)
{
    static X509 *ca;
    static EVP_PKEY *key;
    if (!ca) {
        key = EVP_EC_gen("P-256");
        X509_NAME *name = name_of("测试 CA");
        ca = certificate(name, name, key, key, true);
        X509_NAME_free(name);
    }
    *ret_key = key;
    return ca;
}

void rig_issue(struct rig *r, const char *common_name)
{
    const unsigned char *p = r->csr.csr.data;
    X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)r->csr.csr.len);
    EVP_PKEY *ca_key, *key = req ? X509_REQ_get0_pubkey(req) : NULL;
    if (!key || p != r->csr.csr.data + r->csr.csr.len || X509_REQ_verify(req, key) != 1)
        die("the bay's request does not verify");
    X509 *ca = test_ca(&ca_key);
    X509_NAME *subject = name_of(common_name);
    X509 *x = certificate(subject, X509_get_subject_name(ca), key, ca_key, false);
    r->certificate_len = to_der(x, r->certificate, sizeof(r->certificate));
    r->chain_len = to_der(ca, r->chain, sizeof(r->chain));
    X509_free(x);
    X509_NAME_free(subject);
    X509_REQ_free(req);
}

int rig_unseal(const struct rig *r, struct sealed_pin *ret_who, char *pin)
{
    uint8_t plain[SEALED_MAX];
    size_t len = sizeof(plain);
    struct buf opened;
    struct err err;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, sealing_key(), NULL);
    buf_init_secret(&opened);
    int rc = -1;
    if (EVP_PKEY_decrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0 &&
        EVP_PKEY_decrypt(ctx, plain, &len, r->sealed.sealed.data, r->sealed.sealed.len) > 0)
        rc = sealed_pin_decode(plain, len, ret_who, &opened, &err);
    if (rc == 0)
        snprintf(pin, USER_PIN_MAX + 1, "%.*s", (int)opened.len, (const char *)opened.data);
    buf_done(&opened);
    EVP_PKEY_CTX_free(ctx);
    return rc;
}
