#include "cmocka_all.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

static void a_buffer_grows_and_keeps_what_it_holds(void **state)
{
    (void)state;
    struct err err;
    for (int secret = 0; secret < 2; secret++) {
        struct buf b;
        if (secret)
            buf_init_secret(&b);
        else
            buf_init(&b);
        for (unsigned int i = 0; i < 5000; i++)
            assert_int_equal(buf_put(&b, &(uint8_t){(uint8_t)i}, 1, &err), 0);
        assert_int_equal(b.len, 5000);
        for (unsigned int i = 0; i < 5000; i++)
            assert_int_equal(b.data[i], (uint8_t)i);
        buf_done(&b);
        assert_null(b.data);
        assert_int_equal(b.len, 0);
        buf_done(&b); /* twice does no harm */
    }
    buf_done(NULL);
}

static void text_is_appended_and_seen_with_its_nul(void **state)
{
    (void)state;
    struct err err;
    struct buf b;
    buf_init(&b);
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(buf_put_str(&b, "bay ", &err), 0);
    assert_int_equal(buf_printf(&b, &err, "%d %s", 12, "工位"), 0);
    assert_string_equal(buf_cstr(&b), "bay 12 工位");
    assert_int_equal(b.len, strlen("bay 12 工位"));
    assert_int_equal(buf_put(&b, NULL, 0, &err), 0);
    buf_reset(&b);
    assert_string_equal(buf_cstr(&b), "");
    buf_done(&b);
}

static void a_buffer_that_cannot_grow_stays_as_it_was(void **state)
{
    (void)state;
    struct err err;
    struct buf b;
    buf_init(&b);
    assert_int_equal(buf_put_str(&b, "kept", &err), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 1, &err), -1);
    assert_int_equal(err.code, ERR_MEMORY);
    assert_string_equal(buf_cstr(&b), "kept");
    buf_done(&b);
}

/* The flags of the mapping that holds `p`, from /proc/self/smaps. */
static void flags_of(const void *p, char flags[256])
{
    FILE *f = fopen("/proc/self/smaps", "re");
    assert_non_null(f);
    char line[512];
    bool here = false;
    flags[0] = '\0';
    while (fgets(line, sizeof(line), f)) {
        uintptr_t low, high;
        if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
            here = (uintptr_t)p >= low && (uintptr_t)p < high;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(flags, 256, "%.250s", line + 8);
    }
    fclose(f);
}

static void a_secret_lies_in_locked_undumpable_pages_that_no_child_gets(void **state)
{
    (void)state;
    struct err err;
    char flags[256];
    struct buf b;
    buf_init_secret(&b);
    assert_int_equal(buf_put_str(&b, "123456", &err), 0);
    flags_of(b.data, flags);
    assert_non_null(strstr(flags, " lo")); /* locked */
    assert_non_null(strstr(flags, " dd")); /* do not dump */
    assert_non_null(strstr(flags, " dc")); /* do not copy on fork */
    buf_done(&b);
}

static void a_secret_is_wiped_by_reset(void **state)
{
    (void)state;
    struct err err;
    struct buf b;
    buf_init_secret(&b);
    assert_int_equal(buf_put_str(&b, "123456", &err), 0);
    buf_reset(&b);
    for (size_t i = 0; i < b.cap; i++)
        assert_int_equal(b.data[i], 0);
    assert_true(b.cap > 0);
    buf_done(&b);
}

static void a_secret_leaves_nothing_mapped_behind(void **state)
{
    (void)state;
    struct err err;
    struct buf b;
    buf_init_secret(&b);
    assert_int_equal(buf_put_str(&b, "123456", &err), 0);
    void *first = b.data;
    size_t cap = b.cap;
    assert_int_equal(buf_reserve(&b, 20 * cap, &err), 0); /* it moves */
    assert_ptr_not_equal(b.data, first);
    assert_memory_equal(b.data, "123456", 6);
    unsigned char in_core;
    assert_int_equal(mincore(first, 1, &in_core), -1); /* ENOMEM: no such mapping any more */
    void *second = b.data;
    buf_done(&b);
    assert_int_equal(mincore(second, 1, &in_core), -1);
}

static void memory_that_cannot_be_locked_is_an_error_that_names_the_limit(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        struct err err;
        struct buf b;
        buf_init_secret(&b);
        /* Root passes over the limit unless it gives up the capability: another user has none. */
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
            _exit(2);
        bool right = buf_put_str(&b, "123456", &err) == -1 && err.code == ERR_MEMORY &&
                     strstr(err.text, "RLIMIT_MEMLOCK") && !b.data;
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_grows_and_keeps_what_it_holds),
        cmocka_unit_test(text_is_appended_and_seen_with_its_nul),
        cmocka_unit_test(a_buffer_that_cannot_grow_stays_as_it_was),
        cmocka_unit_test(a_secret_lies_in_locked_undumpable_pages_that_no_child_gets),
        cmocka_unit_test(a_secret_is_wiped_by_reset),
        cmocka_unit_test(a_secret_leaves_nothing_mapped_behind),
        cmocka_unit_test(memory_that_cannot_be_locked_is_an_error_that_names_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
