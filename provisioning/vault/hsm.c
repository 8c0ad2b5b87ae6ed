/* The HSM's module, token, session and login. */
#include "vault/hsm_internal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <p11-kit/p11-kit.h>

/* Answers after which only a fresh process can be sure of what the module holds. OPERATION_ACTIVE: a failed
 * call left its operation open in one of libp11's sessions, and libp11 never ends it. */
static const CK_RV gone[] = {
    CKR_DEVICE_ERROR,          CKR_DEVICE_REMOVED,           CKR_TOKEN_NOT_PRESENT,
    CKR_TOKEN_NOT_RECOGNIZED,  CKR_SESSION_HANDLE_INVALID,   CKR_SESSION_CLOSED,
    CKR_USER_NOT_LOGGED_IN,    CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SLOT_ID_INVALID,
    CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID,       CKR_OPERATION_ACTIVE,
};

static const CK_RV refused[] = {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_EXPIRED,
                                CKR_PIN_LOCKED};

static bool among(CK_RV rv, const CK_RV *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == rv)
            return true;
    return false;
}

static bool is_gone(CK_RV rv)
{
    return among(rv, gone, sizeof(gone) / sizeof(gone[0]));
}

int hsm_fault(struct err *err, CK_RV rv, const char *what)
{
    enum err_code code = ERR_HSM;
    if (is_gone(rv))
        code = ERR_HSM_GONE;
    else if (among(rv, refused, sizeof(refused) / sizeof(refused[0])))
        code = ERR_HSM_PIN;
    return err_ckr(err, code, rv, "HSM: %s: %s (0x%lx)", what, p11_kit_strerror(rv), rv);
}

const char *hsm_key_label(enum hsm_key which)
{
    static const char *const labels[HSM_KEY_COUNT] = {
#define X(id, label) label,
        HSM_KEYS(X)
#undef X
    };
    return labels[which];
}

const char *hsm_title(const struct hsm *h)
{
    return h->title;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static int load_module(struct hsm *h, const char *path, struct err *err)
{
    h->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!h->module)
        return err_set(err, ERR_MODULE, "HSM: %s", dlerror());
    CK_C_GetFunctionList get;
    void *symbol = dlsym(h->module, "C_GetFunctionList");
    if (!symbol)
        return err_set(err, ERR_MODULE, "HSM: %s: no C_GetFunctionList in it: not a PKCS#11 module", path);
    memcpy(&get, &symbol, sizeof(get)); /* ISO C has no conversion from an object pointer */
    CK_FUNCTION_LIST *again = NULL;
    CK_RV rv = get(&h->f);
    if (rv == CKR_OK)
        rv = get(&again);
    if (rv != CKR_OK || !h->f)
        return err_ckr(err, ERR_MODULE, rv, "HSM: %s: C_GetFunctionList: 0x%lx", path, rv);
    h->instances = again != h->f;
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    rv = h->f->C_Initialize(&args);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return hsm_fault(err, rv, "C_Initialize");
    h->initialized = true;
    return 0;
}

/* A field of CK_TOKEN_INFO: padded with blanks, no NUL. */
static size_t trimmed(const CK_UTF8CHAR *text, size_t size)
{
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\0'))
        size--;
    return size;
}

static void set_title(struct hsm *h, const CK_TOKEN_INFO *info)
{
    int label = (int)trimmed(info->label, sizeof(info->label));
    int serial = (int)trimmed(info->serialNumber, sizeof(info->serialNumber));
    snprintf(h->title, sizeof(h->title), "%.*s (%.*s)", label, (const char *)info->label, serial,
             (const char *)info->serialNumber);
}

static int find_slot(struct hsm *h, P11KitUri *uri, struct err *err)
{
    CK_SLOT_ID slots[64];
    CK_ULONG n = sizeof(slots) / sizeof(slots[0]);
    CK_RV rv = h->f->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK)
        return hsm_fault(err, rv, "C_GetSlotList");
    size_t matches = 0;
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;
        memset(&info, 0, sizeof(info));
        if (h->f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED) ||
            !p11_kit_uri_match_token_info(uri, &info))
            continue;
        h->slot = slots[i];
        set_title(h, &info);
        matches++;
    }
    if (matches == 0)
        return err_set(err, ERR_HSM_GONE, "HSM: no token there matches the configured URI");
    if (matches > 1)
        return err_set(err, ERR_CONFIG, "HSM: %zu tokens match the configured URI: name its serial too",
                       matches);
    return 0;
}

