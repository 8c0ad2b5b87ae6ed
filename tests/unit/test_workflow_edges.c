/* Every act against every state: each edge of the table of transitions is taken by its act, and where there
 * is none the act is refused and leaves nothing. */
#include "workflow_fixture.h"

/* ---- the acts ---- */

static int64_t generation(const char *id)
{
    return generation_of(id);
}

static int run_save(const char *id)
{
    json_t *changes = json_pack("{s:s}", "legal_representative", "李四");
    int rc = act_form_save(&act, id, changes, &err);
    json_decref(changes);
    return rc;
}

static int run_submit_free(const char *id)
{
    put_price("enterprise", "org-sign-p256", 365, 0);
    return submit(id);
}

static int run_pay(const char *id)
{
    struct payment_order o;
    bool found = false;
    assert_int_equal(payment_order_of(act.db, id, &found, &o, &err), 0);
    return pay_order(found ? o.id : "none", FEE, "BANK-2");
}

static int run_first_approve(const char *id)
{
    return decide_at(id, REVIEW_FIRST, &first, REVIEW_APPROVE);
}

static int run_first_return(const char *id)
{
    return decide_at(id, REVIEW_FIRST, &first, REVIEW_RETURN);
}

static int run_first_reject(const char *id)
{
    return decide_at(id, REVIEW_FIRST, &first, REVIEW_REJECT);
}

static int run_final_approve(const char *id)
{
    return decide_at(id, REVIEW_FINAL, &final, REVIEW_APPROVE);
}

static int run_final_return(const char *id)
{
    return decide_at(id, REVIEW_FINAL, &final, REVIEW_RETURN);
}

static int run_final_reject(const char *id)
{
    return decide_at(id, REVIEW_FINAL, &final, REVIEW_REJECT);
}

static int run_paper(const char *id)
{
    return act_paper(&act, id, "EMS-2", &err);
}

static int run_withdraw(const char *id)
{
    return act_withdraw(&act, id, "不再需要", &err);
}

/* A claim is not of one application: it takes what there is. Nothing there is "refused" here. */
static int run_claim(const char *id)
{
    const char *const names[] = {"org-sign-p256"};
    const struct act_claim request = {
        .station = "bench", .max = 1, .profiles = names, .n_profiles = 1, .lease_seconds = 60};
    json_t *claims = NULL;
    (void)id;
    act.now += 3600000; /* every lease is over */
    assert_int_equal(act_claim(&act, &request, &claims, &err), 0);
    size_t n = json_array_size(claims);
    json_decref(claims);
    act.now -= 3600000;
    return n > 0 ? 0 : err_set(&err, ERR_WRONG_STATE, "nothing to claim");
}

static int run_renew(const char *id)
{
    const struct act_held held = {"bench", id, generation(id)};
    return act_renew(&act, &held, 60, &err);
}

static int run_report(const char *id)
{
    const struct act_held held = {"bench", id, generation(id)};
    char *pem = certificate(ORGANISATION, 0x7777);
    const struct act_report r = {.token_serial = "T7",
                                 .product = "softhsm",
                                 .key_id = "aa",
                                 .certificate = pem,
                                 .certificate_serial = "7777"};
    int rc = act_report(&act, &held, &r, &err);
    free(pem);
    return rc;
}

static int run_fail(const char *id)
{
    const struct act_held held = {"bench", id, generation(id)};
    return act_fail(&act, &held, "weak-key", "three tokens in a row", &err);
}

static int run_give_back(const char *id)
{
    const struct act_held held = {"bench", id, generation(id)};
    return act_give_back(&act, &held, &err);
}

static int run_void(const char *id)
{
    const struct act_held held = {"bench", id, 1};
    enum application_state s;
    return act_void(&act, &held, "1234", "broken", &s, &err);
}

static int run_retry(const char *id)
{
    return act_retry(&act, id, "again", &err);
}

static int run_offer(const char *id)
{
    return act_offer(&act, id, &err);
}

static int run_post(const char *id)
{
    return act_post(&act, id, "顺丰", "SF1", &err);
}

static int run_pick_up(const char *id)
{
    return act_pick_up(&act, id, "王五", &err);
}

