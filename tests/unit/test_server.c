#include "cmocka_all.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "portal/server.h"
#include "portal/server_form.h"

/* A real listener on a free port. Its site answers /form and /query with what it read, /wait when it is let
 * go. */
static struct server *server;
static struct err err;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int waiting;
static bool let_go;

static void say_form(const struct server_form *form, enum problem problem, struct server_answer *a)
{
    buf_printf(&a->body, &err, "%s n=%zu", problem_code(problem), form->n);
    for (size_t i = 0; i < form->n && problem == PROBLEM_NONE; i++)
        buf_printf(&a->body, &err, " [%s%s%s=%zu:%.40s]", form->fields[i].name,
                   form->fields[i].file_name ? "@" : "",
                   form->fields[i].file_name ? form->fields[i].file_name : "", form->fields[i].value.len,
                   (const char *)form->fields[i].value.data);
}

static void wait_for_leave(void)
{
    pthread_mutex_lock(&lock);
    waiting++;
    pthread_cond_broadcast(&changed);
    while (!let_go)
        pthread_cond_wait(&changed, &lock);
    waiting--;
    pthread_mutex_unlock(&lock);
}

static void handle(const struct server_request *r, struct server_answer *a, void *arg)
{
    struct server_form form = {0};
    const char *detail;
    (void)arg;
    a->status = 200;
    if (strcmp(r->path, "/form") == 0)
        say_form(&form, server_form_read(r, 1, &form, &detail), a);
    else if (strcmp(r->path, "/query") == 0)
        say_form(&form, server_form_query(r, &form, &detail), a);
    else if (strcmp(r->path, "/wait") == 0)
        wait_for_leave();
    else
        buf_printf(&a->body, &err, "%s %s %s", r->method, r->address,
                   server_cookie(r, "sid") ? server_cookie(r, "sid") : "-");
    char value[32] = "one";
    server_answer_header(a, "Set-Cookie", value);
    snprintf(value, sizeof(value), "two"); /* the first is a copy */
    server_answer_header(a, "Set-Cookie", value);
    server_form_free(&form);
}

static bool quick(const struct server_request *r, struct server_answer *a, void *arg)
{
    static const char TEXT[] = "from memory";
    (void)arg;
    if (strcmp(r->path, "/static") != 0)
        return false;
    a->status = 200;
    a->constant = TEXT;
    a->constant_len = sizeof(TEXT) - 1;
    return true;
}

static void refuse(enum problem problem, const char *detail, struct server_answer *a, void *arg)
{
    (void)arg;
    buf_printf(&a->body, &err, "refused %s: %s", problem_code(problem), detail);
}

static size_t body_max(const char *method, const char *path, void *arg)
{
    (void)method;
    (void)arg;
    return strcmp(path, "/form") == 0 ? 2000000 : 1000;
}

static const struct server_site site = {
    .name = "test", .handle = handle, .refuse = refuse, .quick = quick, .body_max = body_max};

static int start(void **state)
{
    const struct server_conf conf = {.listen = "127.0.0.1:0",
                                     .port_file = "",
                                     .threads = 1,
                                     .connections = 600,
                                     .workers = 2,
                                     .uploads = 1,
                                     .address_header = "X-Real-IP",
                                     .request_seconds = 20,
                                     .idle_seconds = 20,
                                     .max_body = 1000};
    (void)state;
    let_go = false;
    return server_start(&server, &site, &conf, &err);
}

static int stop(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

/* ---- a client */

static int connect_to(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)server_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void send_all(int fd, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);
        assert_true(n > 0);
        done += (size_t)n;
    }
}

static void send_head(int fd, const char *line, const char *fields, size_t body_len)
{
    char head[1024];
    int len =
        snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s%zu\r\n\r\n",
                 line, fields, "Content-Length: ", body_len);
    send_all(fd, head, (size_t)len);
}

static char answer[65536];
static const char *receive(int fd)
{
    size_t n = 0;
    ssize_t got;
    while (n + 1 < sizeof(answer) && (got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0)) > 0)
        n += (size_t)got;
    answer[n] = '\0';
    close(fd);
    return answer;
}

static const char *ask(const char *line, const char *fields, const char *body)
{
    int fd = connect_to();
    send_head(fd, line, fields, strlen(body));
    send_all(fd, body, strlen(body));
    return receive(fd);
}

