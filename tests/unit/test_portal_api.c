#include "portal_fixture.h"

#include "portal/api.h"

static const struct portal_conf conf = {.lease_seconds = 60};

static const struct api_route *route(const char *method, const char *at, char id[41])
{
    const struct api_route *r = NULL;
    assert_int_equal(api_find(method, at, &r, id), PROBLEM_NONE);
    return r;
}

/* A write as the listener would make it: status, and the answer's body in *b. */
static unsigned int post(const char *station, const char *at, const char *idempotency, const char *body,
                         struct buf *b)
{
    struct api_call call = {.conf = &conf, .act = act, .station = station};
    char hash[SHA256_HEX_SIZE];
    const struct api_route *r = route("POST", at, call.application);
    const struct api_write write = {.route = r, .key = idempotency, .request_sha256 = hash};
    json_t *json = json_parse(body, strlen(body), &err);
    unsigned int status = 0;
    assert_non_null(json);
    assert_int_equal(json_check(json, "", r->fields, r->n_fields, &err), 0);
    call.body = json;
    sha256_hex(body, strlen(body), hash);
    buf_init(b);
    assert_int_equal(api_write(&call, &write, &status, b, &err), 0);
    assert_non_null(buf_cstr(b));
    assert_false(db_in_transaction(act.db));
    json_decref(json);
    return status;
}

static void every_route_is_found_by_its_own_method_and_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_n_routes; i++) {
        char at[128], id[41];
        const char *brace = strstr(api_routes[i].path, "{id}");
        snprintf(at, sizeof(at), "%.*s%s%s", brace ? (int)(brace - api_routes[i].path) : 99,
                 api_routes[i].path, brace ? "CA-7" : "", brace ? brace + 4 : "");
        assert_ptr_equal(route(api_routes[i].method, at, id), &api_routes[i]);
        assert_string_equal(id, brace ? "CA-7" : "");
        const struct api_route *other;
        assert_int_equal(api_find("DELETE", at, &other, id), PROBLEM_METHOD);
        assert_ptr_equal(other, &api_routes[i]);
    }
}

static void a_path_that_is_nearly_one_is_none(void **state)
{
    (void)state;
    static const char *const PATHS[] = {"/",
                                        "",
                                        "/v1/claim/",
                                        "/v1//claim",
                                        "/v1/applications//renew",
                                        "/v1/applications/a/b/renew",
                                        "/v1/applications/../renew",
                                        "/v1/applications/a%2Fb/renew",
                                        "/v1/applications/a renew",
                                        "/v1/applications/a/renew/",
                                        "/v1/applications/a/RENEW",
                                        "/v1/applications/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/renew",
                                        "/v2/claim",
                                        "http://x/v1/claim"};
    for (size_t i = 0; i < COUNT(PATHS); i++) {
        const struct api_route *r;
        char id[41];
        assert_int_equal(api_find("POST", PATHS[i], &r, id), PROBLEM_ROUTE);
    }
}

static void every_problem_has_a_code_of_its_own_a_status_and_a_title(void **state)
{
    (void)state;
    for (enum problem p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++) {
        assert_in_range(problem_status(p), 400, 599);
        assert_true(strlen(problem_title(p)) > 0);
        for (enum problem q = PROBLEM_NONE + 1; q < p; q++)
            assert_string_not_equal(problem_code(p), problem_code(q));
    }
}

static void what_is_the_portals_own_trouble_is_never_the_callers_fault(void **state)
{
    (void)state;
    static const enum err_code OWN[] = {ERR_DATABASE,  ERR_MEMORY,  ERR_SYSTEM,
                                        ERR_DISK_FULL, ERR_DB_BUSY, ERR_INTERNAL};
    static const enum err_code THEIRS[] = {ERR_FIELD, ERR_JSON,       ERR_NOT_FOUND, ERR_WRONG_STATE,
                                           ERR_LEASE, ERR_GENERATION, ERR_CONFLICT,  ERR_TOO_LARGE};
    for (size_t i = 0; i < COUNT(OWN); i++)
        assert_true(problem_status(problem_of(OWN[i])) >= 500);
    for (size_t i = 0; i < COUNT(THEIRS); i++)
        assert_in_range(problem_status(problem_of(THEIRS[i])), 400, 499);
}

