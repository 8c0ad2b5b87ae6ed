#include "web/paper.h"

#include <stdio.h>
#include <string.h>

#include "web/document.h"

#define BLANK "＿＿＿＿＿＿＿＿＿＿"

static const char *zh(enum text_id id)
{
    return text(id, LANG_ZH);
}

static const char *en(enum text_id id)
{
    return text(id, LANG_EN);
}

static int signatures(struct document *d, bool agent, struct err *err)
{
    if (document_line(d, zh(TEXT_DOC_SIGN_REPRESENTATIVE), en(TEXT_DOC_SIGN_REPRESENTATIVE), "", err) != 0)
        return -1;
    if (agent && document_line(d, zh(TEXT_DOC_SIGN_AGENT), en(TEXT_DOC_SIGN_AGENT), "", err) != 0)
        return -1;
    if (document_line(d, zh(TEXT_DOC_SIGN_DATE), en(TEXT_DOC_SIGN_DATE), zh(TEXT_DOC_SIGN_DAY), err) != 0)
        return -1;
    return document_seal(d, zh(TEXT_DOC_SEAL), en(TEXT_DOC_SEAL), err);
}

/* ---- the form */

#define TICKED   "■ "
#define UNTICKED "□ "

/* What could be chosen stands there as a whole, what was chosen is ticked. */
static void row_value(const struct export_line *row, char *ret, size_t cap)
{
    static const struct {
        const char *key;
        enum text_id first, second;
    } CHOICES[] = {{"agent", TEXT_FORM_YES, TEXT_FORM_NO},
                   {"delivery_method", TEXT_FORM_MAIL, TEXT_FORM_PICKUP}};
    for (size_t i = 0; i < sizeof(CHOICES) / sizeof(CHOICES[0]); i++) {
        const char *first = zh(CHOICES[i].first), *second = zh(CHOICES[i].second);
        if (strcmp(row->key, CHOICES[i].key) != 0)
            continue;
        snprintf(ret, cap, "%s%s　%s%s", strcmp(row->value, first) == 0 ? TICKED : UNTICKED, first,
                 strcmp(row->value, second) == 0 ? TICKED : UNTICKED, second);
        return;
    }
    /* The paper is among the materials, and so made before them: the boxes are for whoever encloses them. */
    snprintf(ret, cap, "%s", row->part == EXPORT_MATERIALS ? UNTICKED : row->value);
}

/* Delivery is asked for after the materials: before it is known, it does not stand on what is stamped. */
static bool delivery_known(const struct export_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        if (strcmp(rows->rows[i].key, "delivery_method") == 0)
            return *rows->rows[i].value != '\0';
    return false;
}

static bool on_paper(const struct export_line *row, bool with_delivery)
{
    return row->part != EXPORT_RESULT && (with_delivery || row->part != EXPORT_DELIVERY) &&
           row->title[LANG_ZH] != zh(TEXT_DOC_FORM_STATE) &&
           row->title[LANG_ZH] != zh(TEXT_DOC_FORM_CREATED); /* it is stamped before there is any result */
}

static int put_rows(struct document *d, const struct export_rows *rows, struct err *err)
{
    static const enum text_id HEADINGS[EXPORT_PART_COUNT] = {
        [EXPORT_ORGANISATION] = TEXT_DOC_SECTION_ORGANISATION,
        [EXPORT_PEOPLE] = TEXT_DOC_SECTION_PEOPLE,
        [EXPORT_MATERIALS] = TEXT_DOC_SECTION_MATERIALS,
        [EXPORT_DELIVERY] = TEXT_DOC_SECTION_DELIVERY,
        [EXPORT_RESULT] = TEXT_DOC_SECTION_RESULT,
    };
    bool with_delivery = delivery_known(rows);
    for (size_t i = 0; i < rows->n; i++) {
        const struct export_line *row = &rows->rows[i];
        char value[EXPORT_VALUE_SIZE + 64];
        if (!on_paper(row, with_delivery))
            continue;
        if (row->part != EXPORT_HEAD && (i == 0 || rows->rows[i - 1].part != row->part) &&
            document_heading(d, zh(HEADINGS[row->part]), en(HEADINGS[row->part]), err) != 0)
            return -1;
        row_value(row, value, sizeof(value));
        if (document_row(d, row->title[LANG_ZH], row->title[LANG_EN], value, err) != 0)
            return -1;
    }
    return 0;
}

