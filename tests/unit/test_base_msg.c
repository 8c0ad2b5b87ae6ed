#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/msg.h"

struct pair {
    int sock[2];
    struct msg_out out;
    struct msg_in in;
    struct err err;
};

static int open_pair(void **state)
{
    struct pair *p = calloc(1, sizeof(*p));
    if (!p || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->sock) != 0)
        return -1;
    msg_out_init(&p->out, false);
    msg_in_init(&p->in, false);
    *state = p;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *p = *state;
    msg_out_done(&p->out);
    msg_in_done(&p->in);
    for (size_t i = 0; i < 2; i++)
        if (p->sock[i] >= 0)
            close(p->sock[i]);
    free(p);
    return 0;
}

static size_t open_fds(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void the_layout_is_fixed(void **state)
{
    struct pair *p = *state;
    static const uint8_t EXPECTED[] = {1,    7,    0x00, 0x01, 0xde, 0xad, 0xbe, 0xef, 0xa1, 0xb1, 0xb2,
                                       0xc1, 0xc2, 0xc3, 0xc4, 1,    2,    3,    4,    5,    6,    7,
                                       8,    0,    0,    0,    2,    'h',  'i',  0,    0,    0,    0};
    msg_begin(&p->out, 7, MSG_REPLY, 0xdeadbeef);
    msg_put_u8(&p->out, 0xa1);
    msg_put_u16(&p->out, 0xb1b2);
    msg_put_u32(&p->out, 0xc1c2c3c4);
    msg_put_u64(&p->out, 0x0102030405060708);
    msg_put_str(&p->out, "hi");
    msg_put_bytes(&p->out, NULL, 0);
    assert_int_equal(p->out.err.code, ERR_NONE);
    assert_int_equal(p->out.buf.len, sizeof(EXPECTED));
    assert_memory_equal(p->out.buf.data, EXPECTED, sizeof(EXPECTED));
}

static void what_is_sent_is_read(void **state)
{
    struct pair *p = *state;
    for (int round = 0; round < 2; round++) { /* both ends are used again */
        msg_begin(&p->out, 9, 0, 42);
        msg_put_u8(&p->out, 0xff);
        msg_put_u16(&p->out, 0xffee);
        msg_put_u32(&p->out, 0xffeeddcc);
        msg_put_u64(&p->out, UINT64_MAX);
        msg_put_str(&p->out, "机构");
        msg_put_bytes(&p->out, "a\0b", 3);
        assert_int_equal(msg_send(p->sock[0], &p->out, 0, &p->err), 0);
        assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), 1);
        assert_int_equal(p->in.verb, 9);
        assert_int_equal(p->in.flags, 0);
        assert_int_equal(p->in.id, 42);
        char name[16];
        size_t len;
        assert_int_equal(msg_get_u8(&p->in), 0xff);
        assert_int_equal(msg_get_u16(&p->in), 0xffee);
        assert_int_equal(msg_get_u32(&p->in), 0xffeeddcc);
        assert_true(msg_get_u64(&p->in) == UINT64_MAX);
        msg_get_str(&p->in, name, sizeof(name));
        assert_string_equal(name, "机构");
        assert_memory_equal(msg_get_bytes(&p->in, 3, &len), "a\0b", 3);
        assert_int_equal(len, 3);
        assert_int_equal(msg_end(&p->in, &p->err), 0);
    }
}

static void bytes_left_over_are_an_error(void **state)
{
    struct pair *p = *state;
    static const uint8_t MESSAGE[] = {1, 2, 0, 0, 0, 0, 0, 1, 5, 6};
    assert_int_equal(msg_parse(&p->in, MESSAGE, sizeof(MESSAGE), &p->err), 0);
    assert_int_equal(msg_get_u8(&p->in), 5);
    assert_int_equal(msg_end(&p->in, &p->err), -1);
    assert_int_equal(p->err.code, ERR_PROTOCOL);
    assert_string_equal(p->err.text, "verb 2: 1 bytes are left over");
}

