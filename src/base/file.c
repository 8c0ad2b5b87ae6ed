#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"

static int open_error(struct err *err, const char *path)
{
    int sys = errno;
    err_sys(err, "%s", path);
    if (sys == ENOENT || sys == ENOTDIR)
        err->code = ERR_NOT_FOUND;
    else if (sys == EACCES || sys == EPERM)
        err->code = ERR_PERMISSION;
    return -1;
}

/* ---- reading
 * ---------------------------------------------------------------------------------------------------- */

static int read_all(int fd, const char *path, size_t max, struct buf *b, struct err *err)
{
    size_t start = b->len;
    for (;;) {
        size_t got = b->len - start, chunk = max - got < 65536 ? max - got + 1 : 65536;
        if (buf_reserve(b, chunk, err) != 0)
            return err_prepend(err, "%s", path);
        ssize_t n = read(fd, b->data + b->len, chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "%s: read", path);
        if (n == 0)
            return 0;
        if ((size_t)n > max - got)
            return err_set(err, ERR_TOO_LARGE, "%s: over %zu bytes", path, max);
        b->len += (size_t)n;
    }
}

int file_read(const char *path, size_t max, struct buf *b, struct err *err)
{
    /* O_NONBLOCK: a named pipe with no writer must not hold us up; only plain files are read. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return open_error(err, path);
    size_t start = b->len;
    struct stat st;
    int ret = -1;
    if (fstat(fd, &st) != 0)
        err_sys(err, "%s", path);
    else if (!S_ISREG(st.st_mode))
        err_set(err, ERR_SYSTEM, "%s: is not a plain file", path);
    else
        ret = read_all(fd, path, max, b, err);
    if (ret != 0 && b->data) {
        if (b->secret)
            explicit_bzero(b->data + start, b->cap - start);
        b->len = start;
    }
    close(fd);
    return ret;
}

/* ---- writing
 * ---------------------------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Folder part of a path: "." when there is none. */
static int folder_of(const char *path, char dir[PATH_MAX], struct err *err)
{
    size_t len = strlen(path);
    if (len >= PATH_MAX)
        return err_set(err, ERR_TOO_LARGE, "a path of %zu bytes", len);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0)
        path = ".", len = 1;
    memcpy(dir, path, len);
    dir[len] = '\0';
    return 0;
}

int file_fsync_folder_of(const char *path, struct err *err)
{
    char dir[PATH_MAX];
    if (folder_of(path, dir, err) != 0)
        return -1;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return open_error(err, dir);
    int ret = fsync(fd) == 0 ? 0 : err_sys(err, "%s: fsync", dir);
    close(fd);
    return ret;
}

/* The content, durable, under a new name beside `path`. */
static int write_beside(const char *path, const void *data, size_t len, mode_t mode, char temp[PATH_MAX],
                        struct err *err)
{
    uint8_t random[8];
    char suffix[2 * sizeof(random) + 1];
    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), suffix);
    int n = snprintf(temp, PATH_MAX, "%s.%s.new", path, suffix);
    if (n < 0 || n >= PATH_MAX)
        return err_set(err, ERR_TOO_LARGE, "a path of %zu bytes", strlen(path));
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return open_error(err, path);
    int ret = write_all(fd, data, len) != 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0
                  ? err_sys(err, "%s: write", path)
                  : 0;
    if (close(fd) != 0 && ret == 0)
        ret = err_sys(err, "%s: close", path);
    if (ret != 0)
        unlink(temp);
    return ret;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
    char temp[PATH_MAX];
    if (write_beside(path, data, len, mode, temp, err) != 0)
        return -1;
    if (rename(temp, path) != 0) {
        err_sys(err, "%s: rename", path);
        unlink(temp);
        return -1;
    }
    return file_fsync_folder_of(path, err);
}

int file_create(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
    char temp[PATH_MAX];
    if (write_beside(path, data, len, mode, temp, err) != 0)
        return -1;
    int ret = 0;
    if (link(temp, path) != 0) {
        int sys = errno;
        ret = err_sys(err, "%s", path);
        if (sys == EEXIST)
            err->code = ERR_EXISTS;
    }
    unlink(temp);
    return ret == 0 ? file_fsync_folder_of(path, err) : ret;
}

/* ---- folders
 * ---------------------------------------------------------------------------------------------------- */

static int make_folder(const char *path, mode_t mode, struct err *err)
{
    if (mkdir(path, mode & 0700) == 0) {
        if (chmod(path, mode) != 0)
            return err_sys(err, "%s: chmod", path);
        return file_fsync_folder_of(path, err);
    }
    int sys = errno;
    struct stat st;
    if (sys == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        return err_set(err, ERR_EXISTS, "%s: is there and is not a folder", path);
    }
    errno = sys;
    return open_error(err, path);
}

int file_mkdir_p(const char *path, mode_t mode, struct err *err)
{
    char whole[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(whole))
        return err_set(err, ERR_TOO_LARGE, "a folder's path of %zu bytes", len);
    memcpy(whole, path, len + 1);
    for (char *slash = strchr(whole + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        struct stat st; /* parents that are there may be unwritable, or in a read-only file system */
        if (stat(whole, &st) != 0 && make_folder(whole, mode, err) != 0)
            return -1;
        *slash = '/';
    }
    return make_folder(whole, mode, err);
}

/* ---- checks
 * ----------------------------------------------------------------------------------------------------- */

int file_check_owner(const char *path, bool secret, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return open_error(err, path);
    unsigned int mode = st.st_mode & 07777;
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(err, ERR_PERMISSION, "%s: belongs to user %u, not to root or user %u", path, st.st_uid,
                       geteuid());
    if (mode & 022)
        return err_set(err, ERR_PERMISSION, "%s: mode %04o lets others write it (chmod go-w)", path, mode);
    if (secret && (mode & 044))
        return err_set(err, ERR_PERMISSION, "%s: mode %04o lets others read a secret (chmod go-rwx)", path,
                       mode);
    return 0;
}

int path_join(char *dst, size_t cap, const char *dir, const char *name, struct err *err)
{
    size_t len = strlen(dir);
    const char *slash = len > 0 && dir[len - 1] != '/' ? "/" : "";
    int n = snprintf(dst, cap, "%s%s%s", dir, slash, name);
    if (n < 0 || (size_t)n >= cap)
        return err_set(err, ERR_TOO_LARGE, "%s%s%s: a path over %zu bytes", dir, slash, name,
                       cap > 0 ? cap - 1 : 0);
    return 0;
}
