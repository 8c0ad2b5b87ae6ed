/* libfake_p11.so: a PKCS#11 module that stands before a real one and fails as a script says.
 *
 *   FAKE_P11_REAL    path of the module behind it; SoftHSM when unset
 *   FAKE_P11_SCRIPT  file with one fault a line: FUNCTION WHEN ACTION…      (# begins a comment)
 *                    when unset: the file `faults` beside SOFTHSM2_CONF, so that a token carries its own faults
 *
 * FUNCTION  a name as C_Login, or `load` (dlopen of this library)
 * WHEN      N: the Nth call; N+: from the Nth on; *: each call
 * ACTION    rv=0x31       return that, the real module is not called
 *           hang          never return
 *           crash         SIGSEGV before the real call;   crash_after: after it
 *           delay=MS      wait, then go on
 *           gone          from now on the token is pulled: no slots, everything CKR_DEVICE_REMOVED
 *           gone_after    the same, after the call
 *           lost          do it, but say CKR_DEVICE_ERROR (done without an answer)
 *           serial=TEXT   C_GetTokenInfo: lie about the serial number
 *           model=TEXT    C_GetTokenInfo: lie about the model
 *           flags=0x…     C_GetTokenInfo: set these flags besides
 *           weak          C_GenerateKeyPair: an RSA key with exponent 3
 *           corrupt       C_Sign: the last byte of the signature is wrong
 *           truncate      C_GetAttributeValue: values are one byte shorter
 *           compress      C_GetAttributeValue: a P-256 point in compressed form
 *
 * Calls are counted in this process; a line `persistent` counts them in files beside the script, over all
 * processes. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#define RULES_MAX 64
#define SOFTHSM   "/usr/lib/softhsm/libsofthsm2.so"

enum action {
    DO_RV,
    DO_HANG,
    DO_CRASH,
    DO_CRASH_AFTER,
    DO_DELAY,
    DO_GONE,
    DO_GONE_AFTER,
    DO_LOST,
    DO_SERIAL,
    DO_MODEL,
    DO_FLAGS,
    DO_WEAK,
    DO_CORRUPT,
    DO_TRUNCATE,
    DO_COMPRESS,
    ACTION_COUNT
};

static const struct {
    const char *name;
    bool number, text;
} ACTIONS[ACTION_COUNT] = {
    [DO_RV] = {"rv", true, false},
    [DO_HANG] = {"hang", false, false},
    [DO_CRASH] = {"crash", false, false},
    [DO_CRASH_AFTER] = {"crash_after", false, false},
    [DO_DELAY] = {"delay", true, false},
    [DO_GONE] = {"gone", false, false},
    [DO_GONE_AFTER] = {"gone_after", false, false},
    [DO_LOST] = {"lost", false, false},
    [DO_SERIAL] = {"serial", false, true},
    [DO_MODEL] = {"model", false, true},
    [DO_FLAGS] = {"flags", true, false},
    [DO_WEAK] = {"weak", false, false},
    [DO_CORRUPT] = {"corrupt", false, false},
    [DO_TRUNCATE] = {"truncate", false, false},
    [DO_COMPRESS] = {"compress", false, false},
};

struct rule {
    char function[40];
    unsigned long from, to; /* calls that it means, from 1 */
    enum action action;
    unsigned long number;
    char text[17];
};

static struct rule rules[RULES_MAX];
static size_t n_rules;
static bool persistent, gone;
static CK_FUNCTION_LIST_PTR real;
static const char *script;

enum call {
#define X(name, params, args) CALL_##name,
#include "p11_calls.def"
#undef X
    CALL_load,
    CALL_COUNT
};

static const char *const CALL_NAMES[CALL_COUNT] = {
#define X(name, params, args) #name,
#include "p11_calls.def"
#undef X
    "load",
};