static void a_message_cut_anywhere_is_refused_and_never_overread(void **state)
{
    struct pair *p = *state;
    msg_begin(&p->out, 3, 0, 1);
    msg_put_u64(&p->out, 1);
    msg_put_str(&p->out, "abc");
    msg_put_bytes(&p->out, "xyz", 3);
    msg_put_u8(&p->out, 1);
    for (size_t len = 0; len < p->out.buf.len; len++) {
        uint8_t *exact = malloc(len + 1); /* so that ASan sees a read beyond */
        memcpy(exact, p->out.buf.data, len);
        if (msg_parse(&p->in, exact, len, &p->err) == 0) {
            char s[8];
            size_t n;
            msg_get_u64(&p->in);
            msg_get_str(&p->in, s, sizeof(s));
            msg_get_bytes(&p->in, 8, &n);
            msg_get_u8(&p->in);
            assert_int_equal(msg_end(&p->in, &p->err), -1);
        }
        assert_int_equal(p->err.code, ERR_PROTOCOL);
        err_clear(&p->err);
        free(exact);
    }
}

static void a_fault_sticks_and_yields_empty_values(void **state)
{
    struct pair *p = *state;
    static const uint8_t MESSAGE[] = {1, 2, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 9};
    assert_int_equal(msg_parse(&p->in, MESSAGE, sizeof(MESSAGE), &p->err), 0);
    size_t len = 77;
    assert_null(msg_get_bytes(&p->in, SIZE_MAX, &len));
    assert_int_equal(len, 0);
    char s[4] = "old";
    msg_get_str(&p->in, s, sizeof(s));
    assert_string_equal(s, "");
    assert_int_equal(msg_get_u8(&p->in), 0);
    assert_int_equal(msg_take_fd(&p->in), -1);
    assert_int_equal(msg_end(&p->in, &p->err), -1);
}

static void a_field_over_its_limit_is_refused(void **state)
{
    struct pair *p = *state;
    static const uint8_t MESSAGE[] = {1, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 'a', 'b', 'c', 'd'};
    size_t len;
    msg_parse(&p->in, MESSAGE, sizeof(MESSAGE), &p->err);
    assert_null(msg_get_bytes(&p->in, 3, &len));
    assert_int_equal(msg_end(&p->in, &p->err), -1);
    char s[4]; /* too short by the NUL */
    msg_parse(&p->in, MESSAGE, sizeof(MESSAGE), &p->err);
    msg_get_str(&p->in, s, sizeof(s));
    assert_string_equal(s, "");
    assert_int_equal(msg_end(&p->in, &p->err), -1);
    char enough[5];
    msg_parse(&p->in, MESSAGE, sizeof(MESSAGE), &p->err);
    msg_get_str(&p->in, enough, sizeof(enough));
    assert_string_equal(enough, "abcd");
    assert_int_equal(msg_end(&p->in, &p->err), 0);
}

static void a_string_with_a_nul_or_bad_utf8_is_refused(void **state)
{
    struct pair *p = *state;
    static const uint8_t MESSAGES[][14] = {{1, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 'a', 0},
                                           {1, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0xc3, 'a'}};
    for (size_t i = 0; i < COUNT(MESSAGES); i++) {
        char s[8];
        assert_int_equal(msg_parse(&p->in, MESSAGES[i], sizeof(MESSAGES[i]), &p->err), 0);
        msg_get_str(&p->in, s, sizeof(s));
        assert_string_equal(s, "");
        assert_int_equal(msg_end(&p->in, &p->err), -1);
    }
    msg_begin(&p->out, 1, 0, 1);
    msg_put_str(&p->out, "\xff");
    assert_int_equal(msg_send(p->sock[0], &p->out, 0, &p->err), -1);
    assert_int_equal(p->err.code, ERR_PROTOCOL);
}

static void another_version_is_refused(void **state)
{
    struct pair *p = *state;
    static const uint8_t MESSAGE[] = {2, 2, 0, 0, 0, 0, 0, 1};
    assert_int_equal(msg_parse(&p->in, MESSAGE, sizeof(MESSAGE), &p->err), -1);
    assert_int_equal(p->err.code, ERR_PROTOCOL);
    assert_non_null(strstr(p->err.text, "version 2"));
}

