#include "cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"

/* Runs `act` with stderr in a pipe, as the journal's or not, and returns what was written there. */
static void written(void (*act)(void), bool journal, char ret[4096])
{
    int p[2], stderr_before = dup(STDERR_FILENO);
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    struct stat st;
    char stream[64];
    assert_int_equal(fstat(p[1], &st), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino + (journal ? 0 : 1));
    setenv("JOURNAL_STREAM", stream, 1);
    dup2(p[1], STDERR_FILENO);
    log_init("castationd");
    act();
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    close(p[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(p[0], ret + len, 4095 - len)) > 0;)
        len += (size_t)n;
    ret[len] = '\0';
    close(p[0]);
}

static void say_one_of_each(void)
{
    log_error("a %d", 1);
    log_warning("b");
    log_info("c");
    log_debug("d");
}

static void the_journal_gets_priorities(void **state)
{
    (void)state;
    char text[4096];
    unsetenv("CASTATION_DEBUG");
    written(say_one_of_each, true, text);
    assert_string_equal(text, "<3>error: a 1\n<4>warning: b\n<6>c\n");
    setenv("CASTATION_DEBUG", "1", 1);
    written(say_one_of_each, true, text);
    assert_string_equal(text, "<3>error: a 1\n<4>warning: b\n<6>c\n<7>debug: d\n");
    unsetenv("CASTATION_DEBUG");
}

static void a_stderr_that_is_not_the_journal_gets_time_and_program(void **state)
{
    (void)state;
    char text[4096], at[CLOCK_UTC_SIZE];
    written(say_one_of_each, false, text);
    memcpy(at, text, CLOCK_UTC_SIZE - 1);
    at[CLOCK_UTC_SIZE - 1] = '\0';
    assert_true(clock_utc_parse(at) > 0);
    assert_int_equal(strncmp(text + CLOCK_UTC_SIZE - 1, " castationd: error: a 1\n", 24), 0);
}

static void say_something_hostile(void)
{
    log_info("a\nforged\x1b[2J\x7f\xc2\x9b\xff申");
}

static void no_line_is_forged_and_no_terminal_driven(void **state)
{
    (void)state;
    char text[4096];
    written(say_something_hostile, true, text);
    assert_string_equal(text, "<6>a\\x0aforged\\x1b[2J\\x7f\\xc2\\x9b\\xff申\n");
}

static void say_too_much(void)
{
    static char much[10000];
    memset(much, 1, sizeof(much) - 1); /* each takes four characters escaped */
    log_info("%s", much);
}

static void a_long_line_is_cut_and_still_one_line(void **state)
{
    (void)state;
    char text[4096];
    written(say_too_much, true, text);
    assert_in_range(strlen(text), 1000, 2048);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void say_an_error(void)
{
    struct err err;
    err_set(&err, ERR_TIMEOUT, "bay 3");
    log_err(&err, "probe");
}

static void an_error_comes_with_its_sentence_and_remedy(void **state)
{
    (void)state;
    char text[4096];
    setenv("LC_ALL", "en_US", 1);
    written(say_an_error, true, text);
    assert_string_equal(
        text,
        "<3>error: probe: bay 3 [timeout] Timed out. Check that the other side works, then try again.\n");
    setenv("LC_ALL", "zh_CN.UTF-8", 1);
    written(say_an_error, true, text);
    assert_non_null(strstr(text, err_sentence(ERR_TIMEOUT, LANG_ZH)));
}

#ifdef CASTATION_CRASH_POINTS
/* How a process ends that passes a, b3, a, a. */
static int end_of(const char *wanted)
{
    pid_t pid = fork();
    if (pid == 0) {
        setenv("CASTATION_CRASH", wanted, 1);
        crash_point("a");
        crash_point("b%d", 3);
        crash_point("a");
        crash_point("a");
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_crash_point_kills_at_its_name_and_count(void **state)
{
    (void)state;
    assert_int_equal(WTERMSIG(end_of("a")), SIGKILL);
    assert_int_equal(WTERMSIG(end_of("b3")), SIGKILL);
    assert_int_equal(WTERMSIG(end_of("a#3")), SIGKILL);
    assert_int_equal(end_of("a#4"), 0);
    assert_int_equal(end_of("b3#2"), 0);
    assert_int_equal(end_of("b"), 0);
    assert_int_equal(end_of(""), 0);
    assert_int_equal(end_of("aa"), 0);
}
#else
static void a_crash_point_is_nothing_in_a_release(void **state)
{
    (void)state;
    setenv("CASTATION_CRASH", "a", 1);
    crash_point("a");
    unsetenv("CASTATION_CRASH");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_journal_gets_priorities),
        cmocka_unit_test(a_stderr_that_is_not_the_journal_gets_time_and_program),
        cmocka_unit_test(no_line_is_forged_and_no_terminal_driven),
        cmocka_unit_test(a_long_line_is_cut_and_still_one_line),
        cmocka_unit_test(an_error_comes_with_its_sentence_and_remedy),
#ifdef CASTATION_CRASH_POINTS
        cmocka_unit_test(a_crash_point_kills_at_its_name_and_count),
#else
        cmocka_unit_test(a_crash_point_is_nothing_in_a_release),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
