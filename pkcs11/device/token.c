#include "device/token.h"

#include <string.h>

#include "device/ckr.h"

#define SLOTS_MAX 64u

/* ---- finding
 * ------------------------------------------------------------------------------------------------------ */

static int slots(const struct module *m, CK_SLOT_ID ids[SLOTS_MAX], CK_ULONG *ret_n, struct err *err)
{
    const CK_FUNCTION_LIST *c = module_calls(m);
    CK_ULONG n = 0;
    CK_RV rv = c->C_GetSlotList(CK_TRUE, NULL, &n); /* some modules look for new tokens only in this form */
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_GetSlotList");
    n = SLOTS_MAX;
    rv = c->C_GetSlotList(CK_TRUE, ids, &n);
    if (rv != CKR_OK)
        return ckr_fail(err, rv, "C_GetSlotList");
    if (n > SLOTS_MAX)
        return err_set(err, ERR_MODULE, "C_GetSlotList: %lu slots, at most %u were asked for", n, SLOTS_MAX);
    *ret_n = n;
    return 0;
}

/* CKR_OK: there is a token in the slot that can be spoken to. */
static CK_RV look(const struct module *m, CK_SLOT_ID slot, struct token *ret)
{
    memset(ret, 0, sizeof(*ret));
    CK_RV rv = module_calls(m)->C_GetTokenInfo(slot, &ret->info);
    ret->slot = slot;
    module_text(ret->info.serialNumber, sizeof(ret->info.serialNumber), ret->serial, sizeof(ret->serial));
    return rv;
}

static bool begins(const unsigned char *padded, size_t len, const char *prefix)
{
    return !prefix || (strlen(prefix) <= len && memcmp(padded, prefix, strlen(prefix)) == 0);
}

static int check_product(const struct token *t, const struct product *p, struct err *err)
{
    const CK_TOKEN_INFO *i = &t->info;
    if (begins(i->manufacturerID, sizeof(i->manufacturerID), p->manufacturer) &&
        begins(i->model, sizeof(i->model), p->model))
        return 0;
    char maker[LABEL_SIZE], model[17];
    module_text(i->manufacturerID, sizeof(i->manufacturerID), maker, sizeof(maker));
    module_text(i->model, sizeof(i->model), model, sizeof(model));
    return err_set(err, ERR_TOKEN_PRODUCT, "token %s is \"%s\" by \"%s\", the bay is set up for %s",
                   t->serial, model, maker, p->title);
}

/* What a walk over the slots found. */
struct survey {
    struct token wanted, other;
    unsigned int n_wanted, n_other;
    CK_RV silent; /* what a slot answered that would not say what is in it */
};

static int walk(const struct module *m, const char *serial, struct survey *ret, struct err *err)
{
    CK_SLOT_ID ids[SLOTS_MAX];
    CK_ULONG n = 0;
    if (slots(m, ids, &n, err) != 0)
        return -1;
    memset(ret, 0, sizeof(*ret));
    for (CK_ULONG i = 0; i < n; i++) {
        struct token t;
        CK_RV rv = look(m, ids[i], &t);
        if (rv != CKR_OK) {
            ret->silent = rv;
            continue;
        }
        /* the spare slot that SoftHSM always shows has neither serial nor content */
        if (t.serial[0] == '\0' && !(t.info.flags & CKF_TOKEN_INITIALIZED))
            continue;
        if (serial[0] == '\0' || strcmp(t.serial, serial) == 0) {
            ret->wanted = t;
            ret->n_wanted++;
        } else {
            ret->other = t;
            ret->n_other++;
        }
    }
    return 0;
}

