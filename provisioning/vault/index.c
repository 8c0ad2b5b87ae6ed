#include "vault/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "vault/map.h"

/* Names may hold a token's serial number and more: keys are digests of "kind NUL part NUL part". */
enum key_kind { BY_SERIAL, BY_TBS, BY_KEY, BY_APPROVAL, BY_APPLICATION, BY_TOKEN, BY_LETTER, KEY_KINDS };

struct index {
    struct map maps[KEY_KINDS];
    struct reservation *all;
    struct index_counts counts;
    int64_t last_at;
    struct log_place ca;
    bool has_ca;
};

static const char letter_printing, letter_printed; /* their addresses are the values of BY_LETTER */

struct index *index_new(void)
{
    return calloc(1, sizeof(struct index));
}

void index_free(struct index **ixp)
{
    struct index *ix = ixp ? *ixp : NULL;
    if (!ix)
        return;
    for (int k = 0; k < KEY_KINDS; k++)
        map_done(&ix->maps[k]);
    for (struct reservation *r = ix->all, *next; r; r = next) {
        next = r->next;
        free(r);
    }
    free(ix);
    *ixp = NULL;
}

static void digest(const char *a, const char *b, uint32_t n, uint8_t ret[SHA256_SIZE])
{
    char text[JOB_ID_SIZE + SERIAL_SIZE + 16];
    int len = snprintf(text, sizeof(text), "%s%c%s%c%u", a, '\0', b, '\0', n);
    sha256(text, len > 0 ? (size_t)len : 0, ret);
}

/* ---- looking up --------------------------------------------------------------------------------- */

static struct reservation *by_serial(const struct index *ix, const void *serial, size_t len)
{
    uint8_t key[SHA256_SIZE];
    sha256(serial, len, key);
    return map_get(&ix->maps[BY_SERIAL], key);
}

const struct reservation *index_by_serial(const struct index *ix, const void *serial, size_t len)
{
    return by_serial(ix, serial, len);
}

const struct reservation *index_by_tbs(const struct index *ix, const uint8_t tbs_sha256[SHA256_SIZE])
{
    return map_get(&ix->maps[BY_TBS], tbs_sha256);
}

const struct reservation *index_by_key(const struct index *ix, const uint8_t spki_sha256[SHA256_SIZE])
{
    return map_get(&ix->maps[BY_KEY], spki_sha256);
}

static const struct reservation *live(const struct index *ix, enum key_kind kind, const char *name)
{
    uint8_t key[SHA256_SIZE];
    sha256(name, strlen(name), key);
    const struct reservation *r = map_get(&ix->maps[kind], key);
    return r && !r->is_void ? r : NULL;
}

const struct reservation *index_live_of_approval(const struct index *ix, const char *approval)
{
    return live(ix, BY_APPROVAL, approval);
}

const struct reservation *index_live_of_application(const struct index *ix, const char *application)
{
    return live(ix, BY_APPLICATION, application);
}

const struct reservation *index_live_of_job(const struct index *ix, const char *job)
{
    const struct reservation *r = ix->all;
    while (r && (r->is_void || strcmp(r->job, job) != 0))
        r = r->next;
    return r;
}

const struct reservation *index_signed_of_token(const struct index *ix, const char *job, const char *token)
{
    uint8_t key[SHA256_SIZE];
    digest(job, token, 0, key);
    return map_get(&ix->maps[BY_TOKEN], key);
}

enum letter_state index_letter(const struct index *ix, const char *job, const char *token,
                               uint32_t pin_version)
{
    uint8_t key[SHA256_SIZE];
    digest(job, token, pin_version, key);
    const void *value = map_get(&ix->maps[BY_LETTER], key);
    if (!value)
        return LETTER_NONE;
    return value == &letter_printed ? LETTER_PRINTED : LETTER_PRINTING;
}

int64_t index_last_at(const struct index *ix)
{
    return ix->last_at;
}

const struct log_place *index_ca(const struct index *ix)
{
    return ix->has_ca ? &ix->ca : NULL;
}

struct index_counts index_counts(const struct index *ix)
{
    return ix->counts;
}