static void the_largest_message_passes_and_one_byte_more_does_not(void **state)
{
    struct pair *p = *state;
    static uint8_t bytes[MSG_MAX];
    msg_begin(&p->out, 1, 0, 1);
    msg_put_bytes(&p->out, bytes, MSG_MAX - MSG_HEADER - 4);
    assert_int_equal(p->out.buf.len, MSG_MAX);
    assert_int_equal(msg_send(p->sock[0], &p->out, 0, &p->err), 0);
    assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), 1);
    size_t len;
    assert_non_null(msg_get_bytes(&p->in, MSG_MAX, &len));
    assert_int_equal(len, MSG_MAX - MSG_HEADER - 4);
    assert_int_equal(msg_end(&p->in, &p->err), 0);

    msg_begin(&p->out, 1, 0, 1);
    msg_put_bytes(&p->out, bytes, MSG_MAX - MSG_HEADER - 3);
    assert_int_equal(msg_send(p->sock[0], &p->out, 0, &p->err), -1);
    assert_int_equal(p->err.code, ERR_PROTOCOL);
    assert_int_equal(msg_parse(&p->in, bytes, (size_t)MSG_MAX + 1, &p->err), -1);
}

static void a_truncated_packet_is_refused_and_the_next_one_read(void **state)
{
    struct pair *p = *state;
    static uint8_t big[MSG_MAX + 1] = {MSG_VERSION};
    static const uint8_t SHORT[] = {1, 2, 0}, GOOD[] = {1, 2, 0, 0, 0, 0, 0, 1};
    assert_int_equal(send(p->sock[0], big, sizeof(big), 0), sizeof(big));
    assert_int_equal(send(p->sock[0], SHORT, sizeof(SHORT), 0), sizeof(SHORT));
    assert_int_equal(send(p->sock[0], GOOD, sizeof(GOOD), 0), sizeof(GOOD));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), -1);
        assert_int_equal(p->err.code, ERR_PROTOCOL);
        assert_int_equal(msg_end(&p->in, &p->err), -1);
    }
    assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), 1);
    assert_int_equal(msg_end(&p->in, &p->err), 0);
}

static void descriptors_travel_in_order_and_become_the_takers(void **state)
{
    struct pair *p = *state;
    int first[2], second[2];
    assert_int_equal(pipe2(first, O_CLOEXEC), 0);
    assert_int_equal(pipe2(second, O_CLOEXEC), 0);
    msg_begin(&p->out, 1, 0, 1);
    msg_put_fd(&p->out, first[1]);
    msg_put_fd(&p->out, second[1]);
    assert_int_equal(msg_send(p->sock[0], &p->out, 0, &p->err), 0);
    close(first[1]);
    close(second[1]);
    assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), 1);
    int a = msg_take_fd(&p->in), b = msg_take_fd(&p->in);
    assert_int_equal(msg_end(&p->in, &p->err), 0);
    assert_true(fcntl(a, F_GETFD) & FD_CLOEXEC);
    char c;
    assert_int_equal(write(a, "1", 1), 1);
    assert_int_equal(write(b, "2", 1), 1);
    assert_int_equal(read(first[0], &c, 1), 1);
    assert_int_equal(c, '1');
    assert_int_equal(read(second[0], &c, 1), 1);
    assert_int_equal(c, '2');
    for (size_t i = 0; i < 4; i++)
        close((int[]){a, b, first[0], second[0]}[i]);
}

static void a_descriptor_not_taken_is_an_error_and_closed(void **state)
{
    struct pair *p = *state;
    size_t before = open_fds();
    for (int i = 0; i < 3; i++) {
        msg_begin(&p->out, 1, 0, 1);
        msg_put_fd(&p->out, p->sock[0]);
        assert_int_equal(msg_send(p->sock[0], &p->out, 0, &p->err), 0);
        assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), 1);
        assert_int_equal(msg_end(&p->in, &p->err), -1);
        assert_int_equal(p->err.code, ERR_PROTOCOL);
    }
    msg_in_done(&p->in);
    assert_int_equal(open_fds(), before);
}

