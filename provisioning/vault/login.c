#include "vault/login.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/crash.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "wire/vault_wire.h"

#define FILE_MAX      4096
#define SCRYPT_N      16384 /* 16 MiB and some 50 ms a guess */
#define SCRYPT_R      8
#define SCRYPT_P      1
#define SCRYPT_MEMORY (64u << 20)

static const char *const outcomes[LOGIN_OUTCOME_COUNT] = {"none", "pending", "refused", "ok"};
static const char *const kinds[LOGIN_KIND_COUNT] = {"credential", "typed"};

static int fingerprint(const struct login *l, const struct buf *pin, uint8_t *ret, struct err *err)
{
    uint8_t out[32];
    if (EVP_PBE_scrypt((const char *)pin->data, pin->len, l->salt, sizeof(l->salt), SCRYPT_N, SCRYPT_R,
                       SCRYPT_P, SCRYPT_MEMORY, out, sizeof(out)) != 1)
        return err_set(err, ERR_INTERNAL, "login: scrypt failed");
    *ret = out[0];
    explicit_bzero(out, sizeof(out));
    return 0;
}

/* ---- the file ----------------------------------------------------------------------------------- */

static int take_try(struct login *l, enum login_kind kind, const json_t *top, struct err *err)
{
    static const struct json_field fields[] = {{"outcome", JSON_FIELD_STR, true, 16},
                                               {"fingerprint", JSON_FIELD_INT, true, 255}};
    const json_t *t = json_object_get(top, kinds[kind]);
    if (json_check(t, kinds[kind], fields, 2, err) != 0)
        return -1;
    const char *outcome = json_str(t, "outcome");
    int i = 0;
    while (i < LOGIN_OUTCOME_COUNT && strcmp(outcome, outcomes[i]) != 0)
        i++;
    int64_t print = json_int(t, "fingerprint");
    if (i == LOGIN_OUTCOME_COUNT || print < 0)
        return err_set(err, ERR_FIELD, "%s: no such outcome or fingerprint", kinds[kind]);
    l->tries[kind].outcome = (enum login_outcome)i;
    l->tries[kind].fingerprint = (uint8_t)print;
    return 0;
}

static int take_file(struct login *l, const struct buf *b, struct err *err)
{
    static const struct json_field fields[] = {{"version", JSON_FIELD_INT, true, 1},
                                               {"salt", JSON_FIELD_STR, true, 2 * LOGIN_SALT_SIZE},
                                               {"credential", JSON_FIELD_OBJECT, true, 0},
                                               {"typed", JSON_FIELD_OBJECT, true, 0}};
    json_t *top = json_parse(b->data, b->len, err);
    size_t n = 0;
    int rc = -1;
    if (!top)
        return -1;
    if (json_check(top, "", fields, 4, err) != 0)
        goto out;
    if (hex_decode(json_str(top, "salt"), l->salt, sizeof(l->salt), &n, err) != 0)
        goto out;
    if (n != sizeof(l->salt)) {
        err_set(err, ERR_FIELD, "salt: %zu bytes", n);
        goto out;
    }
    rc = take_try(l, LOGIN_CREDENTIAL, top, err) == 0 ? take_try(l, LOGIN_TYPED, top, err) : -1;
out:
    json_decref(top);
    return rc;
}

int login_load(struct login *l, const char *state_folder, struct err *err)
{
    memset(l, 0, sizeof(*l));
    random_bytes(l->salt, sizeof(l->salt));
    if (path_join(l->path, sizeof(l->path), state_folder, "login", err) != 0)
        return -1;
    struct buf b;
    buf_init(&b);
    int rc = file_read(l->path, FILE_MAX, &b, err);
    if (rc != 0 && err->code == ERR_NOT_FOUND) {
        rc = 0;
    } else if (rc == 0 && take_file(l, &b, err) != 0) {
        err->code = ERR_HSM_LOCKED;
        err_prepend(err, "%s is damaged, no PIN is tried by itself", l->path);
        memset(l->tries, 0, sizeof(l->tries));
        l->damaged = true;
        rc = -1;
    }
    buf_done(&b);
    return rc;
}

