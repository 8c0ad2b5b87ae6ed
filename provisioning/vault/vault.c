#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/json.h"
#include "vault/check.h"

#define REFUSALS_A_MINUTE 600

void vault_saying(struct vault *v, enum vault_say level, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    v->say(level, text);
}

int vault_record(struct vault *v, enum record_type type, json_t *fields, struct err *err)
{
    struct log_place place;
    if (!fields)
        return err_set(err, ERR_MEMORY, "a log record");
    int rc = vault_log_append(v->log, type, fields, &place, err);
    if (rc == 0 && (rc = index_apply(v->index, fields, &place, err)) != 0)
        v->again = true; /* what is in the file is the truth: read it again */
    v->again = v->again || vault_log_broken(v->log);
    json_decref(fields);
    return rc;
}

/* ---- state -------------------------------------------------------------------------------------- */

enum vault_state vault_state_of(const struct vault *v)
{
    struct err err;
    if (!v->logged_in)
        return VAULT_LOCKED;
    if (v->no_ca.code != ERR_NONE)
        return VAULT_NO_CA;
    return ca_check_dates(&v->ca, clock_utc_ms() / 1000, &err) == 0 ? VAULT_READY : VAULT_CA_EXPIRED;
}

int vault_need_login(const struct vault *v, struct err *err)
{
    if (v->logged_in)
        return 0;
    *err = v->locked;
    return -1;
}

int vault_need_ca(const struct vault *v, struct err *err)
{
    if (vault_need_login(v, err) != 0)
        return -1;
    if (v->no_ca.code != ERR_NONE) {
        *err = v->no_ca;
        return -1;
    }
    int64_t now = clock_utc_ms();
    if (check_clock_against(v->index, now, err) != 0)
        return -1;
    return ca_check_dates(&v->ca, now / 1000, err);
}

/* ---- CA ----------------------------------------------------------------------------------------- */

/* A vault that died between logging its new root and writing the file: the log has it, and it is written now.
 */
static int restore_certificate(struct vault *v, struct err *err)
{
    json_t *record = NULL;
    uint8_t der[CERTIFICATE_MAX];
    size_t len = 0;
    struct buf pem;
    if (!index_ca(v->index))
        return err_set(err, ERR_CA_ABSENT, "%s is not there", v->conf.ca_certificate);
    buf_init(&pem);
    int rc = vault_log_read(v->log, index_ca(v->index), &record, err);
    if (rc == 0)
        rc = hex_decode(json_str(record, "certificate"), der, sizeof(der), &len, err);
    if (rc == 0)
        rc = ca_to_pem(der, len, &pem, err);
    if (rc == 0)
        rc = file_create(v->conf.ca_certificate, pem.data, pem.len, 0644, err);
    if (rc == 0)
        vault_saying(v, SAY_WARNING, "%s was not there: written again from the log", v->conf.ca_certificate);
    buf_done(&pem);
    json_decref(record);
    return rc;
}

static int load_ca(struct vault *v, struct err *err)
{
    struct err missing;
    ca_done(&v->ca);
    if (ca_load(&v->ca, v->conf.ca_certificate, &missing) != 0) {
        if (missing.code != ERR_NOT_FOUND) {
            *err = missing;
            return -1;
        }
        if (restore_certificate(v, err) != 0 || ca_load(&v->ca, v->conf.ca_certificate, err) != 0)
            return -1;
    }
    if (ca_check_pair(&v->ca, v->hsm, err) != 0)
        return -1;
    if (!hsm_key(v->hsm, HSM_SEALING) || !hsm_key(v->hsm, HSM_AUDIT) || hsm_so_version(v->hsm) == 0)
        return err_set(err, ERR_CA_MISMATCH, "the HSM lacks one of the vault's other keys");
    return 0;
}

int vault_find_ca(struct vault *v, struct err *err)
{
    err_clear(&v->no_ca);
    if (hsm_find_keys(v->hsm, &v->no_ca) != 0 || load_ca(v, &v->no_ca) != 0) {
        if (v->no_ca.code == ERR_HSM_GONE) {
            *err = v->no_ca;
            return -1;
        }
        ca_done(&v->ca); /* not ours: not shown as ours either */
        const char *label = NULL;
        struct err ignored;
        if (v->no_ca.code == ERR_CA_ABSENT && hsm_any_object(v->hsm, &label, &ignored) == 0 && label)
            err_set(&v->no_ca, ERR_CA_MISMATCH, "the HSM holds \"%s\", and there is no CA certificate %s",
                    label, v->conf.ca_certificate);
        vault_saying(v, SAY_WARNING, "%s", v->no_ca.text);
    }
    return 0;
}

/* ---- login -------------------------------------------------------------------------------------- */

static int login_now(void *arg, const struct buf *pin, struct err *err)
{
    return hsm_login(arg, pin, err);
}

