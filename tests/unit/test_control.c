/* The command line's calls on a station without bays or portal: real database, real sockets, the vault played
 * by this test. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/call.h"
#include "cmocka_all.h"
#include "station/control.h"

static struct station st;
static struct err err;
static char folder[] = "/tmp/test-control-XXXXXX";
static char socket_path[64], database[64];
static int vault_end; /* the vault's end of its connection */

/* ---- a station ---- */

static int up(void **state)
{
    (void)state;
    int pair[2];
    memset(&st, 0, sizeof(st));
    snprintf(folder, sizeof(folder), "/tmp/test-control-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(socket_path, sizeof(socket_path), "%s/control", folder);
    snprintf(database, sizeof(database), "%s/station.db", folder);
    snprintf(st.conf.name, sizeof(st.conf.name), "s1");
    snprintf(st.conf.stock_policy, sizeof(st.conf.stock_policy), "known_only");
    st.conf.tries_per_token = st.conf.tokens_per_job = 3;
    st.effects_tail = &st.effects;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    st.vault.fd = pair[0];
    st.vault.state = VAULT_READY;
    vault_end = pair[1];
    assert_int_equal(call_listen(socket_path, &st.control.listen_fd, &err), 0);
    return db_open(&st.db, database, &station_schema, 0, &err);
}

static int down(void **state)
{
    (void)state;
    static const char *const files[] = {"control", "station.db", "station.db-wal", "station.db-shm",
                                        "letter"};
    char path[64];
    while (st.control.n_clients > 0)
        close(st.control.clients[--st.control.n_clients].fd);
    while (st.jobs != NULL)
        job_close(&st, st.jobs);
    vault_forget(&st);
    effects_drop(&st);
    if (st.vault.fd >= 0)
        close(st.vault.fd);
    if (vault_end >= 0)
        close(vault_end);
    close(st.control.listen_fd);
    db_close(&st.db);
    for (size_t i = 0; i < COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
    return rmdir(folder);
}

/* One turn, as the loop makes them. */
static void turn(void)
{
    assert_int_equal(db_begin(st.db, &err), 0);
    assert_int_equal(control_accept(&st, &err), 0);
    for (size_t i = 0; i < st.control.n_clients; i++)
        assert_int_equal(control_readable(&st, i, &err), 0);
    assert_int_equal(db_commit(st.db, &err), 0);
    effects_run(&st);
}

/* ---- a client ---- */

struct client {
    const char *command;
    json_t *arguments;
    int fds[1];
    size_t n_fds;
    pthread_t thread;
    volatile int ended;
    int rc;
    json_t *result;
    struct err err;
};

static void *client_main(void *arg)
{
    struct client *c = arg;
    c->rc = call_json(socket_path, c->command, c->arguments, c->fds, c->n_fds, clock_mono_ms() + 20000,
                      &c->result, &c->err);
    __atomic_store_n(&c->ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void client_start(struct client *c)
{
    assert_int_equal(pthread_create(&c->thread, NULL, client_main, c), 0);
}

static bool client_ended(struct client *c)
{
    return __atomic_load_n(&c->ended, __ATOMIC_SEQ_CST) != 0;
}

static void client_end(struct client *c)
{
    while (!client_ended(c)) {
        turn();
        usleep(500);
    }
    pthread_join(c->thread, NULL);
    json_decref(c->arguments);
}

/* The answer; or NULL, and *err has what was said. */
static json_t *ask(const char *command, json_t *arguments)
{
    struct client c = {.command = command, .arguments = arguments};
    client_start(&c);
    client_end(&c);
    err = c.err;
    return c.rc == 0 ? c.result : NULL;
}

static void works(const char *command, json_t *arguments)
{
    json_t *result = ask(command, arguments);
    if (!result)
        print_error("%s: %s: %s\n", command, err_name(err.code), err.text);
    assert_non_null(result);
    json_decref(result);
}

static void refuses(const char *command, json_t *arguments, enum err_code code, const char *text)
{
    assert_null(ask(command, arguments));
    if (err.code != code || !strstr(err.text, text))
        print_error("%s: %s: %s\n", command, err_name(err.code), err.text);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, text));
}

/* ---- records ---- */

static void begin(void)
{
    assert_int_equal(db_begin(st.db, &err), 0);
}

static void commit(void)
{
    assert_int_equal(db_commit(st.db, &err), 0);
}

static void add_token(const char *serial, enum token_state state, const char *job)
{
    struct token_row t = {.state = state, .pin_version = 1};
    begin();
    snprintf(t.serial, sizeof(t.serial), "%s", serial);
    snprintf(t.product, sizeof(t.product), "softhsm");
    snprintf(t.job, sizeof(t.job), "%s", job);
    snprintf(t.letter, sizeof(t.letter), "%s", state == TOKEN_DELIVERABLE ? "sealed" : "none");
    snprintf(t.sealed_state, sizeof(t.sealed_state), "%s", state == TOKEN_DELIVERABLE ? "set" : "none");
    assert_int_equal(blob_set(&t.sealed_pin, "sealed", 6, &err), 0);
    assert_int_equal(token_insert(st.db, &t, &err), 0);
    token_row_done(&t);
    commit();
}

static void add_job(const char *id, enum job_state state, const char *token)
{
    static int number;
    struct job_row r = {.kind = JOB_MAKE, .generation = 1, .state = state};
    begin();
    snprintf(r.id, sizeof(r.id), "%s", id);
    snprintf(r.application, sizeof(r.application), "CA-%s-%d", id, ++number);
    snprintf(r.organisation, sizeof(r.organisation), "杭州示例科技有限公司");
    snprintf(r.step, sizeof(r.step), "write");
    snprintf(r.token, sizeof(r.token), "%s", token);
    assert_int_equal(job_insert(st.db, &r, &err), 0);
    commit();
}

static void add_certificate(const char *serial_number, const char *job, const char *token, const char *state)
{
    begin();
    assert_int_equal(db_exec(st.db, SQL_CERTIFICATE_INSERT,
                             DB_ARGS(DB_TEXT(serial_number), DB_TEXT(serial_number), DB_TEXT(job),
                                     DB_TEXT("app"), DB_TEXT(token), DB_TEXT("")),
                             NULL, &err),
                     0);
    assert_int_equal(db_exec(st.db, SQL_CERTIFICATE_STATE,
                             DB_ARGS(DB_TEXT(serial_number), DB_TEXT(state), DB_TEXT(""), DB_TEXT("")), NULL,
                             &err),
                     0);
    commit();
}

static void token_is(const char *serial, enum token_state state, const char *letter)
{
    struct token_row t = {0};
    assert_int_equal(token_get(st.db, serial, &t, &err), 0);
    assert_string_equal(token_state_name(t.state), token_state_name(state));
    assert_string_equal(t.letter, letter);
    token_row_done(&t);
}

static bool audit_has(const char *actor, const char *act, const char *subject)
{
    struct db_rows *rows = NULL;
    bool found = false;
    assert_int_equal(db_query(st.db, SQL_AUDIT_ALL, DB_NO_ARGS, &rows, &err), 0);
    while (db_next(rows, &err) == 1)
        found =
            found || (strcmp(db_col_text(rows, 2), actor) == 0 && strcmp(db_col_text(rows, 3), act) == 0 &&
                      strcmp(db_col_text(rows, 4), subject) == 0);
    db_rows_free(&rows);
    return found;
}

static const char *me(void)
{
    static char actor[32];
    snprintf(actor, sizeof(actor), "uid %u", (unsigned)getuid());
    return actor;
}

static json_t *serial_of(const char *serial)
{
    return json_pack("{s:s}", "serial", serial);
}

static json_t *quarantine_of(const char *serial)
{
    return json_pack("{s:s, s:s}", "serial", serial, "reason", "掉在地上");
}

/* ---- the socket ---- */

static void what_is_no_command_is_refused_with_its_reason(void **state)
{
    (void)state;
    refuses("polish", json_object(), ERR_USAGE, "polish");
    refuses("status", json_pack("{s:i}", "verbose", 1), ERR_FIELD, "verbose");
    refuses("token", json_object(), ERR_FIELD, "serial");
    refuses("tokens", json_pack("{s:i}", "limit", 0), ERR_FIELD, "limit");
    refuses("tokens", json_pack("{s:i}", "limit", 10001), ERR_FIELD, "limit");
    refuses("tokens", json_pack("{s:s}", "state", "lost"), ERR_FIELD, "lost");
    refuses("jobs", json_pack("{s:s}", "state", "lost"), ERR_FIELD, "lost");
    refuses("token", serial_of("T1"), ERR_NOT_FOUND, "T1");
    refuses("job", json_pack("{s:s}", "job", "J1"), ERR_NOT_FOUND, "J1");
    refuses("rack", json_object(), ERR_WRONG_STATE, "no rack");
}

static int plain_client(void)
{
    struct sockaddr_un {
        sa_family_t family;
        char path[108];
    } a = {AF_UNIX, ""};
    snprintf(a.path, sizeof(a.path), "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&a, sizeof(a)), 0);
    return fd;
}

static bool is_cut_off(int fd)
{
    char answer[4096];
    ssize_t n;
    while ((n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT)) > 0)
        ;
    return n == 0;
}

static void a_client_that_sends_nonsense_loses_its_connection_and_nobody_else_does(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } nonsense[] = {
        {"x", 1},
        {"nonsense that is long enough", 28},
        {"\1\1\0\0\0\0\0\1\0\0\0\4jobs", 16},
        {"\1\1\0\0\0\0\0\1\0\0\0\4jobs\1\0\0\0\1{", 22},
    };
    int good = plain_client();
    turn();
    for (size_t i = 0; i < COUNT(nonsense); i++) {
        int fd = plain_client();
        turn();
        assert_int_equal(send(fd, nonsense[i].bytes, nonsense[i].len, 0), nonsense[i].len);
        turn();
        assert_true(is_cut_off(fd));
        close(fd);
    }
    assert_false(is_cut_off(good));
    assert_int_equal(st.control.n_clients, 1);
    works("bays", json_object());
    close(good);
    turn();
    turn();
    assert_int_equal(st.control.n_clients, 0);
}

static void with_every_place_taken_the_oldest_connection_makes_room(void **state)
{
    (void)state;
    int fds[CONTROL_CLIENTS_MAX];
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        fds[i] = plain_client();
        turn();
    }
    assert_int_equal(st.control.n_clients, CONTROL_CLIENTS_MAX);
    works("bays", json_object());
    assert_true(is_cut_off(fds[0]));
    assert_false(is_cut_off(fds[1]));
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
}

