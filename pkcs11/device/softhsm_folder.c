#include "device/softhsm_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/file.h"
#include "device/ckr.h"
#include "device/token.h"

#define CONF_NAME  "softhsm2.conf"
#define BUILD_NAME "build.conf"

/* ---- paths
 * -------------------------------------------------------------------------------------------------------- */

/* Absolute: SoftHSM reads its configuration from wherever a program stands. The folder need not be there, its
 * parent must. Parent and name are parted for the sibling it is built in. */
struct place {
    char parent[PATH_MAX], name[NAME_MAX + 1], path[PATH_MAX];
};

static int locate(const char *dir, struct place *ret, struct err *err)
{
    char copy[PATH_MAX];
    size_t len = strlen(dir);
    if (len == 0 || len >= sizeof(copy))
        return err_set(err, ERR_USAGE, "\"%.64s\" is no name for a folder", dir);
    memcpy(copy, dir, len + 1);
    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = '\0';
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    if (name[0] == '\0' || name[0] == '.' || strlen(name) > NAME_MAX - 8)
        return err_set(err, ERR_USAGE, "\"%.64s\" is no name for a token's folder", dir);
    memcpy(ret->name, name, strlen(name) + 1);
    if (slash)
        *slash = '\0';
    const char *parent = !slash ? "." : slash == copy ? "/" : copy;
    if (!realpath(parent, ret->parent))
        return err_sys(err, "%s", parent);
    return path_join(ret->path, sizeof(ret->path), ret->parent, ret->name, err);
}

/* ---- configuration
 * ------------------------------------------------------------------------------------------------- */

static int write_conf(const char *folder, const char *name, const char *place, struct err *err)
{
    char path[PATH_MAX], tokens[PATH_MAX];
    if (path_join(path, sizeof(path), folder, name, err) != 0 ||
        path_join(tokens, sizeof(tokens), place, "tokens", err) != 0)
        return -1;
    struct buf text;
    buf_init(&text);
    int rc = buf_printf(&text, err,
                        "directories.tokendir = %s\n"
                        "objectstore.backend = file\n"
                        "log.level = ERROR\n"
                        "slots.removable = false\n",
                        tokens);
    if (rc == 0)
        rc = file_replace(path, text.data, text.len, 0644, err);
    buf_done(&text);
    return rc;
}

/* ---- making
 * ------------------------------------------------------------------------------------------------------- */

static int set_user_pin(const struct module *m, CK_SLOT_ID slot, const struct buf *so_pin,
                        const struct buf *user_pin, struct err *err)
{
    const CK_FUNCTION_LIST *c = module_calls(m);
    CK_SESSION_HANDLE session;
    CK_RV rv = c->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_OpenSession");
    rv = c->C_Login(session, CKU_SO, so_pin->data, so_pin->len);
    if (rv != CKR_OK)
        ckr_fail(err, rv, "C_Login (SO)");
    else if ((rv = c->C_InitPIN(session, user_pin->data, user_pin->len)) != CKR_OK)
        ckr_fail(err, rv, "C_InitPIN");
    c->C_CloseAllSessions(slot);
    return rv == CKR_OK ? 0 : -1;
}

/* The serial number is there at once, the slot id only until the next C_Initialize. */
static int initialise(const struct module *m, const char *label, const struct buf *so_pin,
                      const struct buf *user_pin, char *ret_serial, struct err *err)
{
    struct token t;
    if (token_find_uninitialised(m, &t, err) != 0 || token_init(m, &t, so_pin, label, err) != 0)
        return -1;
    if (user_pin && set_user_pin(m, t.slot, so_pin, user_pin, err) != 0)
        return -1;
    CK_RV rv = module_calls(m)->C_GetTokenInfo(t.slot, &t.info);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_GetTokenInfo");
    module_text(t.info.serialNumber, sizeof(t.info.serialNumber), ret_serial, SERIAL_SIZE);
    return ret_serial[0] != '\0' ? 0 : err_set(err, ERR_TOKEN_FAILED, "the new token has no serial number");
}

