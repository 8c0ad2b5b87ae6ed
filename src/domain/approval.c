#include "domain/approval.h"

#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "domain/plain_text.h"

#define APPROVAL_VERSION 1
#define KEY_FILE_MAX     8192
#define REVIEWER_MAX     64
#define COUNT(a)         (sizeof(a) / sizeof((a)[0]))

static const struct json_field FIELDS[] = {
    {"version", JSON_FIELD_INT, true, 0},
    {"id", JSON_FIELD_STR, true, UUID_SIZE - 1},
    {"application", JSON_FIELD_STR, true, 40},
    {"content_sha256", JSON_FIELD_STR, true, SHA256_HEX_SIZE - 1},
    {"profile", JSON_FIELD_STR, true, 32},
    {"first_reviewer", JSON_FIELD_STR, true, 64},
    {"final_reviewer", JSON_FIELD_STR, true, 64},
    {"approved_at", JSON_FIELD_STR, true, CLOCK_UTC_SIZE - 1},
};

/* Where each text of the document stands in the struct. */
#define KEPT(member) #member, offsetof(struct approval, member), sizeof(((struct approval *)0)->member)
static const struct {
    const char *name;
    size_t offset, size;
} TEXTS[] = {
    {KEPT(id)},          {KEPT(application)},    {KEPT(content_sha256)},
    {KEPT(profile)},     {KEPT(first_reviewer)}, {KEPT(final_reviewer)},
    {KEPT(approved_at)},
};

/* Whatever is wrong with an approval or with what it approves is ERR_APPROVAL; want of memory stays what it
 * is. */
static int refuse(struct err *err, const char *what)
{
    if (err->code != ERR_MEMORY)
        err->code = ERR_APPROVAL;
    return err_prepend(err, "%s", what);
}

static bool is_p256(EVP_PKEY *key)
{
    char group[32] = "";
    size_t len;
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

/* ---- rules of the document ------------------------------------------------------------------- */

/* RFC 9562: lower case, hyphens in their places, version 7. */
static bool is_uuid7(const char *id)
{
    static const char PATTERN[] = "xxxxxxxx-xxxx-7xxx-Vxxx-xxxxxxxxxxxx";
    if (strlen(id) != strlen(PATTERN))
        return false;
    for (size_t i = 0; PATTERN[i]; i++) {
        const char *set = PATTERN[i] == 'x' ? "0123456789abcdef" : PATTERN[i] == 'V' ? "89ab" : NULL;
        if (set ? !strchr(set, id[i]) : id[i] != PATTERN[i])
            return false;
    }
    return true;
}

static int check_reviewers(const struct approval *a, struct err *err)
{
    if (plain_text_check(a->first_reviewer, REVIEWER_MAX, err) != 0)
        return refuse(err, "first_reviewer");
    if (plain_text_check(a->final_reviewer, REVIEWER_MAX, err) != 0)
        return refuse(err, "final_reviewer");
    if (strcasecmp(a->first_reviewer, a->final_reviewer) == 0)
        return err_set(err, ERR_APPROVAL,
                       "final_reviewer: %s made the first review too; it takes another person",
                       a->final_reviewer);
    return 0;
}

static int check_approval(const struct approval *a, struct err *err)
{
    if (!is_uuid7(a->id))
        return err_set(err, ERR_APPROVAL, "id: it is no UUIDv7");
    if (!plain_id_ok(a->application, sizeof(a->application) - 1))
        return err_set(err, ERR_APPROVAL, "application: it is no application's id");
    if (!plain_id_ok(a->profile, sizeof(a->profile) - 1))
        return err_set(err, ERR_APPROVAL, "profile: it is no profile's name");
    if (strspn(a->content_sha256, "0123456789abcdef") != SHA256_HEX_SIZE - 1)
        return err_set(err, ERR_APPROVAL, "content_sha256: it must be 64 lower-case hexadecimal digits");
    if (clock_utc_parse(a->approved_at) < 0)
        return err_set(err, ERR_APPROVAL, "approved_at: it must be an RFC 3339 time in UTC");
    return check_reviewers(a, err);
}

static int put_document(const struct approval *a, struct buf *b, struct err *err)
{
    json_t *json = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "version", APPROVAL_VERSION, "id", a->id,
                             "application", a->application, "content_sha256", a->content_sha256, "profile",
                             a->profile, "first_reviewer", a->first_reviewer, "final_reviewer",
                             a->final_reviewer, "approved_at", a->approved_at);
    if (!json)
        return err_set(err, ERR_MEMORY, "approval document");
    int rc = json_canonical(json, b, err);
    json_decref(json);
    return rc;
}

/* The document must be in canonical form: then two readers can never see two things in the bytes that were
 * signed. */
static int parse_document(const void *data, size_t len, struct approval *ret, struct err *err)
{
    struct approval a = {0};
    struct buf again;
    buf_init(&again);
    int rc = -1;
    json_t *json = json_parse(data, len, err);
    if (!json || json_check(json, "", FIELDS, COUNT(FIELDS), err) != 0)
        goto out;
    if (json_int(json, "version") != APPROVAL_VERSION) {
        err_set(err, ERR_APPROVAL, "version: %lld, this program knows %d",
                (long long)json_int(json, "version"), APPROVAL_VERSION);
        goto out;
    }
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        const char *value = json_str(json, TEXTS[i].name);
        size_t n = strlen(value);
        if (n >= TEXTS[i].size) {
            err_set(err, ERR_APPROVAL, "%s: %zu bytes, at most %zu are allowed", TEXTS[i].name, n,
                    TEXTS[i].size - 1);
            goto out;
        }
        memcpy((char *)&a + TEXTS[i].offset, value, n + 1);
    }
    if (check_approval(&a, err) != 0 || put_document(&a, &again, err) != 0)
        goto out;
    if (again.len != len || memcmp(again.data, data, len) != 0) {
        err_set(err, ERR_APPROVAL, "the document is not in canonical form");
        goto out;
    }
    *ret = a;
    rc = 0;