/* The socket's mode keeps others out; should it ever not, the peer's credentials do. */
static void another_user_is_refused_even_when_the_socket_lets_him_in(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    add_token("T1", TOKEN_STOCK, "");
    assert_int_equal(chmod(folder, 0711), 0);
    assert_int_equal(chmod(socket_path, 0666), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err why;
        json_t *result = NULL;
        if (setresuid(65534, 65534, 65534) != 0)
            _exit(100);
        int rc =
            call_json(socket_path, "tokens", json_object(), NULL, 0, clock_mono_ms() + 10000, &result, &why);
        _exit(rc == 0 ? 0 : (int)why.code);
    }
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        turn();
        usleep(500);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), ERR_PERMISSION);
    assert_int_equal(st.control.n_clients, 0);
}

static void a_stopping_station_answers_and_begins_nothing(void **state)
{
    (void)state;
    add_token("T1", TOKEN_STOCK, "");
    st.stopping = true;
    json_t *status = ask("status", json_object());
    assert_string_equal(json_str(status, "state"), "stopping");
    json_decref(status);
    refuses("quarantine", quarantine_of("T1"), ERR_STOPPED, "stopping");
    token_is("T1", TOKEN_STOCK, "none");
}

/* ---- views ---- */

static void status_counts_what_there_is(void **state)
{
    (void)state;
    add_token("T1", TOKEN_STOCK, "");
    add_token("T2", TOKEN_STOCK, "");
    add_job("J1", JOB_FAILED, "T9");
    begin();
    assert_int_equal(alert(&st, "wedged", "bay-1", &err, "it hangs"), 0);
    commit();
    json_t *s = ask("status", json_object());
    assert_string_equal(json_str(s, "station"), "s1");
    assert_string_equal(json_str(s, "state"), "running");
    assert_int_equal(json_int(json_object_get(s, "tokens"), "stock"), 2);
    assert_int_equal(json_int(json_object_get(s, "jobs"), "failed"), 1);
    assert_string_equal(json_str(json_object_get(s, "vault"), "state"), "ready");
    assert_int_equal(json_int(json_object_get(s, "bays"), "total"), 0);
    assert_int_equal(json_array_size(json_object_get(s, "alerts")), 1);
    assert_string_equal(json_str(json_array_get(json_object_get(s, "alerts"), 0), "code"), "wedged");
    assert_string_equal(json_str(json_array_get(json_object_get(s, "alerts"), 0), "text"), "it hangs");
    json_decref(s);
}