static void a_repeated_request_gets_its_first_answer_and_changes_nothing_again(void **state)
{
    (void)state;
    struct buf first, again;
    approve("CA-1", "org-sign-p256");
    approve("CA-2", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(post("a", "/v1/applications/CA-1/give_back", "k1", "{\"generation\":1}", &first), 200);
    assert_int_equal(post("a", "/v1/applications/CA-1/give_back", "k1", "{\"generation\":1}", &again), 200);
    assert_string_equal(buf_cstr(&first), buf_cstr(&again));
    buf_done(&first);
    buf_done(&again);
    /* With another key it is what it is: not ours any more. */
    assert_int_equal(post("a", "/v1/applications/CA-1/give_back", "k2", "{\"generation\":1}", &again), 409);
    buf_done(&again);
}

static void a_key_used_for_another_request_is_refused_and_keys_belong_to_stations(void **state)
{
    (void)state;
    struct buf b;
    const char *one = "{\"max\":1,\"profiles\":[\"org-sign-p256\"]}",
               *two = "{\"max\":2,\"profiles\":[\"org-sign-p256\"]}";
    approve("CA-1", "org-sign-p256");
    assert_int_equal(post("a", "/v1/claim", "k", one, &b), 200);
    buf_done(&b);
    assert_int_equal(post("a", "/v1/claim", "k", two, &b), 422);
    assert_non_null(strstr(buf_cstr(&b), "idempotency-key-reused"));
    buf_done(&b);
    assert_int_equal(post("b", "/v1/claim", "k", two, &b), 200);
    assert_string_equal(buf_cstr(&b), "{\"claims\":[]}");
    buf_done(&b);
}

static void an_empty_claim_is_not_kept(void **state)
{
    (void)state;
    struct buf b;
    const char *body = "{\"max\":1,\"profiles\":[\"org-sign-p256\"]}";
    assert_int_equal(post("a", "/v1/claim", "k", body, &b), 200);
    assert_string_equal(buf_cstr(&b), "{\"claims\":[]}");
    buf_done(&b);
    approve("CA-1", "org-sign-p256");
    assert_int_equal(post("a", "/v1/claim", "k", body, &b), 200);
    assert_non_null(strstr(buf_cstr(&b), "CA-1"));
    buf_done(&b);
}

static void a_repeated_claim_says_what_is_left_of_the_lease(void **state)
{
    (void)state;
    struct buf b;
    const char *body = "{\"max\":1,\"profiles\":[\"org-sign-p256\"]}";
    approve("CA-1", "org-sign-p256");
    assert_int_equal(post("a", "/v1/claim", "k", body, &b), 200);
    assert_non_null(strstr(buf_cstr(&b), "\"lease_seconds\":60"));
    buf_done(&b);
    assert_int_equal(post("a", "/v1/claim", "k", body, &b), 200);
    const char *left = strstr(buf_cstr(&b), "\"lease_seconds\":");
    assert_non_null(left);
    assert_in_range(atoi(left + strlen("\"lease_seconds\":")), 1, 59); /* some of it has gone since */
    buf_done(&b);
    assert_int_equal(post("a", "/v1/applications/CA-1/give_back", "k2", "{\"generation\":1}", &b), 200);
    buf_done(&b);
    assert_int_equal(post("a", "/v1/claim", "k", body, &b), 200);
    assert_string_equal(buf_cstr(&b), "{\"claims\":[]}"); /* what is not ours any more is not told again */
    buf_done(&b);
}

static void a_refusal_is_kept_as_well(void **state)
{
    (void)state;
    struct buf b;
    approve("CA-1", "org-sign-p256");
    assert_int_equal(post("a", "/v1/applications/CA-1/renew", "k", "{\"generation\":1}", &b), 409);
    buf_done(&b);
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(post("a", "/v1/applications/CA-1/renew", "k", "{\"generation\":1}", &b), 409);
    buf_done(&b);
    assert_int_equal(post("a", "/v1/applications/CA-1/renew", "k2", "{\"generation\":1}", &b), 200);
    buf_done(&b);
}

static void values_that_no_table_can_check_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *at, *body, *field;
    } CASES[] = {
        {"/v1/claim", "{\"max\":0,\"profiles\":[\"p\"]}", "max"},
        {"/v1/claim", "{\"max\":-5,\"profiles\":[\"p\"]}", "max"},
        {"/v1/claim", "{\"max\":1,\"profiles\":[]}", "profiles"},
        {"/v1/claim", "{\"max\":1,\"profiles\":[1]}", "profiles"},
        {"/v1/claim", "{\"max\":1,\"profiles\":[\"a b\"]}", "profiles"},
        {"/v1/claim", "{\"max\":1,\"profiles\":[\"p\"],\"station\":\"b\"}", "station"},
        {"/v1/applications/CA-1/renew", "{\"generation\":0}", "generation"},
        {"/v1/applications/CA-1/renew", "{\"generation\":-1}", "generation"},
        {"/v1/applications/CA-1/fail", "{\"generation\":1,\"code\":\"No!\",\"detail\":\"x\"}", "code"},
        {"/v1/applications/CA-1/fail", "{\"generation\":1,\"code\":\"\",\"detail\":\"x\"}", "code"},
        {"/v1/applications/CA-1/void", "{\"generation\":1,\"certificate_serial\":\"zz\",\"reason\":\"x\"}",
         "certificate_serial"},
        {"/v1/applications/CA-1/void", "{\"generation\":1,\"certificate_serial\":\"00\",\"reason\":\"x\"}",
         "certificate_serial"},
        {"/v1/applications/CA-1/report",
         "{\"generation\":1,\"token_serial\":\"\",\"certificate\":\"x\",\"certificate_serial\":\"01\",\"key_"
         "id\":\"aa\","
         "\"product\":\"p\"}",
         "token_serial"},
        {"/v1/applications/CA-1/report",
         "{\"generation\":1,\"token_serial\":\"T\",\"certificate\":\"x\",\"certificate_serial\":\"01\",\"key_"
         "id\":"
         "\"xx\",\"product\":\"p\"}",
         "key_id"},
    };
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct buf b;
        char idempotency[16];
        snprintf(idempotency, sizeof(idempotency), "k%zu", i);
        assert_int_equal(post("a", CASES[i].at, idempotency, CASES[i].body, &b), 422);
        assert_non_null(strstr(buf_cstr(&b), CASES[i].field));
        buf_done(&b);
    }
    assert_string_equal(state_of("CA-1"), "claimed");
}

