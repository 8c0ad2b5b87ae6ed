/* Materials: stamped scans. PDF, JPEG or PNG by content, ≤ 10 MB, stored when chosen, purged after a set
 * time. */
#ifndef CASTATION_PORTAL_MATERIAL_H
#define CASTATION_PORTAL_MATERIAL_H

#include <jansson.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/text.h"
#include "portal/acts.h"

#define MATERIAL_MAX     (10u << 20) /* bytes of one */
#define MATERIALS_A_KIND 5

/* X(kind, name, required, label zh, en) in material_kind.def: licence (always), representative_id (always),
 * application_form (always: the exported form, stamped), authorisation and agent_id (agent=yes). */
struct material_kind {
    const char *name, *required, *title[LANG_COUNT], *hint[LANG_COUNT];
};
extern const struct material_kind material_kinds[];
extern const size_t material_n_kinds;
const struct material_kind *material_kind(const char *name); /* NULL when unknown */

struct material {
    char id[UUID_SIZE], application[41], kind[24], name[256], media_type[24], sha256[SHA256_HEX_SIZE];
    int64_t size, added_at, purged_at;
};

/* The media type by content, and whether the file is whole and nothing else: PNG chunks to IEND, JPEG
 * segments to EOI, %PDF-…%%EOF; bytes before, or more than white space after, are refused (a polyglot), as
 * are a PDF's JavaScript, launch action or embedded file, and images over 12000 × 12000. ERR_FIELD,
 * ERR_TOO_LARGE. Fuzzed. */
int material_type(const void *data, size_t len, const char **ret_media_type, struct err *err);

/* A file and what it is. `data` stays the caller's. */
struct material_file {
    const void *data;
    size_t len;
    const char *media_type;
    char sha256[SHA256_HEX_SIZE];
};
/* May take a second: to be called outside of any transaction. As material_type. */
int material_look(const void *data, size_t len, struct material_file *ret, struct err *err);

/* `name` is cleaned: its last path component, no control characters, at most 100 characters. The same bytes
 * again are the same material. ERR_FIELD: no such kind; ERR_EXISTS: MATERIALS_A_KIND are there;
 * ERR_WRONG_STATE unless draft or returned. */
void material_clean_name(const char *name, char ret[256]);
int material_add(const struct act *act, const char *application, const char *kind, const char *name,
                 const struct material_file *file, char ret_id[UUID_SIZE], struct err *err);
int material_remove(const struct act *act, const char *application, const char *id, struct err *err);
/* [{id, kind, name, media_type, sha256, size, added_at, purged}] */
int material_list(struct db *db, const char *application, json_t **ret, struct err *err);
/* ERR_NOT_FOUND: of another application, or none. content: appended, nothing when it was purged; NULL: not
 * wanted. */
int material_get(struct db *db, const char *application, const char *id, struct material *ret,
                 struct buf *content, struct err *err);
/* Content of applications that ended more than setting "materials_keep_days" (180) ago. */
int material_purge(struct db *db, int64_t now, struct err *err);

#endif
