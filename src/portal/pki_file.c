/* Keys and certificates as PEM files. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "portal/pki.h"

#define PEM_MAX 65536

typedef int write_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/* A memory BIO wipes what it held when it is freed. */
static int write_bio(const char *path, BIO *bio, int written, mode_t mode, write_file *put, struct err *err)
{
    char *data = NULL;
    long len = bio && written == 1 ? BIO_get_mem_data(bio, &data) : 0;
    ERR_clear_error();
    return len > 0 ? put(path, data, (size_t)len, mode, err) : err_set(err, ERR_MEMORY, "%s: PEM", path);
}

int pki_write_private(const char *path, EVP_PKEY *key, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int written = bio ? PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) : 0;
    int rc = write_bio(path, bio, written, 0600, file_create, err);
    BIO_free(bio);
    return rc;
}

int pki_write_public(const char *path, EVP_PKEY *key, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int rc = write_bio(path, bio, bio ? PEM_write_bio_PUBKEY(bio, key) : 0, 0644, file_create, err);
    BIO_free(bio);
    return rc;
}

static int put_certificate(const char *path, X509 *x509, write_file *put, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int rc = write_bio(path, bio, bio ? PEM_write_bio_X509(bio, x509) : 0, 0644, put, err);
    BIO_free(bio);
    return rc;
}

int pki_write_certificate(const char *path, X509 *x509, struct err *err)
{
    return put_certificate(path, x509, file_create, err);
}

int pki_replace_certificate(const char *path, X509 *x509, struct err *err)
{
    return put_certificate(path, x509, file_replace, err);
}

int pki_read_certificate(const char *path, X509 **ret, struct err *err)
{
    struct buf pem;
    buf_init(&pem);
    int rc = file_read(path, PEM_MAX, &pem, err);
    if (rc == 0) {
        BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
        *ret = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
        ERR_clear_error();
        rc = *ret ? 0 : err_set(err, ERR_TLS, "%s: it is not a PEM certificate", path);
    }
    buf_done(&pem);
    return rc;
}

static int no_password(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1;
}

int pki_read_private(const char *path, EVP_PKEY **ret, struct err *err)
{
    struct buf pem;
    buf_init_secret(&pem);
    int rc = file_check_owner(path, true, err) == 0 ? file_read(path, PEM_MAX, &pem, err) : -1;
    if (rc == 0) {
        BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
        *ret = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
        BIO_free(bio);
        ERR_clear_error();
        rc = *ret ? 0 : err_set(err, ERR_TLS, "%s: it is not an unencrypted PEM private key", path);
    }
    buf_done(&pem);
    return rc;
}

int pki_pem(X509 *x509, char **ret, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len = bio && PEM_write_bio_X509(bio, x509) == 1 ? BIO_get_mem_data(bio, &data) : 0;
    *ret = len > 0 ? strndup(data, (size_t)len) : NULL;
    BIO_free(bio);
    return *ret ? 0 : err_set(err, ERR_MEMORY, "PEM");
}
