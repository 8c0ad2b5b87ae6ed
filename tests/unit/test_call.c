/* The control call: real sockets, a served thread on the other end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/call.h"
#include "base/clock.h"

struct fixture {
    char folder[64], path[96];
    int listener;
    pthread_t thread;
};

/* What the server does with the one request it takes. */
typedef void (*answer_fn)(int fd, struct msg_in *m, const char *command, json_t *arguments);

struct service {
    int listener;
    answer_fn answer;
};

static void *serve_one(void *arg)
{
    struct service *s = arg;
    struct pollfd p = {.fd = s->listener, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    struct msg_in m;
    struct err err;
    msg_in_init(&m, false);
    assert_int_equal(msg_recv(fd, &m, clock_mono_ms() + 5000, &err), 1);
    char command[33];
    json_t *arguments = NULL;
    if (call_parse(&m, command, sizeof(command), &arguments, &err) != 0)
        call_reply_err(fd, m.id, &err, &err);
    else
        s->answer(fd, &m, command, arguments);
    json_decref(arguments);
    msg_in_done(&m);
    close(fd);
    return NULL;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err;
    snprintf(f->folder, sizeof(f->folder), "/tmp/castation-call-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/control", f->folder);
    assert_int_equal(call_listen(f->path, &f->listener, &err), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close(f->listener);
    unlink(f->path);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Ask while a thread serves; the server has ended when this returns. */
static int ask(struct fixture *f, answer_fn answer, const char *command, json_t *arguments, const int *fds,
               size_t n_fds, json_t **ret, struct err *err)
{
    struct service s = {f->listener, answer};
    pthread_create(&f->thread, NULL, serve_one, &s);
    int rc = call_json(f->path, command, arguments, fds, n_fds, clock_mono_ms() + 5000, ret, err);
    pthread_join(f->thread, NULL);
    json_decref(arguments);
    return rc;
}

static void echo(int fd, struct msg_in *m, const char *command, json_t *arguments)
{
    struct err err;
    json_t *result = json_pack("{s:s, s:O}", "command", command, "arguments", arguments);
    assert_int_equal(msg_end(m, &err), 0);
    assert_int_equal(call_reply(fd, m->id, result, &err), 0);
    json_decref(result);
}

static void a_command_and_its_arguments_arrive_and_the_answer_comes_back(void **state)
{
    json_t *result = NULL;
    struct err err;
    assert_int_equal(
        ask(*state, echo, "stock_list", json_pack("{s:s}", "serial", "钥匙"), NULL, 0, &result, &err), 0);
    assert_string_equal(json_str(result, "command"), "stock_list");
    assert_string_equal(json_str(json_object_get(result, "arguments"), "serial"), "钥匙");
    json_decref(result);
}

static void large(int fd, struct msg_in *m, const char *command, json_t *arguments)
{
    (void)command;
    struct err err;
    json_t *list = json_array();
    for (int64_t i = 0; i < json_int(arguments, "n"); i++)
        json_array_append_new(list, json_integer(i));
    assert_int_equal(call_reply(fd, m->id, list, &err), 0);
    json_decref(list);
}

static void a_result_larger_than_a_packet_comes_whole(void **state)
{
    json_t *result = NULL;
    struct err err;
    assert_int_equal(ask(*state, large, "jobs", json_pack("{s:i}", "n", 100000), NULL, 0, &result, &err), 0);
    assert_int_equal(json_array_size(result), 100000);
    assert_int_equal(json_integer_value(json_array_get(result, 99999)), 99999);
    json_decref(result);
}

static void write_into(int fd, struct msg_in *m, const char *command, json_t *arguments)
{
    (void)command;
    (void)arguments;
    struct err err;
    int out = msg_take_fd(m);
    assert_int_equal(msg_end(m, &err), 0);
    assert_int_equal(write(out, "letter", 6), 6);
    close(out);
    json_t *empty = json_object();
    assert_int_equal(call_reply(fd, m->id, empty, &err), 0);
    json_decref(empty);
}

static void arguments_larger_than_a_packet_arrive_whole(void **state)
{
    json_t *result = NULL, *rows = json_array();
    struct err err;
    int pair[2];
    for (int i = 0; i < 50000; i++)
        json_array_append_new(rows, json_string("0123456789abcdef"));
    assert_int_equal(ask(*state, echo, "stock_add", json_pack("{s:o}", "rows", rows), NULL, 0, &result, &err),
                     0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(result, "arguments"), "rows")), 50000);
    json_decref(result);
    /* and a descriptor beside them is still the caller's own */
    rows = json_array();
    for (int i = 0; i < 50000; i++)
        json_array_append_new(rows, json_string("0123456789abcdef"));
    char got[7] = "";
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    assert_int_equal(
        ask(*state, write_into, "letter", json_pack("{s:o}", "rows", rows), &pair[1], 1, &result, &err), 0);
    close(pair[1]);
    assert_int_equal(read(pair[0], got, sizeof(got) - 1), 6);
    assert_string_equal(got, "letter");
    close(pair[0]);
    json_decref(result);
}

static void a_result_over_the_bound_is_refused_with_a_reason(void **state)
{
    json_t *result = NULL;
    struct err err;
    assert_int_equal(ask(*state, large, "jobs", json_pack("{s:i}", "n", 3000000), NULL, 0, &result, &err),
                     -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_null(result);
}

static void refuse(int fd, struct msg_in *m, const char *command, json_t *arguments)
{
    (void)command;
    (void)arguments;
    struct err said, err;
    err_set(&said, ERR_NOT_FOUND, "no token of serial \"%s\"", "abc");
    assert_int_equal(call_reply_err(fd, m->id, &said, &err), 0);
}

static void an_error_of_the_server_is_the_callers_error(void **state)
{
    json_t *result = NULL;
    struct err err;
    assert_int_equal(ask(*state, refuse, "token", NULL, NULL, 0, &result, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.text, "no token of serial \"abc\"");
}

static void a_descriptor_travels_with_the_request(void **state)
{
    int pair[2];
    char got[7] = "";
    json_t *result = NULL;
    struct err err;
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    assert_int_equal(ask(*state, write_into, "letter", json_object(), &pair[1], 1, &result, &err), 0);
    close(pair[1]);
    assert_int_equal(read(pair[0], got, sizeof(got) - 1), 6);
    assert_string_equal(got, "letter");
    close(pair[0]);
    json_decref(result);
}

static void hang_up(int fd, struct msg_in *m, const char *command, json_t *arguments)
{
    (void)fd;
    (void)m;
    (void)command;
    (void)arguments;
}

static void a_server_that_hangs_up_is_named(void **state)
{
    struct fixture *f = *state;
    json_t *result = NULL;
    struct err err;
    assert_int_equal(ask(f, hang_up, "status", NULL, NULL, 0, &result, &err), -1);
    assert_int_equal(err.code, ERR_PEER_GONE);
    assert_non_null(strstr(err.text, f->path));
}

static void unsealed(int fd, struct msg_in *m, const char *command, json_t *arguments)
{
    (void)command;
    (void)arguments;
    struct err err;
    int memfd = memfd_create("open", MFD_CLOEXEC);
    assert_int_equal(write(memfd, "{}", 2), 2);
    struct msg_out out;
    msg_out_init(&out, false);
    msg_begin(&out, 1, MSG_REPLY, m->id);
    msg_put_u8(&out, 0);
    msg_put_fd(&out, memfd);
    assert_int_equal(msg_send(fd, &out, 0, &err), 0);
    msg_out_done(&out);
    close(memfd);
}

static void a_result_that_is_not_sealed_is_refused(void **state)
{
    json_t *result = NULL;
    struct err err;
    assert_int_equal(ask(*state, unsealed, "jobs", NULL, NULL, 0, &result, &err), -1);
    assert_int_equal(err.code, ERR_PROTOCOL);
}

static void a_silent_server_is_given_up_at_the_deadline(void **state)
{
    struct fixture *f = *state; /* listens, never accepts */
    json_t *result = NULL;
    struct err err;
    int64_t before = clock_mono_ms();
    assert_int_equal(call_json(f->path, "status", NULL, NULL, 0, before + 100, &result, &err), -1);
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - before >= 100);
}

static void a_socket_that_is_not_there_is_named(void **state)
{
    (void)state;
    json_t *result = NULL;
    struct err err;
    assert_int_equal(
        call_json("/nonexistent/control", "status", NULL, NULL, 0, clock_mono_ms() + 1000, &result, &err),
        -1);
    assert_int_equal(err.code, ERR_UNREACHABLE);
    assert_non_null(strstr(err.text, "/nonexistent/control"));
}

static void the_socket_is_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_second_server_is_refused_while_the_first_lives(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int fd = -1;
    assert_int_equal(call_listen(f->path, &fd, &err), -1);
    assert_int_equal(err.code, ERR_RUNNING);
    assert_int_equal(fd, -1);
}

static void a_stale_socket_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct err err;
    close(f->listener);
    assert_int_equal(call_listen(f->path, &f->listener, &err), 0);
}

static void a_path_that_is_no_socket_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct err err;
    char path[128];
    int fd = -1;
    snprintf(path, sizeof(path), "%s/file", f->folder);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(call_listen(path, &fd, &err), -1);
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(unlink(path), 0);
}

