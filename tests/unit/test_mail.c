#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "cmocka_all.h"
#include "portal/mail.h"
#include "portal/mail_conf.h"

static struct err err;
static const struct mail MAIL = {
    .id = "0190a000-0000-7000-8000-0123456789ab",
    .recipient = "zhang@example.org",
    .from = "ca@example.net",
    .from_name = "",
    .subject = "申领 CA20261122-0123ABCD 初审通过，请邮寄纸质材料，这是一个很长很长很长的主题",
    .body = "你好\n{site}/applications/1 {x}\n",
    .site = "https://ca.example.net",
    .created_at = 1795334400000}; /* 2026-11-22 16:00 in Beijing */

static char *message_of(const struct mail *m)
{
    struct buf out;
    buf_init(&out);
    assert_int_equal(mail_message(m, &out, &err), 0);
    char *s = strdup(buf_cstr(&out));
    buf_done(&out);
    return s;
}

static void every_line_ends_with_crlf_and_is_short(void **state)
{
    (void)state;
    char *s = message_of(&MAIL);
    size_t line = 0;
    for (const char *p = s; *p; p++) {
        assert_true((unsigned char)*p < 128);
        if (*p == '\n') {
            assert_true(p > s && p[-1] == '\r');
            assert_true(line <= 79); /* 78 and the CR */
            line = 0;
        } else
            line++;
    }
    assert_int_equal(line, 0);
    free(s);
}

static void the_head_has_what_rfc_5322_asks_for(void **state)
{
    (void)state;
    char *s = message_of(&MAIL);
    assert_non_null(strstr(s, "Date: Sun, 22 Nov 2026 16:00:00 +0800\r\n"));
    assert_non_null(strstr(s, "\r\nFrom: <ca@example.net>\r\n"));
    assert_non_null(strstr(s, "\r\nTo: <zhang@example.org>\r\n"));
    assert_non_null(strstr(s, "\r\nMessage-ID: <0190a000-0000-7000-8000-0123456789ab@example.net>\r\n"));
    assert_non_null(strstr(s, "\r\nSubject: =?UTF-8?B?"));
    assert_non_null(strstr(s, "\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
    free(s);
}

static void the_body_comes_back_whole_with_the_sites_address(void **state)
{
    (void)state;
    static const char WANTED[] = "你好\r\nhttps://ca.example.net/applications/1 {x}\r\n";
    unsigned char decoded[200];
    char *s = message_of(&MAIL), *body = strstr(s, "\r\n\r\n") + 4;
    body[strcspn(body, "\r")] = '\0';
    assert_true(EVP_DecodeBlock(decoded, (unsigned char *)body, (int)strlen(body)) >= (int)strlen(WANTED));
    assert_memory_equal(decoded, WANTED, strlen(WANTED));
    free(s);
}

static void a_subject_cannot_begin_another_header(void **state)
{
    (void)state;
    struct mail m = MAIL;
    m.subject = "x\r\nBcc: evil@example.org";
    m.from_name = "y\nBcc: evil@example.org";
    char *s = message_of(&m);
    assert_null(strstr(s, "Bcc"));
    free(s);
    m = MAIL;
    strcpy(m.recipient, "a@b.c\nX: y");
    struct buf out;
    buf_init(&out);
    assert_int_equal(mail_message(&m, &out, &err), -1);
    buf_done(&out);
}

static void in_a_folder_the_text_can_be_read(void **state)
{
    (void)state;
    struct mail m = MAIL;
    char name[160];
    m.readable = true;
    char *s = message_of(&m);
    assert_non_null(strstr(s, "\r\n\r\n你好\r\nhttps://ca.example.net/applications/1 {x}\r\n"));
    free(s);
    mail_file_name(&m, name);
    assert_string_equal(name, "20261122-160000-zhang@example.org-0123456789ab.eml");
    strcpy(m.recipient, "../../etc/x@y");
    mail_file_name(&m, name);
    assert_null(strchr(name, '/'));
}

static void only_this_machine_is_mailed_without_tls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *ca;
        bool needs;
    } CASES[] = {
        {"smtp://127.0.0.1:25", "", false},
        {"smtp://localhost", "", false},
        {"smtp://[::1]:2525", "", false},
        {"smtp://localhost.example.org", "", true},
        {"smtp://127.0.0.1.example.org:25", "", true},
        {"smtp://mail.example.org", "", true},
        {"smtp://127.0.0.1:25", "/ca.pem", true},
        {"smtps://mail.example.org", "", true},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct portal_conf c = {0};
        strcpy(c.mail.url, CASES[i].url);
        strcpy(c.mail.ca, CASES[i].ca);
        assert_int_equal(mail_conf_needs_tls(&c), CASES[i].needs);
    }
}

static void a_configuration_that_cannot_work_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url, *folder, *from, *user, *password_file;
        int rc;
    } CASES[] = {
        {"", "", "ca@example.org", "", "", 0},
        {"smtp://mail.example.org:587", "", "ca@example.org", "u", "/p", 0},
        {"smtp://mail.example.org:587", "/mails", "ca@example.org", "", "", -1},
        {"http://mail.example.org", "", "ca@example.org", "", "", -1},
        {"smtp://u:p@mail.example.org", "", "ca@example.org", "", "", -1},
        {"smtp://", "", "ca@example.org", "", "", -1},
        {"smtp://mail.example.org", "", "CA <ca@example.org>", "", "", -1},
        {"smtp://mail.example.org", "", "ca@example.org", "u", "", -1},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct portal_conf c = {0};
        strcpy(c.mail.url, CASES[i].url);
        strcpy(c.mail.folder, CASES[i].folder);
        strcpy(c.mail.from, CASES[i].from);
        strcpy(c.mail.user, CASES[i].user);
        strcpy(c.mail.password_file, CASES[i].password_file);
        assert_int_equal(mail_conf_check(&c, "conf", &err), CASES[i].rc);
        if (CASES[i].rc != 0)
            assert_int_equal(err.code, ERR_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_ends_with_crlf_and_is_short),
        cmocka_unit_test(the_head_has_what_rfc_5322_asks_for),
        cmocka_unit_test(the_body_comes_back_whole_with_the_sites_address),
        cmocka_unit_test(a_subject_cannot_begin_another_header),
        cmocka_unit_test(in_a_folder_the_text_can_be_read),
        cmocka_unit_test(only_this_machine_is_mailed_without_tls),
        cmocka_unit_test(a_configuration_that_cannot_work_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
