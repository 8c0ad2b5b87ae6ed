/* The vault's log and the index that is rebuilt from it. */
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "vault/index.h"
#include "vault/log.h"

static char folder[] = "/tmp/castation-log-XXXXXX";
static char path[64];

static struct index *ix;
static struct vault_log *l;
static uint64_t cut;
static struct err err;

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/vault.log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int close_all(void **state)
{
    (void)state;
    vault_log_close(&l);
    index_free(&ix);
    unlink(path);
    return 0;
}

/* As the vault does at start. */
static int open_again(void)
{
    vault_log_close(&l);
    index_free(&ix);
    ix = index_new();
    err_clear(&err);
    return vault_log_open(folder, index_apply, ix, &l, &cut, &err);
}

static int append(enum record_type type, json_t *fields)
{
    struct log_place place;
    assert_non_null(fields);
    int rc = vault_log_append(l, type, fields, &place, &err);
    if (rc == 0)
        rc = index_apply(ix, fields, &place, &err);
    json_decref(fields);
    return rc;
}

#define SERIAL_A "10112233445566778899aabbccddeeff"
#define SERIAL_B "20112233445566778899aabbccddeeff"
#define HASH_A   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static json_t *reserve(const char *serial, const char *key, const char *approval, const char *application)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "serial_number", serial, "job", "job-1", "token",
                     "TOK", "spki_sha256", key, "approval", approval, "application", application,
                     "organisation", "机构");
}

static json_t *intent(const char *serial, const char *tbs)
{
    return json_pack("{s:s, s:s}", "serial_number", serial, "tbs_sha256", tbs);
}

static json_t *signature(const char *serial, const char *tbs, const char *certificate)
{
    return json_pack("{s:s, s:s, s:s}", "serial_number", serial, "tbs_sha256", tbs, "certificate",
                     certificate);
}

static void a_story(void)
{
    assert_int_equal(open_again(), 0);
    assert_int_equal(append(RECORD_START, json_pack("{}")), 0);
    assert_int_equal(append(RECORD_RESERVE, reserve(SERIAL_A, HASH_A, "approval-1", "app-1")), 0);
    assert_int_equal(append(RECORD_SIGN_INTENT, intent(SERIAL_A, HASH_A)), 0);
    assert_int_equal(append(RECORD_SIGNATURE, signature(SERIAL_A, HASH_A, "3003020100")), 0);
    assert_int_equal(append(RECORD_RESERVE, reserve(SERIAL_B, HASH_B, "approval-2", "app-2")), 0);
    assert_int_equal(append(RECORD_SIGN_INTENT, intent(SERIAL_B, HASH_B)), 0);
    assert_int_equal(append(RECORD_VOID, json_pack("{s:s}", "serial_number", SERIAL_B)), 0);
    assert_int_equal(append(RECORD_LETTER_PRINTING,
                            json_pack("{s:s, s:s, s:i}", "job", "job-1", "token", "TOK", "pin_version", 1)),
                     0);
}

static void assert_the_story(void)
{
    uint8_t serial[16], digest[32];
    size_t n;
    hex_decode(SERIAL_A, serial, sizeof(serial), &n, &err);
    const struct reservation *a = index_by_serial(ix, serial, n);
    assert_non_null(a);
    assert_true(a->is_signed && a->has_intent && !a->is_void);
    assert_string_equal(a->job, "job-1");
    hex_decode(HASH_A, digest, sizeof(digest), &n, &err);
    assert_ptr_equal(index_by_tbs(ix, digest), a);
    assert_ptr_equal(index_by_key(ix, digest), a);
    assert_ptr_equal(index_live_of_approval(ix, "approval-1"), a);
    assert_ptr_equal(index_live_of_application(ix, "app-1"), a);
    assert_ptr_equal(index_signed_of_token(ix, "job-1", "TOK"), a);
    assert_null(index_live_of_approval(ix, "approval-2"));
    assert_null(index_live_of_approval(ix, "approval-3"));
    assert_int_equal(index_letter(ix, "job-1", "TOK", 1), LETTER_PRINTING);
    assert_int_equal(index_letter(ix, "job-1", "TOK", 2), LETTER_NONE);
    struct index_counts c = index_counts(ix);
    assert_int_equal(c.reserved, 0);
    assert_int_equal(c.certificates, 1);
    assert_int_equal(c.voided, 1);
    json_t *record = NULL;
    assert_int_equal(vault_log_read(l, &a->signature, &record, &err), 0);
    assert_string_equal(json_string_value(json_object_get(record, "certificate")), "3003020100");
    json_decref(record);
}

