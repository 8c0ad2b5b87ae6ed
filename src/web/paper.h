/* The papers that organisations stamp: the application form, the letter of authorisation. */
#ifndef CASTATION_WEB_PAPER_H
#define CASTATION_WEB_PAPER_H

#include "base/buf.h"
#include "web/export_rows.h"

#define PAPER_SECONDS 10 /* for waiting and drawing */

/* Append the PDF. `rows`: values in Chinese. `made`: when, for the footer. As document_finish. */
int paper_form(const char *number, const char *made, const struct export_rows *rows, struct buf *out,
               struct err *err);

struct paper_letter {
    const char *name, *identifier, *representative, *agent, *agent_id,
        *agent_mobile; /* "": a line to write on */
    const char *number, *made;
};
int paper_letter(const struct paper_letter *letter, struct buf *out, struct err *err);

#endif
