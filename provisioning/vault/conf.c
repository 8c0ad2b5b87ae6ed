#include "vault/conf.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "vault/hsm.h"

static const struct conf_key keys[] = {
    {"hsm", CONF_STR, CONF_FIELD(struct vault_conf, hsm), true, 0, 0, NULL},
    {"socket", CONF_PATH, CONF_FIELD(struct vault_conf, socket), true, 0, 0, NULL},
    {"state_folder", CONF_PATH, CONF_FIELD(struct vault_conf, state_folder), true, 0, 0, NULL},
    {"ca_certificate", CONF_PATH, CONF_FIELD(struct vault_conf, ca_certificate), true, 0, 0, NULL},
    {"portal_key", CONF_PATH, CONF_FIELD(struct vault_conf, portal_key), true, 0, 0, NULL},
    {"profiles", CONF_PATH, CONF_FIELD(struct vault_conf, profiles), true, 0, 0, NULL},
    {"hsm_pin_file", CONF_PATH, CONF_FIELD(struct vault_conf, hsm_pin_file), false, 0, 0, NULL},
    {"allow_users", CONF_STRS, CONF_FIELD(struct vault_conf, allow_users), false, 0, 0, NULL},
    {"so_pin_rate", CONF_INT, CONF_FIELD(struct vault_conf, so_pin_rate), false, 1, 100000, "600"},
    {"hsm_seconds", CONF_INT, CONF_FIELD(struct vault_conf, hsm_seconds), false, 1, 3600, "60"},
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static int resolve_user(const char *name, uid_t *ret, struct err *err)
{
    const struct passwd *pw = getpwnam(name);
    if (pw) {
        *ret = pw->pw_uid;
        return 0;
    }
    char *end = NULL;
    errno = 0;
    unsigned long uid = strtoul(name, &end, 10);
    if (errno != 0 || end == name || *end != '\0' || name[0] < '0' || name[0] > '9' || uid >= UINT32_MAX)
        return err_set(err, ERR_CONFIG, "allow_users: there is no user %s", name);
    *ret = (uid_t)uid;
    return 0;
}

static int resolve_users(struct vault_conf *conf, struct err *err)
{
    if (conf->allow_users.n > VAULT_USERS_MAX)
        return err_set(err, ERR_CONFIG, "allow_users: at most %d", VAULT_USERS_MAX);
    for (size_t i = 0; i < conf->allow_users.n; i++)
        if (resolve_user(conf->allow_users.items[i], &conf->users[i], err) != 0)
            return -1;
    conf->n_users = conf->allow_users.n;
    return 0;
}

/* systemd hands a credential over as a file in a folder of the unit's own (systemd.exec, LoadCredential=). */
static int find_credential(struct vault_conf *conf, struct err *err)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (conf->hsm_pin_file[0] != '\0' || !folder || folder[0] == '\0')
        return 0;
    if (path_join(conf->hsm_pin_file, sizeof(conf->hsm_pin_file), folder, "hsm-pin", err) != 0)
        return -1;
    if (access(conf->hsm_pin_file, F_OK) != 0)
        conf->hsm_pin_file[0] = '\0';
    return 0;
}

int vault_conf_load(const char *path, struct vault_conf *conf, struct err *err)
{
    char module[PATH_MAX];
    memset(conf, 0, sizeof(*conf));
    if (file_check_owner(path, false, err) != 0 || conf_load(path, keys, N_KEYS, conf, err) != 0)
        return -1;
    if (hsm_uri_check(conf->hsm, module, err) != 0) {
        err_prepend(err, "%s", path);
        goto fail;
    }
    if (file_check_owner(module, false, err) != 0 || file_check_owner(conf->portal_key, false, err) != 0)
        goto fail;
    if (resolve_users(conf, err) != 0 || find_credential(conf, err) != 0)
        goto fail;
    return 0;
fail:
    vault_conf_done(conf);
    return -1;
}

void vault_conf_done(struct vault_conf *conf)
{
    conf_free(keys, N_KEYS, conf);
}
