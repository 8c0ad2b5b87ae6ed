#include "base/conf.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/conf_text.h"
#include "base/file.h"
#include "base/utf8.h"

#define FILE_MAX ((size_t)1 << 20)
#define PATH_CAP 128

/* One file that is being read, and the group of it whose keys are looked up. */
struct source {
    const char *path;
    char dir[PATH_MAX]; /* with a closing slash; empty for the current one */
    config_t config;
    config_setting_t *group;
    char prefix[PATH_CAP]; /* what the group is called in messages: "" or "bays[0]." */
};

/* ---- what is wrong, and where
 * ----------------------------------------------------------------------------------- */

static int __attribute__((format(printf, 5, 6)))
wrong(const struct source *src, const config_setting_t *where, const char *key, struct err *err,
      const char *fmt, ...)
{
    char reason[ERR_TEXT_SIZE], line[16] = "";
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(reason, sizeof(reason), fmt, ap) < 0)
        reason[0] = '\0';
    va_end(ap);
    if (where && config_setting_source_line(where) > 0)
        snprintf(line, sizeof(line), "%u:", (unsigned int)config_setting_source_line(where));
    return err_set(err, ERR_CONFIG, "%s:%s %s%s: %s", src->path, line, src->prefix, key, reason);
}

/* ---- values
 * ----------------------------------------------------------------------------------------------------- */

static const char *text_fault(const char *s)
{
    if (!utf8_valid(s, strlen(s)))
        return "is not valid UTF-8";
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return "has a control character in it";
    return NULL;
}

/* A string into its field; `where` is NULL for a fallback. */
static int put_text(const struct source *src, const config_setting_t *where, const struct conf_key *key,
                    const char *s, char *field, struct err *err)
{
    const char *fault = text_fault(s);
    if (fault)
        return wrong(src, where, key->path, err, "%s", fault);
    bool relative = key->kind == CONF_PATH && *s && *s != '/';
    int n = snprintf(field, key->size, "%s%s", relative ? src->dir : "", s);
    if (n < 0 || (size_t)n >= key->size) {
        memset(field, 0, key->size);
        return wrong(src, where, key->path, err, "is longer than %zu bytes", key->size - 1);
    }
    return 0;
}

static int put_int(const struct source *src, const config_setting_t *where, const struct conf_key *key,
                   int64_t value, void *field, struct err *err)
{
    if (value < key->min || value > key->max)
        return wrong(src, where, key->path, err, "%" PRId64 " is not within %" PRId64 " … %" PRId64, value,
                     key->min, key->max);
    memcpy(field, &value, sizeof(value));
    return 0;
}

static int strs_add(struct conf_strs *strs, const char *s, size_t len, struct err *err)
{
    char **items = realloc(strs->items, (strs->n + 2) * sizeof(*items));
    char *copy = strndup(s, len);
    if (items)
        strs->items = items;
    if (!items || !copy) {
        free(copy);
        return err_set(err, ERR_MEMORY, "a list of %zu strings", strs->n + 1);
    }
    items[strs->n++] = copy;
    items[strs->n] = NULL;
    return 0;
}

static void strs_free(struct conf_strs *strs)
{
    for (size_t i = 0; strs->items && i < strs->n; i++)
        free(strs->items[i]);
    free(strs->items);
    memset(strs, 0, sizeof(*strs));
}

static int put_strs(const struct source *src, config_setting_t *where, const struct conf_key *key,
                    struct conf_strs *strs, struct err *err)
{
    for (int i = 0; i < config_setting_length(where); i++) {
        const char *s = config_setting_get_string_elem(where, i);
        if (!s)
            return wrong(src, where, key->path, err, "must hold strings only");
        const char *fault = text_fault(s);
        if (fault)
            return wrong(src, where, key->path, err, "element %d %s", i, fault);
        if (strs_add(strs, s, strlen(s), err) != 0)
            return -1;
    }
    return 0;
}

