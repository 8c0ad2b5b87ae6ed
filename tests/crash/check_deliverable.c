/* Invariant 1: a token is deliverable only with a certificate that is its own key's, its own application's,
 * verified, and acknowledged by the portal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/json.h"
#include "cert/cert.h"
#include "check.h"

/* One deliverable token and its job. Everything is borrowed from the row. */
struct subject {
    const char *token, *job, *kind, *state, *application, *organisation, *job_token;
    int64_t generation;
    struct {
        const uint8_t *data;
        size_t len;
    } spki, tbs, certificate, serial_number, key_id, document;
    char serial_hex[65], key_hex[129];
    X509 *x509;
};

enum column {
    TOKEN,
    JOB,
    KIND,
    STATE,
    APPLICATION,
    GENERATION,
    ORGANISATION,
    JOB_TOKEN,
    SPKI,
    TBS,
    CERTIFICATE,
    SERIAL_NUMBER,
    KEY_ID,
    DOCUMENT
};

#define BLOB(field, column) (s->field.data = db_col_blob(rows, column, &s->field.len))

static void subject_read(struct db_rows *rows, struct subject *s)
{
    s->token = db_col_text(rows, TOKEN);
    s->job = db_col_text(rows, JOB);
    s->kind = db_col_text(rows, KIND);
    s->state = db_col_text(rows, STATE);
    s->application = db_col_text(rows, APPLICATION);
    s->generation = db_col_int(rows, GENERATION);
    s->organisation = db_col_text(rows, ORGANISATION);
    s->job_token = db_col_text(rows, JOB_TOKEN);
    BLOB(spki, SPKI);
    BLOB(tbs, TBS);
    BLOB(certificate, CERTIFICATE);
    BLOB(serial_number, SERIAL_NUMBER);
    BLOB(key_id, KEY_ID);
    BLOB(document, DOCUMENT);
    if (s->serial_number.len <= 32)
        hex_encode(s->serial_number.data, s->serial_number.len, s->serial_hex);
    if (s->key_id.len <= 64)
        hex_encode(s->key_id.data, s->key_id.len, s->key_hex);
    const uint8_t *p = s->certificate.data;
    s->x509 = s->certificate.len > 0 ? d2i_X509(NULL, &p, (long)s->certificate.len) : NULL;
}

static bool same(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* ---- one function a demand ---- */

static int job_is_done(struct check *c, struct subject *s, struct err *err)
{
    (void)err;
    if (strcmp(s->kind, "make") != 0 || strcmp(s->state, "done") != 0)
        violation(c, "token %s is deliverable, its job %s is %s, %s", s->token, s->job, s->kind, s->state);
    if (strcmp(s->job_token, s->token) != 0)
        violation(c, "token %s is deliverable, its job %s names token %s", s->token, s->job, s->job_token);
    return 0;
}

static int each_certificate(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)err;
    const struct subject *s = arg;
    size_t len = 0;
    const void *der = db_col_blob(rows, 5, &len);
    if (strcmp(db_col_text(rows, 4), "deliverable") != 0)
        violation(c, "token %s is deliverable, its certificate %s is %s", s->token, s->serial_hex,
                  db_col_text(rows, 4));
    if (strcmp(db_col_text(rows, 1), s->job) != 0 || strcmp(db_col_text(rows, 2), s->application) != 0 ||
        strcmp(db_col_text(rows, 3), s->token) != 0)
        violation(c, "token %s: certificate %s is recorded for job %s, application %s, token %s", s->token,
                  s->serial_hex, db_col_text(rows, 1), db_col_text(rows, 2), db_col_text(rows, 3));
    if (!same(der, len, s->certificate.data, s->certificate.len))
        violation(c, "token %s: the recorded certificate %s is not the job's", s->token, s->serial_hex);
    return 0;
}

static int certificate_is_recorded(struct check *c, struct subject *s, struct err *err)
{
    char tbs[SHA256_HEX_SIZE], hash[SHA256_HEX_SIZE];
    bool found = false;
    if (check_text(c->station, CHECK_CERTIFICATE, s->serial_hex, tbs, sizeof tbs, &found, err) < 0)
        return -1;
    sha256_hex(s->tbs.data, s->tbs.len, hash);
    if (!found)
        violation(c, "token %s is deliverable and has no certificate in the records", s->token);
    else if (strcmp(tbs, hash) != 0)
        violation(c, "token %s: certificate %s has another TBS than was reserved", s->token, s->serial_hex);
    return check_rows(c->station, CHECK_CERTIFICATE, DB_ARGS(DB_TEXT(s->serial_hex)), each_certificate, c, s,
                      err);
}

