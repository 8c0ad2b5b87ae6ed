/* What a password may not be. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/utf8.h"
#include "portal/account.h"

#define PERSONAL_MIN 4 /* bytes: a shorter name says nothing */
#define BLOCK_MAX    4 /* "abcabcabcabc" is one block of three, repeated */

static const char *const COMMON[] = {
#define X(word) word,
#define WORD(word)
#include "portal/account_password_common.def"
#undef X
#undef WORD
};
static const char *const WORDS[] = {
#define X(word)
#define WORD(word) word,
#include "portal/account_password_common.def"
#undef X
#undef WORD
};
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const char *const REASONS[] = {
    [PASSWORD_SHORT] = "it is too short",
    [PASSWORD_LONG] = "it is too long",
    [PASSWORD_BYTES] = "it has a control character, or is no UTF-8",
    [PASSWORD_PERSONAL] = "the e-mail address or the name stands in it",
    [PASSWORD_COMMON] = "it is one of the most common ones",
    [PASSWORD_REPEATED] = "it repeats the same few characters",
};

/* ASCII letters only: enough to find a word that was written in capitals. */
static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool repeated(const char *s, size_t len)
{
    for (size_t block = 1; block <= BLOCK_MAX; block++) {
        size_t i = block;
        while (i < len && s[i] == s[i - block])
            i++;
        if (i >= len)
            return true;
    }
    return false;
}

/* Each character is the one before it plus `step`: 0123456789, zyxwvutsrq. */
static bool sequence(const char *s, size_t len, int step)
{
    for (size_t i = 1; i < len; i++)
        if (s[i] != s[i - 1] + step && !(s[i - 1] == '9' && s[i] == '0' && step == 1))
            return false;
    return true;
}

/* A common password, or a common word with only digits and signs around it: "Admin@123456". */
static bool common(const char *s, size_t len)
{
    size_t from = 0, to = len;
    for (size_t i = 0; i < COUNT_OF(COMMON); i++)
        if (strlen(COMMON[i]) == len && memcmp(COMMON[i], s, len) == 0)
            return true;
    while (from < to && !letter(s[from]) && (unsigned char)s[from] < 0x80)
        from++;
    while (to > from && !letter(s[to - 1]) && (unsigned char)s[to - 1] < 0x80)
        to--;
    for (size_t i = 0; i < COUNT_OF(WORDS); i++)
        if (strlen(WORDS[i]) == to - from && memcmp(WORDS[i], s + from, to - from) == 0)
            return true;
    return sequence(s, len, 1) || sequence(s, len, -1);
}

static bool contains(const char *s, const char *word, size_t n)
{
    char small[ACCOUNT_NAME_MAX * 4 + 1];
    if (n < PERSONAL_MIN || n >= sizeof(small))
        return false;
    for (size_t i = 0; i < n; i++)
        small[i] = lower(word[i]);
    small[n] = '\0';
    return strstr(s, small) != NULL;
}

static bool has_control(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return true;
    return false;
}

/* `s` is the password in lower case. */
static enum account_password_fault find_fault(const struct account_user *u, const char *s, size_t len)
{
    if (!utf8_valid(s, len) || has_control(s, len))
        return PASSWORD_BYTES;
    if (utf8_chars(s) < ACCOUNT_PASSWORD_MIN)
        return PASSWORD_SHORT;
    if (repeated(s, len))
        return PASSWORD_REPEATED;
    if (common(s, len))
        return PASSWORD_COMMON;
    if (contains(s, u->email, strcspn(u->email, "@")) || contains(s, u->name, strlen(u->name)))
        return PASSWORD_PERSONAL;
    return PASSWORD_FINE;
}

enum account_password_fault account_password_fault(const struct account_user *u, const struct buf *password)
{
    char s[ACCOUNT_PASSWORD_MAX + 1];
    if (password->len > ACCOUNT_PASSWORD_MAX)
        return PASSWORD_LONG;
    for (size_t i = 0; i < password->len; i++)
        s[i] = lower((char)password->data[i]);
    s[password->len] = '\0';
    enum account_password_fault fault = find_fault(u, s, password->len);
    OPENSSL_cleanse(s, sizeof(s));
    return fault;
}

int account_password_check_rules(const struct account_user *u, const struct buf *password, struct err *err)
{
    enum account_password_fault fault = account_password_fault(u, password);
    return fault == PASSWORD_FINE ? 0 : err_set(err, ERR_FIELD, "password: %s", REASONS[fault]);
}
