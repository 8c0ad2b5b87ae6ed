/* What the tokens hold, as anybody can read it: each SoftHSM folder in a process of its own, through PKCS#11,
 * without a login. A folder is a token when it holds softhsm2.conf and tokens/. */
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "base/file.h"
#include "base/json.h"
#include "check.h"

#define SLOTS_MAX 16
#define VALUE_MAX 8192

/* ---- in the child: lines on stdout ---- */

static void print_hex(const char *word, const uint8_t *data, size_t len)
{
    printf("%s ", word);
    for (size_t i = 0; i < len; i++)
        printf("%02x", data[i]);
}

static bool get(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                CK_ATTRIBUTE_TYPE type, uint8_t value[VALUE_MAX], size_t *ret_len)
{
    CK_ATTRIBUTE a = {type, value, VALUE_MAX};
    bool good = p11->C_GetAttributeValue(session, object, &a, 1) == CKR_OK && a.ulValueLen <= VALUE_MAX;
    *ret_len = good ? a.ulValueLen : 0;
    return good;
}

static const struct {
    const char *word;
    CK_OBJECT_CLASS cls;
    CK_ATTRIBUTE_TYPE value;
} kinds[] = {
    {"value", CKO_CERTIFICATE, CKA_VALUE},
    {"point", CKO_PUBLIC_KEY, CKA_EC_POINT},
    {"modulus", CKO_PUBLIC_KEY, CKA_MODULUS},
};

static void print_object(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                         size_t kind)
{
    static uint8_t id[VALUE_MAX], value[VALUE_MAX];
    size_t id_len = 0, len = 0;
    if (!get(p11, session, object, kinds[kind].value, value, &len) || len == 0)
        return;
    get(p11, session, object, CKA_ID, id, &id_len);
    print_hex(kinds[kind].word, id, id_len);
    print_hex("", value, len);
    printf("\n");
}

static void print_objects(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, size_t kind)
{
    CK_OBJECT_CLASS cls = kinds[kind].cls;
    CK_ATTRIBUTE template = {CKA_CLASS, &cls, sizeof cls};
    CK_OBJECT_HANDLE found[64];
    CK_ULONG n = 0;
    if (p11->C_FindObjectsInit(session, &template, 1) != CKR_OK)
        return;
    while (p11->C_FindObjects(session, found, 64, &n) == CKR_OK && n > 0)
        for (CK_ULONG i = 0; i < n; i++)
            print_object(p11, session, found[i], kind);
    p11->C_FindObjectsFinal(session);
}

