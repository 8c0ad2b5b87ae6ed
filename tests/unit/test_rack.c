/* The virtual rack against real folders. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "station/arrivals.h"

struct fixture {
    char folder[64], rack[96];
    struct arrivals *a;
};

static void path(char dst[256], const char *folder, const char *name, const char *file)
{
    snprintf(dst, 256, "%s/%s%s", folder, name, file);
}

/* A token's folder, complete, outside the rack. */
static void make_token(const struct fixture *f, const char *name)
{
    char dir[256], conf[256];
    struct err err;
    path(dir, f->folder, name, "");
    path(conf, f->folder, name, "/softhsm2.conf");
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(file_create(conf, "x\n", 2, 0600, &err), 0);
}

static void move(const char *from_folder, const char *from, const char *to_folder, const char *to)
{
    char a[256], b[256];
    path(a, from_folder, from, "");
    path(b, to_folder, to, "");
    assert_int_equal(rename(a, b), 0);
}

static void remove_token(const char *folder, const char *name)
{
    char dir[256], conf[256];
    path(dir, folder, name, "");
    path(conf, folder, name, "/softhsm2.conf");
    assert_int_equal(unlink(conf), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void open_rack(struct fixture *f)
{
    struct err err;
    assert_int_equal(rack_open(&f->a, f->rack, 3, &err), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->folder, sizeof(f->folder), "/tmp/castation-rack-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->rack, sizeof(f->rack), "%s/rack", f->folder);
    assert_int_equal(mkdir(f->rack, 0700), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arrivals_free(&f->a);
    static const char *const NAMES[] = {"bay-1", "bay-2", "bay-3", "bay-4", "a", "b"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        for (int in = 0; in < 2; in++) {
            char p[256];
            path(p, in ? f->rack : f->folder, NAMES[i], "/softhsm2.conf");
            unlink(p);
            path(p, in ? f->rack : f->folder, NAMES[i], "");
            rmdir(p);
        }
    rmdir(f->rack);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

/* The next arrival as "+bay-1", "-bay-1", or "" for none. */
static const char *next(struct fixture *f)
{
    static char said[BAY_NAME_SIZE + 2];
    struct arrival one;
    struct err err;
    int got = arrivals_next(f->a, &one, &err);
    assert_true(got >= 0);
    if (got == 0)
        return "";
    snprintf(said, sizeof(said), "%c%s", one.plugged ? '+' : '-', one.bay);
    return said;
}

static void what_is_there_at_the_start_arrives_first(void **state)
{
    struct fixture *f = *state;
    make_token(f, "a");
    move(f->folder, "a", f->rack, "bay-2");
    open_rack(f);
    assert_string_equal(next(f), "+bay-2");
    assert_string_equal(next(f), "");
}

static void a_token_renamed_in_is_plugged_and_its_environment_names_its_conf(void **state)
{
    struct fixture *f = *state;
    open_rack(f);
    assert_string_equal(next(f), "");
    make_token(f, "a");
    move(f->folder, "a", f->rack, "bay-1");
    struct arrival one;
    struct err err;
    char wanted[256];
    snprintf(wanted, sizeof(wanted), "SOFTHSM2_CONF=%s/bay-1/softhsm2.conf\n", f->rack);
    assert_int_equal(arrivals_next(f->a, &one, &err), 1);
    assert_true(one.plugged);
    assert_string_equal(one.bay, "bay-1");
    assert_string_equal(one.environment, wanted);
    assert_string_equal(next(f), "");
}

static void its_descriptor_wakes_the_loop(void **state)
{
    struct fixture *f = *state;
    open_rack(f);
    struct pollfd p = {.fd = arrivals_fd(f->a), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    make_token(f, "a");
    move(f->folder, "a", f->rack, "bay-3");
    assert_int_equal(poll(&p, 1, 2000), 1);
    assert_string_equal(next(f), "+bay-3");
    assert_int_equal(poll(&p, 1, 0), 0);
}

static void a_token_renamed_out_is_pulled(void **state)
{
    struct fixture *f = *state;
    make_token(f, "bay-1");
    move(f->folder, "bay-1", f->rack, "bay-1");
    open_rack(f);
    assert_string_equal(next(f), "+bay-1");
    move(f->rack, "bay-1", f->folder, "a");
    assert_string_equal(next(f), "-bay-1");
    assert_string_equal(next(f), "");
}

static void a_token_replaced_between_two_looks_is_a_pull_and_a_plug(void **state)
{
    struct fixture *f = *state;
    make_token(f, "a");
    make_token(f, "b");
    move(f->folder, "a", f->rack, "bay-1");
    open_rack(f);
    assert_string_equal(next(f), "+bay-1");
    move(f->rack, "bay-1", f->folder, "a");
    move(f->folder, "b", f->rack, "bay-1");
    assert_string_equal(next(f), "-bay-1");
    assert_string_equal(next(f), "+bay-1");
    assert_string_equal(next(f), "");
}

static void a_token_that_left_and_came_back_is_a_pull_and_a_plug(void **state)
{
    struct fixture *f = *state;
    make_token(f, "a");
    move(f->folder, "a", f->rack, "bay-1");
    open_rack(f);
    assert_string_equal(next(f), "+bay-1");
    usleep(20000); /* the kernel's clock for ctime moves in ticks */
    move(f->rack, "bay-1", f->folder, "a");
    move(f->folder, "a", f->rack, "bay-1");
    assert_string_equal(next(f), "-bay-1");
    assert_string_equal(next(f), "+bay-1");
    assert_string_equal(next(f), "");
}

static void a_replacement_on_the_same_inode_is_noticed(void **state)
{
    struct fixture *f = *state;
    make_token(f, "a");
    move(f->folder, "a", f->rack, "bay-1");
    open_rack(f);
    assert_string_equal(next(f), "+bay-1");
    usleep(20000);
    remove_token(f->rack, "bay-1"); /* most file systems give its inode to the next one made */
    make_token(f, "b");
    move(f->folder, "b", f->rack, "bay-1");
    assert_string_equal(next(f), "-bay-1");
    assert_string_equal(next(f), "+bay-1");
}

static void other_bays_do_not_stir_a_token_that_stays(void **state)
{
    struct fixture *f = *state;
    make_token(f, "a");
    move(f->folder, "a", f->rack, "bay-1");
    open_rack(f);
    assert_string_equal(next(f), "+bay-1");
    char file[256];
    struct err err;
    path(file, f->rack, "bay-1", "/softhsm2.conf");
    usleep(20000);
    assert_int_equal(file_replace(file, "y\n", 2, 0600, &err), 0); /* changes its ctime */
    make_token(f, "b");
    move(f->folder, "b", f->rack, "bay-2");
    assert_string_equal(next(f), "+bay-2");
    assert_string_equal(next(f), "");
}

static void what_is_no_token_is_left_out(void **state)
{
    struct fixture *f = *state;
    open_rack(f);
    make_token(f, "a");
    move(f->folder, "a", f->rack, "bay-4"); /* beyond the rack's three */
    char p[256];
    path(p, f->rack, "bay-1", "");
    assert_int_equal(mkdir(p, 0700), 0); /* no softhsm2.conf */
    path(p, f->rack, "bay-2", "");
    assert_int_equal(symlink("bay-4", p), 0);
    assert_string_equal(next(f), "");
    assert_int_equal(unlink(p), 0);
}

static void events_that_were_lost_cost_nothing(void **state)
{
    struct fixture *f = *state;
    make_token(f, "a");
    make_token(f, "b");
    move(f->folder, "a", f->rack, "bay-1");
    open_rack(f);
    assert_string_equal(next(f), "+bay-1");
    long most = 16384;
    FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    if (limit) {
        if (fscanf(limit, "%ld", &most) != 1)
            most = 16384;
        fclose(limit);
    }
    char p[256], q[256];
    path(p, f->rack, "x", "");
    path(q, f->rack, "y", "");
    assert_int_equal(mkdir(p, 0700), 0);
    for (long i = 0; i <= most / 2; i++) { /* two events each, alternately named, so that none is merged */
        assert_int_equal(rename(p, q), 0);
        assert_int_equal(rename(q, p), 0);
    }
    move(f->rack, "bay-1", f->folder, "a"); /* these are beyond what the queue holds */
    move(f->folder, "b", f->rack, "bay-1");
    move(f->folder, "a", f->rack, "bay-2");
    assert_int_equal(rmdir(p), 0);
    assert_string_equal(next(f), "-bay-1");
    assert_string_equal(next(f), "+bay-1");
    assert_string_equal(next(f), "+bay-2");
    assert_string_equal(next(f), "");
}

static void a_rack_that_goes_pulls_every_token_and_says_so_once(void **state)
{
    struct fixture *f = *state;
    make_token(f, "a");
    move(f->folder, "a", f->rack, "bay-1");
    open_rack(f);
    assert_string_equal(next(f), "+bay-1");
    move(f->folder, "rack", f->folder, "elsewhere");
    assert_string_equal(next(f), "-bay-1");
    struct arrival one;
    struct err err;
    assert_int_equal(arrivals_next(f->a, &one, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, f->rack));
    assert_string_equal(next(f), "");
    move(f->folder, "elsewhere", f->folder, "rack");
}

static void a_rack_folder_that_is_missing_is_made(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(rmdir(f->rack), 0);
    open_rack(f);
    assert_int_equal(stat(f->rack, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_there_at_the_start_arrives_first),
        T(a_token_renamed_in_is_plugged_and_its_environment_names_its_conf),
        T(its_descriptor_wakes_the_loop),
        T(a_token_renamed_out_is_pulled),
        T(a_token_replaced_between_two_looks_is_a_pull_and_a_plug),
        T(a_token_that_left_and_came_back_is_a_pull_and_a_plug),
        T(a_replacement_on_the_same_inode_is_noticed),
        T(other_bays_do_not_stir_a_token_that_stays),
        T(what_is_no_token_is_left_out),
        T(events_that_were_lost_cost_nothing),
        T(a_rack_that_goes_pulls_every_token_and_says_so_once),
        T(a_rack_folder_that_is_missing_is_made),
    };
    return cmocka_run_group_tests_name("rack", tests, NULL, NULL);
}