static void a_token_shows_only_the_job_that_it_carries(void **state)
{
    (void)state;
    add_job("J1", JOB_DONE, "T1");
    add_token("T1", TOKEN_DELIVERABLE, "J1");
    add_token("T2", TOKEN_QUARANTINED, "J1"); /* the job went on with another */
    json_t *one = ask("token", serial_of("T1")), *two = ask("token", serial_of("T2"));
    assert_string_equal(json_str(json_object_get(one, "token"), "organisation"), "杭州示例科技有限公司");
    assert_string_equal(json_str(json_object_get(one, "token"), "so_pin"), "factory");
    assert_string_equal(json_str(json_object_get(two, "token"), "organisation"), "");
    assert_string_equal(json_str(json_object_get(two, "token"), "job"), "J1");
    json_decref(one);
    json_decref(two);
}

static void a_job_is_found_by_its_application_and_shows_its_journal(void **state)
{
    (void)state;
    add_job("J1", JOB_DONE, "T1");
    begin();
    json_t *evidence = json_pack("{s:s}", "token", "T1");
    assert_int_equal(journal_add(st.db, "J1", "check", 1, "intent", NULL, &err), 0);
    assert_int_equal(journal_add(st.db, "J1", "check", 1, "done", evidence, &err), 0);
    json_decref(evidence);
    commit();
    json_t *by_id = ask("job", json_pack("{s:s}", "job", "J1"));
    json_t *by_application =
        ask("job", json_pack("{s:s}", "job", json_str(json_object_get(by_id, "job"), "application")));
    assert_true(json_equal(by_id, by_application));
    json_t *journal = json_object_get(by_id, "journal");
    assert_int_equal(json_array_size(journal), 2);
    assert_string_equal(json_str(json_object_get(json_array_get(journal, 1), "evidence"), "token"), "T1");
    json_decref(by_id);
    json_decref(by_application);
}

