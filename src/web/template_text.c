/* Texts by name: templates and the cookie of the flash know them so. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "web/template_parse.h"

#define PREFIX (sizeof("TEXT_") - 1)

static const char *const NAMES[TEXT_COUNT] = {
#define X(id, zh, en) [id] = #id,
#include "base/text.def"
#undef X
};
static enum text_id sorted[TEXT_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int compare_ids(const void *a, const void *b)
{
    return strcmp(NAMES[*(const enum text_id *)a], NAMES[*(const enum text_id *)b]);
}

static void sort_names(void)
{
    for (size_t i = 0; i < TEXT_COUNT; i++)
        sorted[i] = (enum text_id)i;
    qsort(sorted, TEXT_COUNT, sizeof(sorted[0]), compare_ids);
}

static int compare_name(const void *key, const void *item)
{
    const struct span *name = key;
    const char *other = NAMES[*(const enum text_id *)item] + PREFIX;
    int order = strncmp(name->s, other, name->len);
    return order != 0 ? order : -(other[name->len] != '\0');
}

enum text_id template_text_id(const char *name, size_t len)
{
    const struct span key = {name, len};
    pthread_once(&once, sort_names);
    const enum text_id *found = bsearch(&key, sorted, TEXT_COUNT, sizeof(sorted[0]), compare_name);
    return found ? *found : TEXT_COUNT;
}

const char *template_text_name(enum text_id id)
{
    return (unsigned int)id < TEXT_COUNT ? NAMES[id] + PREFIX : "";
}
