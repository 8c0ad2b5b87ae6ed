#include "web/assets.h"

#include <pthread.h>

/* The assembler puts the files in, one behind the other: 8 bytes that say its length, its bytes, a NUL, and
 * what is missing to a multiple of 8. Paths are relative to where make runs. */
#define FILE_IN(path) ".balign 8\n .quad 2f - 1f\n1: .incbin \"" path "\"\n2: .byte 0\n"

__asm__(".pushsection .rodata\n.balign 8\n.globl web_assets_templates\nweb_assets_templates:\n"
#define X(name) FILE_IN("src/web/html/" name ".html")
#include "web/templates.def"
#undef X
        ".balign 8\n.globl web_assets_static\nweb_assets_static:\n"
#define X(name, type) FILE_IN("src/web/static/" name)
#include "web/static.def"
#undef X
        ".byte 0\n.popsection\n");

extern const char web_assets_templates[], web_assets_static[];

static struct asset templates[] = {
#define X(name) {name, "", NULL, 0},
#include "web/templates.def"
#undef X
    {NULL, NULL, NULL, 0}};
static struct asset statics[] = {
#define X(name, type) {name, type, NULL, 0},
#include "web/static.def"
#undef X
    {NULL, NULL, NULL, 0}};
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(struct asset *list, const char *at)
{
    for (; list->name; list++) {
        uint64_t len = *(const uint64_t *)(const void *)at;
        list->data = at + sizeof(len);
        list->len = (size_t)len;
        at += (sizeof(len) + list->len + 1 + 7) / 8 * 8;
    }
}

static void fill_both(void)
{
    fill(templates, web_assets_templates);
    fill(statics, web_assets_static);
}

static const struct asset *item(const struct asset *list, size_t n, size_t i)
{
    pthread_once(&once, fill_both);
    return i + 1 < n ? &list[i] : NULL;
}

const struct asset *assets_template(size_t i)
{
    return item(templates, sizeof(templates) / sizeof(templates[0]), i);
}

const struct asset *assets_static(size_t i)
{
    return item(statics, sizeof(statics) / sizeof(statics[0]), i);
}