/* ---- script
 * ------------------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) refuse(const char *why, const char *what)
{
    fprintf(stderr, "fake_p11: %s: %s\n", why, what);
    abort();
}

static void parse_when(struct rule *r, const char *when)
{
    char *end;
    r->from = 1;
    r->to = (unsigned long)-1;
    if (strcmp(when, "*") == 0)
        return;
    r->from = strtoul(when, &end, 10);
    if (*end == '\0')
        r->to = r->from;
    else if (strcmp(end, "+") != 0)
        refuse("no such WHEN", when);
}

static void parse_action(struct rule *r, char *text)
{
    char *value = strchr(text, '=');
    if (value)
        *value++ = '\0';
    enum action a = 0;
    while (a < ACTION_COUNT && strcmp(ACTIONS[a].name, text) != 0)
        a++;
    if (a == ACTION_COUNT || (ACTIONS[a].number || ACTIONS[a].text) != (value != NULL))
        refuse("no such action", text);
    r->action = a;
    if (ACTIONS[a].number)
        r->number = strtoul(value, NULL, 0);
    if (ACTIONS[a].text)
        snprintf(r->text, sizeof(r->text), "%s", value);
}

static void parse_line(char *line)
{
    char *rest = line, *words[3];
    size_t n = 0;
    line[strcspn(line, "#\n")] = '\0';
    for (char *w; (w = strsep(&rest, " \t"));) {
        if (*w == '\0')
            continue;
        if (n == 3)
            refuse("too many words", w);
        words[n++] = w;
    }
    if (n == 0)
        return;
    if (n == 1 && strcmp(words[0], "persistent") == 0) {
        persistent = true;
        return;
    }
    if (n != 3 || n_rules == RULES_MAX)
        refuse("a line is FUNCTION WHEN ACTION", words[0]);
    struct rule *r = &rules[n_rules++];
    enum call c = 0;
    while (c < CALL_COUNT && strcmp(CALL_NAMES[c], words[0]) != 0)
        c++;
    if (c == CALL_COUNT)
        refuse("no such function", words[0]);
    snprintf(r->function, sizeof(r->function), "%s", words[0]);
    parse_when(r, words[1]);
    parse_action(r, words[2]);
}

static const char *find_script(void)
{
    static char beside[512];
    const char *path = getenv("FAKE_P11_SCRIPT"), *conf = getenv("SOFTHSM2_CONF");
    const char *slash = path || !conf ? NULL : strrchr(conf, '/');
    if (!slash)
        return path;
    snprintf(beside, sizeof(beside), "%.*s/faults", (int)(slash - conf), conf);
    return beside;
}

static void read_script(void)
{
    script = find_script();
    FILE *in = script ? fopen(script, "re") : NULL;
    if (!in)
        return; /* no faults */
    char line[256];
    while (fgets(line, sizeof(line), in))
        parse_line(line);
    fclose(in);
}

/* ---- counting
 * ------------------------------------------------------------------------------------------------------ */

/* One byte appended a call: the file's size is the count, whoever appends. */
static unsigned long count_in_file(const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof(path), "%s.%s", script, name);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, ".", 1) != 1 || fstat(fd, &st) != 0)
        refuse("cannot count", path);
    close(fd);
    return (unsigned long)st.st_size;
}

static unsigned long count(enum call c)
{
    static unsigned long counts[CALL_COUNT];
    unsigned long n = __atomic_add_fetch(&counts[c], 1, __ATOMIC_SEQ_CST);
    return persistent ? count_in_file(CALL_NAMES[c]) : n;
}

/* The faults of one call. */
struct faults {
    const struct rule *rules[RULES_MAX];
    size_t n;
};

static struct faults faults_of(enum call c)
{
    struct faults f = {.n = 0};
    bool meant = false;
    for (size_t i = 0; i < n_rules; i++)
        meant = meant || strcmp(rules[i].function, CALL_NAMES[c]) == 0;
    unsigned long n = meant ? count(c) : 0;
    for (size_t i = 0; i < n_rules; i++)
        if (strcmp(rules[i].function, CALL_NAMES[c]) == 0 && n >= rules[i].from && n <= rules[i].to)
            f.rules[f.n++] = &rules[i];
    return f;
}

static const struct rule *has(const struct faults *f, enum action a)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->rules[i]->action == a)
            return f->rules[i];
    return NULL;
}

/* ---- acting
 * -------------------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) crash(void)
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    abort();
}

static void wait_ms(unsigned long ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* true: return *rv, without the real module. */
static bool before(const struct faults *f, CK_RV *rv)
{
    const struct rule *r;
    if ((r = has(f, DO_DELAY)))
        wait_ms(r->number);
    if (has(f, DO_CRASH))
        crash();
    while (has(f, DO_HANG))
        pause();
    if (has(f, DO_GONE))
        gone = true;
    if ((r = has(f, DO_RV))) {
        *rv = r->number;
        return true;
    }
    *rv = CKR_DEVICE_REMOVED;
    return gone;
}

static CK_RV after(const struct faults *f, CK_RV rv)
{
    if (has(f, DO_CRASH_AFTER))
        crash();
    if (has(f, DO_GONE_AFTER))
        gone = true;
    return has(f, DO_LOST) ? CKR_DEVICE_ERROR : rv;
}

static void load_real(void)
{
    const char *asked = getenv("FAKE_P11_REAL"), *path = asked ? asked : SOFTHSM;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_C_GetFunctionList get;
    memcpy(&get, &symbol, sizeof(get));
    if (!symbol || get(&real) != CKR_OK)
        refuse("it is no module", path);
}

static void __attribute__((constructor)) on_load(void)
{
    CK_RV rv;
    read_script();
    struct faults f = faults_of(CALL_load);
    before(&f, &rv);
}

/* ---- functions
 * ----------------------------------------------------------------------------------------------------- */

/* What is particular to a function, before and after the real call. */
static void lie(const struct rule *r, unsigned char *field, size_t size)
{
    memset(field, ' ', size);
    memcpy(field, r->text, strnlen(r->text, size));
}