static void a_text_cut_within_a_character_is_still_shown(void **state)
{
    (void)state;
    add_token("T1", TOKEN_STOCK, "");
    snprintf(st.vault.detail, sizeof(st.vault.detail), "%s", "坏");
    st.vault.detail[2] = '\0';
    memcpy(st.portal.detail, "down: \xe5", 8);
    json_t *s = ask("status", json_object());
    assert_string_equal(json_str(json_object_get(s, "vault"), "detail"), "");
    assert_string_equal(json_str(json_object_get(s, "portal"), "detail"), "down: ");
    json_decref(s);
}

/* ---- stock ---- */

static json_t *stock_row(const char *serial, const char *product)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "serial", serial, "product", product, "lot", "L1", "box", "B1");
}

static json_t *rows_of(json_t *first, json_t *second)
{
    return json_pack("{s:[o, o]}", "rows", first, second);
}

static void stock_is_added_whole_or_not_at_all(void **state)
{
    (void)state;
    json_t *list = NULL;
    add_token("T1", TOKEN_STOCK, "");
    refuses("stock_add", rows_of(stock_row("T2", "softhsm"), stock_row("T1", "softhsm")), ERR_CONFLICT, "T1");
    refuses("stock_add", rows_of(stock_row("T2", "softhsm"), stock_row("T2", "softhsm")), ERR_CONFLICT, "T2");
    refuses("stock_add", rows_of(stock_row("T2", "softhsm"), stock_row("T3", "nokia")), ERR_FIELD, "nokia");
    refuses("stock_add", rows_of(stock_row("T2", "softhsm"), stock_row("T 3", "softhsm")), ERR_FIELD,
            "rows[1].serial");
    refuses("stock_add", rows_of(stock_row("T2", "softhsm"), stock_row("", "softhsm")), ERR_FIELD,
            "rows[1].serial");
    list = ask("stock_list", json_object());
    assert_int_equal(json_array_size(json_object_get(list, "stock")), 1);
    json_decref(list);
    works("stock_add", rows_of(stock_row("T2", "softhsm"), stock_row("T3", "softhsm")));
    assert_true(audit_has(me(), "stock_add", "T2") && audit_has(me(), "stock_add", "T3"));
    list = ask("stock_list", json_object());
    assert_int_equal(json_array_size(json_object_get(list, "stock")), 3);
    assert_string_equal(json_str(list, "policy"), "known_only");
    json_decref(list);
}