static void a_restarted_vault_believes_what_the_one_before_it_did(void **state)
{
    (void)state;
    a_story();
    assert_the_story();
    assert_int_equal(open_again(), 0);
    assert_int_equal(cut, 0);
    assert_int_equal(vault_log_records(l), 8);
    assert_the_story();
    assert_int_equal(append(RECORD_START, json_pack("{}")), 0);
    assert_int_equal(open_again(), 0);
    assert_int_equal(vault_log_records(l), 9);
}

static size_t file_size(void)
{
    struct buf b;
    buf_init(&b);
    assert_int_equal(file_read(path, 1 << 20, &b, &err), 0);
    size_t n = b.len;
    buf_done(&b);
    return n;
}

/* Wherever a crash cuts the last line short, the records before it stand and nothing is refused. */
static void a_torn_last_line_is_cut_at_every_length(void **state)
{
    (void)state;
    a_story();
    size_t whole = file_size();
    json_t *extra = json_pack("{s:s}", "note", "last");
    assert_int_equal(append(RECORD_START, extra), 0);
    size_t longer = file_size();
    struct buf b;
    buf_init(&b);
    assert_int_equal(file_read(path, 1 << 20, &b, &err), 0);
    for (size_t n = whole + 1; n < longer; n++) {
        assert_int_equal(file_replace(path, b.data, n, 0600, &err), 0);
        assert_int_equal(open_again(), 0);
        assert_int_equal(cut, n - whole);
        assert_int_equal(vault_log_records(l), 8);
        assert_int_equal(file_size(), whole);
    }
    buf_done(&b);
    assert_the_story();
}

/* One bit, anywhere but in the last newline (that makes a torn line of it): never overlooked. */
static void a_flipped_bit_anywhere_is_found(void **state)
{
    (void)state;
    a_story();
    struct buf b;
    buf_init(&b);
    assert_int_equal(file_read(path, 1 << 20, &b, &err), 0);
    for (size_t i = 0; i + 1 < b.len; i++) {
        b.data[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(file_replace(path, b.data, b.len, 0600, &err), 0);
        if (open_again() == 0)
            fail_msg("a flipped bit in byte %zu was not noticed", i);
        assert_int_equal(err.code, ERR_VAULT_LOG);
        b.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    buf_done(&b);
}

static void drop_line(int which)
{
    struct buf b, out;
    buf_init(&b);
    buf_init(&out);
    assert_int_equal(file_read(path, 1 << 20, &b, &err), 0);
    int line = 0;
    for (size_t i = 0; i < b.len; i++) {
        if (line != which)
            assert_int_equal(buf_put(&out, &b.data[i], 1, &err), 0);
        line += b.data[i] == '\n';
    }
    assert_int_equal(file_replace(path, out.data, out.len, 0600, &err), 0);
    buf_done(&b);
    buf_done(&out);
}

static void a_record_taken_out_of_the_middle_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++) {
        close_all(NULL);
        a_story();
        drop_line(i);
        assert_int_equal(open_again(), -1);
        assert_int_equal(err.code, ERR_VAULT_LOG);
        assert_non_null(strstr(err.text, "line"));
    }
}

static void records_that_contradict_the_log_are_refused(void **state)
{
    (void)state;
    a_story();
    struct {
        enum record_type type;
        json_t *record;
    } bad[] = {
        {RECORD_RESERVE, reserve(SERIAL_A, HASH_B, "approval-9", "app-9")}, /* serial number twice */
        {RECORD_RESERVE, reserve("7011", HASH_A, "approval-9", "app-9")},   /* key twice */
        {RECORD_RESERVE, reserve("7012", "abcd", "approval-9", "app-9")},   /* no digest */
        {RECORD_RESERVE, reserve("", HASH_B, "approval-9", "app-9")},       /* no serial number */
        {RECORD_SIGN_INTENT, intent(SERIAL_A, HASH_B)},                     /* a second TBS */
        {RECORD_SIGN_INTENT, intent("7013", HASH_B)},                       /* not reserved */
        {RECORD_SIGN_INTENT, intent(SERIAL_B, HASH_B)},                     /* void */
        {RECORD_SIGNATURE, signature(SERIAL_A, HASH_A, "3003020100")},      /* a second signature */
        {RECORD_SIGNATURE, signature(SERIAL_B, HASH_A, "3003020100")},      /* of another TBS */
        {RECORD_VOID, json_pack("{s:s}", "serial_number", SERIAL_B)},       /* void already */
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct log_place place = {0, 0};
        assert_int_equal(
            json_object_set_new(bad[i].record, "type", json_string(record_type_name(bad[i].type))), 0);
        assert_int_equal(json_object_set_new(bad[i].record, "at", json_string("2026-11-22T08:00:00.000Z")),
                         0);
        assert_int_equal(index_apply(ix, bad[i].record, &place, &err), -1);
        assert_int_equal(err.code, ERR_VAULT_LOG);
        json_decref(bad[i].record);
    }
}

