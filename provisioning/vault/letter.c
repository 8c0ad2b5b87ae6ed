#include "vault/letter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/clock.h"
#include "base/text.h"
#include "wire/sealed.h"

#define PLAIN_ROOM 512 /* bytes of an RSA-4096 modulus: what EVP_PKEY_decrypt may ask for */

/* RFC 8017 7.1.2, hash and MGF1 SHA-256. */
static int unseal(struct hsm *hsm, const struct vault_letter_req *req, struct buf *plain, struct err *err)
{
    EVP_PKEY *key = hsm_key(hsm, HSM_SEALING);
    if (!key)
        return err_set(err, ERR_HSM, "HSM: there is no key \"%s\"", hsm_key_label(HSM_SEALING));
    if (req->sealed.len !=
        (size_t)EVP_PKEY_get_size(key)) /* not for the HSM to find out: see CKR_OPERATION_ACTIVE in hsm.c */
        return err_set(err, ERR_LETTER, "the sealed PIN is %zu bytes long, not sealed to this vault's key",
                       req->sealed.len);
    if (buf_reserve(plain, PLAIN_ROOM, err) != 0)
        return -1;
    size_t len = PLAIN_ROOM;
    int rc = 0;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (!ctx || EVP_PKEY_decrypt_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) <= 0 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) <= 0)
        rc = err_set(err, ERR_INTERNAL, "OAEP cannot be set up");
    else if (EVP_PKEY_decrypt(ctx, plain->data, &len, req->sealed.data, req->sealed.len) <= 0)
        rc = hsm_evp_failed(hsm, "open a sealed PIN", err);
    EVP_PKEY_CTX_free(ctx);
    if (rc == 0)
        plain->len = len;
    else if (err->code == ERR_HSM)
        err->code = ERR_LETTER; /* the HSM is well: these bytes were not sealed to its key */
    return rc;
}

int letter_open(struct hsm *hsm, const struct vault_letter_req *req, struct buf *ret_pin, struct err *err)
{
    struct buf plain;
    struct sealed_pin who;
    buf_init_secret(&plain);
    int rc = unseal(hsm, req, &plain, err);
    if (rc == 0 && (rc = sealed_pin_decode(plain.data, plain.len, &who, ret_pin, err)) != 0)
        err->code = ERR_LETTER;
    if (rc == 0 && strcmp(who.job, req->job) != 0)
        rc = err_set(err, ERR_LETTER, "the sealed PIN is of another job");
    else if (rc == 0 && strcmp(who.serial, req->serial) != 0)
        rc = err_set(err, ERR_LETTER, "the sealed PIN is of another token");
    else if (rc == 0 && who.pin_version != req->pin_version)
        rc = err_set(err, ERR_LETTER, "the sealed PIN is version %u, asked for is %u", who.pin_version,
                     req->pin_version);
    buf_done(&plain);
    return rc;
}

/* ---- the text ----------------------------------------------------------------------------------- */

static int put_line(struct buf *b, enum text_id id, const char *value, struct err *err)
{
    return buf_printf(b, err, "%s / %s: %s\n", text(id, LANG_ZH), text(id, LANG_EN), value);
}

static int put_sentence(struct buf *b, enum text_id id, struct err *err)
{
    return buf_printf(b, err, "%s\n%s\n\n", text(id, LANG_ZH), text(id, LANG_EN));
}

int letter_text(const struct vault_letter_req *req, const struct buf *pin, struct buf *ret, struct err *err)
{
    buf_reset(ret);
    if (put_sentence(ret, TEXT_LETTER_TITLE, err) != 0 ||
        put_line(ret, TEXT_LETTER_ORGANISATION, req->organisation, err) != 0 ||
        put_line(ret, TEXT_LETTER_APPLICATION, req->application, err) != 0 ||
        put_line(ret, TEXT_LETTER_TOKEN, req->serial, err) != 0)
        return -1;
    if (buf_put_str(ret, "\nPIN: ", err) != 0 || buf_put(ret, pin->data, pin->len, err) != 0 ||
        buf_put_str(ret, "\n\n", err) != 0)
        return -1;
    if (put_sentence(ret, TEXT_LETTER_CHANGE, err) != 0 || put_sentence(ret, TEXT_LETTER_KEEP, err) != 0)
        return -1;
    return put_sentence(ret, TEXT_LETTER_LOST, err);
}

/* ---- writing ------------------------------------------------------------------------------------ */

int letter_check_fd(int fd, struct err *err)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &st) != 0)
        return err_set(err, ERR_LETTER, "the descriptor that came with the request is not usable");
    if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH) != 0)
        return err_set(err, ERR_LETTER, "the descriptor that came with the request cannot be written to");
    if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return err_set(err, ERR_LETTER,
                       "others may read the file (mode %o): a letter goes into a file of mode 600",
                       st.st_mode & 07777);
    return 0;
}

int letter_write(int fd, const struct buf *text_buf, int64_t deadline, struct err *err)
{
    for (size_t done = 0; done < text_buf->len;) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int n = poll(&p, 1, clock_left_ms(deadline));
        if (n == 0)
            return err_set(err, ERR_TIMEOUT, "nobody takes the letter");
        if (n < 0 && errno != EINTR)
            return err_sys(err, "write the letter");
        /* a pipe that is writable takes at least this much without blocking (pipe(7), PIPE_BUF) */
        size_t piece = text_buf->len - done < 512 ? text_buf->len - done : 512;
        ssize_t w = n > 0 ? write(fd, text_buf->data + done, piece) : 0;
        if (w < 0 && errno != EINTR && errno != EAGAIN)
            return err_sys(err, "write the letter");
        done += w > 0 ? (size_t)w : 0;
    }
    if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
        return err_sys(err, "make the letter durable");
    return 0;
}
