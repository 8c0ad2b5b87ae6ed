/* Invariant 5: no PIN in the clear in any file; but for the letter that an operator asked for (0600). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "check.h"

#define SECRET_MIN 6 /* shorter ones would be found by chance */
#define SECRET_MAX 64
#define FORMS      6 /* plain, hex in two cases, base64 at three alignments */

struct form {
    const char *name;
    char text[4 * SECRET_MAX];
    size_t len;
};

struct secret {
    char of[80]; /* where it is known from; never the PIN itself */
    struct form forms[FORMS];
    size_t n_forms;
};

struct secrets {
    struct secret *items;
    size_t n;
};

/* ---- forms ---- */

static void add_form(struct secret *s, const char *name, const char *text, size_t len)
{
    if (len < SECRET_MIN || len >= sizeof s->forms[0].text)
        return;
    struct form *f = &s->forms[s->n_forms++];
    f->name = name;
    memcpy(f->text, text, len);
    f->len = len;
}

/* In base64 a text has three faces, by its place modulo three; the characters that its neighbours share are
 * left out. */
static void add_base64(struct secret *s, const char *pin, size_t len)
{
    for (size_t shift = 0; shift < 3; shift++) {
        unsigned char padded[SECRET_MAX + 3] = {0}, text[4 * SECRET_MAX];
        memcpy(padded + shift, pin, len);
        EVP_EncodeBlock(text, padded, (int)(shift + len));
        const size_t from = shift == 0 ? 0 : shift + 1, to = (shift + len) * 8 / 6;
        add_form(s, "base64", (const char *)text + from, to - from);
    }
}

static int add_secret(struct secrets *list, const char *of, const char *pin, size_t len, struct err *err)
{
    char lower[2 * SECRET_MAX + 1], upper[2 * SECRET_MAX + 1];
    if (len < SECRET_MIN || len > SECRET_MAX)
        return err_set(err, ERR_FIELD, "%s: a PIN of %zu characters cannot be looked for (%d to %d)", of, len,
                       SECRET_MIN, SECRET_MAX);
    struct secret *longer = realloc(list->items, (list->n + 1) * sizeof *longer);
    if (longer == NULL)
        return err_set(err, ERR_MEMORY, "secrets");
    list->items = longer;
    struct secret *s = &longer[list->n++];
    memset(s, 0, sizeof *s);
    snprintf(s->of, sizeof s->of, "%s", of);
    hex_encode(pin, len, lower);
    for (size_t i = 0; i <= 2 * len; i++)
        upper[i] = (char)(lower[i] >= 'a' && lower[i] <= 'f' ? lower[i] - 'a' + 'A' : lower[i]);
    add_form(s, "plain", pin, len);
    add_form(s, "hex", lower, 2 * len);
    if (strcmp(lower, upper) != 0)
        add_form(s, "hex", upper, 2 * len);
    add_base64(s, pin, len);
    return 0;
}

/* ---- where they are known from ---- */

static int lines_of(struct secrets *list, const char *path, const char *prefix, struct err *err)
{
    char *line = NULL, of[80];
    size_t cap = 0, skip = strlen(prefix);
    ssize_t n = 0;
    int rc = 0, number = 0;
    const char *base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return err_sys(err, "%s", path);
    while (rc == 0 && (n = getline(&line, &cap, f)) > 0) {
        number++;
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        snprintf(of, sizeof of, "%.60s:%d", base, number);
        if ((size_t)n > skip && memcmp(line, prefix, skip) == 0)
            rc = add_secret(list, of, line + skip, (size_t)n - skip, err);
    }
    free(line);
    fclose(f);
    return rc;
}

static int letters_of(struct check *c, struct secrets *list, const char *folder, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    int rc = 0;
    DIR *d = opendir(folder);
    if (d == NULL)
        return err_sys(err, "%s", folder);
    for (struct dirent *e = readdir(d); e != NULL && rc == 0; e = readdir(d)) {
        if (path_join(path, sizeof path, folder, e->d_name, err) < 0 || lstat(path, &st) < 0 ||
            !S_ISREG(st.st_mode))
            continue;
        if ((st.st_mode & 07777) != 0600)
            violation(c, "letter %s has mode %o, not 600", path, (unsigned)(st.st_mode & 07777));
        rc = lines_of(list, path, "PIN: ", err);
    }
    closedir(d);
    return rc;
}

