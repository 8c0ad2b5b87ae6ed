/* Jobs through the faults that no real part shows on demand: the database is real, the worker a process that
 * sleeps, vault and portal are played by this test. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cmocka_all.h"
#include "station/steps.h"

static struct station st;
static struct err err;
static char folder[] = "/tmp/test-jobs-XXXXXX";
static char database[64], program[64];
static int vault_end;

/* ---- the portal: what is asked of it, and what it answers next ---- */

static struct http_request *asked;
static struct http_result answer;
static bool answered;

int __wrap_http_post(struct http *http, struct http_request *request, struct err *ret);
int __wrap_http_next(struct http *http, struct http_result *ret);

int __wrap_http_post(struct http *http, struct http_request *request, struct err *ret)
{
    (void)http;
    (void)ret;
    if (request->tag != HTTP_OUTBOX) {
        http_request_free(request);
        return 0;
    }
    http_request_free(asked);
    asked = request;
    return 0;
}

int __wrap_http_next(struct http *http, struct http_result *ret)
{
    (void)http;
    if (!answered)
        return 0;
    answered = false;
    *ret = answer;
    return 1;
}

/* ---- a station with one bay ---- */

static struct bay *bay;

static int up(void **state)
{
    (void)state;
    int pair[2];
    memset(&st, 0, sizeof st);
    snprintf(folder, sizeof folder, "/tmp/test-jobs-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(database, sizeof database, "%s/station.db", folder);
    snprintf(program, sizeof program, "%s/worker", folder);
    FILE *f = fopen(program, "w");
    assert_non_null(f);
    fputs("#!/bin/sh\nexec sleep 600\n", f);
    fclose(f);
    assert_int_equal(chmod(program, 0700), 0);
    st.conf.tries_per_token = st.conf.tokens_per_job = 3;
    st.conf.absent_seconds = 600;
    snprintf(st.conf.bay_program, sizeof st.conf.bay_program, "%s", program);
    st.effects_tail = &st.effects;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    st.vault.fd = pair[0];
    st.vault.state = VAULT_READY;
    st.vault.ready = true;
    st.vault.status_at = INT64_MAX;
    st.portal.poll_at = st.portal.outbox_at = INT64_MAX;
    vault_end = pair[1];
    st.n_bays = 1;
    st.turns = 1;
    bay = &st.bays[0];
    snprintf(bay->name, sizeof bay->name, "bay-1");
    snprintf(bay->module, sizeof bay->module, "module");
    bay->product = product_find("softhsm");
    assert_int_equal(db_open(&st.db, database, &station_schema, 0, &err), 0);
    return db_begin(st.db, &err);
}

static int down(void **state)
{
    (void)state;
    char command[96];
    while (st.jobs != NULL)
        job_close(&st, st.jobs);
    bay_client_free(&bay->client);
    vault_forget(&st);
    effects_drop(&st);
    http_request_free(asked);
    asked = NULL;
    if (st.vault.fd >= 0)
        close(st.vault.fd);
    close(vault_end);
    db_rollback(st.db);
    db_close(&st.db);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    return pclose(p);
}

static void add_token(const char *serial, enum token_state state, int64_t changing_to)
{
    struct token_row t = {.state = state, .so_changing_to = changing_to};
    snprintf(t.serial, sizeof t.serial, "%s", serial);
    snprintf(t.product, sizeof t.product, "softhsm");
    assert_int_equal(token_insert(st.db, &t, &err), 0);
    token_row_done(&t);
}

static struct job *add_job(const char *id, enum job_kind kind, enum job_state state, enum step step)
{
    struct job_row r = {.kind = kind, .generation = 1, .state = state, .tokens_used = kind == JOB_MAKE};
    struct job *job = NULL;
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.application, sizeof r.application, "CA-%s", id);
    snprintf(r.step, sizeof r.step, "%s", step_rules[step].name);
    snprintf(r.token, sizeof r.token, "T1");
    assert_int_equal(job_insert(st.db, &r, &err), 0);
    assert_int_equal(job_open(&st, &r, &job, &err), 0);
    job->renew_at = INT64_MAX;
    return job;
}