static void a_void_serial_number_is_never_forgotten(void **state)
{
    uint8_t serial[16];
    size_t n;
    (void)state;
    a_story();
    hex_decode(SERIAL_B, serial, sizeof(serial), &n, &err);
    const struct reservation *b = index_by_serial(ix, serial, n);
    assert_non_null(b); /* a tombstone: its number is never drawn again, its key never used again */
    assert_true(b->is_void);
}

/* Else a machine that started before its clock was set could never sign again. */
static void only_acts_move_the_clock(void **state)
{
    struct log_place place = {0, 0};
    static const struct {
        enum record_type type;
        bool moves;
    } cases[] = {
        {RECORD_START, false}, {RECORD_LOGIN, false}, {RECORD_REFUSED, false}, {RECORD_DERIVE, true}};
    (void)state;
    a_story();
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t before = index_last_at(ix);
        json_t *record = json_pack("{s:s, s:s}", "type", record_type_name(cases[i].type), "at",
                                   "2099-01-01T00:00:00.000Z");
        assert_int_equal(index_apply(ix, record, &place, &err), 0);
        assert_int_equal(index_last_at(ix) > before, cases[i].moves);
        json_decref(record);
    }
}

static void a_full_disk_leaves_the_log_as_it_was(void **state)
{
    struct rlimit before, tight;
    (void)state;
    a_story();
    size_t whole = file_size();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = whole + 40; /* in the middle of a line */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_int_equal(append(RECORD_START, json_pack("{}")), -1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(vault_log_broken(l));
    assert_int_equal(file_size(), whole);
    assert_int_equal(append(RECORD_START, json_pack("{}")), 0); /* there is room again */
    assert_int_equal(open_again(), 0);
    assert_int_equal(vault_log_records(l), 9);
}

static void many_reservations_are_all_found_again(void **state)
{
    (void)state;
    assert_int_equal(open_again(), 0);
    for (int i = 0; i < 300; i++) {
        char serial[33], key[65], name[16];
        snprintf(serial, sizeof(serial), "7f%030x", (unsigned)i);
        snprintf(key, sizeof(key), "%064x", (unsigned)i);
        snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(append(RECORD_RESERVE, reserve(serial, key, name, name)), 0);
    }
    assert_int_equal(open_again(), 0);
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%d", i);
        const struct reservation *r = index_live_of_approval(ix, name);
        assert_non_null(r);
        assert_string_equal(r->application, name);
    }
}

/* ---- whatever happened -------------------------------------------------------------------------- */

#define SERIALS 12
#define NAMES   6 /* approvals, applications, jobs, tokens */

static uint32_t seed;

static uint32_t draw(uint32_t n) /* the same each run: Numerical Recipes' generator */
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void serial_of(uint32_t i, uint8_t ret[16])
{
    memset(ret, (int)i + 1, 16);
}

/* Everything that can be asked of an index. */
static void describe(struct buf *b)
{
    struct index_counts c = index_counts(ix);
    buf_reset(b);
    buf_printf(b, &err, "%u %u %u %lld\n", c.reserved, c.certificates, c.voided,
               (long long)index_last_at(ix));
    for (uint32_t i = 0; i < SERIALS; i++) {
        uint8_t serial[16], digest[SHA256_SIZE];
        serial_of(i, serial);
        memset(digest, (int)i + 1, sizeof(digest));
        const struct reservation *r = index_by_serial(ix, serial, 16);
        buf_printf(b, &err, "%u: %d %d", i, index_by_key(ix, digest) != NULL,
                   index_by_tbs(ix, digest) != NULL);
        if (r)
            buf_printf(b, &err, " %s %s %s %s %d%d%d %llu+%u", r->job, r->token, r->application, r->approval,
                       r->has_intent, r->is_signed, r->is_void, (unsigned long long)r->signature.offset,
                       r->signature.len);
        buf_put_str(b, "\n", &err);
    }
    for (int i = 0; i < NAMES; i++) {
        char name[12];
        snprintf(name, sizeof(name), "%d", i);
        const struct reservation *live[] = {index_live_of_approval(ix, name),
                                            index_live_of_application(ix, name), index_live_of_job(ix, name),
                                            index_signed_of_token(ix, name, name)};
        for (size_t k = 0; k < COUNT(live); k++)
            buf_printf(b, &err, "%d ", live[k] ? live[k]->serial[0] : -1);
        for (uint32_t v = 0; v < 3; v++)
            buf_printf(b, &err, "%d", index_letter(ix, name, name, v));
        buf_put_str(b, "\n", &err);
    }
}

