#include "cert/profile.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/conf.h"
#include "base/file.h"
#include "cert/profile_rules.h"
#include "domain/plain_text.h"

#define PROFILES_MAX 256
#define SUFFIX       ".conf"
#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))

struct profiles {
    struct profile *items;
    size_t n;
};

/* A file as conf_load gives it, before its lists are copied into the profile. */
struct draft {
    char title_zh[PROFILE_TEXT_SIZE], title_en[PROFILE_TEXT_SIZE], key_type[16], uscc_oid[64];
    int64_t validity_days, validity_days_max;
    struct conf_strs key_usage, extended_key_usage, policies, crl_urls, aia_issuer_urls, aia_ocsp_urls;
};

static const struct conf_key KEYS[] = {
    {.path = "title.zh", CONF_STR, CONF_FIELD(struct draft, title_zh), .required = true},
    {.path = "title.en", CONF_STR, CONF_FIELD(struct draft, title_en), .required = true},
    {.path = "key_type", CONF_STR, CONF_FIELD(struct draft, key_type), .required = true},
    {.path = "validity_days", CONF_INT, CONF_FIELD(struct draft, validity_days), .required = true, 1, 3650},
    {.path = "validity_days_max",
     CONF_INT,
     CONF_FIELD(struct draft, validity_days_max),
     .required = true,
     1,
     3650},
    {.path = "subject", CONF_LIST, .required = true},
    {.path = "key_usage", CONF_STRS, CONF_FIELD(struct draft, key_usage), .required = true},
    {.path = "extended_key_usage", CONF_STRS, CONF_FIELD(struct draft, extended_key_usage)},
    {.path = "uscc_oid", CONF_STR, CONF_FIELD(struct draft, uscc_oid)},
    {.path = "policies", CONF_STRS, CONF_FIELD(struct draft, policies)},
    {.path = "crl_urls", CONF_STRS, CONF_FIELD(struct draft, crl_urls)},
    {.path = "aia_issuer_urls", CONF_STRS, CONF_FIELD(struct draft, aia_issuer_urls)},
    {.path = "aia_ocsp_urls", CONF_STRS, CONF_FIELD(struct draft, aia_ocsp_urls)},
};

static const struct conf_key RDN_KEYS[] = {
    {.path = "attribute", CONF_STR, CONF_FIELD(struct profile_rdn, attribute), .required = true},
    {.path = "value", CONF_STR, CONF_FIELD(struct profile_rdn, value), .required = true},
};

/* Line of a setting, 0 when it cannot be told. The file is read once more, only to report a fault. */
static unsigned int line_of(const char *path, const char *key)
{
    config_t config;
    unsigned int line = 0;
    config_init(&config);
    if (config_read_file(&config, path) == CONFIG_TRUE) {
        const config_setting_t *s = config_lookup(&config, key);
        line = s ? (unsigned int)config_setting_source_line(s) : 0;
    }
    config_destroy(&config);
    return line;
}

/* "file:line: key: " before the reason that stands in err. */
static int wrong(const char *path, const char *key, struct err *err)
{
    return err_prepend(err, "%s:%u: %s", path, line_of(path, key), key);
}

/* Copy a list of strings into n_max fixed fields of `size` bytes. */
static int copy_strs(const struct conf_strs *from, void *to, size_t size, size_t *ret_n, struct err *err)
{
    if (from->n > PROFILE_LIST_MAX)
        return err_set(err, ERR_CONFIG, "%zu elements, at most %d are allowed", from->n, PROFILE_LIST_MAX);
    for (size_t i = 0; i < from->n; i++) {
        size_t len = strlen(from->items[i]);
        if (len >= size)
            return err_set(err, ERR_CONFIG, "element %zu is longer than %zu bytes", i, size - 1);
        memcpy((char *)to + i * size, from->items[i], len + 1);
    }
    *ret_n = from->n;
    return 0;
}

static int copy_lists(const char *path, const struct draft *d, struct profile *p, struct err *err)
{
    const struct {
        const char *key;
        const struct conf_strs *from;
        void *to;
        size_t size, *ret_n;
    } lists[] = {
        {"extended_key_usage", &d->extended_key_usage, p->extended_key_usage,
         sizeof(p->extended_key_usage[0]), &p->n_extended_key_usage},
        {"policies", &d->policies, p->policies, sizeof(p->policies[0]), &p->n_policies},
        {"crl_urls", &d->crl_urls, p->crl_urls, sizeof(p->crl_urls[0]), &p->n_crl_urls},
        {"aia_issuer_urls", &d->aia_issuer_urls, p->aia_issuer_urls, sizeof(p->aia_issuer_urls[0]),
         &p->n_aia_issuer_urls},
        {"aia_ocsp_urls", &d->aia_ocsp_urls, p->aia_ocsp_urls, sizeof(p->aia_ocsp_urls[0]),
         &p->n_aia_ocsp_urls},
    };
    for (size_t i = 0; i < COUNT(lists); i++)
        if (copy_strs(lists[i].from, lists[i].to, lists[i].size, lists[i].ret_n, err) != 0)
            return wrong(path, lists[i].key, err);
    for (size_t i = 0; i < d->key_usage.n; i++) {
        uint32_t bit = key_usage_bit(d->key_usage.items[i]);
        if (!bit) {
            err_set(err, ERR_CONFIG, "%s is no usage that an organisation's key may have",
                    d->key_usage.items[i]);
            return wrong(path, "key_usage", err);
        }
        p->key_usage |= bit;
    }
    return 0;
}

