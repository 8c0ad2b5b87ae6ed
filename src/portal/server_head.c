#include "portal/server_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct fields {
    unsigned int host, content_length, transfer_encoding;
    const char *length, *encoding;
    bool expects, bad_name;
};

/* RFC 9110, 5.6.2. A name with anything else in it ("Content-Length ") is one that another reader may take
 * for another. */
static bool is_token(const char *name, size_t len)
{
    static const char SIGNS[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr(SIGNS, c)))
            return false;
    }
    return len > 0;
}

static enum MHD_Result look(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                            const char *value, size_t value_len)
{
    struct fields *f = cls;
    (void)kind;
    (void)value_len;
    if (!is_token(name, name_len))
        f->bad_name = true;
    if (strcasecmp(name, "Host") == 0)
        f->host++;
    if (strcasecmp(name, "Expect") == 0)
        f->expects = true;
    if (strcasecmp(name, "Content-Length") == 0) {
        f->content_length++;
        f->length = value;
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        f->transfer_encoding++;
        f->encoding = value;
    }
    return MHD_YES;
}

static enum problem judge(const struct fields *f, const char *version, const char **detail)
{
    *detail = "a field's name has a character in it that no name may have";
    if (f->bad_name)
        return PROBLEM_REQUEST;
    *detail = f->host == 0 ? "there is no Host field" : "there is more than one Host field";
    if (f->host != 1)
        return PROBLEM_HOST;
    *detail = "Content-Length and Transfer-Encoding exclude each other";
    if (f->content_length > 0 && f->transfer_encoding > 0)
        return PROBLEM_FRAMING;
    *detail = "there is more than one Content-Length";
    if (f->content_length > 1)
        return PROBLEM_FRAMING;
    *detail = "the only Transfer-Encoding is chunked, once, in HTTP/1.1";
    if (f->transfer_encoding > 1 ||
        (f->encoding && (strcasecmp(f->encoding, "chunked") != 0 || strcmp(version, "HTTP/1.1") != 0)))
        return PROBLEM_FRAMING;
    return PROBLEM_NONE;
}

void server_head_read(struct MHD_Connection *connection, const char *version, struct server_head *ret)
{
    struct fields f = {0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look, &f);
    ret->problem = judge(&f, version, &ret->detail);
    ret->expects = f.expects;
    ret->length = f.length ? strtoull(f.length, NULL, 10) : 0;
}