/* The certificate is over exactly the TBS that was reserved, and signed by the CA of the vault's log. */
static int certificate_is_signed(struct check *c, struct subject *s, struct err *err)
{
    (void)err;
    struct err why;
    char serial[65];
    if (s->x509 == NULL) {
        violation(c, "token %s: job %s has no certificate that can be read", s->token, s->job);
        return 0;
    }
    if (cert_matches(s->certificate.data, s->certificate.len, s->tbs.data, s->tbs.len, c->ca.data, c->ca.len,
                     &why) < 0)
        violation(c, "token %s: certificate %s: %s", s->token, s->serial_hex, why.text);
    if (cert_serial_hex(s->certificate.data, s->certificate.len, serial, sizeof serial, &why) < 0 ||
        strcmp(serial, s->serial_hex) != 0)
        violation(c, "token %s: the certificate's serial number is not %s", s->token, s->serial_hex);
    return 0;
}

static int key_is_own(struct check *c, struct subject *s, struct err *err)
{
    (void)err;
    unsigned char *der = NULL;
    int len = s->x509 != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(s->x509), &der) : 0;
    if (s->x509 != NULL && !same(der, len > 0 ? (size_t)len : 0, s->spki.data, s->spki.len))
        violation(c, "token %s: certificate %s is for another key than job %s generated", s->token,
                  s->serial_hex, s->job);
    OPENSSL_free(der);
    return 0;
}

static void organisation_of(X509 *x509, char *dst, size_t cap)
{
    const X509_NAME *name = X509_get_subject_name(x509);
    int at = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
    unsigned char *text = NULL;
    dst[0] = '\0';
    if (at < 0)
        return;
    if (ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))) >= 0)
        snprintf(dst, cap, "%s", (const char *)text);
    OPENSSL_free(text);
}

/* By the job's row, by the application's document, and by the portal (see portal_knows). */
static int subject_is_own(struct check *c, struct subject *s, struct err *err)
{
    char subject[257];
    if (s->x509 == NULL)
        return 0;
    organisation_of(s->x509, subject, sizeof subject);
    json_t *document = json_parse(s->document.data, s->document.len, err);
    if (document == NULL)
        return err_prepend(err, "application of job %s", s->job);
    const char *applied = json_str(json_object_get(document, "organisation"), "name");
    if (strcmp(subject, applied) != 0 || strcmp(s->organisation, applied) != 0)
        violation(
            c, "token %s: certificate %s says organisation \"%s\"; application %s is of \"%s\" (job: \"%s\")",
            s->token, s->serial_hex, subject, s->application, applied, s->organisation);
    if (strcmp(json_str(document, "id"), s->application) != 0)
        violation(c, "token %s: job %s is of application %s, its document of %s", s->token, s->job,
                  s->application, json_str(document, "id"));
    json_decref(document);
    return 0;
}

static int was_verified(struct check *c, struct subject *s, struct err *err)
{
    int64_t n = 0;
    if (check_count(c->station, CHECK_VERIFIED, s->job, &n, err) < 0)
        return -1;
    if (n == 0)
        violation(c,
                  "token %s is deliverable, and job %s has no verify done after its key and certificate were "
                  "written",
                  s->token, s->job);
    return 0;
}

static int vault_signed_it(struct check *c, struct subject *s, struct err *err)
{
    (void)err;
    const json_t *entry = vault_serial(c, s->serial_hex);
    const json_t *first = json_array_get(json_object_get(entry, "signatures"), 0);
    char *hex = malloc(2 * s->certificate.len + 1);
    if (hex == NULL)
        return err_set(err, ERR_MEMORY, "a certificate");
    hex_encode(s->certificate.data, s->certificate.len, hex);
    if (strcmp(json_str(first, "certificate"), hex) != 0)
        violation(c, "token %s: certificate %s is not what the vault's log says it signed", s->token,
                  s->serial_hex);
    if (vault_is_void(c, s->serial_hex))
        violation(c, "token %s is deliverable, and the vault has voided its certificate %s", s->token,
                  s->serial_hex);
    free(hex);
    return 0;
}

static int each_application(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)err;
    const struct subject *s = arg;
    if (strcmp(db_col_text(rows, 0), "made") != 0 || db_col_int(rows, 1) != s->generation)
        violation(c,
                  "token %s is deliverable with generation %lld; the portal says application %s is %s, "
                  "generation %lld",
                  s->token, (long long)s->generation, s->application, db_col_text(rows, 0),
                  (long long)db_col_int(rows, 1));
    if (strcmp(db_col_text(rows, 2), s->organisation) != 0)
        violation(c, "token %s: the portal says application %s is of \"%s\", the job says \"%s\"", s->token,
                  s->application, db_col_text(rows, 2), s->organisation);
    return 0;
}