static int add_rdn(void *element, void *arg, struct err *err)
{
    struct profile *p = arg;
    if (p->n_rdns == PROFILE_RDN_MAX)
        return err_set(err, ERR_CONFIG, "at most %d elements are allowed", PROFILE_RDN_MAX);
    memcpy(&p->rdns[p->n_rdns++], element, sizeof(p->rdns[0]));
    return 0;
}

static int load_file(const char *path, struct profile *p, struct err *err)
{
    struct draft d;
    const char *key = NULL;
    memset(&d, 0, sizeof(d));
    if (conf_load(path, KEYS, COUNT(KEYS), &d, err) != 0)
        return -1;
    memcpy(p->title_zh, d.title_zh, sizeof(p->title_zh));
    memcpy(p->title_en, d.title_en, sizeof(p->title_en));
    memcpy(p->uscc_oid, d.uscc_oid, sizeof(p->uscc_oid));
    p->key_type = key_type_from_name(d.key_type);
    p->validity_days = d.validity_days;
    p->validity_days_max = d.validity_days_max;
    int rc = copy_lists(path, &d, p, err);
    conf_free(KEYS, COUNT(KEYS), &d);
    if (rc != 0 || conf_load_list(path, "subject", RDN_KEYS, COUNT(RDN_KEYS), sizeof(struct profile_rdn),
                                  add_rdn, p, err) != 0)
        return -1;
    return profile_check(p, &key, err) == 0 ? 0 : wrong(path, key, err);
}

/* ---- the folder -------------------------------------------------------------------------------- */

static bool is_profile_file(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int add_file(struct profiles *p, const char *folder, const char *file, struct err *err)
{
    char path[PATH_MAX];
    size_t len = strlen(file) - strlen(SUFFIX);
    if (path_join(path, sizeof(path), folder, file, err) != 0)
        return -1;
    if (p->n == PROFILES_MAX)
        return err_set(err, ERR_CONFIG, "%s: more than %d profiles", folder, PROFILES_MAX);
    struct profile *items = realloc(p->items, (p->n + 1) * sizeof(*items));
    if (!items)
        return err_set(err, ERR_MEMORY, "%s", path);
    p->items = items;
    struct profile *item = &items[p->n];
    memset(item, 0, sizeof(*item));
    if (len < sizeof(item->name))
        memcpy(item->name, file, len);
    if (!plain_id_ok(item->name, sizeof(item->name) - 1))
        return err_set(err, ERR_CONFIG, "%s: a profile's name is 1 to %zu letters, digits and hyphens", path,
                       sizeof(item->name) - 1);
    if (load_file(path, item, err) != 0)
        return -1;
    p->n++;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct profile *)a)->name, ((const struct profile *)b)->name);
}

int profiles_load(const char *folder, struct profiles **ret, struct err *err)
{
    int rc = -1;
    struct profiles *p = calloc(1, sizeof(*p));
    DIR *dir = opendir(folder);
    if (!p || !dir) {
        errno == ENOENT ? err_set(err, ERR_NOT_FOUND, "%s: there is no such folder of profiles", folder)
                        : err_sys(err, "%s", folder);
        goto out;
    }
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL; errno = 0)
        if (is_profile_file(entry->d_name) && add_file(p, folder, entry->d_name, err) != 0)
            goto out;
    if (errno != 0) {
        err_sys(err, "%s", folder);
        goto out;
    }
    if (p->n == 0) {
        err_set(err, ERR_CONFIG, "%s: there is no profile (NAME" SUFFIX ") in it", folder);
        goto out;
    }
    qsort(p->items, p->n, sizeof(*p->items), by_name);
    *ret = p;
    p = NULL;
    rc = 0;
out:
    if (dir)
        closedir(dir);
    profiles_free(&p);
    return rc;
}

void profiles_free(struct profiles **p)
{
    if (!*p)
        return;
    free((*p)->items);
    free(*p);
    *p = NULL;
}

const struct profile *profiles_find(const struct profiles *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->items[i].name, name) == 0)
            return &p->items[i];
    return NULL;
}

size_t profiles_count(const struct profiles *p)
{
    return p->n;
}

const struct profile *profiles_at(const struct profiles *p, size_t i)
{
    return i < p->n ? &p->items[i] : NULL;
}
