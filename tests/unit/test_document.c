/* Papers to print, read back with pdftotext. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/spawn.h"
#include "cmocka_all.h"
#include "web/document.h"
#include "web/document_parts.h"
#include "web/paper.h"

static char said[65536];

static void run(const char *program, const char *const *argv, int out)
{
    const struct spawn_fd fds[] = {{out, 1}};
    const struct spawn spawn = {.program = program, .argv = argv, .fds = fds, .n_fds = 1};
    struct err err;
    pid_t pid;
    int pidfd, status;
    assert_int_equal(spawn_start(&spawn, &pid, &pidfd, &err), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(pidfd);
}

/* The PDF's text, and what pdfinfo says. */
static const char *read_pdf(const struct buf *pdf)
{
    char in[] = "/tmp/test-document-XXXXXX", out[] = "/tmp/test-document-XXXXXX";
    int from = mkstemp(in), to = mkstemp(out);
    const char *const words[] = {"pdftotext", "-layout", in, "-", NULL};
    const char *const info[] = {"pdfinfo", in, NULL};
    assert_int_equal(write(from, pdf->data, pdf->len), (ssize_t)pdf->len);
    run("/usr/bin/pdftotext", words, to);
    run("/usr/bin/pdfinfo", info, to);
    ssize_t n = pread(to, said, sizeof(said) - 1, 0);
    assert_true(n > 0);
    said[n] = '\0';
    close(from);
    close(to);
    unlink(in);
    unlink(out);
    return said;
}

static void says(const char *words)
{
    if (!strstr(said, words))
        fail_msg("'%s' is not in:\n%s", words, said);
}

static void the_letter_is_filled_in(void **state)
{
    (void)state;
    const struct paper_letter letter = {.name = "杭州云采软件有限公司",
                                        .identifier = "91330100799655058B",
                                        .representative = "王小明",
                                        .agent = "李𠮷",
                                        .agent_id = "11010519491231002X",
                                        .agent_mobile = "13800138000",
                                        .number = "CA20261122-0A1B2C3D",
                                        .made = "2026-11-22 09:30"};
    struct buf out;
    struct err err;
    buf_init(&out);
    assert_int_equal(paper_letter(&letter, &out, &err), 0);
    read_pdf(&out);
    says("法人证书业务办理授权委托书");
    says("91330100799655058B");
    says("11010519491231002X");
    says("王小明");
    says("CA20261122-0A1B2C3D");
    says("Letter of authorisation");
    says("Pages:           1\n");
    says("(A4)");
    assert_null(strstr(said, "＿"));
    buf_done(&out);
}

static void the_blank_letter_has_lines_to_write_on(void **state)
{
    (void)state;
    const struct paper_letter blank = {"", "", "", "", "", "", "", ""};
    struct buf out;
    struct err err;
    buf_init(&out);
    assert_int_equal(paper_letter(&blank, &out, &err), 0);
    read_pdf(&out);
    says("＿＿＿＿");
    says("公章");
    assert_null(strstr(said, "{"));
    assert_null(strstr(said, "申领编号"));
    buf_done(&out);
}