/* ---- taking records in -------------------------------------------------------------------------- */

static int bad(struct err *err, const char *what)
{
    return err_set(err, ERR_VAULT_LOG, "the record contradicts the log: %s", what);
}

static int take_str(const json_t *record, const char *name, char *dst, size_t cap, struct err *err)
{
    const char *s = json_str(record, name);
    if (s[0] == '\0' || strlen(s) >= cap)
        return err_set(err, ERR_VAULT_LOG, "the record has no good \"%s\"", name);
    memcpy(dst, s, strlen(s) + 1);
    return 0;
}

static int take_hex(const json_t *record, const char *name, uint8_t *dst, size_t cap, size_t *ret_len,
                    struct err *err)
{
    if (hex_decode(json_str(record, name), dst, cap, ret_len, err) != 0 || *ret_len == 0)
        return err_set(err, ERR_VAULT_LOG, "the record has no good \"%s\"", name);
    return 0;
}

static int take_digest(const json_t *record, const char *name, uint8_t dst[SHA256_SIZE], struct err *err)
{
    size_t n = 0;
    if (take_hex(record, name, dst, SHA256_SIZE, &n, err) != 0)
        return -1;
    return n == SHA256_SIZE ? 0 : err_set(err, ERR_VAULT_LOG, "the record has no good \"%s\"", name);
}

static struct reservation *named_by(struct index *ix, const json_t *record, struct err *err)
{
    uint8_t serial[SERIAL_NUMBER_MAX];
    size_t n = 0;
    if (take_hex(record, "serial_number", serial, sizeof(serial), &n, err) != 0)
        return NULL;
    struct reservation *r = by_serial(ix, serial, n);
    if (!r)
        bad(err, "nobody reserved its serial number");
    return r;
}

static int fill(struct reservation *r, const json_t *record, struct err *err)
{
    if (take_hex(record, "serial_number", r->serial, sizeof(r->serial), &r->serial_len, err) != 0 ||
        take_str(record, "job", r->job, sizeof(r->job), err) != 0 ||
        take_str(record, "token", r->token, sizeof(r->token), err) != 0 ||
        take_str(record, "application", r->application, sizeof(r->application), err) != 0 ||
        take_str(record, "approval", r->approval, sizeof(r->approval), err) != 0 ||
        take_digest(record, "spki_sha256", r->spki_sha256, err) != 0)
        return -1;
    const char *name = json_str(record, "organisation");
    sha256(name, strlen(name), r->organisation_sha256);
    return 0;
}

static int put_named(struct index *ix, enum key_kind kind, const void *name, size_t len, void *value,
                     struct err *err)
{
    uint8_t key[SHA256_SIZE];
    sha256(name, len, key);
    return map_put(&ix->maps[kind], key, value, err);
}

static int apply_reserve(struct index *ix, const json_t *record, const struct log_place *place,
                         struct err *err)
{
    (void)place;
    struct reservation *r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(err, ERR_MEMORY, "a reservation");
    r->next = ix->all; /* owned by the list from here on, whatever follows */
    ix->all = r;
    if (fill(r, record, err) != 0)
        return -1;
    if (index_by_serial(ix, r->serial, r->serial_len))
        return bad(err, "its serial number is reserved twice");
    if (index_by_key(ix, r->spki_sha256))
        return bad(err, "its key has two serial numbers");
    ix->counts.reserved++;
    if (put_named(ix, BY_SERIAL, r->serial, r->serial_len, r, err) != 0 ||
        put_named(ix, BY_APPROVAL, r->approval, strlen(r->approval), r, err) != 0 ||
        put_named(ix, BY_APPLICATION, r->application, strlen(r->application), r, err) != 0)
        return -1;
    return map_put(&ix->maps[BY_KEY], r->spki_sha256, r, err);
}

