/* The station's HTTPS against a real TLS server, in a process of its own. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmocka_all.h"
#include "station/http.h"

#define REQUEST_MAX 65536

static struct err err;
static char folder[] = "/tmp/test-http-XXXXXX";
static pid_t server;
static int port;
static struct station_conf conf;

/* ---- certificates: a CA, another CA, and what each signed ---- */

struct identity {
    EVP_PKEY *key;
    X509 *cert;
};

static char *at(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void save(const struct identity *id, const char *name)
{
    char file[64];
    snprintf(file, sizeof(file), "%s.crt", name);
    FILE *f = fopen(at(file), "w");
    assert_true(f && PEM_write_X509(f, id->cert));
    fclose(f);
    snprintf(file, sizeof(file), "%s.key", name);
    f = fopen(at(file), "w");
    assert_true(f && fchmod(fileno(f), 0600) == 0 &&
                PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
}

static struct identity identity_make(const char *name, const struct identity *issuer, const char *extension)
{
    struct identity id = {EVP_EC_gen("P-256"), X509_new()};
    X509_NAME *subject = X509_get_subject_name(id.cert);
    X509_set_version(id.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), (long)(random() & 0x7fffffff) + 1);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(id.cert, issuer ? X509_get_subject_name(issuer->cert) : subject);
    X509_gmtime_adj(X509_getm_notBefore(id.cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(id.cert), 86400);
    X509_set_pubkey(id.cert, id.key);
    X509_EXTENSION *e =
        X509V3_EXT_conf_nid(NULL, NULL, issuer ? NID_subject_alt_name : NID_basic_constraints, extension);
    X509_add_ext(id.cert, e, -1);
    X509_EXTENSION_free(e);
    assert_true(X509_sign(id.cert, issuer ? issuer->key : id.key, EVP_sha256()) > 0);
    save(&id, name);
    return id;
}

static void identity_done(struct identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
}

/* ---- the server ---- */

static const char *header_of(const char *request, const char *name, char *dst, size_t cap)
{
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
    const char *from = strcasestr(request, wanted);
    dst[0] = '\0';
    if (from) {
        from += strlen(wanted);
        snprintf(dst, cap, "%.*s", (int)strcspn(from, "\r"), from);
    }
    return dst;
}

static void say(SSL *ssl, const char *text)
{
    SSL_write(ssl, text, (int)strlen(text));
}

static void answer(SSL *ssl, const char *status, const char *type, const char *body)
{
    char head[256];
    snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", status,
             type, strlen(body));
    say(ssl, head);
    if (*body)
        say(ssl, body);
}

/* What came, as JSON. */
static void echo(SSL *ssl, const char *request, const char *body)
{
    static const char *const names[] = {"content-type", "idempotency-key", "expect"};
    char value[128];
    json_t *o = json_pack("{s:s#, s:s}", "line", request, strcspn(request, "\r"), "body", body);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        json_object_set_new(o, names[i], json_string(header_of(request, names[i], value, sizeof(value))));
    char *text = json_dumps(o, 0);
    answer(ssl, "200 OK", "application/json", text);
    free(text);
    json_decref(o);
}

static void huge(SSL *ssl)
{
    char piece[4097];
    memset(piece, ' ', sizeof(piece) - 1);
    piece[sizeof(piece) - 1] = '\0';
    say(ssl, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{");
    for (size_t sent = 0; sent < 2 * HTTP_ANSWER_MAX; sent += sizeof(piece) - 1)
        if (SSL_write(ssl, piece, sizeof(piece) - 1) <= 0)
            return;
    say(ssl, "}");
}

static void serve_request(SSL *ssl, const char *request, const char *body)
{
    static const struct {
        const char *path, *status, *type, *body;
    } fixed[] = {
        {"/page", "200 OK", "text/html", "<html>welcome</html>"},
        {"/empty", "200 OK", "text/plain", ""},
        {"/list", "200 OK", "application/json", "[1]"},
        {"/twice", "200 OK", "application/json", "{\"a\":1,\"a\":2}"},
        {"/problem", "409 Conflict", "application/problem+json",
         "{\"code\":\"generation\",\"detail\":\"older\"}"},
        {"/gateway", "502 Bad Gateway", "text/html", "<html>bad gateway</html>"},
    };
    const char *path = request + strlen("POST ");
    size_t n = strcspn(path, " ");
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (strlen(fixed[i].path) == n && strncmp(path, fixed[i].path, n) == 0)
            answer(ssl, fixed[i].status, fixed[i].type, fixed[i].body);
    if (strncmp(path, "/echo ", 6) == 0)
        echo(ssl, request, body);
    if (strncmp(path, "/redirect ", 10) == 0)
        say(ssl, "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    if (strncmp(path, "/cut ", 5) == 0)
        say(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":");
    if (strncmp(path, "/nonsense ", 10) == 0)
        say(ssl, "good morning\r\n");
    if (strncmp(path, "/huge ", 6) == 0)
        huge(ssl);
    if (strncmp(path, "/slow ", 6) == 0)
        sleep(30);
}

/* One request a connection. */
static void serve(SSL *ssl)
{
    static char request[REQUEST_MAX];
    size_t len = 0;
    char length[32];
    if (SSL_accept(ssl) <=
        0) { /* what the client has sent meanwhile is read, so that the alert is not lost in a reset */
        shutdown(SSL_get_fd(ssl), SHUT_WR);
        while (read(SSL_get_fd(ssl), request, sizeof(request)) > 0)
            ;
        return;
    }
    for (int n; len < sizeof(request) - 1 &&
                (n = SSL_read(ssl, request + len, (int)(sizeof(request) - 1 - len))) > 0;) {
        len += (size_t)n;
        request[len] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        if (end && (size_t)(request + len - (end + 4)) >=
                       (size_t)atol(header_of(request, "content-length", length, sizeof(length)))) {
            serve_request(ssl, request, end + 4);
            break;
        }
    }
    SSL_shutdown(ssl);
}

static void server_main(int listener)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_file(ctx, at("server.crt"), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(ctx, at("server.key"), SSL_FILETYPE_PEM);
    SSL_CTX_load_verify_file(ctx, at("ca.crt"));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || fork() != 0) {
            close(fd);
            continue;
        }
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        SSL *ssl = SSL_new(ctx);
        SSL_set_fd(ssl, fd);
        serve(ssl);
        _exit(0);
    }
}

static void server_start(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    port = ntohs(a.sin_port);
    server = fork();
    if (server == 0)
        server_main(listener);
    close(listener);
}

static int up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    struct identity ca = identity_make("ca", NULL, "critical,CA:TRUE");
    struct identity other = identity_make("other-ca", NULL, "critical,CA:TRUE");
    struct identity ids[] = {identity_make("server", &ca, "IP:127.0.0.1"),
                             identity_make("station", &ca, "DNS:station"),
                             identity_make("stranger", &other, "DNS:station")};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        identity_done(&ids[i]);
    identity_done(&ca);
    identity_done(&other);
    server_start();
    return 0;
}

static int down(void **state)
{
    (void)state;
    static const char *const names[] = {"ca", "other-ca", "server", "station", "stranger"};
    char file[64];
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(file, sizeof(file), "%s.crt", names[i]);
        unlink(at(file));
        snprintf(file, sizeof(file), "%s.key", names[i]);
        unlink(at(file));
    }
    return rmdir(folder);
}