static void start_worker(void)
{
    assert_int_equal(bay_client_start(&bay->client, program, "", &err), 0);
    bay->present = true;
    bay->setup = SETUP_READY;
    bay_set(bay, BAY_WORKING, "%s", "");
    snprintf(bay->serial, sizeof bay->serial, "T1");
}

static void put_into_bay(struct job *job)
{
    start_worker();
    bay->job = job;
    job->bay = bay;
}

static void worker_ends(void)
{
    bay_client_kill(bay->client);
    struct pollfd p = {.fd = bay_client_pidfd(bay->client), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_int_equal(bay_ended(&st, bay, &err), 0);
}

static enum job_state stored_state(const char *id)
{
    struct job_row r = {0};
    assert_int_equal(job_get(st.db, id, &r, &err), 0);
    enum job_state state = r.state;
    job_row_done(&r);
    return state;
}

static int64_t count(const char *act)
{
    struct db_rows *rows = NULL;
    int64_t n = 0;
    assert_int_equal(db_query(st.db, SQL_AUDIT_ALL, DB_NO_ARGS, &rows, &err), 0);
    while (db_next(rows, &err) == 1)
        n += strcmp(db_col_text(rows, 3), act) == 0;
    db_rows_free(&rows);
    return n;
}

/* ---- the vault ---- */

static struct msg_in request;

/* The next request, which is to be this one. Its id. */
static uint32_t vault_hears(enum vault_verb verb)
{
    effects_run(&st);
    msg_in_init(&request, false);
    assert_int_equal(msg_recv(vault_end, &request, 0, &err), 1);
    assert_int_equal(request.verb, verb);
    uint32_t id = request.id;
    msg_in_done(&request);
    return id;
}

static void vault_says(struct msg_out *m)
{
    assert_int_equal(msg_send(vault_end, m, 0, &err), 0);
    msg_out_done(m);
    assert_int_equal(vault_readable(&st, &err), 0);
}

static void vault_refuses(enum vault_verb verb, uint32_t id, enum err_code code)
{
    struct msg_out m;
    struct err why;
    msg_out_init(&m, false);
    msg_begin(&m, (uint8_t)verb, MSG_REPLY | MSG_ERROR, id);
    err_set(&why, code, "as this test wants it");
    msg_put_err(&m, &why);
    vault_says(&m);
}

static void vault_reserves(uint32_t id)
{
    struct msg_out m;
    struct vault_reserve_rep rep = {.serial_number = {.len = 16, .data = {1}}};
    msg_out_init(&m, false);
    msg_begin(&m, VAULT_VERB_RESERVE, MSG_REPLY, id);
    vault_reserve_rep_put(&m, &rep);
    vault_says(&m);
}

static void vault_voids(uint32_t id, enum vault_voided voided)
{
    struct msg_out m;
    struct vault_void_rep rep = {.voided = (uint8_t)voided};
    msg_out_init(&m, false);
    msg_begin(&m, VAULT_VERB_VOID, MSG_REPLY, id);
    vault_void_rep_put(&m, &rep);
    vault_says(&m);
}

static void vault_found(uint32_t id, enum vault_lookup found)
{
    struct msg_out m;
    struct vault_lookup_rep rep = {.found = (uint8_t)found};
    if (found == VAULT_SIGNED || found == VAULT_VOID)
        assert_true(bytes_set(rep.certificate, "certificate", 11));
    msg_out_init(&m, false);
    msg_begin(&m, VAULT_VERB_LOOKUP, MSG_REPLY, id);
    vault_lookup_rep_put(&m, &rep);
    vault_says(&m);
}

/* ---- workers ---- */

static void a_worker_that_ends_while_the_vault_acts_is_replaced(void **state)
{
    (void)state;
    add_token("T1", TOKEN_IN_JOB, 0);
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_SIGN);
    put_into_bay(job);
    job->in_flight = true;
    bay->killing = true; /* its socket closed first, and it was killed then */
    assert_false(bay_is_ready(bay));
    worker_ends();
    assert_int_equal(bay->setup, SETUP_START);
    assert_true(job->in_flight);
    assert_ptr_equal(job->bay, bay);
}