int token_find(const struct module *m, const struct product *p, const char *serial, struct token *ret,
               struct err *err)
{
    struct survey s;
    if (walk(m, serial, &s, err) != 0)
        return -1;
    const char *name = serial[0] != '\0' ? serial : "any token";
    if (s.n_wanted == 0 && s.n_other > 0)
        return err_set(err, ERR_TOKEN_CHANGED, "token %s is expected, %s is there", serial, s.other.serial);
    if (s.n_wanted == 0 && s.silent != CKR_OK)
        return err_ckr(err, ERR_TOKEN_ABSENT, s.silent, "%s is expected; C_GetTokenInfo: %s", name,
                       ckr_name(s.silent));
    if (s.n_wanted == 0)
        return err_set(err, ERR_TOKEN_ABSENT, "%s is expected, none is there", name);
    if (s.n_wanted > 1)
        return err_set(err, ERR_WRONG_STATE, "%s is expected, %u answer to it", name, s.n_wanted);
    if (check_product(&s.wanted, p, err) != 0)
        return -1;
    *ret = s.wanted;
    return 0;
}

int token_find_uninitialised(const struct module *m, struct token *ret, struct err *err)
{
    CK_SLOT_ID ids[SLOTS_MAX];
    CK_ULONG n = 0;
    if (slots(m, ids, &n, err) != 0)
        return -1;
    for (CK_ULONG i = 0; i < n; i++)
        if (look(m, ids[i], ret) == CKR_OK && !(ret->info.flags & CKF_TOKEN_INITIALIZED))
            return 0;
    return err_set(err, ERR_TOKEN_ABSENT, "no uninitialised token is there");
}

/* ---- before a try
 * ------------------------------------------------------------------------------------------------ */

/* The gravest first: the text names one. */
static const struct {
    CK_FLAGS so, user;
    const char *says;
} WARNINGS[] = {
    {CKF_SO_PIN_LOCKED, CKF_USER_PIN_LOCKED, "is locked"},
    {CKF_SO_PIN_FINAL_TRY, CKF_USER_PIN_FINAL_TRY, "has one try left"},
    {CKF_SO_PIN_COUNT_LOW, CKF_USER_PIN_COUNT_LOW, "was tried wrongly before"},
};

int token_check_so_pin(const struct token *t, bool own_low, struct err *err)
{
    if (!(t->info.flags & CKF_TOKEN_INITIALIZED))
        return 0;
    for (size_t i = 0; i < sizeof(WARNINGS) / sizeof(WARNINGS[0]); i++) {
        if (own_low && WARNINGS[i].so == CKF_SO_PIN_COUNT_LOW)
            continue;
        if (t->info.flags & WARNINGS[i].so)
            return err_set(err, ERR_PIN_LOCKED, "token %s: its SO PIN %s; no try was made", t->serial,
                           WARNINGS[i].says);
    }
    return 0;
}

int token_check_user_pin(const struct token *t, struct err *err)
{
    for (size_t i = 0; i < sizeof(WARNINGS) / sizeof(WARNINGS[0]); i++)
        if (t->info.flags & WARNINGS[i].user)
            return err_set(err, ERR_PIN_LOCKED, "token %s: its user PIN %s; no try was made", t->serial,
                           WARNINGS[i].says);
    return 0;
}

/* ---- initialising
 * ------------------------------------------------------------------------------------------------ */

int token_init(const struct module *m, const struct token *t, const struct buf *so_pin, const char *label,
               struct err *err)
{
    unsigned char padded[32]; /* blank-padded, no NUL: PKCS#11 v2.40 section 5.5 */
    size_t len = strlen(label);
    if (len > sizeof(padded))
        return err_set(err, ERR_FIELD, "label of %zu bytes, a token takes %zu", len, sizeof(padded));
    memset(padded, ' ', sizeof(padded));
    memcpy(padded, label, len);
    CK_RV rv = module_calls(m)->C_InitToken(t->slot, so_pin->data, so_pin->len, padded);
    if (rv == CKR_OK)
        return 0;
    ckr_fail(err, rv, "C_InitToken");
    if (ckr_pin_refused(rv))
        err->code = ERR_SO_PIN;
    return -1;
}