static void too_many_descriptors_are_refused_and_closed(void **state)
{
    struct pair *p = *state;
    size_t before = open_fds();
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 6)];
    } control;
    memset(&control, 0, sizeof(control));
    uint8_t header[MSG_HEADER] = {MSG_VERSION, 1};
    struct iovec iov = {header, sizeof(header)};
    struct msghdr hdr = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    control.align.cmsg_level = SOL_SOCKET;
    control.align.cmsg_type = SCM_RIGHTS;
    control.align.cmsg_len = CMSG_LEN(sizeof(int) * 6);
    for (size_t i = 0; i < 6; i++)
        memcpy(CMSG_DATA(&control.align) + i * sizeof(int), &p->sock[0], sizeof(int));
    assert_int_equal(sendmsg(p->sock[0], &hdr, 0), sizeof(header));
    assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), -1);
    assert_int_equal(p->err.code, ERR_PROTOCOL);
    assert_int_equal(open_fds(), before);

    msg_begin(&p->out, 1, 0, 1);
    for (size_t i = 0; i <= MSG_FDS_MAX; i++)
        msg_put_fd(&p->out, p->sock[0]);
    assert_int_equal(msg_send(p->sock[0], &p->out, 0, &p->err), -1);
    assert_int_equal(p->err.code, ERR_PROTOCOL);
}

static void a_missing_descriptor_is_an_error(void **state)
{
    struct pair *p = *state;
    static const uint8_t MESSAGE[] = {1, 2, 0, 0, 0, 0, 0, 1};
    msg_parse(&p->in, MESSAGE, sizeof(MESSAGE), &p->err);
    assert_int_equal(msg_take_fd(&p->in), -1);
    assert_int_equal(msg_end(&p->in, &p->err), -1);
}

static void a_peer_that_closed_is_gone(void **state)
{
    struct pair *p = *state;
    close(p->sock[0]);
    p->sock[0] = -1;
    assert_int_equal(msg_recv(p->sock[1], &p->in, clock_mono_ms() + 5000, &p->err), 0);
    msg_begin(&p->out, 1, 0, 1);
    assert_int_equal(msg_send(p->sock[1], &p->out, clock_mono_ms() + 5000, &p->err), -1);
    assert_int_equal(p->err.code, ERR_PEER_GONE);
}

static void a_peer_that_closed_with_a_request_unread_is_gone_too(void **state)
{
    struct pair *p = *state;
    msg_begin(&p->out, 1, 0, 1);
    assert_int_equal(msg_send(p->sock[1], &p->out, 0, &p->err), 0);
    close(p->sock[0]); /* the kernel answers ECONNRESET */
    p->sock[0] = -1;
    assert_int_equal(msg_recv(p->sock[1], &p->in, clock_mono_ms() + 5000, &p->err), 0);
}

static void what_was_sent_before_the_end_is_still_read(void **state)
{
    struct pair *p = *state;
    msg_begin(&p->out, 5, 0, 1);
    assert_int_equal(msg_send(p->sock[0], &p->out, 0, &p->err), 0);
    close(p->sock[0]);
    p->sock[0] = -1;
    assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), 1);
    assert_int_equal(p->in.verb, 5);
    assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), 0);
}

static void waiting_ends_at_the_deadline(void **state)
{
    struct pair *p = *state;
    int64_t start = clock_mono_ms();
    assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), -1);
    assert_int_equal(p->err.code, ERR_TIMEOUT);
    assert_int_equal(msg_recv(p->sock[1], &p->in, start + 30, &p->err), -1);
    assert_int_equal(p->err.code, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - start >= 30);

    static uint8_t bytes[32768];
    msg_begin(&p->out, 1, 0, 1);
    msg_put_bytes(&p->out, bytes, sizeof(bytes));
    int sent = 0;
    while (msg_send(p->sock[0], &p->out, 0, &p->err) == 0) /* until nobody reads */
        assert_true(++sent < 10000);
    assert_int_equal(p->err.code, ERR_TIMEOUT);
    start = clock_mono_ms();
    assert_int_equal(msg_send(p->sock[0], &p->out, start + 30, &p->err), -1);
    assert_int_equal(p->err.code, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - start >= 30);
    for (int i = 0; i < sent; i++) /* each of them whole */
        assert_int_equal(msg_recv(p->sock[1], &p->in, 0, &p->err), 1);
}

