/* Writes happen once, however often they are sent: the answer is committed together with the act, under the
 * station's Idempotency-Key. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "portal/api.h"

struct kept {
    bool found;
    char request_sha256[SHA256_HEX_SIZE];
    unsigned int status;
};

static int find_kept(const struct api_call *call, const char *key, struct kept *ret, struct buf *body,
                     struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(call->act.db, PSQL_ANSWER_GET, DB_ARGS(DB_TEXT(call->station), DB_TEXT(key)), &rows, err) !=
        0)
        return -1;
    int r = db_next(rows, err);
    ret->found = r == 1;
    if (r == 1) {
        const char *hash = db_col_text(rows, 0);
        memcpy(ret->request_sha256, hash, strnlen(hash, SHA256_HEX_SIZE - 1));
        ret->request_sha256[SHA256_HEX_SIZE - 1] = '\0';
        ret->status = (unsigned int)db_col_int(rows, 1);
        r = buf_put_str(body, db_col_text(rows, 2), err);
    }
    db_rows_free(&rows);
    return r < 0 ? -1 : 0;
}

static int keep(const struct api_call *call, const struct api_write *w, unsigned int status, struct buf *body,
                struct err *err)
{
    const char *text = buf_cstr(body);
    if (!text)
        return err_set(err, ERR_MEMORY, "answer");
    return db_exec(call->act.db, PSQL_ANSWER_INSERT,
                   DB_ARGS(DB_TEXT(call->station), DB_TEXT(w->key), DB_TEXT(w->request_sha256),
                           DB_INT(status), DB_TEXT(text), DB_INT(call->act.now)),
                   NULL, err);
}

static int put_json(const json_t *json, struct buf *body, struct err *err)
{
    char *text = json_dumps(json, JSON_COMPACT);
    int rc = text ? buf_put_str(body, text, err) : err_set(err, ERR_MEMORY, "answer");
    free(text);
    return rc;
}

static int put_problem(enum problem p, const char *detail, unsigned int *ret_status, struct buf *body,
                       struct err *err)
{
    buf_reset(body);
    *ret_status = problem_status(p);
    return problem_json(p, detail, body, err);
}

/* The answer of before, with the time that has passed since taken off its leases. */
static int repeat(struct api_call *call, const struct api_write *w, const struct kept *kept,
                  unsigned int *ret_status, struct buf *body, struct err *err)
{
    if (strcmp(kept->request_sha256, w->request_sha256) != 0)
        return put_problem(PROBLEM_KEY_REUSED, "this Idempotency-Key came with another request before",
                           ret_status, body, err);
    *ret_status = kept->status;
    if (kept->status != 200 || !w->route->refresh)
        return 0;
    json_t *answer = json_parse(body->data, body->len, err);
    int rc = answer ? w->route->refresh(call, answer, err) : -1;
    buf_reset(body);
    if (rc == 0)
        rc = put_json(answer, body, err);
    json_decref(answer);
    return rc;
}

/* The act, and its answer, in the transaction that is open. */
static int run(struct api_call *call, const struct api_write *w, struct buf *body, struct err *err)
{
    json_t *answer = NULL;
    if (w->route->run(call, &answer, err) != 0)
        return -1;
    int rc = put_json(answer, body, err);
    json_decref(answer);
    if (rc == 0 && !call->unchanged)
        rc = keep(call, w, 200, body, err);
    if (rc != 0)
        return -1;
    crash_point("portal.%s.before_commit", w->route->operation);
    if (db_commit(call->act.db, err) != 0)
        return -1;
    crash_point("portal.%s.committed", w->route->operation);
    return 0;
}

/* A refusal stands as well: who asks again with the same key must not be told otherwise. What is only the
 * portal's own trouble is not kept, so that it can be tried again. */
static int refuse(struct api_call *call, const struct api_write *w, const struct err *why,
                  unsigned int *ret_status, struct buf *body, struct err *err)
{
    enum problem p = problem_of(why->code);
    const char *detail = p == PROBLEM_INTERNAL ? err_sentence(why->code, LANG_EN) : why->text;
    if (put_problem(p, detail, ret_status, body, err) != 0)
        return -1;
    if (*ret_status >= 500) {
        log_err(why, "%s: %s", call->station, w->route->operation);
        return 0;
    }
    log_info("%s: %s: refused: %s", call->station, w->route->operation, why->text);
    if (db_begin(call->act.db, err) != 0 || keep(call, w, *ret_status, body, err) != 0 ||
        db_commit(call->act.db, err) != 0) {
        db_rollback(call->act.db);
        return -1;
    }
    return 0;
}

int api_write(struct api_call *call, const struct api_write *w, unsigned int *ret_status,
              struct buf *ret_body, struct err *err)
{
    struct kept kept = {0};
    struct err why;
    if (db_begin(call->act.db, err) != 0)
        return -1;
    call->act.now = clock_utc_ms();
    if (find_kept(call, w->key, &kept, ret_body, err) != 0) {
        db_rollback(call->act.db);
        return -1;
    }
    if (kept.found) {
        int rc = repeat(call, w, &kept, ret_status, ret_body, err);
        db_rollback(call->act.db);
        return rc;
    }
    if (run(call, w, ret_body, &why) == 0) {
        *ret_status = 200;
        if (!call->unchanged)
            log_info("%s: %s%s%s", call->station, w->route->operation, *call->application ? " " : "",
                     call->application);
        return 0;
    }
    db_rollback(call->act.db);
    return refuse(call, w, &why, ret_status, ret_body, err);
}