static void a_list_is_bounded(void **state)
{
    (void)state;
    char serial[16];
    for (int i = 0; i < 120; i++) {
        snprintf(serial, sizeof(serial), "T%03d", i);
        add_token(serial, i % 2 ? TOKEN_STOCK : TOKEN_WIPED, "");
    }
    json_t *standard = ask("tokens", json_object()), *five = ask("tokens", json_pack("{s:i}", "limit", 5)),
           *wiped = ask("tokens", json_pack("{s:s, s:i}", "state", "wiped", "limit", 1000)),
           *stock = ask("stock_list", json_pack("{s:i}", "limit", 110));
    assert_int_equal(json_array_size(json_object_get(standard, "tokens")), 100);
    assert_int_equal(json_array_size(json_object_get(five, "tokens")), 5);
    assert_int_equal(json_array_size(json_object_get(wiped, "tokens")), 60);
    assert_int_equal(json_array_size(json_object_get(stock, "stock")), 110);
    json_decref(standard);
    json_decref(five);
    json_decref(wiped);
    json_decref(stock);
}

/* ---- quarantine, recycle ---- */

static int64_t open_voids(const char *application)
{
    struct db_rows *rows = NULL;
    assert_int_equal(db_query(st.db, SQL_VOID_PENDING, DB_ARGS(DB_TEXT(application)), &rows, &err), 0);
    assert_int_equal(db_next(rows, &err), 1);
    int64_t n = db_col_int(rows, 0);
    db_rows_free(&rows);
    return n;
}

static void a_blank_goes_into_quarantine_and_back(void **state)
{
    (void)state;
    add_token("T1", TOKEN_STOCK, "");
    refuses("quarantine", json_pack("{s:s, s:s}", "serial", "T1", "reason", ""), ERR_FIELD, "reason");
    refuses("quarantine", json_pack("{s:s, s:s}", "serial", "T1", "reason", "a\nb"), ERR_FIELD, "reason");
    refuses("unquarantine", serial_of("T1"), ERR_WRONG_STATE, "not quarantined");
    works("quarantine", quarantine_of("T1"));
    token_is("T1", TOKEN_QUARANTINED, "none");
    assert_true(audit_has(me(), "quarantine", "T1"));
    refuses("quarantine", quarantine_of("T1"), ERR_WRONG_STATE, "掉在地上");
    works("unquarantine", serial_of("T1"));
    token_is("T1", TOKEN_STOCK, "none");
}

static void a_deliverable_token_in_quarantine_has_its_certificate_voided_first(void **state)
{
    (void)state;
    add_job("J1", JOB_DONE, "T1");
    add_token("T1", TOKEN_DELIVERABLE, "J1");
    add_certificate("01ab", "J1", "T1", "deliverable");
    works("quarantine", quarantine_of("T1"));
    token_is("T1", TOKEN_QUARANTINED, "sealed");
    assert_int_equal(open_voids("app"), 1);
    refuses("letter", serial_of("T1"), ERR_USAGE, "descriptor");
    refuses("unquarantine", serial_of("T1"), ERR_WRONG_STATE, "recycle");
}