static int build(const char *folder, const struct place *at, const char *module_path, const char *label,
                 const struct buf *so_pin, const struct buf *user_pin, char *ret_serial, struct err *err)
{
    char tokens[PATH_MAX], conf[PATH_MAX];
    if (path_join(tokens, sizeof(tokens), folder, "tokens", err) != 0 ||
        path_join(conf, sizeof(conf), folder, BUILD_NAME, err) != 0 || file_mkdir_p(tokens, 0700, err) != 0 ||
        write_conf(folder, BUILD_NAME, folder, err) != 0)
        return -1;
    if (setenv("SOFTHSM2_CONF", conf, 1) != 0)
        return err_sys(err, "SOFTHSM2_CONF");
    struct module *m = NULL;
    if (module_load(&m, module_path, err) != 0)
        return -1;
    int rc = initialise(m, label, so_pin, user_pin, ret_serial, err);
    module_free(&m);
    if (rc == 0 && unlink(conf) != 0)
        rc = err_sys(err, "%s", conf);
    return rc == 0 ? write_conf(folder, CONF_NAME, at->path, err) : -1;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int rename_new(const char *from, const char *to, struct err *err)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return file_fsync_folder_of(to, err);
    if (errno == EEXIST)
        return err_set(err, ERR_EXISTS, "%s is there already", to);
    return err_sys(err, "rename %s to %s", from, to);
}

int softhsm_folder_make(const char *dir, const char *module_path, const char *label, const struct buf *so_pin,
                        const struct buf *user_pin, char *ret_serial, struct err *err)
{
    struct place at;
    char hidden[NAME_MAX + 1], folder[PATH_MAX];
    if (locate(dir, &at, err) != 0)
        return -1;
    snprintf(hidden, sizeof(hidden), ".%.*s.new", (int)(NAME_MAX - 8), at.name);
    if (path_join(folder, sizeof(folder), at.parent, hidden, err) != 0)
        return -1;
    if (access(at.path, F_OK) == 0)
        return err_set(err, ERR_EXISTS, "%s is there already", at.path);
    remove_tree(folder); /* what a crash left of an earlier try */
    int rc = build(folder, &at, module_path, label, so_pin, user_pin, ret_serial, err);
    crash_point("blank.make.built");
    if (rc == 0)
        rc = rename_new(folder, at.path, err);
    if (rc != 0)
        remove_tree(folder);
    return rc == 0 ? 0 : err_prepend(err, "make a token in %s", dir);
}

/* ---- moving
 * ------------------------------------------------------------------------------------------------------- */

static bool is_token_folder(const char *path)
{
    char tokens[PATH_MAX];
    struct err ignored;
    struct stat st;
    return path_join(tokens, sizeof(tokens), path, "tokens", &ignored) == 0 && stat(tokens, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

int softhsm_folder_move(const char *from, const char *to, struct err *err)
{
    struct place a, b;
    if (locate(from, &a, err) != 0 || locate(to, &b, err) != 0)
        return -1;
    bool there = access(a.path, F_OK) == 0, same = strcmp(a.path, b.path) == 0;
    if (!there && is_token_folder(b.path)) /* moved by an earlier call that was not seen to end */
        return write_conf(b.path, CONF_NAME, b.path, err);
    if (!is_token_folder(a.path))
        return err_set(err, ERR_NOT_FOUND, "%s is no token's folder", a.path);
    if (!same && access(b.path, F_OK) == 0)
        return err_set(err, ERR_EXISTS, "%s is there already", b.path);
    if (write_conf(a.path, CONF_NAME, b.path, err) != 0)
        return -1;
    crash_point("blank.move.conf");
    if (same || rename_new(a.path, b.path, err) == 0)
        return 0;
    struct err ignored; /* the token stays where it was, and must work there */
    write_conf(a.path, CONF_NAME, a.path, &ignored);
    return -1;
}