static const struct {
    const char *name;
    int (*run)(const char *id);
} ACTS[] = {
    {"save", run_save},
    {"submit", submit},
    {"submit_free", run_submit_free},
    {"pay", run_pay},
    {"first_approve", run_first_approve},
    {"first_return", run_first_return},
    {"first_reject", run_first_reject},
    {"final_approve", run_final_approve},
    {"final_return", run_final_return},
    {"final_reject", run_final_reject},
    {"paper", run_paper},
    {"withdraw", run_withdraw},
    {"claim", run_claim},
    {"renew", run_renew},
    {"report", run_report},
    {"fail", run_fail},
    {"give_back", run_give_back},
    {"void", run_void},
    {"retry", run_retry},
    {"offer", run_offer},
    {"post", run_post},
    {"pick_up", run_pick_up},
};

/* ---- the states ---- */

static void to_awaiting_payment(char id[41])
{
    to_draft(id);
    DO(submit(id));
}

static void to_returned(char id[41])
{
    to_first_review(id);
    DO(decide(id, &first, REVIEW_RETURN));
}

static void to_claimed(char id[41])
{
    to_approved(id);
    assert_int_equal(claim("bench", 1, "org-sign-p256", NULL), 1);
}

static void to_failed(char id[41])
{
    to_claimed(id);
    DO(run_fail(id));
}

static void to_ready(char id[41])
{
    to_made(id);
    DO(run_offer(id));
}

static void to_issued(char id[41])
{
    to_made(id);
    if (strcmp(method, "mail") == 0) {
        DO(run_post(id));
        return;
    }
    DO(run_offer(id));
    DO(run_pick_up(id));
}

static void to_rejected(char id[41])
{
    to_first_review(id);
    DO(decide(id, &first, REVIEW_REJECT));
}

static void to_withdrawn(char id[41])
{
    to_draft(id);
    DO(run_withdraw(id));
}

static const struct {
    enum application_state state;
    void (*bring)(char id[41]);
} STATES[] = {
    {APPLICATION_DRAFT, to_draft},
    {APPLICATION_AWAITING_PAYMENT, to_awaiting_payment},
    {APPLICATION_FIRST_REVIEW, to_first_review},
    {APPLICATION_RETURNED, to_returned},
    {APPLICATION_FINAL_REVIEW, to_final_review},
    {APPLICATION_APPROVED, to_approved},
    {APPLICATION_CLAIMED, to_claimed},
    {APPLICATION_FAILED, to_failed},
    {APPLICATION_MADE, to_made},
    {APPLICATION_READY, to_ready},
    {APPLICATION_ISSUED, to_issued},
    {APPLICATION_REJECTED, to_rejected},
    {APPLICATION_WITHDRAWN, to_withdrawn},
};

/* ---- what comes of it: whatever is not here is refused with ERR_WRONG_STATE ---- */