static void a_token_whose_so_pin_nobody_knows_does_not_go_back(void **state)
{
    (void)state;
    struct token_row t = {0};
    add_token("T1", TOKEN_QUARANTINED, "");
    begin();
    assert_int_equal(token_get(st.db, "T1", &t, &err), 0);
    t.so_changing_to = 1;
    assert_int_equal(token_update(st.db, &t, &err), 0);
    token_row_done(&t);
    commit();
    refuses("unquarantine", serial_of("T1"), ERR_WRONG_STATE, "recycle");
}

static void a_token_in_a_job_is_left_alone_unless_it_is_gone_for_good(void **state)
{
    (void)state;
    struct job_row row = {0};
    struct job *job = NULL;
    add_job("J1", JOB_WAITING, "T1");
    add_token("T1", TOKEN_IN_JOB, "J1");
    assert_int_equal(job_get(st.db, "J1", &row, &err), 0);
    assert_int_equal(job_open(&st, &row, &job, &err), 0);
    job->wait = WAIT_RETRY;
    refuses("quarantine", quarantine_of("T1"), ERR_TOKEN_IN_USE, "J1");
    job->wait = WAIT_TOKEN;
    works("quarantine", quarantine_of("T1"));
    token_is("T1", TOKEN_QUARANTINED, "none");
    job = job_by_id(&st, "J1");
    assert_non_null(job);
    assert_int_equal(job->row.state, JOB_QUEUED);
    assert_string_equal(job->row.token, "");
}

static void a_recycled_token_is_voided_and_wiped_by_a_job_of_its_own(void **state)
{
    (void)state;
    add_job("J1", JOB_DONE, "T1");
    add_token("T1", TOKEN_DELIVERABLE, "J1");
    add_token("T2", TOKEN_STOCK, "");
    add_certificate("01ab", "J1", "T1", "deliverable");
    refuses("recycle", serial_of("T2"), ERR_WRONG_STATE, "quarantine it first");
    json_t *answer = ask("recycle", serial_of("T1"));
    assert_non_null(answer);
    struct job *job = job_by_id(&st, json_str(answer, "job"));
    assert_non_null(job);
    assert_int_equal(job->row.kind, JOB_RECYCLE);
    assert_int_equal(job->row.state, JOB_QUEUED);
    assert_int_equal(job->step, STEP_INITIALISE);
    assert_string_equal(job->row.token, "T1");
    token_is("T1", TOKEN_QUARANTINED, "sealed");
    assert_int_equal(open_voids("app"), 1);
    refuses("recycle", serial_of("T1"), ERR_TOKEN_IN_USE, json_str(answer, "job"));
    refuses("unquarantine", serial_of("T1"), ERR_TOKEN_IN_USE, "recycled");
    json_decref(answer);
}

/* ---- retry ---- */

static json_t *job_arg(const char *id)
{
    return json_pack("{s:s}", "job", id);
}

static void retry_says_whose_turn_it_is(void **state)
{
    (void)state;
    struct job_row row = {0};
    struct job *job = NULL;
    add_job("J1", JOB_FAILED, "T1");
    add_job("J2", JOB_DONE, "T2");
    add_job("J3", JOB_WAITING, "T3");
    refuses("retry", job_arg("J1"), ERR_WRONG_STATE, "caportal retry");
    refuses("retry", job_arg("J2"), ERR_WRONG_STATE, "done");
    assert_int_equal(job_get(st.db, "J3", &row, &err), 0);
    assert_int_equal(job_open(&st, &row, &job, &err), 0);
    job->wait = WAIT_TOKEN;
    refuses("retry", job_arg("J3"), ERR_TOKEN_ABSENT, "T3");
    job->wait = WAIT_RETRY;
    job->wait_until = INT64_MAX;
    job->row.tries = 2;
    works("retry", job_arg("J3"));
    assert_int_equal(job->wait_until, 0);
    assert_int_equal(job->row.tries, 0);
    assert_true(audit_has(me(), "retry", "J3"));
    job->row.state = JOB_ACTIVE;
    refuses("retry", job_arg("J3"), ERR_WRONG_STATE, "nothing to retry");
    job->row.state = JOB_MADE;
    st.portal.outbox_at = INT64_MAX;
    works("retry", job_arg("J3"));
    assert_int_equal(st.portal.outbox_at, 0);
}

/* ---- letters ---- */