static void a_worker_that_dies_again_and_again_before_its_channel_is_given_up(void **state)
{
    (void)state;
    static const enum bay_setup stages[] = {SETUP_REGISTER, SETUP_CHANNEL, SETUP_REGISTER};
    add_token("T1", TOKEN_IN_JOB, 0);
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_WRITE);
    for (size_t i = 0; i < COUNT(stages); i++) {
        put_into_bay(job);
        bay->setup = stages[i];
        worker_ends();
    }
    assert_int_equal(bay->state, BAY_REFUSED);
    assert_null(job->bay);
    assert_int_equal(job->wait, WAIT_TOKEN);
}

static void an_effect_for_a_worker_that_has_ended_does_not_reach_its_successor(void **state)
{
    (void)state;
    start_worker();
    effect_bay(&st, EFFECT_KILL, bay);
    worker_ends();
    start_worker();
    effects_run(&st);
    assert_false(bay->killing);
}

static void a_worker_that_cannot_be_ended_keeps_any_other_from_its_token(void **state)
{
    (void)state;
    struct arrival again = {.plugged = true, .bay = "bay-1"};
    add_token("T1", TOKEN_IN_JOB, 0);
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_SIGN);
    put_into_bay(job);
    job->in_flight = true; /* the vault's answer is out */
    effect_bay(&st, EFFECT_KILL, bay);
    effects_run(&st);
    assert_int_equal(bay_tick(&st, bay, clock_mono_ms() + 6000, &err), 0); /* and nobody reaps it */
    assert_int_equal(bay->state, BAY_WEDGED);
    assert_int_equal(stored_state("J1"), JOB_QUEUED); /* on another token */
    assert_int_equal(bay_arrival(&st, &again, &err), 0);
    assert_int_equal(bay_tick(&st, bay, clock_mono_ms() + 7000, &err), 0);
    assert_int_equal(bay->state, BAY_WEDGED);
    worker_ends();
    assert_int_equal(bay->setup, SETUP_START);
}

/* ---- waiting ---- */

static void what_no_clock_ends_lets_the_loop_sleep(void **state)
{
    (void)state;
    struct job *job = add_job("J1", JOB_MAKE, JOB_WAITING, STEP_SIGN);
    put_into_bay(job);
    job->wait = WAIT_VAULT;
    assert_int_equal(job_next_tick(&st, job), 0);
    st.vault.ready = false; /* its status wakes the loop */
    assert_true(job_next_tick(&st, job) == INT64_MAX);
    st.vault.ready = true;
    bay->setup = SETUP_PROBE; /* the worker's answer does */
    assert_true(job_next_tick(&st, job) == INT64_MAX);
    job->wait = WAIT_TOKEN; /* it is there already */
    assert_true(job_next_tick(&st, job) == INT64_MAX);
    job->wait = WAIT_RETRY;
    bay->setup = SETUP_READY;
    job->looking_up = true;
    assert_true(job_next_tick(&st, job) == INT64_MAX);
    bay->job = NULL;
    job->bay = NULL;
}

static void one_refusal_of_a_vault_that_is_well_does_not_hurry_the_others(void **state)
{
    (void)state;
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_RESERVE);
    struct job *other = add_job("J2", JOB_MAKE, JOB_WAITING, STEP_RESERVE);
    other->wait = WAIT_VAULT;
    other->wait_until = INT64_MAX - 1;
    put_into_bay(job);
    job->row.lease_boot_ms = INT64_MAX;
    clock_boot_id(job->row.lease_boot_id);
    assert_int_equal(job_begin(&st, job, &err), 0);
    vault_refuses(VAULT_VERB_RESERVE, vault_hears(VAULT_VERB_RESERVE), ERR_ALREADY_SIGNED);
    assert_true(st.vault.ready);
    assert_int_equal(job->wait, WAIT_VAULT);
    assert_true(job->wait_until > clock_mono_ms() + 5000);
    assert_true(other->wait_until == INT64_MAX - 1);
}

/* ---- answers that come too late ---- */

