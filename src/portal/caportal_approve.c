/* approve, retry: acts of reviewers and operators. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "domain/approval.h"
#include "domain/plain_text.h"
#include "portal/caportal.h"

#define IMPORT_MAX ((size_t)64 << 20)

/* Who reviewed, when the file's reviews were made elsewhere and nobody is named: two roles, as ever. */
#define FIRST_ELSEWHERE "import-first"
#define FINAL_ELSEWHERE "import-final"

struct import {
    const struct caportal *c;
    struct act act;
    struct act_review review;
    json_t *approved, *errors;
    enum err_code first; /* of the errors */
};

/* An entry that is not good does not stop the others from being looked at: one run names all that has to be
 * mended. */
static int try_one(struct import *im, size_t index, const json_t *document, struct err *err)
{
    struct err why;
    char id[41];
    if (act_approve(&im->act, document, &im->review, id, &why) == 0)
        return json_array_append_new(im->approved, json_string(id)) == 0 ? 0
                                                                         : err_set(err, ERR_MEMORY, "import");
    if (err_exit_code(why.code) == err_exit_code(ERR_DATABASE)) {
        *err = why;
        return -1;
    }
    const json_t *named = json_object_get(document, "id");
    if (im->first == ERR_NONE)
        im->first = why.code;
    return json_array_append_new(im->errors, json_pack("{s:I,s:s,s:s,s:s}", "index", (json_int_t)index, "id",
                                                       json_is_string(named) ? json_string_value(named) : "",
                                                       "code", err_name(why.code), "reason", why.text)) == 0
               ? 0
               : err_set(err, ERR_MEMORY, "import");
}

static int try_all(struct import *im, const json_t *file, struct err *err)
{
    if (!json_is_array(file))
        return try_one(im, 0, file, err);
    for (size_t i = 0; i < json_array_size(file); i++)
        if (try_one(im, i, json_array_get(file, i), err) != 0)
            return -1;
    return 0;
}

static int import_file(struct import *im, const json_t *file, struct err *err)
{
    if (json_is_array(file) && json_array_size(file) == 0)
        return err_set(err, ERR_FIELD, "%s: it holds no application", im->c->import);
    if (db_begin(im->act.db, err) != 0)
        return -1;
    im->act.now = clock_utc_ms();
    if (try_all(im, file, err) != 0) {
        db_rollback(im->act.db);
        return -1;
    }
    if (json_array_size(im->errors) > 0) {
        db_rollback(im->act.db);
        json_array_clear(im->approved);
        return 0;
    }
    return db_commit(im->act.db, err);
}

static void say_errors(const struct import *im)
{
    for (size_t i = 0; i < json_array_size(im->errors); i++) {
        const json_t *e = json_array_get(im->errors, i);
        caportal_say(im->c, stderr, TEXT_CAPORTAL_ENTRY, im->c->import, (long long)json_int(e, "index"),
                     *json_str(e, "id") ? json_str(e, "id") : "?", json_str(e, "reason"));
    }
}

static int say(struct import *im, struct err *err)
{
    size_t bad = json_array_size(im->errors), good = json_array_size(im->approved);
    if (im->c->given & OPTION_JSON) {
        if (caportal_print_json(json_pack("{s:O,s:O}", "approved", im->approved, "errors", im->errors),
                                err) != 0)
            return -1;
    } else {
        say_errors(im);
    }
    if (bad > 0)
        return err_set(err, im->first, "%s: %zu of its applications cannot be approved; none was taken in",
                       im->c->import, bad);
    if (!(im->c->given & OPTION_JSON)) {
        caportal_say(im->c, stdout, TEXT_CAPORTAL_APPROVED, good);
    }
    return 0;
}

static int check_reviewers(const struct caportal *c, struct err *err)
{
    if (plain_text_check(c->first, 64, err) != 0)
        return err_prepend(err, "--first");
    if (plain_text_check(c->final, 64, err) != 0)
        return err_prepend(err, "--final");
    if (strcasecmp(c->first, c->final) == 0)
        return err_set(err, ERR_REFUSED, "--final: %s made the first review too; it takes another person",
                       c->final);
    return 0;
}

int caportal_approve(struct caportal *c, struct err *err)
{
    struct import im = {.c = c,
                        .act = {.who = c->who},
                        .review = {.profiles = &c->conf.profiles},
                        .approved = json_array(),
                        .errors = json_array()};
    json_t *file = NULL;
    int rc = -1;
    if (c->first == NULL)
        c->first = FIRST_ELSEWHERE;
    if (c->final == NULL)
        c->final = FINAL_ELSEWHERE;
    im.review.first = c->first;
    im.review.final = c->final;
    if (check_reviewers(c, err) != 0)
        goto out;
    file = json_parse_file(c->import, IMPORT_MAX, err);
    if (!file || approval_load_private(c->conf.approval_key, &im.review.key, err) != 0 ||
        caportal_db(c, &im.act.db, err) != 0)
        goto out;
    rc = import_file(&im, file, err) == 0 ? say(&im, err) : -1;
out:
    EVP_PKEY_free(im.review.key);
    db_close(&im.act.db);
    json_decref(file);
    json_decref(im.approved);
    json_decref(im.errors);
    return rc;
}

int caportal_retry(struct caportal *c, struct err *err)
{
    struct act act = {.who = c->who};
    const char *reason = c->reason ? c->reason : "put back by an operator";
    if (plain_text_check(reason, 200, err) != 0)
        return err_prepend(err, "--reason");
    if (caportal_db(c, &act.db, err) != 0)
        return -1;
    int rc = db_begin(act.db, err);
    act.now = clock_utc_ms();
    if (rc == 0)
        rc = act_retry(&act, c->words[0], reason, err) == 0 ? db_commit(act.db, err) : -1;
    db_rollback(act.db);
    db_close(&act.db);
    if (rc == 0) {
        caportal_say(c, stdout, TEXT_CAPORTAL_RETRIED, c->words[0]);
    }
    return rc;
}