static void letter_start(struct client *c)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/letter", folder);
    *c = (struct client){.command = "letter", .arguments = serial_of("T1"), .n_fds = 1};
    c->fds[0] = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(c->fds[0] >= 0);
    client_start(c);
}

static void letter_end(struct client *c)
{
    client_end(c);
    close(c->fds[0]);
}

/* The vault takes the request and writes; its answer is a letter, or an error. */
static void vault_takes_letter(enum err_code answer)
{
    struct msg_in m;
    struct msg_out reply;
    struct vault_letter_req req;
    struct err why;
    msg_in_init(&m, false);
    msg_out_init(&reply, false);
    while (msg_recv(vault_end, &m, 0, &err) != 1) {
        turn();
        usleep(500);
    }
    token_is("T1", TOKEN_DELIVERABLE, "printing"); /* committed before the vault hears of it */
    assert_int_equal(m.verb, VAULT_VERB_LETTER);
    vault_letter_req_get(&m, &req);
    int fd = msg_take_fd(&m);
    assert_int_equal(msg_end(&m, &err), 0);
    assert_string_equal(req.job, "J1");
    assert_string_equal(req.organisation, "杭州示例科技有限公司");
    assert_int_equal(req.pin_version, 1);
    assert_int_equal(write(fd, "a letter", 8), 8);
    close(fd);
    msg_begin(&reply, m.verb, answer != ERR_NONE ? MSG_REPLY | MSG_ERROR : MSG_REPLY, m.id);
    if (answer != ERR_NONE) {
        err_set(&why, answer, "the vault's reason");
        msg_put_err(&reply, &why);
    }
    assert_int_equal(msg_send(vault_end, &reply, clock_mono_ms() + 1000, &err), 0);
    begin();
    assert_int_equal(vault_readable(&st, &err), 0);
    commit();
    effects_run(&st);
    msg_in_done(&m);
    msg_out_done(&reply);
}

static int letter_up(void **state)
{
    if (up(state) != 0)
        return -1;
    add_job("J1", JOB_DONE, "T1");
    add_token("T1", TOKEN_DELIVERABLE, "J1");
    return 0;
}

static void a_letter_is_printed_once(void **state)
{
    (void)state;
    struct client c;
    letter_start(&c);
    vault_takes_letter(ERR_NONE);
    letter_end(&c);
    assert_int_equal(c.rc, 0);
    assert_string_equal(json_str(c.result, "organisation"), "杭州示例科技有限公司");
    json_decref(c.result);
    token_is("T1", TOKEN_DELIVERABLE, "printed");
    assert_true(audit_has(me(), "letter", "T1"));
    letter_start(&c);
    letter_end(&c);
    assert_int_equal(c.rc, -1);
    assert_int_equal(c.err.code, ERR_LETTER);
    assert_non_null(strstr(c.err.text, "printed before"));
}

static void a_letter_that_the_vault_refuses_may_be_asked_for_again(void **state)
{
    (void)state;
    static const enum err_code refusals[] = {ERR_LETTER, ERR_HSM_LOCKED, ERR_HSM_GONE};
    struct client c;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        letter_start(&c);
        vault_takes_letter(refusals[i]);
        letter_end(&c);
        assert_int_equal(c.rc, -1);
        assert_int_equal(c.err.code, refusals[i]);
        token_is("T1", TOKEN_DELIVERABLE, "sealed");
    }
    letter_start(&c);
    vault_takes_letter(ERR_NONE);
    letter_end(&c);
    assert_int_equal(c.rc, 0);
    json_decref(c.result);
}

static void a_letter_that_may_be_on_paper_is_never_printed_again(void **state)
{
    (void)state;
    struct client c;
    letter_start(&c);
    vault_takes_letter(ERR_TIMEOUT);
    letter_end(&c);
    assert_int_equal(c.rc, -1);
    token_is("T1", TOKEN_DELIVERABLE, "printing");
    assert_true(audit_has("alert", "letter-unknown", "T1"));
    letter_start(&c);
    letter_end(&c);
    assert_int_equal(c.err.code, ERR_LETTER);
    assert_non_null(strstr(c.err.text, "new PIN"));
}

