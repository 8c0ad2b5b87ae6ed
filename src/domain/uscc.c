#include "domain/uscc.h"

#include <string.h>
#include <strings.h>

#include "domain/plain_text.h"

#define INTERNAL_PREFIX "zcy"
#define INTERNAL_MAX    32

static const char ALPHABET[] = "0123456789ABCDEFGHJKLMNPQRTUWXY"; /* no I, O, S, V, Z */
#define MODULUS 31u

/* Authority, and the categories it registers (GB 32100-2015 table 2). */
static const struct {
    char authority;
    const char *categories;
} PAIRS[] = {
    {'1', "1239"}, {'2', "19"}, {'3', "123459"}, {'4', "19"}, {'5', "1239"}, {'6', "129"},
    {'7', "129"},  {'8', "19"}, {'9', "123"},    {'A', "19"}, {'N', "1239"}, {'Y', "1"},
};

/* Place of the character in the alphabet, or MODULUS when it has none. */
static unsigned int value(char c)
{
    const char *p = c ? strchr(ALPHABET, c) : NULL;
    return p ? (unsigned int)(p - ALPHABET) : MODULUS;
}

char uscc_check_character(const char *first17)
{
    unsigned int sum = 0, weight = 1; /* the weight of place i is 3^(i-1) mod 31 */
    for (size_t i = 0; i < USCC_LENGTH - 1; i++, weight = weight * 3 % MODULUS) {
        unsigned int v = value(first17[i]);
        if (v == MODULUS)
            return 0;
        sum += v * weight;
    }
    return ALPHABET[(MODULUS - sum % MODULUS) % MODULUS];
}

int uscc_check(const char *code, struct err *err)
{
    size_t len = strlen(code);
    if (strncasecmp(code, INTERNAL_PREFIX, strlen(INTERNAL_PREFIX)) == 0)
        return err_set(err, ERR_IDENTIFIER, "an internal identifier (zcy…) is no unified social credit code");
    if (len != USCC_LENGTH)
        return err_set(err, ERR_IDENTIFIER, "%zu characters; a unified social credit code has %d", len,
                       USCC_LENGTH);
    size_t good = strspn(code, ALPHABET);
    if (good != USCC_LENGTH)
        return err_set(err, ERR_IDENTIFIER, "character %zu is none of the alphabet %s", good + 1, ALPHABET);
    char right = uscc_check_character(code);
    if (code[USCC_LENGTH - 1] != right)
        return err_set(err, ERR_IDENTIFIER, "the check character is %c, by the other 17 it must be %c",
                       code[USCC_LENGTH - 1], right);
    return 0;
}

bool uscc_pair_known(const char *code)
{
    for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++)
        if (code[0] == PAIRS[i].authority)
            return code[1] && strchr(PAIRS[i].categories, code[1]) != NULL;
    return false;
}

void uscc_complete(char code[USCC_LENGTH + 1])
{
    code[USCC_LENGTH - 1] = uscc_check_character(code);
    code[USCC_LENGTH] = '\0';
}

int internal_identifier_check(const char *id, struct err *err)
{
    size_t len = strlen(id), prefix = strlen(INTERNAL_PREFIX);
    if (len == USCC_LENGTH && uscc_check_character(id) == id[USCC_LENGTH - 1])
        return err_set(err, ERR_IDENTIFIER, "this is a unified social credit code: the kind must be USCC");
    if (strncmp(id, INTERNAL_PREFIX, prefix) != 0)
        return err_set(err, ERR_IDENTIFIER, "an internal identifier begins with " INTERNAL_PREFIX);
    if (len == prefix || len > INTERNAL_MAX)
        return err_set(err, ERR_IDENTIFIER, "%zu characters; an internal identifier has %zu to %d", len,
                       prefix + 1, INTERNAL_MAX);
    if (!plain_id_ok(id, INTERNAL_MAX))
        return err_set(err, ERR_IDENTIFIER, "an internal identifier has only letters, digits and hyphens");
    return 0;
}