static int fresh(void **state)
{
    (void)state;
    memset(&conf, 0, sizeof(conf));
    snprintf(conf.portal.url, sizeof(conf.portal.url), "https://127.0.0.1:%d/", port);
    snprintf(conf.portal.ca, sizeof(conf.portal.ca), "%s", at("ca.crt"));
    snprintf(conf.portal.certificate, sizeof(conf.portal.certificate), "%s", at("station.crt"));
    snprintf(conf.portal.key, sizeof(conf.portal.key), "%s", at("station.key"));
    conf.portal.timeout_seconds = 20;
    return 0;
}

/* ---- asking ---- */

static void next(struct http *http, struct http_result *ret)
{
    int64_t end = clock_mono_ms() + 60000;
    while (http_next(http, ret) == 0) {
        assert_true(clock_mono_ms() < end);
        assert_int_equal(http_wait(http, NULL, 0, 1000, &err), 0);
    }
}

static void ask(const char *path, struct http_result *ret)
{
    struct http *http = NULL;
    json_t *body = json_pack("{s:s}", "hello", "机构");
    assert_int_equal(http_open(&http, &conf, &err), 0);
    assert_int_equal(http_post(http, http_request_new(HTTP_OUTBOX, "key-1", path, "idem-1", body), &err), 0);
    assert_int_equal(http_under_way(http), 1);
    next(http, ret);
    assert_int_equal(http_under_way(http), 0);
    http_close(&http);
    assert_null(http);
    json_decref(body);
}