static void an_answer_to_an_earlier_request_is_not_taken_for_the_one_under_way(void **state)
{
    (void)state;
    add_token("T1", TOKEN_IN_JOB, 0);
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_RESERVE);
    job->row.lease_boot_ms = INT64_MAX;
    clock_boot_id(job->row.lease_boot_id);
    put_into_bay(job);
    assert_int_equal(job_begin(&st, job, &err), 0);
    uint32_t first = vault_hears(VAULT_VERB_RESERVE);
    assert_int_equal(job_token_gone(&st, job, &err), 0); /* pulled, and plugged in again */
    bay_client_free(&bay->client);
    put_into_bay(job);
    assert_int_equal(job_resume(&st, job, &err), 0);
    assert_true(vault_hears(VAULT_VERB_RESERVE) != first);
    vault_reserves(first);
    assert_true(job->in_flight);
    assert_int_equal(job->row.serial_number.len, 0);
}

static void an_answer_to_another_jobs_registration_fails_nobody(void **state)
{
    (void)state;
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_CHECK);
    put_into_bay(job);
    bay->setup = SETUP_REGISTER;
    assert_int_equal(bay_tick(&st, bay, clock_mono_ms(), &err), 0);
    uint32_t first = vault_hears(VAULT_VERB_REGISTER);
    bay->start_at = 0;
    assert_int_equal(bay_tick(&st, bay, clock_mono_ms(), &err), 0);
    vault_hears(VAULT_VERB_REGISTER);
    vault_refuses(VAULT_VERB_REGISTER, first, ERR_APPROVAL);
    assert_int_equal(job->row.state, JOB_ACTIVE);
    assert_ptr_equal(bay->job, job);
}

/* ---- what cannot be sent, and a vault that is slow ---- */

static void documents_larger_than_the_vault_takes_are_refused_with_their_size(void **state)
{
    (void)state;
    static const uint8_t large[APPLICATION_MAX + 1] = {'{'};
    add_token("T1", TOKEN_IN_JOB, 0);
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_CHECK);
    assert_int_equal(blob_set(&job->row.document, large, sizeof large, &err), 0);
    put_into_bay(job);
    bay->setup = SETUP_REGISTER;
    assert_int_equal(bay_tick(&st, bay, clock_mono_ms(), &err), 0);
    assert_int_equal(stored_state("J1"), JOB_FAILED);
    struct job_row row = {0};
    assert_int_equal(job_get(st.db, "J1", &row, &err), 0);
    assert_string_equal(row.code, "too-large");
    assert_non_null(strstr(row.detail, "16385"));
    job_row_done(&row);
}

static void a_vault_that_reads_nothing_does_not_stop_the_loop(void **state)
{
    (void)state;
    enum { REQUESTS = 3000 };
    for (int i = 0; i < REQUESTS; i++) {
        struct vault_status_req req = {.protocol = VAULT_PROTOCOL};
        vault_status_req_put(&vault_ask(&st, VAULT_VERB_STATUS, ASK_STATUS, "")->msg, &req);
        effects_run(&st);
    }
    assert_non_null(st.vault.unsent);
    assert_true(st.vault.fd >= 0);
    uint32_t last = 0;
    for (int i = 0; i < REQUESTS; i++) { /* now it reads: all of them, in order */
        uint32_t id = vault_hears(VAULT_VERB_STATUS);
        assert_true(id == last + 1);
        last = id;
    }
    assert_null(st.vault.unsent);
}

static void a_slow_vault_is_not_given_up_while_it_answers_but_one_that_forgot_is(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct vault_lookup_req req = {0};
        vault_lookup_req_put(&vault_ask(&st, VAULT_VERB_LOOKUP, ASK_LOOKUP, "J")->msg, &req);
    }
    for (struct vault_pending *p = st.vault.pending; p != NULL; p = p->next)
        p->deadline = clock_mono_ms() - 1; /* asked long ago */
    uint32_t first = vault_hears(VAULT_VERB_LOOKUP);
    uint32_t second = vault_hears(VAULT_VERB_LOOKUP);
    vault_found(first, VAULT_NEVER);
    assert_int_equal(vault_tick(&st, clock_mono_ms(), &err), 0);
    assert_true(st.vault.fd >= 0);
    vault_found(second + 1, VAULT_NEVER); /* the second will never be answered */
    assert_int_equal(vault_tick(&st, clock_mono_ms(), &err), 0);
    assert_int_equal(st.vault.fd, -1);
}

/* ---- voiding ---- */