/* libp11 closes every session of the process when its session mode changes: so its own comes first, then
 * ours. */
static int open_sessions(struct hsm *h, const char *module, struct err *err)
{
    h->ctx = PKCS11_CTX_new();
    if (!h->ctx || PKCS11_CTX_load(h->ctx, module) != 0)
        return hsm_evp_failed(h, "libp11 cannot load the module", err);
    if (PKCS11_enumerate_slots(h->ctx, &h->slots, &h->n_slots) != 0)
        return hsm_evp_failed(h, "libp11 cannot list the slots", err);
    for (unsigned i = 0; i < h->n_slots; i++)
        if (PKCS11_get_slotid_from_slot(&h->slots[i]) == h->slot)
            h->p11_slot = &h->slots[i];
    if (!h->p11_slot || !h->p11_slot->token)
        return err_set(err, ERR_HSM_GONE, "HSM: the token went away while it was opened");
    if (PKCS11_open_session(h->p11_slot, 0) != 0)
        return hsm_evp_failed(h, "libp11 cannot open a session", err);
    CK_RV rv = h->f->C_OpenSession(h->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &h->session);
    if (rv != CKR_OK)
        return hsm_fault(err, rv, "C_OpenSession");
    h->has_session = true;
    return 0;
}

int hsm_open(const char *text, struct hsm **ret, struct err *err)
{
    P11KitUri *uri = NULL;
    struct hsm *h = calloc(1, sizeof(*h));
    int rc = -1;
    if (!h)
        return err_set(err, ERR_MEMORY, "an HSM");
    if (hsm_uri_parse(text, &uri, err) != 0 || load_module(h, p11_kit_uri_get_module_path(uri), err) != 0 ||
        find_slot(h, uri, err) != 0 || open_sessions(h, p11_kit_uri_get_module_path(uri), err) != 0)
        goto out;
    *ret = h;
    h = NULL;
    rc = 0;
out:
    if (uri)
        p11_kit_uri_free(uri);
    hsm_close(&h);
    return rc;
}

void hsm_close(struct hsm **hp)
{
    struct hsm *h = hp ? *hp : NULL;
    if (!h)
        return;
    for (size_t i = 0; i < HSM_KEY_COUNT; i++)
        EVP_PKEY_free(h->keys[i]);
    if (h->slots)
        PKCS11_release_all_slots(h->ctx, h->slots, h->n_slots);
    if (h->initialized)
        h->f->C_Finalize(NULL);
    if (h->ctx) {
        PKCS11_CTX_unload(h->ctx);
        PKCS11_CTX_free(h->ctx);
    }
    /* no dlclose: modules leave threads and atexit handlers behind, and the process ends soon */
    free(h);
    *hp = NULL;
}

/* ---- login -------------------------------------------------------------------------------------- */

int hsm_pin_ready(struct hsm *h, bool careful, struct err *err)
{
    CK_TOKEN_INFO info;
    CK_RV rv = h->f->C_GetTokenInfo(h->slot, &info);
    if (rv != CKR_OK)
        return hsm_fault(err, rv, "C_GetTokenInfo");
    if (info.flags & CKF_USER_PIN_LOCKED)
        return err_set(err, ERR_HSM_PIN, "HSM %s: its user PIN is locked: unlock it with the HSM's own tools",
                       h->title);
    if (careful && (info.flags & CKF_USER_PIN_FINAL_TRY))
        return err_set(err, ERR_HSM_PIN,
                       "HSM %s: one try of its user PIN is left: type it with castation unlock", h->title);
    return 0;
}

/* Where libp11 has an instance of the module to itself, our login is not its login. The PIN has just been
 * accepted: this is no further try of it. libp11 keeps a copy of it, outside of locked memory: only such
 * modules make us call this. */
