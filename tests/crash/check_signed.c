/* Invariant 3: every certificate that was signed is in the records: deliverable, or void and on the next CRL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "check.h"

/* ---- what the vault signed is known here ---- */

struct signed_one {
    const char *serial, *certificate; /* hex */
};

enum certificate_column { TBS_SHA256, JOB, APPLICATION, TOKEN, STATE, CERTIFICATE };

static int bytes_are_kept(struct check *c, struct db_rows *rows, const struct signed_one *s, bool demanded,
                          struct err *err)
{
    size_t len = 0;
    const void *der = db_col_blob(rows, CERTIFICATE, &len);
    char *hex = malloc(2 * len + 1);
    if (hex == NULL)
        return err_set(err, ERR_MEMORY, "a certificate");
    hex_encode(der, len, hex);
    if ((len > 0 || demanded) && strcmp(hex, s->certificate) != 0)
        violation(c, "certificate %s: the records hold %s, not what the vault signed", s->serial,
                  len > 0 ? "another" : "nothing");
    free(hex);
    return 0;
}

static int void_is_known(struct check *c, struct db_rows *rows, const struct signed_one *s, struct err *err)
{
    int64_t open = 0;
    if (check_count(c->station, CHECK_VOID_OPEN, s->serial, &open, err) < 0)
        return -1;
    if (open > 0)
        return 0; /* the vault will be told */
    if (!vault_is_void(c, s->serial))
        violation(c,
                  "certificate %s is void in the station's records, not in the vault's log, and nothing is "
                  "under way",
                  s->serial);
    return bytes_are_kept(c, rows, s, true, err);
}

static int live_is_live(struct check *c, struct db_rows *rows, const struct signed_one *s, struct err *err)
{
    const char *state = db_col_text(rows, STATE), *job = db_col_text(rows, JOB);
    char job_state[16];
    bool found = false;
    if (check_text(c->station, CHECK_JOB_STATE, job, job_state, sizeof job_state, &found, err) < 0)
        return -1;
    if (vault_is_void(c, s->serial))
        violation(c, "certificate %s is %s in the station's records and void in the vault's log", s->serial,
                  state);
    if (strcmp(state, "deliverable") == 0) {
        char token_state[16];
        if (check_text(c->station, CHECK_TOKEN, db_col_text(rows, TOKEN), token_state, sizeof token_state,
                       &found, err) < 0)
            return -1;
        if (strcmp(token_state, "deliverable") != 0)
            violation(c, "certificate %s is deliverable, its token %s is %s", s->serial,
                      db_col_text(rows, TOKEN), found ? token_state : "unknown");
        return bytes_are_kept(c, rows, s, true, err);
    }
    if (!check_job_is_open(job_state))
        violation(
            c,
            "certificate %s was signed and is neither deliverable nor void: it is %s, and its job %s is %s",
            s->serial, state, job, found ? job_state : "unknown");
    return bytes_are_kept(c, rows, s, strcmp(state, "reserved") != 0, err);
}

static int each_certificate(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    return strcmp(db_col_text(rows, STATE), "void") == 0 ? void_is_known(c, rows, arg, err)
                                                         : live_is_live(c, rows, arg, err);
}

/* A serial number that was only reserved: its job is at work, or it is void. Left alone it would keep its
 * application from ever being made. */
static int only_reserved(struct check *c, const char *serial, const json_t *entry, struct err *err)
{
    const char *job = json_str(entry, "job");
    char state[16];
    bool found = false;
    int64_t voiding = 0;
    if (vault_is_void(c, serial))
        return 0;
    if (check_text(c->station, CHECK_JOB_STATE, job, state, sizeof(state), &found, err) < 0 ||
        check_count(c->station, CHECK_VOID_OPEN_JOB, job, &voiding, err) < 0)
        return -1;
    if (voiding == 0 && !check_job_is_open(state))
        violation(c, "serial number %s stays reserved for job %s, which is %s", serial, job,
                  found ? state : "unknown");
    return 0;
}