int vault_login(struct vault *v, enum login_kind kind, const struct buf *pin, struct err *err)
{
    struct err logging;
    const char *by = kind == LOGIN_TYPED ? "typed" : "credential";
    int rc = hsm_pin_ready(v->hsm, kind == LOGIN_CREDENTIAL, err);
    bool tried = rc == 0;
    if (rc == 0)
        rc = login_try(&v->login, kind, pin, login_now, v->hsm, err);
    if (tried &&
        vault_record(v, RECORD_LOGIN,
                     json_pack("{s:s, s:s}", "by", by, "outcome", rc == 0 ? "ok" : err_name(err->code)),
                     &logging) != 0)
        vault_saying(v, SAY_WARNING, "%s", logging.text);
    if (rc != 0) {
        v->locked = *err;
        v->again = v->again || err->code == ERR_HSM_GONE;
        return -1;
    }
    if (v->login.unsaved)
        vault_saying(v, SAY_WARNING, "%s could not be written: the next start will ask for a typed PIN",
                     v->login.path);
    v->logged_in = true;
    rc = vault_find_ca(v, err);
    v->again = v->again || rc != 0;
    return rc;
}

static int64_t modified(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec : -1;
}

/* The credential: tried by itself if the guard lets it, and otherwise never. -1 only when the process has to
 * end. */
static int try_credential(struct vault *v, struct err *err)
{
    struct err why;
    struct buf pin;
    buf_init_secret(&pin);
    v->credential_seen = modified(v->conf.hsm_pin_file);
    if (v->conf.hsm_pin_file[0] == '\0')
        err_set(&v->locked, ERR_HSM_LOCKED, "no PIN is configured: castation unlock");
    else if (login_read_pin(v->conf.hsm_pin_file, &pin, &v->locked) == 0 &&
             login_may_try(&v->login, &pin, &v->locked) == 0 &&
             vault_login(v, LOGIN_CREDENTIAL, &pin, &why) != 0)
        v->locked = why;
    buf_done(&pin);
    if (v->again) {
        *err = v->locked;
        return -1;
    }
    if (!v->logged_in)
        vault_saying(v, SAY_WARNING, "locked: %s", v->locked.text);
    return 0;
}

static int first_login(struct vault *v, struct err *err)
{
    if (login_load(&v->login, v->conf.state_folder, &v->locked) == 0)
        return try_credential(v, err);
    if (v->locked.code != ERR_HSM_LOCKED) {
        *err = v->locked;
        return -1;
    }
    v->credential_seen = modified(v->conf.hsm_pin_file);
    vault_saying(v, SAY_WARNING, "locked: %s", v->locked.text);
    return 0;
}

int vault_beat(struct vault *v, struct err *err)
{
    if (hsm_check(v->hsm, err) != 0) {
        v->again = true;
        return -1;
    }
    if (v->logged_in || v->conf.hsm_pin_file[0] == '\0' ||
        modified(v->conf.hsm_pin_file) == v->credential_seen)
        return 0;
    vault_saying(v, SAY_INFO, "the HSM PIN's credential has changed");
    return try_credential(v, err);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static int take_lock(struct vault *v, struct err *err)
{
    char path[PATH_MAX];
    if (file_mkdir_p(v->conf.state_folder, 0700, err) != 0 ||
        path_join(path, sizeof(path), v->conf.state_folder, "lock", err) != 0)
        return -1;
    v->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (v->lock < 0)
        return err_sys(err, "%s", path);
    if (flock(v->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return err_sys(err, "%s: lock", path);
    return err_set(err, ERR_RUNNING, "another castation-vault works in %s", v->conf.state_folder);
}

static int open_log(struct vault *v, struct err *err)
{
    uint64_t cut = 0;
    v->index = index_new();
    if (!v->index)
        return err_set(err, ERR_MEMORY, "an index");
    if (vault_log_open(v->conf.state_folder, index_apply, v->index, &v->log, &cut, err) != 0)
        return -1;
    if (cut > 0)
        vault_saying(v, SAY_WARNING,
                     "the log's last line was torn: %llu bytes cut off, nothing of it was acknowledged",
                     (unsigned long long)cut);
    if (check_clock_against(v->index, clock_utc_ms(), err) != 0)
        vault_saying(v, SAY_WARNING, "nothing is signed: %s", err->text);
    return vault_record(v, RECORD_START,
                        json_pack("{s:s, s:I}", "version", CASTATION_VERSION, "cut", (json_int_t)cut), err);
}

int vault_open(struct vault *v, const char *conf_path, void (*say)(enum vault_say, const char *),
               struct err *err)
{
    memset(v, 0, sizeof(*v));
    v->lock = -1;
    v->say = say;
    registry_init(&v->registry);
    if (vault_conf_load(conf_path, &v->conf, err) != 0 || take_lock(v, err) != 0 ||
        profiles_load(v->conf.profiles, &v->profiles, err) != 0 ||
        approval_load_public(v->conf.portal_key, &v->portal_key, err) != 0 || open_log(v, err) != 0)
        return -1;
    rate_init(&v->so_pin_rate, v->conf.so_pin_rate, clock_mono_ms());
    rate_init(&v->refusal_rate, REFUSALS_A_MINUTE, clock_mono_ms());
    return 0;
}

int vault_start(struct vault *v, struct err *err)
{
    return hsm_open(v->conf.hsm, &v->hsm, err) == 0 ? first_login(v, err) : -1;
}

void vault_close(struct vault *v)
{
    registry_done(&v->registry);
    ca_done(&v->ca);
    hsm_close(&v->hsm);
    EVP_PKEY_free(v->portal_key);
    v->portal_key = NULL;
    profiles_free(&v->profiles);
    vault_log_close(&v->log);
    index_free(&v->index);
    if (v->lock >= 0)
        close(v->lock);
    v->lock = -1;
    vault_conf_done(&v->conf);
}