static int save(const struct login *l, struct err *err)
{
    char salt[2 * LOGIN_SALT_SIZE + 1];
    struct buf b;
    buf_init(&b);
    hex_encode(l->salt, sizeof(l->salt), salt);
    json_t *top = json_pack("{s:i, s:s, s:{s:s, s:i}, s:{s:s, s:i}}", "version", 1, "salt", salt,
                            "credential", "outcome", outcomes[l->tries[LOGIN_CREDENTIAL].outcome],
                            "fingerprint", (int)l->tries[LOGIN_CREDENTIAL].fingerprint, "typed", "outcome",
                            outcomes[l->tries[LOGIN_TYPED].outcome], "fingerprint",
                            (int)l->tries[LOGIN_TYPED].fingerprint);
    int rc = top ? json_canonical(top, &b, err) : err_set(err, ERR_MEMORY, "login");
    if (rc == 0)
        rc = file_replace(l->path, b.data, b.len, 0600, err);
    json_decref(top);
    buf_done(&b);
    return rc;
}

/* ---- trying ------------------------------------------------------------------------------------- */

int login_may_try(const struct login *l, const struct buf *pin, struct err *err)
{
    uint8_t print = 0;
    bool asked = false;
    if (l->damaged)
        return err_set(err, ERR_HSM_LOCKED, "%s is damaged: no PIN is tried by itself until one was typed",
                       l->path);
    for (int k = 0; k < LOGIN_KIND_COUNT; k++) {
        enum login_outcome outcome = l->tries[k].outcome;
        if (outcome != LOGIN_PENDING && outcome != LOGIN_REFUSED)
            continue;
        if (!asked && fingerprint(l, pin, &print, err) != 0)
            return -1;
        asked = true;
        if (l->tries[k].fingerprint == print)
            return err_set(err, ERR_HSM_LOCKED,
                           outcome == LOGIN_REFUSED
                               ? "the HSM refused this PIN before: it is not tried again by itself"
                               : "a try with this PIN never ended: it is not tried again by itself");
    }
    return 0;
}

int login_try(struct login *l, enum login_kind kind, const struct buf *pin,
              int (*try_pin)(void *arg, const struct buf *pin, struct err *err), void *arg, struct err *err)
{
    uint8_t print = 0;
    if (fingerprint(l, pin, &print, err) != 0)
        return -1;
    l->tries[kind].outcome = LOGIN_PENDING;
    l->tries[kind].fingerprint = print;
    if (save(l, err) != 0)
        return err_prepend(err, "login: nothing was tried");
    crash_point("vault.login.pending");
    int rc = try_pin(arg, pin, err);
    crash_point("vault.login.tried");
    if (rc != 0 && err->code != ERR_HSM_PIN)
        return -1;
    l->tries[kind].outcome = rc == 0 ? LOGIN_OK : LOGIN_REFUSED;
    struct err saving;
    l->damaged = l->damaged && rc != 0;
    l->unsaved =
        save(l, &saving) != 0; /* "pending" stands in the file then: the next start asks for a typed PIN */
    return rc;
}

int login_settle_credential(struct login *l, const struct buf *pin, struct err *err)
{
    uint8_t print = 0;
    if (fingerprint(l, pin, &print, err) != 0)
        return -1;
    l->tries[LOGIN_CREDENTIAL].outcome = LOGIN_OK;
    l->tries[LOGIN_CREDENTIAL].fingerprint = print;
    return save(l, err);
}

int login_read_pin(const char *path, struct buf *pin, struct err *err)
{
    if (file_check_owner(path, true, err) != 0)
        return -1;
    buf_reset(pin);
    if (file_read(path, HSM_PIN_MAX + 2, pin, err) != 0)
        return -1;
    if (pin->len > 0 && pin->data[pin->len - 1] == '\n')
        pin->len--;
    if (pin->len > 0 && pin->data[pin->len - 1] == '\r')
        pin->len--;
    if (pin->len == 0 || pin->len > HSM_PIN_MAX)
        return err_set(err, ERR_FIELD, "%s: a PIN of 1 to %d bytes on one line is expected", path,
                       HSM_PIN_MAX);
    return 0;
}