static const struct {
    const char *state, *act, *method; /* method "": either */
    const char *event, *to;           /* event NULL: it changes no state and tells of none */
    enum err_code code;               /* ERR_NONE: it is done */
} EXPECTED[] = {
    {"draft", "save", "", NULL, "draft", ERR_NONE},
    {"returned", "save", "", NULL, "returned", ERR_NONE},
    {"draft", "submit", "", "submit", "awaiting_payment", ERR_NONE},
    {"draft", "submit_free", "", "submit_free", "first_review", ERR_NONE},
    {"returned", "submit", "", "resubmit", "first_review", ERR_NONE},
    {"returned", "submit_free", "", "resubmit", "first_review", ERR_NONE},
    {"draft", "pay", "", NULL, NULL, ERR_NOT_FOUND}, /* no order yet */
    {"withdrawn", "pay", "", NULL, NULL, ERR_NOT_FOUND},
    {"awaiting_payment", "pay", "", "pay", "first_review", ERR_NONE},
    {"first_review", "first_approve", "", "first_approve", "final_review", ERR_NONE},
    {"first_review", "first_return", "", "first_return", "returned", ERR_NONE},
    {"first_review", "first_reject", "", "first_reject", "rejected", ERR_NONE},
    {"final_review", "paper", "", "paper_received", "final_review", ERR_NONE},
    {"final_review", "final_approve", "", "approve", "approved", ERR_NONE},
    {"final_review", "final_return", "", "final_return", "returned", ERR_NONE},
    {"final_review", "final_reject", "", "final_reject", "rejected", ERR_NONE},
    {"draft", "withdraw", "", "withdraw", "withdrawn", ERR_NONE},
    {"awaiting_payment", "withdraw", "", "withdraw", "withdrawn", ERR_NONE},
    {"first_review", "withdraw", "", "withdraw", "withdrawn", ERR_NONE},
    {"returned", "withdraw", "", "withdraw", "withdrawn", ERR_NONE},
    {"final_review", "withdraw", "", "withdraw", "withdrawn", ERR_NONE},
    {"approved", "withdraw", "", "withdraw", "withdrawn", ERR_NONE},
    {"failed", "withdraw", "", "withdraw", "withdrawn", ERR_NONE},
    {"made", "withdraw", "", "withdraw_made", "withdrawn", ERR_NONE},
    {"ready_for_pickup", "withdraw", "", "withdraw_made", "withdrawn", ERR_NONE},
    {"approved", "claim", "", "claim", "claimed", ERR_NONE},
    {"claimed", "claim", "", "claim", "claimed", ERR_NONE},
    {"claimed", "renew", "", NULL, "claimed", ERR_NONE},
    {"claimed", "report", "", "report", "made", ERR_NONE},
    {"claimed", "fail", "", "fail", "failed", ERR_NONE},
    {"claimed", "give_back", "", "give_back", "approved", ERR_NONE},
    {"failed", "retry", "", "retry", "approved", ERR_NONE},
    {"made", "void", "", "void", "approved", ERR_NONE},
    {"ready_for_pickup", "void", "", "void", "approved", ERR_NONE},
    {"issued", "void", "", "void", "approved", ERR_NONE},
    /* of a certificate that was never reported: recorded, and nothing else; of a lending that never was:
       refused */
    {"claimed", "void", "", NULL, "claimed", ERR_NONE},
    {"failed", "void", "", NULL, "failed", ERR_NONE},
    {"draft", "void", "", NULL, NULL, ERR_GENERATION},
    {"awaiting_payment", "void", "", NULL, NULL, ERR_GENERATION},
    {"first_review", "void", "", NULL, NULL, ERR_GENERATION},
    {"returned", "void", "", NULL, NULL, ERR_GENERATION},
    {"final_review", "void", "", NULL, NULL, ERR_GENERATION},
    {"approved", "void", "", NULL, NULL, ERR_GENERATION},
    {"rejected", "void", "", NULL, NULL, ERR_GENERATION},
    {"withdrawn", "void", "", NULL, NULL, ERR_GENERATION},
    {"made", "offer", "pickup", "ready_for_pickup", "ready_for_pickup", ERR_NONE},
    {"made", "offer", "mail", NULL, NULL, ERR_REFUSED},
    {"made", "post", "mail", "posted", "issued", ERR_NONE},
    {"made", "post", "pickup", NULL, NULL, ERR_REFUSED},
    {"ready_for_pickup", "pick_up", "", "picked_up", "issued", ERR_NONE},
};

static size_t expected(const char *state, const char *name)
{
    size_t i = 0;
    while (i < COUNT(EXPECTED) &&
           (strcmp(EXPECTED[i].state, state) != 0 || strcmp(EXPECTED[i].act, name) != 0 ||
            (*EXPECTED[i].method && strcmp(EXPECTED[i].method, method) != 0)))
        i++;
    return i;
}

/* ---- has anybody committed since? What another connection sees of it. ---- */

static sqlite3 *onlooker;

static int take_number(void *arg, int n, char **values, char **names)
{
    (void)n;
    (void)names;
    *(long *)arg = strtol(values[0], NULL, 10);
    return 0;
}

static long committed(void)
{
    long version = 0;
    assert_int_equal(sqlite3_exec(onlooker, "PRAGMA data_version", take_number, &version, NULL), SQLITE_OK);
    return version;
}

/* ---- the matrix ---- */

static const struct {
    enum application_state from;
    enum application_event event;
    enum application_state to;
} EDGES[] = {
#define X(from, event, to) {from, event, to},
#include "portal/application_transition.def"
#undef X
};
static bool taken[COUNT(EDGES)];

static void mark(enum application_state from, const char *event, const char *to)
{
    for (size_t i = 0; i < COUNT(EDGES); i++)
        if (EDGES[i].from == from && strcmp(application_event_name(EDGES[i].event), event) == 0 &&
            strcmp(application_state_name(EDGES[i].to), to) == 0)
            taken[i] = true;
}