/* One act that the vault might log in this state, chosen by chance; nothing when it would refuse it. */
static void any_act(void)
{
    uint32_t i = draw(SERIALS);
    uint8_t serial[16];
    char hex[33], digest[65], a[12], n[12];
    serial_of(i, serial);
    hex_encode(serial, 16, hex);
    for (int k = 0; k < 64; k += 2)
        snprintf(digest + k, 3, "%02x", i + 1);
    snprintf(a, sizeof(a), "%u", draw(NAMES));
    snprintf(n, sizeof(n), "%u", draw(NAMES));
    const struct reservation *r = index_by_serial(ix, serial, 16);
    switch (draw(5)) {
    case 0:
        if (!r && !index_live_of_approval(ix, a) && !index_live_of_application(ix, n))
            assert_int_equal(
                append(RECORD_RESERVE,
                       json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "serial_number", hex, "job", n, "token", n,
                                 "spki_sha256", digest, "approval", a, "application", n)),
                0);
        break;
    case 1:
        if (r && !r->is_void)
            assert_int_equal(append(RECORD_SIGN_INTENT, intent(hex, digest)), 0);
        break;
    case 2:
        if (r && r->has_intent && !r->is_signed && !r->is_void)
            assert_int_equal(append(RECORD_SIGNATURE, signature(hex, digest, "3000")), 0);
        break;
    case 3:
        if (r && !r->is_void)
            assert_int_equal(append(RECORD_VOID, json_pack("{s:s}", "serial_number", hex)), 0);
        break;
    default:
        assert_int_equal(
            append(draw(2) ? RECORD_LETTER_PRINTING : RECORD_LETTER_PRINTED,
                   json_pack("{s:s, s:s, s:i}", "job", n, "token", n, "pin_version", (int)draw(3))),
            0);
    }
}

static void after_any_acts_a_restart_changes_nothing(void **state)
{
    struct buf live, again;
    (void)state;
    buf_init(&live);
    buf_init(&again);
    for (seed = 1; seed < 16; seed++) {
        uint32_t run = seed;
        close_all(NULL);
        assert_int_equal(open_again(), 0);
        for (int acts = 0; acts < 150; acts++) {
            any_act();
            if (acts % 50 != 49)
                continue;
            describe(&live);
            assert_int_equal(open_again(), 0);
            describe(&again);
            if (live.len != again.len || memcmp(live.data, again.data, live.len) != 0)
                fail_msg("run %u: the vault believed\n%s\nand believes after a restart\n%s", run,
                         buf_cstr(&live), buf_cstr(&again));
        }
        seed = run;
    }
    buf_done(&live);
    buf_done(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_restarted_vault_believes_what_the_one_before_it_did, close_all),
        cmocka_unit_test_teardown(a_torn_last_line_is_cut_at_every_length, close_all),
        cmocka_unit_test_teardown(a_flipped_bit_anywhere_is_found, close_all),
        cmocka_unit_test_teardown(a_record_taken_out_of_the_middle_is_found, close_all),
        cmocka_unit_test_teardown(records_that_contradict_the_log_are_refused, close_all),
        cmocka_unit_test_teardown(a_void_serial_number_is_never_forgotten, close_all),
        cmocka_unit_test_teardown(only_acts_move_the_clock, close_all),
        cmocka_unit_test_teardown(a_full_disk_leaves_the_log_as_it_was, close_all),
        cmocka_unit_test_teardown(many_reservations_are_all_found_again, close_all),
        cmocka_unit_test_teardown(after_any_acts_a_restart_changes_nothing, close_all),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
