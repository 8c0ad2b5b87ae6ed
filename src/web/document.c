#include "web/document.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "web/document_parts.h"

int document_new(struct document **ret, const char *number, const char *made, struct err *err)
{
    struct document *d = calloc(1, sizeof(*d));
    if (!d)
        return err_set(err, ERR_MEMORY, "a document");
    snprintf(d->number, sizeof(d->number), "%s", number);
    snprintf(d->made, sizeof(d->made), "%s", made);
    *ret = d;
    return 0;
}

void document_free(struct document **d)
{
    if (!d || !*d)
        return;
    for (size_t i = 0; i < (*d)->n_parts; i++) {
        free((*d)->parts[i].zh);
        free((*d)->parts[i].en);
        free((*d)->parts[i].value);
    }
    free(*d);
    *d = NULL;
}

/* Pango takes nothing but valid UTF-8; a control character would be drawn as a box. */
static char *cleaned(const char *text)
{
    char *copy = strndup(text, DOCUMENT_TEXT_MAX);
    if (!copy)
        return NULL;
    utf8_scrub(copy);
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' && *c != '\n')
            *c = ' ';
    return copy;
}

static int add(struct document *d, enum part_kind kind, const char *zh, const char *en, const char *value,
               struct err *err)
{
    if (d->n_parts == DOCUMENT_PARTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a document of more than %d parts", DOCUMENT_PARTS_MAX);
    struct part *part = &d->parts[d->n_parts++];
    *part = (struct part){kind, cleaned(zh), cleaned(en), cleaned(value)};
    return part->zh && part->en && part->value ? 0 : err_set(err, ERR_MEMORY, "a document");
}

int document_title(struct document *d, const char *zh, const char *en, struct err *err)
{
    return add(d, PART_TITLE, zh, en, "", err);
}

int document_heading(struct document *d, const char *zh, const char *en, struct err *err)
{
    return add(d, PART_HEADING, zh, en, "", err);
}

int document_row(struct document *d, const char *zh, const char *en, const char *value, struct err *err)
{
    return add(d, PART_ROW, zh, en, value, err);
}

int document_paragraph(struct document *d, const char *zh, const char *en, struct err *err)
{
    return add(d, PART_PARAGRAPH, zh, en, "", err);
}

int document_note(struct document *d, const char *zh, const char *en, struct err *err)
{
    return add(d, PART_NOTE, zh, en, "", err);
}

int document_line(struct document *d, const char *zh, const char *en, const char *value, struct err *err)
{
    return add(d, PART_LINE, zh, en, value, err);
}

int document_seal(struct document *d, const char *zh, const char *en, struct err *err)
{
    return add(d, PART_SEAL, zh, en, "", err);
}

/* Pango's font maps are not for several threads, and one is large enough. */
int document_finish(struct document *d, unsigned int seconds, struct buf *out, struct err *err)
{
    static pthread_mutex_t drawing = PTHREAD_MUTEX_INITIALIZER;
    int64_t deadline = clock_mono_ms() + (int64_t)seconds * 1000;
    const struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
    if (pthread_mutex_clocklock(&drawing, CLOCK_MONOTONIC, &until) != 0)
        return err_set(err, ERR_TIMEOUT, "other documents were being made for %u s", seconds);
    int rc = document_draw(d, deadline, out, err);
    pthread_mutex_unlock(&drawing);
    return rc;
}