static int parse(const char *body, size_t extra, struct err *err)
{
    struct msg_out out;
    struct msg_in in;
    msg_out_init(&out, false);
    msg_in_init(&in, false);
    msg_begin(&out, 1, 0, 1);
    msg_put_str(&out, "status");
    msg_put_u8(&out, 1);
    msg_put_bytes(&out, body, strlen(body));
    for (size_t i = 0; i < extra; i++)
        msg_put_u8(&out, 0);
    char command[8];
    json_t *arguments = NULL;
    assert_int_equal(msg_parse(&in, out.buf.data, out.buf.len, err), 0);
    int rc = call_parse(&in, command, sizeof(command), &arguments, err);
    json_decref(arguments);
    msg_in_done(&in);
    msg_out_done(&out);
    return rc;
}

static void arguments_that_are_no_object_are_refused(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(parse("{}", 0, &err), 0);
    assert_int_equal(parse("[]", 0, &err), -1);
    assert_int_equal(err.code, ERR_JSON);
    assert_int_equal(parse("{\"a\":1,\"a\":2}", 0, &err), -1);
    assert_int_equal(err.code, ERR_JSON);
    assert_int_equal(parse("{}", 1, &err), -1);
    assert_int_equal(err.code, ERR_PROTOCOL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_command_and_its_arguments_arrive_and_the_answer_comes_back),
        T(a_result_larger_than_a_packet_comes_whole),
        T(arguments_larger_than_a_packet_arrive_whole),
        T(a_result_over_the_bound_is_refused_with_a_reason),
        T(an_error_of_the_server_is_the_callers_error),
        T(a_descriptor_travels_with_the_request),
        T(a_server_that_hangs_up_is_named),
        T(a_result_that_is_not_sealed_is_refused),
        T(a_silent_server_is_given_up_at_the_deadline),
        T(a_socket_that_is_not_there_is_named),
        T(the_socket_is_for_its_owner_alone),
        T(a_second_server_is_refused_while_the_first_lives),
        T(a_stale_socket_is_replaced),
        T(a_path_that_is_no_socket_is_left_alone),
        T(arguments_that_are_no_object_are_refused),
    };
    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