static void add_void(const char *id, const char *serial_number, const char *tbs)
{
    assert_int_equal(db_exec(st.db, SQL_VOID_INSERT,
                             DB_ARGS(DB_TEXT(id), DB_TEXT("J1"), DB_TEXT("CA-1"), DB_INT(1), DB_TEXT("T1"),
                                     DB_TEXT(serial_number), DB_TEXT(tbs), DB_TEXT("reason"),
                                     DB_TEXT("2026-01-01T00:00:00.000Z")),
                             NULL, &err),
                     0);
}

static bool is_open(const char *application)
{
    bool pending = false;
    assert_int_equal(void_pending(&st, application, &pending, &err), 0);
    return pending;
}

static void what_a_portal_or_device_said_is_told_as_a_reason_that_vault_and_portal_take(void **state)
{
    (void)state;
    char reason[256];
    struct msg_in m;
    snprintf(reason, sizeof reason, "the portal\tsaid:\n");
    while (strlen(reason) + 3 < sizeof reason)
        memcpy(reason + strlen(reason), "错", sizeof "错");
    assert_int_equal(db_exec(st.db, SQL_VOID_INSERT,
                             DB_ARGS(DB_TEXT("V1"), DB_TEXT("J1"), DB_TEXT("CA-1"), DB_INT(1), DB_TEXT("T1"),
                                     DB_TEXT("0A"), DB_TEXT(""), DB_TEXT(reason), DB_TEXT("")),
                             NULL, &err),
                     0);
    assert_int_equal(voids_tick(&st, clock_mono_ms(), &err), 0);
    effects_run(&st);
    msg_in_init(&m, false);
    assert_int_equal(msg_recv(vault_end, &m, 0, &err), 1);
    struct vault_void_req req;
    vault_void_req_get(&m, &req);
    assert_int_equal(msg_end(&m, &err), 0); /* it fits, in whole characters */
    assert_int_equal(strncmp(req.reason, "the portal said: 错", 20), 0);
    msg_in_done(&m);
}

static void a_voiding_that_the_vault_refuses_does_not_keep_the_others(void **state)
{
    (void)state;
    add_void("00000000-0000-7000-8000-000000000001", "0A", "");
    add_void("00000000-0000-7000-8000-000000000002", "0B", "");
    int64_t now = clock_mono_ms();
    for (int round = 0; round < 2; round++) {
        assert_int_equal(voids_tick(&st, now, &err), 0);
        vault_refuses(VAULT_VERB_VOID, vault_hears(VAULT_VERB_VOID), ERR_RESERVATION);
        assert_true(st.vault.ready);
        assert_int_equal(voids_tick(&st, now, &err), 0);
        if (round == 0)
            vault_voids(vault_hears(VAULT_VERB_VOID), VAULT_VOIDED_RESERVATION);
        assert_int_equal(voids_tick(&st, now, &err),
                         0); /* none is left: the refused one again, but not at once */
        effects_run(&st);
        assert_int_equal(recv(vault_end, &(char){0}, 1, MSG_DONTWAIT), -1);
        assert_true(st.void_at > now);
        now = st.void_at;
    }
    assert_true(is_open("CA-1"));
    assert_int_equal(count("void-refused"), 1);
    assert_int_equal(voids_tick(&st, now, &err), 0);
    vault_voids(vault_hears(VAULT_VERB_VOID), VAULT_VOIDED_RESERVATION);
    assert_false(is_open("CA-1"));
}