/* How many events there are, and the last one as "who what from to". */
static size_t last_event(const char *id, char ret[256])
{
    json_t *whole = NULL;
    assert_int_equal(portal_application_json(act.db, id, &whole, &err), 0);
    const json_t *events = json_object_get(whole, "events");
    size_t n = json_array_size(events);
    const json_t *e = json_array_get(events, n - 1);
    snprintf(ret, 256, "%s %s %s %s", json_str(e, "who"), json_str(e, "what"), json_str(e, "from"),
             json_str(e, "to"));
    json_decref(whole);
    return n;
}

static void check_done(size_t state, size_t i, const char *id, size_t events_before)
{
    char told[256], wanted[256];
    const char *from = application_state_name(STATES[state].state);
    assert_string_equal(state_of(id), EXPECTED[i].to);
    size_t events = last_event(id, told);
    if (!EXPECTED[i].event) {
        if (strcmp(EXPECTED[i].act, "renew") == 0)
            mark(STATES[state].state, "renew", EXPECTED[i].to);
        return;
    }
    snprintf(wanted, sizeof(wanted), "test %s %s %s", EXPECTED[i].event, from, EXPECTED[i].to);
    assert_string_equal(told, wanted);
    assert_int_equal(events, events_before + 1);
    mark(STATES[state].state, EXPECTED[i].event, EXPECTED[i].to);
}

static void try_act(size_t state, size_t a, const char *id)
{
    const char *from = application_state_name(STATES[state].state);
    char ignored[256];
    size_t i = expected(from, ACTS[a].name), events = last_event(id, ignored);
    enum err_code code = i < COUNT(EXPECTED) ? EXPECTED[i].code : ERR_WRONG_STATE;
    long before = committed();
    err_clear(&err);
    assert_int_equal(db_begin(act.db, &err), 0);
    int rc = ACTS[a].run(id);
    if (rc != (code == ERR_NONE ? 0 : -1) || (rc != 0 && err.code != code))
        fail_msg("%s (%s), %s: %d, %s: %s", from, method, ACTS[a].name, rc, err_name(err.code), err.text);
    assert_true(db_in_transaction(act.db)); /* an act neither commits nor rolls back */
    if (rc == 0)
        check_done(state, i, id, events);
    assert_int_equal(committed(), before);
    db_rollback(act.db);
    assert_int_equal(committed(), before);
    assert_string_equal(state_of(id), from);
}

static void try_all(void **unused)
{
    for (size_t s = 0; s < COUNT(STATES); s++) {
        char id[41];
        if (STATES[s].state == APPLICATION_READY && strcmp(method, "mail") == 0)
            continue; /* what is posted is never ready for pickup */
        STATES[s].bring(id);
        assert_int_equal(sqlite3_open_v2(path, &onlooker, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        assert_string_equal(state_of(id), application_state_name(STATES[s].state));
        for (size_t a = 0; a < COUNT(ACTS); a++)
            try_act(s, a, id);
        sqlite3_close(onlooker);
        const char *kept = method; /* the next state begins with an empty portal */
        tear_down(unused);
        set_up_workflow(unused);
        method = kept;
    }
}

static void each_act_in_each_state_takes_its_edge_or_is_refused_by_mail(void **unused)
{
    try_all(unused);
}

static void each_act_in_each_state_takes_its_edge_or_is_refused_by_pickup(void **unused)
{
    method = "pickup";
    try_all(unused);
}

static void every_edge_of_the_table_was_taken_by_an_act(void **unused)
{
    (void)unused;
    assert_int_equal(COUNT(STATES), APPLICATION_STATE_COUNT);
    for (size_t i = 0; i < COUNT(EDGES); i++)
        if (!taken[i])
            fail_msg("%s: %s was not taken", application_state_name(EDGES[i].from),
                     application_event_name(EDGES[i].event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKFLOW_TEST(each_act_in_each_state_takes_its_edge_or_is_refused_by_mail),
        WORKFLOW_TEST(each_act_in_each_state_takes_its_edge_or_is_refused_by_pickup),
        cmocka_unit_test(every_edge_of_the_table_was_taken_by_an_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