static bool has_agent(const struct export_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        if (strcmp(rows->rows[i].key, "agent_name") == 0)
            return true;
    return false;
}

int paper_form(const char *number, const char *made, const struct export_rows *rows, struct buf *out,
               struct err *err)
{
    struct document *d = NULL;
    int rc = document_new(&d, number, made, err);
    if (rc == 0)
        rc = document_title(d, zh(TEXT_DOC_FORM_TITLE), en(TEXT_DOC_FORM_TITLE), err);
    if (rc == 0)
        rc = document_note(d, zh(TEXT_DOC_STAMP_NOTE), en(TEXT_DOC_STAMP_NOTE), err);
    if (rc == 0)
        rc = put_rows(d, rows, err);
    if (rc == 0)
        rc = document_heading(d, zh(TEXT_DOC_SECTION_DECLARATION), en(TEXT_DOC_SECTION_DECLARATION), err);
    if (rc == 0)
        rc = document_paragraph(d, zh(TEXT_DOC_DECLARATION), en(TEXT_DOC_DECLARATION), err);
    if (rc == 0)
        rc = signatures(d, has_agent(rows), err);
    if (rc == 0)
        rc = document_finish(d, PAPER_SECONDS, out, err);
    document_free(&d);
    return rc;
}

/* ---- the letter */

static const char *word_of(const struct paper_letter *letter, const char *name, size_t len)
{
    const struct {
        const char *name, *value;
    } WORDS[] = {
        {"name", letter->name},
        {"identifier", letter->identifier},
        {"representative", letter->representative},
        {"agent", letter->agent},
        {"agent_id", letter->agent_id},
        {"agent_mobile", letter->agent_mobile},
        {"number", letter->number},
    };
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++)
        if (strlen(WORDS[i].name) == len && memcmp(WORDS[i].name, name, len) == 0)
            return *WORDS[i].value ? WORDS[i].value : BLANK;
    return BLANK;
}

static int fill(struct buf *out, const char *sentence, const struct paper_letter *letter, struct err *err)
{
    for (const char *open; (open = strchr(sentence, '{')); sentence = strchr(open, '}') + 1) {
        const char *word = word_of(letter, open + 1, strcspn(open + 1, "}"));
        if (buf_put(out, sentence, (size_t)(open - sentence), err) != 0 || buf_put_str(out, word, err) != 0)
            return -1;
    }
    return buf_put_str(out, sentence, err);
}

static int put_paragraph(struct document *d, enum text_id id, const struct paper_letter *letter,
                         struct err *err)
{
    struct buf chinese, english;
    buf_init(&chinese);
    buf_init(&english);
    int rc = fill(&chinese, zh(id), letter, err);
    if (rc == 0)
        rc = fill(&english, en(id), letter, err);
    const char *first = rc == 0 ? buf_cstr(&chinese) : NULL, *second = rc == 0 ? buf_cstr(&english) : NULL;
    if (rc == 0)
        rc = first && second ? document_paragraph(d, first, second, err)
                             : err_set(err, ERR_MEMORY, "a letter");
    buf_done(&chinese);
    buf_done(&english);
    return rc;
}

static int put_letter(struct document *d, const struct paper_letter *letter, struct err *err)
{
    static const enum text_id PARAGRAPHS[] = {TEXT_DOC_LETTER_TO, TEXT_DOC_LETTER_BODY, TEXT_DOC_LETTER_TERM,
                                              TEXT_DOC_LETTER_CONFIRM, TEXT_DOC_LETTER_NUMBER};
    size_t n = sizeof(PARAGRAPHS) / sizeof(PARAGRAPHS[0]) - (*letter->number ? 0 : 1);
    if (document_title(d, zh(TEXT_DOC_LETTER_TITLE), en(TEXT_DOC_LETTER_TITLE), err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (put_paragraph(d, PARAGRAPHS[i], letter, err) != 0)
            return -1;
    if (signatures(d, true, err) != 0)
        return -1;
    return document_note(d, zh(TEXT_DOC_LETTER_ENCLOSED), en(TEXT_DOC_LETTER_ENCLOSED), err);
}

int paper_letter(const struct paper_letter *letter, struct buf *out, struct err *err)
{
    struct document *d = NULL;
    int rc = document_new(&d, letter->number, letter->made, err);
    if (rc == 0)
        rc = put_letter(d, letter, err);
    if (rc == 0)
        rc = document_finish(d, PAPER_SECONDS, out, err);
    document_free(&d);
    return rc;
}