#define FORM  "Content-Type: application/x-www-form-urlencoded\r\n"
#define PARTS "Content-Type: multipart/form-data; boundary=XX\r\n"

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in '%.1000s'", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' in '%.1000s'", part, text);
}

/* ---- tests */

static void headers_are_copied_and_may_be_given_twice(void **state)
{
    (void)state;
    const char *a = ask("GET /", "Cookie: a=b; sid=x\r\n", "");
    has(a, "HTTP/1.1 200");
    has(a, "Set-Cookie: one\r\n");
    has(a, "Set-Cookie: two\r\n");
    has(a, "GET 127.0.0.1 x");
}

static void head_has_the_headers_and_no_body(void **state)
{
    (void)state;
    const char *a = ask("HEAD /", "", "");
    has(a, "Content-Length: 16");
    has_not(a, "HEAD 127");
}

static void memory_is_answered_with_at_once(void **state)
{
    (void)state;
    has(ask("GET /static", "", ""), "from memory");
}

static void the_proxy_tells_the_clients_address(void **state)
{
    (void)state;
    has(ask("GET /", "X-Real-IP: 2001:db8::7\r\n", ""), "GET 2001:db8::7");
    has(ask("GET /", "X-Real-IP: nonsense\r\n", ""), "GET 127.0.0.1");
    has(ask("GET /", "X-Real-IP: 10.0.0.1\r\nX-Real-IP: 10.0.0.2\r\n", ""), "GET 127.0.0.1");
}

static void a_form_is_decoded(void **state)
{
    (void)state;
    has(ask("POST /form", FORM, "a=1&name=%E6%9D%AD%E5%B7%9E+x&empty=&b=a%26b%3Dc"),
        "none n=4 [a=1:1] [name=8:杭州 x] [empty=0:] [b=5:a&b=c]");
    has(ask("POST /form", FORM, ""), "none n=0");
    has(ask("POST /form", FORM, "a=%00b"), "request n=");
    has(ask("POST /form", FORM, "a=%ff"), "request n=");
    has(ask("POST /form", "Content-Type: application/json\r\n", "{}"), "media-type n=0");
    has(ask("POST /form", "", "a=1"), "media-type n=0");
}

static void a_form_is_bounded(void **state)
{
    (void)state;
    char *body = malloc(200000);
    assert_non_null(body);
    *body = '\0';
    for (size_t i = 0, n = 0; i <= SERVER_FORM_FIELDS_MAX; i++) {
        if (i == SERVER_FORM_FIELDS_MAX)
            has(ask("POST /form", FORM, body), "none n=200 ");
        n += (size_t)sprintf(body + n, "%sa=", i > 0 ? "&" : "");
    }
    has(ask("POST /form", FORM, body), "too-large n=200");
    memset(body, 'a', 65536 + 3);
    body[1] = '=';
    body[65536 + 2] = '\0';
    has(ask("POST /form", FORM, body), "none n=1 [a=65536:aaaa");
    body[65536 + 2] = 'a';
    body[65536 + 3] = '\0';
    has(ask("POST /form", FORM, body), "too-large n=1");
    memset(body, 'a', 1001);
    body[1001] = '\0';
    has(ask("POST /", FORM, body), "413 ");
    free(body);
}

static void files_come_in_parts(void **state)
{
    (void)state;
    static const char FIELD[] = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
    static const char FILE_PART[] =
        "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"公章.pdf\"\r\n"
        "Content-Type: application/pdf\r\n\r\n%PDF\r\n";
    static const char NO_FILE[] = "--XX\r\nContent-Disposition: form-data; name=\"g\"; filename=\"\"\r\n"
                                  "Content-Type: application/octet-stream\r\n\r\n\r\n";
    char body[2048];
    snprintf(body, sizeof(body), "%s%s%s--XX--\r\n", FIELD, FILE_PART, NO_FILE);
    has(ask("POST /form", PARTS, body), "none n=2 [a=1:1] [f@公章.pdf=4:%PDF]");
    snprintf(body, sizeof(body), "%s%s--XX--\r\n", FILE_PART, FILE_PART);
    has(ask("POST /form", PARTS, body), "too-large n=1");
    snprintf(body, sizeof(body), "%s%s", FIELD, FILE_PART);
    has(ask("POST /form", PARTS, body), "request n=");
    has(ask("POST /form", PARTS, "nothing of that kind"), "none n=0");
}

