/* What an e-mail address and a telephone number may be. */
#include <string.h>

#include "portal/account.h"

#define MOBILE_MIN 5
#define MOBILE_MAX 20
#define LABEL_MAX  63 /* RFC 1035 */

#define ALPHABET "abcdefghijklmnopqrstuvwxyz"
#define DIGITS   "0123456789"
static const char LOCAL[] = ALPHABET DIGITS ".!#$%&'*+/=?^_`{|}~-"; /* RFC 5322's atext, and dots */
static const char DOMAIN[] = ALPHABET DIGITS "-";

/* Labels of letters, digits and inner hyphens, at least two. */
static bool domain_ok(const char *domain)
{
    size_t labels = 0;
    for (;; domain++) {
        size_t len = strspn(domain, DOMAIN);
        if (len == 0 || len > LABEL_MAX || domain[0] == '-' || domain[len - 1] == '-')
            return false;
        labels++;
        domain += len;
        if (*domain != '.')
            return *domain == '\0' && labels >= 2;
    }
}

static bool local_ok(const char *local, size_t len)
{
    if (len == 0 || local[0] == '.' || local[len - 1] == '.')
        return false;
    for (size_t i = 0; i + 1 < len; i++)
        if (local[i] == '.' && local[i + 1] == '.')
            return false;
    return strspn(local, LOCAL) == len;
}

/* ASCII only, whatever the locale. */
int account_email(const char *typed, char ret[ACCOUNT_EMAIL_MAX + 1], struct err *err)
{
    size_t len = strlen(typed);
    if (len == 0)
        return err_set(err, ERR_FIELD, "email: it is empty");
    if (len > ACCOUNT_EMAIL_MAX)
        return err_set(err, ERR_FIELD, "email: %zu bytes, at most %d are allowed", len, ACCOUNT_EMAIL_MAX);
    for (size_t i = 0; i <= len; i++)
        ret[i] = (char)(typed[i] >= 'A' && typed[i] <= 'Z' ? typed[i] - 'A' + 'a' : typed[i]);
    const char *at = strchr(ret, '@');
    if (!at || !local_ok(ret, (size_t)(at - ret)) || !domain_ok(at + 1))
        return err_set(err, ERR_FIELD, "email: it is not like name@example.com");
    return 0;
}

int account_mobile_check(const char *mobile, struct err *err)
{
    size_t len = strlen(mobile);
    const char *rest = mobile + (*mobile == '+');
    if (len == 0)
        return 0;
    if (len < MOBILE_MIN || len > MOBILE_MAX || rest[strspn(rest, DIGITS "-")] != '\0' ||
        strcspn(rest, DIGITS) != 0)
        return err_set(err, ERR_FIELD, "mobile: %d to %d digits and hyphens", MOBILE_MIN, MOBILE_MAX);
    return 0;
}