static void lie_about_token(const struct faults *f, CK_TOKEN_INFO *info)
{
    const struct rule *r;
    if ((r = has(f, DO_SERIAL)))
        lie(r, info->serialNumber, sizeof(info->serialNumber));
    if ((r = has(f, DO_MODEL)))
        lie(r, info->model, sizeof(info->model));
    if ((r = has(f, DO_FLAGS)))
        info->flags |= r->number;
}

static void weaken(const struct faults *f, CK_ATTRIBUTE *template, unsigned long n)
{
    static unsigned char three[] = {3};
    for (unsigned long i = 0; has(f, DO_WEAK) && i < n; i++)
        if (template[i].type == CKA_PUBLIC_EXPONENT) {
            template[i].pValue = three;
            template[i].ulValueLen = sizeof(three);
        }
}

static void truncate_values(const struct faults *f, CK_ATTRIBUTE *template, unsigned long n)
{
    for (unsigned long i = 0; has(f, DO_TRUNCATE) && i < n; i++)
        if (template[i].pValue && template[i].ulValueLen != CK_UNAVAILABLE_INFORMATION &&
            template[i].ulValueLen > 1)
            template[i].ulValueLen--;
}

/* OCTET STRING (04 41) of 04 X Y → OCTET STRING (04 21) of 02 or 03, X */
static void compress_points(const struct faults *f, CK_ATTRIBUTE *template, unsigned long n)
{
    for (unsigned long i = 0; has(f, DO_COMPRESS) && i < n; i++) {
        unsigned char *p = template[i].pValue;
        if (template[i].type != CKA_EC_POINT || !p || template[i].ulValueLen != 67)
            continue;
        p[1] = 0x21;
        p[2] = (unsigned char)(0x02 | (p[66] & 1));
        template[i].ulValueLen = 35;
    }
}

#define ENTER(name)                                                                                          \
    struct faults faults = faults_of(CALL_##name);                                                           \
    CK_RV rv;                                                                                                \
    if (before(&faults, &rv))                                                                                \
        return rv;

static CK_RV special_C_Initialize(void *args)
{
    ENTER(C_Initialize)
    if (!real)
        load_real();
    return after(&faults, real->C_Initialize(args));
}

static CK_RV special_C_GetSlotList(unsigned char present, CK_SLOT_ID *list, unsigned long *n)
{
    ENTER(C_GetSlotList)
    rv = after(&faults, real->C_GetSlotList(present, list, n));
    return rv;
}

static CK_RV special_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    ENTER(C_GetTokenInfo)
    rv = real->C_GetTokenInfo(slot, info);
    if (rv == CKR_OK &&
        (info->flags & CKF_TOKEN_INITIALIZED)) /* the spare slot of SoftHSM stays what it is */
        lie_about_token(&faults, info);
    return after(&faults, rv);
}

static CK_RV special_C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                                       CK_ATTRIBUTE *public_key, unsigned long n_public,
                                       CK_ATTRIBUTE *private_key, unsigned long n_private,
                                       CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
    ENTER(C_GenerateKeyPair)
    weaken(&faults, public_key, n_public);
    return after(&faults, real->C_GenerateKeyPair(session, mechanism, public_key, n_public, private_key,
                                                  n_private, ret_public, ret_private));
}

static CK_RV special_C_Sign(CK_SESSION_HANDLE session, unsigned char *data, unsigned long len,
                            unsigned char *signature, unsigned long *signature_len)
{
    ENTER(C_Sign)
    rv = real->C_Sign(session, data, len, signature, signature_len);
    if (rv == CKR_OK && signature && has(&faults, DO_CORRUPT))
        signature[*signature_len - 1] ^= 1;
    return after(&faults, rv);
}

static CK_RV special_C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                         CK_ATTRIBUTE *template, unsigned long n)
{
    ENTER(C_GetAttributeValue)
    rv = real->C_GetAttributeValue(session, object, template, n);
    if (rv == CKR_OK) {
        compress_points(&faults, template, n);
        truncate_values(&faults, template, n);
    }
    return after(&faults, rv);
}

/* all others only pass through; those above are put in their place afterwards */
#define X(name, params, args)                                                                                \
    static CK_RV plain_##name params                                                                         \
    {                                                                                                        \
        ENTER(name)                                                                                          \
        return after(&faults, real->name args);                                                              \
    }
#include "p11_calls.def"
#undef X

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret)
{
    static CK_FUNCTION_LIST list = {
        .version = {2, 40},
        .C_GetFunctionList = C_GetFunctionList,
#define X(name, params, args) .name = plain_##name,
#include "p11_calls.def"
#undef X
    };
    list.C_Initialize = special_C_Initialize;
    list.C_GetSlotList = special_C_GetSlotList;
    list.C_GetTokenInfo = special_C_GetTokenInfo;
    list.C_GenerateKeyPair = special_C_GenerateKeyPair;
    list.C_Sign = special_C_Sign;
    list.C_GetAttributeValue = special_C_GetAttributeValue;
    *ret = &list;
    return CKR_OK;
}