static void a_message_that_comes_late_is_waited_for(void **state)
{
    struct pair *p = *state;
    pid_t pid = fork();
    if (pid == 0) {
        usleep(30000);
        msg_begin(&p->out, 6, 0, 1);
        _exit(msg_send(p->sock[0], &p->out, 0, &p->err) == 0 ? 0 : 1);
    }
    assert_int_equal(msg_recv(p->sock[1], &p->in, clock_mono_ms() + 10000, &p->err), 1);
    assert_int_equal(p->in.verb, 6);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void an_error_crosses_whole(void **state)
{
    struct pair *p = *state;
    struct err e, got;
    err_ckr(&e, ERR_SO_PIN, 0x800000a0, "工位 3: C_InitToken");
    e.sys = ENOSPC;
    msg_begin(&p->out, 1, MSG_REPLY | MSG_ERROR, 1);
    msg_put_err(&p->out, &e);
    assert_int_equal(msg_parse(&p->in, p->out.buf.data, p->out.buf.len, &p->err), 0);
    msg_get_err(&p->in, &got);
    assert_int_equal(msg_end(&p->in, &p->err), 0);
    assert_int_equal(got.code, ERR_SO_PIN);
    assert_int_equal(got.sys, ENOSPC);
    assert_true(got.ckr == 0x800000a0);
    assert_string_equal(got.text, e.text);
}

static void an_error_reply_that_says_nothing_is_still_an_error(void **state)
{
    struct pair *p = *state;
    struct err none, got;
    err_clear(&none);
    msg_begin(&p->out, 1, MSG_REPLY | MSG_ERROR, 1);
    msg_put_err(&p->out, &none);
    msg_parse(&p->in, p->out.buf.data, p->out.buf.len, &p->err);
    msg_get_err(&p->in, &got);
    assert_int_equal(got.code, ERR_INTERNAL);
    msg_parse(&p->in, p->out.buf.data, p->out.buf.len - 1, &p->err);
    msg_get_err(&p->in, &got);
    assert_int_equal(got.code, ERR_PROTOCOL);
}

static void a_secret_message_is_kept_in_secret_memory_at_both_ends(void **state)
{
    struct pair *p = *state;
    struct msg_out out;
    struct msg_in in;
    msg_out_init(&out, true);
    msg_in_init(&in, true);
    msg_begin(&out, 1, 0, 1);
    msg_put_str(&out, "12345678");
    assert_true(out.buf.secret);
    assert_int_equal(msg_send(p->sock[0], &out, 0, &p->err), 0);
    assert_int_equal(msg_recv(p->sock[1], &in, 0, &p->err), 1);
    assert_true(in.buf.secret);
    size_t len;
    const uint8_t *pin = msg_get_bytes(&in, 8, &len);
    assert_memory_equal(pin, "12345678", 8);
    assert_int_equal(msg_recv(p->sock[1], &in, 0, &p->err), -1); /* the next receive wipes it */
    assert_int_equal(pin[0], 0);
    msg_out_done(&out);
    msg_in_done(&in);
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(the_layout_is_fixed),
        PAIR_TEST(what_is_sent_is_read),
        PAIR_TEST(bytes_left_over_are_an_error),
        PAIR_TEST(a_message_cut_anywhere_is_refused_and_never_overread),
        PAIR_TEST(a_fault_sticks_and_yields_empty_values),
        PAIR_TEST(a_field_over_its_limit_is_refused),
        PAIR_TEST(a_string_with_a_nul_or_bad_utf8_is_refused),
        PAIR_TEST(another_version_is_refused),
        PAIR_TEST(the_largest_message_passes_and_one_byte_more_does_not),
        PAIR_TEST(a_truncated_packet_is_refused_and_the_next_one_read),
        PAIR_TEST(descriptors_travel_in_order_and_become_the_takers),
        PAIR_TEST(a_descriptor_not_taken_is_an_error_and_closed),
        PAIR_TEST(too_many_descriptors_are_refused_and_closed),
        PAIR_TEST(a_missing_descriptor_is_an_error),
        PAIR_TEST(a_peer_that_closed_is_gone),
        PAIR_TEST(a_peer_that_closed_with_a_request_unread_is_gone_too),
        PAIR_TEST(what_was_sent_before_the_end_is_still_read),
        PAIR_TEST(waiting_ends_at_the_deadline),
        PAIR_TEST(a_message_that_comes_late_is_waited_for),
        PAIR_TEST(an_error_crosses_whole),
        PAIR_TEST(an_error_reply_that_says_nothing_is_still_an_error),
        PAIR_TEST(a_secret_message_is_kept_in_secret_memory_at_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
