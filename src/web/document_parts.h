/* A document's parts as document.c gathers them and document_draw.c draws them. */
#ifndef CASTATION_WEB_DOCUMENT_PARTS_H
#define CASTATION_WEB_DOCUMENT_PARTS_H

#include "web/document.h"

enum part_kind {
    PART_TITLE,
    PART_HEADING,
    PART_ROW,
    PART_PARAGRAPH,
    PART_NOTE,
    PART_LINE, /* belongs to the seal behind it */
    PART_SEAL,
    PART_KIND_COUNT
};

struct part {
    enum part_kind kind;
    char *zh, *en, *value;
};

struct document {
    char number[41], made[32];
    struct part parts[DOCUMENT_PARTS_MAX];
    size_t n_parts;
};

/* The PDF, while the caller has drawing to itself. `deadline`: CLOCK_MONOTONIC ms. */
int document_draw(const struct document *d, int64_t deadline, struct buf *out, struct err *err);

#endif
