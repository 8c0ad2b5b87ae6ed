/* PDF: header and end, and no name of what a stamped scan has no use for. Names are looked for at every '/'
 * of the file, inside of streams and strings too: a reader that follows other references than ours finds
 * nothing there either. Objects that are compressed together (object streams) are inflated and looked
 * through. */
#include <string.h>
#include <zlib.h>

#include "portal/material_type.h"

#define NAME_MAX_BYTES 24u
#define NAME_REACH     (3u * NAME_MAX_BYTES + 1u) /* every character as #xx */
#define INFLATED_MAX   (64u << 20)                /* bytes of all object streams together */
#define NEAR_BYTES     4096u /* how far from /ObjStm its stream may begin, and its dictionary reach */
#define HEAD_BYTES     1024u /* what a browser sniffs at */
#define OBJECT_STREAM  "ObjStm"

/* Each is long enough that chance does not write it into compressed data. */
static const struct {
    const char *name, *why;
} FORBIDDEN[] = {
    {"JavaScript", "it has a script"},       {"Launch", "it starts a program"},
    {"EmbeddedFile", "it has a file in it"}, {"EmbeddedFiles", "it has a file in it"},
    {"RichMedia", "it has media in it"},     {"Rendition", "it has media in it"},
    {"SubmitForm", "it sends a form"},       {"ImportData", "it takes data in"},
    {"Encrypt", "it is encrypted"},
};

