#include "cmocka_all.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/castation-test-file-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static void empty_folder(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char inner[PATH_MAX];
        snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (e->d_type == DT_DIR)
            empty_folder(inner);
        remove(inner);
    }
    if (dir)
        closedir(dir);
}

static int remove_folder(void **state)
{
    (void)state;
    empty_folder(folder);
    return rmdir(folder);
}

static size_t entries(void)
{
    size_t n = 0;
    DIR *dir = opendir(".");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

static int each_test_begins_empty(void **state)
{
    (void)state;
    empty_folder(folder);
    return 0;
}

static void write_file(const char *path, const char *content, mode_t mode)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fputs(content, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_file_is_read_up_to_its_limit(void **state)
{
    (void)state;
    struct err err;
    struct buf b;
    buf_init(&b);
    write_file("f", "12345", 0600);
    assert_int_equal(buf_put_str(&b, ">", &err), 0);
    assert_int_equal(file_read("f", 5, &b, &err), 0);
    assert_string_equal(buf_cstr(&b), ">12345");
    assert_int_equal(file_read("f", 4, &b, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_string_equal(buf_cstr(&b), ">12345");
    write_file("f", "", 0600);
    assert_int_equal(file_read("f", 0, &b, &err), 0);
    assert_string_equal(buf_cstr(&b), ">12345");
    buf_done(&b);
}

static void what_is_no_file_is_named_and_never_waited_for(void **state)
{
    (void)state;
    struct err err;
    struct buf b;
    buf_init(&b);
    assert_int_equal(file_read("none", 5, &b, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(strncmp(err.text, "none: ", 6), 0);
    assert_int_equal(file_read(".", 5, &b, &err), -1);
    assert_int_equal(err.code, ERR_SYSTEM);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(file_read("pipe", 5, &b, &err), -1);
    assert_int_equal(err.code, ERR_SYSTEM);
    buf_done(&b);
}

static void replacing_is_whole_and_sets_the_mode_whatever_the_umask(void **state)
{
    (void)state;
    struct err err;
    struct stat st;
    struct buf b;
    buf_init(&b);
    mode_t mask = umask(0077);
    assert_int_equal(file_replace("f", "old", 3, 0600, &err), 0);
    assert_int_equal(file_replace("f", "new content", 11, 0644, &err), 0);
    umask(mask);
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(file_read("f", 100, &b, &err), 0);
    assert_string_equal(buf_cstr(&b), "new content");
    assert_int_equal(entries(), 1); /* nothing else is left lying about */
    buf_done(&b);
}

static void a_reader_of_the_old_file_keeps_the_old_content(void **state)
{
    (void)state;
    struct err err;
    char content[8] = "";
    assert_int_equal(file_replace("f", "old", 3, 0600, &err), 0);
    FILE *reader = fopen("f", "re");
    assert_int_equal(file_replace("f", "newer", 5, 0600, &err), 0);
    assert_int_equal(fread(content, 1, sizeof(content), reader), 3);
    assert_string_equal(content, "old");
    fclose(reader);
}

static void a_replacement_that_fails_leaves_the_old_file(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(file_replace("d", "x", 1, 0600, &err), -1); /* a folder is not renamed over */
    assert_int_equal(err.code, ERR_SYSTEM);
    assert_int_equal(file_replace("none/f", "x", 1, 0600, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(entries(), 1);
}

static void creating_never_overwrites(void **state)
{
    (void)state;
    struct err err;
    struct stat st;
    struct buf b;
    buf_init(&b);
    assert_int_equal(file_create("f", "first", 5, 0640, &err), 0);
    assert_int_equal(file_create("f", "second", 6, 0640, &err), -1);
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(file_read("f", 100, &b, &err), 0);
    assert_string_equal(buf_cstr(&b), "first");
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(symlink("elsewhere", "link"), 0);
    assert_int_equal(file_create("link", "x", 1, 0600, &err), -1); /* even a dangling link is there */
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(entries(), 2);
    buf_done(&b);
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    struct err err;
    struct stat st;
    char path[PATH_MAX];
    mode_t mask = umask(0077);
    assert_int_equal(path_join(path, sizeof(path), folder, "a/b//c", &err), 0);
    assert_int_equal(file_mkdir_p(path, 0750, &err), 0);
    assert_int_equal(file_mkdir_p(path, 0700, &err), 0); /* there already: left as it is */
    assert_int_equal(file_mkdir_p("x/y/", 0700, &err), 0);
    umask(mask);
    assert_int_equal(stat("a/b", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(stat("a/b/c", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(stat("x/y", &st), 0);
    write_file("f", "", 0600);
    assert_int_equal(file_mkdir_p("f", 0700, &err), -1);
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(file_mkdir_p("f/g", 0700, &err), -1);
    assert_int_equal(file_mkdir_p("", 0700, &err), -1);
}

static void files_that_others_can_change_or_read_are_refused(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool secret, good;
    } CASES[] = {{0600, true, true},   {0400, true, true},   {0700, true, true},  {0640, true, false},
                 {0604, true, false},  {0644, false, true},  {0755, false, true}, {0664, false, false},
                 {0646, false, false}, {0620, false, false}, {0602, false, false}};
    struct err err;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        write_file("f", "", 0600);
        assert_int_equal(chmod("f", CASES[i].mode), 0);
        int ret = file_check_owner("f", CASES[i].secret, &err);
        assert_int_equal(ret, CASES[i].good ? 0 : -1);
        if (!CASES[i].good) {
            assert_int_equal(err.code, ERR_PERMISSION);
            assert_int_equal(strncmp(err.text, "f: mode 0", 9), 0);
        }
        remove("f");
    }
    assert_int_equal(file_check_owner("none", false, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void files_of_another_user_are_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    struct err err;
    write_file("f", "", 0600);
    assert_int_equal(chown("f", 65534, 65534), 0);
    assert_int_equal(file_check_owner("f", false, &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_non_null(strstr(err.text, "65534"));
}

static void paths_are_joined_with_one_slash_and_never_cut(void **state)
{
    (void)state;
    struct err err;
    char path[8];
    assert_int_equal(path_join(path, sizeof(path), "/a", "b", &err), 0);
    assert_string_equal(path, "/a/b");
    assert_int_equal(path_join(path, sizeof(path), "/a/", "b", &err), 0);
    assert_string_equal(path, "/a/b");
    assert_int_equal(path_join(path, sizeof(path), "", "b", &err), 0);
    assert_string_equal(path, "b");
    assert_int_equal(path_join(path, sizeof(path), "/", "b", &err), 0);
    assert_string_equal(path, "/b");
    assert_int_equal(path_join(path, sizeof(path), "/abc", "def", &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
}

#define FILE_TEST(f) cmocka_unit_test_setup(f, each_test_begins_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_file_is_read_up_to_its_limit),
        FILE_TEST(what_is_no_file_is_named_and_never_waited_for),
        FILE_TEST(replacing_is_whole_and_sets_the_mode_whatever_the_umask),
        FILE_TEST(a_reader_of_the_old_file_keeps_the_old_content),
        FILE_TEST(a_replacement_that_fails_leaves_the_old_file),
        FILE_TEST(creating_never_overwrites),
        FILE_TEST(folders_are_made_with_their_parents),
        FILE_TEST(files_that_others_can_change_or_read_are_refused),
        FILE_TEST(files_of_another_user_are_refused),
        FILE_TEST(paths_are_joined_with_one_slash_and_never_cut),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
