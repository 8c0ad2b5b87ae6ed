/* Tables as CSV and XLSX. What the workbook holds is read with openpyxl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/spawn.h"
#include "web/export.h"

#define COLUMNS 3
static const char *const HEADER[COLUMNS] = {"编号", "机构名称", "备注"};

static void make(enum export_format format, const char *const (*rows)[COLUMNS], size_t n, struct buf *out)
{
    struct export *x = NULL;
    struct err err;
    buf_init(out);
    assert_int_equal(export_new(&x, format, "申领/信息[1]", HEADER, NULL, COLUMNS, &err), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(export_row(x, rows[i], &err), 0);
    assert_int_equal(export_finish(x, out, &err), 0);
    export_free(&x);
    assert_null(x);
}

static void csv_begins_with_a_byte_order_mark_and_quotes_every_cell(void **state)
{
    (void)state;
    static const char *const ROWS[][COLUMNS] = {{"CA1", "甲,\"乙\"", "two\r\nlines"}, {"CA2", NULL, ""}};
    struct buf out;
    make(EXPORT_CSV, ROWS, 2, &out);
    assert_string_equal(buf_cstr(&out),
                        "\xef\xbb\xbf\"编号\",\"机构名称\",\"备注\"\r\n"
                        "\"CA1\",\"甲,\"\"乙\"\"\",\"two\r\nlines\"\r\n\"CA2\",\"\",\"\"\r\n");
    buf_done(&out);
}

static void csv_defuses_what_a_spreadsheet_would_run(void **state)
{
    (void)state;
    static const char *const DANGEROUS[] = {"=1+1",     "=HYPERLINK(\"http://x\",\"y\")",
                                            "+86 138",  "-2+3",
                                            "@SUM(A1)", "\t=1",
                                            "\r=1",     "\n=1",
                                            "  =1",     "\u3000=1",
                                            "\u00a0@x", "＝1+1",
                                            "＋1",      "－1",
                                            "＠x",      "=cmd|' /C calc'!A0"};
    for (size_t i = 0; i < sizeof(DANGEROUS) / sizeof(DANGEROUS[0]); i++) {
        const char *const row[][COLUMNS] = {{"CA1", DANGEROUS[i], "x"}};
        struct buf out;
        make(EXPORT_CSV, row, 1, &out);
        assert_non_null(strstr(buf_cstr(&out), "\"CA1\",\"'"));
        buf_done(&out);
    }
    static const char *const HARMLESS[] = {"1=1", "a+b", "2026-11-22", "杭州-西湖", "'x", "a@b.example", ""};
    for (size_t i = 0; i < sizeof(HARMLESS) / sizeof(HARMLESS[0]); i++) {
        const char *const row[][COLUMNS] = {{"CA1", HARMLESS[i], "x"}};
        char want[64];
        struct buf out;
        make(EXPORT_CSV, row, 1, &out);
        snprintf(want, sizeof(want), "\"CA1\",\"%s\",\"x\"\r\n", HARMLESS[i]);
        assert_non_null(strstr(buf_cstr(&out), want));
        buf_done(&out);
    }
}

/* What openpyxl says of the workbook: "sheet|cell=type:value|…". */
static void read_workbook(const struct buf *book, char *ret, size_t cap)
{
    static const char SCRIPT[] = "import sys, openpyxl\n"
                                 "s = openpyxl.load_workbook(sys.argv[1]).active\n"
                                 "open(sys.argv[2], 'w').write('|'.join([s.title] + "
                                 "[f'{c.coordinate}={c.data_type}:{c.value}' for r in s.rows "
                                 "for c in r]))\n";
    char in[] = "/tmp/test-export-XXXXXX", out[] = "/tmp/test-export-XXXXXX";
    int from = mkstemp(in), to = mkstemp(out), pidfd, status;
    pid_t pid;
    struct err err;
    assert_int_equal(write(from, book->data, book->len), (ssize_t)book->len);
    char book_path[64];
    snprintf(book_path, sizeof(book_path), "%s.xlsx", in);
    assert_int_equal(rename(in, book_path), 0);
    const char *argv[] = {"python3", "-c", SCRIPT, book_path, out, NULL};
    const char *envp[] = {"LC_ALL=C.UTF-8", NULL};
    const struct spawn spawn = {.program = "/usr/bin/python3", .argv = argv, .envp = envp};
    assert_int_equal(spawn_start(&spawn, &pid, &pidfd, &err), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    ssize_t n = read(to, ret, cap - 1);
    assert_true(n > 0);
    ret[n] = '\0';
    close(pidfd);
    close(from);
    close(to);
    unlink(book_path);
    unlink(out);
}

static void a_workbook_holds_text_and_never_a_formula(void **state)
{
    (void)state;
    static const char *const ROWS[][COLUMNS] = {{"=1+1", "杭州云采软件有限公司", "@x"},
                                                {"007", "<b>&\"", NULL}};
    char said[1024];
    struct buf out;
    make(EXPORT_XLSX, ROWS, 2, &out);
    read_workbook(&out, said, sizeof(said));
    assert_non_null(strstr(said, "申领 信息 1"));
    assert_non_null(strstr(said, "|A1=s:编号|B1=s:机构名称|"));
    /* openpyxl takes a text that begins with = for a formula itself; the file says that it is a string */
    assert_non_null(strstr(said, ":=1+1|B2=s:杭州云采软件有限公司|C2=s:@x|"));
    assert_non_null(strstr(said, "|A3=s:007|B3=s:<b>&\"|"));
    buf_done(&out);
}

static void a_table_without_end_is_refused(void **state)
{
    (void)state;
    static const char *const row[COLUMNS] = {"1", "2", "3"};
    struct export *x = NULL;
    struct err err;
    assert_int_equal(export_new(&x, EXPORT_CSV, "", HEADER, NULL, EXPORT_COLUMNS_MAX + 1, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(export_new(&x, EXPORT_CSV, "", HEADER, NULL, COLUMNS, &err), 0);
    for (int i = 0; i < EXPORT_ROWS_MAX; i++)
        assert_int_equal(export_row(x, row, &err), 0);
    assert_int_equal(export_row(x, row, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    export_free(&x);
}

static void formats_are_known_by_name(void **state)
{
    (void)state;
    assert_int_equal(export_format_from_name("csv"), EXPORT_CSV);
    assert_int_equal(export_format_from_name("xlsx"), EXPORT_XLSX);
    assert_int_equal(export_format_from_name("XLS"), EXPORT_FORMAT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_begins_with_a_byte_order_mark_and_quotes_every_cell),
        cmocka_unit_test(csv_defuses_what_a_spreadsheet_would_run),
        cmocka_unit_test(a_workbook_holds_text_and_never_a_formula),
        cmocka_unit_test(a_table_without_end_is_refused),
        cmocka_unit_test(formats_are_known_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
