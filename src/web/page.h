/* The pages: paths, who may read and who may act, and what runs. page.def is the authorisation table: the
 * dispatcher goes by it, and a test tries every row with every role. */
#ifndef CASTATION_WEB_PAGE_H
#define CASTATION_WEB_PAGE_H

#include "portal/role.h"

struct web_call;
struct err;

enum page_flags {
    PAGE_OWN_TRANSACTION = 1, /* its POST begins and ends its transactions itself (password hashing, looking
                                 at a file, comes before) */
    PAGE_UPLOAD = 2,          /* its POST may have a file: multipart, up to pages.upload_max */
    PAGE_STATIC = 4,          /* may be kept by caches; no session is looked up */
    PAGE_KEEP = 8, /* its POST's fields are kept when the session was over, and are there (web_field) in the
                      next GET, after logging in */
};

/* Beside ROLE_…: */
#define PAGE_NOBODY 0u
#define PAGE_PUBLIC (1u << 30) /* logged in or not */
#define PAGE_USER   (1u << 29) /* whoever is logged in */

typedef int page_run(struct web_call *c, struct err *err);
page_run page_none;

struct page {
    const char *name, *path; /* "/applications/{application}/materials/{param}" */
    unsigned int readers;    /* GET and HEAD */
    page_run *get;           /* page_none when readers is PAGE_NOBODY */
    unsigned int writers;    /* POST */
    page_run *post;          /* likewise */
    unsigned int flags;
};

#define X(name, path, readers, get, writers, post, flags) page_run get, post;
#include "web/page.def"
#undef X

enum page_id {
#define X(name, path, readers, get, writers, post, flags) name,
#include "web/page.def"
#undef X
    PAGE_COUNT
};
extern const struct page pages[PAGE_COUNT];

#endif