static void a_certificate_that_was_signed_behind_the_look_up_is_recorded(void **state)
{
    (void)state;
    char tbs[SHA256_HEX_SIZE];
    sha256_hex("tbs", 3, tbs);
    assert_int_equal(db_exec(st.db, SQL_CERTIFICATE_INSERT,
                             DB_ARGS(DB_TEXT("0A"), DB_TEXT(tbs), DB_TEXT("J1"), DB_TEXT("CA-1"),
                                     DB_TEXT("T1"), DB_TEXT("")),
                             NULL, &err),
                     0);
    add_void("00000000-0000-7000-8000-000000000001", "0A", tbs);
    assert_int_equal(voids_tick(&st, clock_mono_ms(), &err), 0);
    vault_found(vault_hears(VAULT_VERB_LOOKUP), VAULT_INTENT);
    vault_voids(vault_hears(VAULT_VERB_VOID), VAULT_VOIDED_CERTIFICATE);
    assert_true(is_open("CA-1"));
    vault_found(vault_hears(VAULT_VERB_LOOKUP), VAULT_VOID);
    vault_voids(vault_hears(VAULT_VERB_VOID), VAULT_VOIDED_CERTIFICATE);
    assert_false(is_open("CA-1"));
    struct db_rows *rows = NULL; /* and the portal is told */
    assert_int_equal(db_query(st.db, SQL_OUTBOX_NEXT, DB_ARGS(DB_INT(0)), &rows, &err), 0);
    assert_int_equal(db_next(rows, &err), 1);
    assert_string_equal(db_col_text(rows, 1), "/v1/applications/CA-1/void");
    db_rows_free(&rows);
}

/* ---- wipes ---- */

static void a_wipe_that_uses_up_its_tries_fails_and_takes_no_other_token(void **state)
{
    (void)state;
    add_token("T1", TOKEN_QUARANTINED, 0);
    struct job *job = add_job("J1", JOB_RECYCLE, JOB_ACTIVE, STEP_INITIALISE);
    job->row.tries = 3;
    assert_int_equal(job_save(&st, job, &err), 0);
    assert_int_equal(journal_add(st.db, "J1", "initialise", 1, "intent", NULL, &err), 0);
    job_close(&st, job);
    assert_int_equal(jobs_recover(&st, &err), 0);
    assert_int_equal(stored_state("J1"), JOB_FAILED);
    assert_null(st.jobs);
}

static void a_wipe_whose_bay_refuses_the_token_waits_for_it_to_be_plugged_in_again(void **state)
{
    (void)state;
    add_token("T1", TOKEN_QUARANTINED, 0);
    struct job *job = add_job("J1", JOB_RECYCLE, JOB_WAITING, STEP_INITIALISE);
    job->wait = WAIT_TOKEN;
    bay->present = true;
    bay_set(bay, BAY_REFUSED, "%s", "its module does not load");
    snprintf(bay->serial, sizeof bay->serial, "T1");
    assert_int_equal(jobs_assign(&st, &err), 0);
    assert_null(bay->job);
    job->row.state = JOB_QUEUED; /* one that has not begun takes it where it is */
    st.vault.ready = false;
    st.vault.state = VAULT_LOCKED;
    assert_int_equal(jobs_assign(&st, &err), 0);
    assert_null(bay->job);
    st.vault.state = VAULT_CA_EXPIRED; /* nothing needs to be signed for it */
    assert_int_equal(jobs_assign(&st, &err), 0);
    assert_ptr_equal(bay->job, job);
}

/* ---- tokens that a job leaves ---- */

static enum token_state token_state(const char *serial)
{
    struct token_row t = {0};
    assert_int_equal(token_get(st.db, serial, &t, &err), 0);
    token_row_done(&t);
    return t.state;
}

static void only_a_token_that_is_not_to_blame_goes_back_to_stock(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        enum token_state left;
    } ends[] = {{ERR_PROFILE, TOKEN_STOCK},
                {ERR_TOKEN_ABSENT, TOKEN_STOCK},
                {ERR_TOKEN_NOT_BLANK, TOKEN_QUARANTINED},
                {ERR_MODULE, TOKEN_QUARANTINED}};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char id[8], serial[8];
        struct err why;
        snprintf(id, sizeof id, "J%zu", i % 10);
        snprintf(serial, sizeof serial, "S%zu", i % 10);
        add_token(serial, TOKEN_IN_JOB, 0);
        struct job *job = add_job(id, JOB_MAKE, JOB_ACTIVE, STEP_CHECK);
        snprintf(job->row.token, sizeof job->row.token, "%s", serial);
        err_set(&why, ends[i].code, "as this test wants it");
        assert_int_equal(job_apply(&st, job, ACTION_FAIL, &why, &err), 0); /* it was its last token */
        assert_int_equal(token_state(serial), ends[i].left);
    }
}

