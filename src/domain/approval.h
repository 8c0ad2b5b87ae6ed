/* The approval: the portal's signature over an application's content hash, profile and reviewers. What the vault believes.
 *
 * {"version": 1, "id": UUIDv7, "application": id, "content_sha256": hex, "profile": name,
 *  "first_reviewer": name, "final_reviewer": name (another person), "approved_at": RFC 3339 UTC}
 *
 * Signed bytes: the canonical form, as it is sent; ECDSA P-256 with SHA-256, DER. */
#ifndef CASTATION_DOMAIN_APPROVAL_H
#define CASTATION_DOMAIN_APPROVAL_H

#include <openssl/evp.h>

#include "base/buf.h"
#include "domain/application.h"

#define APPROVAL_DOCUMENT_MAX  2048
#define APPROVAL_SIGNATURE_MAX 256

struct approval {
    char id[UUID_SIZE];
    char application[41];
    char content_sha256[SHA256_HEX_SIZE];
    char profile[33];
    char first_reviewer[65], final_reviewer[65];
    char approved_at[25];
};

/* Make the canonical document and its signature. approval->id is made when empty. */
int approval_sign(const struct application *app, struct approval *approval, EVP_PKEY *key, struct buf *ret_document,
                  struct buf *ret_signature, struct err *err);

/* All of: signature by `key`, document well-formed, reviewers differ, application parses, its hash, id and profile are
 * the approved ones. ERR_APPROVAL with the reason. Outputs untouched on failure. */
int approval_verify(const void *application, size_t application_len, const void *approval, size_t approval_len,
                    const void *signature, size_t signature_len, EVP_PKEY *key, struct application *ret_application,
                    struct approval *ret_approval, struct err *err);

/* PEM files: private (file_check_owner with secret) and public. */
int approval_load_private(const char *path, EVP_PKEY **ret, struct err *err);
int approval_load_public(const char *path, EVP_PKEY **ret, struct err *err);

#endif
