/* Forms and queries, decoded and bounded: application/x-www-form-urlencoded and multipart/form-data. */
#ifndef CASTATION_PORTAL_SERVER_FORM_H
#define CASTATION_PORTAL_SERVER_FORM_H

#include "portal/server.h"

#define SERVER_FORM_FIELDS_MAX 200
#define SERVER_FORM_FIELD_MAX  ((size_t)65536) /* bytes of a value that is no file */
#define SERVER_FORM_NAME_MAX   128

struct server_field {
    char *name;       /* UTF-8 without NUL; never NULL */
    char *file_name;  /* as sent, UTF-8; NULL: an ordinary field */
    struct buf value; /* an ordinary field: UTF-8 without NUL inside; a NUL stands behind it */
};
struct server_form {
    struct server_field *fields;
    size_t n;
};

/* The body's fields, at most `files` of them files (file inputs without a file are left out). PROBLEM_NONE;
 * or PROBLEM_REQUEST, PROBLEM_MEDIA_TYPE, PROBLEM_TOO_LARGE, PROBLEM_INTERNAL with *ret_detail. An empty body
 * is an empty form. To be freed in either case. */
enum problem server_form_read(const struct server_request *request, size_t files, struct server_form *ret,
                              const char **ret_detail);
/* The fields of the query. Likewise. */
enum problem server_form_query(const struct server_request *request, struct server_form *ret,
                               const char **ret_detail);
/* Wipes ordinary fields: there may be a password among them. */
void server_form_free(struct server_form *form);
/* The first of that name; NULL. */
const struct server_field *server_form_get(const struct server_form *form, const char *name, bool file);

/* %XX undone in place; false: a "%" without two digits behind it, or %00. */
bool server_form_unescape(char *text);

#endif
