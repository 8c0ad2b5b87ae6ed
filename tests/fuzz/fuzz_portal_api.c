/* Foreign bytes as the body of a station's request: the first byte chooses the route, the rest is the body.
 * It is refused with a reason or acted upon; the state is a known one afterwards. Every act is rolled back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>

#include "base/utf8.h"
#include "domain/approval.h"
#include "portal/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct db *db;
static struct err err;
static const struct portal_conf conf = {.lease_seconds = 60};

static void require(bool condition)
{
    if (!condition) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

/* CA-1 is lent to us in generation 1, CA-2 waits. */
static void fill(const struct act *act)
{
    char *names[] = {"p", NULL};
    const char *const wanted[] = {"p"};
    const struct conf_strs profiles = {names, 1};
    const struct act_review review = {
        .first = "a", .final = "b", .key = EVP_EC_gen("P-256"), .profiles = &profiles};
    const struct act_claim claim = {
        .station = "fuzz", .max = 1, .profiles = wanted, .n_profiles = 1, .lease_seconds = 60};
    json_t *claims = NULL;
    for (int i = 1; i <= 2; i++) {
        char id[8];
        snprintf(id, sizeof(id), "CA-%d", i);
        json_t *doc = json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s},s:{s:s,s:s}}", "id", id, "profile", "p",
                                "organisation", "name", "O", "identifier_kind", "INTERNAL", "identifier",
                                "zcy1", "country", "CN", "delivery", "method", "pickup", "point", "x");
        require(act_approve(act, doc, &review, NULL, &err) == 0);
        json_decref(doc);
    }
    require(act_claim(act, &claim, &claims, &err) == 0);
    json_decref(claims);
    EVP_PKEY_free(review.key);
}

static void set_up(void)
{
    char folder[] = "/tmp/fuzz_portal.XXXXXX", path[64];
    static const char *const SUFFIXES[] = {"", "-wal", "-shm"};
    require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/db", folder);
    require(db_open(&db, path, &portal_schema, 0, &err) == 0);
    const struct act act = {.db = db, .now = 1800000000000, .who = "fuzz"};
    require(db_begin(db, &err) == 0);
    fill(&act);
    require(db_commit(db, &err) == 0);
    for (size_t i = 0; i < 3; i++) { /* open they stay; nobody is left to remove them later */
        char name[80];
        snprintf(name, sizeof(name), "%s%s", path, SUFFIXES[i]);
        unlink(name);
    }
    rmdir(folder);
}

static void act_upon(const struct api_route *route, const json_t *body)
{
    struct api_call call = {.conf = &conf,
                            .act = {.db = db, .now = 1800000001000, .who = "fuzz"},
                            .station = "fuzz",
                            .body = body};
    struct portal_application row;
    json_t *answer = NULL;
    if (strstr(route->path, "{id}"))
        snprintf(call.application, sizeof(call.application), "CA-1");
    require(db_begin(db, &err) == 0);
    err_clear(&err);
    if (route->run(&call, &answer, &err) == 0) {
        require(json_check(answer, "", route->answer, route->n_answer, &err) == 0);
        require(!route->refresh || route->refresh(&call, answer, &err) == 0);
    } else {
        require(problem_status(problem_of(err.code)) < 500 && err.text[0] &&
                utf8_valid(err.text, strlen(err.text)));
    }
    json_decref(answer);
    require(portal_application_get(db, "CA-1", &row, &err) == 0);
    require(application_state_from_name(row.state) < APPLICATION_STATE_COUNT && row.generation == 1);
    db_rollback(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!db)
        set_up();
    if (size < 1)
        return 0;
    const struct api_route *route = &api_routes[data[0] % api_n_routes];
    if (!route->fields)
        return 0;
    json_t *body = json_parse(data + 1, size - 1, &err);
    if (body && json_check(body, "", route->fields, route->n_fields, &err) == 0)
        act_upon(route, body);
    json_decref(body);
    return 0;
}