static int each_signed(struct check *c, const char *serial, const json_t *entry, struct err *err)
{
    char tbs[SHA256_HEX_SIZE];
    bool found = false;
    const json_t *first = json_array_get(json_object_get(entry, "signatures"), 0);
    struct signed_one s = {serial, json_str(first, "certificate")};
    if (first == NULL)
        return only_reserved(c, serial, entry, err);
    c->seen.signatures++;
    if (check_text(c->station, CHECK_CERTIFICATE, serial, tbs, sizeof tbs, &found, err) < 0)
        return -1;
    if (!found)
        violation(c, "certificate %s was signed for job %s, token %s, and is in no record of the station",
                  serial, json_str(entry, "job"), json_str(entry, "token"));
    return check_rows(c->station, CHECK_CERTIFICATE, DB_ARGS(DB_TEXT(serial)), each_certificate, c, &s, err);
}

/* ---- what the station says was signed, was ---- */

static int each_recorded(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)arg;
    (void)err;
    const char *serial = db_col_text(rows, 0), *state = db_col_text(rows, 5);
    const bool claims =
        !db_col_null(rows, 6) || (strcmp(state, "reserved") != 0 && strcmp(state, "void") != 0);
    if (claims && json_array_size(json_object_get(vault_serial(c, serial), "signatures")) == 0)
        violation(c,
                  "certificate %s is %s in the station's records, and the vault's log has no signature of it",
                  serial, state);
    return 0;
}

/* ---- voiding reaches vault and portal ---- */

struct void_report {
    const char *serial;
    bool there, accepted;
};

static int each_report(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)c;
    struct void_report *r = arg;
    const char *text = db_col_text(rows, 2);
    json_t *body = json_parse(text, strlen(text), err);
    if (body == NULL)
        return -1;
    if (strcmp(json_str(body, "certificate_serial"), r->serial) == 0) {
        r->there = true;
        r->accepted = r->accepted ||
                      (db_col_int(rows, 0) != 0 && db_col_int(rows, 1) >= 200 && db_col_int(rows, 1) < 300);
    }
    json_decref(body);
    return 0;
}

static int portal_is_told(struct check *c, const char *job, const char *serial, struct err *err)
{
    struct void_report report = {.serial = serial};
    char application[65];
    bool found = false;
    if (check_rows(c->station, CHECK_VOID_REPORTS, DB_ARGS(DB_TEXT(job)), each_report, c, &report, err) < 0 ||
        check_text(c->portal, CHECK_VOIDED, serial, application, sizeof application, &found, err) < 0)
        return -1;
    if (!report.there)
        violation(c, "certificate %s was signed and is void, and nothing tells the portal", serial);
    else if (report.accepted && !found)
        violation(c, "certificate %s: the portal acknowledged its voiding and has no record of it", serial);
    return 0;
}

enum void_column { ID, VOID_JOB, VOID_APPLICATION, SERIAL_NUMBER, VAULT_DONE, FOUND };

static int each_void(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)arg;
    const char *serial = db_col_text(rows, SERIAL_NUMBER);
    const bool was_signed = json_array_size(json_object_get(vault_serial(c, serial), "signatures")) > 0;
    if (*serial == '\0')
        return 0; /* a reservation that the station never heard of: the job's, whatever its number */
    if (db_col_int(rows, VAULT_DONE) == 0)
        return 0;
    if (vault_serial(c, serial) != NULL && !vault_is_void(c, serial))
        violation(c,
                  "serial number %s: the station's records say that the vault has voided it; the vault's log "
                  "does not",
                  serial);
    return was_signed ? portal_is_told(c, db_col_text(rows, VOID_JOB), serial, err) : 0;
}

int check_signed(struct check *c, struct err *err)
{
    json_t *entry = NULL;
    const char *serial = NULL;
    json_object_foreach(c->vault, serial, entry)
    {
        if (each_signed(c, serial, entry, err) < 0)
            return -1;
    }
    if (check_rows(c->station, CHECK_CERTIFICATES, DB_NO_ARGS, each_recorded, c, NULL, err) < 0)
        return -1;
    return check_rows(c->station, CHECK_VOIDS, DB_NO_ARGS, each_void, c, NULL, err);
}
