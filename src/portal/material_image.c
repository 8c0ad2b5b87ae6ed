/* PNG and JPEG, walked from the first byte to the last. */
#include <string.h>
#include <zlib.h>

#include "portal/material_type.h"

#define PNG_MAGIC 8u
#define PNG_FRAME 12u /* length, type, CRC of a chunk */

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t be16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static int check_size(size_t width, size_t height, struct err *err)
{
    if (width < 1 || height < 1)
        return err_set(err, ERR_FIELD, "an image without an extent");
    if (width > MATERIAL_SIDE_MAX || height > MATERIAL_SIDE_MAX)
        return err_set(err, ERR_FIELD, "%zu × %zu pixels, at most %u × %u are allowed", width, height,
                       MATERIAL_SIDE_MAX, MATERIAL_SIDE_MAX);
    return 0;
}

/* ---- PNG */

struct png {
    bool header, pixels, end;
};

static bool is(const uint8_t *type, const char *name)
{
    return memcmp(type, name, 4) == 0;
}

static int png_chunk(struct png *png, const uint8_t *type, const uint8_t *body, uint32_t n, struct err *err)
{
    for (int i = 0; i < 4; i++)
        if (!((type[i] | 0x20) >= 'a' && (type[i] | 0x20) <= 'z'))
            return err_set(err, ERR_FIELD, "a chunk whose type is no letters");
    if (crc32(crc32(0, type, 4), body, n) != be32(body + n))
        return err_set(err, ERR_FIELD, "chunk %.4s is damaged", (const char *)type);
    if (is(type, "IHDR")) {
        if (png->header || n != 13)
            return err_set(err, ERR_FIELD, "its header is not valid");
        png->header = true;
        return check_size(be32(body), be32(body + 4), err);
    }
    if (!png->header)
        return err_set(err, ERR_FIELD, "it does not begin with its header");
    png->pixels |= is(type, "IDAT");
    png->end = is(type, "IEND");
    if (png->end && n != 0)
        return err_set(err, ERR_FIELD, "its end holds data");
    return is(type, "IDAT") || is(type, "PLTE") ? 0 : material_check_remark(body, n, err);
}

int material_check_png(const uint8_t *data, size_t len, struct err *err)
{
    struct png png = {0};
    size_t at = PNG_MAGIC;
    while (!png.end) {
        if (len - at < PNG_FRAME)
            return err_set(err, ERR_FIELD, "it is cut off");
        uint32_t n = be32(data + at);
        if (n > len - at - PNG_FRAME)
            return err_set(err, ERR_FIELD, "it is cut off within a chunk");
        if (png_chunk(&png, data + at + 4, data + at + 8, n, err) != 0)
            return -1;
        at += PNG_FRAME + n;
    }
    if (!png.pixels)
        return err_set(err, ERR_FIELD, "it has no pixels");
    if (!material_is_blank(data + at, len - at))
        return err_set(err, ERR_FIELD, "%zu bytes follow its end", len - at);
    return 0;
}

/* ---- JPEG */

struct jpeg {
    const uint8_t *data;
    size_t len, at;
    bool frame, scan;
};

static bool is_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* SOFn: precision, lines, samples a line, components, three bytes for each. */
static int jpeg_frame(struct jpeg *j, const uint8_t *body, size_t n, struct err *err)
{
    if (j->frame || n < 6 || body[5] < 1 || body[5] > 4 || n != 6 + 3u * body[5])
        return err_set(err, ERR_FIELD, "its frame is not valid");
    j->frame = true;
    return check_size(be16(body + 3), be16(body + 1), err);
}

/* The scan's coded data: up to a marker that is neither stuffing (FF 00) nor a restart. */
static int jpeg_scan(struct jpeg *j, struct err *err)
{
    if (!j->frame)
        return err_set(err, ERR_FIELD, "a scan before its frame");
    j->scan = true;
    for (; j->len - j->at >= 2; j->at++) {
        uint8_t next = j->data[j->at + 1];
        if (j->data[j->at] == 0xff && next != 0x00 && next != 0xff && !(next >= 0xd0 && next <= 0xd7))
            return 0;
    }
    return err_set(err, ERR_FIELD, "it is cut off within its pixels");
}

static int jpeg_segment(struct jpeg *j, uint8_t marker, struct err *err)
{
    if (j->len - j->at < 2)
        return err_set(err, ERR_FIELD, "it is cut off");
    size_t n = be16(j->data + j->at);
    if (n < 2 || n > j->len - j->at)
        return err_set(err, ERR_FIELD, "it is cut off within a segment");
    const uint8_t *body = j->data + j->at + 2;
    j->at += n;
    if (is_frame(marker))
        return jpeg_frame(j, body, n - 2, err);
    if (marker == 0xda)
        return jpeg_scan(j, err);
    bool remark = marker == 0xfe || (marker >= 0xe0 && marker <= 0xef);
    return remark ? material_check_remark(body, n - 2, err) : 0;
}

int material_check_jpeg(const uint8_t *data, size_t len, struct err *err)
{
    struct jpeg j = {.data = data, .len = len, .at = 2};
    for (;;) {
        if (j.len - j.at < 2 || data[j.at] != 0xff)
            return err_set(err, ERR_FIELD, "it is cut off or damaged at byte %zu", j.at);
        while (j.len - j.at > 2 && data[j.at + 1] == 0xff) /* fill bytes */
            j.at++;
        uint8_t marker = data[j.at + 1];
        j.at += 2;
        if (marker == 0xd9)
            break;
        if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd8) || marker == 0xff)
            return err_set(err, ERR_FIELD, "marker %02x where a segment begins", marker);
        if (jpeg_segment(&j, marker, err) != 0)
            return -1;
    }
    if (!j.scan)
        return err_set(err, ERR_FIELD, "it has no pixels");
    if (!material_is_blank(data + j.at, len - j.at))
        return err_set(err, ERR_FIELD, "%zu bytes follow its end", len - j.at);
    return 0;
}