out:
    json_decref(json);
    buf_done(&again);
    return rc;
}

/* ---- signature ------------------------------------------------------------------------------- */

static int sign(EVP_PKEY *key, const struct buf *document, struct buf *b, struct err *err)
{
    uint8_t signature[APPROVAL_SIGNATURE_MAX];
    size_t len = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int rc = -1;
    if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(ctx, signature, &len, document->data, document->len) != 1)
        err_set(err, ERR_INTERNAL, "approval: the key does not sign");
    else
        rc = buf_put(b, signature, len, err);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return rc;
}

static int check_signature(EVP_PKEY *key, const void *data, size_t len, const void *signature,
                           size_t signature_len, struct err *err)
{
    if (!is_p256(key))
        return err_set(err, ERR_APPROVAL, "approvals are verified with a P-256 key, this is another");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, signature, signature_len, data, len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good ? 0 : err_set(err, ERR_APPROVAL, "the signature is not the portal's");
}

int approval_sign(const struct application *app, struct approval *approval, EVP_PKEY *key,
                  struct buf *ret_document, struct buf *ret_signature, struct err *err)
{
    struct approval a = *approval;
    struct buf document, signature;
    buf_init(&document);
    buf_init(&signature);
    int rc = -1;
    if (!a.id[0])
        uuid7(a.id);
    if (!a.approved_at[0])
        clock_utc_text(clock_utc_ms(), a.approved_at);
    memcpy(a.application, app->id, sizeof(a.application));
    memcpy(a.profile, app->profile, sizeof(a.profile));
    memcpy(a.content_sha256, app->content_sha256, sizeof(a.content_sha256));
    if (!is_p256(key)) {
        err_set(err, ERR_APPROVAL, "approvals are signed with a P-256 key, this is another");
        goto out;
    }
    if (check_approval(&a, err) != 0 || put_document(&a, &document, err) != 0 ||
        sign(key, &document, &signature, err) != 0 ||
        buf_put(ret_document, document.data, document.len, err) != 0 ||
        buf_put(ret_signature, signature.data, signature.len, err) != 0)
        goto out;
    *approval = a;
    rc = 0;
out:
    buf_done(&document);
    buf_done(&signature);
    return rc;
}

/* Does the approval speak of this very application? */
static int same_application(const struct application *app, const struct approval *a, struct err *err)
{
    if (strcmp(a->application, app->id) != 0)
        return err_set(err, ERR_APPROVAL, "it approves application %s, this is %s", a->application, app->id);
    if (strcmp(a->profile, app->profile) != 0)
        return err_set(err, ERR_APPROVAL, "it approves profile %s, application %s asks for %s", a->profile,
                       app->id, app->profile);
    if (strcmp(a->content_sha256, app->content_sha256) != 0)
        return err_set(err, ERR_APPROVAL, "application %s was changed after its approval", app->id);
    return 0;
}

int approval_verify(const void *application, size_t application_len, const void *approval,
                    size_t approval_len, const void *signature, size_t signature_len, EVP_PKEY *key,
                    struct application *ret_application, struct approval *ret_approval, struct err *err)
{
    struct application app;
    struct approval a;
    if (approval_len > APPROVAL_DOCUMENT_MAX || signature_len > APPROVAL_SIGNATURE_MAX)
        return err_set(err, ERR_APPROVAL, "document or signature is too large");
    if (check_signature(key, approval, approval_len, signature, signature_len, err) != 0 ||
        parse_document(approval, approval_len, &a, err) != 0)
        return refuse(err, "approval");
    if (application_parse(application, application_len, &app, err) != 0)
        return refuse(err, "approved application");
    if (same_application(&app, &a, err) != 0)
        return -1;
    *ret_application = app;
    *ret_approval = a;
    return 0;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* An encrypted key would make OpenSSL ask on the terminal: services have none. */
static int no_passphrase(char *dst, int size, int writing, void *arg)
{
    (void)dst, (void)size, (void)writing, (void)arg;
    return -1;
}

static int load_key(const char *path, bool private, EVP_PKEY **ret, struct err *err)
{
    struct buf pem;
    private ? buf_init_secret(&pem) : buf_init(&pem);
    BIO *bio = NULL;
    EVP_PKEY *key = NULL;
    int rc = -1;
    if (file_check_owner(path, private, err) != 0 || file_read(path, KEY_FILE_MAX, &pem, err) != 0)
        goto out;
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio)
        key = private ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
                      : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    ERR_clear_error();
    if (!key || !is_p256(key)) {
        err_set(err, ERR_CONFIG, "%s: it must hold a P-256 %s key in PEM, not encrypted", path,
                private ? "private" : "public");
        goto out;
    }
    *ret = key;
    key = NULL;
    rc = 0;
out:
    EVP_PKEY_free(key);
    BIO_free(bio);
    buf_done(&pem);
    return rc;
}

int approval_load_private(const char *path, EVP_PKEY **ret, struct err *err)
{
    return load_key(path, true, ret, err);
}

int approval_load_public(const char *path, EVP_PKEY **ret, struct err *err)
{
    return load_key(path, false, ret, err);
}
