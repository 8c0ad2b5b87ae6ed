/* Is this a PDF, a JPEG or a PNG, whole, and nothing else? */
#include "portal/material_type.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EOCD_REACH (65535u + 22u) /* where a reader of ZIP archives looks for its end record */

static const struct {
    const char *media_type;
    const char *magic;
    size_t magic_len;
    int (*check)(const uint8_t *data, size_t len, struct err *err);
} TYPES[] = {
    {"image/png", "\x89PNG\r\n\x1a\n", 8, material_check_png},
    {"image/jpeg", "\xff\xd8\xff", 3, material_check_jpeg},
    {"application/pdf", "%PDF-", 5, material_check_pdf},
};

/* What makes a file of another kind out of one that looks like these, wherever it stands. Long enough that
 * chance does not put them into compressed pixels. */
static const struct {
    const char *bytes;
    size_t len;
    const char *what;
} FOREIGN[] = {
    {"7z\xbc\xaf\x27\x1c", 6, "a 7z archive"},
    {"Rar!\x1a\x07", 6, "a RAR archive"},
    {"<?php", 5, "a script"},
};

const uint8_t *material_find(const uint8_t *data, size_t len, const char *bytes, size_t n)
{
    return len >= n ? memmem(data, len, bytes, n) : NULL;
}

bool material_is_blank(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!memchr(" \t\r\n\f", data[i], 5) && data[i] != '\0')
            return false;
    return true;
}

/* Text that a browser could take for a page. In compressed pixels it is noise; in what describes them it is
 * on purpose. */
int material_check_remark(const uint8_t *data, size_t len, struct err *err)
{
    static const char *const TAGS[] = {"<script", "<html", "<!doctype", "<iframe", "<?php", "%pdf-"};
    for (size_t i = 0; i < len; i++)
        for (size_t t = 0; (data[i] == '<' || data[i] == '%') && t < sizeof(TAGS) / sizeof(TAGS[0]); t++) {
            size_t n = strlen(TAGS[t]);
            if (len - i >= n && strncasecmp((const char *)data + i, TAGS[t], n) == 0)
                return err_set(err, ERR_FIELD, "its metadata hold %s", TAGS[t]);
        }
    return 0;
}

static int check_foreign(const uint8_t *data, size_t len, struct err *err)
{
    size_t tail = len < EOCD_REACH ? len : EOCD_REACH;
    if (material_find(data + len - tail, tail, "PK\x05\x06", 4))
        return err_set(err, ERR_FIELD, "it is a ZIP archive as well");
    for (size_t i = 0; i < sizeof(FOREIGN) / sizeof(FOREIGN[0]); i++)
        if (material_find(data, len, FOREIGN[i].bytes, FOREIGN[i].len))
            return err_set(err, ERR_FIELD, "it holds %s as well", FOREIGN[i].what);
    return 0;
}

int material_type(const void *data, size_t len, const char **ret_media_type, struct err *err)
{
    if (len > MATERIAL_MAX)
        return err_set(err, ERR_TOO_LARGE, "a file of %zu bytes, at most %u are allowed", len, MATERIAL_MAX);
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        if (len < TYPES[i].magic_len || memcmp(data, TYPES[i].magic, TYPES[i].magic_len) != 0)
            continue;
        if (TYPES[i].check(data, len, err) != 0 || check_foreign(data, len, err) != 0)
            return err_prepend(err, "%s", TYPES[i].media_type);
        *ret_media_type = TYPES[i].media_type;
        return 0;
    }
    return err_set(err, ERR_FIELD, "its content is neither PDF nor JPEG nor PNG");
}
