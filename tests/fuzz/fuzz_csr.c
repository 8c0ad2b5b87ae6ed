/* Foreign DER: requests from a token, public keys, certificates read back, TBSCertificates to lint. The first
 * byte says as what the rest is read. Runs in the project's folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/file.h"
#include "cert/cert.h"

#include "../unit/sample.h"

#define DATA "tests/unit/data/"

static struct buf ca, spki, subject;
static struct application app;
static const struct profile *profile;

static const uint8_t SERIAL[16] = {0x4f, 0x1c, 0x9a, 0x37, 0xd2, 0x80, 0x6b, 0xe5,
                                   0x5a, 0x0e, 0x7b, 0xc1, 0x44, 0x33, 0xf6, 0x12};

static void fuzz_request(const uint8_t *data, size_t size, struct err *err)
{
    csr_check(data, size, subject.data, subject.len, spki.data, spki.len, err);
}

static void fuzz_key(const uint8_t *data, size_t size, struct err *err)
{
    enum key_type type = spki_key_type(data, size);
    if (weak_key_check(data, size, type == KEY_NONE ? KEY_P256 : type, err) == 0 && type == KEY_NONE)
        abort(); /* a key of no known type can never be a good one */
    weak_key_check(data, size, KEY_RSA2048, err);
    challenge_check(data, size, SERIAL, sizeof(SERIAL), SERIAL, sizeof(SERIAL), err);
}

static void fuzz_certificate(const uint8_t *data, size_t size, struct err *err)
{
    char hex[64];
    struct buf out;
    buf_init(&out);
    cert_serial_hex(data, size, hex, sizeof(hex), err);
    if (cert_matches(data, size, SERIAL, sizeof(SERIAL), ca.data, ca.len, err) == 0)
        abort(); /* its content is not those bytes */
    cert_matches(data, size, data, size, data, size, err);
    if (cert_to_pem(data, size, &out, err) == 0) {
        struct buf back;
        buf_init(&back);
        if (cert_from_pem(out.data, out.len, &back, err) != 0 || back.len != size ||
            memcmp(back.data, data, size) != 0)
            abort();
        buf_done(&back);
    }
    buf_done(&out);
}

static void fuzz_pem(const uint8_t *data, size_t size, struct err *err)
{
    struct buf out;
    buf_init(&out);
    cert_from_pem(data, size, &out, err);
    buf_done(&out);
}

static void fuzz_tbs(const uint8_t *data, size_t size, struct err *err)
{
    struct tbs_input in = {.profile = profile,
                           .application = &app,
                           .spki = spki.data,
                           .spki_len = spki.len,
                           .ca = ca.data,
                           .ca_len = ca.len,
                           .serial = SERIAL,
                           .serial_len = sizeof(SERIAL),
                           .not_before = 1795334400};
    static struct buf good;
    if (!good.data && tbs_build(&in, &good, err) != 0) {
        fprintf(stderr, "%s\n", err->text);
        abort();
    }
    /* There is exactly one TBSCertificate for this input. */
    if (tbs_lint(&in, data, size, err) == 0 && (size != good.len || memcmp(data, good.data, size) != 0))
        abort();
}

static void read_der(const char *path, struct buf *der)
{
    struct buf pem;
    struct err err;
    char *name, *header;
    unsigned char *data;
    long len;
    buf_init(&pem);
    buf_init(der);
    if (file_read(path, 1 << 16, &pem, &err) != 0) {
        fprintf(stderr, "%s (run in the project's folder)\n", err.text);
        exit(1);
    }
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (!PEM_read_bio(bio, &name, &header, &data, &len) || buf_put(der, data, (size_t)len, &err) != 0)
        abort();
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    BIO_free(bio);
    buf_done(&pem);
}

static void set_up(void)
{
    static struct profiles *profiles;
    struct err err;
    read_der(DATA "ca-p256.pem", &ca);
    read_der(DATA "org-p256.pub.pem", &spki);
    buf_init(&subject);
    if (profiles_load("profiles", &profiles, &err) != 0 ||
        application_parse(SAMPLE_APPLICATION, strlen(SAMPLE_APPLICATION), &app, &err) != 0)
        abort();
    profile = profiles_find(profiles, app.profile);
    if (!profile || cert_subject(profile, &app, &subject, &err) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const KINDS[])(const uint8_t *, size_t, struct err *) = {
        fuzz_request, fuzz_key, fuzz_certificate, fuzz_pem, fuzz_tbs};
    struct err err = {0};
    if (!profile)
        set_up();
    if (size > 0)
        KINDS[data[0] % (sizeof(KINDS) / sizeof(KINDS[0]))](data + 1, size - 1, &err);
    return 0;
}