static void a_vault_that_goes_while_it_prints_leaves_the_letter_unknown(void **state)
{
    (void)state;
    struct client c;
    struct msg_in m;
    msg_in_init(&m, false);
    letter_start(&c);
    while (msg_recv(vault_end, &m, 0, &err) != 1) {
        turn();
        usleep(500);
    }
    msg_in_done(&m);
    close(vault_end);
    vault_end = -1;
    begin();
    assert_int_equal(vault_readable(&st, &err), 0);
    commit();
    effects_run(&st);
    letter_end(&c);
    assert_int_equal(c.rc, -1);
    assert_int_equal(c.err.code, ERR_PEER_GONE);
    token_is("T1", TOKEN_DELIVERABLE, "printing");
    assert_true(audit_has("alert", "letter-unknown", "T1"));
}

static void a_letter_that_cannot_begin_stays_sealed(void **state)
{
    (void)state;
    struct client c;
    refuses("letter", serial_of("T1"), ERR_USAGE, "descriptor");
    st.vault.state = VAULT_LOCKED;
    letter_start(&c);
    letter_end(&c);
    assert_int_equal(c.err.code, ERR_HSM_LOCKED);
    close(st.vault.fd);
    st.vault.fd = -1;
    letter_start(&c);
    letter_end(&c);
    assert_int_equal(c.err.code, ERR_UNREACHABLE);
    token_is("T1", TOKEN_DELIVERABLE, "sealed");
}

static void an_answer_reaches_nobody_else_when_its_client_has_gone(void **state)
{
    (void)state;
    struct msg_out m;
    char path[64];
    snprintf(path, sizeof(path), "%s/letter", folder);
    int fd = plain_client(), file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    turn();
    msg_out_init(&m, false);
    msg_begin(&m, 1, 0, 7);
    msg_put_str(&m, "letter");
    msg_put_u8(&m, 1);
    msg_put_bytes(&m, "{\"serial\":\"T1\"}", 15);
    msg_put_fd(&m, file);
    assert_int_equal(msg_send(fd, &m, clock_mono_ms() + 1000, &err), 0);
    turn();
    close(fd);
    close(file);
    turn();
    assert_int_equal(st.control.n_clients, 0);
    int other = plain_client(); /* most likely on the same descriptor */
    turn();
    vault_takes_letter(ERR_NONE);
    char byte;
    assert_int_equal(recv(other, &byte, 1, MSG_DONTWAIT), -1);
    token_is("T1", TOKEN_DELIVERABLE, "printed");
    close(other);
    msg_out_done(&m);
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, up, down)
#define LETTER(name) cmocka_unit_test_setup_teardown(name, letter_up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_command_is_refused_with_its_reason),
        TEST(a_client_that_sends_nonsense_loses_its_connection_and_nobody_else_does),
        TEST(with_every_place_taken_the_oldest_connection_makes_room),
        TEST(another_user_is_refused_even_when_the_socket_lets_him_in),
        TEST(a_stopping_station_answers_and_begins_nothing),
        TEST(status_counts_what_there_is),
        TEST(a_token_shows_only_the_job_that_it_carries),
        TEST(a_job_is_found_by_its_application_and_shows_its_journal),
        TEST(a_text_cut_within_a_character_is_still_shown),
        TEST(stock_is_added_whole_or_not_at_all),
        TEST(a_list_is_bounded),
        TEST(a_blank_goes_into_quarantine_and_back),
        TEST(a_deliverable_token_in_quarantine_has_its_certificate_voided_first),
        TEST(a_token_whose_so_pin_nobody_knows_does_not_go_back),
        TEST(a_token_in_a_job_is_left_alone_unless_it_is_gone_for_good),
        TEST(a_recycled_token_is_voided_and_wiped_by_a_job_of_its_own),
        TEST(retry_says_whose_turn_it_is),
        LETTER(a_letter_is_printed_once),
        LETTER(a_letter_that_the_vault_refuses_may_be_asked_for_again),
        LETTER(a_letter_that_may_be_on_paper_is_never_printed_again),
        LETTER(a_vault_that_goes_while_it_prints_leaves_the_letter_unknown),
        LETTER(a_letter_that_cannot_begin_stays_sealed),
        LETTER(an_answer_reaches_nobody_else_when_its_client_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