static int each_standing(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    const struct subject *s = arg;
    struct buf der;
    buf_init(&der);
    const char *pem = db_col_text(rows, 3);
    if (strcmp(db_col_text(rows, 0), s->application) != 0 || db_col_int(rows, 1) != s->generation ||
        strcmp(db_col_text(rows, 2), s->token) != 0)
        violation(c, "token %s: the portal has certificate %s for application %s, generation %lld, token %s",
                  s->token, s->serial_hex, db_col_text(rows, 0), (long long)db_col_int(rows, 1),
                  db_col_text(rows, 2));
    if (!db_col_null(rows, 4))
        violation(c, "token %s is deliverable, and the portal has voided its certificate %s", s->token,
                  s->serial_hex);
    if (cert_from_pem(pem, strlen(pem), &der, err) < 0 ||
        !same(der.data, der.len, s->certificate.data, s->certificate.len))
        violation(c, "token %s: the portal holds another certificate under %s", s->token, s->serial_hex);
    buf_done(&der);
    return 0;
}

static int portal_knows(struct check *c, struct subject *s, struct err *err)
{
    char text[65];
    bool found = false;
    if (check_text(c->portal, CHECK_APPLICATION, s->application, text, sizeof text, &found, err) < 0)
        return -1;
    if (!found)
        violation(c, "token %s is deliverable, and the portal knows no application %s", s->token,
                  s->application);
    if (check_text(c->portal, CHECK_STANDING, s->serial_hex, text, sizeof text, &found, err) < 0)
        return -1;
    if (!found)
        violation(c, "token %s is deliverable, and the portal has not acknowledged certificate %s", s->token,
                  s->serial_hex);
    if (check_rows(c->portal, CHECK_APPLICATION, DB_ARGS(DB_TEXT(s->application)), each_application, c, s,
                   err) < 0)
        return -1;
    return check_rows(c->portal, CHECK_STANDING, DB_ARGS(DB_TEXT(s->serial_hex)), each_standing, c, s, err);
}

/* The public key as PKCS#11 gives it: CKA_EC_POINT is the point in an OCTET STRING, CKA_MODULUS the bare
 * number. */
static bool key_matches(const json_t *key, X509 *x509)
{
    bool rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(x509)) == EVP_PKEY_RSA;
    const char *hex = json_str(key, rsa ? "modulus" : "point");
    uint8_t stored[1100], wanted[1100];
    size_t n = 0, m = 0;
    struct err err;
    BIGNUM *modulus = NULL;
    if (hex_decode(hex, stored, sizeof stored, &n, &err) < 0 || n == 0)
        return false;
    if (rsa) {
        if (EVP_PKEY_get_bn_param(X509_get0_pubkey(x509), "n", &modulus) == 1 &&
            BN_num_bytes(modulus) < (int)sizeof wanted)
            m = (size_t)BN_bn2bin(modulus, wanted);
        BN_free(modulus);
        return same(stored, n, wanted, m);
    }
    if (EVP_PKEY_get_octet_string_param(X509_get0_pubkey(x509), "pub", wanted, sizeof wanted, &m) != 1)
        return false;
    return n == m + 2 && stored[0] == 4 && stored[1] == m && memcmp(stored + 2, wanted, m) == 0;
}

static int token_holds_it(struct check *c, struct subject *s, struct err *err)
{
    const json_t *device = device_find(c, s->token);
    if (device == NULL || s->x509 == NULL)
        return 0;
    const json_t *certificate = device_object(device, "certificates", s->key_hex);
    const json_t *key = device_object(device, "keys", s->key_hex);
    char *hex = malloc(2 * s->certificate.len + 1);
    if (hex == NULL)
        return err_set(err, ERR_MEMORY, "a certificate");
    hex_encode(s->certificate.data, s->certificate.len, hex);
    if (strcmp(json_str(certificate, "value"), hex) != 0)
        violation(c, "token %s is deliverable and does not hold certificate %s under id %s", s->token,
                  s->serial_hex, s->key_hex);
    if (key == NULL || !key_matches(key, s->x509))
        violation(c, "token %s is deliverable and does not hold the certificate's public key under id %s",
                  s->token, s->key_hex);
    free(hex);
    return 0;
}

static int (*const demands[])(struct check *c, struct subject *s, struct err *err) = {
    certificate_is_recorded, certificate_is_signed, key_is_own,     subject_is_own, was_verified,
    vault_signed_it,         portal_knows,          token_holds_it,
};

static int each_deliverable(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)arg;
    struct subject s = {0};
    subject_read(rows, &s);
    c->seen.deliverable++;
    int rc = job_is_done(c, &s, err);
    if (s.kind[0] == '\0')
        return rc; /* no such job: said */
    for (size_t i = 0; rc == 0 && i < sizeof demands / sizeof demands[0]; i++)
        rc = demands[i](c, &s, err);
    X509_free(s.x509);
    return rc;
}

int check_deliverable(struct check *c, struct err *err)
{
    return check_rows(c->station, CHECK_DELIVERABLE, DB_NO_ARGS, each_deliverable, c, NULL, err);
}
