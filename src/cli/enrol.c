/* enrol: this station's TLS key, which never leaves it, and the request for its certificate. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "base/utf8.h"
#include "cli/args.h"
#include "cli/verbs.h"

/* station.key → station.csr, otherwise NAME.csr. */
static int request_path(const char *key, char *dst, size_t cap, struct err *err)
{
    size_t len = strlen(key);
    if (len > 4 && strcmp(key + len - 4, ".key") == 0)
        len -= 4;
    int n = snprintf(dst, cap, "%.*s.csr", (int)len, key);
    return n < 0 || (size_t)n >= cap ? err_set(err, ERR_CONFIG, "portal.key: %s: too long", key) : 0;
}

static X509_REQ *make_request(EVP_PKEY *key, const char *name)
{
    X509_REQ *req = X509_REQ_new();
    if (req && X509_REQ_set_version(req, X509_REQ_VERSION_1) &&
        X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req), NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0) &&
        X509_REQ_set_pubkey(req, key) && X509_REQ_sign(req, key, EVP_sha256()) > 0)
        return req;
    X509_REQ_free(req);
    return NULL;
}

static int write_bio(BIO *bio, const char *path, mode_t mode, struct err *err)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    return file_create(path, data, (size_t)len, mode, err);
}

/* Request first in memory, key first on disk: a request without its key would be of no use. */
static int enrol(const char *name, const char *key_path, const char *csr_path, struct err *err)
{
    int rc = -1;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509_REQ *req = key ? make_request(key, name) : NULL;
    BIO *key_pem = BIO_new(BIO_s_secmem()), *req_pem = BIO_new(BIO_s_mem());
    if (!req || !key_pem || !req_pem ||
        PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio_X509_REQ(req_pem, req) != 1)
        err_set(err, ERR_INTERNAL, "OpenSSL cannot make a key and a request for \"%s\"", name);
    else if (write_bio(key_pem, key_path, 0600, err) == 0)
        rc = write_bio(req_pem, csr_path, 0644, err);
    BIO_free(req_pem);
    BIO_free(key_pem);
    X509_REQ_free(req);
    EVP_PKEY_free(key);
    return rc;
}

int verb_enrol(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *name = NULL;
    const struct arg_option options[] = {{"--name", &name, NULL}};
    char csr_path[300];
    if (args_parse(argc, argv, options, 1, NULL, 0, 0, NULL, err) != 0 || cli_conf(cli, err) != 0)
        return -1;
    name = name ? name : cli->conf.name;
    if (!*name || utf8_chars(name) > 64)
        return err_set(err, ERR_USAGE, "--name: a station's name has 1 to 64 characters");
    if (request_path(cli->conf.portal.key, csr_path, sizeof(csr_path), err) != 0)
        return -1;
    if (access(csr_path, F_OK) == 0)
        return err_set(err, ERR_EXISTS, "%s", csr_path);
    if (enrol(name, cli->conf.portal.key, csr_path, err) != 0)
        return -1;
    cli_say(cli, TEXT_ENROLLED, cli->conf.portal.key, csr_path, name, csr_path, cli->conf.portal.certificate);
    return 0;
}
