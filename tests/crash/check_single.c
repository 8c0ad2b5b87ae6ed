/* Invariant 2: an application never has two deliverable tokens; a serial number never has two TBS, a TBS
 * never two signatures let out. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cert/cert.h"
#include "cert/parse.h"
#include "check.h"

static int each_double(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)err;
    violation(c, "application %s has several %s: %s", db_col_text(rows, 0), (const char *)arg,
              db_col_text(rows, 1));
    return 0;
}

static int doubles(struct check *c, struct err *err)
{
    static char tokens[] = "deliverable tokens", certificates[] = "deliverable certificates",
                standing[] = "certificates that stand at the portal";
    if (check_rows(c->station, CHECK_DOUBLE_TOKENS, DB_NO_ARGS, each_double, c, tokens, err) < 0 ||
        check_rows(c->station, CHECK_DOUBLE_CERTIFICATES, DB_NO_ARGS, each_double, c, certificates, err) < 0)
        return -1;
    return check_rows(c->portal, CHECK_DOUBLE_STANDING, DB_NO_ARGS, each_double, c, standing, err);
}

/* ---- the vault's log ---- */

/* What the certificate itself says, against what the log says of it. */
static int certificate_says(struct check *c, const char *serial, const json_t *signature, struct err *err)
{
    const char *hex = json_str(signature, "certificate");
    size_t cap = strlen(hex) / 2 + 1, len = 0, n = 0;
    char own[65] = "", hash[SHA256_HEX_SIZE] = "";
    struct err why;
    uint8_t *der = malloc(cap);
    if (der == NULL)
        return err_set(err, ERR_MEMORY, "a certificate");
    if (hex_decode(hex, der, cap, &len, &why) < 0 || cert_serial_hex(der, len, own, sizeof own, &why) < 0)
        violation(c, "the vault signed a certificate under serial number %s that cannot be read", serial);
    else {
        const uint8_t *tbs = first_in_sequence(der, len, &n);
        if (tbs != NULL)
            sha256_hex(tbs, n, hash);
        if (strcmp(own, serial) != 0)
            violation(c, "the vault's log has a certificate of serial number %s under %s", own, serial);
        if (strcmp(hash, json_str(signature, "tbs")) != 0)
            violation(c,
                      "the vault's log has for serial number %s a certificate over another TBS than it says",
                      serial);
    }
    free(der);
    return 0;
}

static int each_vault_serial(struct check *c, const char *serial, const json_t *entry, json_t *by_tbs,
                             struct err *err)
{
    const json_t *signatures = json_object_get(entry, "signatures"), *signature = NULL;
    size_t i;
    if (json_array_size(json_object_get(entry, "tbs")) > 1)
        violation(c, "serial number %s has %zu TBS in the vault's log", serial,
                  json_array_size(json_object_get(entry, "tbs")));
    json_array_foreach(signatures, i, signature)
    {
        const char *tbs = json_str(signature, "tbs"), *certificate = json_str(signature, "certificate");
        const char *known = json_string_value(json_object_get(by_tbs, tbs));
        if (known != NULL && strcmp(known, certificate) != 0)
            violation(c, "TBS %s (serial number %s) has two signatures in the vault's log", tbs, serial);
        else if (i > 0)
            violation(c, "serial number %s was signed more than once in the vault's log", serial);
        json_object_set_new(by_tbs, tbs, json_string(certificate));
        if (certificate_says(c, serial, signature, err) < 0)
            return -1;
    }
    return 0;
}

static int vault_is_single(struct check *c, struct err *err)
{
    int rc = 0;
    json_t *by_tbs = json_object(), *entry = NULL;
    const char *serial = NULL;
    json_object_foreach(c->vault, serial, entry)
    {
        if ((rc = each_vault_serial(c, serial, entry, by_tbs, err)) < 0)
            break;
    }
    json_decref(by_tbs);
    return rc;
}

/* ---- the station's records against it ---- */

static bool vault_has_tbs(const json_t *entry, const char *hash)
{
    size_t i;
    const json_t *known = NULL;
    json_array_foreach(json_object_get(entry, "tbs"), i, known)
    {
        if (strcmp(json_string_value(known), hash) == 0)
            return true;
    }
    return false;
}

enum certificate_column { SERIAL_NUMBER, TBS_SHA256, JOB, APPLICATION, TOKEN, STATE, CERTIFICATE };

static int each_recorded(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    (void)arg;
    (void)err;
    const char *serial = db_col_text(rows, SERIAL_NUMBER), *hash = db_col_text(rows, TBS_SHA256);
    const json_t *entry = vault_serial(c, serial);
    size_t len = 0, n = 0;
    char own[SHA256_HEX_SIZE] = "";
    const uint8_t *der = db_col_blob(rows, CERTIFICATE, &len);
    if (json_array_size(json_object_get(entry, "tbs")) > 0 && !vault_has_tbs(entry, hash))
        violation(c, "serial number %s has TBS %s in the station's records and another in the vault's log",
                  serial, hash);
    if (len == 0)
        return 0;
    const uint8_t *tbs = first_in_sequence(der, len, &n);
    if (tbs != NULL)
        sha256_hex(tbs, n, own);
    if (strcmp(own, hash) != 0)
        violation(c, "serial number %s: the recorded certificate is over another TBS than was reserved",
                  serial);
    return 0;
}

/* The journal has every reservation that was ever made, the table of certificates only the last word. */
static int each_reserved(struct check *c, struct db_rows *rows, void *arg, struct err *err)
{
    json_t *seen = arg;
    const char *text = db_col_text(rows, 1);
    json_t *evidence = json_parse(text, strlen(text), err);
    if (evidence == NULL)
        return err_prepend(err, "journal of job %s", db_col_text(rows, 0));
    const char *serial = json_str(evidence, "serial_number"), *hash = json_str(evidence, "tbs_sha256");
    const char *known = json_string_value(json_object_get(seen, serial));
    if (known != NULL && strcmp(known, hash) != 0)
        violation(c, "serial number %s was reserved for two TBS in the journal: %s and %s", serial, known,
                  hash);
    if (*serial != '\0')
        json_object_set_new(seen, serial, json_string(hash));
    json_decref(evidence);
    return 0;
}

int check_single(struct check *c, struct err *err)
{
    json_t *seen = json_object();
    int rc =
        doubles(c, err) < 0 || vault_is_single(c, err) < 0 ||
                check_rows(c->station, CHECK_CERTIFICATES, DB_NO_ARGS, each_recorded, c, NULL, err) < 0 ||
                check_rows(c->station, CHECK_RESERVED, DB_NO_ARGS, each_reserved, c, seen, err) < 0
            ? -1
            : 0;
    json_decref(seen);
    return rc;
}