/* ---- looking ---- */

static bool below(const char *path, const struct paths *list)
{
    char real[PATH_MAX], excepted[PATH_MAX];
    if (realpath(path, real) == NULL)
        return false;
    for (size_t i = 0; i < list->n; i++) {
        if (realpath(list->items[i], excepted) == NULL)
            continue;
        size_t len = strlen(excepted);
        if (strncmp(real, excepted, len) == 0 && (real[len] == '\0' || real[len] == '/'))
            return true;
    }
    return false;
}

static void look(struct check *c, const struct secrets *list, const char *path, const uint8_t *data,
                 size_t len)
{
    for (size_t i = 0; i < list->n; i++)
        for (size_t k = 0; k < list->items[i].n_forms; k++) {
            const struct form *f = &list->items[i].forms[k];
            const uint8_t *at = memmem(data, len, f->text, f->len);
            if (at != NULL)
                violation(c, "%s holds the PIN of %s in the clear (%s, offset %zu)", path, list->items[i].of,
                          f->name, (size_t)(at - data));
        }
}

static int scan_file(struct check *c, const struct secrets *list, const char *path, size_t size,
                     struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, "%s", path);
    void *data = size > 0 ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (data == MAP_FAILED)
        return err_sys(err, "%s", path);
    c->seen.files++;
    if (data != NULL) {
        look(c, list, path, data, size);
        munmap(data, size);
    }
    return 0;
}

static int scan(struct check *c, const struct secrets *list, const char *path, int depth, struct err *err)
{
    struct stat st;
    char child[PATH_MAX];
    int rc = 0;
    if (below(path, &c->except) || below(path, &c->letters) || below(path, &c->secrets) ||
        lstat(path, &st) < 0)
        return 0;
    if (S_ISREG(st.st_mode))
        return scan_file(c, list, path, (size_t)st.st_size, err);
    if (!S_ISDIR(st.st_mode) || depth > 16)
        return 0;
    DIR *d = opendir(path);
    if (d == NULL)
        return err_sys(err, "%s", path);
    for (struct dirent *e = readdir(d); e != NULL && rc == 0; e = readdir(d))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = path_join(child, sizeof child, path, e->d_name, err) < 0
                     ? -1
                     : scan(c, list, child, depth + 1, err);
    closedir(d);
    return rc;
}

/* The folders of databases and log, each once. */
static int scan_folders(struct check *c, const struct secrets *list, struct err *err)
{
    const char *const files[] = {c->station_path, c->vault_path, c->portal_path};
    char folders[3][PATH_MAX];
    for (size_t i = 0; i < 3; i++) {
        char copy[PATH_MAX];
        snprintf(copy, sizeof(copy), "%s", files[i]);
        if (realpath(dirname(copy), folders[i]) == NULL)
            return err_sys(err, "the folder of %s", files[i]);
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known = known || strcmp(folders[k], folders[i]) == 0;
        if (!known && scan(c, list, folders[i], 0, err) < 0)
            return -1;
    }
    return 0;
}

int check_secrets(struct check *c, struct err *err)
{
    struct secrets list = {0};
    int rc = 0;
    for (size_t i = 0; i < c->secrets.n && rc == 0; i++)
        rc = lines_of(&list, c->secrets.items[i], "", err);
    for (size_t i = 0; i < c->letters.n && rc == 0; i++)
        rc = letters_of(c, &list, c->letters.items[i], err);
    for (size_t i = 0; i < c->scan.n && rc == 0; i++)
        rc = scan(c, &list, c->scan.items[i], 0, err);
    if (c->scan.n == 0 && list.n > 0 && rc == 0)
        rc = scan_folders(c, &list, err);
    c->seen.secrets = (int)list.n;
    for (size_t i = 0; i < list.n; i++)
        explicit_bzero(&list.items[i], sizeof list.items[i]);
    free(list.items);
    return rc;
}
