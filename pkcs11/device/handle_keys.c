/* keygen, csr, write, verify: the key and its certificate. */
#include <string.h>

#include "base/hex.h"
#include "device/certs.h"
#include "device/csr.h"
#include "device/handlers.h"
#include "device/session.h"
#include "device/sign.h"

#define CHALLENGE_MIN 16

/* The token is the one meant, and its user is logged in. */
static int enter(struct bay *b, const char *serial, struct err *err)
{
    return bay_look_to_change(b, serial, err) == 0 ? session_user(b, err) : -1;
}

/* Pair and public key under an id; *ret_key is the caller's. */
static int open_pair(const struct session *s, const void *id, size_t id_len, struct key_pair *ret,
                     EVP_PKEY **ret_key, struct err *err)
{
    return keys_find(s, id, id_len, ret, err) == 0 ? keys_public(s, ret->public_key, ret_key, err) : -1;
}

/* ---- keygen
 * ------------------------------------------------------------------------------------------------------- */

static int set_final_id(struct bay *b, const struct bay_keygen_req *q, const struct key_pair *pair,
                        EVP_PKEY *key, struct bay_keygen_rep *r, struct err *err)
{
    uint8_t hash[KEY_HASH_SIZE];
    bool refused = !b->product->id_mutable;
    if (keys_hash(key, hash, err) != 0)
        return -1;
    if (!refused && keys_set(&b->session, pair, CKA_ID, hash, sizeof(hash), &refused, err) != 0)
        return err_prepend(err, "CKA_ID");
    if (refused)
        memcpy(r->final_id.data, q->key_id.data, q->key_id.len);
    else
        memcpy(r->final_id.data, hash, sizeof(hash));
    r->final_id.len = refused ? q->key_id.len : sizeof(hash);
    return 0;
}

static int report_key(struct bay *b, const struct bay_keygen_req *q, const struct key_pair *pair,
                      struct bay_keygen_rep *r, struct err *err)
{
    EVP_PKEY *key = NULL;
    struct buf spki;
    buf_init(&spki);
    int rc = -1;
    if (keys_public(&b->session, pair->public_key, &key, err) == 0 &&
        keys_check_type(key, (enum key_type)q->key_type, err) == 0 && keys_spki(key, &spki, err) == 0 &&
        set_final_id(b, q, pair, key, r, err) == 0)
        rc = keys_attributes(&b->session, pair->private_key, &r->attributes, err);
    if (rc == 0 && !bytes_set(r->spki, spki.data, spki.len))
        rc = err_set(err, ERR_TOO_LARGE, "a public key of %zu bytes", spki.len);
    EVP_PKEY_free(key);
    buf_done(&spki);
    return rc;
}

int handle_keygen(struct bay *b, const struct bay_keygen_req *q, struct bay_keygen_rep *r, struct err *err)
{
    if (q->key_type >= KEY_TYPE_COUNT || !(b->product->key_types & 1u << q->key_type))
        return err_set(err, ERR_REFUSED, "product %s makes no %s keys", b->product->name,
                       key_type_name((enum key_type)q->key_type));
    struct key_pair pair;
    if (enter(b, q->serial, err) != 0 ||
        keys_generate(&b->session, (enum key_type)q->key_type, q->key_id.data, q->key_id.len, q->label, &pair,
                      err) != 0)
        return -1;
    return report_key(b, q, &pair, r, err);
}

/* ---- csr
 * ----------------------------------------------------------------------------------------------------------
 */

static int sign_both(struct bay *b, const struct bay_csr_req *q, struct buf *csr, struct buf *signature,
                     struct err *err)
{
    struct key_pair pair;
    EVP_PKEY *key = NULL;
    int rc = open_pair(&b->session, q->key_id.data, q->key_id.len, &pair, &key, err);
    if (rc == 0)
        rc = csr_make(&b->session, &pair, key, q->subject.data, q->subject.len, csr, err);
    if (rc == 0)
        rc = sign_data(&b->session, pair.private_key, key, EVP_sha256(), q->challenge.data, q->challenge.len,
                       signature, err);
    EVP_PKEY_free(key);
    return rc;
}

int handle_csr(struct bay *b, const struct bay_csr_req *q, struct bay_csr_rep *r, struct err *err)
{
    if (q->challenge.len < CHALLENGE_MIN)
        return err_set(err, ERR_FIELD, "a challenge of %zu bytes proves nothing, at least %d are needed",
                       q->challenge.len, CHALLENGE_MIN);
    if (enter(b, q->serial, err) != 0)
        return -1;
    struct buf csr, signature;
    buf_init(&csr);
    buf_init(&signature);
    int rc = sign_both(b, q, &csr, &signature, err);
    if (rc == 0 &&
        (!bytes_set(r->csr, csr.data, csr.len) || !bytes_set(r->signature, signature.data, signature.len)))
        rc =
            err_set(err, ERR_TOO_LARGE, "a request of %zu bytes, a signature of %zu", csr.len, signature.len);
    buf_done(&csr);
    buf_done(&signature);
    return rc;
}

