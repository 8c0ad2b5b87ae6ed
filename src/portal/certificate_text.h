/* Values of a certificate as lines of text: what certificate_words.c and certificate_extension.c share. */
#ifndef CASTATION_PORTAL_CERTIFICATE_TEXT_H
#define CASTATION_PORTAL_CERTIFICATE_TEXT_H

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/text.h"

#define CERTIFICATE_LINE_MAX 1024 /* bytes; longer ones end in "…" */

/* Append one line, cleaned: valid UTF-8, no control characters. `before` (may be "") stands in front of it.
 */
int line_add(json_t *lines, const char *before, const void *text, size_t len, struct err *err);
int line_add_string(json_t *lines, const char *before, const ASN1_STRING *s, struct err *err);
int line_add_hex(json_t *lines, const char *before, const void *data, size_t len,
                 struct err *err); /* "AB:CD:…" */
int line_add_object(json_t *lines, const char *before, const ASN1_OBJECT *o, struct err *err); /* its OID */

/* A name's attributes, a line each: "机构 (O)：…". */
int line_add_name(json_t *lines, const X509_NAME *name, enum lang lang, struct err *err);

/* One extension: its title, its lines, whether they are for a fixed-width font. */
int extension_lines(X509_EXTENSION *ext, enum lang lang, const char **ret_title, bool *ret_code,
                    json_t *lines, struct err *err);

#endif
