#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <qrencode.h>

#include "base/clock.h"
#include "web/document_parts.h"

/* Points: 1/72 inch. */
#define PAGE_WIDTH  595.28
#define PAGE_HEIGHT 841.89
#define MARGIN      56.0
#define WIDTH       (PAGE_WIDTH - 2 * MARGIN)
#define BOTTOM      (PAGE_HEIGHT - 64.0)
#define LABEL_WIDTH 158.0
#define PADDING     3.5
#define QR_SIZE     58.0
#define SEAL_WIDTH  190.0
#define LINE_HEIGHT 34.0
#define RULE        0.45 /* grey of lines */
#define FONT        "Noto Sans CJK SC"

struct style {
    double size, grey; /* grey: 0 black … 1 white */
    PangoAlignment align;
    PangoWeight weight;
    double indent, spacing; /* of the first line; factor between lines (0: the font's) */
};
static const struct style TITLE = {18, 0, PANGO_ALIGN_CENTER, PANGO_WEIGHT_BOLD, 0, 0};
static const struct style SUBTITLE = {9.5, 0.35, PANGO_ALIGN_CENTER, PANGO_WEIGHT_NORMAL, 0, 0};
static const struct style HEADING = {11.5, 0, PANGO_ALIGN_LEFT, PANGO_WEIGHT_BOLD, 0, 0};
static const struct style LABEL = {9.5, 0, PANGO_ALIGN_LEFT, PANGO_WEIGHT_NORMAL, 0, 0};
static const struct style SMALL = {7, 0.35, PANGO_ALIGN_LEFT, PANGO_WEIGHT_NORMAL, 0, 0};
static const struct style SMALL_CENTRE = {7, 0.35, PANGO_ALIGN_CENTER, PANGO_WEIGHT_NORMAL, 0, 0};
static const struct style SMALL_RIGHT = {7, 0.35, PANGO_ALIGN_RIGHT, PANGO_WEIGHT_NORMAL, 0, 0};
static const struct style VALUE = {10, 0, PANGO_ALIGN_LEFT, PANGO_WEIGHT_NORMAL, 0, 0};
static const struct style BODY = {11, 0, PANGO_ALIGN_LEFT, PANGO_WEIGHT_NORMAL, 22, 1.25};
static const struct style ADDRESS = {11, 0, PANGO_ALIGN_LEFT, PANGO_WEIGHT_NORMAL, 0, 1.25};
static const struct style BODY_EN = {8.5, 0.3, PANGO_ALIGN_LEFT, PANGO_WEIGHT_NORMAL, 0, 1.05};
static const struct style SEAL = {9, 0.45, PANGO_ALIGN_CENTER, PANGO_WEIGHT_NORMAL, 0, 0};

struct pen {
    const struct document *d;
    cairo_t *cr;
    PangoContext *pango;
    bool draws; /* false: only counts pages */
    double y;
    int page, pages;
};

static cairo_status_t put(void *arg, const unsigned char *data, unsigned int len)
{
    struct err err;
    return buf_put(arg, data, len, &err) == 0 ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* ---- text */

static PangoLayout *layout_of(const struct pen *p, double width, const struct style *s, const char *words)
{
    PangoLayout *layout = pango_layout_new(p->pango);
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, FONT);
    pango_font_description_set_absolute_size(font, s->size * PANGO_SCALE);
    pango_font_description_set_weight(font, s->weight);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(layout, s->align);
    pango_layout_set_indent(layout, (int)(s->indent * PANGO_SCALE));
    if (s->spacing > 0)
        pango_layout_set_line_spacing(layout, (float)s->spacing);
    pango_layout_set_text(layout, words, -1);
    return layout;
}

/* The height it takes. */
static double write_at(const struct pen *p, double x, double y, double width, const struct style *s,
                       const char *words, bool draws)
{
    int height = 0;
    if (*words == '\0')
        return 0;
    PangoLayout *layout = layout_of(p, width, s, words);
    pango_layout_get_size(layout, NULL, &height);
    if (draws && p->draws) {
        cairo_set_source_rgb(p->cr, s->grey, s->grey, s->grey);
        cairo_move_to(p->cr, x, y);
        pango_cairo_show_layout(p->cr, layout);
    }
    g_object_unref(layout);
    return (double)height / PANGO_SCALE;
}

/* zh and, below it, en. */
static double write_both(const struct pen *p, double x, double y, double width, const struct style *zh,
                         const struct style *en, const struct part *part, bool draws)
{
    double height = write_at(p, x, y, width, zh, part->zh, draws);
    return height + write_at(p, x, y + height, width, en, part->en, draws);
}

/* ---- pages */

static void page_text(char *ret, size_t cap, enum lang lang, int page, int pages)
{
    const char *at = text(TEXT_DOC_PAGE, lang);
    size_t n = 0;
    for (; *at != '\0' && n + 12 < cap; at++) {
        bool number = strncmp(at, "{n}", 3) == 0;
        if (number || strncmp(at, "{m}", 3) == 0) {
            n += (size_t)snprintf(ret + n, cap - n, "%d", number ? page : pages);
            at += 2;
        } else {
            ret[n++] = *at;
        }
    }
    ret[n] = '\0';
}