static void print_token(CK_FUNCTION_LIST *p11, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session = 0;
    if (p11->C_GetTokenInfo(slot, &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0)
        return;
    printf("token %.16s\n", (const char *)info.serialNumber);
    if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return;
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
        print_objects(p11, session, kind);
    p11->C_CloseSession(session);
}

/* A configuration of our own: the folder may have been moved since its own was written. */
static int configure(const char *folder)
{
    char path[64];
    int fd = memfd_create("softhsm2.conf", 0);
    if (fd < 0 ||
        dprintf(fd, "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
                folder) < 0)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return setenv("SOFTHSM2_CONF", path, 1);
}

static int child(const char *module, const char *folder, int out)
{
    CK_C_GetFunctionList get_list = NULL;
    CK_FUNCTION_LIST *p11 = NULL;
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    if (dup2(out, STDOUT_FILENO) < 0 || configure(folder) < 0)
        return 1;
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    if (symbol == NULL)
        return 2;
    memcpy(&get_list, &symbol, sizeof get_list);
    if (get_list(&p11) != CKR_OK || p11->C_Initialize(NULL) != CKR_OK ||
        p11->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
        return 3;
    for (CK_ULONG i = 0; i < n; i++)
        print_token(p11, slots[i]);
    p11->C_Finalize(NULL);
    return fflush(stdout) == 0 ? 0 : 4;
}

/* ---- here ---- */

/* "value <id> <hex>", "point …", "modulus …": the id may be empty. */
static void take_object(json_t *device, char *line)
{
    char *word = strtok(line, " "), *rest = word != NULL ? word + strlen(word) + 1 : NULL;
    char *gap = rest != NULL ? strchr(rest, ' ') : NULL;
    if (gap == NULL)
        return;
    *gap = '\0';
    const char *list = strcmp(word, "value") == 0 ? "certificates" : "keys";
    json_array_append_new(json_object_get(device, list), json_pack("{s:s s:s}", "id", rest, word, gap + 1));
}

static int take_output(struct check *c, const char *folder, FILE *f, struct err *err)
{
    char *line = NULL, serial[17] = "";
    size_t cap = 0;
    ssize_t n = 0;
    json_t *device = NULL;
    while ((n = getline(&line, &cap, f)) > 0) {
        line[n - 1] = '\0';
        if (strncmp(line, "token ", 6) != 0) {
            take_object(device, line);
            continue;
        }
        snprintf(serial, sizeof serial, "%s", line + 6);
        for (size_t i = strlen(serial); i > 0 && serial[i - 1] == ' '; i--)
            serial[i - 1] = '\0';
        const json_t *other = json_object_get(c->devices, serial);
        if (other != NULL) {
            free(line);
            return err_set(err, ERR_CONFLICT, "token %s is in %s and in %s", serial,
                           json_str(other, "folder"), folder);
        }
        device = json_pack("{s:s s:[] s:[]}", "folder", folder, "certificates", "keys");
        json_object_set_new(c->devices, serial, device);
    }
    free(line);
    return serial[0] != '\0'
               ? 0
               : err_set(err, ERR_TOKEN_ABSENT, "%s: there is no initialised token in it", folder);
}

static int look_into(struct check *c, const char *folder, struct err *err)
{
    int fds[2], status = 0;
    if (pipe(fds) < 0)
        return err_sys(err, "pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        alarm(30);
        _exit(child(c->module, folder, fds[1]));
    }
    close(fds[1]);
    c->seen.token_folders++;
    FILE *f = fdopen(fds[0], "r");
    int rc = pid < 0 || f == NULL ? err_sys(err, "%s", folder) : take_output(c, folder, f, err);
    if (f != NULL)
        fclose(f);
    if (pid > 0 && (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
        return err_set(err, ERR_MODULE, "%s: %s cannot read this token (%d)", folder, c->module, status);
    return rc;
}

static bool is_token(const char *folder)
{
    char path[PATH_MAX];
    struct stat st;
    struct err err;
    return path_join(path, sizeof path, folder, "softhsm2.conf", &err) == 0 && stat(path, &st) == 0 &&
           S_ISREG(st.st_mode) && path_join(path, sizeof path, folder, "tokens", &err) == 0 &&
           stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int walk(struct check *c, const char *folder, int depth, struct err *err)
{
    char child_path[PATH_MAX];
    struct stat st;
    int rc = 0;
    if (is_token(folder))
        return look_into(c, folder, err);
    DIR *d = depth > 0 ? opendir(folder) : NULL;
    if (d == NULL)
        return depth > 0 ? err_sys(err, "%s", folder) : 0;
    for (struct dirent *e = readdir(d); e != NULL && rc == 0; e = readdir(d))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            path_join(child_path, sizeof child_path, folder, e->d_name, err) == 0 &&
            lstat(child_path, &st) == 0 && S_ISDIR(st.st_mode))
            rc = walk(c, child_path, depth - 1, err);
    closedir(d);
    return rc;
}

int devices_load(struct check *c, struct err *err)
{
    c->devices = json_object();
    for (size_t i = 0; i < c->tokens.n; i++)
        if (walk(c, c->tokens.items[i], 2, err) < 0)
            return -1;
    return 0;
}

const json_t *device_find(const struct check *c, const char *serial)
{
    return json_object_get(c->devices, serial);
}

const json_t *device_object(const json_t *device, const char *list, const char *id)
{
    size_t i;
    const json_t *object = NULL;
    json_array_foreach(json_object_get(device, list), i, object)
    {
        if (strcmp(json_str(object, "id"), id) == 0)
            return object;
    }
    return NULL;
}
