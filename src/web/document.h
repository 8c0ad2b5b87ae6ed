/* Documents to print: A4, PDF, text that can be selected and searched, CJK glyphs embedded. Made with Pango
 * and cairo, one document at a time in the whole process, in the caller's thread. The first one maps the
 * fonts (some 40 MB of files, 5 MB besides); drawing takes 30 MB more for a moment.
 *
 * A document is a list of parts, laid out when it is finished: what does not fit goes to the next page. Texts
 * are UTF-8 and are never taken for markup. Every call: ERR_MEMORY, ERR_TOO_LARGE (more than any form of ours
 * needs). */
#ifndef CASTATION_WEB_DOCUMENT_H
#define CASTATION_WEB_DOCUMENT_H

#include "base/buf.h"
#include "base/text.h"

#define DOCUMENT_PARTS_MAX 200
#define DOCUMENT_TEXT_MAX  4096 /* bytes of one text */

struct document;

/* `number` stands in the footer and, as a QR code, at the top right; "" = neither. `made`: a time, for the
 * footer; "". */
int document_new(struct document **ret, const char *number, const char *made, struct err *err);
void document_free(struct document **d); /* NULL-safe */

/* zh, and en smaller below it; either may be "". */
int document_title(struct document *d, const char *zh, const char *en, struct err *err);
int document_heading(struct document *d, const char *zh, const char *en, struct err *err);
int document_row(struct document *d, const char *zh, const char *en, const char *value, struct err *err);
int document_paragraph(struct document *d, const char *zh, const char *en, struct err *err);
int document_note(struct document *d, const char *zh, const char *en, struct err *err);
/* A line to sign on, within the box of the next seal. At most 4. */
int document_line(struct document *d, const char *zh, const char *en, const char *value, struct err *err);
/* The box: the lines before it at the left, the seal's place at the right. It is never parted by a page's
 * end. */
int document_seal(struct document *d, const char *zh, const char *en, struct err *err);

/* Append the PDF. `seconds`: for waiting and for drawing, together: ERR_TIMEOUT. ERR_CONFIG: the font "Noto
 * Sans CJK SC" is not installed. */
int document_finish(struct document *d, unsigned int seconds, struct buf *out, struct err *err);

#endif
