/* station enrol, list, revoke: which stations may use the station API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "portal/caportal.h"
#include "portal/certificate.h"
#include "portal/pki.h"

#define CSR_MAX 65536

/* ---- enrol
 * ----------------------------------------------------------------------------------------------------- */

static int sign_request(const struct caportal *c, X509 **ret, struct err *err)
{
    struct buf csr;
    EVP_PKEY *ca_key = NULL;
    X509 *ca = NULL;
    int rc = -1;
    buf_init(&csr);
    if (file_read(c->words[1], CSR_MAX, &csr, err) != 0 || !buf_cstr(&csr) ||
        pki_read_certificate(c->conf.station_api.client_ca, &ca, err) != 0 ||
        pki_read_private(c->conf.station_api.client_ca_key, &ca_key, err) != 0)
        goto out;
    if (X509_check_private_key(ca, ca_key) != 1)
        err_set(err, ERR_TLS, "%s and %s are not a pair", c->conf.station_api.client_ca,
                c->conf.station_api.client_ca_key);
    else if ((rc = pki_station_new(ca, ca_key, buf_cstr(&csr), c->words[0], ret, err)) != 0)
        err_prepend(err, "%s", c->words[1]);
out:
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    buf_done(&csr);
    return rc;
}

static int refuse_taken_name(struct db *db, const char *name, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_query(db, PSQL_STATION_BY_NAME, DB_ARGS(DB_TEXT(name)), &rows, err) != 0)
        return -1;
    int r = db_next(rows, err);
    int64_t n = r == 1 ? db_col_int(rows, 0) : 0;
    db_rows_free(&rows);
    if (n > 0)
        return err_set(err, ERR_EXISTS,
                       "station %s: it is enrolled; a further certificate for it takes --renew", name);
    return r < 0 ? -1 : 0;
}

static int serial_of(const X509 *x509, char ret[65], struct err *err)
{
    BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    char *hex = bn ? BN_bn2hex(bn) : NULL;
    int rc = hex ? certificate_serial(hex, ret, err) : err_set(err, ERR_MEMORY, "serial number");
    OPENSSL_free(hex);
    BN_free(bn);
    return rc;
}

static int64_t utc_ms(const ASN1_TIME *at)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static int record(const struct caportal *c, struct db *db, X509 *x509, const char *pem, struct err *err)
{
    unsigned char digest[SHA256_SIZE];
    unsigned int len;
    char sha256[SHA256_HEX_SIZE], serial[65];
    if (X509_digest(x509, EVP_sha256(), digest, &len) != 1)
        return err_set(err, ERR_MEMORY, "certificate digest");
    hex_encode(digest, sizeof(digest), sha256);
    if (serial_of(x509, serial, err) != 0)
        return -1;
    return db_exec(db, PSQL_STATION_INSERT,
                   DB_ARGS(DB_TEXT(sha256), DB_TEXT(c->words[0]), DB_TEXT(serial),
                           DB_INT(utc_ms(X509_get0_notBefore(x509))),
                           DB_INT(utc_ms(X509_get0_notAfter(x509))), DB_TEXT(pem), DB_INT(clock_utc_ms()),
                           DB_TEXT(c->who)),
                   NULL, err);
}

/* The certificate goes out before the commit: one that is out but not registered is of no use to anyone. */
static int hand_out(const struct caportal *c, const char *pem, struct err *err)
{
    if (c->output)
        return file_create(c->output, pem, strlen(pem), 0644, err);
    if (fputs(pem, stdout) == EOF || fflush(stdout) != 0)
        return err_set(err, ERR_SYSTEM, "standard output takes no more");
    return 0;
}

int caportal_station_enrol(struct caportal *c, struct err *err)
{
    struct db *db = NULL;
    X509 *x509 = NULL;
    char *pem = NULL;
    int rc = -1;
    if (sign_request(c, &x509, err) != 0 || pki_pem(x509, &pem, err) != 0 || caportal_db(c, &db, err) != 0 ||
        db_begin(db, err) != 0)
        goto out;
    if (!(c->given & OPTION_RENEW) && refuse_taken_name(db, c->words[0], err) != 0)
        goto out;
    if (record(c, db, x509, pem, err) == 0 && hand_out(c, pem, err) == 0)
        rc = db_commit(db, err);
out:
    if (db)
        db_rollback(db);
    db_close(&db);
    X509_free(x509);
    free(pem);
    return rc;
}

/* ---- list, revoke
 * ---------------------------------------------------------------------------------------------- */

static const char *standing(const struct portal_station *s)
{
    return s->revoked_at ? "revoked" : s->not_after < clock_utc_ms() ? "expired" : "enrolled";
}

static int put_station(const struct portal_station *s, void *arg, struct err *err)
{
    json_t *list = arg;
    char enrolled[CLOCK_UTC_SIZE], until[CLOCK_UTC_SIZE], revoked[CLOCK_UTC_SIZE] = "";
    clock_utc_text(s->enrolled_at, enrolled);
    clock_utc_text(s->not_after, until);
    if (s->revoked_at)
        clock_utc_text(s->revoked_at, revoked);
    if (!list) {
        printf("%-24s %-9s %s  %s\n", s->name, standing(s), until, s->sha256);
        return 0;
    }
    json_t *o =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "name", s->name, "state", standing(s), "sha256",
                  s->sha256, "serial", s->serial, "not_after", until, "enrolled_at", enrolled, "enrolled_by",
                  s->enrolled_by, "revoked_at", revoked, "revoked_by", s->revoked_by);
    return json_array_append_new(list, o) == 0 ? 0 : err_set(err, ERR_MEMORY, "stations");
}

int caportal_station_list(struct caportal *c, struct err *err)
{
    json_t *list = c->given & OPTION_JSON ? json_array() : NULL;
    struct db *db = NULL;
    int rc = caportal_db(c, &db, err);
    if (rc == 0)
        rc = portal_station_list(db, put_station, list, err);
    db_close(&db);
    if (rc == 0 && list)
        return caportal_print_json(list, err);
    json_decref(list);
    return rc;
}

int caportal_station_revoke(struct caportal *c, struct err *err)
{
    struct db *db = NULL;
    int64_t changes = 0;
    int rc = caportal_db(c, &db, err);
    if (rc == 0)
        rc = db_exec(db, PSQL_STATION_REVOKE,
                     DB_ARGS(DB_TEXT(c->words[0]), DB_INT(clock_utc_ms()), DB_TEXT(c->who)), &changes, err);
    db_close(&db);
    if (rc == 0 && changes == 0)
        return err_set(err, ERR_NOT_FOUND, "station %s: it has no certificate that could be revoked",
                       c->words[0]);
    if (rc == 0) {
        caportal_say(c, stdout, TEXT_CAPORTAL_REVOKED, c->words[0]);
    }
    return rc;
}