/* ---- write
 * -------------------------------------------------------------------------------------------------------- */

static int write_all(struct bay *b, const struct bay_write_req *q, const struct key_pair *pair, EVP_PKEY *key,
                     uint32_t *ret_written, struct err *err)
{
    X509 *certificate = certs_parse(q->certificate.data, q->certificate.len, err);
    int rc = certificate ? certs_check_key(certificate, key, err) : -1;
    X509_free(certificate);
    uint32_t own = 0, chain = 0;
    if (rc != 0 ||
        certs_write_own(&b->session, pair, q->key_id.data, q->key_id.len, q->label, q->certificate.data,
                        q->certificate.len, &own, err) != 0 ||
        certs_write_chain(&b->session, q->chain.data, q->chain.len, &chain, err) != 0)
        return -1;
    *ret_written = own + chain;
    return 0;
}

int handle_write(struct bay *b, const struct bay_write_req *q, struct bay_write_rep *r, struct err *err)
{
    struct key_pair pair;
    EVP_PKEY *key = NULL;
    if (enter(b, q->serial, err) != 0 ||
        open_pair(&b->session, q->key_id.data, q->key_id.len, &pair, &key, err) != 0)
        return -1;
    int rc = write_all(b, q, &pair, key, &r->written, err);
    EVP_PKEY_free(key);
    return rc;
}

/* ---- verify
 * ------------------------------------------------------------------------------------------------------- */

static int check_attributes(uint32_t bits, struct err *err)
{
    uint32_t missing = KEY_ATTRIBUTES_DEMANDED & ~bits,
             forbidden = bits & (KEY_EXTRACTABLE | KEY_CAN_DECRYPT);
    if (missing == 0 && forbidden == 0)
        return 0;
    return err_set(err, ERR_TOKEN_MISMATCH,
                   "the private key's attributes are wrong: missing 0x%x, forbidden 0x%x", missing,
                   forbidden);
}

/* The private half signs what only it can: checked with the key that stands in the certificate. */
static int prove(const struct session *s, CK_OBJECT_HANDLE private_key, X509 *certificate, struct err *err)
{
    uint8_t challenge[32];
    struct buf signature;
    random_bytes(challenge, sizeof(challenge));
    buf_init(&signature);
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    int rc =
        key ? sign_data(s, private_key, key, sign_digest(key), challenge, sizeof(challenge), &signature, err)
            : err_set(err, ERR_FIELD, "the certificate's key is of no known kind");
    buf_done(&signature);
    return rc;
}

static int check_pair(struct bay *b, const struct bay_verify_req *q, X509 *certificate,
                      uint32_t *ret_attributes, struct err *err)
{
    struct key_pair pair;
    EVP_PKEY *key = NULL;
    const struct session *s = &b->session;
    int rc = open_pair(s, q->key_id.data, q->key_id.len, &pair, &key, err);
    if (rc == 0)
        rc = certs_check_key(certificate, key, err);
    if (rc == 0)
        rc = keys_attributes(s, pair.private_key, ret_attributes, err);
    if (rc == 0)
        rc = check_attributes(*ret_attributes, err);
    if (rc == 0)
        rc = prove(s, pair.private_key, certificate, err);
    EVP_PKEY_free(key);
    if (rc != 0 && err->code == ERR_NOT_FOUND)
        err->code = ERR_TOKEN_MISMATCH;
    return rc;
}

int handle_verify(struct bay *b, const struct bay_verify_req *q, struct bay_verify_rep *r, struct err *err)
{
    if (b->user_pin.version != q->pin_version)
        return err_set(err, ERR_WRONG_STATE, "the PIN here is version %u, asked was version %u",
                       b->user_pin.version, q->pin_version);
    session_close(b); /* log in afresh */
    X509 *certificate = certs_parse(q->certificate.data, q->certificate.len, err);
    int rc = certificate ? enter(b, q->serial, err) : -1;
    if (rc == 0)
        rc = certs_check(&b->session, q->key_id.data, q->key_id.len, q->certificate.data, q->certificate.len,
                         q->chain.data, q->chain.len, err);
    if (rc == 0)
        rc = check_pair(b, q, certificate, &r->attributes, err);
    X509_free(certificate);
    if (rc == 0)
        module_text(b->token.info.label, sizeof(b->token.info.label), r->label, sizeof(r->label));
    return rc;
}
