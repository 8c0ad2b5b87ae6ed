/* Foreign bytes as a material: taken as one of three types, or refused with a reason. What is taken has no
 * more than blanks behind its end, and its name is clean whatever it was. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "portal/material.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean(const uint8_t *data, size_t size)
{
    char name[512], cleaned[256];
    size_t n = size < sizeof(name) - 1 ? size : sizeof(name) - 1;
    memcpy(name, data, n);
    name[n] = '\0';
    material_clean_name(name, cleaned);
    if (!*cleaned || !utf8_valid(cleaned, strlen(cleaned)) || utf8_chars(cleaned) > 100 ||
        strpbrk(cleaned, "/\\\"<>\r\n"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *type = NULL;
    struct err err = {0};
    clean(data, size);
    if (material_type(data, size, &type, &err) != 0) {
        if (err.code == ERR_NONE || !err.text[0] || !utf8_valid(err.text, strlen(err.text)) || type)
            abort();
        return 0;
    }
    bool png = strcmp(type, "image/png") == 0, jpeg = strcmp(type, "image/jpeg") == 0;
    if (!png && !jpeg && strcmp(type, "application/pdf") != 0)
        abort();
    if ((png && memcmp(data, "\x89PNG", 4) != 0) || (jpeg && memcmp(data, "\xff\xd8", 2) != 0) ||
        (!png && !jpeg && memcmp(data, "%PDF-", 5) != 0))
        abort();
    return 0;
}