static bool ends_name(uint8_t c)
{
    return c <= ' ' || memchr("()<>[]{}/%", c, 10) != NULL;
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Most slashes of compressed data begin no name of interest: the first character tells. */
static bool may_matter(uint8_t c)
{
    return memchr("#EIJLORS", c, 8) != NULL;
}

/* The name behind the '/' at data[0], #xx resolved; cut at NAME_MAX_BYTES. */
static void read_name(const uint8_t *data, size_t len, char ret[NAME_MAX_BYTES + 1])
{
    size_t n = 0;
    for (size_t i = 1; i < len && n < NAME_MAX_BYTES && !ends_name(data[i]); i++) {
        bool escaped = data[i] == '#' && len - i > 2 && nibble(data[i + 1]) >= 0 && nibble(data[i + 2]) >= 0;
        ret[n++] = (char)(escaped ? nibble(data[i + 1]) * 16 + nibble(data[i + 2]) : data[i]);
        i += escaped ? 2 : 0;
    }
    ret[n] = '\0';
}

static int check_name(const char *name, struct err *err)
{
    for (size_t i = 0; i < sizeof(FORBIDDEN) / sizeof(FORBIDDEN[0]); i++)
        if (strcmp(name, FORBIDDEN[i].name) == 0)
            return err_set(err, ERR_FIELD, "%s (/%s)", FORBIDDEN[i].why, FORBIDDEN[i].name);
    return 0;
}

/* ---- object streams */

struct inflating {
    size_t total;            /* of all streams so far */
    const uint8_t *looked;   /* the last dictionary whose stream was looked through ends here */
    uint8_t out[32768 + 64]; /* what was inflated, after the end of what was before */
    size_t kept;
};

/* Every name in out[0 … n), but one that may go on in the next piece. Returns how many bytes are done with,
 * or -1. */
static int64_t look_through(const uint8_t *out, size_t n, bool last, struct err *err)
{
    char name[NAME_MAX_BYTES + 1];
    size_t end = last ? n : n > NAME_REACH ? n - NAME_REACH : 0;
    for (size_t i = 0; i < end; i++)
        if (out[i] == '/' && n - i > 1 && may_matter(out[i + 1])) {
            read_name(out + i, n - i, name);
            if (check_name(name, err) != 0)
                return -1;
        }
    return (int64_t)end;
}

static int inflate_all(z_stream *z, struct inflating *in, struct err *err)
{
    int r = Z_OK;
    in->kept = 0;
    while (r == Z_OK) {
        z->next_out = in->out + in->kept;
        z->avail_out = (uInt)(sizeof(in->out) - in->kept);
        r = inflate(z, Z_NO_FLUSH);
        size_t n = sizeof(in->out) - z->avail_out;
        if (r != Z_OK && r != Z_STREAM_END)
            return err_set(err, ERR_FIELD, "its objects cannot be unpacked");
        in->total += n - in->kept;
        if (in->total > INFLATED_MAX)
            return err_set(err, ERR_FIELD, "its objects are over %u bytes when unpacked", INFLATED_MAX);
        int64_t done = look_through(in->out, n, r == Z_STREAM_END, err);
        if (done < 0)
            return -1;
        in->kept = n - (size_t)done;
        memmove(in->out, in->out + done, in->kept);
    }
    return 0;
}

struct dictionary {
    const uint8_t *from, *stream; /* behind "obj", behind "stream" */
};

/* The object around data[at] has a dictionary and a stream: "obj" before it, "stream" after it, no other
 * object's end between, and neither a string nor a comment that could hold these words. */
static bool find_dictionary(const uint8_t *data, size_t len, size_t at, struct dictionary *ret)
{
    size_t left = len - at < NEAR_BYTES ? len - at : NEAR_BYTES, from = at;
    const uint8_t *word = material_find(data + at, left, "stream", 6);
    while (from > 3 && at - from < NEAR_BYTES && memcmp(data + from - 3, "obj", 3) != 0)
        from--;
    if (!word || from <= 3 || memcmp(data + from - 3, "obj", 3) != 0)
        return false;
    const uint8_t *close = word;
    while (close > data + at && close[-1] <= ' ')
        close--;
    *ret = (struct dictionary){data + from, word + 6};
    size_t n = (size_t)(word - ret->from);
    return close - data > (ptrdiff_t)at + 2 && close[-1] == '>' && close[-2] == '>' &&
           !memchr(ret->from, '(', n) && !memchr(ret->from, '%', n) && !material_find(ret->from, n, "obj", 3);
}

/* The filter must be deflate alone, so that what is looked through is what a reader reads. */
static bool only_deflated(const struct dictionary *d)
{
    size_t flate = 0, filters = 0, decoding = 0;
    for (const uint8_t *p = d->from; p < d->stream; p++) {
        char name[NAME_MAX_BYTES + 1];
        if (*p != '/')
            continue;
        read_name(p, (size_t)(d->stream - p), name);
        flate += strcmp(name, "FlateDecode") == 0;
        filters += strcmp(name, "Filter") == 0;
        decoding += strcmp(name, "F") == 0 || strstr(name, "Decode") != NULL;
    }
    return flate == 1 && filters == 1 && decoding == 1;
}

static int object_stream(const uint8_t *data, size_t len, size_t at, struct inflating *in, struct err *err)
{
    z_stream z = {0};
    struct dictionary d;
    if (in->looked && data + at < in->looked) /* named twice: one stream all the same */
        return 0;
    if (!find_dictionary(data, len, at, &d) || !only_deflated(&d))
        return err_set(err, ERR_FIELD, "its objects are packed in a way that cannot be looked through");
    in->looked = d.stream;
    size_t used = (size_t)(d.stream - data);
    used += used < len && data[used] == '\r';
    used += used < len && data[used] == '\n';
    if (inflateInit(&z) != Z_OK)
        return err_set(err, ERR_MEMORY, "unpacking");
    z.next_in = (z_const Bytef *)data + used;
    z.avail_in = (uInt)(len - used);
    int rc = inflate_all(&z, in, err);
    inflateEnd(&z);
    return rc;
}

/* ---- the file */

static int check_header(const uint8_t *data, size_t len, struct err *err)
{
    bool good = len > 8 && (data[5] == '1' || data[5] == '2') && data[6] == '.' && data[7] >= '0' &&
                data[7] <= '9' && data[8] <= ' ';
    return good ? 0 : err_set(err, ERR_FIELD, "its version is not valid");
}

/* startxref, a number, %%EOF, nothing but white space behind. */
static int check_end(const uint8_t *data, size_t len, struct err *err)
{
    static const char END[] = "%%EOF", XREF[] = "startxref";
    while (len > 0 && material_is_blank(data + len - 1, 1))
        len--;
    if (len < sizeof(END) - 1 || memcmp(data + len - (sizeof(END) - 1), END, sizeof(END) - 1) != 0)
        return err_set(err, ERR_FIELD, "it is cut off, or something follows its end");
    len -= sizeof(END) - 1;
    while (len > 0 && data[len - 1] <= ' ')
        len--;
    size_t digits = len;
    while (len > 0 && data[len - 1] >= '0' && data[len - 1] <= '9')
        len--;
    digits -= len;
    while (len > 0 && data[len - 1] <= ' ')
        len--;
    if (digits < 1 || len < sizeof(XREF) - 1 ||
        memcmp(data + len - (sizeof(XREF) - 1), XREF, sizeof(XREF) - 1) != 0)
        return err_set(err, ERR_FIELD, "its table of objects is not named before its end");
    return 0;
}

int material_check_pdf(const uint8_t *data, size_t len, struct err *err)
{
    char name[NAME_MAX_BYTES + 1];
    struct inflating in = {0};
    if (check_header(data, len, err) != 0 || check_end(data, len, err) != 0 ||
        material_check_remark(data + 5, (len < HEAD_BYTES ? len : HEAD_BYTES) - 5, err) != 0)
        return -1;
    for (const uint8_t *p = data; (p = memchr(p, '/', len - (size_t)(p - data))); p++) {
        size_t at = (size_t)(p - data);
        if (len - at < 2 || !may_matter(p[1]))
            continue;
        read_name(p, len - at, name);
        if (check_name(name, err) != 0)
            return -1;
        if (strcmp(name, OBJECT_STREAM) == 0 && object_stream(data, len, at, &in, err) != 0)
            return -1;
    }
    return 0;
}