static void the_form_says_every_row_and_has_a_place_for_the_seal(void **state)
{
    (void)state;
    struct export_rows *rows = calloc(1, sizeof(*rows));
    struct buf out;
    struct err err;
    rows->n = 6;
    rows->rows[0] = (struct export_line){
        EXPORT_HEAD, "", false, {"申领编号", "Application number"}, "CA20261122-0A1B2C3D"};
    rows->rows[1] = (struct export_line){
        EXPORT_ORGANISATION, "name", false, {"机构名称", "Organisation's name"}, "<b>甲</b>&amp;"};
    rows->rows[2] = (struct export_line){EXPORT_PEOPLE, "agent", false, {"经办人", "Agent"}, ""};
    snprintf(rows->rows[2].value, sizeof(rows->rows[2].value), "%s", text(TEXT_FORM_NO, LANG_ZH));
    rows->rows[3] = (struct export_line){EXPORT_MATERIALS, "licence", true, {"营业执照", "Licence"}, "a.pdf"};
    rows->rows[4] = (struct export_line){EXPORT_MATERIALS, "agent_id", false, {"身份证", "Card"}, "未上传"};
    rows->rows[5] = (struct export_line){EXPORT_RESULT, "", false, {"令牌序列号", "Token"}, "T-0001"};
    buf_init(&out);
    assert_int_equal(paper_form("CA20261122-0A1B2C3D", "2026-11-22 09:30", rows, &out, &err), 0);
    read_pdf(&out);
    says("法人数字证书申领表");
    says("一、机构与证书");
    says("机构名称");
    says("<b>甲</b>&amp;");
    says("公章");
    says("法定代表人（签字或盖章）");
    says("第 1 页，共 1 页");
    assert_null(strstr(said, "a.pdf")); /* what was uploaded is not the paper's to say */
    assert_null(strstr(said, "未上传"));
    says("□ 是");
    says("■ 否");
    assert_null(strstr(said, "T-0001"));
    assert_null(strstr(said, "经办人（签字）"));
    buf_done(&out);
    free(rows);
}

static void what_does_not_fit_goes_to_the_next_page(void **state)
{
    (void)state;
    struct document *d = NULL;
    struct buf out;
    struct err err;
    char value[32];
    buf_init(&out);
    assert_int_equal(document_new(&d, "", "", &err), 0);
    assert_int_equal(document_title(d, "长表", "", &err), 0);
    for (int i = 0; i < 90; i++) {
        snprintf(value, sizeof(value), "第%d行", i);
        assert_int_equal(document_row(d, "项目", "Item", value, &err), 0);
    }
    assert_int_equal(document_line(d, "日期", "Date", "", &err), 0);
    assert_int_equal(document_seal(d, "公章", "Seal", &err), 0);
    assert_int_equal(document_finish(d, 10, &out, &err), 0);
    read_pdf(&out);
    says("第0行");
    says("第89行");
    says("第 1 页，共 5 页");
    says("第 5 页，共 5 页");
    document_free(&d);
    buf_done(&out);
}

static void broken_text_is_cleaned_and_too_much_is_refused(void **state)
{
    (void)state;
    struct document *d = NULL;
    struct buf out;
    struct err err;
    static char longest[20000];
    memset(longest, 'x', sizeof(longest) - 1);
    buf_init(&out);
    assert_int_equal(document_new(&d, "", "", &err), 0);
    assert_int_equal(document_row(d, "a", "", "\xff\xfe\x01\tend", &err), 0);
    assert_int_equal(document_row(d, "b", "", longest, &err), 0);
    assert_int_equal(document_finish(d, 10, &out, &err), 0);
    read_pdf(&out);
    says("??");
    while (document_row(d, "c", "", "", &err) == 0)
        ;
    assert_int_equal(err.code, ERR_TOO_LARGE);
    document_free(&d);
    buf_done(&out);
}

static void a_deadline_that_is_over_ends_it(void **state)
{
    (void)state;
    struct document *d = NULL;
    struct buf out;
    struct err err;
    buf_init(&out);
    assert_int_equal(document_new(&d, "", "", &err), 0);
    assert_int_equal(document_title(d, "表", "", &err), 0);
    assert_int_equal(document_draw(d, clock_mono_ms() - 1, &out, &err), -1);
    assert_int_equal(err.code, ERR_TIMEOUT);
    document_free(&d);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_letter_is_filled_in),
        cmocka_unit_test(the_blank_letter_has_lines_to_write_on),
        cmocka_unit_test(the_form_says_every_row_and_has_a_place_for_the_seal),
        cmocka_unit_test(what_does_not_fit_goes_to_the_next_page),
        cmocka_unit_test(broken_text_is_cleaned_and_too_much_is_refused),
        cmocka_unit_test(a_deadline_that_is_over_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
