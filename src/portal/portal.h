/* What caportald's listeners share. */
#ifndef CASTATION_PORTAL_PORTAL_H
#define CASTATION_PORTAL_PORTAL_H

#include <openssl/x509.h>
#include <pthread.h>

#include "portal/portal_conf.h"
#include "portal/server.h"
#include "store/portal_store.h"

struct portal {
    struct portal_conf conf;
    X509_STORE *client_ca;
    pthread_key_t db_key; /* a database handle a thread */
    bool has_db_key;
    int64_t purged_at; /* the mailer's thread's own */
};

/* Reads the TLS-only CA, opens (and migrates) the database once. */
int portal_open(struct portal *p, const char *conf_path, struct err *err);
void portal_close(struct portal *p);

/* This thread's handle; it is closed when the thread ends. */
int portal_db(struct portal *p, struct db **ret, struct err *err);

/* Which station shows this certificate: chain, validity and purpose, then the register of stations.
 * PROBLEM_NONE with the name, or the refusal with its detail. */
enum problem portal_authenticate(const struct portal *p, struct db *db, const void *der, size_t len,
                                 char ret_name[65], char ret_detail[ERR_TEXT_SIZE]);

void api_site(struct portal *p, struct server_site *ret);

#endif
