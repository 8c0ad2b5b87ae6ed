/* bay_make DIR KEYTYPE: make one token through a real castation-bay, for tests with other people's tools.
 * Leaves in DIR: token/softhsm2.conf, pin (0600), id (hexadecimal), serial, certificate.pem, ca.pem. */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "bay_rig.h"

static int put_text(const struct rig *r, const char *name, const char *text, struct err *err)
{
    char path[256];
    return path_join(path, sizeof(path), r->dir, name, err) == 0
               ? file_create(path, text, strlen(text), 0600, err)
               : -1;
}

static int put_pem(const struct rig *r, const char *name, const uint8_t *der, size_t len, struct err *err)
{
    const unsigned char *p = der;
    X509 *x = d2i_X509(NULL, &p, (long)len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    int rc = x && bio && PEM_write_bio_X509(bio, x) && BIO_write(bio, "", 1) == 1 &&
                     BIO_get_mem_data(bio, &text) > 0
                 ? put_text(r, name, text, err)
                 : err_set(err, ERR_INTERNAL, "%s", name);
    BIO_free(bio);
    X509_free(x);
    return rc;
}

static int keep(const struct rig *r, struct err *err)
{
    struct sealed_pin who;
    char pin[USER_PIN_MAX + 1], id[2 * KEY_ID_MAX + 1];
    if (rig_unseal(r, &who, pin) != 0)
        return err_set(err, ERR_INTERNAL, "the sealed PIN does not open");
    hex_encode(r->key.final_id.data, r->key.final_id.len, id);
    return put_text(r, "pin", pin, err) == 0 && put_text(r, "id", id, err) == 0 &&
                   put_text(r, "serial", r->serial, err) == 0 &&
                   put_pem(r, "certificate.pem", r->certificate, r->certificate_len, err) == 0
               ? put_pem(r, "ca.pem", r->chain, r->chain_len, err)
               : -1;
}

int main(int argc, char **argv)
{
    struct err err;
    struct rig r;
    enum key_type type = argc == 3 ? key_type_from_name(argv[2]) : KEY_NONE;
    if (type == KEY_NONE) {
        fprintf(stderr, "usage: bay_make DIR KEYTYPE\n");
        return 2;
    }
    mkdir(argv[1], 0700);
    rig_init_at(&r, argv[1]);
    rig_start(&r);
    int rc = rig_make(&r, type, &err) == 0 ? keep(&r, &err) : -1;
    rig_close(&r);
    if (rc != 0)
        fprintf(stderr, "bay_make: %s\n", err.text);
    return rc == 0 ? 0 : 1;
}
