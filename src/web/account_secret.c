#include <string.h>

#include "web/account_web.h"

static const enum text_id FAULTS[] = {
    [PASSWORD_SHORT] = TEXT_PASSWORD_SHORT,   [PASSWORD_LONG] = TEXT_PASSWORD_LONG,
    [PASSWORD_BYTES] = TEXT_PASSWORD_BYTES,   [PASSWORD_PERSONAL] = TEXT_PASSWORD_PERSONAL,
    [PASSWORD_COMMON] = TEXT_PASSWORD_COMMON, [PASSWORD_REPEATED] = TEXT_PASSWORD_REPEATED,
};

/* One byte over the limit is kept, so that the rules see that it is too long. */
int web_secret(const struct web_call *c, const char *field, struct buf *ret, struct err *err)
{
    const char *typed = web_field(c, field);
    buf_init_secret(ret);
    return buf_put(ret, typed, strnlen(typed, ACCOUNT_PASSWORD_MAX + 1), err);
}

int web_check_new_password(struct web_call *c, const struct account_user *u, const struct buf *password,
                           struct err *err)
{
    const char *again = web_field(c, "password_again");
    enum account_password_fault fault = account_password_fault(u, password);
    if (fault != PASSWORD_FINE)
        return web_error(c, "password", FAULTS[fault], err);
    if (strlen(again) != password->len || memcmp(again, password->data, password->len) != 0)
        return web_error(c, "password_again", TEXT_PASSWORD_DIFFERS, err);
    return 0;
}

int web_hash_new_password(struct web_call *c, const struct account_user *u, char ret_hash[192],
                          struct err *err)
{
    struct buf password;
    int rc = web_secret(c, "password", &password, err);
    if (rc == 0)
        rc = web_check_new_password(c, u, &password, err);
    if (rc == 0 && !web_has_errors(c))
        rc = account_password_hash(&password, ret_hash, err);
    buf_done(&password);
    return rc;
}

int web_password_right(struct web_call *c, const char *account, const char *field, bool *ret_right,
                       struct err *err)
{
    struct buf password;
    int rc = web_secret(c, field, &password, err);
    if (rc == 0)
        rc = account_password_right(c->db, account, &password, ret_right, err);
    buf_done(&password);
    return rc;
}

void web_code(const struct web_call *c, const char *field, char ret[8])
{
    size_t n = 0;
    for (const char *typed = web_field(c, field); *typed && n < 7; typed++)
        if (*typed != ' ')
            ret[n++] = *typed;
    ret[n] = '\0';
}
