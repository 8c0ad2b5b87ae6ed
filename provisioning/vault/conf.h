/* castation-vault's configuration file. */
#ifndef CASTATION_VAULT_CONF_H
#define CASTATION_VAULT_CONF_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/conf.h"

#define VAULT_USERS_MAX 16

struct vault_conf {
    char hsm[1024];              /* RFC 7512 URI with module-path; no PIN in it */
    char socket[108];            /* sun_path */
    char state_folder[PATH_MAX]; /* vault.log, login, lock, public keys */
    char ca_certificate[PATH_MAX];
    char portal_key[PATH_MAX];   /* PEM public key that signs approvals */
    char profiles[PATH_MAX];     /* folder */
    char hsm_pin_file[PATH_MAX]; /* "" : $CREDENTIALS_DIRECTORY/hsm-pin when that exists, else none */
    struct conf_strs allow_users;
    int64_t so_pin_rate; /* derivations a minute, all channels together */
    int64_t hsm_seconds; /* longest that one request may wait for the HSM; the CA ceremony has 15 minutes */

    uid_t users[VAULT_USERS_MAX]; /* allow_users as numbers */
    size_t n_users;
};

/* Read, check, resolve users and the credential. ERR_CONFIG, ERR_PERMISSION (a file that others may write).
 */
int vault_conf_load(const char *path, struct vault_conf *conf, struct err *err);
void vault_conf_done(struct vault_conf *conf);

#endif