static int login_libp11(struct hsm *h, const struct buf *pin, struct err *err)
{
    struct buf copy;
    buf_init_secret(&copy);
    int rc = buf_put(&copy, pin->data, pin->len, err);
    const char *text = rc == 0 ? buf_cstr(&copy) : NULL;
    if (rc == 0 && (!text || PKCS11_login(h->p11_slot, 0, text) != 0))
        rc = hsm_evp_failed(h, "libp11 cannot log in", err);
    buf_done(&copy);
    return rc;
}

int hsm_login(struct hsm *h, const struct buf *pin, struct err *err)
{
    CK_RV rv = h->f->C_Login(h->session, CKU_USER, pin->data, (CK_ULONG)pin->len);
    if (rv != CKR_OK) /* ALREADY_LOGGED_IN too: it would say nothing about this PIN */
        return hsm_fault(err, rv, "C_Login");
    h->logged_in = true;
    return h->instances ? login_libp11(h, pin, err) : 0;
}

int hsm_check(struct hsm *h, struct err *err)
{
    CK_SESSION_INFO info;
    CK_RV rv = h->f->C_GetSessionInfo(h->session, &info);
    if (rv != CKR_OK) {
        hsm_fault(err, rv, "C_GetSessionInfo");
        err->code = ERR_HSM_GONE; /* whatever it says: a session that cannot be asked about is lost */
        return -1;
    }
    if (h->logged_in && info.state != CKS_RW_USER_FUNCTIONS && info.state != CKS_RO_USER_FUNCTIONS)
        return err_set(err, ERR_HSM_GONE, "HSM: the session is no longer logged in (state %lu)", info.state);
    return 0;
}

/* ---- errors of libp11 --------------------------------------------------------------------------- */

int hsm_evp_failed(struct hsm *h, const char *what, struct err *err)
{
    CK_RV rv = CKR_OK;
    char said[128] = "no reason given";
    for (unsigned long e; (e = ERR_get_error()) != 0;) {
        const char *lib = ERR_lib_error_string(e);
        ERR_error_string_n(e, said, sizeof(said));
        if (lib && strstr(lib, "PKCS#11") != NULL && !is_gone(rv)) /* its reasons are CK_RVs */
            rv = (CK_RV)ERR_GET_REASON(e);
    }
    if (rv != CKR_OK && is_gone(rv))
        return hsm_fault(err, rv, what);
    struct err probe;
    if (h->has_session && hsm_check(h, &probe) != 0) {
        *err = probe;
        return err_prepend(err, "%s", what);
    }
    return err_ckr(err, ERR_HSM, rv, "HSM: %s: %s", what, said);
}

/* ---- random bytes, HMAC ------------------------------------------------------------------------- */

int hsm_random(struct hsm *h, void *dst, size_t len, struct err *err)
{
    CK_RV rv = h->f->C_GenerateRandom(h->session, dst, (CK_ULONG)len);
    return rv == CKR_OK ? 0 : hsm_fault(err, rv, "C_GenerateRandom");
}

int hsm_hmac(struct hsm *h, uint32_t version, const void *data, size_t len, uint8_t ret[HSM_HMAC_SIZE],
             struct err *err)
{
    if (version == 0 || version > HSM_SO_VERSION_MAX || h->so_pin[version] == 0)
        return err_set(err, ERR_NOT_FOUND, "HSM: there is no SO-PIN master key of version %u", version);
    CK_MECHANISM mechanism = {.mechanism = CKM_SHA256_HMAC};
    CK_RV rv = h->f->C_SignInit(h->session, &mechanism, h->so_pin[version]);
    if (rv != CKR_OK)
        return hsm_fault(err, rv, "C_SignInit (HMAC)");
    uint8_t mac[HSM_HMAC_SIZE];
    CK_ULONG n = sizeof(mac);
    void *input;
    memcpy(&input, &data,
           sizeof(input)); /* Cryptoki's C_Sign takes a pointer to non-const and does not write */
    rv = h->f->C_Sign(h->session, input, (CK_ULONG)len, mac, &n);
    if (rv == CKR_OK && n == sizeof(mac))
        memcpy(ret, mac, sizeof(mac));
    explicit_bzero(mac, sizeof(mac));
    if (rv != CKR_OK)
        return hsm_fault(err, rv, "C_Sign (HMAC)");
    return n == HSM_HMAC_SIZE ? 0 : err_set(err, ERR_HSM, "HSM: C_Sign (HMAC): %lu bytes instead of 32", n);
}