static void a_query_is_decoded(void **state)
{
    (void)state;
    has(ask("GET /query?q=%E6%9D%AD+x&n=&m", "", ""), "none n=3 [q=5:杭 x] [n=0:] [m=0:]");
    has(ask("GET /query", "", ""), "none n=0");
    has(ask("GET /query?a=%0", "", ""), "request n=");
    has(ask("GET /query?a=%00", "", ""), "request n=");
    has(ask("GET /query?a=%ff", "", ""), "request n=");
    has(ask("GET /query?%zz=1", "", ""), "request n=");
}

static void large_bodies_have_a_number_of_places(void **state)
{
    (void)state;
    enum { SIZE = 500000 };
    char *body = calloc(1, SIZE + 1);
    assert_non_null(body);
    memset(body, 'a', SIZE);
    body[1] = '=';
    int first = connect_to();
    send_head(first, "POST /form", FORM, SIZE);
    send_all(first, body, SIZE - 1); /* it has the one place, and is not done */
    usleep(200000);
    const char *a = ask("POST /form", FORM, body);
    has(a, "503 ");
    has(a, "Retry-After: 2");
    has(ask("POST /form", FORM, "a=1"), "none n=1");
    send_all(first, "a", 1);
    has(receive(first), "too-large n=1"); /* taken as a body; a field may not be so long */
    has(ask("POST /form", FORM, body), "too-large n=1");
    free(body);
}

static void wait_until_waiting(int n)
{
    pthread_mutex_lock(&lock);
    while (waiting < n)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void release(void)
{
    pthread_mutex_lock(&lock);
    let_go = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void busy_workers_hold_up_nobody_else(void **state)
{
    (void)state;
    enum { MANY = 300 };
    int fds[MANY], served = 0, refused = 0;
    for (int i = 0; i < MANY; i++) {
        fds[i] = connect_to();
        send_head(fds[i], "GET /wait", "", 0);
    }
    wait_until_waiting(2);
    has(ask("GET /static", "", ""), "from memory"); /* the listener's thread is free */
    usleep(300000);
    release();
    for (int i = 0; i < MANY; i++) {
        const char *a = receive(fds[i]);
        served += strstr(a, "HTTP/1.1 200") != NULL;
        refused += strstr(a, "HTTP/1.1 503") != NULL;
    }
    assert_int_equal(served + refused, MANY);
    assert_int_equal(served, 2 + 256);
    has(ask("GET /", "", ""), "GET 127.0.0.1");
}

static void *release_later(void *arg)
{
    usleep(300000);
    release();
    return arg;
}

static void a_stop_lets_what_is_under_way_end(void **state)
{
    (void)state;
    pthread_t thread;
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = connect_to();
        send_head(fds[i], "GET /wait", "", 0);
    }
    wait_until_waiting(2);
    assert_int_equal(pthread_create(&thread, NULL, release_later, NULL), 0);
    server_drain(server, 5000);
    server_stop(&server);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3; i++)
        has(receive(fds[i]), "HTTP/1.1 200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(headers_are_copied_and_may_be_given_twice, start, stop),
        cmocka_unit_test_setup_teardown(head_has_the_headers_and_no_body, start, stop),
        cmocka_unit_test_setup_teardown(memory_is_answered_with_at_once, start, stop),
        cmocka_unit_test_setup_teardown(the_proxy_tells_the_clients_address, start, stop),
        cmocka_unit_test_setup_teardown(a_form_is_decoded, start, stop),
        cmocka_unit_test_setup_teardown(a_form_is_bounded, start, stop),
        cmocka_unit_test_setup_teardown(files_come_in_parts, start, stop),
        cmocka_unit_test_setup_teardown(a_query_is_decoded, start, stop),
        cmocka_unit_test_setup_teardown(large_bodies_have_a_number_of_places, start, stop),
        cmocka_unit_test_setup_teardown(busy_workers_hold_up_nobody_else, start, stop),
        cmocka_unit_test_setup_teardown(a_stop_lets_what_is_under_way_end, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