static int apply_intent(struct index *ix, const json_t *record, const struct log_place *place,
                        struct err *err)
{
    (void)place;
    uint8_t tbs[SHA256_SIZE];
    struct reservation *r = named_by(ix, record, err);
    if (!r || take_digest(record, "tbs_sha256", tbs, err) != 0)
        return -1;
    if (r->is_void)
        return bad(err, "its serial number is void");
    if (r->has_intent && memcmp(r->tbs_sha256, tbs, sizeof(tbs)) != 0)
        return bad(err, "its serial number has another TBS");
    memcpy(r->tbs_sha256, tbs, sizeof(tbs));
    r->has_intent = true;
    return map_put(&ix->maps[BY_TBS], tbs, r, err);
}

static int apply_signature(struct index *ix, const json_t *record, const struct log_place *place,
                           struct err *err)
{
    uint8_t tbs[SHA256_SIZE], key[SHA256_SIZE];
    struct reservation *r = named_by(ix, record, err);
    if (!r || take_digest(record, "tbs_sha256", tbs, err) != 0)
        return -1;
    if (!r->has_intent || memcmp(r->tbs_sha256, tbs, sizeof(tbs)) != 0)
        return bad(err, "a signature without its intent");
    if (r->is_signed)
        return bad(err, "a second signature");
    r->is_signed = true;
    r->signature = *place;
    ix->counts.certificates++;
    ix->counts.reserved -= r->is_void ? 0 : 1;
    digest(r->job, r->token, 0, key);
    return map_put(&ix->maps[BY_TOKEN], key, r, err);
}

static int apply_void(struct index *ix, const json_t *record, const struct log_place *place, struct err *err)
{
    (void)place;
    struct reservation *r = named_by(ix, record, err);
    if (!r)
        return -1;
    if (r->is_void)
        return bad(err, "voided twice");
    r->is_void = true;
    ix->counts.voided++;
    ix->counts.reserved -= r->is_signed ? 0 : 1;
    return 0;
}

static int apply_letter(struct index *ix, const json_t *record, const char *value, struct err *err)
{
    char job[JOB_ID_SIZE], token[SERIAL_SIZE];
    uint8_t key[SHA256_SIZE];
    if (take_str(record, "job", job, sizeof(job), err) != 0 ||
        take_str(record, "token", token, sizeof(token), err) != 0)
        return -1;
    digest(job, token, (uint32_t)json_int(record, "pin_version"), key);
    void *state;
    memcpy(&state, &value, sizeof(state)); /* only its address is used */
    return map_put(&ix->maps[BY_LETTER], key, state, err);
}

static int apply_letter_printing(struct index *ix, const json_t *record, const struct log_place *place,
                                 struct err *err)
{
    (void)place;
    return apply_letter(ix, record, &letter_printing, err);
}

static int apply_letter_printed(struct index *ix, const json_t *record, const struct log_place *place,
                                struct err *err)
{
    (void)place;
    return apply_letter(ix, record, &letter_printed, err);
}

static int apply_ca(struct index *ix, const json_t *record, const struct log_place *place, struct err *err)
{
    (void)record;
    if (ix->has_ca)
        return bad(err, "a second CA");
    ix->ca = *place;
    ix->has_ca = true;
    return 0;
}

static int (*const appliers[RECORD_TYPE_COUNT])(struct index *, const json_t *, const struct log_place *,
                                                struct err *) = {
    [RECORD_CA_INIT] = apply_ca,
    [RECORD_RESERVE] = apply_reserve,
    [RECORD_SIGN_INTENT] = apply_intent,
    [RECORD_SIGNATURE] = apply_signature,
    [RECORD_VOID] = apply_void,
    [RECORD_LETTER_PRINTING] = apply_letter_printing,
    [RECORD_LETTER_PRINTED] = apply_letter_printed,
};

int index_apply(void *arg, const json_t *record, const struct log_place *place, struct err *err)
{
    struct index *ix = arg;
    int64_t at = clock_utc_parse(json_str(record, "at"));
    enum record_type type = record_type_from_name(json_str(record, "type"));
    /* a clock that was wrong when the machine started, and set right since, has decided nothing */
    if (at > ix->last_at && type != RECORD_START && type != RECORD_LOGIN && type != RECORD_REFUSED)
        ix->last_at = at;
    if (type == RECORD_TYPE_COUNT || !appliers[type])
        return 0;
    return appliers[type](ix, record, place, err);
}