static int put_fallback(const struct source *src, const struct conf_key *key, void *field, struct err *err)
{
    const char *s = key->fallback;
    bool yes = strcmp(s, "true") == 0;
    switch (key->kind) {
    case CONF_STR:
    case CONF_PATH:
        return put_text(src, NULL, key, s, field, err);
    case CONF_INT:
        return put_int(src, NULL, key, strtoll(s, NULL, 0), field, err);
    case CONF_BOOL:
        memcpy(field, &yes, sizeof(yes));
        return 0;
    case CONF_STRS:
        for (; *s; s += strcspn(s, ","), s += *s == ',')
            if (strs_add(field, s, strcspn(s, ","), err) != 0)
                return -1;
        return 0;
    case CONF_LIST:
        return 0;
    }
    return 0;
}

/* ---- keys
 * ------------------------------------------------------------------------------------------------------- */

static bool type_fits(const config_setting_t *s, enum conf_kind kind)
{
    int type = config_setting_type(s);
    switch (kind) {
    case CONF_STR:
    case CONF_PATH:
        return type == CONFIG_TYPE_STRING;
    case CONF_INT:
        return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    case CONF_BOOL:
        return type == CONFIG_TYPE_BOOL;
    case CONF_STRS:
        return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
    case CONF_LIST:
        return type == CONFIG_TYPE_LIST;
    }
    return false;
}

static const char *const KIND_NAMES[] = {
    [CONF_STR] = "a string (\"…\")",   [CONF_PATH] = "a path (\"…\")",
    [CONF_INT] = "an integer",         [CONF_BOOL] = "true or false",
    [CONF_STRS] = "a list of strings", [CONF_LIST] = "a list of groups ( { … }, … )",
};

static int load_key(const struct source *src, const struct conf_key *key, void *field, struct err *err)
{
    config_setting_t *s = config_setting_lookup(src->group, key->path);
    if (!s && key->required)
        return wrong(src, src->group, key->path, err, "is missing");
    if (!s)
        return key->fallback ? put_fallback(src, key, field, err) : 0;
    if (!type_fits(s, key->kind))
        return wrong(src, s, key->path, err, "must be %s", KIND_NAMES[key->kind]);
    bool yes = config_setting_get_bool(s);
    switch (key->kind) {
    case CONF_STR:
    case CONF_PATH:
        return put_text(src, s, key, config_setting_get_string(s), field, err);
    case CONF_INT:
        return put_int(src, s, key, config_setting_get_int64(s), field, err);
    case CONF_BOOL:
        memcpy(field, &yes, sizeof(yes));
        return 0;
    case CONF_STRS:
        return put_strs(src, s, key, field, err);
    case CONF_LIST:
        return 0;
    }
    return 0;
}

enum known { UNKNOWN, KEY, GROUP };

static enum known known(const char *path, const struct conf_key *keys, size_t n)
{
    size_t len = strlen(path);
    enum known found = UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i].path, path) == 0)
            return KEY;
        if (strncmp(keys[i].path, path, len) == 0 && keys[i].path[len] == '.')
            found = GROUP;
    }
    return found;
}

static int check_known(const struct source *src, const config_setting_t *group, const char *prefix,
                       const struct conf_key *keys, size_t n, struct err *err)
{
    for (unsigned int i = 0; i < (unsigned int)config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, i);
        char path[PATH_CAP], inner[PATH_CAP + 1];
        int len = snprintf(path, sizeof(path), "%s%s", prefix, config_setting_name(s));
        enum known k = len < 0 || (size_t)len >= sizeof(path) ? UNKNOWN : known(path, keys, n);
        if (k == UNKNOWN)
            return wrong(src, s, path, err, "unknown key");
        if (k == KEY)
            continue;
        if (!config_setting_is_group(s))
            return wrong(src, s, path, err, "must be a group { … }");
        snprintf(inner, sizeof(inner), "%s.", path);
        if (check_known(src, s, inner, keys, n, err) != 0)
            return -1;
    }
    return 0;
}

void conf_free(const struct conf_key *keys, size_t n, void *out)
{
    for (size_t i = 0; out && i < n; i++)
        if (keys[i].kind == CONF_STRS)
            strs_free((void *)((char *)out + keys[i].offset));
}

