/* Fixed inputs of the certificate tests. Unit tests run in the project's folder. */
#ifndef CASTATION_TESTS_CERT_FIXTURE_H
#define CASTATION_TESTS_CERT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "cert/cert.h"
#include "sample.h"

#define FIXTURE_DATA       "tests/unit/data/"
#define FIXTURE_NOT_BEFORE INT64_C(1795334400) /* 2026-11-22T08:00:00Z */

static const uint8_t FIXTURE_SERIAL[16] = {0x4f, 0x1c, 0x9a, 0x37, 0xd2, 0x80, 0x6b, 0xe5,
                                           0x5a, 0x0e, 0x7b, 0xc1, 0x44, 0x33, 0xf6, 0x12};

struct fixture {
    struct profile profile;
    struct application application;
    struct buf ca, spki, tbs;
    EVP_PKEY *ca_key;
    struct tbs_input in;
    struct err err;
};

static inline void fixture_read(const char *name, struct buf *b)
{
    struct err err;
    char path[128];
    snprintf(path, sizeof(path), FIXTURE_DATA "%s", name);
    buf_init(b);
    if (file_read(path, 1 << 16, b, &err) != 0)
        fail_msg("%s (run in the project's folder)", err.text);
}

/* The DER in a PEM file, whatever it is of. */
static inline void fixture_der(const char *name, struct buf *der)
{
    struct buf pem;
    struct err err;
    char *kind, *header;
    unsigned char *data;
    long len;
    fixture_read(name, &pem);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    assert_int_equal(PEM_read_bio(bio, &kind, &header, &data, &len), 1);
    buf_init(der);
    assert_int_equal(buf_put(der, data, (size_t)len, &err), 0);
    OPENSSL_free(kind);
    OPENSSL_free(header);
    OPENSSL_free(data);
    BIO_free(bio);
    buf_done(&pem);
}

static inline EVP_PKEY *fixture_private_key(const char *name)
{
    struct buf pem;
    fixture_read(name, &pem);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(key);
    BIO_free(bio);
    buf_done(&pem);
    return key;
}

/* "p256" or "rsa3072" for the CA; "p256", "p384", "rsa2048", "rsa3072" for the organisation's key and
 * profile. */
static inline void fixture_set_up(struct fixture *f, const char *ca, const char *org)
{
    char name[64];
    struct profiles *profiles = NULL;
    memset(f, 0, sizeof(*f));
    if (profiles_load("profiles", &profiles, &f->err) != 0)
        fail_msg("%s", f->err.text);
    snprintf(name, sizeof(name), "org-sign-%s", org);
    const struct profile *profile = profiles_find(profiles, name);
    assert_non_null(profile);
    f->profile = *profile;
    profiles_free(&profiles);
    assert_int_equal(
        application_parse(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), &f->application, &f->err), 0);
    snprintf(name, sizeof(name), "ca-%s.pem", ca);
    fixture_der(name, &f->ca);
    snprintf(name, sizeof(name), "ca-%s.key.pem", ca);
    f->ca_key = fixture_private_key(name);
    snprintf(name, sizeof(name), "org-%s.pub.pem", org);
    fixture_der(name, &f->spki);
    buf_init(&f->tbs);
    f->in = (struct tbs_input){.profile = &f->profile,
                               .application = &f->application,
                               .spki = f->spki.data,
                               .spki_len = f->spki.len,
                               .ca = f->ca.data,
                               .ca_len = f->ca.len,
                               .serial = FIXTURE_SERIAL,
                               .serial_len = sizeof(FIXTURE_SERIAL),
                               .not_before = FIXTURE_NOT_BEFORE};
}

static inline void fixture_tear_down(struct fixture *f)
{
    buf_done(&f->ca);
    buf_done(&f->spki);
    buf_done(&f->tbs);
    EVP_PKEY_free(f->ca_key);
}

/* Replace the CA certificate by one changed by `change` and signed again with the same key. */
static inline void fixture_change_ca(struct fixture *f, void (*change)(X509 *ca))
{
    const unsigned char *p = f->ca.data;
    X509 *ca = d2i_X509(NULL, &p, (long)f->ca.len);
    assert_non_null(ca);
    change(ca);
    assert_true(X509_sign(ca, f->ca_key, EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int n = i2d_X509(ca, &der);
    assert_true(n > 0);
    buf_reset(&f->ca);
    assert_int_equal(buf_put(&f->ca, der, (size_t)n, &f->err), 0);
    f->in.ca = f->ca.data;
    f->in.ca_len = f->ca.len;
    OPENSSL_free(der);
    X509_free(ca);
}

/* Error of this code, whose text has `part` in it. */
static inline void fixture_refused(const struct fixture *f, int rc, enum err_code code, const char *part)
{
    assert_int_equal(rc, -1);
    if (f->err.code != code || !strstr(f->err.text, part))
        fail_msg("%s: \"%s\", not %s with \"%s\"", err_name(f->err.code), f->err.text, err_name(code), part);
}

#endif