static void a_stopped_lot_is_not_taken_from_a_bay_where_it_lies_ready(void **state)
{
    (void)state;
    struct token_row t = {.state = TOKEN_STOCK, .serial = "T1", .product = "softhsm", .lot = "L1"};
    struct err weak;
    assert_int_equal(token_insert(st.db, &t, &err), 0);
    start_worker();
    bay->probe.blank = 1;
    assert_int_equal(bay_judge(&st, bay, &err), 0);
    assert_int_equal(bay->state, BAY_IDLE);
    err_set(&weak, ERR_WEAK_KEY, "seen before");
    assert_int_equal(lot_stop(&st, &t, &weak, &err), 0);
    assert_int_equal(bay->state, BAY_REFUSED);
    token_row_done(&t);
}

/* ---- stopping ---- */

static void what_is_proven_is_recorded_even_when_the_stop_is_late(void **state)
{
    (void)state;
    add_token("T1", TOKEN_IN_JOB, 0);
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_COMMIT_RECORD);
    static const uint8_t serial[] = {1, 2, 3};
    assert_int_equal(blob_set(&job->row.serial_number, serial, sizeof serial, &err), 0);
    struct buf pem, der;
    buf_init(&pem);
    buf_init(&der);
    assert_int_equal(file_read("tests/unit/data/ca-p256.pem", 65536, &pem, &err), 0);
    assert_int_equal(cert_from_pem(pem.data, pem.len, &der, &err), 0);
    assert_int_equal(blob_set(&job->row.certificate, der.data, der.len, &err), 0);
    buf_done(&pem);
    buf_done(&der);
    st.stopping = true; /* its deadline is over; and the token is not there any more */
    assert_int_equal(job_resume(&st, job, &err), 0);
    assert_int_equal(stored_state("J1"), JOB_MADE);
}

/* ---- SO PINs ---- */

static struct job *changing_job(int64_t so_try)
{
    add_token("T1", TOKEN_IN_JOB, 2);
    struct job *job = add_job("J1", JOB_MAKE, JOB_ACTIVE, STEP_INITIALISE);
    put_into_bay(job);
    job->row.so_try = so_try;
    return job;
}

static int begin_initialise(struct job *job, uint8_t *ret_kind)
{
    struct bay_init_req req;
    struct msg_out m;
    struct msg_in in;
    json_t *evidence = json_object();
    msg_out_init(&m, false);
    msg_in_init(&in, false);
    int rc = step_ops[STEP_INITIALISE].begin(&st, job, evidence, &m, &err, &err);
    if (rc == 0) {
        assert_int_equal(msg_parse(&in, m.buf.data, m.buf.len, &err), 0);
        msg_get_str(&in, req.serial, sizeof req.serial);
        msg_get_str(&in, req.label, sizeof req.label);
        *ret_kind = msg_get_u8(&in);
    }
    msg_in_done(&in);
    msg_out_done(&m);
    json_decref(evidence);
    return rc;
}

static void a_try_whose_outcome_is_unknown_counts_and_a_third_is_never_made(void **state)
{
    (void)state;
    struct job *job = changing_job(0);
    uint8_t kind = 0;
    assert_int_equal(begin_initialise(job, &kind), 0);
    assert_int_equal(kind, SO_PIN_DERIVED); /* the new one */
    job->acting = STEP_INITIALISE;
    job->in_flight = true;
    worker_ends();
    assert_int_equal(job->row.so_try, 1);
    assert_int_equal(begin_initialise(job, &kind), 0);
    assert_int_equal(kind, SO_PIN_FACTORY); /* the old one */
    assert_int_equal(begin_initialise(job, &kind), STEP_REFUSED);
    assert_int_equal(err.code, ERR_SO_PIN);
}

static void a_try_for_which_there_was_no_pin_counts_for_none(void **state)
{
    (void)state;
    struct job *job = changing_job(1);
    struct err locked;
    job->acting = STEP_INITIALISE;
    job->in_flight = true;
    err_set(&locked, ERR_HSM_LOCKED, "locked");
    assert_int_equal(job_outcome(&st, job, NULL, &locked, false, &err), 0);
    assert_int_equal(job->row.so_try, 0);
    assert_int_equal(job->row.state, JOB_WAITING); /* and says what for */
    assert_string_equal(job->row.detail, "locked");
}

/* ---- the outbox ---- */

