#include "portal/server_form.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define POST_BUFFER ((size_t)65536)

struct form_reader {
    struct server_form *form;
    size_t files_left, body_len;
    bool skipping; /* a file input without a file */
    enum problem problem;
    const char *detail;
};

static bool fault(struct form_reader *r, enum problem problem, const char *detail)
{
    r->problem = problem;
    r->detail = detail;
    return false;
}

static bool text_ok(const char *s, size_t len)
{
    return !memchr(s, '\0', len) && utf8_valid(s, len);
}

/* ---- fields */

static struct server_field *add_field(struct form_reader *r, const char *name, const char *file_name)
{
    struct server_form *f = r->form;
    if (f->n == SERVER_FORM_FIELDS_MAX) {
        fault(r, PROBLEM_TOO_LARGE, "the form has too many fields");
        return NULL;
    }
    if (!f->fields && !(f->fields = calloc(SERVER_FORM_FIELDS_MAX, sizeof(*f->fields)))) {
        fault(r, PROBLEM_INTERNAL, "memory");
        return NULL;
    }
    if (strlen(name) > SERVER_FORM_NAME_MAX || !text_ok(name, strlen(name)) ||
        (file_name && !text_ok(file_name, strlen(file_name)))) {
        fault(r, PROBLEM_REQUEST, "a field's name is not valid");
        return NULL;
    }
    struct server_field *field = &f->fields[f->n];
    field->name = strdup(name);
    field->file_name = file_name ? strdup(file_name) : NULL;
    buf_init(&field->value);
    f->n++;
    if (!field->name || (file_name && !field->file_name)) {
        fault(r, PROBLEM_INTERNAL, "memory");
        return NULL;
    }
    return field;
}

static bool put_value(struct form_reader *r, struct server_field *field, const char *data, size_t len)
{
    struct err err;
    if (!field->file_name && field->value.len + len > SERVER_FORM_FIELD_MAX)
        return fault(r, PROBLEM_TOO_LARGE, "a field is too long");
    if (field->file_name && field->value.len == 0 && buf_reserve(&field->value, r->body_len, &err) != 0)
        return fault(r, PROBLEM_INTERNAL, "memory");
    if (buf_put(&field->value, data, len, &err) != 0 || !buf_cstr(&field->value))
        return fault(r, PROBLEM_INTERNAL, "memory");
    return true;
}

static bool check_values(struct form_reader *r)
{
    for (size_t i = 0; i < r->form->n; i++) {
        const struct server_field *field = &r->form->fields[i];
        if (!field->file_name && !text_ok((const char *)field->value.data, field->value.len))
            return fault(r, PROBLEM_REQUEST, "a field is not UTF-8 text");
    }
    return true;
}

/* ---- the body */

static struct server_field *begin_field(struct form_reader *r, const char *name, const char *file_name,
                                        const char *encoding)
{
    if (!name ||
        (encoding && *encoding && strcmp(encoding, "binary") != 0 && strcmp(encoding, "8bit") != 0)) {
        fault(r, PROBLEM_REQUEST, "a part of the form is not understood");
        return NULL;
    }
    if (file_name && r->files_left == 0) {
        fault(r, PROBLEM_TOO_LARGE, "the form has too many files");
        return NULL;
    }
    r->files_left -= file_name != NULL;
    return add_field(r, name, file_name);
}

/* A long value comes in pieces: at `at` of it. */
static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name, const char *file_name,
                                const char *type, const char *encoding, const char *data, uint64_t at,
                                size_t len)
{
    struct form_reader *r = cls;
    (void)kind;
    (void)type;
    if (at == 0)
        r->skipping = file_name && !*file_name;
    if (r->skipping)
        return MHD_YES;
    struct server_field *field = at == 0          ? begin_field(r, name, file_name, encoding)
                                 : r->form->n > 0 ? &r->form->fields[r->form->n - 1]
                                                  : NULL;
    return field && put_value(r, field, data, len) ? MHD_YES : MHD_NO;
}

static bool read_body(struct form_reader *r, const struct server_request *request)
{
    struct MHD_PostProcessor *p = MHD_create_post_processor(
        (struct MHD_Connection *)(uintptr_t)request->connection, POST_BUFFER, on_field, r);
    if (!p)
        return fault(r, PROBLEM_MEDIA_TYPE, "the body is not a form");
    bool good = MHD_post_process(p, (const char *)request->body->data, request->body->len) == MHD_YES;
    good = MHD_destroy_post_processor(p) == MHD_YES && good;
    if (r->problem != PROBLEM_NONE)
        return false;
    return good || fault(r, PROBLEM_REQUEST, "the form ends too early");
}

enum problem server_form_read(const struct server_request *request, size_t files, struct server_form *ret,
                              const char **ret_detail)
{
    struct form_reader r = {.form = ret, .files_left = files, .body_len = request->body->len, .detail = ""};
    memset(ret, 0, sizeof(*ret));
    if (request->body->len > 0 && read_body(&r, request))
        check_values(&r);
    *ret_detail = r.detail;
    return r.problem;
}

/* ---- the query */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool server_form_unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = digit(from[1]), low = high >= 0 ? digit(from[2]) : -1;
        if (low < 0 || high * 16 + low == 0)
            return false;
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return true;
}

static void on_query(const char *name, const char *value, void *arg)
{
    struct form_reader *r = arg;
    struct server_field *field = r->problem == PROBLEM_NONE ? add_field(r, name, NULL) : NULL;
    if (!field || !put_value(r, field, value, strlen(value)))
        return;
    if (!server_form_unescape(field->name) || !server_form_unescape((char *)field->value.data) ||
        !text_ok(field->name, strlen(field->name)))
        fault(r, PROBLEM_REQUEST, "the query is not valid");
    else
        field->value.len = strlen((const char *)field->value.data);
}

enum problem server_form_query(const struct server_request *request, struct server_form *ret,
                               const char **ret_detail)
{
    struct form_reader r = {.form = ret, .detail = ""};
    memset(ret, 0, sizeof(*ret));
    if (request->has_query) {
        server_query(request, on_query, &r);
        if (r.problem == PROBLEM_NONE)
            check_values(&r);
    }
    *ret_detail = r.detail;
    return r.problem;
}

/* ---- both */

void server_form_free(struct server_form *form)
{
    for (size_t i = 0; i < form->n; i++) {
        struct server_field *field = &form->fields[i];
        if (!field->file_name && field->value.data)
            explicit_bzero(field->value.data, field->value.cap);
        buf_done(&field->value);
        free(field->name);
        free(field->file_name);
    }
    free(form->fields);
    memset(form, 0, sizeof(*form));
}

const struct server_field *server_form_get(const struct server_form *form, const char *name, bool file)
{
    for (size_t i = 0; i < form->n; i++)
        if ((form->fields[i].file_name != NULL) == file && strcmp(form->fields[i].name, name) == 0)
            return &form->fields[i];
    return NULL;
}