static void fails(const char *path, enum err_code code, const char *text)
{
    struct http_result r;
    ask(path, &r);
    assert_int_equal(r.status, 0);
    assert_null(r.body);
    if (r.err.code != code || !strstr(r.err.text, text))
        print_error("%s: %s\n", err_name(r.err.code), r.err.text);
    assert_int_equal(r.err.code, code);
    assert_non_null(strstr(r.err.text, text));
    assert_non_null(strstr(r.err.text, path)); /* it names the URL */
}

/* ---- tests ---- */

static void a_request_arrives_whole_and_its_answer_comes_back(void **state)
{
    (void)state;
    struct http_result r;
    int64_t before = clock_boot_ms();
    ask("/echo", &r);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.tag, HTTP_OUTBOX);
    assert_string_equal(r.key, "key-1");
    assert_true(r.started_boot_ms >= before && r.started_boot_ms <= clock_boot_ms());
    assert_string_equal(json_str(r.body, "line"), "POST /echo HTTP/1.1");
    assert_string_equal(json_str(r.body, "body"), "{\"hello\":\"机构\"}");
    assert_string_equal(json_str(r.body, "content-type"), "application/json");
    assert_string_equal(json_str(r.body, "idempotency-key"), "idem-1");
    assert_string_equal(json_str(r.body, "expect"), "");
    json_decref(r.body);
}

static void several_requests_each_get_their_own_answer(void **state)
{
    (void)state;
    struct http *http = NULL;
    char key[16], seen[12] = "";
    assert_int_equal(http_open(&http, &conf, &err), 0);
    for (int i = 0; i < 10; i++) {
        json_t *body = json_pack("{s:i}", "n", i);
        snprintf(key, sizeof(key), "%d", i);
        assert_int_equal(http_post(http, http_request_new(HTTP_RENEW, key, "/echo", "", body), &err), 0);
        json_decref(body);
    }
    assert_int_equal(http_under_way(http), 10);
    for (int i = 0; i < 10; i++) {
        struct http_result r;
        char expected[96];
        next(http, &r);
        snprintf(expected, sizeof(expected), "{\"n\":%s}", r.key);
        assert_int_equal(r.status, 200);
        assert_string_equal(json_str(r.body, "body"), expected);
        assert_string_equal(json_str(r.body, "idempotency-key"), "");
        assert_null(strchr(seen, r.key[0]));
        seen[i] = r.key[0];
        json_decref(r.body);
    }
    http_close(&http);
}

static void a_problem_is_an_answer_with_its_status(void **state)
{
    (void)state;
    struct http_result r;
    ask("/problem", &r);
    assert_int_equal(r.status, 409);
    assert_string_equal(json_str(r.body, "code"), "generation");
    json_decref(r.body);
}

static void an_error_page_is_an_answer_without_a_body(void **state)
{
    (void)state;
    struct http_result r;
    ask("/gateway", &r);
    assert_int_equal(r.status, 502);
    assert_null(r.body);
    assert_int_equal(r.err.code, ERR_HTTP);
    assert_non_null(strstr(r.err.text, "502"));
}

static void a_success_without_a_json_object_is_none(void **state)
{
    (void)state;
    fails("/page", ERR_HTTP, "not with JSON");
    fails("/empty", ERR_HTTP, "nothing else");
    fails("/list", ERR_HTTP, "no object");
    fails("/twice", ERR_HTTP, "not with JSON");
}

static void a_redirect_is_not_followed(void **state)
{
    (void)state;
    struct http_result r;
    ask("/redirect", &r);
    assert_int_equal(r.status, 302);
    assert_null(r.body);
    assert_non_null(strstr(r.err.text, "redirects are not followed"));
}

static void an_answer_that_is_too_large_is_not_taken(void **state)
{
    (void)state;
    fails("/huge", ERR_HTTP, "over 4194304 bytes");
}

static void an_answer_that_breaks_off_is_none(void **state)
{
    (void)state;
    fails("/cut", ERR_UNREACHABLE, "");
}

static void an_answer_that_is_no_http_is_named_nonsense(void **state)
{
    (void)state;
    fails("/nonsense", ERR_HTTP, "");
}