static void footer(const struct pen *p)
{
    char zh[64], en[64], both[160], made[96] = "";
    double y = PAGE_HEIGHT - 44;
    page_text(zh, sizeof(zh), LANG_ZH, p->page, p->pages);
    page_text(en, sizeof(en), LANG_EN, p->page, p->pages);
    snprintf(both, sizeof(both), "%s  %s", zh, en);
    if (*p->d->made != '\0')
        snprintf(made, sizeof(made), "%s %s", text(TEXT_DOC_PRINTED, LANG_ZH), p->d->made);
    write_at(p, MARGIN, y, WIDTH, &SMALL, p->d->number, true);
    write_at(p, MARGIN, y, WIDTH, &SMALL_CENTRE, both, true);
    write_at(p, MARGIN, y, WIDTH, &SMALL_RIGHT, made, true);
}

static void next_page(struct pen *p)
{
    if (p->draws) {
        footer(p);
        cairo_show_page(p->cr);
    }
    p->page++;
    p->y = MARGIN;
}

static void make_room(struct pen *p, double height)
{
    if (p->y + height > BOTTOM && p->y > MARGIN)
        next_page(p);
}

static void frame(const struct pen *p, double x, double y, double width, double height)
{
    if (!p->draws)
        return;
    cairo_set_source_rgb(p->cr, RULE, RULE, RULE);
    cairo_set_line_width(p->cr, 0.5);
    cairo_rectangle(p->cr, x, y, width, height);
    cairo_stroke(p->cr);
}

/* ---- parts */

static void qr_code(const struct pen *p, double x, double y)
{
    QRcode *code = QRcode_encodeString8bit(p->d->number, 0, QR_ECLEVEL_M);
    if (!code)
        return; /* the number stands beside it */
    double dot = QR_SIZE / code->width;
    cairo_set_source_rgb(p->cr, 0, 0, 0);
    for (int row = 0; row < code->width; row++)
        for (int column = 0; column < code->width; column++)
            if (code->data[row * code->width + column] & 1)
                cairo_rectangle(p->cr, x + column * dot, y + row * dot, dot, dot);
    cairo_fill(p->cr);
    QRcode_free(code);
}

static void draw_title(struct pen *p, const struct part *part)
{
    bool coded = *p->d->number != '\0';
    double side = coded ? QR_SIZE + 12 : 0, top = p->y;
    double height = write_both(p, MARGIN + side, top + 8, WIDTH - 2 * side, &TITLE, &SUBTITLE, part, true);
    if (coded && p->draws)
        qr_code(p, MARGIN + WIDTH - QR_SIZE, top);
    if (coded)
        write_at(p, MARGIN + WIDTH - QR_SIZE - 40, top + QR_SIZE + 2, QR_SIZE + 40, &SMALL_RIGHT,
                 p->d->number, true);
    p->y = top + larger(height + 16, coded ? QR_SIZE + 16 : 0);
}

static void draw_heading(struct pen *p, const struct part *part)
{
    double height = write_at(p, 0, 0, WIDTH / 2, &HEADING, part->zh, false);
    make_room(p, height + 60);
    p->y += 10;
    write_at(p, MARGIN, p->y, WIDTH / 2, &HEADING, part->zh, true);
    write_at(p, MARGIN + WIDTH / 2, p->y + 5, WIDTH / 2, &SMALL_RIGHT, part->en, true);
    p->y += height + 4;
}

static void draw_row(struct pen *p, const struct part *part)
{
    double inner = LABEL_WIDTH - 2 * PADDING, right = WIDTH - LABEL_WIDTH - 2 * PADDING;
    double label = write_both(p, 0, 0, inner, &LABEL, &SMALL, part, false);
    double value = write_at(p, 0, 0, right, &VALUE, part->value, false);
    double height = larger(label, value) + 2 * PADDING;
    make_room(p, height);
    frame(p, MARGIN, p->y, LABEL_WIDTH, height);
    frame(p, MARGIN + LABEL_WIDTH, p->y, WIDTH - LABEL_WIDTH, height);
    write_both(p, MARGIN + PADDING, p->y + PADDING, inner, &LABEL, &SMALL, part, true);
    write_at(p, MARGIN + LABEL_WIDTH + PADDING, p->y + (height - value) / 2, right, &VALUE, part->value,
             true);
    p->y += height;
}

/* An address ("…：") stands at the margin, what follows is indented. */
static void draw_paragraph(struct pen *p, const struct part *part)
{
    size_t len = strlen(part->zh), colon = strlen("：");
    bool address = len >= colon && strcmp(part->zh + len - colon, "：") == 0;
    const struct style *s = address ? &ADDRESS : &BODY;
    double chinese = write_at(p, 0, 0, WIDTH, s, part->zh, false);
    double english = write_at(p, 0, 0, WIDTH, &BODY_EN, part->en, false);
    make_room(p, chinese + english + 14);
    write_at(p, MARGIN, p->y + 4, WIDTH, s, part->zh, true);
    write_at(p, MARGIN, p->y + 7 + chinese, WIDTH, &BODY_EN, part->en, true);
    p->y += chinese + english + 14;
}