static void add_report(const char *job)
{
    json_t *body = json_object();
    assert_int_equal(outbox_add(&st, job, "fail", job, body, &err), 0);
    json_decref(body);
}

/* What is sent next, and the portal's answer to it: its code, or "" = accepted. */
static void portal_gets(const char *path, long status, const char *code)
{
    st.portal.outbox_at = 0;
    assert_int_equal(portal_tick(&st, clock_mono_ms(), &err), 0);
    effects_run(&st);
    assert_non_null(asked);
    assert_string_equal(asked->path, path);
    answer = (struct http_result){.tag = HTTP_OUTBOX, .status = status};
    memcpy(answer.key, asked->key, sizeof answer.key);
    answer.body =
        json_pack("{s:s, s:s, s:s}", "code", code, "detail", "as this test wants it", "state", "failed");
    answered = true;
    http_request_free(asked);
    asked = NULL;
    assert_int_equal(portal_results(&st, &err), 0);
}

static void a_report_that_the_portal_does_not_take_keeps_only_those_of_its_job(void **state)
{
    (void)state;
    add_report("A");
    add_report("B");
    add_report("A");
    portal_gets("/v1/applications/A/fail", 404, "route");
    portal_gets("/v1/applications/B/fail", 500, "internal");
    add_report("C");
    portal_gets("/v1/applications/C/fail", 200, "");
    assert_int_equal(portal_tick(&st, clock_mono_ms(), &err), 0);
    assert_null(asked);
    st.portal.outbox_at = 0; /* when its time has come */
    assert_int_equal(portal_tick(&st, clock_mono_ms(), &err), 0);
    portal_gets("/v1/applications/A/fail", 404, "route");
    portal_gets("/v1/applications/B/fail", 200, "");
    assert_int_equal(count("outbox-refused"), 2); /* of each once */
    assert_int_equal(portal_tick(&st, clock_mono_ms(), &err), 0);
    st.portal.outbox_at = 0;
    assert_int_equal(portal_tick(&st, clock_mono_ms(), &err), 0);
    portal_gets("/v1/applications/A/fail", 200, "");
    portal_gets("/v1/applications/A/fail", 200, "");
    st.portal.outbox_at = 0;
    assert_int_equal(portal_tick(&st, clock_mono_ms(), &err), 0);
    assert_true(st.portal.outbox_at == INT64_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_worker_that_ends_while_the_vault_acts_is_replaced),
        T(a_worker_that_dies_again_and_again_before_its_channel_is_given_up),
        T(an_effect_for_a_worker_that_has_ended_does_not_reach_its_successor),
        T(a_worker_that_cannot_be_ended_keeps_any_other_from_its_token),
        T(what_no_clock_ends_lets_the_loop_sleep),
        T(one_refusal_of_a_vault_that_is_well_does_not_hurry_the_others),
        T(an_answer_to_an_earlier_request_is_not_taken_for_the_one_under_way),
        T(an_answer_to_another_jobs_registration_fails_nobody),
        T(documents_larger_than_the_vault_takes_are_refused_with_their_size),
        T(a_vault_that_reads_nothing_does_not_stop_the_loop),
        T(a_slow_vault_is_not_given_up_while_it_answers_but_one_that_forgot_is),
        T(what_a_portal_or_device_said_is_told_as_a_reason_that_vault_and_portal_take),
        T(a_voiding_that_the_vault_refuses_does_not_keep_the_others),
        T(a_certificate_that_was_signed_behind_the_look_up_is_recorded),
        T(a_wipe_that_uses_up_its_tries_fails_and_takes_no_other_token),
        T(a_wipe_whose_bay_refuses_the_token_waits_for_it_to_be_plugged_in_again),
        T(only_a_token_that_is_not_to_blame_goes_back_to_stock),
        T(a_stopped_lot_is_not_taken_from_a_bay_where_it_lies_ready),
        T(what_is_proven_is_recorded_even_when_the_stop_is_late),
        T(a_try_whose_outcome_is_unknown_counts_and_a_third_is_never_made),
        T(a_try_for_which_there_was_no_pin_counts_for_none),
        T(a_report_that_the_portal_does_not_take_keeps_only_those_of_its_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