static int load_group(const struct source *src, const struct conf_key *keys, size_t n, void *out,
                      struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (keys[i].kind != CONF_LIST)
            memset((char *)out + keys[i].offset, 0, keys[i].size);
    int ret = check_known(src, src->group, "", keys, n, err);
    for (size_t i = 0; ret == 0 && i < n; i++)
        ret = load_key(src, &keys[i], (char *)out + keys[i].offset, err);
    if (ret != 0)
        conf_free(keys, n, out);
    return ret;
}

/* ---- files
 * ------------------------------------------------------------------------------------------------------ */

static int parse(struct source *src, struct buf *text, struct err *err)
{
    const char *content = buf_cstr(text);
    if (!content)
        return err_set(err, ERR_MEMORY, "%s", src->path);
    if (strlen(content) != text->len)
        return err_set(err, ERR_CONFIG, "%s: has a NUL byte in it", src->path);
    if (conf_text_check(src->path, content, err) != 0)
        return -1;
    if (config_read_string(&src->config, content) == CONFIG_TRUE)
        return 0;
    return err_set(err, ERR_CONFIG, "%s:%d: %s", src->path, config_error_line(&src->config),
                   config_error_text(&src->config));
}

static void source_close(struct source **src)
{
    if (!*src)
        return;
    config_destroy(&(*src)->config);
    free(*src);
    *src = NULL;
}

static struct source *source_open(const char *path, struct err *err)
{
    struct source *src = calloc(1, sizeof(*src));
    if (!src) {
        err_set(err, ERR_MEMORY, "%s", path);
        return NULL;
    }
    config_init(&src->config);
    src->path = path;
    struct buf text;
    buf_init(&text);
    const char *slash = strrchr(path, '/');
    size_t dir_len = slash ? (size_t)(slash - path) + 1 : 0;
    int ret = -1;
    if (dir_len >= sizeof(src->dir)) {
        err_set(err, ERR_TOO_LARGE, "a path of %zu bytes", dir_len);
    } else {
        memcpy(src->dir, path, dir_len);
        if (file_read(path, FILE_MAX, &text, err) == 0)
            ret = parse(src, &text, err);
    }
    buf_done(&text);
    if (ret != 0)
        source_close(&src);
    else
        src->group = config_root_setting(&src->config);
    return src;
}

int conf_load(const char *path, const struct conf_key *keys, size_t n, void *out, struct err *err)
{
    struct source *src = source_open(path, err);
    if (!src)
        return -1;
    int ret = load_group(src, keys, n, out, err);
    source_close(&src);
    return ret;
}

static int load_element(struct source *src, const struct conf_key *keys, size_t n, size_t size,
                        int (*each)(void *element, void *arg, struct err *err), void *arg, struct err *err)
{
    if (!config_setting_is_group(src->group))
        return wrong(src, src->group, "", err, "must be a group { … }");
    void *element = calloc(1, size);
    if (!element)
        return err_set(err, ERR_MEMORY, "%s", src->path);
    int ret = load_group(src, keys, n, element, err);
    if (ret == 0 && each(element, arg, err) != 0) {
        ret = err_prepend(err, "%s:%u: %.*s", src->path, (unsigned int)config_setting_source_line(src->group),
                          (int)strcspn(src->prefix, "."), src->prefix);
        conf_free(keys, n, element);
    }
    free(element);
    return ret;
}

int conf_load_list(const char *path, const char *list, const struct conf_key *keys, size_t n, size_t size,
                   int (*each)(void *element, void *arg, struct err *err), void *arg, struct err *err)
{
    struct source *src = source_open(path, err);
    if (!src)
        return -1;
    config_setting_t *s = config_setting_lookup(src->group, list);
    int ret = 0;
    if (s && !config_setting_is_list(s))
        ret = wrong(src, s, list, err, "must be %s", KIND_NAMES[CONF_LIST]);
    for (unsigned int i = 0; ret == 0 && s && i < (unsigned int)config_setting_length(s); i++) {
        src->group = config_setting_get_elem(s, i);
        snprintf(src->prefix, sizeof(src->prefix), "%s[%u].", list, i);
        ret = load_element(src, keys, n, size, each, arg, err);
    }
    source_close(&src);
    return ret;
}
