#include "portal/portal.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/file.h"
#include "portal/seed.h"

#define PEM_MAX 65536

static int load_client_ca(const char *path, X509_STORE **ret, struct err *err)
{
    struct buf pem;
    X509 *ca = NULL;
    X509_STORE *store = NULL;
    BIO *bio = NULL;
    int rc = -1;
    buf_init(&pem);
    if (file_check_owner(path, false, err) != 0 || file_read(path, PEM_MAX, &pem, err) != 0)
        goto out;
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    ca = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    store = X509_STORE_new();
    if (!ca || !store || X509_STORE_add_cert(store, ca) != 1) {
        err_set(err, ERR_TLS, "%s: it is not a PEM certificate", path);
        goto out;
    }
    *ret = store;
    store = NULL;
    rc = 0;
out:
    X509_STORE_free(store);
    X509_free(ca);
    BIO_free(bio);
    buf_done(&pem);
    ERR_clear_error();
    return rc;
}

static void close_db(void *arg)
{
    struct db *db = arg;
    db_close(&db);
}

int portal_open(struct portal *p, const char *conf_path, struct err *err)
{
    struct db *db;
    memset(p, 0, sizeof(*p));
    if (portal_conf_load(conf_path, &p->conf, err) != 0)
        return -1;
    if (load_client_ca(p->conf.station_api.client_ca, &p->client_ca, err) != 0)
        goto fail;
    if (pthread_key_create(&p->db_key, close_db) != 0) {
        err_set(err, ERR_SYSTEM, "thread key");
        goto fail;
    }
    p->has_db_key = true;
    if (portal_db(p, &db, err) == 0 && portal_seed(db, &p->conf, clock_utc_ms(), err) == 0)
        return 0;
fail:
    portal_close(p);
    return -1;
}

void portal_close(struct portal *p)
{
    if (p->has_db_key) {
        close_db(
            pthread_getspecific(p->db_key)); /* the main thread's: destructors run for ended threads only */
        pthread_key_delete(p->db_key);
    }
    X509_STORE_free(p->client_ca);
    portal_conf_free(&p->conf);
    memset(p, 0, sizeof(*p));
}

int portal_db(struct portal *p, struct db **ret, struct err *err)
{
    struct db *db = pthread_getspecific(p->db_key);
    if (!db) {
        if (db_open(&db, p->conf.database, &portal_schema, 0, err) != 0)
            return -1;
        if (pthread_setspecific(p->db_key, db) != 0) {
            db_close(&db);
            return err_set(err, ERR_MEMORY, "database handle");
        }
    }
    *ret = db;
    return 0;
}