static void draw_note(struct pen *p, const struct part *part)
{
    double height = write_both(p, 0, 0, WIDTH, &SMALL, &SMALL, part, false);
    make_room(p, height + 6);
    write_both(p, MARGIN, p->y + 4, WIDTH, &SMALL, &SMALL, part, true);
    p->y += height + 6;
}

/* The lines stand right before the seal. */
static void draw_seal(struct pen *p, const struct part *part)
{
    const struct part *first = part;
    while (first > p->d->parts && first[-1].kind == PART_LINE)
        first--;
    double height = larger(136, (double)(part - first) * LINE_HEIGHT + 20), left = WIDTH - SEAL_WIDTH;
    make_room(p, height + 10);
    p->y += 8;
    frame(p, MARGIN, p->y, left, height);
    frame(p, MARGIN + left, p->y, SEAL_WIDTH, height);
    double y = p->y + 12;
    for (const struct part *line = first; line < part; line++) {
        write_both(p, MARGIN + 8, y, 130, &LABEL, &SMALL, line, true);
        write_at(p, MARGIN + 140, y, left - 150, &VALUE, line->value, true);
        if (p->draws) {
            cairo_set_source_rgb(p->cr, RULE, RULE, RULE);
            cairo_move_to(p->cr, MARGIN + 140, y + 19);
            cairo_line_to(p->cr, MARGIN + left - 10, y + 19);
            cairo_stroke(p->cr);
        }
        y += LINE_HEIGHT;
    }
    write_both(p, MARGIN + left + 10, p->y + height - 34, SEAL_WIDTH - 20, &SEAL, &SMALL_CENTRE, part, true);
    p->y += height + 4;
}

static void draw_line(struct pen *p, const struct part *part)
{
    (void)p;
    (void)part;
}

static int draw_parts(struct pen *p, int64_t deadline, struct err *err)
{
    static void (*const DRAW[PART_KIND_COUNT])(struct pen * p, const struct part *part) = {
        [PART_TITLE] = draw_title,         [PART_HEADING] = draw_heading, [PART_ROW] = draw_row,
        [PART_PARAGRAPH] = draw_paragraph, [PART_NOTE] = draw_note,       [PART_LINE] = draw_line,
        [PART_SEAL] = draw_seal,
    };
    p->y = MARGIN;
    p->page = 1;
    for (size_t i = 0; i < p->d->n_parts; i++) {
        if (clock_mono_ms() > deadline)
            return err_set(err, ERR_TIMEOUT, "drawing a document");
        DRAW[p->d->parts[i].kind](p, &p->d->parts[i]);
    }
    return 0;
}

/* ---- the whole */

#ifdef __SANITIZE_ADDRESS__
/* cairo 1.16 loses 768 bytes for each CFF font of a PDF; fontconfig finds its configuration again by offsets,
 * which no leak finder follows. FcFini is no way out: Pango asks fontconfig in threads of its own, which may
 * still be at work. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libcairo.so\nleak:libfontconfig.so\n";
}
#endif

/* The font map is made once. Resolution 72: a font's size is in points. */
static PangoContext *new_context(struct err *err)
{
    static PangoFontMap *fonts;
    if (!fonts) {
        fonts = pango_cairo_font_map_new();
        pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(fonts), 72);
    }
    PangoContext *context = pango_font_map_create_context(fonts);
    pango_context_set_language(context, pango_language_from_string("zh-cn"));
    struct pen probe = {.pango = context};
    PangoLayout *layout = layout_of(&probe, 100, &VALUE, "公章");
    int unknown = pango_layout_get_unknown_glyphs_count(layout);
    g_object_unref(layout);
    if (unknown == 0)
        return context;
    g_object_unref(context);
    err_set(err, ERR_CONFIG, "no font has Chinese characters: install fonts-noto-cjk");
    return NULL;
}

int document_draw(const struct document *d, int64_t deadline, struct buf *out, struct err *err)
{
    PangoContext *context = new_context(err);
    if (!context)
        return -1;
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(put, out, PAGE_WIDTH, PAGE_HEIGHT);
    struct pen p = {.d = d, .cr = cairo_create(surface), .pango = context};
    if (d->n_parts > 0)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, d->parts[0].zh);
    int rc = draw_parts(&p, deadline, err);
    p.pages = p.page;
    p.draws = true;
    if (rc == 0)
        rc = draw_parts(&p, deadline, err);
    if (rc == 0)
        footer(&p);
    cairo_destroy(p.cr);
    cairo_surface_finish(surface);
    cairo_status_t status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    g_object_unref(context);
    malloc_trim(0); /* both faces were read whole: 30 MB */
    if (rc == 0 && status != CAIRO_STATUS_SUCCESS)
        return err_set(err, ERR_MEMORY, "a document: %s", cairo_status_to_string(status));
    return rc;
}
