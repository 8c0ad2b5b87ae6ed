/* init, server-certificate: keys and certificates of a new portal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "portal/caportal.h"
#include "portal/pki.h"
#include "portal/seed.h"

static const char *const LOCAL_NAMES[] = {"localhost", "127.0.0.1"};

struct names {
    const char *const *names;
    size_t n;
};

static struct names names_of(const struct caportal *c)
{
    if (c->n_names > 0)
        return (struct names){c->names, c->n_names};
    return (struct names){LOCAL_NAMES, sizeof(LOCAL_NAMES) / sizeof(LOCAL_NAMES[0])};
}

/* All or none: half a set made by one run and half by another would not fit together. */
static int refuse_what_is_there(const struct portal_conf *conf, struct err *err)
{
    const char *const paths[] = {conf->station_api.client_ca_key,
                                 conf->station_api.client_ca,
                                 conf->station_api.key,
                                 conf->station_api.certificate,
                                 conf->approval_key,
                                 conf->approval_public_key,
                                 conf->database};
    if (!*conf->station_api.client_ca_key)
        return err_set(err, ERR_CONFIG,
                       "station_api.client_ca_key: init has to know where to put the CA's key");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (access(paths[i], F_OK) == 0 || errno != ENOENT)
            return err_set(err, ERR_EXISTS, "%s: it is there already; init makes all or nothing", paths[i]);
    return 0;
}

static int make_folders(const struct portal_conf *conf, struct err *err)
{
    const char *const paths[] = {conf->station_api.client_ca_key,
                                 conf->station_api.client_ca,
                                 conf->station_api.key,
                                 conf->station_api.certificate,
                                 conf->approval_key,
                                 conf->approval_public_key,
                                 conf->database};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char folder[256];
        const char *slash = strrchr(paths[i], '/');
        size_t len = slash ? (size_t)(slash - paths[i]) : 0;
        if (len == 0 || len >= sizeof(folder))
            continue;
        memcpy(folder, paths[i], len);
        folder[len] = '\0';
        if (file_mkdir_p(folder, 0755, err) != 0)
            return -1;
    }
    return 0;
}

static int make_tls(const struct portal_conf *conf, struct names names, struct err *err)
{
    EVP_PKEY *ca_key = NULL, *key = NULL;
    X509 *ca = NULL, *server = NULL;
    int rc = -1;
    if (pki_key_new(&ca_key, err) == 0 && pki_ca_new(ca_key, &ca, err) == 0 && pki_key_new(&key, err) == 0 &&
        pki_server_new(ca, ca_key, key, names.names, names.n, &server, err) == 0 &&
        pki_write_private(conf->station_api.client_ca_key, ca_key, err) == 0 &&
        pki_write_certificate(conf->station_api.client_ca, ca, err) == 0 &&
        pki_write_private(conf->station_api.key, key, err) == 0 &&
        pki_write_certificate(conf->station_api.certificate, server, err) == 0)
        rc = 0;
    X509_free(server);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return rc;
}

static int make_approval_key(const struct portal_conf *conf, struct err *err)
{
    EVP_PKEY *key = NULL;
    int rc = -1;
    if (pki_key_new(&key, err) == 0 && pki_write_private(conf->approval_key, key, err) == 0 &&
        pki_write_public(conf->approval_public_key, key, err) == 0)
        rc = 0;
    EVP_PKEY_free(key);
    return rc;
}

int caportal_init(struct caportal *c, struct err *err)
{
    const struct portal_conf *conf = &c->conf;
    struct db *db = NULL;
    if (refuse_what_is_there(conf, err) != 0 || make_folders(conf, err) != 0 ||
        make_tls(conf, names_of(c), err) != 0 || make_approval_key(conf, err) != 0 ||
        caportal_db(c, &db, err) != 0)
        return -1;
    int rc = portal_seed(db, conf, clock_utc_ms(), err);
    if (rc == 0 && (c->given & OPTION_SAMPLE))
        rc = portal_seed_sample(db, err);
    db_close(&db);
    if (rc != 0)
        return -1;
    caportal_say(c, stdout, TEXT_CAPORTAL_MADE, conf->station_api.client_ca, conf->station_api.client_ca_key,
                 conf->station_api.certificate, conf->approval_key, conf->approval_public_key,
                 conf->database);
    return 0;
}

int caportal_server_certificate(struct caportal *c, struct err *err)
{
    const struct portal_conf *conf = &c->conf;
    struct names names = names_of(c);
    EVP_PKEY *ca_key = NULL, *key = NULL;
    X509 *ca = NULL, *server = NULL;
    int rc = -1;
    if (pki_read_certificate(conf->station_api.client_ca, &ca, err) == 0 &&
        pki_read_private(conf->station_api.client_ca_key, &ca_key, err) == 0 &&
        pki_read_private(conf->station_api.key, &key, err) == 0 &&
        pki_server_new(ca, ca_key, key, names.names, names.n, &server, err) == 0 &&
        pki_replace_certificate(conf->station_api.certificate, server, err) == 0)
        rc = 0;
    if (rc == 0) {
        caportal_say(c, stdout, TEXT_CAPORTAL_SERVER_MADE, conf->station_api.certificate);
    }
    X509_free(server);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return rc;
}