static void a_slow_portal_is_given_up_after_the_deadline(void **state)
{
    (void)state;
    conf.portal.timeout_seconds = 1;
    fails("/slow", ERR_TIMEOUT, "");
}

static void a_portal_that_is_down_is_unreachable(void **state)
{
    (void)state;
    snprintf(conf.portal.url, sizeof(conf.portal.url), "https://127.0.0.1:1");
    fails("/echo", ERR_UNREACHABLE, "127.0.0.1:1");
}

static void a_portal_of_another_ca_is_not_believed(void **state)
{
    (void)state;
    snprintf(conf.portal.ca, sizeof(conf.portal.ca), "%s", at("other-ca.crt"));
    fails("/echo", ERR_TLS, "certificate");
}

static void a_portal_of_another_name_is_not_believed(void **state)
{
    (void)state;
    snprintf(conf.portal.url, sizeof(conf.portal.url), "https://localhost:%d", port);
    fails("/echo", ERR_TLS, "localhost");
}

static void a_station_that_the_portal_does_not_know_is_told_so(void **state)
{
    (void)state;
    snprintf(conf.portal.certificate, sizeof(conf.portal.certificate), "%s", at("stranger.crt"));
    snprintf(conf.portal.key, sizeof(conf.portal.key), "%s", at("stranger.key"));
    fails("/echo", ERR_TLS, "alert");
}

static void a_certificate_and_a_key_that_are_no_pair_are_named(void **state)
{
    (void)state;
    snprintf(conf.portal.key, sizeof(conf.portal.key), "%s", at("stranger.key"));
    fails("/echo", ERR_TLS, "");
}

static void the_environment_sets_no_proxy(void **state)
{
    (void)state;
    struct http_result r;
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    ask("/echo", &r);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(r.status, 200);
    json_decref(r.body);
}

static void what_would_not_be_safe_is_not_opened(void **state)
{
    (void)state;
    struct http *http = NULL;
    snprintf(conf.portal.url, sizeof(conf.portal.url), "http://127.0.0.1:%d", port);
    assert_int_equal(http_open(&http, &conf, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    fresh(NULL);
    assert_int_equal(chmod(at("station.key"), 0644), 0);
    assert_int_equal(http_open(&http, &conf, &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_int_equal(chmod(at("station.key"), 0600), 0);
    assert_null(http);
}

static void closing_drops_what_is_under_way(void **state)
{
    (void)state;
    struct http *http = NULL;
    assert_int_equal(http_open(&http, &conf, &err), 0);
    assert_int_equal(http_post(http, http_request_new(HTTP_CLAIM, "", "/slow", "", NULL), &err), 0);
    assert_int_equal(http_wait(http, NULL, 0, 50, &err), 0);
    http_close(&http);
    assert_null(http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_request_arrives_whole_and_its_answer_comes_back, fresh),
        cmocka_unit_test_setup(several_requests_each_get_their_own_answer, fresh),
        cmocka_unit_test_setup(a_problem_is_an_answer_with_its_status, fresh),
        cmocka_unit_test_setup(an_error_page_is_an_answer_without_a_body, fresh),
        cmocka_unit_test_setup(a_success_without_a_json_object_is_none, fresh),
        cmocka_unit_test_setup(a_redirect_is_not_followed, fresh),
        cmocka_unit_test_setup(an_answer_that_is_too_large_is_not_taken, fresh),
        cmocka_unit_test_setup(an_answer_that_breaks_off_is_none, fresh),
        cmocka_unit_test_setup(an_answer_that_is_no_http_is_named_nonsense, fresh),
        cmocka_unit_test_setup(a_slow_portal_is_given_up_after_the_deadline, fresh),
        cmocka_unit_test_setup(a_portal_that_is_down_is_unreachable, fresh),
        cmocka_unit_test_setup(a_portal_of_another_ca_is_not_believed, fresh),
        cmocka_unit_test_setup(a_portal_of_another_name_is_not_believed, fresh),
        cmocka_unit_test_setup(a_station_that_the_portal_does_not_know_is_told_so, fresh),
        cmocka_unit_test_setup(a_certificate_and_a_key_that_are_no_pair_are_named, fresh),
        cmocka_unit_test_setup(the_environment_sets_no_proxy, fresh),
        cmocka_unit_test_setup(what_would_not_be_safe_is_not_opened, fresh),
        cmocka_unit_test_setup(closing_drops_what_is_under_way, fresh),
    };
    return cmocka_run_group_tests(tests, up, down);
}
