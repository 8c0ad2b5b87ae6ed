/* The vault's log, read by this program's own eyes: 64 hex digits of the chain hash, a blank, JSON, a
 * newline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/chain.h"
#include "base/json.h"
#include "check.h"

#define HASH_HEX (2 * SHA256_SIZE)

static json_t *entry_of(struct check *c, const char *serial_number)
{
    json_t *entry = json_object_get(c->vault, serial_number);
    if (entry == NULL) {
        entry = json_pack("{s:[] s:[] s:b}", "tbs", "signatures", "void", 0);
        if (entry == NULL || json_object_set_new(c->vault, serial_number, entry) < 0)
            abort();
    }
    return entry;
}

const json_t *vault_serial(const struct check *c, const char *serial_number)
{
    return json_object_get(c->vault, serial_number);
}

bool vault_is_void(const struct check *c, const char *serial_number)
{
    return json_is_true(json_object_get(vault_serial(c, serial_number), "void"));
}

static void add_tbs(json_t *entry, const char *hash)
{
    json_t *list = json_object_get(entry, "tbs");
    size_t i;
    json_t *known;
    json_array_foreach(list, i, known)
    {
        if (strcmp(json_string_value(known), hash) == 0)
            return;
    }
    json_array_append_new(list, json_string(hash));
}

static void take_reserve(struct check *c, const json_t *record)
{
    static const char *const names[] = {"job", "token", "application"};
    json_t *entry = entry_of(c, json_str(record, "serial_number"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        json_object_set_new(entry, names[i], json_string(json_str(record, names[i])));
}

static void take_intent(struct check *c, const json_t *record)
{
    add_tbs(entry_of(c, json_str(record, "serial_number")), json_str(record, "tbs_sha256"));
}

static void take_signature(struct check *c, const json_t *record)
{
    json_t *entry = entry_of(c, json_str(record, "serial_number"));
    add_tbs(entry, json_str(record, "tbs_sha256"));
    json_array_append_new(json_object_get(entry, "signatures"),
                          json_pack("{s:s s:s}", "tbs", json_str(record, "tbs_sha256"), "certificate",
                                    json_str(record, "certificate")));
}

static void take_void(struct check *c, const json_t *record)
{
    json_object_set_new(entry_of(c, json_str(record, "serial_number")), "void", json_true());
}

static void take_ca(struct check *c, const json_t *record)
{
    struct err err;
    const char *hex = json_str(record, "certificate");
    size_t len = 0;
    if (buf_reserve(&c->ca, strlen(hex) / 2 + 1, &err) == 0 &&
        hex_decode(hex, c->ca.data, strlen(hex) / 2 + 1, &len, &err) == 0)
        c->ca.len = len;
}

static const struct {
    const char *type;
    void (*take)(struct check *c, const json_t *record);
} takers[] = {
    {"ca_init", take_ca},          {"reserve", take_reserve}, {"sign_intent", take_intent},
    {"signature", take_signature}, {"void", take_void},
};

/* A line that breaks the chain is remembered for the check of the logs, and still counts for the others. */
static int take_line(struct check *c, const char *line, size_t len, int64_t number, uint8_t hash[SHA256_SIZE],
                     struct err *err)
{
    char expected[HASH_HEX + 1];
    if (len < HASH_HEX + 3 || line[HASH_HEX] != ' ')
        return err_set(err, ERR_VAULT_LOG, "%s: line %lld is no record", c->vault_path, (long long)number);
    const char *body = line + HASH_HEX + 1;
    size_t body_len = len - HASH_HEX - 1;
    chain_next(hash, body, body_len, hash);
    hex_encode(hash, SHA256_SIZE, expected);
    json_t *record = json_parse(body, body_len, err);
    if (record == NULL)
        return err_prepend(err, "%s: line %lld", c->vault_path, (long long)number);
    if ((memcmp(expected, line, HASH_HEX) != 0 || json_int(record, "n") != number) &&
        c->vault_fault[0] == '\0')
        snprintf(c->vault_fault, sizeof c->vault_fault, "record %lld (%s) does not fit the chain",
                 (long long)number, json_str(record, "type"));
    c->seen.vault_records++;
    size_t cap = 0;
    (void)hex_decode(line, hash, SHA256_SIZE, &cap, err); /* go on from what the file says */
    for (size_t i = 0; i < sizeof takers / sizeof takers[0]; i++)
        if (strcmp(takers[i].type, json_str(record, "type")) == 0)
            takers[i].take(c, record);
    json_decref(record);
    return 0;
}

int vault_load(struct check *c, struct err *err)
{
    uint8_t hash[SHA256_SIZE] = {0};
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = 0;
    int rc = 0;
    c->vault = json_object();
    FILE *f = fopen(c->vault_path, "re");
    if (f == NULL)
        return err_sys(err, "%s", c->vault_path);
    /* a last line without its newline was acknowledged to nobody */
    for (int64_t number = 1; rc == 0 && (n = getline(&line, &cap, f)) > 0 && line[n - 1] == '\n'; number++)
        rc = take_line(c, line, (size_t)n - 1, number, hash, err);
    free(line);
    fclose(f);
    return rc;
}