static void what_a_station_says_of_a_fault_is_cleaned_and_not_refused(void **state)
{
    (void)state;
    struct buf b;
    struct portal_application row;
    approve("CA-1", "org-sign-p256");
    claim("a", 1, "org-sign-p256", NULL);
    assert_int_equal(
        post("a", "/v1/applications/CA-1/fail", "k",
             "{\"generation\":1,\"code\":\"token-failed\",\"detail\":\"故障\\u001b[2J\\n\\u202e end\"}", &b),
        200);
    buf_done(&b);
    assert_int_equal(portal_application_get(act.db, "CA-1", &row, &err), 0);
    assert_string_equal(row.fault_detail, "故障?[2J?? end");
}

static void the_claims_statement_agrees_with_the_table_of_transitions(void **state)
{
    (void)state;
    for (enum application_state s = 0; s < APPLICATION_STATE_COUNT; s++) {
        enum application_state to;
        bool may = application_next(s, APPLICATION_CLAIM, &to, &err) == 0;
        assert_int_equal(may, s == APPLICATION_APPROVED || s == APPLICATION_CLAIMED);
        if (may)
            assert_int_equal(to, APPLICATION_CLAIMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_route_is_found_by_its_own_method_and_path),
        TEST(a_path_that_is_nearly_one_is_none),
        TEST(every_problem_has_a_code_of_its_own_a_status_and_a_title),
        TEST(what_is_the_portals_own_trouble_is_never_the_callers_fault),
        TEST(a_repeated_request_gets_its_first_answer_and_changes_nothing_again),
        TEST(a_key_used_for_another_request_is_refused_and_keys_belong_to_stations),
        TEST(an_empty_claim_is_not_kept),
        TEST(a_repeated_claim_says_what_is_left_of_the_lease),
        TEST(a_refusal_is_kept_as_well),
        TEST(values_that_no_table_can_check_are_refused_by_name),
        TEST(what_a_station_says_of_a_fault_is_cleaned_and_not_refused),
        TEST(the_claims_statement_agrees_with_the_table_of_transitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
